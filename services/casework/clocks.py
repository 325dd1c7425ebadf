"""The clocks of a case: by when it must be acknowledged, answered and resolved, under its plan.

Counted from the receipt of the complaint. ``acknowledge`` is met when the acknowledgement has been sent, ``respond``
when a person accepts the case, ``resolve`` when it is resolved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Timestamp
from services.complaints.commands import Case, to_rows
from services.plan.schema import Plan
from services.plan.vocabulary import Category, Severity

Kind = Literal["acknowledge", "respond", "resolve"]
KINDS: Final[tuple[Kind, ...]] = ("acknowledge", "respond", "resolve")


@dataclass(frozen=True, slots=True)
class Clock:
    """One running clock."""

    complaint_id: UUID
    kind: Kind
    realm: str
    started_at: datetime
    due_at: datetime


_START = sa.text(
    """
    insert into deadline (complaint_id, kind, realm, started_at, due_at)
    select complaint_id, kind, realm, started_at, due_at
    from jsonb_populate_recordset(null::deadline, cast(:rows as jsonb))
    order by complaint_id, kind
    on conflict (complaint_id, kind)
    do update set due_at = deadline.started_at + (excluded.due_at - excluded.started_at)
    where deadline.met_at is null
    returning complaint_id, kind, due_at
    """
)

_MEET = sa.text(
    """
    update deadline set met_at = met.at from unnest(:ids, :times) as met (id, at)
    where complaint_id = met.id and kind = :kind and met_at is null
    """
).bindparams(sa.bindparam("ids", type_=ARRAY(sa.Uuid)), sa.bindparam("times", type_=ARRAY(Timestamp)))

_ACKNOWLEDGE = sa.text(
    """
    insert into deadline (complaint_id, kind, realm, started_at, due_at, met_at)
    select c.id, 'acknowledge', c.realm, c.received_at, c.received_at + :allowed, met.at
    from unnest(:ids, :times) as met (id, at) join complaint c on c.id = met.id
    order by c.id
    on conflict (complaint_id, kind) do update set met_at = excluded.met_at where deadline.met_at is null
    """
).bindparams(
    sa.bindparam("ids", type_=ARRAY(sa.Uuid)),
    sa.bindparam("times", type_=ARRAY(Timestamp)),
    sa.bindparam("allowed", type_=sa.Interval),
)


def clocks_for(case: Case, plan: Plan, category: Category, severity: Severity) -> dict[Kind, Clock]:
    """The clocks of a case of this category and severity."""
    allowed = plan.deadlines_for(category, severity)
    return {
        kind: Clock(case.id, kind, case.realm, case.received_at, case.received_at + getattr(allowed, kind))
        for kind in KINDS
    }


async def start(connection: AsyncConnection, clocks: Sequence[Clock]) -> dict[tuple[UUID, str], datetime]:
    """Start clocks, or move those that run to their new time; one that was met stays met.

    A clock that began again meanwhile (a case was reopened) keeps its beginning. Returns by case and kind when each
    that runs is due.
    """
    rows = [
        {
            "complaint_id": clock.complaint_id,
            "kind": clock.kind,
            "realm": clock.realm,
            "started_at": clock.started_at,
            "due_at": clock.due_at,
        }
        for clock in clocks
    ]
    if not rows:
        return {}
    started = await connection.execute(_START, {"rows": to_rows(rows)})
    return {(row.complaint_id, row.kind): row.due_at for row in started}


async def meet(connection: AsyncConnection, kind: Kind, when: Mapping[UUID, datetime]) -> None:
    """Note that these cases met a clock at these times. The first time counts."""
    if when:
        ids = sorted(when)
        await connection.execute(_MEET, {"ids": ids, "times": [when[case] for case in ids], "kind": kind})


async def meet_acknowledge(connection: AsyncConnection, when: Mapping[UUID, datetime], plan: Plan) -> None:
    """Note that these cases were acknowledged at these times.

    The acknowledgement may be sent before the case is judged and its clocks are started. It is then measured against
    what the plan allows for a complaint that is still unclear.
    """
    if when:
        ids = sorted(when)
        allowed = plan.deadlines_for("unclear", "minor").acknowledge
        await connection.execute(_ACKNOWLEDGE, {"ids": ids, "times": [when[case] for case in ids], "allowed": allowed})
