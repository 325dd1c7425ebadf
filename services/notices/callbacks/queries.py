"""Reading the callbacks of channel front ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.notices.callbacks.model import Callback

_FRESH_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class CallbackView:
    """One callback; the fields mean what they mean in `Callback`."""

    realm: str
    name: str
    url: str
    epoch: int
    previous_epoch: int | None
    rotated_at: datetime | None
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: str | None


COLUMNS: Final = tuple(getattr(Callback, name) for name in CallbackView.__dataclass_fields__)


async def find(connection: AsyncConnection) -> Sequence[CallbackView]:
    """The callbacks of all realms, by realm and name. There are few: one for each front end."""
    query = sa.select(*COLUMNS).order_by(Callback.realm, Callback.name)
    return [CallbackView(*row) for row in await connection.execute(query)]


async def reachable(connection: AsyncConnection, realm: str) -> frozenset[str]:
    """The names of the front ends of a realm that can be called now."""
    query = sa.select(Callback.name).where(Callback.realm == realm, Callback.disabled_at.is_(None))
    return frozenset(await connection.scalars(query))


class Callbacks:
    """The callbacks, read again after two seconds: what is set, rotated or removed counts that soon."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._known: Mapping[tuple[str, str], CallbackView] = {}
        self._fresh_until = float("-inf")
        self._reading = asyncio.Lock()

    async def get(self, realm: str, name: str) -> CallbackView | None:
        """The callback of a front end, if it has one. An error of the database passes through."""
        if self._clock() >= self._fresh_until:
            # Many calls find at once that it is time: one of them reads for all.
            async with self._reading:
                if self._clock() >= self._fresh_until:
                    await self._read()
        return self._known.get((realm, name))

    def forget(self) -> None:
        """Read again at the next question."""
        self._fresh_until = float("-inf")

    async def _read(self) -> None:
        async with self._engine.connect() as connection:
            found = await find(connection)
        self._known = {(callback.realm, callback.name): callback for callback in found}
        self._fresh_until = self._clock() + _FRESH_SECONDS
