"""Following the event log for a person or a script: no reader group, nothing remembered, nothing missed while it runs.

Like the workers' reader it keeps a snapshot as its cursor, because positions are taken before transactions commit.
Only the public half of an event is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from services.base.database import connect

_PAGE: Final = 1000
_COLUMNS: Final = "position, id, type, key, number, realm, time, actor, data::text as data"
_WANTED: Final = "(cardinality($1::text[]) = 0 or type like any($1::text[]))"

_OLD: Final = f"""
    select {_COLUMNS} from event
    where position > $2 and pg_visible_in_snapshot(xid, $3::text::pg_snapshot) and {_WANTED}
    order by position limit {_PAGE}
"""
_NEW: Final = f"""
    select {_COLUMNS} from event
    where (xid >= pg_snapshot_xmax($2::text::pg_snapshot)
           or xid = any(array(select pg_snapshot_xip($2::text::pg_snapshot))))
      and pg_visible_in_snapshot(xid, $3::text::pg_snapshot) and {_WANTED}
    order by position
"""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as the log shows it. ``data`` is JSON."""

    position: int
    id: UUID
    type: str
    key: UUID
    number: int
    realm: str
    time: datetime
    actor: str
    data: str

    def as_json(self) -> str:
        """One line of JSON."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        fields["data"] = orjson.Fragment(self.data)
        # The driver has a UUID class of its own, which orjson does not know.
        return orjson.dumps(fields, default=str, option=orjson.OPT_UTC_Z).decode()


async def tail(
    url: str, types: Sequence[str], *, from_start: bool, follow: bool, pause: float
) -> AsyncIterator[list[LoggedEvent]]:
    """Pages of events in the order of the log, of ``types`` (short names or whole ones; none: all).

    With ``from_start`` from the oldest on, else only what is new; ``follow`` goes on until the caller stops, asking
    every ``pause`` seconds.
    """
    patterns = [_pattern(type_) for type_ in types]
    connection = await connect(url, "redress tail")
    try:
        # See `services.base.stream.database`: a page is to be walked to, not sorted out of the whole log.
        await connection.execute("set enable_sort = off")
        seen = await connection.fetchval("select pg_current_snapshot()::text")
        position = 0
        while from_start:
            page = [LoggedEvent(*row) for row in await connection.fetch(_OLD, patterns, position, seen)]
            if page:
                yield page
            if len(page) < _PAGE:
                break
            position = page[-1].position
        while follow:
            now = await connection.fetchval("select pg_current_snapshot()::text")
            if now != seen:
                rows = await connection.fetch(_NEW, patterns, seen, now)
                seen = now
                if rows:
                    yield [LoggedEvent(*row) for row in rows]
            await asyncio.sleep(pause)
    finally:
        await connection.close()


def _pattern(type_: str) -> str:
    """What a type that a person wrote means in SQL: ``received`` is any aggregate's, in any version."""
    escaped = type_.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped if escaped.startswith("redress.") else f"%.{escaped}.v%"
