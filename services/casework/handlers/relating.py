"""Saying how cases hang together: links, parent and child, merging duplicates of one customer and parting them
again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from services.base.errors import Conflict, WrongState
from services.casework import escalation
from services.casework.action import ActionBody, CaseName, Words, wrong
from services.casework.handlers import conversing
from services.casework.links import LinkView, NewLink
from services.casework.work import Work
from services.complaints.events import Linked, Relation, Unlinked
from services.complaints.lifecycle import ON_HAND
from services.plan.values import Text


class Link(ActionBody):
    """Say that this case is a repeat or a child of another one, or related to it."""

    ACTION: ClassVar[str] = "link"
    NAME: ClassVar[Text] = Text(zh="关联工单", en="Link")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"to": "RD-7K3M-9PQ2-X", "relation": "related"}

    to: CaseName = Field(description="The other case: its id or reference.")
    relation: Literal["repeat", "child", "related"]
    reason: Words | None = None


class Unlink(ActionBody):
    """Say that this case does not hang together with another one after all."""

    ACTION: ClassVar[str] = "unlink"
    NAME: ClassVar[Text] = Text(zh="取消关联", en="Unlink")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"from": "RD-7K3M-9PQ2-X"}

    source: CaseName = Field(alias="from", description="The other case: its id or reference.")
    reason: Words | None = None


class Merge(ActionBody):
    """Say that this case is a duplicate of another one of the same customer: it follows the other, and ends with it."""

    ACTION: ClassVar[str] = "merge"
    NAME: ClassVar[Text] = Text(zh="合并重复投诉", en="Merge")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"into": "RD-7K3M-9PQ2-X", "reason": "同一客户就同一故障重复来电。"}

    into: CaseName = Field(description="The case that goes on: its id or reference.")
    reason: Words


class Unmerge(ActionBody):
    """Say that this case is no duplicate after all: it goes on by itself."""

    ACTION: ClassVar[str] = "unmerge"
    NAME: ClassVar[Text] = Text(zh="取消合并", en="Unmerge")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reason": "两次投诉的故障并不相同。"}

    reason: Words


def link(work: Work, other: Work, body: Link, views: Sequence[LinkView]) -> NewLink:
    """The link, told in the record of both. Raises `Conflict` for one that would go round in a circle."""
    _require_other(work, other, "to")
    between = [view for view in views if view.other == other.case.id and view.relation == body.relation]
    if any(view.outward or view.relation == "related" for view in between):
        raise wrong("to", "is linked so already", "unchanged")
    if body.relation == "repeat" and between:
        raise Conflict(f"{other.case.reference} is the repeat of this case; unlink it first")
    if body.relation == "child":
        _require_no_circle(work, other, views)
    return _tell_both(work, other, body.relation, body.reason)


def unlink(work: Work, other: Work, body: Unlink, views: Sequence[LinkView]) -> tuple[Any, Any]:
    """The pair whose link goes. Raises `Invalid` when there is none, or it is a merge, which is taken back
    otherwise.
    """
    view = next((view for view in views if view.other == other.case.id), None)
    if view is None:
        linked = ", ".join(view.reference for view in views)
        raise wrong("from", f"is not linked with this case; linked are {linked or 'none'}", "unknown")
    if view.relation == "duplicate":
        raise wrong("from", "is merged with this case; use unmerge on the duplicate", "merged")
    inward, outward = (work, other) if view.outward else (other, work)
    _tell_parted(inward, outward, view.relation, body.reason)
    return inward.case.id, outward.case.id


def merge(work: Work, other: Work, body: Merge, views: Sequence[LinkView], *, same_customer: bool) -> NewLink:
    """The case follows the other: its own clocks stand, its person is free of it, and it ends with the other.

    Raises `Invalid` for a case of another customer, `Conflict` for one that is over or follows a third.
    """
    _require_other(work, other, "into")
    if not same_customer:
        raise wrong(
            "into",
            "is the complaint of another customer; each customer is answered, so link them as related or child",
            "other_customer",
        )
    duplicates = [view.reference for view in views if view.relation == "duplicate" and not view.outward]
    if duplicates:
        raise Conflict(f"{', '.join(duplicates)} is merged into this case; unmerge it, and merge each into the other")
    if other.case.merged_into is not None:
        raise Conflict(f"{other.case.reference} is merged into another case itself; merge into that one")
    if other.case.status not in ON_HAND:
        raise Conflict(f"{other.case.reference} is {other.case.status}; merge into a case that is being handled")
    made = _tell_both(work, other, "duplicate", body.reason, merged_into=other.case.id)
    work.moved(work.case.assignee if work.case.status in ON_HAND else None, None)
    work.clocks.pause_all(work.now)
    return made


def unmerge(work: Work, other: Work, body: Unmerge) -> tuple[Any, Any]:
    """The case goes on by itself, with the one who had it."""
    if work.case.merged_into is None:
        raise WrongState("the case is not merged into another", ())
    _tell_parted(work, other, "duplicate", body.reason, merged_into=None)
    if work.case.status in ON_HAND:
        work.moved(None, work.case.assignee)
        work.clocks.resume_all(work.now)
        _promise_again(work)
        escalation.wait_again(work)
        if work.case.status == "awaiting_customer":
            conversing.wait(work)
    return work.case.id, other.case.id


def _promise_again(work: Work) -> None:
    """The customer was told a time that is still to come, and the fault is not repaired."""
    estimate = work.case.estimated_repair_at
    if estimate is not None and estimate > work.now and work.clocks.get("promise") is None:
        work.clocks.promise(estimate, work.now)


def _tell_both(work: Work, other: Work, relation: Relation, reason: str | None, **values: Any) -> NewLink:
    private = {"reason": reason} if reason else None
    work.happened(
        Linked(
            reference=work.case.reference, other=other.case.id, other_reference=other.case.reference, relation=relation
        ),
        private,
        **values,
    )
    other.happened(
        Linked(
            reference=other.case.reference,
            other=work.case.id,
            other_reference=work.case.reference,
            relation=relation,
            outward=False,
        ),
        private,
    )
    return NewLink(work.case.id, other.case.id, relation, work.now, work.actor)


def _tell_parted(work: Work, other: Work, relation: Relation, reason: str | None, **values: Any) -> None:
    """``work`` is not the ``relation`` of the other any more."""
    private = {"reason": reason} if reason else None
    for one, the_other, changed in ((work, other, values), (other, work, {})):
        one.happened(
            Unlinked(
                reference=one.case.reference,
                other=the_other.case.id,
                other_reference=the_other.case.reference,
                relation=relation,
                outward=one is work,
            ),
            private,
            **changed,
        )


def _require_other(work: Work, other: Work, name: str) -> None:
    if work.case.id == other.case.id:
        raise wrong(name, "is this case itself", "same")


def _require_no_circle(work: Work, other: Work, views: Sequence[LinkView]) -> None:
    # One level: a child has no children. That is what two groups working on one matter need, and no more can go wrong.
    if any(view.relation == "child" and not view.outward for view in views):
        raise Conflict("this case has children of its own, so it can't be the child of another")
    if any(view.relation == "child" and view.outward for view in views):
        raise Conflict("this case is the child of another already; unlink it first")
