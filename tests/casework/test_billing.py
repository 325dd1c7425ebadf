"""Handling a billing complaint: the review and what it asks for, the legal check, the explanation."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Forbidden, Invalid, WrongState
from services.casework.handlers.assigning import Accept
from services.casework.handlers.billing import Explain, LegalCheck, Review
from services.casework.handlers.compensating import CustomerAnswer, Pay
from services.casework.handlers.settling import Resolve, Skip
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, RECEIVED_AT, case_of, do
from tests.casework.readings import met
from tests.casework.scenes import (
    COUNSEL,
    DAY,
    FINANCE,
    HEAD_OF_LEGAL,
    LEADER,
    OTHER_COUNSEL,
    VERDICT,
    billing_case,
    due_at,
    each,
    events,
    happened,
    last,
    name_promotion,
    offer,
    reviewed_case,
)

pytestmark = pytest.mark.usefixtures("in_order")

MISLEADING = Review(
    facts="客户 10 月被扣 59 元，套餐为“畅享 39”。",
    misleading="partly",
    grounds="宣传页仅在第二屏以小字说明首月资费。",
    material="“畅享 39”宣传页 2026-09 版",
    promotion="畅享 39",
    compensation_wanted=True,
)
LAWFUL = LegalCheck(outcome="risk", opinion="提示不够显著，存在被认定误导的风险。")
EXPLAINED = Explain(text="您的套餐首月按全月计费，次月起按自然月计费。")
AGREED = CustomerAnswer(answer="accepted", said="客户电话同意退费。")
SETTLED = Resolve(text="已退还多收的 59 元。")


async def test_a_billing_complaint_is_handled_from_the_review_to_the_payment(engine: AsyncEngine, plans: Plans) -> None:
    case = await billing_case(engine, plans)

    await each(engine, plans, case, COUNSEL, MISLEADING, LAWFUL, EXPLAINED, offer("59.00"), AGREED, SETTLED)
    await do(engine, plans, case, Pay(billing_reference="BILL-2026-118823"), FINANCE)

    facts = "reviewed legal_checked explained compensation_proposed compensation_decided customer_answered resolved"
    assert (await happened(engine, case))[4:] == [*facts.split(), "compensation_paid"]
    handling = (await case_of(engine, case)).handling
    assert handling is not None
    assert handling["done"] == ["review", "legal_check", "explain", "compensate", "answer", "result", "pay"]


async def test_the_verdict_is_public_and_what_it_rests_on_is_not(engine: AsyncEngine, plans: Plans) -> None:
    case = await billing_case(engine, plans)

    await do(engine, plans, case, MISLEADING, COUNSEL)

    reviewed = await last(engine, case)
    assert (reviewed.data["misleading"], reviewed.data["promotion"]) == ("partly", "畅享 39")
    assert reviewed.data["legal_check_wanted"] is True
    assert reviewed.private == {
        "facts": "客户 10 月被扣 59 元，套餐为“畅享 39”。",
        "grounds": "宣传页仅在第二屏以小字说明首月资费。",
        "material": "“畅享 39”宣传页 2026-09 版",
    }


@pytest.mark.parametrize("verdict", ["yes", "partly"])
def test_a_verdict_of_misleading_needs_the_material_that_it_rests_on(verdict: str) -> None:
    with pytest.raises(ValidationError, match="name in material what the verdict rests on"):
        Review.model_validate({"facts": "…", "misleading": verdict, "grounds": "…"})


@pytest.mark.parametrize(
    ("verdict", "asked", "checked"),
    [("yes", False, True), ("partly", False, True), ("no", False, False), ("no", True, True)],
)
async def test_legal_counsel_looks_at_it_after_the_plans_verdicts_or_when_asked(
    engine: AsyncEngine, plans: Plans, verdict: Any, asked: bool, checked: bool
) -> None:
    case = await billing_case(engine, plans)
    review = Review(
        facts="…",
        misleading=verdict,
        grounds="…",
        material="宣传页",
        explanation_wanted=False,
        legal_check_wanted=asked,
    )

    await do(engine, plans, case, review, COUNSEL)

    if checked:
        with pytest.raises(WrongState, match="first comes 'legal_check'"):
            await do(engine, plans, case, SETTLED, COUNSEL)
    else:
        await do(engine, plans, case, SETTLED, COUNSEL)


async def test_only_legal_counsel_makes_the_legal_check_not_even_the_head_of_the_group(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await billing_case(engine, plans)
    await do(engine, plans, case, MISLEADING, COUNSEL)

    for who in (HEAD_OF_LEGAL, LEADER):
        with pytest.raises(Forbidden, match=r"is not legal counsel; ask shen\.wenbo, tian\.yu"):
            await do(engine, plans, case, LAWFUL, who)
    await do(engine, plans, case, LAWFUL, OTHER_COUNSEL)

    checked = await last(engine, case)
    assert (checked.data["outcome"], checked.private) == ("risk", {"opinion": LAWFUL.opinion})


async def test_a_legal_check_can_not_be_skipped_and_neither_can_the_review(engine: AsyncEngine, plans: Plans) -> None:
    case = await billing_case(engine, plans)

    with pytest.raises(WrongState, match="no open step of the playbook may be skipped"):
        await do(engine, plans, case, Skip(steps=("review",), reason="赶时间。"), COUNSEL)
    await do(engine, plans, case, MISLEADING, COUNSEL)
    with pytest.raises(Invalid, match="'legal_check', which the plan does not let be skipped"):
        await do(engine, plans, case, Skip(steps=("legal_check",), reason="赶时间。"), COUNSEL)


async def test_the_explanation_is_what_the_customer_is_sent_and_the_first_word_to_them(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await billing_case(engine, plans)
    await do(engine, plans, case, VERDICT, COUNSEL)
    assert (await met(engine, case))["respond"] is None

    await do(engine, plans, case, EXPLAINED, COUNSEL)

    assert (await last(engine, case)).private == {"text": EXPLAINED.text}
    assert (await met(engine, case))["respond"] == NOW


async def test_reviewed_again_the_newest_verdict_counts_and_what_it_does_not_ask_for_falls_away(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await billing_case(engine, plans)
    await do(engine, plans, case, MISLEADING, COUNSEL)

    await do(
        engine,
        plans,
        case,
        Review(facts="核对后无误。", misleading="no", grounds="已明示。", explanation_wanted=False),
        COUNSEL,
    )
    await do(engine, plans, case, SETTLED, COUNSEL)

    assert (await case_of(engine, case)).status == "resolved"


async def test_the_promotion_that_the_complaint_names_is_the_one_of_the_verdict_unless_said(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await billing_case(engine, plans)
    await name_promotion(engine, case, "青春卡")

    await do(engine, plans, case, VERDICT, COUNSEL)

    assert (await last(engine, case)).data["promotion"] == "青春卡"


async def test_engineers_do_not_review_and_a_fault_is_not_reviewed(engine: AsyncEngine, plans: Plans) -> None:
    bill, fault = await billing_case(engine, plans), await factories.accepted_case(engine, plans)

    with pytest.raises(Forbidden, match="market_legal"):
        await do(engine, plans, bill, VERDICT, ENGINEER)
    with pytest.raises(WrongState, match="'review' is not possible"):
        await do(engine, plans, fault, VERDICT, ENGINEER)


async def test_working_days_of_the_groups_office_are_counted(engine: AsyncEngine, plans: Plans) -> None:
    case = await billing_case(engine, plans)

    # Received on Monday at four in the afternoon; five working days later is the next Monday at six.
    assert (await due_at(engine, case, "resolve")) == RECEIVED_AT.replace(hour=10) + 7 * DAY
    # Two working days for the review, which began with the dispatch.
    assert (await due_at(engine, case, "step")) == RECEIVED_AT.replace(hour=10) + 2 * DAY


async def test_compensation_can_be_given_where_the_review_did_not_ask_for_it(engine: AsyncEngine, plans: Plans) -> None:
    case = await reviewed_case(engine, plans, compensation_wanted=False)

    await do(engine, plans, case, offer("10.00"), COUNSEL)

    assert (await events(engine, case, "compensation_proposed"))[0].data["step"] == "compensate"
    with pytest.raises(WrongState, match="first comes 'answer'"):
        await do(engine, plans, case, SETTLED, COUNSEL)


async def test_a_review_waits_for_the_case_to_be_accepted(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans, category="billing")

    with pytest.raises(WrongState):
        await do(engine, plans, case, VERDICT, COUNSEL)
    await each(engine, plans, case, COUNSEL, Accept(), VERDICT)
