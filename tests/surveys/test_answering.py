"""What customers answer is kept once, told in the record, and followed up as the plan says."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import NotFound, WrongState
from services.base.identity import new_id
from services.casework.handlers.assigning import Accept
from services.casework.handlers.settling import Close, Reopen, Resolve
from services.plan.versions import Plans
from services.plan.vocabulary import Language
from services.surveys import commands, queries
from services.surveys.commands import LONGEST_COMMENT, Answer
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, PRIVACY, case_of, closed_case, do
from tests.casework.readings import consistent
from tests.casework.scenes import DAY, MINUTE, alerts, another_plan, each, events, happened, last, tasks
from tests.surveys.factories import ASKED_AT, answer, asked, fire, hear, surveys
from tests.web.record_cases import record_of
from web.record.composing import document_of

pytestmark = pytest.mark.usefixtures("in_order")
WORDS = "师傅很好👍，谢谢，我是李伟。"
EXPIRES_AT = ASKED_AT + 14 * DAY


async def test_an_answer_is_kept_and_told_in_the_record_with_the_words_in_its_private_half(
    engine: AsyncEngine, plans: Plans
) -> None:
    case, survey = await asked(engine, plans)

    view = await answer(engine, plans, survey, satisfaction=4, comment=f"  {WORDS} ")

    event = await last(engine, case)
    assert event.data == {
        "reference": view.reference,
        "survey": str(survey),
        "satisfaction": 4,
        "solved": True,
        "group": "technical_support",
        "assignee": ENGINEER,
    }
    assert (event.actor, event.private) == ("customer", {"text": WORDS})
    (row,) = await surveys(engine, case)
    assert (row.status, row.answered_at, row.comment, row.follow_up) == ("answered", ASKED_AT + DAY, WORDS, None)
    assert (view.status, view.satisfaction, view.solved) == ("answered", 4, True)
    assert (await case_of(engine, case)).status == "closed"
    assert await tasks(engine, case) == []
    await fire(engine, plans, ASKED_AT + 3 * DAY)
    assert "survey_reminded" not in await happened(engine, case)


async def test_a_second_click_changes_nothing_and_another_answer_is_refused(engine: AsyncEngine, plans: Plans) -> None:
    case, survey = await asked(engine, plans)

    clicks = [answer(engine, plans, survey, satisfaction=1, solved=False) for _ in range(3)]
    first, *others = await asyncio.gather(*clicks)

    assert [first, first] == others
    with pytest.raises(WrongState, match="answered already"):
        await answer(engine, plans, survey, satisfaction=5)
    assert (await happened(engine, case)).count("survey_answered") == 1
    assert (await happened(engine, case)).count("reopened") == 1
    assert await consistent(engine, case)


async def test_what_is_not_asked_or_over_or_not_there_can_not_be_answered(engine: AsyncEngine, plans: Plans) -> None:
    case, survey = await asked(engine, plans)
    planned = await closed_case(engine, plans)
    await hear(engine, planned)
    (waiting,) = await surveys(engine, planned)

    with pytest.raises(WrongState, match="the time to answer this survey is over"):
        await answer(engine, plans, survey, now=EXPIRES_AT)
    with pytest.raises(WrongState, match="was not asked"):
        await answer(engine, plans, waiting.id, now=NOW)
    with pytest.raises(NotFound, match="no such survey"):
        await answer(engine, plans, new_id())

    assert "survey_answered" not in await happened(engine, case)
    await answer(engine, plans, survey, now=EXPIRES_AT - MINUTE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"satisfaction": 0},
        {"satisfaction": 6},
        {"satisfaction": None},
        {"comment": "字" * (LONGEST_COMMENT + 1)},
        {"comment": "\x00"},
        {"comment": "\ud83d"},
        {"stars": 5},
    ],
)
def test_what_is_no_answer_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Answer.model_validate({"satisfaction": 5, "solved": True, **wrong})


def test_an_empty_comment_is_none() -> None:
    assert Answer(satisfaction=5, solved=True, comment=" \n ").comment is None
    assert Answer(satisfaction=5, solved=True, comment="👍" * LONGEST_COMMENT).comment is not None


async def test_a_case_that_was_not_solved_is_taken_up_again_as_by_the_customer(
    engine: AsyncEngine, plans: Plans
) -> None:
    case, survey = await asked(engine, plans)

    await answer(engine, plans, survey, satisfaction=5, solved=False, comment="还是断网。")

    (answered,), (reopened,) = [await events(engine, case, name) for name in ("survey_answered", "reopened")]
    assert answered.data["follow_up"] == "reopened"
    assert (reopened.data["by_customer"], reopened.private) == (True, {"reason": "还是断网。", "assignee": ENGINEER})
    assert (await case_of(engine, case)).status == "in_progress"
    assert await alerts(engine, case, "escalated")
    assert await tasks(engine, case) == []


async def test_without_words_the_reason_says_where_it_comes_from(engine: AsyncEngine, plans: Plans) -> None:
    case, survey = await asked(engine, plans)

    await answer(engine, plans, survey, satisfaction=3, solved=False)

    (reopened,) = await events(engine, case, "reopened")
    assert reopened.private is not None
    assert reopened.private["reason"] == "客户在满意度回访中表示问题未解决。"


async def test_a_low_score_is_a_task_to_call_with_codes_only(engine: AsyncEngine, plans: Plans) -> None:
    case, survey = await asked(engine, plans)

    await answer(engine, plans, survey, satisfaction=2, comment=WORDS)

    (task,) = await tasks(engine, case)
    assert (task.kind, task.group_code, task.cause, task.realm) == ("call_customer", "customer_service", survey, "live")
    assert task.facts == {"survey": str(survey), "satisfaction": 2, "solved": True}
    # Within a working day: asked on a Monday, answered on Tuesday, due when Wednesday ends.
    assert ASKED_AT + DAY < task.due_at <= ASKED_AT + 3 * DAY
    assert (await last(engine, case)).data["follow_up"] == "task"
    assert (await case_of(engine, case)).status == "closed"


@pytest.mark.parametrize("already", ["reopened", "too late"])
async def test_where_it_can_not_be_taken_up_again_the_customer_is_called(
    engine: AsyncEngine, plans: Plans, already: str
) -> None:
    if already == "too late":
        await another_plan(engine, ("reopen_within: 30d", "reopen_within: 1d"))
        plans = Plans()
        case = await factories.accepted_case(engine, plans, plan_version=2)
        await factories.skip_to_result(engine, plans, case, ENGINEER)
        close = Close(decision="final_decision", reason="已修复。")
        await each(engine, plans, case, ENGINEER, Resolve(text="已恢复。"), close)
        await hear(engine, case)
        await fire(engine, plans, ASKED_AT)
        survey = (await surveys(engine, case))[0].id
    else:
        case, survey = await asked(engine, plans)
        await do(engine, plans, case, Reopen(reason="再次中断。"), ENGINEER, now=ASKED_AT)
    reopened = (await happened(engine, case)).count("reopened")

    await answer(engine, plans, survey, satisfaction=1, solved=False)

    assert [task.kind for task in await tasks(engine, case)] == ["call_customer"]
    assert (await happened(engine, case)).count("reopened") == reopened
    assert (await last(engine, case)).data["follow_up"] == "task"


async def test_the_link_opens_its_survey_and_no_other_does(engine: AsyncEngine, plans: Plans) -> None:
    case, survey = await asked(engine, plans)
    token = PRIVACY.survey_token(survey)

    async with engine.connect() as connection:
        found = await queries.find(connection, PRIVACY, token)
        for other in (
            PRIVACY.survey_token(new_id()),
            PRIVACY.track_token(survey, 0),
            token[:-1],
            "",
            "不是",
            "a" * 500,
        ):
            assert await queries.find(connection, PRIVACY, other) is None

    assert found is not None
    assert (found.id, found.complaint_id, found.realm, found.language) == (survey, case, "live", "zh")
    assert (found.closed_at, found.expires_at, found.satisfaction) == (NOW, EXPIRES_AT, None)
    assert found.is_open(EXPIRES_AT - MINUTE)
    assert not found.is_open(EXPIRES_AT)


async def test_an_answer_in_a_drill_stays_there(engine: AsyncEngine, plans: Plans) -> None:
    case = await drill_case(engine, plans)
    await hear(engine, case)
    await fire(engine, plans, ASKED_AT)
    (survey,) = await surveys(engine, case)

    await answer(engine, plans, survey.id, satisfaction=1)

    (task,) = await tasks(engine, case)
    assert (survey.realm, task.realm) == ("drill", "drill")


async def test_the_record_shows_the_answer_and_masks_the_words(engine: AsyncEngine, plans: Plans) -> None:
    case, survey = await asked(engine, plans)
    assert (await record_of(engine, plans, case)).satisfaction is None

    await answer(engine, plans, survey, satisfaction=2, comment=WORDS)

    shown = (await record_of(engine, plans, case)).satisfaction
    masked = (await record_of(engine, plans, case, "masked")).satisfaction
    assert shown is not None
    assert masked is not None
    assert (shown.satisfaction, shown.solved, shown.comment, shown.at) == (2, True, WORDS, ASKED_AT + DAY)
    assert (shown.group, shown.assignee, shown.follow_up) == ("technical_support", ENGINEER, "task")
    assert masked.comment is not None
    assert "李伟" not in masked.comment


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", ["2 分（满分 5 分），未解决，重新受理", "技术支持组", "徐磊"]),
        ("en", ["2 of 5, not solved, reopened", "Xu Lei"]),
    ],
)
async def test_the_record_reads_well_in_both_languages(
    engine: AsyncEngine, plans: Plans, language: Language, said: list[str]
) -> None:
    case, survey = await asked(engine, plans)
    await answer(engine, plans, survey, satisfaction=2, solved=False, comment=WORDS)
    async with engine.connect() as connection:
        _, plan = await plans.current(connection)

    document = document_of(await record_of(engine, plans, case), plan, plan, language)

    texts = "\n".join(document.texts())
    for words in (*said, WORDS):
        assert words in texts


async def test_an_answer_that_was_not_committed_was_not_given(engine: AsyncEngine, plans: Plans) -> None:
    case, survey = await asked(engine, plans)
    given = Answer(satisfaction=1, solved=False)

    async with engine.connect() as dying:
        await commands.answer(dying, plans, survey, given, ASKED_AT)
    await answer(engine, plans, survey, satisfaction=5)

    assert "reopened" not in await happened(engine, case)
    assert (await surveys(engine, case))[0].satisfaction == 5


async def drill_case(engine: AsyncEngine, plans: Plans) -> UUID:
    """A case of a drill that was closed at `NOW`."""
    case = await factories.dispatched_case(engine, plans, realm="drill")
    trainee = factories.staff(ENGINEER, "drill")
    await do(engine, plans, case, Accept(), trainee)
    await factories.skip_to_result(engine, plans, case, trainee)
    for body in (Resolve(text="已恢复。"), Close(decision="final_decision", reason="演练。")):
        await do(engine, plans, case, body, trainee)
    return case
