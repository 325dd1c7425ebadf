"""Changing arrivals: keeping one, putting it to a case, setting it aside; and the task that a person owes for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Json, Timestamp, set_lock_timeout
from services.base.errors import NotFound, WrongState
from services.base.privacy import Incoming, Privacy
from services.casework import customer
from services.casework.action import LONGEST_TEXT
from services.casework.naming import case_named
from services.casework.tasks import commands as tasks
from services.casework.tasks.commands import NewTask
from services.casework.tasks.model import Task
from services.complaints.model import Complaint
from services.notices.arrivals.matching import Match, WhyNot
from services.notices.arrivals.model import Arrival
from services.notices.arrivals.permissions import require_may_sort
from services.notices.arrivals.receiving import attach
from services.notices.arrivals.recognising import Kind
from services.people.keys import Caller
from services.plan.schema import Plan
from services.plan.versions import Plans
from services.plan.vocabulary import CUSTOMER_SERVICE

ACTOR: Final = "system:notifier"
_LOCK_MS: Final = 5_000
_LONGEST_PEER_ID: Final = 200

Why = WhyNot | Literal["case_over", "case_closed"]
ArrivalWay = Literal["email", "sms"]

# What a task says to customer service, in both languages of the house.
_TITLES: Final[dict[Why, str]] = {
    "nobody": "有一条来信找不到对应的投诉：请查看并归入投诉，或注明理由后忽略。"
    " / A message matches no complaint: put it to its case, or dismiss it with the reason.",
    "several": "有一条来信对应发件人的多个未结投诉：请查看并归入其中之一。"
    " / A message comes from a customer with several open cases: put it to the one that it is about.",
    "case_over": "客户就已撤销或已驳回的投诉来信：请查看，必要时重新受理，再归入投诉。"
    " / A customer wrote about a case that is over: read it, reopen the case if need be, then put it to the case.",
    "case_closed": "客户在投诉关闭后来信：请查看，必要时重新受理。"
    " / A customer wrote after the case was closed: read it, and reopen the case if need be.",
}

_KEEP = sa.text(
    """
    insert into arrival (id, realm, way, peer_id, kind, status, personal, content, received_at, complaint_id, notice_id)
    values (:id, :realm, :way, :peer_id, :kind, 'unmatched', cast(:personal as jsonb), :content, :received_at,
            :complaint_id, :notice_id)
    on conflict (way, peer_id) do nothing
    returning id
    """
).bindparams(
    sa.bindparam("id", type_=sa.Uuid),
    sa.bindparam("received_at", type_=Timestamp),
    sa.bindparam("complaint_id", type_=sa.Uuid),
    sa.bindparam("notice_id", type_=sa.Uuid),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that is kept, or is about to be. ``incoming`` is what is personal in it, ``content`` its whole text."""

    id: UUID
    realm: str
    way: ArrivalWay
    kind: Kind
    incoming: Incoming
    content: str
    received_at: datetime


async def keep(connection: AsyncConnection, privacy: Privacy, kept: Kept, peer_id: str, found: Match | None) -> bool:
    """Write the message down, with the case that it seems to belong to; False when it is there already."""
    if len(peer_id) > _LONGEST_PEER_ID:
        peer_id = hashlib.sha256(peer_id.encode("utf-8", "surrogatepass")).hexdigest()
    row = {
        "id": kept.id,
        "realm": kept.realm,
        "way": kept.way,
        "peer_id": peer_id,
        "kind": kept.kind,
        "personal": privacy.seal_incoming(kept.incoming),
        "content": kept.content,
        "received_at": kept.received_at,
        "complaint_id": None if found is None else found.complaint,
        "notice_id": None if found is None else found.notice,
    }
    return (await connection.execute(_KEEP, row)).one_or_none() is not None


async def put_to_case(
    connection: AsyncConnection,
    plans: Plans,
    privacy: Privacy,
    kept: Kept,
    found: Match,
    now: datetime,
    actor: str = ACTOR,
) -> None:
    """The message belongs to this case: it becomes the customer's message, with the files that the case can have, and
    a case that waited for it goes on.

    What a machine wrote is only kept with the case, unless it is a person (``actor``) who puts it there. Raises
    `WrongState` when the case is over, and then nothing was written.
    """
    files = list(kept.incoming.files)
    if kept.kind == "message" or actor != ACTOR:
        await customer.add_message(connection, plans, found.complaint, message_of(kept), now, kept.way)
        files = await attach(connection, plans, found.complaint, files, now)
    incoming = kept.incoming.model_copy(update={"files": tuple(files)})
    values = {
        "personal": sa.cast(sa.literal(privacy.seal_incoming(incoming), sa.Text), Json),
        "status": "matched",
        "why": None,
        "complaint_id": found.complaint,
        "matched_by": found.by,
        "settled_at": now,
        "settled_by": actor,
        "outcome": None,
    }
    await connection.execute(sa.update(Arrival).where(Arrival.id == kept.id).values(**values))


