"""What a peer says later of a notice that it took: it arrived, or it can't be delivered after all.

A receipt names the notice by the id that the peer gave, or, where its sender died before that was recorded, by our own
number and the address. It may come before the record that the notice was sent, twice, or for none of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.privacy import Privacy
from services.notices import outcomes
from services.notices.channels.port import Receipt
from services.notices.claims import COLUMNS, SHOWN, Claimed
from services.notices.outcomes import Outcome, Status
from services.notices.recording import count
from services.plan.versions import Plans

# The newest first, because a message centre may use its ids again after a while.
_BY_PEER_ID = "n.peer_id = :peer_id and n.way = :way"
_BY_ID = "n.id = :id"
_BY_REFERENCE = (
    "n.recipient = :recipient and n.way = :way and n.begun_at is not null and n.peer_id is null"
    " and right(n.id::text, 4) = :reference and n.status in ('pending', 'unconfirmed')"
)
_UNKNOWN: Final[tuple[Status, ...]] = ("pending", "unconfirmed", "failed")


def _lock(where: str) -> sa.TextClause:
    return sa.text(
        f"""
        with named as (
            select n.id, n.merged_into from notice n where {where} order by n.requested_at desc limit 1
        ), wanted as (
            select id from named
            union select n.id from notice n, named where n.merged_into = named.id
            union select n.id from notice n, named where n.merged_into = named.merged_into
        )
        select n.id from notice n where n.id in (select id from wanted) order by n.id for update
        """
    )


_LOCK: Final = {where: _lock(where) for where in (_BY_PEER_ID, _BY_ID, _BY_REFERENCE)}

# In a statement of its own: while the lock was waited for, a sender may have recorded what the first could not see.
_READ: Final = (
    sa.text(
        f"""
        select notice.status, {SHOWN} from notice join complaint c on c.id = notice.complaint_id
        where notice.id = any(:ids) order by notice.id
        """
    )
    .bindparams(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
    .columns(sa.column("status", sa.Text), *COLUMNS)
)


async def note(connection: AsyncConnection, privacy: Privacy, plans: Plans, receipt: Receipt, now: datetime) -> bool:
    """Record what a receipt says; whether it was for a notice of ours. The caller commits."""
    found = await _named(connection, privacy, receipt)
    if not found:
        return False
    if receipt.state == "on_the_way":
        return True
    by_notice = await outcomes.plans_of(connection, plans, [notice for _, notice in found])
    steps = _delivered(found, receipt.at) if receipt.state == "delivered" else _failed(found, privacy, receipt, now)
    for became in steps:
        moved = await outcomes.move(connection, became, {}, by_notice)
        count([one for one in became if one.notice.id in moved])
    return True


async def _named(connection: AsyncConnection, privacy: Privacy, receipt: Receipt) -> Sequence[tuple[Status, Claimed]]:
    """The notice that the receipt is for, and those that were told in the same message."""
    for where, parameters in _ways_to_name(privacy, receipt):
        locked = list(await connection.scalars(_LOCK[where], parameters))
        if locked:
            return [(status, Claimed(*row)) for status, *row in await connection.execute(_READ, {"ids": locked})]
    return []


def _ways_to_name(privacy: Privacy, receipt: Receipt) -> list[tuple[str, dict[str, object]]]:
    if receipt.way == "email" and receipt.peer_id is not None:
        return [(_BY_ID, {"id": UUID(receipt.peer_id)})]
    by_peer_id: list[tuple[str, dict[str, object]]] = []
    if receipt.peer_id is not None:
        by_peer_id.append((_BY_PEER_ID, {"peer_id": receipt.peer_id, "way": receipt.way}))
    if receipt.reference is not None:
        parameters: dict[str, object] = {
            "recipient": privacy.fingerprint(receipt.way, receipt.address),
            "way": receipt.way,
            "reference": f"{receipt.reference:04x}",
        }
        # Once more by its id: the sender may have recorded it between the first look and this one.
        return [*by_peer_id, (_BY_REFERENCE, parameters), *by_peer_id]
    return by_peer_id


def _delivered(found: Sequence[tuple[Status, Claimed]], at: datetime) -> list[list[Outcome]]:
    """What was not known to be sent was sent, and has arrived: two facts, one after the other."""
    unknown = [outcomes.sent(notice, at, was=_UNKNOWN) for status, notice in found if status in _UNKNOWN]
    return [step for step in (unknown, [outcomes.delivered(notice, at) for _, notice in found]) if step]


def _failed(
    found: Sequence[tuple[Status, Claimed]], privacy: Privacy, receipt: Receipt, now: datetime
) -> list[list[Outcome]]:
    """What was not known to be sent was sent, too, and all of it goes the next way."""
    reason = receipt.detail or "the peer says that it can't be delivered"
    unknown = [outcomes.sent(notice, receipt.at) for status, notice in found if status in ("pending", "unconfirmed")]
    gone_on = [
        outcomes.on_to_next(notice, privacy, now, reason, attempts=notice.attempts, was=("sent",))
        for status, notice in found
        if status in ("pending", "unconfirmed", "sent")
    ]
    return [step for step in (unknown, gone_on) if step]
