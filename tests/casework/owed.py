"""Tasks and directives for tests, made and moved on by the code that does so in production, and reading them back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.stream.model import EventRow
from services.casework.alerts import AlertView, inbox
from services.casework.directives import actions as directive_actions
from services.casework.directives import queries as directive_queries
from services.casework.directives.bodies import AnyDirectiveBody, Issue
from services.casework.directives.commands import issue
from services.casework.directives.queries import DirectiveView
from services.casework.tasks import actions as task_actions
from services.casework.tasks import queries as task_queries
from services.casework.tasks.bodies import AnyTaskBody
from services.casework.tasks.commands import NewTask, open_tasks
from services.casework.tasks.queries import TaskView
from services.people.keys import Caller
from services.plan.schema import Plan
from services.plan.versions import Plans
from services.plan.vocabulary import TaskKind
from tests.casework.factories import NOW, staff

HEAD_OF_FINANCE, HEAD_OF_SERVICE, HEAD_OF_SUPPORT = "wu.xiuzhen", "zhao.lihua", "zheng.kai"
DEPUTY, LEADER, DIRECTOR = "chen.guoqiang", "zhou.min", "qin.haifeng"
ORDER = "海淀片区光缆中断，今晚22时前恢复；统一口径告知客户。"


class Happened(NamedTuple):
    """One event of a task or directive; ``name`` is the short one of its type."""

    name: str
    number: int
    actor: str
    realm: str
    data: dict[str, Any]
    private: dict[str, Any] | None


async def plan_of(engine: AsyncEngine, plans: Plans) -> Plan:
    async with engine.connect() as connection:
        return (await plans.current(connection))[1]


async def open_all(engine: AsyncEngine, plans: Plans, *tasks: NewTask, now: datetime = NOW) -> list[UUID]:
    async with engine.begin() as connection:
        _, plan = await plans.current(connection)
        return await open_tasks(connection, tasks, plan, now)


async def open_task(
    engine: AsyncEngine, plans: Plans, kind: TaskKind = "call_customer", realm: str = "live", **about: Any
) -> UUID:
    task = NewTask(kind=kind, realm=realm, opened_by="system:handler", **about)
    (opened,) = await open_all(engine, plans, task)
    return opened


async def act(
    engine: AsyncEngine,
    plans: Plans,
    task: UUID,
    body: AnyTaskBody,
    who: Caller | str,
    *,
    if_match: frozenset[int] | None = None,
    now: datetime = NOW,
) -> int:
    caller = staff(who) if isinstance(who, str) else who
    async with engine.begin() as connection:
        return await task_actions.perform(connection, plans, task, body, caller, if_match, now)


async def issued(
    engine: AsyncEngine,
    plans: Plans,
    *groups: str,
    who: Caller | str = LEADER,
    due_at: datetime = NOW + timedelta(hours=4),
    text: str = ORDER,
    now: datetime = NOW,
    **about: Any,
) -> UUID:
    caller = staff(who) if isinstance(who, str) else who
    body = Issue(text=text, groups=groups or ("technical_support",), due_at=due_at, **about)
    async with engine.begin() as connection:
        return (await issue(connection, plans, body, caller, None, now))[0]


async def direct(
    engine: AsyncEngine,
    plans: Plans,
    directive: UUID,
    body: AnyDirectiveBody,
    who: Caller | str,
    *,
    if_match: frozenset[int] | None = None,
    now: datetime = NOW,
) -> int:
    caller = staff(who) if isinstance(who, str) else who
    async with engine.begin() as connection:
        return await directive_actions.perform(connection, plans, directive, body, caller, if_match, now)


async def task_of(engine: AsyncEngine, task: UUID, realm: str = "live") -> TaskView:
    async with engine.connect() as connection:
        return await task_queries.find(connection, task, realm)


async def directive_of(engine: AsyncEngine, directive: UUID, realm: str = "live") -> DirectiveView:
    async with engine.connect() as connection:
        return await directive_queries.find(connection, directive, realm)


async def record_of(engine: AsyncEngine, key: UUID) -> list[Happened]:
    columns = (EventRow.type, EventRow.number, EventRow.actor, EventRow.realm, EventRow.data, EventRow.private)
    async with engine.connect() as connection:
        rows = await connection.execute(sa.select(*columns).where(EventRow.key == key).order_by(EventRow.number))
        return [Happened(type_.split(".")[2], *rest) for type_, *rest in rows]


async def names_of(engine: AsyncEngine, key: UUID) -> list[str]:
    return [happened.name for happened in await record_of(engine, key)]


async def told(engine: AsyncEngine, login: str, kind: str, realm: str = "live") -> list[AlertView]:
    """The alerts of a kind that somebody was given, the oldest first."""
    async with engine.connect() as connection:
        alerts, _ = await inbox(connection, login, realm, unseen=False, limit=200, before=None)
    return [alert for alert in reversed(alerts) if alert.kind == kind]


async def statements(engine: AsyncEngine, work: Callable[[], Awaitable[object]]) -> int:
    """How many statements ``work`` sends."""
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    sa.event.listen(engine.sync_engine, "before_cursor_execute", count)
    await work()
    sa.event.remove(engine.sync_engine, "before_cursor_execute", count)
    return counted