async def ask_a_person(
    connection: AsyncConnection, plan: Plan, kept: Kept, why: Why, complaint: UUID | None, now: datetime
) -> None:
    """Customer service gets a task for the message, one however often it is asked for."""
    await connection.execute(sa.update(Arrival).where(Arrival.id == kept.id).values(why=why))
    task = NewTask(
        kind="other",
        realm=kept.realm,
        opened_by=ACTOR,
        group=CUSTOMER_SERVICE,
        complaint_id=complaint,
        cause=kept.id,
        title=_TITLES[why],
        facts={"arrival": str(kept.id), "way": kept.way, "why": why},
    )
    await tasks.open_tasks(connection, [task], plan, now)


def message_of(kept: Kept) -> str:
    """What stands in the case's record: the words that are new, as long as a message may be."""
    said = kept.incoming.said.strip()
    if not said and kept.incoming.files:
        said = f"（来信没有文字，附有 {len(kept.incoming.files)} 个文件） / (no words, only files)"
    if not said:
        said = "（空白消息） / (an empty message)"
    return said if len(said) <= LONGEST_TEXT else f"{said[: LONGEST_TEXT - 1]}…"


async def match_by_hand(
    connection: AsyncConnection,
    plans: Plans,
    privacy: Privacy,
    arrival: UUID,
    complaint: str,
    caller: Caller,
    now: datetime,
) -> None:
    """A person puts the message to the case of this id or reference. Doing it again changes nothing.

    The caller commits. Raises `NotFound`, `Forbidden`, `Invalid` for no such case, `WrongState` when it stands with
    another case already, or when the case is over; and then nothing was written.
    """
    _, plan = await plans.current(connection)
    require_may_sort(plan, caller)
    case = await case_named(connection, complaint, caller.realm, plan.plan.reference_prefix)
    row = await _locked(connection, arrival, caller.realm)
    if row.status == "matched":
        if row.complaint_id == case:
            return
        other = await connection.scalar(sa.select(Complaint.reference).where(Complaint.id == row.complaint_id))
        raise WrongState(f"the message stands with the case {other} already; write a note to that one instead", ())
    found = Match(case, caller.realm, "staff", row.notice_id)
    await put_to_case(connection, plans, privacy, _kept(privacy, row), found, now, caller.actor)
    reference = await connection.scalar(sa.select(Complaint.reference).where(Complaint.id == case))
    await _end_task(connection, row, f"{reference}", caller, now)


async def dismiss(
    connection: AsyncConnection, plans: Plans, arrival: UUID, reason: str, caller: Caller, now: datetime
) -> None:
    """A person saw that nothing is owed for the message. Doing it again changes nothing, the first reason stays.

    The caller commits. Raises `NotFound`, `Forbidden`, or `WrongState` when it stands with a case.
    """
    _, plan = await plans.current(connection)
    require_may_sort(plan, caller)
    row = await _locked(connection, arrival, caller.realm)
    if row.status == "dismissed":
        return
    if row.status == "matched":
        reference = await connection.scalar(sa.select(Complaint.reference).where(Complaint.id == row.complaint_id))
        raise WrongState(f"the message stands with the case {reference}; it can't be dismissed any more", ())
    values = {"status": "dismissed", "settled_at": now, "settled_by": caller.actor, "outcome": reason}
    await connection.execute(sa.update(Arrival).where(Arrival.id == arrival).values(**values))
    await _end_task(connection, row, reason, caller, now)


async def _locked(connection: AsyncConnection, arrival: UUID, realm: str) -> Arrival:
    await set_lock_timeout(connection, _LOCK_MS)
    query = sa.select(Arrival.__table__).where(Arrival.id == arrival, Arrival.realm == realm).with_for_update()
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"there is no message {arrival}")
    return cast(Arrival, row)


def _kept(privacy: Privacy, row: Arrival) -> Kept:
    return Kept(
        row.id,
        row.realm,
        cast(ArrivalWay, row.way),
        cast(Kind, row.kind),
        privacy.open_incoming(row.personal),
        row.content,
        row.received_at,
    )


async def _end_task(connection: AsyncConnection, row: Arrival, outcome: str, caller: Caller, now: datetime) -> None:
    """The task for the message is done by settling it."""
    wanted = (Task.cause == row.id, Task.kind == "other", Task.status == "open", Task.realm == row.realm)
    ids = (await connection.execute(sa.select(Task.id).where(*wanted))).scalars().all()
    locked = await tasks.lock(connection, ids, row.realm)
    still = [task for task in locked.values() if task.status == "open"]
    await tasks.save(connection, [tasks.done(task, outcome, caller.actor, now) for task in still])
