"""Taking complaints in, one or many: from a body to an answer that says what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from intake_api.posting import PostedComplaint, Reception
from intake_api.writer import Writer
from services.base import telemetry
from services.base.errors import AlreadyUsed, Refused, Unavailable
from services.base.privacy import Privacy
from services.complaints.queries import by_ids
from services.complaints.registering import Registered
from services.people.keys import Caller
from services.plan.vocabulary import CHANNELS
from web.case_routes import shown
from web.validation import refusal

Make = Callable[[str], PostedComplaint]
"""Reads one complaint, given the country for national phone numbers."""

_STANDS: Final = "same_external_id"

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

    async def take(self, make: Make, caller: Caller, idempotency_key: str | None) -> Taken:
        """Register what ``make`` reads (given the country for national phone numbers); returns after the commit.

        Raises `Malformed`, `Invalid`, `AlreadyUsed` or `Unavailable`; each is counted.
        """
        registered = await self._register(make, caller, idempotency_key)
        if registered.outcome == _STANDS:
            return (await self._standing([registered], caller))[registered.id]
        return self._first_answer(registered)

    async def take_all(self, asked: Sequence[tuple[Make, str | None]], caller: Caller) -> list[Taken | BaseException]:
        """Register many, each with its idempotency key; for each what became of it, or the error, in their order."""
        outcomes = await asyncio.gather(
            *(self._register(make, caller, key) for make, key in asked), return_exceptions=True
        )
        standing = await self._standing([one for one in outcomes if _stands(one)], caller)
        return [
            one if isinstance(one, BaseException) else standing[one.id] if _stands(one) else self._first_answer(one)
            for one in outcomes
        ]

    async def _register(self, make: Make, caller: Caller, idempotency_key: str | None) -> Registered:
        try:
            posted = make(self.reception.phone_region)
            registration = self.reception.registration(posted, caller, idempotency_key, self._clock())
            registered = await self._writer.register(registration)
            _require_own(registered)
        except ValidationError as error:
            _ANSWERS["refused"].inc()
            raise refusal(error, PostedComplaint) from None
        except (Refused, Unavailable) as error:
            _ANSWERS["unavailable" if isinstance(error, Unavailable) else "refused"].inc()
            raise
        if registered.outcome == "registered":
            _ANSWERS["registered"].inc()
            _REGISTERED[posted.channel].inc()
        else:
            _ANSWERS["repeated"].inc()
        return registered

    def _first_answer(self, registered: Registered) -> Taken:
        # Also to a repeated idempotency key: what has happened since is asked for elsewhere.
        body = {
            "id": registered.id,
            "reference": registered.reference,
            "status": "received",
            "received_at": registered.received_at,
            "track_url": f"{self._public_url}/track/{self._privacy.track_token(registered.id, 0)}",
        }
        return Taken(201, body, 1, registered.outcome != "registered")

    async def _standing(self, found: Sequence[Registered], caller: Caller) -> dict[UUID, Taken]:
        """The cases that stood already, as they stand now."""
        if not found:
            return {}
        async with self._engine.connect() as connection:
            views = await by_ids(connection, [registered.id for registered in found], caller.realm)
            bodies = await shown(connection, views, caller, privacy=self._privacy, public_url=self._public_url)
        return {view.id: Taken(200, body, view.version, True) for view, body in zip(views, bodies, strict=True)}


def _stands(outcome: Registered | BaseException) -> TypeGuard[Registered]:
    return isinstance(outcome, Registered) and outcome.outcome == _STANDS


def _require_own(registered: Registered) -> None:
    """Raise `AlreadyUsed` when the key or the external id stands for another complaint."""
    if registered.outcome == "other_idempotency_key":
        raise AlreadyUsed(
            "this Idempotency-Key was used for another complaint; use a new key for each complaint, "
            "and the same key only to send the same one again",
            by="idempotency-key",
        )
    if registered.outcome == "other_external_id":
        raise AlreadyUsed(
            f"the external_id was used for another complaint, {registered.reference}; give this one an id of its own",
            by="external-id",
        )
