"""Who may act on a case: staff on those of their own groups, leadership, senior management and administrators on
all.
"""

from __future__ import annotations

from services.base.errors import Forbidden
from services.people.keys import Caller
from services.plan.schema import Plan
from services.plan.vocabulary import CUSTOMER_SERVICE, LEADERSHIP, SENIOR_MANAGEMENT


def require_may_act(plan: Plan, caller: Caller, group: str | None, done_by: str | None = None) -> None:
    """Raises `Forbidden`, with whom to ask, when the caller may not act on a case of this group.

    ``plan`` is the one in force: people change groups while cases go on. A case that no group has yet is with
    customer service, which receives complaints and judges them. ``done_by`` is the group that does what is asked for,
    where that is not the case's own.
    """
    if caller.role == "admin":
        return
    if caller.role != "staff" or caller.login is None:
        raise Forbidden(f"a key of role {caller.role} can't act on cases; use that of a member of staff")
    mine = [group.code for group in plan.groups_of(caller.login)]
    if not mine:
        raise Forbidden(
            f"'{caller.login}' is in no group of the plan in force; have the plan changed, or the key revoked"
        )
    if LEADERSHIP in mine or SENIOR_MANAGEMENT in mine:
        return
    if done_by is not None:
        if done_by not in mine:
            raise Forbidden(
                f"this is done by {plan.name_of('group', done_by, 'en')} ({done_by}), and '{caller.login}' is in "
                f"{', '.join(mine)}; ask somebody of that group"
            )
        return
    group = group or CUSTOMER_SERVICE
    if group not in mine:
        raise Forbidden(
            f"this case is with {plan.name_of('group', group, 'en')} ({group}), and '{caller.login}' is in "
            f"{', '.join(mine)}; ask somebody of that group or of the leadership group to do it"
        )
