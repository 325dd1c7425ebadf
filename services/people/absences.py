"""Absences and extra shifts of staff: entering and cancelling them, and reading those that count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import Conflict, FieldProblem, Invalid, NotFound
from services.base.identity import new_id
from services.people.model import Absence
from services.people.rota import AWAY, Entry, Kind

LONGEST: Final = timedelta(days=366)
# What overlaps is looked up and then written: one at a time, over the whole service, is often enough.
_LOCK: Final = 7_264_005

_COLUMNS = [getattr(Absence, name) for name in Entry.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class NewAbsence:
    """A time that is to be entered; times have a time zone. ``substitute`` is for those who are away only."""

    login: str
    kind: Kind
    from_at: datetime
    until_at: datetime
    substitute: str | None = None
    note: str | None = None


async def add(connection: AsyncConnection, new: NewAbsence, created_by: str, now: datetime) -> Entry:
    """Enter it; returns the entry. ``created_by`` is how the record names whoever does it.

    Raises `Invalid` for times or a substitute that make no sense, `Conflict` when it overlaps what was entered for the
    same person, or when the substitute is away themselves. Somebody can fall sick during an extra shift, so an absence
    may overlap one; an extra shift during an absence is refused.
    """
    _check(new, now)
    await connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    logins = [new.login] if new.substitute is None else [new.login, new.substitute]
    overlapping = await _overlapping(connection, logins, new.from_at, new.until_at)
    for other in overlapping[new.login]:
        if new.kind == "duty" or other.kind != "duty":
            raise Conflict(
                f"'{new.login}' has {_called(other)} entered already ({other.id}); cancel that first, or choose other "
                "times"
            )
    for other in overlapping[new.substitute] if new.substitute else ():
        if other.kind in AWAY:
            raise Conflict(f"the substitute '{other.login}' has {_called(other)} themselves; name somebody else")
    values = {name: getattr(new, name) for name in NewAbsence.__dataclass_fields__}
    query = sa.insert(Absence).values(id=new_id(), **values, created_by=created_by, created_at=now)
    return Entry(*(await connection.execute(query.returning(*_COLUMNS))).one())


async def cancel(connection: AsyncConnection, login: str, absence: UUID, now: datetime) -> Entry:
    """Cancel an entry of this person, which then counts for nothing; returns it. Doing it again changes nothing.

    Raises `NotFound` when there is none, `Conflict` when it is over: what was, was.
    """
    query = sa.select(*_COLUMNS).where(Absence.id == absence, Absence.login == login).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"there is no absence {absence} of '{login}'")
    entry = Entry(*row)
    if entry.until_at <= now:
        raise Conflict(f"{_called(entry)} of '{login}' is over and can't be cancelled")
    await connection.execute(
        sa.update(Absence).where(Absence.id == absence).values(cancelled_at=sa.func.coalesce(Absence.cancelled_at, now))
    )
    return entry


async def since(connection: AsyncConnection, logins: Collection[str], moment: datetime) -> dict[str, list[Entry]]:
    """By login, what is not over at this moment and not cancelled: the earliest first."""
    return await _read(connection, logins, Absence.until_at > moment)


async def at(connection: AsyncConnection, logins: Collection[str], moment: datetime) -> dict[str, list[Entry]]:
    """By login, what covers this moment. People without are left out."""
    return await _read(connection, logins, Absence.until_at > moment, Absence.from_at <= moment)


async def _overlapping(
    connection: AsyncConnection, logins: Collection[str], from_at: datetime, until_at: datetime
) -> defaultdict[str, list[Entry]]:
    found = await _read(connection, logins, Absence.until_at > from_at, Absence.from_at < until_at)
    return defaultdict(list, found)


async def _read(
    connection: AsyncConnection, logins: Collection[str], *conditions: sa.ColumnElement[bool]
) -> dict[str, list[Entry]]:
    theirs = Absence.login == sa.any_(sa.bindparam("logins", sorted(logins), type_=ARRAY(sa.Text)))
    query = sa.select(*_COLUMNS).where(theirs, Absence.cancelled_at.is_(None), *conditions)
    found: dict[str, list[Entry]] = {}
    for row in await connection.execute(query.order_by(Absence.from_at, Absence.id)):
        found.setdefault(row.login, []).append(Entry(*row))
    return found


def _check(new: NewAbsence, now: datetime) -> None:
    problems: list[FieldProblem] = []
    if new.until_at <= new.from_at:
        problems.append(FieldProblem("until_at", "is not after from_at", "wrong_order"))
    elif new.until_at - new.from_at > LONGEST:
        problems.append(FieldProblem("until_at", "is more than a year after from_at; enter a year at most", "too_long"))
    if new.until_at <= now:
        problems.append(FieldProblem("until_at", "is in the past; only what is not over can be entered", "past"))
    if new.substitute == new.login:
        problems.append(FieldProblem("substitute", "is the one who is away; name somebody else", "oneself"))
    if new.substitute is not None and new.kind == "duty":
        problems.append(FieldProblem("substitute", "is for absences; leave it out for an extra shift", "not_away"))
    if problems:
        raise Invalid("; ".join(f"{one.field} {one.reason}" for one in problems), problems)


_NAMES: Final[dict[str, str]] = {"leave": "leave", "sick": "sick leave", "training": "a training", "duty": "a shift"}


def _called(entry: Entry) -> str:
    return f"{_NAMES[entry.kind]} from {_moment(entry.from_at)} until {_moment(entry.until_at)}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M %Z}"
