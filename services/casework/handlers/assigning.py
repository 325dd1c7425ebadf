"""Who has a case: taking it up, taking it over, giving it to somebody, handing it to another group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from services.base.errors import Forbidden, Invalid, NotFound
from services.casework.action import ActionBody, CodeOf, Login, Words, wrong
from services.casework.handlers.conversing import stop_waiting
from services.casework.work import Work
from services.complaints.events import Accepted, HandedOver, Reassigned, Rule
from services.plan.values import Text
from services.plan.vocabulary import LEADERSHIP


class Accept(ActionBody):
    """Take the case up: it becomes yours. The customer is not told; speak to them."""

    ACTION: ClassVar[str] = "accept"
    NAME: ClassVar[Text] = Text(zh="接单", en="Accept")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {}


class Take(ActionBody):
    """Take over a case that somebody else of your group has."""

    ACTION: ClassVar[str] = "take"
    NAME: ClassVar[Text] = Text(zh="接手", en="Take over")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {}

    reason: Words | None = None


class Assign(ActionBody):
    """Give the case to somebody of its group."""

    ACTION: ClassVar[str] = "assign"
    NAME: ClassVar[Text] = Text(zh="指派", en="Assign")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"assignee": "gao.xiang", "reason": "该片区由高翔负责。"}

    assignee: Login
    reason: Words


class HandOver(ActionBody):
    """Hand the case to another group, where it is given to somebody. The category stays; reclassify it if it is
    wrong.
    """

    ACTION: ClassVar[str] = "hand-over"
    NAME: ClassVar[Text] = Text(zh="转派其他组", en="Hand over")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"group": "market_legal", "reason": "需要核实合约条款。"}

    group: CodeOf
    reason: Words = Field(description="What the other group is to do.")


def accept(work: Work) -> None:
    """The one who acts has the case now. Without a login (an administrator) it stays with its assignee."""
    status = work.target("accept")
    assignee = work.login or work.case.assignee
    if assignee is None:
        raise Invalid("the case is with nobody; accept it with the key of a member of staff")
    values: dict[str, Any] = {"status": status, "assignee": assignee}
    if assignee != work.case.assignee:
        values["assignment"] = {"rule": "accepted", "previous": work.case.assignee, "at": work.now}
    work.moved(work.case.assignee, assignee)
    work.done(Accepted, "accept", values=values, assignee=assignee)


def take(work: Work, body: Take) -> None:
    """The one who acts has it instead of the other. Raises `Invalid` when it is theirs already."""
    if work.login is None:
        raise Invalid("a case is taken over by a member of staff; use their key")
    if work.login == work.case.assignee:
        raise Invalid("the case is yours already")
    give(work, work.login, "taken", body.reason)


def assign(work: Work, body: Assign) -> None:
    """Somebody else of the group has it. Raises `Invalid` for whoever is not of the group."""
    require_may_assign(work)
    group = work.group or ""
    if work.in_force.role_in(body.assignee, group) is None:
        members = ", ".join(one.person.login for one in work.in_force.members_of(group))
        raise wrong("assignee", f"is not of the group {group}; its people are {members}", "unknown")
    if body.assignee == work.case.assignee:
        raise wrong("assignee", "has the case already", "unchanged")
    give(work, body.assignee, "by_hand", body.reason)
    work.alert("assigned", [body.assignee], by=work.login)


def require_may_assign(work: Work) -> None:
    """Raises `Forbidden` unless it is one's own case, or one leads its group or is of the leadership group."""
    login, group = work.login, work.group or ""
    if login is None or login == work.case.assignee:
        return
    if (
        work.in_force.role_in(login, group) in ("head", "deputy")
        or work.in_force.role_in(login, LEADERSHIP) is not None
    ):
        return
    raise Forbidden(
        f"the case is {work.case.assignee}'s; they, the head of the group ({work.in_force.group(group).head}) or the "
        "leadership group can give it to somebody. You can take it over yourself"
    )


def give(work: Work, assignee: str, rule: Rule, reason: str | None) -> None:
    """Another person of the group has it now."""
    previous = work.assignee
    work.happened(
        Reassigned(reference=work.case.reference, assignee=assignee, previous=previous, rule=rule),
        {"reason": reason} if reason else None,
        assignee=assignee,
        assignment={"rule": rule, "previous": previous, "at": work.now},
    )
    work.moved(previous, assignee)


def hand_over(work: Work, body: HandOver) -> None:
    """The case waits to be dispatched in the other group. Raises `Invalid` for one that the plan does not have."""
    try:
        work.plan.group(body.group)
    except NotFound:
        known = ", ".join(group.code for group in work.plan.groups)
        raise wrong("group", f"is none of the plan's ({known})", "unknown") from None
    if body.group == work.group:
        raise wrong("group", "has the case already", "unchanged")
    status = work.target("hand-over")
    work.happened(
        HandedOver(reference=work.case.reference, group=body.group, previous=work.group or ""),
        {"reason": body.reason},
        status=status,
        group_code=body.group,
        assignee=None,
        assignment={"rule": "handed_over", "previous": work.assignee, "at": work.now},
    )
    work.moved(work.case.assignee, None)
    if work.case.status == "awaiting_customer":
        stop_waiting(work)
