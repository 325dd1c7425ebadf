"""API keys: making them, and knowing whose a presented key is.

A key is shown once, when it is made; the database holds its SHA-256 only. `KeyRing` answers from memory and asks the
database again after a few seconds, so that a revoked key stops working soon and a busy channel costs no query.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base.errors import Invalid, Unauthenticated, Unavailable
from services.base.failures import is_passing
from services.base.identity import new_id
from services.people.model import ApiKey

ROLES = ("channel", "integrator", "staff", "admin")
_FRESH_SECONDS = 5.0
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking. ``login`` is set for staff only."""

    key_id: UUID
    name: str
    role: str
    realm: str
    login: str | None = None

    @property
    def actor(self) -> str:
        """How the record names the caller."""
        return f"{self.role}:{self.login or self.name}"


async def create_key(
    connection: AsyncConnection, role: str, name: str, *, login: str | None = None, realm: str = "live"
) -> str:
    """Make a key and return it: the only time that it can be read.

    Raises `Invalid` for an unknown role, an empty name, or a login that does not go with the role.
    """
    if role not in ROLES:
        raise Invalid(f"there is no role '{role}'; write one of {', '.join(ROLES)}")
    if not name.strip():
        raise Invalid("a key needs a name by which people will know it, such as hotline-desk")
    if (role == "staff") != (login is not None):
        raise Invalid("a staff key belongs to one login, and only a staff key does")
    key = f"rd_{role}_{secrets.token_urlsafe(32)}"
    await connection.execute(
        sa.insert(ApiKey).values(
            id=new_id(), name=name.strip(), role=role, login=login, realm=realm, hash=hash_key(key)
        )
    )
    return key


def hash_key(key: str) -> bytes:
    """What the database keeps of a key."""
    return hashlib.sha256(key.encode()).digest()


class KeyRing:
    """Whose key this is, remembered for five seconds, and longer only while the database cannot be asked."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._known: dict[str, tuple[float, Caller]] = {}
        self._asking: dict[str, asyncio.Future[Caller | None]] = {}

    def remembered(self, key: str) -> Caller | None:
        """The caller, when asked about lately; no database, no waiting. For paths that are called often."""
        entry = self._known.get(key)
        if entry is not None and entry[0] > self._clock():
            return entry[1]
        return None

    async def caller(self, key: str) -> Caller:
        """The caller behind a key.

        Raises `Unauthenticated` when there is none, `Unavailable` when the database cannot be asked about a key that
        was not seen before.
        """
        caller = self.remembered(key)
        if caller is None:
            caller = await self._ask_once(key)
        if caller is None:
            raise Unauthenticated("this key is not known or has been revoked; ask for one with `redress keys create`")
        return caller

    async def _ask_once(self, key: str) -> Caller | None:
        # Hundreds of requests with one key arrive together when its memory runs out: one of them asks for all.
        waiting = self._asking.get(key)
        if waiting is not None:
            return await asyncio.shield(waiting)
        answer = self._asking[key] = asyncio.get_running_loop().create_future()
        try:
            caller = await self._ask(key)
            answer.set_result(caller)
            return caller
        except BaseException as error:
            answer.set_exception(error if isinstance(error, Exception) else Unavailable("stopping"))
            answer.exception()  # seen here; those who wait see it, too
            raise
        finally:
            del self._asking[key]

    async def _ask(self, key: str) -> Caller | None:
        query = sa.select(ApiKey.id, ApiKey.name, ApiKey.role, ApiKey.realm, ApiKey.login).where(
            ApiKey.hash == hash_key(key), ApiKey.revoked_at.is_(None)
        )
        try:
            async with self._engine.connect() as connection:
                row = (await connection.execute(query)).one_or_none()
        except Exception as error:
            if not is_passing(error):
                raise
            stale = self._known.get(key)
            if stale is not None:
                # The database is away; a key that was good a moment ago may go on until it can be asked again.
                return stale[1]
            raise Unavailable("the database cannot be reached to check the key; try again shortly") from error
        if row is None:
            self._known.pop(key, None)
            return None
        caller = Caller(row.id, row.name, row.role, row.realm, row.login)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = (self._clock() + _FRESH_SECONDS, caller)
        return caller
