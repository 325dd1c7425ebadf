"""How the case was handled: who had it, the steps of the playbook, repair times, and how it ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal, cast

from services.casework.handling import Handling
from services.complaints import events
from services.complaints.lifecycle import OPEN
from services.complaints.queries import CaseView, Happening
from services.plan.schema import Plan
from services.records.history import History, first_after, private_of, time_in, words_of
from services.records.naming import step_name
from services.records.values import (
    Ending,
    Estimate,
    EstimateState,
    Held,
    PlaybookStep,
    Reclassification,
    StepDone,
    StepState,
    Told,
)

_ENDINGS: Final[Mapping[str, Literal["resolved", "rejected", "withdrawn", "closed", "reopened"]]] = {
    events.Resolved.TYPE: "resolved",
    events.Rejected.TYPE: "rejected",
    events.Withdrawn.TYPE: "withdrawn",
    events.Closed.TYPE: "closed",
    events.Reopened.TYPE: "reopened",
}
_LEAVES: Final = frozenset({events.Resolved.TYPE, events.Rejected.TYPE, events.Withdrawn.TYPE, events.Closed.TYPE})


def reclassifications(history: History) -> tuple[Reclassification, ...]:
    """What people put in place of the judgement."""
    return tuple(
        Reclassification(
            **history.entry(one),
            category_before=one.data.get("category_before"),
            category=one.data["category"],
            severity_before=one.data.get("severity_before"),
            severity=one.data["severity"],
            redispatched=bool(one.data.get("redispatched")),
            reason=words_of(one).get("reason"),
        )
        for one in history.of(events.Reclassified)
    )


def endings(history: History) -> tuple[Ending, ...]:
    """Each time that it was settled, refused, taken back, closed or taken up again."""
    found = history.of(events.Resolved, events.Rejected, events.Withdrawn, events.Closed, events.Reopened)
    return tuple(
        Ending(
            **history.entry(one),
            kind=_ENDINGS[one.type],
            decision=one.data.get("decision"),
            words=words_of(one).get("text") or words_of(one).get("reason"),
        )
        for one in found
    )


def holders(history: History) -> tuple[Held, ...]:
    """Who had the case from when to when, and why they."""
    held: list[Held] = []
    for one in history.all:
        taken = _taken(one, held)
        ends = taken is not None or one.type in _LEAVES or _merged(one)
        if ends and held and held[-1].until is None:
            held[-1] = replace(held[-1], until=one.time)
        if taken is not None:
            group, assignee, rule = taken
            fields = history.entry(one) | {"group": group, "assignee": assignee, "rule": rule}
            held.append(Held(**fields, until=None, reason=words_of(one).get("reason")))
    return tuple(held)


def _taken(one: Happening, held: Sequence[Held]) -> tuple[str | None, str | None, str] | None:
    """The group, person and rule that hold after this event, when it changes them."""
    last = held[-1] if held else None
    group, before = (last.group, last.assignee) if last else (None, None)
    data = one.data
    match one.type:
        case events.Dispatched.TYPE:
            return data["group"], data["assignee"], data["rule"]
        case events.Reassigned.TYPE:
            return group, data["assignee"], data["rule"]
        case events.HandedOver.TYPE:
            return data["group"], None, "handed_over"
        case events.Accepted.TYPE if data["assignee"] != before:
            return group, data["assignee"], "accepted"
        case events.Reclassified.TYPE if data.get("redispatched"):
            return None, None, "redispatched"
        case events.Reopened.TYPE if group is not None:
            # Who has it now stands in the private half, which is withheld from some; mostly it is who had it.
            return group, private_of(one).get("assignee") or before, "reopened"
        case events.Unlinked.TYPE if data["relation"] == "duplicate" and last is not None and last.until is not None:
            return group, before, "unmerged"
    return None


def _merged(one: Happening) -> bool:
    return one.type == events.Linked.TYPE and one.data["relation"] == "duplicate" and one.data.get("outward", True)


def steps(history: History, view: CaseView, plan: Plan) -> tuple[PlaybookStep, ...]:
    """The steps of the case's playbook in order, then those of playbooks that it ran under before."""
    done: dict[str, list[StepDone]] = defaultdict(list)
    under: dict[str, str | None] = {}
    playbook: str | None = None
    for one in history.all:
        playbook = one.data.get("playbook") or playbook
        code = one.data.get("step")
        if code is not None:
            state: StepState = "skipped" if one.type == events.StepSkipped.TYPE else "done"
            done[code].append(StepDone(**history.entry(one), state=state, type=one.type, words=words_of(one)))
            under[code] = playbook
    handling = Handling.of(view.handling)
    current = next((one for one in plan.playbooks if one.code == handling.playbook), None)
    waiting = {step.code for step in handling.open_steps(plan)} if current and view.status in OPEN else set()
    wanted = () if current is None else current.steps
    known = {step.code for step in wanted}
    return (
        *(
            PlaybookStep(
                step.code,
                step.name.model_dump(),
                handling.playbook,
                _state(step.code, waiting, done),
                tuple(done.get(step.code, ())),
            )
            for step in wanted
        ),
        *(
            PlaybookStep(
                code, step_name(plan, code, under[code]).model_dump(), under[code], each[-1].state, tuple(each)
            )
            for code, each in done.items()
            if code not in known
        ),
    )


