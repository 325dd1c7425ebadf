"""Taking complaints in, one or many: from a body to an answer that says what became of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api.posting import PostedComplaint, Reception
from intake_api.writer import Writer
from services.base import telemetry
from services.base.errors import AlreadyUsed, FieldProblem, Invalid, Refused, Unavailable
from services.base.privacy import Privacy
from services.complaints.queries import find
from services.complaints.registering import Registered
from services.people.keys import Caller
from services.plan.vocabulary import CHANNELS
from web.case_routes import shown
from web.validation import refusal

_KEY = re.compile(r"[\x21-\x7e]{1,255}")

# Looked up once: finding a metric's child by its labels takes a lock each time.
_ANSWERS = {
    outcome: telemetry.INTAKE_ANSWERS.labels(outcome)
    for outcome in ("registered", "repeated", "refused", "unavailable")
}
_REGISTERED = {channel: telemetry.REGISTERED.labels(channel) for channel in CHANNELS}


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a posted complaint: the answer's status, body and whether it was there before."""

    status: int
    body: dict[str, Any]
    version: int
    replayed: bool


class Intake:
    """Registers complaints and makes the answers."""

    def __init__(
        self,
        *,
        engine: AsyncEngine,
        privacy: Privacy,
        writer: Writer,
        reception: Reception,
        public_url: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._privacy = privacy
        self._writer = writer
        self.reception = reception
        self._public_url = public_url
        self._clock = clock

    async def take(self, make: Callable[[str], PostedComplaint], caller: Caller, idempotency_key: str | None) -> Taken:
        """Register what ``make`` reads (given the country for national phone numbers); returns after the commit.

        Raises `Malformed`, `Invalid`, `AlreadyUsed` or `Unavailable`; each is counted.
        """
        try:
            posted = make(self.reception.phone_region)
            registration = self.reception.registration(posted, caller, idempotency_key, self._clock())
            registered = await self._writer.register(registration)
            taken = await self._taken(registered, caller)
        except ValidationError as error:
            _ANSWERS["refused"].inc()
            raise refusal(error, PostedComplaint) from None
        except (Refused, Unavailable) as error:
            _ANSWERS["unavailable" if isinstance(error, Unavailable) else "refused"].inc()
            raise
        _ANSWERS["repeated" if taken.replayed else "registered"].inc()
        if not taken.replayed:
            _REGISTERED[posted.channel].inc()
        return taken

    async def _taken(self, registered: Registered, caller: Caller) -> Taken:
        match registered.outcome:
            case "other_idempotency_key":
                raise AlreadyUsed(
                    "this Idempotency-Key was used for another complaint; use a new key for each complaint, "
                    "and the same key only to send the same one again",
                    by="idempotency-key",
                )
            case "other_external_id":
                raise AlreadyUsed(
                    f"the external_id was used for another complaint, {registered.reference}; "
                    "to add to that one, post to its messages",
                    by="external-id",
                )
            case "same_external_id":
                return await self._standing(registered, caller)
        # The first answer again, also to a repeated idempotency key: what has happened since is asked for elsewhere.
        return Taken(201, self._first_answer(registered), 1, registered.outcome != "registered")

    def _first_answer(self, registered: Registered) -> dict[str, Any]:
        return {
            "id": registered.id,
            "reference": registered.reference,
            "status": "received",
            "received_at": registered.received_at,
            "track_url": f"{self._public_url}/track/{self._privacy.track_token(registered.id, 0)}",
        }

    async def _standing(self, registered: Registered, caller: Caller) -> Taken:
        async with self._engine.connect() as connection:
            view = await find(connection, str(registered.id), caller.realm)
            [body] = await shown(connection, [view], privacy=self._privacy, public_url=self._public_url)
        return Taken(200, body, view.version, True)


def checked_key(header: str | None) -> str | None:
    """The idempotency key of a request. Raises `Invalid` when it can't be one."""
    if header is not None and not _KEY.fullmatch(header):
        reason = "must have 1 to 255 visible ASCII characters, such as a UUID"
        raise Invalid(f"Idempotency-Key {reason}", [FieldProblem("Idempotency-Key", reason, "invalid")])
    return header
