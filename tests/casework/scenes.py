"""Short ways to say what tests of casework say again and again: doing, firing, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from handler_worker.handler import DispatchHandler
from services.base.identity import new_id
from services.base.stream.event import Event, EventData
from services.casework import firing
from services.casework.action import ActionBody
from services.casework.handlers.assigning import Accept
from services.casework.handlers.billing import Review
from services.casework.handlers.compensating import Compensate
from services.casework.model import Alert, Compensation, Deadline
from services.casework.tasks.model import Task
from services.complaints.model import Complaint
from services.complaints.queries import Happening
from services.notices.events import Sent
from services.plan.loading import shipped_plan_text
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import LAWYER, NOW, RECEIVED_AT, do
from tests.casework.readings import record_of, result_notice

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HEAD_OF_LEGAL, COUNSEL, OTHER_COUNSEL = "deng.jia", "tian.yu", "shen.wenbo"
FINANCE = "wu.xiuzhen"
HEAD_OF_SUPPORT = "zheng.kai"
DEPUTY, LEADER, DIRECTOR = "chen.guoqiang", "zhou.min", "qin.haifeng"
LEADERSHIP = ("zhou.min", "chen.guoqiang", "lin.xiaoyan", "shen.wenbo", "wu.xiuzhen")

VERDICT = Review(facts="客户 10 月被多扣 59 元。", misleading="no", grounds="宣传页已写明首月资费。")


async def fire(engine: AsyncEngine, plans: Plans, now: datetime, limit: int = firing.BATCH) -> int:
    """Do what is due at ``now`` in a transaction of its own; returns in how many cases."""
    async with engine.begin() as connection:
        return await firing.fire(connection, plans, now, limit)


async def each(
    engine: AsyncEngine, plans: Plans, case: UUID, who: str, *bodies: ActionBody, now: datetime = NOW
) -> None:
    """Do one action after the other."""
    for body in bodies:
        await do(engine, plans, case, body, who, now=now)


async def billing_case(engine: AsyncEngine, plans: Plans, **judged: Any) -> UUID:
    """A billing complaint that counsel has taken up."""
    case = await factories.dispatched_case(engine, plans, **{"category": "billing", "severity": "minor", **judged})
    await do(engine, plans, case, Accept(), LAWYER)
    return case


async def reviewed_case(engine: AsyncEngine, plans: Plans, **wanted: Any) -> UUID:
    """One that was reviewed, with nothing misleading found."""
    case = await billing_case(engine, plans)
    values = VERDICT.model_dump() | {"explanation_wanted": False, "compensation_wanted": True} | wanted
    await do(engine, plans, case, Review(**values), LAWYER)
    return case


def offer(amount: str, **changes: Any) -> Compensate:
    """A proposal of compensation."""
    return Compensate.model_validate(
        {"kind": "refund", "amount": amount, "currency": "CNY", "reason": "退还多收的月费。", **changes}
    )


async def offered_case(engine: AsyncEngine, plans: Plans, amount: str = "59.00", who: str = LAWYER) -> UUID:
    """One whose customer was offered so much, or waits for a decision on it."""
    case = await reviewed_case(engine, plans)
    await do(engine, plans, case, offer(amount), who)
    return case


async def clock(engine: AsyncEngine, case: UUID, kind: str) -> Any:
    """The clock or timer of this kind; None when the case has none."""
    async with engine.connect() as connection:
        query = sa.select(*Deadline.__table__.c).where(Deadline.complaint_id == case, Deadline.kind == kind)
        return (await connection.execute(query)).one_or_none()


async def due_at(engine: AsyncEngine, case: UUID, kind: str) -> datetime | None:
    return (await clock(engine, case, kind)).due_at  # type: ignore[no-any-return]


async def timer(engine: AsyncEngine, case: UUID, kind: str) -> datetime | None:
    """When a timer is looked at; None when there is none."""
    found = await clock(engine, case, kind)
    return None if found is None else found.next_at


def short(happening: Happening) -> str:
    """``dispatched`` for ``redress.complaint.dispatched.v1``."""
    return happening.type.split(".")[2]


async def happened(engine: AsyncEngine, case: UUID) -> list[str]:
    """What happened to a case, by the short names of its events."""
    return [short(happening) for happening in await record_of(engine, case)]


async def events(engine: AsyncEngine, case: UUID, name: str) -> list[Happening]:
    """Its events of this short name, oldest first."""
    return [happening for happening in await record_of(engine, case) if short(happening) == name]


async def last(engine: AsyncEngine, case: UUID) -> Happening:
    """The newest event."""
    happening: Happening = (await record_of(engine, case))[-1]
    return happening


async def alerts(engine: AsyncEngine, case: UUID, kind: str) -> list[str]:
    """Who was told this of a case, in the order of telling."""
    async with engine.connect() as connection:
        query = sa.select(Alert.login).where(Alert.subject_id == case, Alert.kind == kind)
        return list((await connection.execute(query.order_by(Alert.number, Alert.id))).scalars())


async def tasks(engine: AsyncEngine, case: UUID) -> list[Any]:
    """The tasks of a case, oldest first."""
    async with engine.connect() as connection:
        query = sa.select(*Task.__table__.c).where(Task.complaint_id == case).order_by(Task.opened_at, Task.id)
        return list(await connection.execute(query))


async def offers_to(engine: AsyncEngine, case: UUID) -> list[Any]:
    """What the customer of a case was offered, oldest first."""
    async with engine.connect() as connection:
        query = sa.select(*Compensation.__table__.c).where(Compensation.complaint_id == case)
        return list(await connection.execute(query.order_by(Compensation.proposed_at, Compensation.id)))


async def silent_since(engine: AsyncEngine, case: UUID, told_at: datetime) -> None:
    """The customer of a resolved case was sent the result then, as the notifier says and the handler hears."""
    await result_notice(engine, case, "sent")
    sent = Sent(complaint=case, kind="result", way="email", sent_at=told_at, attempts=1)
    event = Event(new_id(), Sent.TYPE, new_id(), 2, told_at, "live", sent.model_dump_json().encode())
    await handle(engine, event, now=told_at)


async def handle(engine: AsyncEngine, *events: Event, now: datetime = NOW) -> None:
    """What the handler worker does with these events."""
    async with engine.begin() as connection:
        await DispatchHandler(Plans(), clock=lambda: now).handle(connection, events)


def of(case: UUID, data: EventData, number: int = 2) -> Event:
    """An event of a case, as a worker is given it."""
    body = data.model_dump_json(exclude_none=True).encode()
    return Event(uuid5(case, f"{data.TYPE} {number}"), data.TYPE, case, number, NOW, "live", body)


async def name_promotion(engine: AsyncEngine, case: UUID, promotion: str) -> None:
    """Have the complaint name the promotion that it is about."""
    async with engine.begin() as connection:
        named = sa.update(Complaint).where(Complaint.id == case).values(concerns={"promotion": promotion})
        await connection.execute(named)


async def another_plan(engine: AsyncEngine, *changes: tuple[str, str]) -> None:
    """Put a plan in force that differs from the shipped one; each first text must be there."""
    text = shipped_plan_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    async with engine.begin() as connection:
        await Plans().ensure(connection, text)


def after(length: timedelta) -> datetime:
    """So long after the receipt."""
    return RECEIVED_AT + length
