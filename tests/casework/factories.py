"""Cases in any status, made by the code that makes them in production."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.identity import new_id, new_reference
from services.base.privacy import Person, Privacy
from services.casework.action import ActionBody
from services.casework.actions import perform, works_on
from services.casework.dispatching import dispatch
from services.casework.handlers.assigning import Accept
from services.casework.handlers.settling import Close, Resolve, Skip
from services.casework.work import write
from services.complaints.commands import Case, Change, lock, save
from services.complaints.events import Classified
from services.complaints.registering import Registration, register
from services.people import duty
from services.people.keys import Caller
from services.plan.versions import Plans
from services.plan.vocabulary import Category, Severity
from tests.conftest import SECRET

RECEIVED_AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
NOW = RECEIVED_AT + timedelta(minutes=30)
CHANNEL_KEY = UUID(int=7)
ADMIN = Caller(UUID(int=8), "root", "admin", "live")
PRIVACY = Privacy(SECRET)

ENGINEER, OTHER_ENGINEER = "xu.lei", "gao.xiang"
TEAM = ("luo.jianjun", "tang.yong", "zheng.kai")
AGENT, LAWYER, LEADER = "wang.fang", "tian.yu", "zhou.min"


def staff(login: str, realm: str = "live") -> Caller:
    return Caller(new_id(), f"{login}'s key", "staff", realm, login)


async def sync_duty(engine: AsyncEngine, plans: Plans) -> None:
    async with engine.begin() as connection:
        _, plan = await plans.current(connection)
        await duty.sync(connection, {person.login: person.on_duty for person in plan.staff})


async def received_case(
    engine: AsyncEngine,
    *,
    api_key_id: UUID = CHANNEL_KEY,
    realm: str = "live",
    content: str = "宽带从昨晚开始断网，一直没人来修。",
    customer: str | None = None,
    account: str = "BJ-5520-7781",
    received_at: datetime = RECEIVED_AT,
) -> UUID:
    """``customer`` is by what the same customer is found again; without it nobody is."""
    person = Person(name="李伟", phone="+8613800138000", email="li.wei@example.com", account=account)
    case = new_id()
    registration = Registration(
        id=case,
        event_id=new_id(),
        reference=new_reference(),
        realm=realm,
        api_key_id=api_key_id,
        actor="channel:hotline-desk",
        external_id=str(case),
        idempotency_key=None,
        body_hash=b"",
        channel="hotline",
        service_type="broadband",
        language="zh",
        region="北京/海淀",
        occurred_at=None,
        received_at=received_at,
        concerns=None,
        personal=PRIVACY.seal(person),
        content=content,
        phone_hash=PRIVACY.fingerprint("phone", customer),
        email_hash=None,
        account_hash=None,
    )
    async with engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        (answer,) = await register(cast(asyncpg.Connection, raw), [registration])
    assert answer is not None
    return answer.id


async def classified_case(
    engine: AsyncEngine,
    *,
    category: Category = "outage",
    severity: Severity = "major",
    signals: tuple[str, ...] = (),
    realm: str = "live",
    region: str | None = None,
    customer: str | None = None,
    plan_version: int = 1,
    api_key_id: UUID = CHANNEL_KEY,
) -> UUID:
    """``region`` is a code of the plan; ``customer`` as in `received_case`."""
    case_id = await received_case(engine, realm=realm, customer=customer, api_key_id=api_key_id)
    await classify(
        engine,
        case_id,
        category=category,
        severity=severity,
        signals=signals,
        region=region,
        plan_version=plan_version,
    )
    return case_id


async def classify(
    engine: AsyncEngine,
    case_id: UUID,
    *,
    category: Category = "outage",
    severity: Severity = "major",
    signals: tuple[str, ...] = (),
    region: str | None = None,
    plan_version: int = 1,
    now: datetime = RECEIVED_AT,
) -> None:
    """Judge a received case, as the classifier does."""
    judgement = {
        "category": category,
        "best_guess": "outage",
        "confidence": 0.9,
        "model": "lexicon-1",
        "reasons": [],
        "severity_reasons": [{"signal": signal} for signal in signals],
    }
    judged = {
        "category": category,
        "sub_category": "no_service" if category == "outage" else None,
        "severity": severity,
        "reportable": severity == "critical" or bool(signals),
        "region_code": region,
        "plan_version": plan_version,
    }
    async with engine.begin() as connection:
        case = (await lock(connection, [case_id]))[case_id]
        event = Classified(
            reference=case.reference, best_guess="outage", confidence=0.9, model="lexicon-1", **judged
        )  # fmt: skip
        values = {"status": "classified", "judgement": judgement, **judged}
        await save(connection, [Change(case, event, "system:classifier", now, values)])


async def dispatched_case(engine: AsyncEngine, plans: Plans, **judged: Any) -> UUID:
    case_id = await classified_case(engine, **judged)
    async with engine.begin() as connection:
        _, plan = await plans.current(connection)
        works = await works_on(connection, plans, plan, [case_id], "system:handler", RECEIVED_AT)
        await dispatch(connection, list(works.values()))
        await write(connection, list(works.values()))
    return case_id


async def accepted_case(engine: AsyncEngine, plans: Plans, login: str = ENGINEER, **judged: Any) -> UUID:
    case_id = await dispatched_case(engine, plans, **judged)
    await do(engine, plans, case_id, Accept(), login)
    return case_id


async def resolved_case(engine: AsyncEngine, plans: Plans, login: str = ENGINEER) -> UUID:
    case_id = await accepted_case(engine, plans, login)
    await skip_to_result(engine, plans, case_id, login)
    await do(engine, plans, case_id, Resolve(text="光缆已修复。"), login)
    return case_id


async def skip_to_result(engine: AsyncEngine, plans: Plans, case: UUID, login: Caller | str) -> None:
    """Leave out what comes before the result in the playbook for outages."""
    steps = ("diagnose", "estimate", "repair", "check")
    await do(engine, plans, case, Skip(steps=steps, reason="客户已自行恢复。"), login)


async def closed_case(engine: AsyncEngine, plans: Plans, login: str = ENGINEER) -> UUID:
    case_id = await resolved_case(engine, plans, login)
    await do(engine, plans, case_id, Close(decision="final_decision", reason="已修复并回访。"), login)
    return case_id


async def case_in(engine: AsyncEngine, plans: Plans, status: str) -> UUID:
    """A case of category outage in this status."""
    match status:
        case "received":
            return await received_case(engine)
        case "classified":
            return await classified_case(engine)
        case "dispatched":
            return await dispatched_case(engine, plans)
        case "in_progress":
            return await accepted_case(engine, plans)
        case "resolved":
            return await resolved_case(engine, plans)
        case "closed":
            return await closed_case(engine, plans)
    raise ValueError(status)


async def do(
    engine: AsyncEngine,
    plans: Plans,
    case: UUID,
    body: ActionBody,
    who: Caller | str,
    *,
    if_match: frozenset[int] | None = None,
    now: datetime = NOW,
) -> int:
    """Do an action in a transaction of its own; returns the new version."""
    caller = staff(who) if isinstance(who, str) else who
    async with engine.begin() as connection:
        return await perform(connection, plans, str(case), body, caller, if_match, now)


async def case_of(engine: AsyncEngine, case: UUID) -> Case:
    async with engine.begin() as connection:
        return (await lock(connection, [case]))[case]
