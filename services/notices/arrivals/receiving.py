"""The files of a mail: kept before the mail is, and added to its case when it is known.

A crash in between leaves a file that no mail has, never a mail with a file that isn't there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import Conflict, Refused
from services.base.files.receiving import FileDoor, ReceivedFile
from services.base.privacy import IncomingFile
from services.casework import attaching, customer
from services.notices.arrivals.charsets import cleaned
from services.notices.arrivals.reading import MailFile
from services.plan.telling import Attachments
from services.plan.versions import Plans

# More are no screenshots of a bill; the rest are counted.
MOST_FILES: Final = 50


async def receive(files: Sequence[MailFile], door: FileDoor | None, limits: Attachments) -> list[IncomingFile]:
    """Keep what the plan lets customers send; each says why, if it isn't kept. Without a ``door`` none is.

    Raises `Unavailable` when files can't be kept now.
    """
    received = [await _receive(one, door, limits) for one in files[:MOST_FILES]]
    rest = files[MOST_FILES:]
    if rest:
        size = sum(len(one.content) for one in rest)
        received.append(_named(f"+ {len(rest)}", "multipart/mixed", size, refused="too many files in one mail"))
    return received


async def attach(
    connection: AsyncConnection, plans: Plans, case: UUID, files: Sequence[IncomingFile], now: datetime
) -> list[IncomingFile]:
    """Add the files that are kept to the case; returns them, with the reason at those that it can't have."""
    return [await _attach(connection, plans, case, one, now) for one in files]


async def _receive(file: MailFile, door: FileDoor | None, limits: Attachments) -> IncomingFile:
    size = len(file.content)
    if door is None:
        return _named(file.name, file.media_type, size, refused="files of mails are not kept here")
    try:
        # What mail programs call a file is often wrong; what it is, is found out from its content.
        kept = await door.receive(_pieces(file.content), declared=None, kinds=limits.kinds, largest=limits.largest)
    except Refused as error:
        return _named(file.name, file.media_type, size, refused=str(error))
    return _named(file.name, kept.media_type, kept.size, sha256=kept.sha256)


async def _attach(
    connection: AsyncConnection, plans: Plans, case: UUID, file: IncomingFile, now: datetime
) -> IncomingFile:
    if file.sha256 is None:
        return file
    kept = ReceivedFile(file.sha256, file.media_type, file.size)
    try:
        await attaching.attach(connection, plans, case, kept, file.name, "customer", customer.ACTOR, now)
    except Conflict as error:
        return file.model_copy(update={"refused": str(error)})
    return file.model_copy(update={"refused": None})


def _named(
    name: str, media_type: str, size: int, *, sha256: str | None = None, refused: str | None = None
) -> IncomingFile:
    return IncomingFile(name=cleaned(name), media_type=media_type, size=size, sha256=sha256, refused=refused)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content
