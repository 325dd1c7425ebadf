"""Proof that the record and the case agree: cases are replayed from their events and compared with their rows.

Nothing is written, and nothing is put right: a difference is a defect of Redress, or somebody wrote to the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base.stream.model import EventRow
from services.casework.compensation import Granted
from services.casework.model import Compensation, Deadline, Link
from services.complaints.model import Complaint
from services.complaints.queries import Happening
from services.complaints.replay import BrokenRecord, replay
from services.complaints.state import Missed, Offer, Progress, Raised, State

_PAGE: Final = 200
_COLUMNS: Final = (
    "version",
    "reference",
    "status",
    "received_at",
    "category",
    "sub_category",
    "severity",
    "reportable",
    "region_code",
    "plan_version",
    "group_code",
    "assignee",
    "estimated_repair_at",
    "resolution",
    "resolved_at",
    "closed_at",
    "merged_into",
    "reported_at",
)
_WORDS: Final = frozenset({"resolution"})
_OF_CASES = sa.bindparam("cases", type_=ARRAY(sa.Uuid))
_ROWS = sa.select(
    Complaint.id, Complaint.realm, *(getattr(Complaint, name) for name in (*_COLUMNS, "handling", "escalation"))
).where(Complaint.id == sa.any_(_OF_CASES))
_EVENTS = (
    sa.select(EventRow.key, *(getattr(EventRow, name) for name in Happening.__dataclass_fields__))
    .where(EventRow.key == sa.any_(_OF_CASES))
    .order_by(EventRow.key, EventRow.number)
)
_OFFERS = sa.select(*(getattr(Compensation, name) for name in Granted.__dataclass_fields__)).where(
    Compensation.complaint_id == sa.any_(_OF_CASES)
)
_CLOCKS = sa.select(
    Deadline.complaint_id, Deadline.kind, Deadline.met_at, Deadline.missed_at, Deadline.told
).where(Deadline.complaint_id == sa.any_(_OF_CASES))  # fmt: skip
_LINKS = sa.select(Link.complaint_id, Link.other_id, Link.relation).where(
    sa.or_(Link.complaint_id == sa.any_(_OF_CASES), Link.other_id == sa.any_(_OF_CASES))
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something of a case that is not as its record tells it: what the record says, and what is ``kept`` in the rows.

    The words of people are left out; that they differ is said.
    """

    case: UUID
    reference: str
    realm: str
    what: str
    recorded: str
    kept: str


@dataclass(frozen=True, slots=True)
class _Clock:
    met_at: datetime | None
    missed_at: datetime | None
    told: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the database keeps of one case."""

    case: sa.Row[Any]
    record: Sequence[Happening]
    offers: Mapping[UUID, Granted]
    clocks: Mapping[str, _Clock]
    links: Mapping[tuple[UUID, bool], str]


async def verify(engine: AsyncEngine, limit: int | None = None) -> AsyncIterator[tuple[int, list[Difference]]]:
    """Go through the cases of every realm, the newest first, ``limit`` at most (None: all).

    Yields, page by page, how many were looked at and what differs. Each page is read from one snapshot, so that what
    changes meanwhile is no difference; no case is locked.
    """
    before: UUID | None = None
    left = limit
    while left is None or left > 0:
        async with engine.connect() as plain:
            connection = await plain.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )  # fmt: skip
            ids = await _page(connection, before, _PAGE if left is None else min(_PAGE, left))
            if not ids:
                return
            differences = await differences_in(connection, ids)
        yield len(ids), differences
        before, left = ids[-1], None if left is None else left - len(ids)


async def differences_in(connection: AsyncConnection, cases: Collection[UUID]) -> list[Difference]:
    """Where these cases differ from their records. Five statements, whatever the number, in the caller's snapshot."""
    asked = {"cases": sorted(cases)}
    rows = (await connection.execute(_ROWS, asked)).all()
    records = {
        case: [Happening(*event[1:]) for event in events]
        for case, events in groupby(await connection.execute(_EVENTS, asked), key=lambda event: event.key)
    }
    offers: dict[UUID, dict[UUID, Granted]] = defaultdict(dict)
    for offer in await connection.execute(_OFFERS, asked):
        offers[offer.complaint_id][offer.id] = Granted(*offer)
    clocks: dict[UUID, dict[str, _Clock]] = defaultdict(dict)
    for case, kind, met_at, missed_at, told in await connection.execute(_CLOCKS, asked):
        clocks[case][kind] = _Clock(met_at, missed_at, told)
    links: dict[UUID, dict[tuple[UUID, bool], str]] = defaultdict(dict)
    for one, other, relation in await connection.execute(_LINKS, asked):
        links[one][other, True] = relation
        links[other][one, False] = relation
    return [
        Difference(row.id, row.reference, row.realm, what, _said(recorded), _said(kept))
        for row in rows
        for what, recorded, kept in _compared(
            _Rows(row, records.get(row.id, ()), offers[row.id], clocks[row.id], links[row.id])
        )
    ]


