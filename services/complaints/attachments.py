"""Files of a case: which there are. Their contents lie outside the database (`services.base.files`).

What a file was called is personal data, and stands in the private half of the event that tells of it, and only there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from services.base.database import Base, Timestamp
from services.base.errors import NotFound
from services.base.files.receiving import ReceivedFile
from services.base.stream.model import EventRow

By = Literal["customer", "channel", "staff"]
"""Who added it: the customer themselves, the channel that posted the case, or a member of staff."""


class Attachment(Base):
    """A file of a case. ``number`` is that of its event in the case. One content is on a case once."""

    __tablename__ = "attachment"

    id: Mapped[UUID] = mapped_column(sa.Uuid, primary_key=True)
    complaint_id: Mapped[UUID] = mapped_column(sa.ForeignKey("complaint.id"))
    realm: Mapped[str] = mapped_column(sa.Text)
    number: Mapped[int] = mapped_column(sa.Integer)
    sha256: Mapped[bytes] = mapped_column(sa.LargeBinary)
    media_type: Mapped[str] = mapped_column(sa.Text)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    added_by: Mapped[str] = mapped_column(sa.Text)
    attached_at: Mapped[datetime] = mapped_column(Timestamp)

    __table_args__ = (
        sa.UniqueConstraint("complaint_id", "sha256"),
        sa.CheckConstraint("realm in ('live', 'drill', 'sandbox')", name="realm"),
        sa.CheckConstraint("added_by in ('customer', 'channel', 'staff')", name="added_by"),
        sa.CheckConstraint("octet_length(sha256) = 32", name="sha256"),
        sa.CheckConstraint("size > 0", name="size"),
    )


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """A file of a case as people see it. ``sha256`` is hexadecimal, ``size`` in bytes."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    added_by: By
    attached_at: datetime

    @property
    def file(self) -> ReceivedFile:
        """What is kept of it."""
        return ReceivedFile(self.sha256, self.media_type, self.size)


_NAME: Final = EventRow.private["name"].astext
_DIGEST: Final = sa.func.encode(Attachment.sha256, "hex")
_COLUMNS: Final = (
    Attachment.id,
    _NAME,
    Attachment.media_type,
    Attachment.size,
    _DIGEST,
    Attachment.added_by,
    Attachment.attached_at,
)
_OF_CASE: Final = (
    sa.select(*_COLUMNS)
    .join(EventRow, sa.and_(EventRow.key == Attachment.complaint_id, EventRow.number == Attachment.number))
    .where(Attachment.complaint_id == sa.bindparam("case"), Attachment.realm == sa.bindparam("realm"))
    .order_by(Attachment.number)
)


async def of_case(connection: AsyncConnection, case: UUID, realm: str) -> list[AttachmentView]:
    """The files of a case, in the order in which they came."""
    return [AttachmentView(*row) for row in await connection.execute(_OF_CASE, {"case": case, "realm": realm})]


async def find(connection: AsyncConnection, case: UUID, realm: str, attachment: UUID) -> AttachmentView:
    """This file of the case. Raises `NotFound`."""
    for one in await of_case(connection, case, realm):
        if one.id == attachment:
            return one
    raise NotFound(f"the case has no attachment {attachment}; …/attachments lists those that it has")


async def add(connection: AsyncConnection, case: UUID, realm: str, number: int, view: AttachmentView) -> None:
    """Write down that the case has the file, told by its event of this number."""
    await connection.execute(
        sa.insert(Attachment).values(
            id=view.id,
            complaint_id=case,
            realm=realm,
            number=number,
            sha256=bytes.fromhex(view.sha256),
            media_type=view.media_type,
            size=view.size,
            added_by=view.added_by,
            attached_at=view.attached_at,
        )
    )
