"""Whether somebody may do an action on a case now: its status, its playbook's order, their group, and what it waits
for.

The same checks decide what `GET …/actions` offers and what is carried out, so that both always agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from services.base.errors import WrongState
from services.casework import escalation, links
from services.casework.handlers import assigning, billing, compensating, settling
from services.casework.permissions import require_may_act
from services.casework.registry import Beside
from services.casework.work import Work
from services.complaints.lifecycle import target
from services.people.keys import Caller
from services.plan.playbooks import Step

# What can still be done to a case that follows another.
_WHILE_MERGED: Final = frozenset({"note", "correct", "unmerge"})
# Reaching the customer is never out of turn; it settles its step when it is that one's turn.
_ANY_TIME: Final = frozenset({"contact"})


def require_may(work: Work, action: str, caller: Caller, beside: Beside) -> None:
    """Raises `Forbidden` or `WrongState`, with what to do instead, when the action is not possible for the caller."""
    target(work.status, action, work.category)
    if work.case.merged_into is not None and action not in _WHILE_MERGED:
        raise WrongState("the case is merged into another one and ends with it; unmerge it first", ("note", "unmerge"))
    require_may_act(work.in_force, caller, work.group, _done_by(work, action))
    _require_turn(work, action)
    check = _CHECKS.get(action)
    if check is not None:
        check(work, beside)


def _done_by(work: Work, action: str) -> str | None:
    """The group that does this action, when it is not the case's own."""
    if action == "pay":
        return work.plan.compensation.paid_by
    playbook = work.handling.playbook_of(work.plan)
    steps = playbook.steps if playbook else ()
    return next((step.by for step in steps if step.action == action and step.by), None)


def _require_turn(work: Work, action: str) -> None:
    """Raises `WrongState` when the playbook has this action for later."""
    if action in _ANY_TIME:
        return
    following = _first_before(work, action)
    if following is not None:
        skip = "; or skip it, with the reason" if following.may_skip else ""
        raise WrongState(
            f"'{action}' is not next in the playbook '{work.handling.playbook}': first comes '{following.code}' "
            f"({following.name.en}), done with '{following.action}'{skip}",
            (following.action, "skip") if following.may_skip else (following.action,),
        )


def _first_before(work: Work, action: str) -> Step | None:
    """The step that comes before this action; None when it is its turn, or the playbook has it nowhere.

    A step that nobody has found to be wanted yet has its turn, too: what decides about that comes before it.
    """
    handling = work.handling
    playbook = handling.playbook_of(work.plan)
    if playbook is None or handling.step_for(work.plan, action) is not None:
        return None
    places = [at for at, step in enumerate(playbook.steps) if step.action == action and step.code not in handling.over]
    if not places or playbook.steps[places[0]].early:
        return None
    before = {step.code for step in playbook.steps[: places[0]]}
    return next((step for step in handling.open_steps(work.plan) if step.code in before), None)


def _no_open_children(work: Work, beside: Beside) -> None:
    waiting = links.open_children(beside.views)
    if waiting:
        raise WrongState(f"its child {', '.join(waiting)} is not settled yet", ())


def _decided(work: Work, beside: Beside) -> None:
    _no_open_children(work, beside)
    compensating.require_nothing_undecided(work)


def _merged(work: Work, beside: Beside) -> None:
    if work.case.merged_into is None:
        raise WrongState("the case is not merged into another", ())


def _escalated(work: Work, beside: Beside) -> None:
    standing = escalation.Escalation.of(work.case.escalation)
    if standing is None or standing.acknowledged_at is not None:
        raise WrongState("no escalation of this case waits to be acknowledged", ())
    escalation.require_may_acknowledge(work, standing)


def _unreported(work: Work, beside: Beside) -> None:
    if work.case.reported_at is not None:
        raise WrongState("the leadership group was told of it already", ())


def _something_to_skip(work: Work, beside: Beside) -> None:
    if not any(step.may_skip for step in work.handling.open_steps(work.plan)):
        raise WrongState("no open step of the playbook may be skipped", ())


_CHECKS: Final[Mapping[str, Callable[[Work, Beside], object]]] = MappingProxyType(
    {
        "legal-check": lambda work, beside: billing.require_counsel(work),
        "compensate": lambda work, beside: compensating.require_no_offer(work),
        "approve": lambda work, beside: compensating.require_may_decide(work),
        "decline": lambda work, beside: compensating.require_may_decide(work),
        "customer-answer": lambda work, beside: compensating.require_offered(work),
        "pay": lambda work, beside: compensating.require_payable(work),
        "assign": lambda work, beside: assigning.require_may_assign(work),
        "acknowledge": _escalated,
        "escalate": lambda work, beside: escalation.require_somebody_above(work),
        "report": _unreported,
        "skip": _something_to_skip,
        "unmerge": _merged,
        "resolve": _decided,
        "reject": lambda work, beside: settling.require_nothing_unpaid(work),
        "close": lambda work, beside: settling.require_nothing_unpaid(work),
    }
)
