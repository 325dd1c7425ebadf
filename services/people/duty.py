"""Who is signed on, and how much each person has on hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.people.model import Duty

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
    """What is kept of one person. ``on_duty`` is the switch that is set by hand."""

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
    return await _read(connection, _of(logins).with_for_update())


async def read(connection: AsyncConnection, logins: Collection[str]) -> dict[str, OnHand]:
    """The state of these people, for showing it. People without a row are left out."""
    return await _read(connection, _of(logins))


async def everybody(connection: AsyncConnection) -> dict[str, OnHand]:
    """The state of everybody who ever was in the plan."""
    return await _read(connection, sa.select(Duty.login, Duty.on_duty, Duty.open_cases, Duty.last_assigned_at))


async def set_duty(connection: AsyncConnection, login: str, on_duty: bool) -> None:
    """Sign somebody on or off by hand. What they have on hand stays as it is."""
    row = pg_insert(Duty).values(login=login, on_duty=on_duty)
    await connection.execute(row.on_conflict_do_update(index_elements=["login"], set_={"on_duty": on_duty}))


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


def _of(logins: Collection[str]) -> sa.Select[str, bool, int, datetime | None]:
    return (
        sa.select(Duty.login, Duty.on_duty, Duty.open_cases, Duty.last_assigned_at)
        .where(Duty.login == sa.any_(sa.bindparam("logins", sorted(logins), type_=ARRAY(sa.Text))))
        .order_by(Duty.login)
    )


async def _read(connection: AsyncConnection, query: sa.Select[str, bool, int, datetime | None]) -> dict[str, OnHand]:
    return {row.login: OnHand(*row) for row in await connection.execute(query)}
