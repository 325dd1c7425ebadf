"""Who may do what with directives: the leadership group issues and closes, those addressed acknowledge and report."""

from __future__ import annotations

from services.base.errors import Forbidden
from services.casework.offices import called, groups_of
from services.people.keys import Caller
from services.plan.schema import Plan
from services.plan.vocabulary import LEADERSHIP


def require_may_direct(plan: Plan, caller: Caller, deed: str) -> None:
    """Raises `Forbidden`, with whom to ask, unless the caller is in the leadership group or an administrator.

    ``deed`` is what they would do: ``issue`` or ``close``.
    """
    if caller.role == "admin":
        return
    mine = groups_of(plan, caller, "directives")
    if LEADERSHIP not in mine:
        raise Forbidden(
            f"the leadership group {deed}s directives, and '{caller.login}' is in {called(plan, mine)}; "
            f"ask '{plan.group(LEADERSHIP).head}', who heads it"
        )


def refuse_unaddressed(plan: Plan, caller: Caller, groups: tuple[str, ...]) -> Forbidden:
    """The refusal for somebody whom a directive to these groups was not addressed to."""
    who = f"'{caller.login}'" if caller.login else f"a key of role {caller.role}"
    return Forbidden(
        f"this directive is addressed to those who were in {called(plan, groups)} when it was issued, and {who} was "
        "not; have one of them acknowledge it or report progress"
    )
