"""What customers answer by text message and by mail, heard by a running notifier: over SMPP and SMTP, into the case."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from email.message import EmailMessage
from uuid import UUID

import aiosmtplib
import pytest
import sqlalchemy as sa
from smpplib import consts
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework.handlers.conversing import AwaitCustomer
from services.complaints.model import Complaint
from services.plan.loading import shipped_plan_text
from services.plan.versions import Plans
from tests.casework.factories import ENGINEER, PRIVACY, accepted_case, do, sync_duty
from tests.servers.process import free_port
from tests.servers.programs import Installation
from tests.servers.smsc import Smsc

PHONE, MAIL, CARE = "+8613800138000", "li.wei@example.com", "care@answers.example.com"
QUIET = '  quiet: {since: "22:00", until: "08:00", ways: [sms, webhook]}\n'
QUESTION = AwaitCustomer(question="请提供光猫背面的设备编号。")
WAITING = 40.0


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    """A plan that tells at night as well."""
    plans = Plans()
    text = shipped_plan_text()
    assert QUIET in text
    async with engine.begin() as connection:
        assert await plans.ensure(connection, text.replace(QUIET, "")) == 2
    await sync_duty(engine, plans)
    return plans


async def test_a_question_is_answered_by_text_message_then_by_mail(
    engine: AsyncEngine, database: str, plans: Plans
) -> None:
    case = await accepted_case(engine, plans, ENGINEER, customer=PHONE)
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).values(plan_version=2))
    await do(engine, plans, case, QUESTION, ENGINEER)
    with ExitStack() as stack:
        smsc = stack.enter_context(Smsc())
        smsc.confirm_all()
        port = free_port()
        settings = {"smpp_url": smsc.url, "mail_listen": f"127.0.0.1:{port}", "mail_answers": CARE}
        installation = stack.enter_context(Installation(database, log_level="warning", **settings))
        installation.start("worker", "notifier")

        await until(engine, "select status = 'delivered' from notice where kind = 'question'")
        assert any("设备编号" in text.text for text in smsc.texts)
        assert await smsc.say(PHONE, "编号是 HG8145-22187。", coding=consts.SMPP_ENCODING_ISO10646) == [0]
        await until(engine, "select status = 'in_progress' from complaint")

        await do(engine, plans, case, QUESTION, ENGINEER)
        await until(engine, "select count(*) = 2 from notice where kind = 'question' and status = 'delivered'")
        await aiosmtplib.send(await answer(engine), hostname="127.0.0.1", port=port, timeout=10)
        await until(engine, "select status = 'in_progress' from complaint")

    assert await replies(engine, case) == [("sms", "编号是 HG8145-22187。"), ("email", "就是原来那台。")]


async def test_who_writes_stop_gets_no_more_text_messages(engine: AsyncEngine, database: str, plans: Plans) -> None:
    await accepted_case(engine, plans, ENGINEER, customer=PHONE)
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).values(plan_version=2))
    with Smsc() as smsc, Installation(database, log_level="warning", smpp_url=smsc.url) as installation:
        installation.start("worker", "notifier")
        await smsc.wait_for(3, WAITING)

        assert await smsc.say(PHONE, "退订", coding=consts.SMPP_ENCODING_ISO10646) == [0]
        await until(engine, "select exists (select from opt_out where way = 'sms')")
        told = "update notice set status = 'pending', way = 'sms', ways = '{}', sent_at = null, due_at = now()"
        async with engine.begin() as connection:
            await connection.execute(
                sa.text(f"{told}, begun_at = null where kind in ('acknowledgement', 'dispatched')")
            )
        await until(engine, "select status = 'sent' from notice where kind = 'acknowledgement'")
        await until(engine, "select status = 'dropped' from notice where kind = 'dispatched'")
        assert len(smsc.texts) == 4


async def answer(engine: AsyncEngine) -> EmailMessage:
    """A mail that answers the newest question, as mail programs write it."""
    newest = "select id from notice where kind = 'question' order by requested_at desc, number desc limit 1"
    async with engine.connect() as connection:
        notice = await connection.scalar(sa.text(newest))
    name, _, host = CARE.partition("@")
    message = EmailMessage()
    message["From"] = f"李伟 <{MAIL}>"
    message["To"] = f"{name}+{PRIVACY.mail_token(UUID(str(notice)))}@{host}"
    message["Subject"] = "回复：请您补充"
    message["Message-ID"] = "<1@example.com>"
    quoted = "在 2026年11月24日 18:30，示例电信 <care@answers.example.com> 写道：\n> 请提供光猫背面的设备编号。\n"
    message.set_content(f"就是原来那台。\n\n{quoted}")
    return message


async def replies(engine: AsyncEngine, case: UUID) -> list[tuple[str, str]]:
    """How the customer answered and what they said, the first first."""
    query = sa.text(
        "select data ->> 'way' as way, private ->> 'text' as said from event "
        "where key = :case and type = 'redress.complaint.customer_replied.v1' order by number"
    )
    async with engine.connect() as connection:
        return [(row.way, row.said) for row in await connection.execute(query, {"case": case})]


async def until(engine: AsyncEngine, question: str) -> None:
    """Wait until the database answers yes."""
    async with asyncio.timeout(WAITING):
        while True:
            async with engine.connect() as connection:
                if await connection.scalar(sa.text(question)):
                    return
            await asyncio.sleep(0.05)
