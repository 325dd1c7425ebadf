"""Who reads what: the shares of a reader group, divided among the processes that are there.

A share is a part of the keys, chosen by hash. One session holds a share by an advisory lock, so that a process that
dies gives it back without anybody noticing first. Members count each other through a shared lock and each takes no
more than its part; a new member gets its part when the others next look, after they have committed.
"""

from __future__ import annotations

import zlib

import asyncpg

from services.base.errors import Misconfigured

_TRY_SHARE = "select pg_try_advisory_lock($1, $2)"
_RELEASE_SHARE = "select pg_advisory_unlock($1, $2)"
_JOIN = "select pg_advisory_lock_shared($1, $2)"
# A member's lock is shared and says how many shares it counts on; a share's own lock is exclusive.
_MEMBER = 1_000_000
_MEMBERS = """
    select (objid::int8 - $2)::int as shares, count(*)::int as members
    from pg_locks
    where locktype = 'advisory' and mode = 'ShareLock' and granted and classid = ($1::int4)::oid and objsubid = 2
      and database = (select oid from pg_database where datname = current_database())
    group by objid
"""


class Shares:
    """The shares that one session holds of a group. The session must live as long as this object is used."""

    def __init__(self, connection: asyncpg.Connection, group: str, shares: int) -> None:
        self._connection = connection
        self._group = group
        self._shares = shares
        self._lock_class = zlib.crc32(f"redress.reader.{group}".encode()) & 0x7FFFFFFF
        self.held: set[int] = set()

    async def join(self) -> None:
        """Become a member. Raises `Misconfigured` when members divide the group into another number of shares."""
        await self._connection.execute(_JOIN, self._lock_class, _MEMBER + self._shares)
        others = {row["shares"] for row in await self._rows()} - {self._shares}
        if others:
            raise Misconfigured(
                f"REDRESS_SHARES is {self._shares} here, and {others.pop()} in a running process that reads as "
                f"'{self._group}'; use the same number everywhere"
            )

    async def balance(self) -> tuple[set[int], set[int]]:
        """Take free shares or give some up, towards an even division. Returns those taken and those given up."""
        members = max(1, sum(row["members"] for row in await self._rows()))
        fair = -(-self._shares // members)
        given_up = set(sorted(self.held)[fair:])
        for share in given_up:
            await self._connection.execute(_RELEASE_SHARE, self._lock_class, share)
        self.held -= given_up
        taken: set[int] = set()
        for share in range(self._shares):
            if len(self.held) >= fair:
                break
            if share in self.held or share in given_up:
                continue
            if await self._connection.fetchval(_TRY_SHARE, self._lock_class, share):
                self.held.add(share)
                taken.add(share)
        return taken, given_up

    async def _rows(self) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._connection.fetch(_MEMBERS, self._lock_class, _MEMBER)
        return rows