def _state(code: str, waiting: Collection[str], done: Mapping[str, Sequence[StepDone]]) -> StepState:
    if code in waiting:
        return "open"
    return done[code][-1].state if done.get(code) else "not_wanted"


def estimates(history: History, notices: Sequence[Told]) -> tuple[Estimate, ...]:
    """The repair times that were set, when the customer was told each, and whether it was kept."""
    made = list(history.of(events.EstimateSet))
    return tuple(_estimate(history, one, first_after(one, made), notices) for one in made)


def _estimate(history: History, one: Happening, following: Happening | None, notices: Sequence[Told]) -> Estimate:
    promised = cast(datetime, time_in(one.data, "estimated_repair_at"))
    state, repaired_at = _estimate_state(history, one, following, promised)
    return Estimate(
        **history.entry(one),
        estimated_repair_at=promised,
        previous=time_in(one.data, "previous"),
        reason=words_of(one).get("reason"),
        told_at=_told_at(one, following, notices),
        state=state,
        repaired_at=repaired_at,
    )


def _estimate_state(
    history: History, one: Happening, following: Happening | None, promised: datetime
) -> tuple[EstimateState, datetime | None]:
    """Kept, broken, replaced or still open; and when the fault was repaired while this estimate stood."""
    ends = following.number if following else None
    while_it_stood = [
        other
        for other in history.of(events.Repaired, events.EstimateMissed, events.Reopened, events.Reclassified)
        if other.number > one.number and (ends is None or other.number < ends)
    ]
    repaired = next((other for other in while_it_stood if other.type == events.Repaired.TYPE), None)
    repaired_at = time_in(repaired.data, "repaired_at") if repaired else None
    missed = any(other.type == events.EstimateMissed.TYPE for other in while_it_stood)
    if missed or (repaired_at is not None and repaired_at > promised):
        return "broken", repaired_at
    if repaired_at is not None:
        return "kept", repaired_at
    if following is not None:
        return "replaced", None
    # Another kind of complaint, or taken up again: what was promised says nothing any more.
    dropped = any(_drops_estimate(other) for other in while_it_stood)
    return ("dropped" if dropped else "open"), None


def _drops_estimate(one: Happening) -> bool:
    data: Mapping[str, Any] = one.data
    return one.type == events.Reopened.TYPE or (
        one.type == events.Reclassified.TYPE and data.get("category") != data.get("category_before")
    )


def _told_at(one: Happening, following: Happening | None, notices: Sequence[Told]) -> datetime | None:
    """When the first notice of an estimate was sent that was asked for while this one stood."""
    return next(
        (
            notice.sent_at
            for notice in notices
            if notice.kind == "estimate"
            and notice.sent_at is not None
            and notice.requested_at >= one.time
            and (following is None or notice.requested_at < following.time)
        ),
        None,
    )