async def _page(connection: AsyncConnection, before: UUID | None, most: int) -> list[UUID]:
    query = sa.select(Complaint.id).order_by(Complaint.id.desc()).limit(most)
    if before is not None:
        query = query.where(Complaint.id < before)
    return list((await connection.execute(query)).scalars())


def _compared(rows: _Rows) -> Iterator[tuple[str, object, object]]:
    """What differs: its name, as the record tells it, as it is kept."""
    try:
        state = replay(rows.record)
    except (BrokenRecord, ValueError) as error:
        yield "record", error, "a case"
        return
    for what, recorded, kept in _pairs(rows, state):
        if recorded != kept:
            yield what, *(("other words", "not that") if what in _WORDS else (recorded, kept))


def _pairs(rows: _Rows, state: State) -> Iterator[tuple[str, object, object]]:
    for name in _COLUMNS:
        yield name, getattr(state, name), getattr(rows.case, name)
    yield "handling", _progress(state.handling), rows.case.handling
    yield "escalation", state.escalation, _raised(rows.case.escalation)
    yield "links", _told_links(state.links), _told_links(rows.links)
    yield "compensations", sorted(state.offers), sorted(rows.offers)
    for id_, offer in state.offers.items():
        if id_ in rows.offers:
            yield f"compensation {id_}", offer, _offer(rows.offers[id_])
    yield from _clock_pairs(rows, state)


def _clock_pairs(rows: _Rows, state: State) -> Iterator[tuple[str, object, object]]:
    """Which clocks there are and when they were met; and that whatever was missed is told in the record."""
    for told, met_at in state.clocks.items():
        if told not in rows.clocks:
            yield f"clock {told}", "there", "not there"
        else:
            yield f"clock {told} met", met_at, rows.clocks[told].met_at
    for kind, clock in rows.clocks.items():
        # A promise is told of as an estimate. What began again is missed no more, which the record need not say.
        if clock.missed_at is not None and kind != "promise":
            missed = state.missed.get(kind)
            yield f"clock {kind} missed", missed, Missed(clock.missed_at, clock.told)


def _told_links(links: Mapping[tuple[UUID, bool], str]) -> dict[tuple[str, bool], str]:
    """Without the later complaints that repeat this one: that is told in the record of the later one only."""
    return {(str(other), outward): to for (other, outward), to in links.items() if outward or to != "repeat"}


def _progress(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    return asdict(progress) | {"done": list(progress.done), "skipped": list(progress.skipped)}


def _raised(kept: Mapping[str, Any] | None) -> Raised | None:
    if kept is None:
        return None
    times = {name: kept[name] and datetime.fromisoformat(kept[name]) for name in _MOMENTS}
    return Raised(**{**kept, **times, "told": tuple(kept["told"])})


_MOMENTS: Final = ("at", "acknowledge_by", "acknowledged_at")


def _offer(granted: Granted) -> Offer:
    return Offer(**{name: getattr(granted, name) for name in Offer.__dataclass_fields__})


def _said(value: object) -> str:
    """For people; a moment without its class's name."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
