"""Who holds which office: who heads a group, who stands on a rung of the ladder, which groups somebody speaks for.

Tasks and directives outlive plans, so every question has an answer, also about a group or person that the plan in
force no longer knows: whoever leads the leadership group then stands in.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from services.base.errors import Forbidden, NotFound
from services.people.keys import Caller
from services.plan.schema import Plan
from services.plan.vocabulary import LEADERSHIP, SENIOR_MANAGEMENT, RungHolder

OVERSEERS: Final = frozenset({LEADERSHIP, SENIOR_MANAGEMENT})
"""The groups that may see and do what every other group may."""

_STAFF: Final = "staff:"


def head_of(plan: Plan, group: str) -> str:
    """The login of the group's head; the leadership group's, for a group that the plan no longer has."""
    try:
        return plan.group(group).head
    except NotFound:
        return plan.group(LEADERSHIP).head


def holder_of(plan: Plan, rung: RungHolder, group: str, assignee: str | None) -> str:
    """Who stands on a rung of the ladder for something that is with this group and person.

    An assignee who has left is answered for by the head of the group, a deputy that nobody is by the head.
    """
    match rung:
        case "assignee":
            return assignee if assignee is not None and is_known(plan, assignee) else head_of(plan, group)
        case "group_head":
            return head_of(plan, group)
        case "leadership_deputy":
            leadership = plan.group(LEADERSHIP)
            return leadership.deputy or leadership.head
        case "leadership_head":
            return plan.group(LEADERSHIP).head
        case "senior_management":
            return head_of(plan, SENIOR_MANAGEMENT)


def is_known(plan: Plan, login: str) -> bool:
    """Whether the plan has this person in one of its groups."""
    return bool(plan.groups_of(login))


def login_of(actor: str) -> str | None:
    """The login of a member of staff, from how the record names them; None for programs and administrators."""
    return actor.removeprefix(_STAFF) if actor.startswith(_STAFF) else None


def groups_of(plan: Plan, caller: Caller, things: str) -> frozenset[str]:
    """The codes of the groups that a member of staff is in, one at least.

    Raises `Forbidden` for anybody else; ``things`` names what they can't act on.
    """
    if caller.role != "staff" or caller.login is None:
        raise Forbidden(f"a key of role {caller.role} can't act on {things}; use that of a member of staff")
    mine = frozenset(group.code for group in plan.groups_of(caller.login))
    if not mine:
        raise Forbidden(
            f"'{caller.login}' is in no group of the plan in force; have the plan changed, or the key revoked"
        )
    return mine


def called(plan: Plan, groups: Collection[str]) -> str:
    """Groups as a refusal names them: ``Finance department (finance), …``."""
    return ", ".join(f"{plan.name_of('group', group, 'en')} ({group})" for group in sorted(groups))


def require_oversight(plan: Plan, caller: Caller) -> None:
    """Raises `Forbidden`, with whom to ask, unless the caller leads: leadership, senior management, administrators."""
    if caller.role == "admin":
        return
    mine = groups_of(plan, caller, "what the leadership group sees")
    if mine.isdisjoint(OVERSEERS):
        raise Forbidden(
            f"this is for the leadership group and senior management, and '{caller.login}' is in "
            f"{called(plan, mine)}; ask '{plan.group(LEADERSHIP).head}', who heads the leadership group"
        )
