"""What customers are told of each step of handling, from the event and the words recorded with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import product
from typing import Literal, get_args
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier_worker.handler import NotifierHandler
from services.base.identity import new_id
from services.base.stream.event import EventData
from services.complaints.events import (
    EVENTS,
    Accepted,
    AwaitingCustomer,
    Closed,
    CompensationDecided,
    CompensationPaid,
    Contacted,
    CustomerReplied,
    DeadlineMissed,
    Diagnosed,
    EstimateMissed,
    EstimateSet,
    Explained,
    Guided,
    Rejected,
    Reminded,
    Reopened,
    Repaired,
    Resolved,
    Resumed,
    Reviewed,
    SurveyAnswered,
    SurveyAsked,
    SurveyReminded,
    Updated,
    Withdrawn,
)
from services.notices.channels.port import Way
from services.notices.kinds import facts_of_kind
from services.notices.rendering import About, Letters, Part
from services.plan.clocks import law_of
from services.plan.loading import shipped_plan_text
from services.plan.versions import Plans
from services.plan.vocabulary import LANGUAGES, TellingEvent
from tests.notices.factories import NOW, Words, case, handle, notices, recorded

HANDLED: dict[str, object] = {
    "status": "in_progress",
    "plan_version": 1,
    "category": "outage",
    "sub_category": "no_service",
    "severity": "major",
    "group_code": "technical_support",
    "assignee": "xu.lei",
}
WAITING = {**HANDLED, "status": "awaiting_customer"}
BILLING = {**HANDLED, "category": "billing", "sub_category": "overcharge", "group_code": "market_legal"}
SOON, LATER = NOW + timedelta(hours=2), NOW + timedelta(hours=5)
OFFER = new_id()
DECIDED = CompensationDecided(
    reference="RD", compensation=OFFER, decision="approved", kind="refund", amount="59.00", currency="CNY"
)
PAID = CompensationPaid(
    reference="RD", compensation=OFFER, kind="credit", amount="120.50", currency="CNY", billing_reference="BILL-7"
)
ASKED = AwaitingCustomer(reference="RD")
SURVEY = SurveyAsked(reference="RD", survey=new_id(), expires_at=NOW + timedelta(days=14))
SURVEY_FACTS = {"survey": str(SURVEY.survey), "expires_at": "2025-12-08T10:30:00+08:00"}
RIGHTS = law_of("cn").rights
ABOUT = About("李伟", "https://x", survey_url="https://y")
WAYS: tuple[Way, ...] = get_args(Way)
QUESTION = {"question": "LOS 灯是什么颜色？"}


def estimate(at: object, previous: object = None, **told: bool) -> EstimateSet:
    return EstimateSet.model_validate({"reference": "RD", "estimated_repair_at": at, "previous": previous, **told})


def contacted(outcome: str, failed: int, write: bool) -> Contacted:
    said = {"way": "phone", "outcome": outcome, "attempted_at": NOW, "failed": failed, "write": write}
    return Contacted.model_validate({"reference": "RD", **said})


def missed(clock: str, times: int = 1, next_by: object = None) -> DeadlineMissed:
    said = {"clock": clock, "due_at": NOW, "times": times, "next_by": next_by}
    return DeadlineMissed.model_validate({"reference": "RD", **said})


# columns of the case, what happened, the words recorded with it, the notice, its facts beside reference and operator
TOLD: list[tuple[Mapping[str, object], EventData, Words | None, str, Mapping[str, object]]] = [
    (
        HANDLED,
        estimate(LATER, SOON),
        {"reason": "现场暴雨，抢修受阻。"},
        "estimate",
        {
            "estimated_repair_at": "2025-11-24T15:30:00+08:00",
            "previous": "2025-11-24T12:30:00+08:00",
            "later": True,
            "reason": "现场暴雨，抢修受阻。",
        },
    ),
    (
        HANDLED,
        EstimateMissed(reference="RD", estimated_repair_at=SOON, broken=1),
        None,
        "estimate_missed",
        {"estimated_repair_at": "2025-11-24T12:30:00+08:00"},
    ),
    (
        HANDLED,
        Repaired(reference="RD", repaired_at=LATER, estimate_kept=False),
        {"what": "光缆已熔接，客户经理张三确认。"},
        "repaired",
        {"repaired_at": "2025-11-24T15:30:00+08:00", "late": True},
    ),
    (
        HANDLED,
        Repaired(reference="RD", repaired_at=LATER),
        None,
        "repaired",
        {"repaired_at": "2025-11-24T15:30:00+08:00", "late": False},
    ),
    (
        BILLING,
        Explained(reference="RD"),
        {"text": "首月按全月计费。"},
        "explanation",
        {"text": "首月按全月计费。", "verdict": None},
    ),
    (
        BILLING,
        DECIDED,
        {"reason": "内部理由"},
        "compensation",
        {"compensation": "refund", "amount": "59.00", "currency": "CNY", "answer": True},
    ),
    (
        BILLING,
        PAID,
        None,
        "compensation_paid",
        {"compensation": "credit", "amount": "120.50", "currency": "CNY", "billing_reference": "BILL-7"},
    ),
    (HANDLED, contacted("no_answer", 3, True), {"said": "无人接听"}, "unreached", {"attempts": 3}),
    (
        HANDLED,
        Guided(reference="RD"),
        {"text": "请先断电。"},
        "guidance",
        {"text": "请先断电。", "title": None, "steps": [], "visit": False},
    ),
    (
        WAITING,
        ASKED,
        QUESTION,
        "question",
        {
            "question": "LOS 灯是什么颜色？",
            "asked_at": "2025-11-24T10:31:00+08:00",
            "answer_by": "2025-12-04T10:31:00+08:00",
        },
    ),
    ({**HANDLED, "status": "withdrawn"}, Withdrawn(reference="RD", status_before="received"), None, "withdrawn", {}),
    (
        HANDLED,
        Accepted(reference="RD", assignee="xu.lei"),
        None,
        "contacted",
        {"assignee": "徐磊", "respond_by": "2025-11-24T11:30:00+08:00"},
    ),
    (
        {**HANDLED, "estimated_repair_at": LATER},
        Updated(reference="RD", times=1),
        None,
        "update",
        {"estimated_repair_at": "2025-11-24T15:30:00+08:00", "next_by": "2025-11-24T16:31:00+08:00"},
    ),
    (
        HANDLED,
        missed("respond", next_by=LATER),
        None,
        "deadline_missed",
        {"clock": "respond", "due_at": "2025-11-24T10:30:00+08:00", "next_by": "2025-11-24T15:30:00+08:00"},
    ),
    (HANDLED, missed("regulator"), None, "rights", {"rights": RIGHTS.zh if RIGHTS else None}),
    ({**HANDLED, "status": "closed"}, SURVEY, None, "survey", SURVEY_FACTS),
]


@pytest.mark.parametrize(("columns", "data", "private", "kind", "facts"), TOLD)
async def test_each_step_is_told_in_the_words_recorded_with_it(
    engine: AsyncEngine,
    columns: Mapping[str, object],
    data: EventData,
    private: Words | None,
    kind: str,
    facts: Mapping[str, object],
) -> None:
    new = await case(engine, values={**columns, "reference": "RD-7K3M-9PQ2-X"})

    await handle(engine, await recorded(engine, new, (data, private)))

    (notice,) = await notices(engine)
    assert (notice.kind, notice.number) == (kind, 1)
    assert notice.facts == {"reference": "RD-7K3M-9PQ2-X", "operator": "示例电信", **facts}
    assert notice.facts.keys() == {fact.name for fact in facts_of_kind(kind)}
    assert all(fact.optional for fact in facts_of_kind(kind) if notice.facts[fact.name] is None)
    for way, language in product(WAYS, LANGUAGES):
        assert Letters().write(way, language, [Part(notice.kind, notice.facts)], ABOUT).text


async def test_a_rejection_is_told_with_its_reason_and_the_right_to_appeal_of_the_plan(engine: AsyncEngine) -> None:
    rejected = {**HANDLED, "status": "rejected"}
    cases = [await case(engine, language=language, values=rejected) for language in LANGUAGES]

    for one in cases:
        await handle(engine, await recorded(engine, one, (Rejected(reference="RD"), {"reason": "不是我公司的号码。"})))

    facts = {notice.language: notice.facts for notice in await notices(engine)}
    assert {one["reason"] for one in facts.values()} == {"不是我公司的号码。"}
    assert "12300" in facts["zh"]["appeal"]
    assert "appeal to the telecom users' appeal centre" in facts["en"]["appeal"]


async def test_guidance_by_an_article_is_told_with_the_plans_steps_in_the_customers_language(
    engine: AsyncEngine,
) -> None:
    cases = [await case(engine, language=language, values=HANDLED) for language in LANGUAGES]

    for one in cases:
        data = Guided(reference="RD", article="sim_puk", site_visit_wanted=True)
        await handle(engine, await recorded(engine, one, data))

    facts = {notice.language: notice.facts for notice in await notices(engine)}
    assert facts["zh"]["title"] == "SIM 卡被锁，提示输入 PUK 码"
    assert facts["en"]["steps"][0].startswith("Don't guess.")
    assert len(facts["zh"]["steps"]) == len(facts["en"]["steps"]) == 5
    assert (facts["zh"]["text"], facts["zh"]["visit"]) == (None, True)


async def test_an_article_that_the_plan_no_longer_has_leaves_the_words(engine: AsyncEngine) -> None:
    with_words, without = await case(engine, values=HANDLED), await case(engine, values=HANDLED)
    gone = Guided(reference="RD", article="gone_since")

    await handle(engine, await recorded(engine, with_words, (gone, {"text": "请先断电。"})))
    await handle(engine, await recorded(engine, without, gone))

    (notice,) = await notices(engine)
    assert (notice.complaint_id, notice.facts["text"], notice.facts["steps"]) == (with_words, "请先断电。", [])


async def test_a_reminder_repeats_the_newest_question_before_it(engine: AsyncEngine) -> None:
    new = await case(engine, values=WAITING)
    events = await recorded(
        engine,
        new,
        (ASKED, {"question": "旧问题"}),
        CustomerReplied(reference="RD", status_before="awaiting_customer"),
        (ASKED, {"question": "新问题"}),
        Reminded(reference="RD", times=1),
    )

    await handle(engine, events)

    told = [(notice.kind, notice.number, notice.facts["question"]) for notice in await notices(engine)]
    assert told == [("question", 3, "新问题"), ("reminder", 4, "新问题")]


async def test_of_reminders_that_come_together_the_newest_is_told(engine: AsyncEngine) -> None:
    new = await case(engine, values=WAITING)
    reminders = [Reminded(reference="RD", times=times) for times in (1, 2)]
    _, *reminded = await recorded(engine, new, (ASKED, QUESTION), *reminders)

    await handle(engine, reminded)

    assert [(notice.kind, notice.number) for notice in await notices(engine)] == [("reminder", 3)]


@pytest.mark.parametrize("status", ["in_progress", "resolved", "withdrawn"])
async def test_what_the_customer_need_not_answer_any_more_is_not_asked(engine: AsyncEngine, status: str) -> None:
    new = await case(engine, values={**HANDLED, "status": status})

    await handle(engine, await recorded(engine, new, (ASKED, QUESTION), Reminded(reference="RD", times=1)))

    assert await notices(engine) == []


async def test_a_time_to_answer_that_has_passed_is_not_set(engine: AsyncEngine) -> None:
    new = await case(engine, values=WAITING)
    events = await recorded(engine, new, (ASKED, QUESTION))

    await handle(engine, events, now=NOW + timedelta(days=11))

    assert [notice.facts["answer_by"] for notice in await notices(engine)] == [None]


@pytest.mark.parametrize("since", [estimate(LATER, SOON), Repaired(reference="RD", repaired_at=SOON)])
async def test_a_missed_time_is_no_news_once_a_new_one_is_set_or_the_fault_repaired(
    engine: AsyncEngine, since: EventData
) -> None:
    new = await case(engine, values=HANDLED)
    missed, _ = await recorded(engine, new, EstimateMissed(reference="RD", estimated_repair_at=SOON, broken=1), since)

    await handle(engine, [missed])

    assert await notices(engine) == []


NOT_TOLD = [
    estimate(SOON, told=False),
    Repaired(reference="RD", repaired_at=SOON, told=False),
    Explained(reference="RD", told=False),
    DECIDED.model_copy(update={"told": False}),
    DECIDED.model_copy(update={"decision": "declined"}),
    PAID.model_copy(update={"told": False}),
    Guided(reference="RD", told=False),
    Resolved(reference="RD", told=False),
    Closed(reference="RD", decision="final_decision", told=False),
    contacted("reached", 0, False),
    contacted("no_answer", 2, False),
    Diagnosed(reference="RD", cause="cable"),
    missed("respond", times=2),
    missed("regulator", times=2),
    missed("repair"),
    SURVEY.model_copy(update={"expires_at": NOW}),
    Resumed(reference="RD", cause="silent"),
]


@pytest.mark.parametrize("data", NOT_TOLD, ids=[f"{at} {one.TYPE.split('.')[2]}" for at, one in enumerate(NOT_TOLD)])
async def test_what_is_not_for_the_customer_is_not_told(engine: AsyncEngine, data: EventData) -> None:
    new = await case(engine, values={**HANDLED, "resolution": "好了", "resolved_at": NOW})

    await handle(engine, await recorded(engine, new, (data, {"text": "x", "reason": "x"})))

    assert await notices(engine) == []


@pytest.mark.parametrize("private", [None, {}, {"text": " \n "}, {"text": 7}])
async def test_without_words_there_is_nothing_to_tell(engine: AsyncEngine, private: Words | None) -> None:
    new = await case(engine, values=BILLING)

    await handle(
        engine, await recorded(engine, new, (Explained(reference="RD"), private), (Rejected(reference="RD"), private))
    )

    assert await notices(engine) == []


@pytest.mark.parametrize(("verdict", "told"), [("yes", "确实对您造成了误导"), ("partly", "表述不清"), ("no", None)])
async def test_the_explanation_says_what_the_review_found(
    engine: AsyncEngine, verdict: Literal["yes", "partly", "no"], told: str | None
) -> None:
    new = await case(engine, values=BILLING)
    reviews = [
        Reviewed(
            reference="RD",
            misleading=one,
            explanation_wanted=True,
            compensation_wanted=False,
            legal_check_wanted=False,
        )
        for one in ("no", verdict)
    ]
    events = await recorded(engine, new, *reviews, (Explained(reference="RD"), {"text": "首月按全月计费。"}))

    await handle(engine, events[-1:])

    (notice,) = await notices(engine)
    assert notice.facts["verdict"] == verdict
    letter = Letters().write("email", "zh", [Part("explanation", notice.facts)], ABOUT)
    assert "首月按全月计费。" in letter.text
    assert ("经核查" in letter.text) is (told is not None)
    assert (told or "") in letter.text


async def test_words_are_told_as_lines_of_a_letter(engine: AsyncEngine) -> None:
    new = await case(engine, values=BILLING)
    written = "  \r\n第一行  \r\n\r\n\r\n\r\n第二行\u2028{{ 7 * 7 }}\x0b.\n"

    await handle(engine, await recorded(engine, new, (Explained(reference="RD"), {"text": written})))

    (notice,) = await notices(engine)
    assert notice.facts["text"] == "第一行\n\n第二行\n{{ 7 * 7 }}\n."
    letter = Letters().write("email", "zh", [Part("explanation", notice.facts)], ABOUT)
    assert "\n第二行\n{{ 7 * 7 }}\n.\n" in letter.text


async def test_where_the_plan_does_not_wait_for_an_answer_none_is_asked_for(engine: AsyncEngine) -> None:
    text = shipped_plan_text()
    start = text.index("      - {code: answer, action: customer-answer")
    async with engine.begin() as connection:
        assert await Plans().ensure(connection, text[:start] + text[text.index("\n", start) + 1 :]) == 2
    new = await case(engine, values={**BILLING, "plan_version": 2})

    await handle(engine, await recorded(engine, new, DECIDED))

    assert [notice.facts["answer"] for notice in await notices(engine)] == [False]


async def test_a_notice_that_the_plan_hangs_on_another_event_tells_only_what_is_known_there(
    engine: AsyncEngine,
) -> None:
    odd = shipped_plan_text()
    for kind, after in (("estimate_missed", "accepted"), ("compensation", "repaired"), ("question", "repaired")):
        start = odd.index(f"{{kind: {kind}, after: ")
        odd = odd[:start] + f"{{kind: {kind}, after: {after}," + odd[odd.index(" name:", start) :]
    async with engine.begin() as connection:
        assert await Plans().ensure(connection, odd) == 2
    new = await case(engine, values={**HANDLED, "plan_version": 2})

    await handle(engine, await recorded(engine, new, Repaired(reference="RD", repaired_at=SOON)))

    assert [notice.kind for notice in await notices(engine)] == ["repaired"]


async def test_a_reminder_of_a_survey_has_the_end_of_that_survey(engine: AsyncEngine) -> None:
    new = await case(engine, values={**HANDLED, "status": "closed"})
    earlier = SURVEY.model_copy(update={"survey": new_id(), "expires_at": NOW + timedelta(days=3)})
    reminded = SurveyReminded(reference="RD", survey=SURVEY.survey)

    *_, reminder = await recorded(engine, new, SURVEY, earlier, reminded)
    await handle(engine, [reminder])

    (notice,) = await notices(engine)
    assert (notice.kind, {name: notice.facts[name] for name in SURVEY_FACTS}) == ("survey_reminder", SURVEY_FACTS)


@pytest.mark.parametrize(
    "since",
    [
        SurveyAnswered(reference="RD", survey=SURVEY.survey, satisfaction=5, solved=True),
        Reopened(reference="RD", status_before="closed", by_customer=True),
    ],
)
async def test_who_has_answered_or_is_handled_again_is_not_asked_how_it_went(
    engine: AsyncEngine, since: EventData
) -> None:
    new = await case(engine, values={**HANDLED, "status": "closed"})
    reminded = SurveyReminded(reference="RD", survey=SURVEY.survey)

    asked, reminder, _ = await recorded(engine, new, SURVEY, reminded, since)
    await handle(engine, [asked, reminder])

    assert await notices(engine) == []


async def test_a_result_tells_where_else_the_law_lets_the_customer_turn(engine: AsyncEngine) -> None:
    resolved = {**HANDLED, "status": "resolved", "resolution": " 修好了。\n\n\n\n谢谢 ", "resolved_at": NOW}
    cases = [await case(engine, language=language, values=resolved) for language in LANGUAGES]

    for one in cases:
        await handle(engine, await recorded(engine, one, Resolved(reference="RD")))

    facts = {notice.language: notice.facts for notice in await notices(engine)}
    assert RIGHTS is not None
    assert (facts["zh"]["rights"], facts["en"]["rights"]) == (RIGHTS.zh, RIGHTS.en)
    assert facts["zh"]["resolution"] == "修好了。\n\n谢谢"


async def test_everything_delivered_twice_is_told_once(engine: AsyncEngine) -> None:
    new = await case(engine, values=WAITING)
    events = await recorded(
        engine,
        new,
        estimate(SOON),
        (estimate(LATER, SOON), {"reason": "暴雨"}),
        contacted("busy", 3, True),
        (ASKED, QUESTION),
    )

    await handle(engine, events)
    await handle(engine, [*events, *events])

    assert [notice.kind for notice in await notices(engine)] == ["estimate", "estimate", "unreached", "question"]


async def test_the_words_of_a_batch_take_one_statement_however_long_it_is(engine: AsyncEngine) -> None:
    few = [await case(engine, values=BILLING) for _ in range(2)]
    many = [await case(engine, values=BILLING) for _ in range(40)]

    counted = [await _statements(engine, cases) for cases in (few, many)]

    assert counted[0] == counted[1] <= 8


async def test_a_rejection_that_was_taken_back_is_told_before_the_reopening(engine: AsyncEngine) -> None:
    new = await case(engine, values=HANDLED)
    events = await recorded(
        engine,
        new,
        (Rejected(reference="RD"), {"reason": "不是我公司的号码。"}),
        Reopened(reference="RD", status_before="rejected"),
    )

    await handle(engine, events)

    assert [notice.kind for notice in await notices(engine)] == ["rejected", "reopened"]


def test_the_notifier_wants_whatever_a_plan_can_tell_of() -> None:
    short = {event.TYPE.split(".")[2]: event.TYPE for event in EVENTS}

    assert NotifierHandler.types == {short[event] for event in get_args(TellingEvent)}


async def _statements(engine: AsyncEngine, cases: list[UUID]) -> int:
    events = [one for new in cases for one in await recorded(engine, new, (Explained(reference="RD"), {"text": "好"}))]
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    sa.event.listen(engine.sync_engine, "before_cursor_execute", count)
    await handle(engine, events)
    sa.event.remove(engine.sync_engine, "before_cursor_execute", count)
    return counted


def test_the_public_half_carries_no_words() -> None:
    for data in (Explained(reference="RD"), Rejected(reference="RD"), ASKED, Guided(reference="RD")):
        assert not {"text", "reason", "question"} & set(orjson.loads(data.model_dump_json(exclude_none=True)))
