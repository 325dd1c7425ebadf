"""What customers do on the page of their case: each harmless when it is sent twice.

What the page refuses is a `Slip`: a code that the page has words for, beside the field that it is about. Who writes
is whoever has the link; nothing else is known of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import UploadFile

from intake_api.attachments import Attacher
from intake_api.tracked import TrackedCase
from services.base.database import set_lock_timeout
from services.base.errors import Conflict, Forbidden, Invalid, Refused, TooLarge, WrongState
from services.base.privacy import Privacy
from services.base.stream.model import EventRow
from services.casework import customer
from services.casework.action import LONGEST_TEXT, Words
from services.complaints.events import Attached, AwaitingCustomer, CustomerReplied, Reopened, Withdrawn
from services.complaints.model import Complaint
from services.notices import opting
from services.notices.channels.port import Way
from web.uploads import Upload

MOST_A_MINUTE: Final = 10
_MINUTE: Final = timedelta(minutes=1)
# The same words within this time are a second click, or a page that was sent anew.
_AGAIN: Final = timedelta(minutes=10)
_LOCK_MS: Final = 5_000
_PIECE: Final = 256 * 1024

_WRITTEN: Final = TypeAdapter(Words)
_TEXT_CODES: Final = {"string_too_short": "empty", "string_too_long": "too_long"}
_FILE_CODES: Final = {
    "empty": "file_empty",
    "wrong_kind": "file_kind",
    "damaged": "file_damaged",
    "mixed": "file_mixed",
    "infected": "file_infected",
}
_BY_CUSTOMERS: Final = frozenset({Attached.TYPE, Withdrawn.TYPE, Reopened.TYPE})
# A message can be three events; what the newest of them say is enough to know whether it is too many.
_NEWEST: Final = (
    sa.select(EventRow.type, EventRow.time, EventRow.actor, EventRow.data, EventRow.private)
    .where(EventRow.key == sa.bindparam("case", type_=sa.Uuid))
    .order_by(EventRow.number.desc())
    .limit(5 * MOST_A_MINUTE)
)
_STATUS: Final = sa.select(Complaint.status).where(Complaint.id == sa.bindparam("case", type_=sa.Uuid))
_ALONE: Final = sa.text("select pg_advisory_xact_lock(:key)")


class Slip(Exception):
    """It can't be taken as it is. ``values`` are for the words that say so."""

    def __init__(self, code: str, field: Literal["text", "file"] = "text", **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.values = values


@dataclass(frozen=True, slots=True)
class CustomerActions:
    """Each method commits before it returns. Raises `Slip`, and then nothing was done but what its docstring says."""

    attacher: Attacher
    privacy: Privacy

    async def write(self, case: TrackedCase, text: str, file: UploadFile | None) -> None:
        """A message, a file, or both. The file is taken first: it stays when the words are not possible any more."""
        words = written(text) if text.strip() or file is None else None
        if file is not None:
            async with self._alone(case) as (_, newest):
                self._require_seldom(newest)
            await self._attach(case.id, file)
        if words is not None:
            await self._say(case, words)

    async def withdraw(self, case: TrackedCase, text: str) -> None:
        """Taken back. Withdrawn already is as good."""
        reason = written(text) if text.strip() else None
        async with self._alone(case) as (connection, newest):
            if await connection.scalar(_STATUS, {"case": case.id}) != "withdrawn":
                self._require_seldom(newest)
                await customer.withdraw(connection, self.attacher.plans, case.id, reason, self._now())

    async def reopen(self, case: TrackedCase, text: str) -> None:
        """Taken up again. A second click, on a case that the first one reopened, is as good."""
        reason = written(text)
        async with self._alone(case) as (connection, newest):
            last = _last(newest, Reopened.TYPE)
            if self._is_again(last, reason, "reason"):
                return
            self._require_seldom(newest)
            try:
                await customer.reopen(connection, self.attacher.plans, case.id, reason, self._now())
            except Forbidden as error:
                raise Slip("too_late") from error

    async def stop(self, case: TrackedCase, way: Way) -> None:
        """No messages on this way any more. A way that the customer doesn't have is left alone."""
        who = opting.recipients(self.privacy, self.privacy.open(case.personal)).get(way)
        if who is not None:
            async with self.attacher.engine.begin() as connection:
                await opting.opt_out(connection, who, way, case.realm, "unsubscribed", self._now())

    async def allow(self, case: TrackedCase, way: Way) -> None:
        """Messages on this way again."""
        who = opting.recipients(self.privacy, self.privacy.open(case.personal)).get(way)
        if who is not None:
            async with self.attacher.engine.begin() as connection:
                await opting.opt_in(connection, who, way, case.realm)

    async def _say(self, case: TrackedCase, words: str) -> None:
        async with self._alone(case) as (connection, newest):
            # After another question the same words are another answer.
            last = _last(newest, CustomerReplied.TYPE, AwaitingCustomer.TYPE)
            if self._is_again(last, words, "text"):
                return
            self._require_seldom(newest)
            await customer.add_message(connection, self.attacher.plans, case.id, words, self._now(), "page")

    async def _attach(self, case: UUID, file: UploadFile) -> None:
        # What a browser declares goes by the name of the file, and says nothing about it.
        upload = Upload(file.filename, None, _pieces(file))
        try:
            await self.attacher.take(case, upload, "customer", customer.ACTOR)
        except TooLarge as error:
            raise Slip("file_too_large", "file") from error
        except Invalid as error:
            raise Slip(_FILE_CODES.get(error.problems[0].code, "file_refused"), "file") from error
        except WrongState:
            raise
        except Conflict as error:
            raise Slip("too_many_files", "file") from error
        except Refused as error:
            raise Slip("file_refused", "file") from error

    @asynccontextmanager
    async def _alone(self, case: TrackedCase) -> AsyncIterator[tuple[AsyncConnection, Sequence[sa.Row[Any]]]]:
        """A transaction in which nobody else does something on the page of this case, with its newest events.

        Taken before all locks of cases, and by nobody who holds one.
        """
        key = int.from_bytes(case.id.bytes[8:], "big", signed=True)
        async with self.attacher.engine.begin() as connection:
            await set_lock_timeout(connection, _LOCK_MS)
            await connection.execute(_ALONE, {"key": key})
            yield connection, (await connection.execute(_NEWEST, {"case": case.id})).all()
        self.attacher.bell.ring()

    def _require_seldom(self, newest: Sequence[sa.Row[Any]]) -> None:
        since = self._now() - _MINUTE
        if sum(_is_from_the_page(event) and event.time > since for event in newest) >= MOST_A_MINUTE:
            raise Slip("too_often")

    def _is_again(self, event: sa.Row[Any] | None, words: str, name: str) -> bool:
        """Whether the customer said just this a moment ago."""
        return (
            event is not None
            and event.actor == customer.ACTOR
            and (event.private or {}).get(name) == words
            and self._now() - event.time < _AGAIN
        )

    def _now(self) -> datetime:
        return self.attacher.clock()


def written(text: str) -> str:
    """What was written in a form, as it is kept. Raises `Slip` for nothing, too much, or what can't be kept."""
    try:
        # Browsers write line ends as CR LF.
        return _WRITTEN.validate_python(text.replace("\r\n", "\n"))
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        code = _TEXT_CODES.get(found["type"], "control_character")
        position = found.get("ctx", {}).get("position", 0) + 1
        raise Slip(code, count=len(text.strip()), most=LONGEST_TEXT, position=position) from None


def _is_from_the_page(event: sa.Row[Any]) -> bool:
    """Whether the customer did it here; a conversation on another way doesn't count."""
    if event.type == CustomerReplied.TYPE:
        return bool(event.data.get("way") == "page")
    return event.type in _BY_CUSTOMERS and event.actor == customer.ACTOR


def _last(newest: Sequence[sa.Row[Any]], *types: str) -> sa.Row[Any] | None:
    return next((event for event in newest if event.type in types), None)


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece
