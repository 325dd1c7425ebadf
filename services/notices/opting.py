"""Who wants no messages on a way any more, and who wants them again.

It is the address that opts out, not the case: whoever says it once is left in peace about all their complaints.
Nothing here sends; the sender asks before it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.privacy import Person, Privacy
from services.notices.channels.port import Way
from services.notices.model import OptOut
from services.notices.ways import EMAIL, SMS, address_of, recipient

OptOutCause = Literal["stop", "unsubscribed", "staff"]


def recipients(privacy: Privacy, person: Person) -> dict[Way, bytes]:
    """The ways that this person can opt out of, each with the fingerprint of their address on it."""
    found: dict[Way, bytes] = {}
    for way in (SMS, EMAIL):
        address = address_of(way, person, "")
        if address:
            found[way] = recipient(privacy, way, address)
    return found


async def opt_out(
    connection: AsyncConnection, who: bytes, way: Way, realm: str, cause: OptOutCause, now: datetime
) -> None:
    """No messages to this address from now on. Whoever said so before stays opted out since then."""
    row = insert(OptOut).values(recipient=who, way=way, realm=realm, since=now, cause=cause)
    await connection.execute(row.on_conflict_do_nothing())


async def opt_in(connection: AsyncConnection, who: bytes, way: Way, realm: str) -> None:
    """Messages to this address again; nothing happens where they never stopped."""
    await connection.execute(sa.delete(OptOut).where(OptOut.recipient == who, OptOut.way == way, OptOut.realm == realm))


async def opted_out(connection: AsyncConnection, who: Mapping[Way, bytes], realm: str) -> frozenset[Way]:
    """Those of these ways on which the address wants no messages."""
    if not who:
        return frozenset()
    wanted = [(fingerprint, way) for way, fingerprint in who.items()]
    query = sa.select(OptOut.way).where(sa.tuple_(OptOut.recipient, OptOut.way).in_(wanted), OptOut.realm == realm)
    stopped = set((await connection.execute(query)).scalars())
    return frozenset(way for way in who if way in stopped)
