"""Cases whose records are looked at: one of each category, made by the actions that make them in production."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.identity import new_id
from services.casework import customer
from services.casework.actions import works_on
from services.casework.dispatching import dispatch
from services.casework.firing import fire
from services.casework.handlers.assigning import Accept, Assign
from services.casework.handlers.billing import Explain, LegalCheck, Review
from services.casework.handlers.compensating import Approve, Compensate, CustomerAnswer, Pay
from services.casework.handlers.conversing import (
    Acknowledge,
    AwaitCustomer,
    Correct,
    Note,
    Reclassify,
    Resume,
)
from services.casework.handlers.outage import Diagnose, Repair, SetEta
from services.casework.handlers.settling import Close, Resolve, Skip
from services.casework.handlers.technical_support import Contact, Guide, SiteVisit
from services.casework.work import write
from services.complaints.model import Complaint
from services.complaints.queries import find
from services.notices.model import Notice
from services.plan.versions import Plans
from services.records.gathering import gather
from services.records.summary import Material, Personal, summarise
from services.records.values import Summary
from tests.casework import factories
from tests.casework.factories import ENGINEER, LAWYER, OTHER_ENGINEER, PRIVACY, RECEIVED_AT, case_of, do

FINANCE, MARKETER, AGENT = "wu.xiuzhen", "deng.jia", "wang.fang"


def later(**lengths: float) -> datetime:
    return RECEIVED_AT + timedelta(**lengths)


async def outage(engine: AsyncEngine, plans: Plans) -> UUID:
    """An outage whose first repair estimate was broken, with escalation, corrections, a reopening."""
    case = await factories.dispatched_case(engine, plans, category="outage", severity="critical")
    had = (await case_of(engine, case)).assignee
    taker = OTHER_ENGINEER if had != OTHER_ENGINEER else ENGINEER
    await do(engine, plans, case, Accept(), had or ENGINEER, now=later(minutes=8))
    await do(
        engine, plans, case, Assign(assignee=taker, reason="该片区由高翔负责。"), had or ENGINEER, now=later(minutes=9)
    )
    finding = "海淀西三旗小区主干光缆（48 芯）被施工挖断，OLT 侧 LOS 告警，需熔接。"
    await do(engine, plans, case, Diagnose(cause="cable", finding=finding), taker, now=later(minutes=12))
    await do(engine, plans, case, SetEta(estimated_repair_at=later(hours=2)), taker, now=later(minutes=14))
    await fired(engine, plans, later(hours=2, minutes=1))
    await fired(engine, plans, later(hours=3, minutes=30))
    await do(engine, plans, case, Acknowledge(), "chen.guoqiang", now=later(hours=3, minutes=40))
    reason = "施工现场需等待交警封闭车道，熔接推迟。"
    await do(
        engine,
        plans,
        case,
        SetEta(estimated_repair_at=later(hours=7), reason=reason),
        taker,
        now=later(hours=3, minutes=45),
    )
    note = Note(text="客户情绪激动，已安抚。回访时请先道歉。")
    await do(engine, plans, case, note, taker, now=later(hours=4))
    repaired = Repair(what="光缆已熔接，光功率 -18.2 dBm，恢复正常。", repaired_at=later(hours=6, minutes=20))
    await do(engine, plans, case, repaired, taker, now=later(hours=6, minutes=25))
    correction = Correct(number=6, text="光缆为 96 芯，非 48 芯。")
    await do(engine, plans, case, correction, taker, now=later(hours=6, minutes=40))
    contact = Contact(way="phone", outcome="no_answer", attempted_at=later(hours=6, minutes=50))
    await do(engine, plans, case, contact, taker, now=later(hours=6, minutes=51))
    contact = Contact(way="phone", outcome="reached", said="客户确认网络已恢复，测速 486 Mbps。")
    await do(engine, plans, case, contact, taker, now=later(hours=7, minutes=20))
    await do(
        engine,
        plans,
        case,
        Resolve(text="小区主干光缆已熔接修复，您的宽带已恢复正常。给您带来不便，深表歉意。"),
        taker,
        now=later(hours=7, minutes=30),
    )
    for kind, number, minutes in (
        ("acknowledgement", 1, 1),
        ("estimate", 7, 15),
        ("repaired", 12, 386),
        ("result", 17, 451),
    ):
        await notice(engine, case, kind, number, later(minutes=minutes))
    await notice(engine, case, "estimate_missed", 9, later(hours=2, minutes=2), status="failed")
    closing = Close(decision="customer_accepted", reason="客户在回访电话中确认接受。")
    await do(engine, plans, case, closing, taker, now=later(days=1))
    return case


async def billing(engine: AsyncEngine, plans: Plans) -> UUID:
    """A billing complaint, judged otherwise at first: review, legal opinion, compensation up to its payment."""
    case = await factories.classified_case(engine, category="technical_support", severity="minor")
    await do(
        engine,
        plans,
        case,
        Reclassify(category="billing", severity="major", reason="客户投诉的是首月资费。"),
        AGENT,
        now=later(minutes=4),
    )
    await dispatched(engine, plans, case, later(minutes=5))
    await do(engine, plans, case, Accept(), MARKETER, now=later(minutes=30))
    review = Review(
        facts="客户 10 月被扣 59 元，套餐为“畅享 39”，宣传页未注明首月按全月计费。",
        misleading="partly",
        grounds="宣传页仅在第二屏以小字说明首月资费，未以显著方式提示。",
        material="“畅享 39”宣传页 2026-09 版，存档编号 MK-2026-0911",
        promotion="畅享 39",
        compensation_wanted=True,
    )
    await do(engine, plans, case, review, MARKETER, now=later(hours=1))
    opinion = LegalCheck(
        outcome="risk", opinion="宣传未以显著方式提示，存在被认定误导的风险，建议退还差额并修改宣传页。"
    )
    await do(engine, plans, case, opinion, LAWYER, now=later(hours=2))
    await do(
        engine, plans, case, Explain(text="您的套餐首月按全月计费，次月起按自然月计费。"), MARKETER, now=later(hours=3)
    )
    await do(
        engine,
        plans,
        case,
        Compensate(kind="refund", amount="20.00", currency="CNY", reason="退还 10 月多收的差额。"),
        MARKETER,
        now=later(hours=4),
    )
    await do(
        engine,
        plans,
        case,
        CustomerAnswer(answer="disputed", said="客户认为应退还全部月费。"),
        MARKETER,
        now=later(hours=5),
    )
    offer = Compensate(kind="refund", amount="2359.00", currency="CNY", reason="退还 10 月月费并补偿同批次多收费用。")
    await do(engine, plans, case, offer, MARKETER, now=later(hours=6))
    await do(engine, plans, case, Approve(reason="同意。"), factories.LEADER, now=later(hours=7))
    await do(
        engine,
        plans,
        case,
        CustomerAnswer(answer="accepted", said="客户电话确认同意退费方案。"),
        MARKETER,
        now=later(hours=8),
    )
    await do(
        engine, plans, case, Resolve(text="已退还 2359 元，并向您说明了首月计费规则。"), MARKETER, now=later(hours=9)
    )
    pay = Pay(billing_reference="BILL-2026-118823", paid_at=later(hours=20))
    await do(engine, plans, case, pay, FINANCE, now=later(days=1))
    await notice(engine, case, "compensation", 10, later(hours=7))
    return case


async def support(engine: AsyncEngine, plans: Plans) -> UUID:
    """Technical support: attempts, a question and its reply, guidance, a visit; reopened by the customer."""
    case = await factories.dispatched_case(engine, plans, category="technical_support", severity="minor")
    who = (await case_of(engine, case)).assignee or ENGINEER
    await do(engine, plans, case, Accept(), who, now=later(minutes=20))
    for minutes, outcome in ((40, "no_answer"), (60, "busy")):
        await do(engine, plans, case, Contact(way="phone", outcome=outcome), who, now=later(minutes=minutes))
    said = "客户说路由器 5G 频段找不到，其他正常。"
    await do(engine, plans, case, Contact(way="phone", outcome="reached", said=said), who, now=later(minutes=90))
    question = AwaitCustomer(question="请提供光猫背面的设备编号，并告知 LOS 灯是否亮红灯。")
    await do(engine, plans, case, question, who, now=later(hours=2))
    await fired(engine, plans, later(days=2, hours=3))
    resume = Resume(said="设备编号 HG8145-22187，LOS 灯不亮。")
    await do(engine, plans, case, resume, who, now=later(days=2, hours=6))
    guide = Guide(article="router_setup", text="请先关闭光猫电源，等待 30 秒后重新打开。", site_visit_wanted=True)
    await do(engine, plans, case, guide, who, now=later(days=2, hours=7))
    visit = SiteVisit(visit_at=later(days=3, hours=2), text="更换光猫。")
    await do(engine, plans, case, visit, who, now=later(days=2, hours=8))
    await do(engine, plans, case, Resolve(text="已上门更换光猫，5G 频段恢复。"), who, now=later(days=3, hours=3))
    async with engine.begin() as connection:
        await customer.reopen(connection, plans, case, "今天又搜不到 5G 信号了。", later(days=3, hours=9))
    skipped = Skip(steps=("contact",), reason="客户刚刚来电，无需再次联系。")
    await do(engine, plans, case, skipped, who, now=later(days=3, hours=10))
    return case


async def dispatched(engine: AsyncEngine, plans: Plans, case: UUID, now: datetime) -> None:
    """Have the handler dispatch a classified case."""
    async with engine.begin() as connection:
        _, plan = await plans.current(connection)
        works = await works_on(connection, plans, plan, [case], "system:handler", now)
        await dispatch(connection, list(works.values()))
        await write(connection, list(works.values()))


async def fired(engine: AsyncEngine, plans: Plans, now: datetime) -> None:
    """Have the handler do what is due."""
    async with engine.begin() as connection:
        await fire(connection, plans, now)


async def notice(engine: AsyncEngine, case: UUID, kind: str, number: int, at: datetime, status: str = "sent") -> None:
    """A notice to the customer, sent a second after it was requested."""
    async with engine.begin() as connection:
        await connection.execute(
            sa.insert(Notice).values(
                id=new_id(),
                complaint_id=case,
                kind=kind,
                cause=new_id(),
                number=number,
                realm="live",
                language="zh",
                way="email",
                facts={},
                status=status,
                version=2,
                requested_at=at,
                due_at=at,
                sent_at=at + timedelta(seconds=1) if status == "sent" else None,
            )
        )


async def material_of(engine: AsyncEngine, plans: Plans, case: UUID) -> Material:
    """What the record of a case is made of."""
    async with engine.connect() as connection:
        return await gather(connection, plans, await find(connection, str(case), "live"))


async def record_of(engine: AsyncEngine, plans: Plans, case: UUID, personal: Personal = "shown") -> Summary:
    """The record of a case."""
    return summarise(await material_of(engine, plans, case), PRIVACY, personal)


async def reword(engine: AsyncEngine, case: UUID, **values: Any) -> None:
    """Change columns of a case as posted, to see how odd words are shown."""
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).where(Complaint.id == case).values(**values))
