"""What happens when a directive is still open past its time: whoever issued it and the heads of the groups are told.

They are told again whenever the plan's `repeat_every` has passed, until the leadership group closes it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Timestamp
from services.casework import changes
from services.casework.alerts import NewAlert, tell
from services.casework.changes import Change
from services.casework.directives.commands import COLUMNS, LockedDirective
from services.casework.directives.events import Overdue
from services.casework.directives.model import Directive
from services.casework.offices import head_of
from services.plan.schema import Plan
from services.plan.versions import Plans

ACTOR: Final = "system:handler"

# Of every realm: what is due in a drill is told in that drill. Rows that another worker holds are passed over, and
# are due no more, or still, when its transaction has ended.
_DUE: Final = (
    sa.select(*COLUMNS)
    .where(Directive.next_at <= sa.bindparam("now", type_=Timestamp))
    .order_by(Directive.next_at)
    .limit(sa.bindparam("most", type_=sa.Integer))
    .with_for_update(key_share=True, skip_locked=True, of=Directive)
)


async def fire(connection: AsyncConnection, plans: Plans, now: datetime, limit: int) -> int:
    """Tell of at most ``limit`` directives that are overdue, longest due first; returns of how many.

    Four statements, whatever the number; the caller commits. Several workers may do this side by side: each directive
    is told of once for each time that it is due.
    """
    directives = [LockedDirective(*row) for row in await connection.execute(_DUE, {"now": now, "most": limit})]
    if directives:
        _, plan = await plans.current(connection)
        told = {directive.id: _told(directive, plan) for directive in directives}
        steps = [_change(directive, told[directive.id], plan, now) for directive in directives]
        await changes.save(connection, Directive, steps)
        await tell(connection, [alert for one in directives for alert in _alerts(one, told[one.id])], now)
    return len(directives)


def _told(directive: LockedDirective, plan: Plan) -> tuple[str, ...]:
    """Who is told, each once."""
    return tuple(dict.fromkeys([directive.issuer(plan), *(head_of(plan, group) for group in directive.groups)]))


def _change(directive: LockedDirective, told: tuple[str, ...], plan: Plan, now: datetime) -> Change:
    event = Overdue(**directive.about(), due_at=directive.due_at, told=told, times=directive.told + 1)
    values = {
        "missed_at": directive.missed_at or now,
        "told": directive.told + 1,
        "next_at": now + plan.deadlines.repeat_every,
    }
    return Change(directive.id, directive.realm, directive.version + 1, event, ACTOR, now, values)


def _alerts(directive: LockedDirective, told: tuple[str, ...]) -> list[NewAlert]:
    facts = {**directive.facts(), "times": directive.told + 1}
    return [
        NewAlert(login, "directive_overdue", "directive", directive.id, directive.version + 1, directive.realm, facts)
        for login in told
    ]
