"""Who may see and sort what came in: customer service, the leadership group, senior management, administrators.

Others see the messages of their cases in the cases; what matches nothing is of strangers.
"""

from __future__ import annotations

from services.base.errors import Forbidden
from services.casework.offices import OVERSEERS, called, groups_of, head_of
from services.people.keys import Caller
from services.plan.schema import Plan
from services.plan.vocabulary import CUSTOMER_SERVICE


def require_may_sort(plan: Plan, caller: Caller) -> None:
    """Raises `Forbidden`, with whom to ask."""
    if caller.role == "admin":
        return
    mine = groups_of(plan, caller, "what came in by mail and text message")
    if mine.isdisjoint(OVERSEERS | {CUSTOMER_SERVICE}):
        raise Forbidden(
            f"what came in by mail and text message is sorted by {called(plan, [CUSTOMER_SERVICE])}, and "
            f"'{caller.login}' is in {called(plan, mine)}; ask '{head_of(plan, CUSTOMER_SERVICE)}'"
        )
