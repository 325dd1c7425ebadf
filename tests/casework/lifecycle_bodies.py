"""What people write into actions, drawn by hypothesis: mostly what fits the case, sometimes what does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from services.casework.action import ActionBody
from services.casework.registry import BODIES
from services.plan.schema import Plan


@dataclass(frozen=True, slots=True)
class Facts:
    """What somebody sees who fills in a form about a case."""

    plan: Plan
    now: datetime
    version: int
    group: str | None
    open_steps: Sequence[str]
    """Those that may be skipped first."""
    others: Sequence[str]
    """The references of the other cases, and of those of the same customer that are being handled."""
    alike: Sequence[str]


Drawn = dict[str, Any]
Maker = Callable[[Facts], st.SearchStrategy[Drawn]]

_SOON = [timedelta(seconds=1), timedelta(minutes=20), timedelta(hours=5), timedelta(days=3), timedelta(days=80)]
_PAST = [timedelta(0), timedelta(minutes=1), timedelta(hours=3)]
_AMOUNTS = ["0.01", "59.00", "200", "200.01", "2000", "2000.01", "5000.01", "50000", "50000.01", "1.005"]


def bodies(action: str, facts: Facts) -> st.SearchStrategy[ActionBody]:
    """Bodies for an action on such a case."""
    kind = BODIES[action]
    maker = _MAKERS.get(action)
    drawn = st.just({}) if maker is None else maker(facts)
    return drawn.map(lambda values: kind.model_validate({**kind.EXAMPLE, **values}))


def _members(facts: Facts) -> list[str]:
    return [one.person.login for one in facts.plan.members_of(facts.group)] if facts.group else ["wang.fang"]


def _ahead(name: str, *, extra: Drawn | None = None) -> Maker:
    return lambda facts: st.sampled_from([{name: facts.now + delta, **(extra or {})} for delta in _SOON])


def _ago(name: str) -> Maker:
    return lambda facts: st.sampled_from([{}, *({name: facts.now - delta} for delta in _PAST)])


def _other(name: str, **more: st.SearchStrategy[Any]) -> Maker:
    def make(facts: Facts) -> st.SearchStrategy[Drawn]:
        names = (name == "into" and facts.alike) or facts.others or ["RD-7K3M-9PQ2-X"]
        return st.fixed_dictionaries({name: st.sampled_from(names), **more})

    return make


def _dictionary(**fields: st.SearchStrategy[Any]) -> Maker:
    return lambda facts: st.fixed_dictionaries(fields)


def _skipped(facts: Facts) -> st.SearchStrategy[Drawn]:
    codes = list(facts.open_steps) or ["check"]
    return st.integers(1, 2).map(lambda count: {"steps": tuple(codes[:count])})


_GUIDANCE = {"text": "请重启光猫。"}
_MAKERS: Mapping[str, Maker] = {
    "assign": lambda facts: st.sampled_from([{"assignee": login} for login in _members(facts)]),
    "hand-over": lambda facts: st.sampled_from([{"group": group.code} for group in facts.plan.groups]),
    "contact": _dictionary(
        outcome=st.sampled_from(["reached", "no_answer", "busy"]), way=st.sampled_from(["phone", "email"])
    ),
    "set-eta": _ahead("estimated_repair_at", extra={"reason": "等待备件。"}),
    "repair": _ago("repaired_at"),
    "review": _dictionary(
        misleading=st.sampled_from(["yes", "no", "partly"]),
        explanation_wanted=st.booleans(),
        compensation_wanted=st.sampled_from([True, True, False]),
        legal_check_wanted=st.booleans(),
    ),
    "legal-check": _dictionary(outcome=st.sampled_from(["lawful", "unlawful", "risk"])),
    "compensate": _dictionary(amount=st.sampled_from(_AMOUNTS), kind=st.sampled_from(["refund", "credit", "waiver"])),
    "customer-answer": _dictionary(answer=st.sampled_from(["accepted", "disputed"])),
    "pay": _ago("paid_at"),
    "guide": lambda facts: st.sampled_from(
        [_GUIDANCE, {"article": "router_setup"}, {**_GUIDANCE, "site_visit_wanted": True}]
    ),
    "site-visit": _ahead("visit_at"),
    "skip": _skipped,
    "close": _dictionary(
        decision=st.sampled_from(["customer_accepted", "final_decision"]), reason=st.just("客户在电话中确认。")
    ),
    "correct": lambda facts: st.integers(1, facts.version).map(lambda number: {"number": number}),
    "resume": _dictionary(said=st.sampled_from([None, "设备编号 HG8145。"])),
    "reclassify": _dictionary(
        category=st.sampled_from([None, "outage", "billing", "technical_support"]),
        severity=st.sampled_from([None, "critical", "major", "minor", "low"]),
    ),
    "link": _other("to", relation=st.sampled_from(["repeat", "child", "related"])),
    "unlink": _other("from"),
    "merge": _other("into"),
}
