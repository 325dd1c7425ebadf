"""Who is on duty and how much each person has on hand; choosing the next person fairly."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.people.model import Duty

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_SHIFT = sa.text(
    """
    with locked as (select login from duty where login = any(:logins) order by login for update)
    update duty set open_cases = greatest(0, duty.open_cases + change.cases),
                    last_assigned_at = coalesce(change.assigned_at, duty.last_assigned_at)
    from unnest(:logins, :cases, :assigned) as change (login, cases, assigned_at) join locked using (login)
    where duty.login = change.login
    """
).bindparams(
    sa.bindparam("logins", type_=ARRAY(sa.Text)),
    sa.bindparam("cases", type_=ARRAY(sa.Integer)),
    sa.bindparam("assigned", type_=ARRAY(sa.TIMESTAMP(timezone=True))),
)


@dataclass(frozen=True, slots=True)
class OnHand:
    """One person as the sharing out sees them."""

    login: str
    on_duty: bool
    open_cases: int
    last_assigned_at: datetime | None


async def sync(connection: AsyncConnection, on_duty: Mapping[str, bool]) -> None:
    """Make sure that everybody in the plan has a row. Who is there already keeps their state."""
    rows = [{"login": login, "on_duty": duty} for login, duty in sorted(on_duty.items())]
    if rows:
        await connection.execute(pg_insert(Duty).values(rows).on_conflict_do_nothing())


async def lock(connection: AsyncConnection, logins: Collection[str]) -> dict[str, OnHand]:
    """The state of these people, locked until the transaction ends, so that two dispatchers don't count the same load.

    Cases are locked before people, always: that is what keeps the two kinds of lock from crossing.
    """
    query = (
        sa.select(Duty.login, Duty.on_duty, Duty.open_cases, Duty.last_assigned_at)
        .where(Duty.login == sa.any_(sa.bindparam("logins", sorted(logins), type_=ARRAY(sa.Text))))
        .order_by(Duty.login)
        .with_for_update()
    )
    return {row.login: OnHand(*row) for row in await connection.execute(query)}


async def shift_load(
    connection: AsyncConnection, cases: Mapping[str, int], assigned_at: datetime | None = None
) -> None:
    """Add to (or take from) what people have on hand; ``assigned_at`` notes when they were last given something."""
    logins = sorted(login for login, count in cases.items() if count)
    if logins:
        await connection.execute(
            _SHIFT,
            {
                "logins": logins,
                "cases": [cases[login] for login in logins],
                "assigned": [assigned_at if cases[login] > 0 else None for login in logins],
            },
        )


class FairChoice:
    """Chooses, again and again, who of some people comes next: least on hand, then longest without a new case."""

    def __init__(self, people: Sequence[OnHand]) -> None:
        self._heap = [
            (person.open_cases, 0, person.last_assigned_at or _NEVER, person.login)
            for person in people
            if person.on_duty
        ]
        heapq.heapify(self._heap)
        self._given = 0

    def next(self) -> str | None:
        """The next person, who then counts as having one case more. None when nobody is on duty."""
        if not self._heap:
            return None
        load, _, idle_since, login = self._heap[0]
        # Those given something in this round come after all who were given nothing in it, in the order of giving.
        self._given += 1
        heapq.heapreplace(self._heap, (load + 1, self._given, idle_since, login))
        return login
