"""Adding a file to a case: by the customer, by the channel for them, or by staff.

The file is kept before this is called, and the row that names it is committed after: a crash in between leaves a file
that no case has, never a case with a file that isn't there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import set_lock_timeout
from services.base.errors import Conflict, WrongState
from services.base.files.names import shown_name
from services.base.files.receiving import ReceivedFile
from services.base.identity import new_id
from services.casework.actions import works_on
from services.casework.handlers import conversing
from services.casework.work import Work, write
from services.complaints import attachments
from services.complaints.attachments import AttachmentView, By
from services.complaints.commands import Case, read
from services.complaints.events import Attached
from services.complaints.lifecycle import OPEN
from services.complaints.model import Complaint
from services.plan.telling import Attachments
from services.plan.versions import Plans

_LOCK_MS: Final = 5_000
TAKES_FILES: Final = OPEN | {"resolved"}


async def limits(connection: AsyncConnection, plans: Plans) -> Attachments:
    """What may be sent today: the plan in force says it, whatever plan a case runs under."""
    _, in_force = await plans.current(connection)
    return in_force.attachments


async def require_room(connection: AsyncConnection, plans: Plans, case: UUID, sha256: str | None = None) -> None:
    """Ask before a file is read, and with its digest before it is kept, so that none is kept for nothing.

    What holds then may not hold any more when it is attached, which asks again. Raises as `attach` does.
    """
    found = (await read(connection, [case]))[case]
    await _require_open(connection, found)
    if sha256 is not None:
        most = (await limits(connection, plans)).most
        _known_or_room(await attachments.of_case(connection, case, found.realm), sha256, most)


async def attach(
    connection: AsyncConnection,
    plans: Plans,
    case: UUID,
    file: ReceivedFile,
    name: str | None,
    by: By,
    actor: str,
    now: datetime,
) -> AttachmentView:
    """Add the file, called ``name`` by whoever sent it. The caller commits.

    A case that waits for its customer goes on with what they send, as with a message. The same content again is the
    attachment that the case has already, and changes nothing.

    Raises `WrongState` when the case is over or merged into another, `Conflict` when it has all the files that it may.
    """
    _, in_force = await plans.current(connection)
    await set_lock_timeout(connection, _LOCK_MS)
    work = (await works_on(connection, plans, in_force, [case], actor, now))[case]
    await _require_open(connection, work.case)
    has = await attachments.of_case(connection, case, work.case.realm)
    known = _known_or_room(has, file.sha256, in_force.attachments.most)
    if known is not None:
        return known
    view = AttachmentView(
        new_id(), shown_name(name, file.media_type), file.media_type, file.size, file.sha256, by, now
    )  # fmt: skip
    _happened(work, view)
    number = work.number
    if by != "staff":
        _heard(work)
    await write(connection, [work])
    await attachments.add(connection, case, work.case.realm, number, view)
    return view


def _happened(work: Work, view: AttachmentView) -> None:
    event = Attached(
        reference=work.case.reference, attachment=view.id, media_type=view.media_type, size=view.size
    )  # fmt: skip
    work.happened(event, {"name": view.name})


def _heard(work: Work) -> None:
    """A file says something, as words do: its person hears of it, and nobody takes the customer for silent."""
    work.alert("customer_replied", [work.case.assignee])
    if work.case.status == "awaiting_customer":
        conversing.go_on(work, "answered")
    if work.clocks.get("close") is not None:
        work.clocks.set_timer("close", work.now + work.plan.close_after_silence, work.now)


def _known_or_room(has: Sequence[AttachmentView], sha256: str, most: int) -> AttachmentView | None:
    """The attachment of this content, if the case has it; None when there is room for it."""
    known = next((one for one in has if one.sha256 == sha256), None)
    if known is None and len(has) >= most:
        raise Conflict(f"the case has {len(has)} files, and {most} are the most; tell in a message what is missing")
    return known


async def _require_open(connection: AsyncConnection, case: Case) -> None:
    if case.merged_into is not None:
        other = await connection.scalar(sa.select(Complaint.reference).where(Complaint.id == case.merged_into))
        raise WrongState(f"this complaint was merged into {other} of the same customer; send the file to that one", ())
    if case.status not in TAKES_FILES:
        raise WrongState(f"no file can be added to a case that is {case.status}; reopen it first", ("reopen",))
