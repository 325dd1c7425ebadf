"""The database that `test_lifecycle_machine` plays on, and how things happen in it at once, or break off."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.base.database import create_engine
from services.base.errors import Refused
from services.plan.loading import shipped_plan_text
from services.plan.schema import Plan
from services.plan.versions import Plans
from tests.casework.factories import sync_duty
from tests.casework.lifecycle_checks import Snapshot, fingerprint, snapshot

TABLES: Final = ("alert", "task", "link", "compensation", "deadline", "notice", "survey", "event", "complaint")

T = TypeVar("T")
Action = Callable[[AsyncConnection], Awaitable[object]]


class Crash(Exception):
    """The process died between two statements."""


@dataclass(frozen=True)
class Seen:
    """How everything stood, and the mark by which that is known again."""

    mark: str
    cases: Snapshot


@dataclass
class World:
    """The database, the loop on which it is spoken to, and what was carried out in it so far."""

    loop: asyncio.AbstractEventLoop
    engine: AsyncEngine
    plans: Plans
    plan: Plan
    done: Counter[str]
    refused: Counter[str]
    logged: list[str]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def clear(self) -> None:
        """Bring it to where each example begins, which then does the same again when it is repeated."""
        self.logged.clear()
        async with self.engine.begin() as connection:
            for table in TABLES:
                await connection.execute(sa.text(f"delete from {table}"))
            await connection.execute(sa.text("delete from duty"))
        await sync_duty(self.engine, self.plans)

    async def seen(self, before: Seen | None = None) -> Seen:
        """How everything stands; ``before`` itself when nothing was written since."""
        async with self.engine.connect() as connection:
            mark = await fingerprint(connection)
            return before if before and before.mark == mark else Seen(mark, await snapshot(connection))

    async def alone(self, action: Action) -> object:
        """Do it in a transaction of its own; gives what came of it, or the refusal."""
        try:
            async with self.engine.begin() as connection:
                return await action(connection)
        except Refused as refusal:
            return refusal

    async def overlapping(self, first: Action, second: Action) -> tuple[object, object]:
        """The second begins when the first is done and not yet committed."""
        try:
            async with self.engine.begin() as connection:
                came_of_it = await first(connection)
                other = asyncio.create_task(self.alone(second))
                await self._done_or_waiting(other)
        except Refused as refusal:
            return refusal, await self.alone(second)
        return came_of_it, await other

    async def crashing(self, action: Action, after: int) -> None:
        """Do it, and die after so many statements, or at the commit."""
        async with self.engine.connect() as connection:
            left = after

            def die(*_: object) -> None:
                nonlocal left
                left -= 1
                if left < 0:
                    raise Crash

            sync = connection.sync_connection
            assert sync is not None
            sa.event.listen(sync, "before_cursor_execute", die)
            try:
                await action(connection)
            except (Crash, Refused):
                pass
            finally:
                sa.event.remove(sync, "before_cursor_execute", die)
                await connection.rollback()

    async def _done_or_waiting(self, other: asyncio.Task[object]) -> None:
        waiting = sa.text("select exists (select from pg_locks where not granted)")
        async with self.engine.connect() as connection:
            connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            while not other.done() and not await connection.scalar(waiting):
                await asyncio.sleep(0.002)


@contextmanager
def world_on(database: str) -> Iterator[World]:
    """A world on this database, with nothing left open afterwards."""
    # A loop of its own, which no other test has to do with.
    loop = asyncio.new_event_loop()
    engine = create_engine(database)
    plans = Plans()
    logged: list[str] = []
    kept = _Kept(logged)
    logging.getLogger("services.casework").addHandler(kept)
    try:
        plan = loop.run_until_complete(_second_plan(engine, plans))
        yield World(loop, engine, plans, plan, Counter(), Counter(), logged)
    finally:
        logging.getLogger("services.casework").removeHandler(kept)
        loop.run_until_complete(engine.dispose())
        loop.close()


async def _second_plan(engine: AsyncEngine, plans: Plans) -> Plan:
    """A newer plan than the one that cases are judged under: they are moved to it when somebody says so."""
    text = (
        shipped_plan_text()
        .replace('edition: "2026.1"', 'edition: "2026.2"')
        .replace("repeat_every: 12h", "repeat_every: 8h")
    )
    async with engine.begin() as connection:
        await plans.ensure(connection, text)
        return (await plans.current(connection))[1]


class _Kept(logging.Handler):
    """Keeps what the workers complain of: they go on, so nothing else would tell."""

    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}")
