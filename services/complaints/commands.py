"""Changing cases: lock them, decide, write the new state and its events in the same transaction.

Everything that changes a case goes through `lock` and `save`. Locks are taken in the order of ids, so that two
commands on the same cases wait for each other and never for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.stream import log
from services.base.stream.event import EventData, NewEvent
from services.complaints.model import Complaint


@dataclass(frozen=True, slots=True)
class Case:
    """A locked case: what decisions about it need to know. Personal data is not among it.

    ``handling`` and ``escalation`` are as `services.casework` keeps them.
    """

    id: UUID
    reference: str
    realm: str
    version: int
    status: str
    channel: str
    service_type: str
    language: str
    received_at: datetime
    category: str | None
    sub_category: str | None
    severity: str | None
    group_code: str | None
    assignee: str | None
    plan_version: int | None
    estimated_repair_at: datetime | None
    region_code: str | None
    reportable: bool
    resolved_at: datetime | None
    handling: Mapping[str, Any] | None
    escalation: Mapping[str, Any] | None
    merged_into: UUID | None
    reported_at: datetime | None
    signals: Sequence[str]
    """The signals of severity that were found in the complaint."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of one case: the columns that change, and the event that tells of it."""

    case: Case
    event: EventData
    actor: str
    time: datetime
    values: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, object] | None = None


_SIGNALS = sa.func.coalesce(
    sa.func.jsonb_path_query_array(Complaint.judgement, sa.text("'$.severity_reasons[*].signal'")),
    sa.text("'[]'::jsonb"),
)
CASE_COLUMNS = [_SIGNALS if name == "signals" else getattr(Complaint, name) for name in Case.__dataclass_fields__]


# Made once: a statement that is built for each call costs more than the database takes to answer it.
_READ = sa.select(*CASE_COLUMNS).where(Complaint.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
# Not the stronger lock: rows that refer to a case (notices, deadlines) may be written meanwhile.
_LOCK = _READ.order_by(Complaint.id).with_for_update(key_share=True)


async def lock(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Case]:
    """The cases, locked until the transaction ends. Ids that are not there are left out."""
    return {row.id: Case(*row) for row in await connection.execute(_LOCK, {"ids": sorted(ids)})}


async def read(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Case]:
    """The cases as they stand, without locking them: to say what could be done."""
    return {row.id: Case(*row) for row in await connection.execute(_READ, {"ids": sorted(ids)})}


async def save(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Write the changes and their events. Every case is locked by this transaction.

    A case may change several times: its events are numbered in the order given, and the last value of a column counts.
    A transaction calls this once, because the cases know the version that they were locked at.
    """
    values: dict[UUID, dict[str, Any]] = {}
    events: list[NewEvent] = []
    for change in changes:
        row = values.setdefault(change.case.id, {"version": change.case.version})
        row |= change.values
        row["version"] += 1
        events.append(
            NewEvent(
                key=change.case.id,
                number=row["version"],
                data=change.event,
                time=change.time,
                realm=change.case.realm,
                actor=change.actor,
                private=change.private,
            )
        )
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for case in sorted(values):
        row = values[case]
        by_columns[tuple(sorted(row))].append({"id": case, **row})
    for columns, rows in by_columns.items():
        await connection.execute(_update(columns), {"rows": to_rows(rows)})
    await log.append(connection, events)


def to_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows for ``jsonb_populate_recordset``. The driver's UUIDs are a class of their own, which only ``str`` writes."""
    return orjson.dumps(rows, default=str).decode()


def _update(columns: tuple[str, ...]) -> sa.TextClause:
    table = Complaint.__table__
    unknown = set(columns) - set(table.columns.keys())
    if unknown:
        raise ValueError(f"a case has no {', '.join(sorted(unknown))}")
    assignments = ", ".join(f"{column} = new.{column}" for column in columns)
    # The table's own row type gives every value its type, so one statement serves any set of columns and rows.
    return sa.text(
        f"update complaint set {assignments} "
        "from jsonb_populate_recordset(null::complaint, cast(:rows as jsonb)) as new where complaint.id = new.id"
    )
