"""Cases and surveys in the states that their customers look at, made by the code that makes them in production."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.identity import new_id
from services.casework import customer
from services.casework.handlers.conversing import AwaitCustomer
from services.casework.handlers.outage import Diagnose, SetEta
from services.casework.handlers.settling import Close
from services.casework.handlers.technical_support import Contact, Guide
from services.complaints.model import Complaint
from services.notices.model import Notice
from services.plan.versions import Plans
from services.surveys.model import Survey
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, PRIVACY, RECEIVED_AT, do
from tests.casework.scenes import DAY, HOUR, MINUTE, each
from tests.surveys.factories import ASKED_AT, answer, asked

OPENED_AT = ASKED_AT + DAY
"""When the customers open their pages."""
QUESTION = "请提供光猫背面的设备编号，并告知 LOS 灯是否亮红灯。\n如方便，请拍一张光猫正面的照片。"
GUIDANCE = "请先关闭光猫电源，等待 30 秒后重新打开，再看 PON 灯是否常亮。"

Addresses = dict[str, str]


async def addresses(engine: AsyncEngine, plans: Plans) -> Addresses:
    """Where the customer's pages are, by what they show; what tests change is ``mine``."""
    tracked = {
        "received": await factories.received_case(engine),
        "estimate": await _estimated(engine, plans),
        "question": await _asked(engine, plans),
        "resolved": await factories.resolved_case(engine, plans),
        "closed": await factories.closed_case(engine, plans),
        "withdrawn": await _withdrawn(engine, plans),
        "long_closed": await _long_closed(engine, plans),
        "mine": await _asked(engine, plans),
    }
    await _told(engine, tracked["estimate"], tracked["question"], tracked["resolved"])
    surveys = {
        "survey": await _survey(engine, plans),
        "my_survey": await _survey(engine, plans),
        "thanks": await _answered(engine, plans, satisfaction=5, solved=True),
        "reopened": await _answered(engine, plans, satisfaction=2, solved=False, comment="今天又断网了。"),
        "expired": await _survey(engine, plans, expires_at=OPENED_AT - HOUR),
    }
    return {
        **{name: f"/track/{PRIVACY.track_token(case, 0)}" for name, case in tracked.items()},
        **{name: f"/survey/{PRIVACY.survey_token(survey)}" for name, survey in surveys.items()},
        "not_found": f"/track/{PRIVACY.track_token(new_id(), 0)}",
    }


async def _estimated(engine: AsyncEngine, plans: Plans) -> UUID:
    case = await factories.accepted_case(engine, plans)
    found = Diagnose(cause="cable", finding="小区主干光缆被施工挖断。")
    await each(engine, plans, case, ENGINEER, found, SetEta(estimated_repair_at=OPENED_AT + 4 * HOUR))
    return case


async def _asked(engine: AsyncEngine, plans: Plans) -> UUID:
    case = await factories.accepted_case(engine, plans, category="technical_support", login=ENGINEER)
    reached = Contact(way="phone", outcome="reached", said="客户在家，愿意配合。")
    await each(engine, plans, case, ENGINEER, reached, Guide(text=GUIDANCE), now=NOW + 10 * MINUTE)
    await do(engine, plans, case, AwaitCustomer(question=QUESTION), ENGINEER, now=OPENED_AT - HOUR)
    return case


async def _withdrawn(engine: AsyncEngine, plans: Plans) -> UUID:
    case = await factories.accepted_case(engine, plans)
    async with engine.begin() as connection:
        await customer.withdraw(connection, plans, case, None, NOW)
    return case


async def _long_closed(engine: AsyncEngine, plans: Plans) -> UUID:
    case = await factories.resolved_case(engine, plans)
    await do(engine, plans, case, Close(decision="final_decision", reason="已修复并回访。"), ENGINEER)
    async with engine.begin() as connection:
        long_ago = sa.update(Complaint).where(Complaint.id == case).values(closed_at=NOW - timedelta(days=60))
        await connection.execute(long_ago)
    return case


async def _told(engine: AsyncEngine, *cases: UUID) -> None:
    """The customers of these cases were told of it, with more and less luck."""
    told = (
        ("acknowledgement", "sms", "delivered", 1),
        ("dispatched", "sms", "failed", 2),
        ("contacted", "email", "sent", 32),
        ("update", "sms", "unconfirmed", 25 * 60),
        ("update", "sms", "pending", 26 * 60),
        ("update", "email", "dropped", 26 * 60 + 1),
    )
    rows: list[dict[str, object]] = [
        {
            "id": new_id(),
            "complaint_id": case,
            "kind": kind,
            "cause": new_id(),
            "number": number,
            "realm": "live",
            "language": "zh",
            "way": way,
            "facts": {},
            "status": status,
            "version": 1,
            "requested_at": RECEIVED_AT + number * MINUTE,
            "due_at": RECEIVED_AT + number * MINUTE,
            "sent_at": RECEIVED_AT + number * MINUTE if status in ("sent", "delivered") else None,
        }
        for case in cases
        for kind, way, status, number in told
    ]
    async with engine.begin() as connection:
        await connection.execute(sa.insert(Notice), rows)


async def _survey(engine: AsyncEngine, plans: Plans, expires_at: datetime | None = None) -> UUID:
    _, survey = await asked(engine, plans)
    if expires_at is not None:
        async with engine.begin() as connection:
            await connection.execute(sa.update(Survey).where(Survey.id == survey).values(expires_at=expires_at))
    return survey


async def _answered(engine: AsyncEngine, plans: Plans, **said: Any) -> UUID:
    survey = await _survey(engine, plans)
    await answer(engine, plans, survey, **said)
    return survey
