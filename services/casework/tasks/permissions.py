"""Who may work on a task: those of the group that owes it, the leadership group, senior management, administrators.

Everybody on the staff may open one for another group, and cancel what they opened: that is how groups ask each other.
"""

from __future__ import annotations

from services.base.errors import Forbidden
from services.casework.offices import OVERSEERS, called, groups_of, head_of
from services.people.keys import Caller
from services.plan.schema import Plan


def require_may_open(plan: Plan, caller: Caller) -> None:
    """Raises `Forbidden` for whoever is neither in a group of the plan nor an administrator."""
    if caller.role != "admin":
        groups_of(plan, caller, "tasks")


def require_may_work(plan: Plan, caller: Caller, group: str) -> None:
    """Raises `Forbidden`, with whom to ask, when the caller may not act on a task of this group.

    ``plan`` is the one in force: people change groups while tasks lie.
    """
    if caller.role == "admin":
        return
    mine = groups_of(plan, caller, "tasks")
    if mine.isdisjoint(OVERSEERS | {group}):
        raise Forbidden(
            f"this task is owed by {called(plan, [group])}, and '{caller.login}' is in {called(plan, mine)}; ask "
            f"'{head_of(plan, group)}' or somebody else of that group, or of the leadership group, to do it"
        )


def require_may_cancel(plan: Plan, caller: Caller, group: str, opened_by: str) -> None:
    """As `require_may_work`, but whoever opened the task may cancel it, too."""
    if caller.actor == opened_by:
        require_may_open(plan, caller)
    else:
        require_may_work(plan, caller, group)
