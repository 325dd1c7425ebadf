"""The keys and passwords of `redress up`, for the one who runs it: made once, kept in one file that only they can read.

A key can be read only when it is made, so the file is their only copy. What the file lacks is made anew, and the
earlier key of the same name is revoked.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from redress.home import write_private
from services.people.keys import create_key, hash_key
from services.people.model import ApiKey
from services.plan.organisation import Person
from services.plan.schema import Plan


class StaffCredentials(BaseModel):
    """What one member of staff signs in with, and where they work."""

    model_config = ConfigDict(frozen=True)

    login: str
    password: str
    group: str
    role: str
    key: str


class Credentials(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True)

    base_url: str
    channel_key: str
    integrator_key: str
    admin_key: str
    staff: tuple[StaffCredentials, ...]


async def ensure_credentials(connection: AsyncConnection, plan: Plan, file: Path, base_url: str) -> Credentials:
    """Make sure that ``file`` holds a working key for each role and for everybody on the plan's staff."""
    kept = read_credentials(file)
    keys = _Keys(connection, await _working(connection, kept))
    staff = {person.login: person for person in kept.staff} if kept else {}
    made = Credentials(
        base_url=base_url,
        channel_key=await keys.key("channel", "up-channel", None, kept.channel_key if kept else None),
        integrator_key=await keys.key("integrator", "up-integrator", None, kept.integrator_key if kept else None),
        admin_key=await keys.key("admin", "up-admin", None, kept.admin_key if kept else None),
        staff=tuple([await _person(person, plan, keys, staff.get(person.login)) for person in plan.staff]),
    )
    # Written before the commit: a key that is in the file and not in the database is made again at the next start,
    # whereas one that is only in the database could never be read.
    if made != kept:
        write_private(file, made.model_dump_json(indent=2) + "\n")
    return made


def read_credentials(file: Path) -> Credentials | None:
    """What the file holds; None when there is none, or it is not whole."""
    try:
        return Credentials.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


async def _person(person: Person, plan: Plan, keys: _Keys, kept: StaffCredentials | None) -> StaffCredentials:
    group = plan.home_group(person.login).code
    return StaffCredentials(
        login=person.login,
        password=kept.password if kept else secrets.token_urlsafe(12),
        group=group,
        role=plan.role_in(person.login, group) or "member",
        key=await keys.key("staff", f"up-{person.login}", person.login, kept.key if kept else None),
    )


class _Keys:
    def __init__(self, connection: AsyncConnection, working: frozenset[bytes]) -> None:
        self._connection = connection
        self._working = working

    async def key(self, role: str, name: str, login: str | None, kept: str | None) -> str:
        """The key that is kept if it works, else a new one in place of the earlier of this name."""
        if kept is not None and hash_key(kept) in self._working:
            return kept
        await self._connection.execute(
            sa.update(ApiKey)
            .where(ApiKey.role == role, ApiKey.name == name, ApiKey.revoked_at.is_(None))
            .values(revoked_at=sa.func.now())
        )
        return await create_key(self._connection, role, name, login=login)


async def _working(connection: AsyncConnection, kept: Credentials | None) -> frozenset[bytes]:
    """The hashes of those keys of the file that the database knows and that are not revoked."""
    if kept is None:
        return frozenset()
    keys = (kept.channel_key, kept.integrator_key, kept.admin_key, *(person.key for person in kept.staff))
    query = sa.select(ApiKey.hash).where(ApiKey.hash.in_([hash_key(key) for key in keys]), ApiKey.revoked_at.is_(None))
    return frozenset((await connection.execute(query)).scalars())
