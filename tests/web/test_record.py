"""The record of a case as a value: what it holds, and that nothing of what happened is missing or overwritten."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.files.receiving import ReceivedFile
from services.casework import customer
from services.casework.attaching import attach
from services.casework.handlers.assigning import HandOver
from services.casework.handlers.conversing import Correct, Note
from services.complaints import events
from services.complaints.events import EVENTS, ComplaintEvent
from services.complaints.queries import Happening
from services.plan.loading import load_plan, shipped_plan_text
from services.plan.versions import Plans
from services.records.naming import Naming
from services.records.sentences import SENTENCES, sentence_of
from services.records.summary import summarise
from tests.casework import factories
from tests.casework.factories import ADMIN, ENGINEER, PRIVACY, RECEIVED_AT, do
from tests.casework.owed import statements
from tests.web import record_cases
from tests.web.record_cases import later, material_of, record_of
from web.answers import to_json
from web.record.composing import document_of

AT = "2026-11-23T10:00:00Z"
DATA = {
    "channel": "hotline",
    "service_type": "broadband",
    "category": "billing",
    "category_before": "outage",
    "severity": "major",
    "severity_before": "minor",
    "confidence": 0.9,
    "group": "market_legal",
    "previous": "technical_support",
    "assignee": "xu.lei",
    "login": "zheng.kai",
    "rule": "least_loaded",
    "respond_by": AT,
    "resolve_by": AT,
    "due_at": AT,
    "acknowledge_by": AT,
    "estimated_repair_at": AT,
    "repaired_at": AT,
    "visit_at": AT,
    "estimate_kept": False,
    "broken": 2,
    "misleading": "partly",
    "promotion": "畅享 39",
    "outcome": "reached",
    "kind": "refund",
    "amount": "59.00",
    "currency": "CNY",
    "needs": "head",
    "decision": "approved",
    "answer": "disputed",
    "billing_reference": "BILL-1",
    "way": "phone",
    "failed": 2,
    "write": True,
    "article": "router_setup",
    "site_visit_wanted": True,
    "step": "diagnose",
    "corrects": 3,
    "times": 2,
    "cause": "by_hand",
    "told": ["zhou.min"],
    "to": "group_head",
    "clock": "resolve",
    "relation": "repeat",
    "other_reference": "RD-7K3M-9PQ2-X",
    "plan_version": 2,
}
# The same names hold other codes in some events.
OWN: dict[type[ComplaintEvent], dict[str, object]] = {
    events.Diagnosed: {"cause": "cable"},
    events.LegalChecked: {"outcome": "risk"},
    events.Resolved: {"told": True},
    events.Closed: {"decision": "final_decision"},
}


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    made = Plans()
    await factories.sync_duty(engine, made)
    return made


def test_every_type_of_event_has_a_sentence_in_both_languages() -> None:
    plan = load_plan(shipped_plan_text())

    assert set(SENTENCES) == {kind.TYPE for kind in EVENTS}
    for kind in EVENTS:
        data = DATA | OWN.get(kind, {})
        chinese, english = (sentence_of(kind.TYPE, data, Naming(plan, language)) for language in ("zh", "en"))
        assert chinese.endswith("。"), chinese
        assert english.endswith("."), english
        assert not set("{}_") & set(chinese + english), (chinese, english)


def test_a_sentence_of_an_event_that_says_little_is_still_a_sentence() -> None:
    plan = load_plan(shipped_plan_text())

    for kind in EVENTS:
        if "amount" not in kind.model_fields:
            assert sentence_of(kind.TYPE, {}, Naming(plan, "en")).endswith(".") or kind.TYPE.count("answered")


async def test_an_outage_tells_promises_escalations_and_corrections(engine: AsyncEngine, plans: Plans) -> None:
    case = await record_cases.outage(engine, plans)

    record = await record_of(engine, plans, case)

    assert record.heading.status == "closed"
    assert [one.state for one in record.estimates] == ["broken", "kept"]
    assert record.estimates[0].told_at == later(minutes=15, seconds=1)
    assert (record.times.broken_estimates, record.times.reopenings) == (1, 0)
    assert record.times.first_response == 14 * 60
    assert record.times.resolution == 7.5 * 3600
    assert record.times.total == 24 * 3600
    assert [(one.code, one.state) for one in record.steps] == [
        ("diagnose", "done"),
        ("estimate", "done"),
        ("repair", "done"),
        ("check", "done"),
        ("result", "done"),
    ]
    taken = [one for one in record.escalations if one.acknowledged_at is not None]
    assert [one.acknowledged_by for one in taken] == ["chen.guoqiang"]
    assert record.reports[0].severity == "critical"
    deadlines = {one.kind: one for one in record.deadlines}
    assert (deadlines["respond"].state, deadlines["respond"].early_seconds) == ("met", 60)
    assert deadlines["promise"].missed[0].due_at == later(hours=2)
    assert [(one.kind, one.status) for one in record.notices][1:3] == [
        ("estimate", "sent"),
        ("estimate_missed", "failed"),
    ]
    assert [one.outcome for one in record.contacts] == ["no_answer", "reached"]
    assert [one.number for one in record.timeline] == list(range(1, record.heading.version + 1))


async def test_a_correction_stands_beside_what_it_corrects_and_overwrites_nothing(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.received_case(engine)
    await do(engine, plans, case, Note(text="客户住 3 楼。"), ADMIN)
    await do(engine, plans, case, Correct(number=2, text="客户住 13 楼。"), ADMIN)

    record = await record_of(engine, plans, case)

    wrong, right = record.timeline[1:]
    assert wrong.details == {"text": "客户住 3 楼。"}
    assert [(one.number, one.text) for one in wrong.corrections] == [(3, "客户住 13 楼。")]
    assert right.corrects == 2
    assert record.notes[0].corrections == wrong.corrections


async def test_a_billing_case_tells_the_verdict_and_every_offer_to_its_payment(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await record_cases.billing(engine, plans)

    record = await record_of(engine, plans, case)

    assert [(one.category_before, one.category) for one in record.reclassifications] == [
        ("technical_support", "billing")
    ]
    assert record.verdicts[0].misleading == "partly"
    assert record.verdicts[0].material is not None
    assert record.legal_opinions[0].outcome == "risk"
    first, second = record.compensation
    assert (first.amount, first.status, first.needs) == ("20.00", "disputed", None)
    assert (second.amount, second.status, second.needs) == ("2359.00", "paid", "leadership")
    assert second.decided is not None
    assert second.decided.by == f"staff:{factories.LEADER}"
    assert second.paid is not None
    assert (second.paid.billing_reference, second.paid.paid_at) == ("BILL-2026-118823", later(hours=20))
    answers = next(one for one in record.steps if one.code == "answer")
    assert len(answers.entries) == 2


async def test_technical_support_tells_contacts_questions_guidance_and_the_reopening(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await record_cases.support(engine, plans)

    record = await record_of(engine, plans, case)

    assert [(one.outcome, one.failed) for one in record.contacts] == [("no_answer", 1), ("busy", 2), ("reached", 0)]
    question = record.questions[0]
    assert (len(question.reminders), question.resumed) == (1, "answered")
    assert [one.text for one in question.replies] == ["设备编号 HG8145-22187，LOS 灯不亮。"]
    assert record.times.awaiting_customer == (timedelta(days=2, hours=4)).total_seconds()
    assert record.times.reopenings == 1
    assert (record.times.resolution, record.times.total) == (None, None)
    assert record.guidance[0].title == {"zh": "安装和设置无线路由器", "en": "Set up a Wi-Fi router"}
    assert record.guidance[1].visit_at == later(days=3, hours=2)
    assert [one.kind for one in record.endings] == ["resolved", "reopened"]
    contact = next(one for one in record.steps if one.code == "contact")
    assert [one.state for one in contact.entries] == ["done", "skipped"]
    assert contact.entries[1].words == {"reason": "客户刚刚来电，无需再次联系。"}
    assert next(one for one in record.steps if one.code == "guide").state == "open"


async def test_who_had_the_case_when_and_why_follows_it_from_group_to_group(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(
        engine, plans, case, HandOver(group="market_legal", reason="需要核实合约条款。"), ENGINEER, now=later(hours=1)
    )
    await record_cases.dispatched(engine, plans, case, later(hours=2))

    holders = (await record_of(engine, plans, case)).holders

    assert [(one.group, one.rule) for one in holders][-3:] == [
        ("technical_support", holders[-3].rule),
        ("market_legal", "handed_over"),
        ("market_legal", "least_loaded"),
    ]
    assert [one.until for one in holders][-2:] == [later(hours=2), None]
    assert (holders[-2].assignee, holders[-2].reason) == (None, "需要核实合约条款。")


async def test_the_same_events_give_the_same_json(engine: AsyncEngine, plans: Plans) -> None:
    case = await record_cases.support(engine, plans)

    one, other = [to_json(await record_of(engine, Plans(), case)) for _ in range(2)]

    assert one == other


async def test_a_masked_record_names_nobody_and_a_withheld_one_says_nothing_that_people_wrote(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.received_case(engine, content="我是李伟，手机13912345678，断网了。")
    await do(engine, plans, case, Note(text="李伟要求回电 13912345678。"), ADMIN)

    masked = await record_of(engine, plans, case, "masked")
    withheld = await record_of(engine, plans, case, "withheld")

    assert masked.customer is not None
    assert masked.customer.masked
    assert (masked.customer.name, masked.customer.phone) == ("李**", "****8000")
    for record in (masked, withheld):
        written = to_json(record).decode()
        for secret in ("李伟", "13912345678", "13800138000", "li.wei", "BJ-5520-7781"):
            assert secret not in written
    assert masked.notes[0].text is not None
    assert (withheld.customer, withheld.notes[0].text, withheld.timeline[1].details) == (None, None, None)


async def test_what_a_case_never_met_is_missed_when_it_was_due_and_else_ended_with_the_case(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)
    async with engine.begin() as connection:
        await customer.withdraw(connection, plans, case, "已恢复。", later(minutes=30))

    deadlines = {one.kind: one for one in (await record_of(engine, plans, case)).deadlines}

    assert (deadlines["acknowledge"].state, deadlines["acknowledge"].met_at) == ("missed", None)
    assert (deadlines["resolve"].state, deadlines["resolve"].met_at) == ("ended", None)


async def test_reading_a_record_takes_the_same_statements_whatever_happened(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.received_case(engine)
    few = await statements(engine, lambda: material_of(engine, plans, case))
    for number in range(20):
        await do(engine, plans, case, Note(text=f"备注 {number}"), ADMIN)

    many = await statements(engine, lambda: material_of(engine, plans, case))

    assert few == many <= 7


async def test_codes_and_people_that_the_plan_does_not_know_are_shown_as_they_are(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.received_case(engine)
    material = await material_of(engine, plans, case)
    strange = [
        Happening(2, "redress.complaint.dreamt.v9", RECEIVED_AT, "staff:long.gone", {"reference": "RD"}, None),
        *[Happening(3, "redress.complaint.noted.v1", RECEIVED_AT, "robot:x", {}, {"text": "x", "later": 1})],
    ]

    record = summarise(replace(material, happenings=[*material.happenings, *strange]), PRIVACY, "shown")
    document = document_of(record, material.plan, material.in_force, "en")

    assert record.timeline[1].sentence["en"] == "redress.complaint.dreamt.v9"
    assert {"long.gone", "robot:x"} <= set(document.texts())


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [(45, "45秒", "45 s"), (-60, "1分钟", "1 min"), (90_061, "1天1小时1分钟", "1 d 1 h 1 min")],
)
def test_lengths_of_time_are_written_as_people_write_them(seconds: int, chinese: str, english: str) -> None:
    plan = load_plan(shipped_plan_text())

    assert Naming(plan, "zh").length(seconds) == chinese
    assert Naming(plan, "en").length(seconds) == english


def test_times_are_on_the_clock_of_the_plan() -> None:
    plan = load_plan(shipped_plan_text())

    assert Naming(plan, "zh").stamp(datetime.fromisoformat(AT)) == "2026-11-23 18:00:00"


async def test_a_file_stands_in_the_record_and_its_name_follows_the_rules_for_what_people_wrote(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    photo = ReceivedFile("ab" * 32, "image/png", 183_220)
    async with engine.begin() as connection:
        await attach(connection, plans, case, photo, "李伟 13800138000.png", "customer", "customer", RECEIVED_AT)

    shown, masked, withheld = [
        (await record_of(engine, plans, case, personal=personal)).attachments
        for personal in ("shown", "masked", "withheld")
    ]

    assert [(one.name, one.media_type, one.size) for one in shown] == [("李伟 13800138000.png", "image/png", 183_220)]
    assert masked[0].name is not None
    assert not any(told in masked[0].name for told in ("李伟", "13800138000"))
    assert withheld[0].name is None
