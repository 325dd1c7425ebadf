"""The keys and passwords of `redress up`, for the one who runs it: made once, kept in one file that only they can read.

A key can be read only when it is made, so the file is their only copy. What the file lacks is made anew, and the
earlier key of the same name is revoked.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from redress.home import write_private
from services.people.keys import create_key, hash_key
from services.people.model import ApiKey
from services.plan.schema import Plan

_ROLES: Final = ("channel", "integrator", "admin")


async def ensure_credentials(connection: AsyncConnection, plan: Plan, file: Path, base_url: str) -> None:
    """Make sure that ``file`` holds a working key for each role and for everybody on the plan's staff."""
    kept = _read(file)
    keys = _Keys(connection, await _working(connection, _keys_in(kept)))
    made: dict[str, Any] = {"base_url": base_url}
    for role in _ROLES:
        made[f"{role}_key"] = await keys.key(role, f"up-{role}", None, kept.get(f"{role}_key"))
    people = {person.get("login"): person for person in kept.get("staff", [])}
    made["staff"] = []
    for person in plan.staff:
        before = people.get(person.login, {})
        group = plan.home_group(person.login)
        made["staff"].append(
            {
                "login": person.login,
                "password": before.get("password") or secrets.token_urlsafe(12),
                "group": group.code,
                "role": plan.role_in(person.login, group.code),
                "key": await keys.key("staff", f"up-{person.login}", person.login, before.get("key")),
            }
        )
    # Written before the commit: a key that is in the file and not in the database is made again at the next start,
    # whereas one that is only in the database could never be read.
    if made != kept:
        write_private(file, json.dumps(made, indent=2, ensure_ascii=False) + "\n")


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


def _read(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        content = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def _keys_in(kept: Mapping[str, Any]) -> list[str]:
    staff = [person.get("key") for person in kept.get("staff", [])]
    return [key for key in (*(kept.get(f"{role}_key") for role in _ROLES), *staff) if isinstance(key, str)]


async def _working(connection: AsyncConnection, keys: Iterable[str]) -> frozenset[bytes]:
    hashes = [hash_key(key) for key in keys]
    query = sa.select(ApiKey.hash).where(ApiKey.hash.in_(hashes), ApiKey.revoked_at.is_(None))
    return frozenset((await connection.execute(query)).scalars())
