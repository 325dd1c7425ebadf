"""Changing rows that are not cases but have a record like one: tasks and directives.

The row is locked by the caller; its new state and the event that tells of it are written together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Base
from services.base.stream import log
from services.base.stream.event import EventData, NewEvent
from services.complaints.commands import to_rows


@dataclass(frozen=True, slots=True)
class Change:
    """One step of one row: the columns that change, and the event that tells of it. ``version`` is the new one."""

    id: UUID
    realm: str
    version: int
    event: EventData
    actor: str
    time: datetime
    values: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, object] | None = None


async def save(connection: AsyncConnection, model: type[Base], changes: Sequence[Change]) -> None:
    """Write the changes of rows of ``model`` and their events: a statement for each set of columns, one for the events.

    Each row changes once, and is locked by this transaction.
    """
    by_columns: dict[tuple[str, ...], list[Change]] = defaultdict(list)
    for change in changes:
        by_columns[tuple(sorted(change.values))].append(change)
    for columns, alike in by_columns.items():
        rows = [{"id": one.id, "version": one.version, **one.values} for one in sorted(alike, key=lambda one: one.id)]
        await connection.execute(_update(model, columns), {"rows": to_rows(rows)})
    await tell_of(connection, changes)


async def tell_of(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Write the events of rows that were written already, one statement for all."""
    await log.append(
        connection,
        [
            NewEvent(
                key=change.id,
                number=change.version,
                data=change.event,
                time=change.time,
                realm=change.realm,
                actor=change.actor,
                private=change.private,
            )
            for change in changes
        ],
    )


def _update(model: type[Base], columns: tuple[str, ...]) -> sa.TextClause:
    name = model.__tablename__
    unknown = set(columns) - set(model.__table__.columns.keys())
    if unknown:
        raise ValueError(f"a {name} has no {', '.join(sorted(unknown))}")
    assignments = ", ".join(f"{column} = new.{column}" for column in ("version", *columns))
    # The table's own row type gives every value its type, so one statement serves any set of columns and rows.
    return sa.text(
        f"update {name} set {assignments} "
        f"from jsonb_populate_recordset(null::{name}, cast(:rows as jsonb)) as new where {name}.id = new.id"
    )
