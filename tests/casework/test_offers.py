"""Compensation from proposal to payment: exact amounts, limits, who decides, the customer's answer, the money paid."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Conflict, Forbidden, Invalid, WrongState
from services.casework.handlers.billing import LegalCheck, Review
from services.casework.handlers.compensating import Approve, Compensate, CustomerAnswer, Decline, Pay
from services.casework.handlers.settling import Close, Reject, Reopen, Resolve, Skip
from services.plan.versions import Plans
from tests.casework.factories import ADMIN, LAWYER, NOW, case_of, do
from tests.casework.readings import met
from tests.casework.scenes import (
    COUNSEL,
    DAY,
    DEPUTY,
    FINANCE,
    HEAD_OF_LEGAL,
    HOUR,
    LEADER,
    OTHER_COUNSEL,
    alerts,
    each,
    events,
    fire,
    happened,
    last,
    offer,
    offered_case,
    offers_to,
    reviewed_case,
    silent_since,
    tasks,
    timer,
)

pytestmark = pytest.mark.usefixtures("in_order")

AGREED = CustomerAnswer(answer="accepted", said="客户电话同意退费。")
DISPUTED = CustomerAnswer(answer="disputed", said="客户认为应退两个月。")
PAID = Pay(billing_reference="BILL-2026-118823")
SETTLED = Resolve(text="已退还多收的月费。")
FINAL = Close(decision="final_decision", reason="已按规定处理。")


def proposal(amount: str) -> str:
    return f'{{"kind": "refund", "amount": {amount}, "currency": "CNY", "reason": "退费"}}'


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ('"-1"', "not_positive"),
        ('"0"', "not_positive"),
        ('"0.00"', "not_positive"),
        ("-5", "not_positive"),
        ('"NaN"', "no_amount"),
        ('"Infinity"', "no_amount"),
        ('"十元"', "no_amount"),
        ('""', "no_amount"),
        ("true", "no_amount"),
        ("null", "no_amount"),
        ("[59]", "no_amount"),
        ("59.9", "not_exact"),
        ("1e2", "not_exact"),
        ('"100000000000000"', "too_much"),
        ('"1e400"', "too_much"),
    ],
)
def test_what_is_no_exact_amount_of_money_is_refused(written: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Compensate.model_validate_json(proposal(written))

    assert [error["type"] for error in refused.value.errors()] == [code]


@pytest.mark.parametrize(("written", "amount"), [('"59.00"', "59.00"), ("59", "59"), ('"0.01"', "0.01")])
def test_an_amount_is_taken_as_a_text_or_a_whole_number(written: str, amount: str) -> None:
    assert Compensate.model_validate_json(proposal(written)).amount == Decimal(amount)


def test_an_amount_is_written_back_as_the_same_text() -> None:
    body = Compensate.model_validate_json(proposal('"59.10"'))

    assert json.loads(body.model_dump_json())["amount"] == "59.10"


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"amount": "59.001"}, "amount", "too_precise"),
        ({"amount": "1e-30"}, "amount", "too_precise"),
        ({"currency": "USD"}, "currency", "unknown"),
    ],
)
async def test_what_the_plan_does_not_know_of_money_is_refused(
    engine: AsyncEngine, plans: Plans, changes: dict[str, Any], field: str, code: str
) -> None:
    case = await reviewed_case(engine, plans)

    with pytest.raises(Invalid) as refused:
        await do(engine, plans, case, offer(**{"amount": "59.00", **changes}), LAWYER)

    assert [(problem.field, problem.code) for problem in refused.value.problems] == [(field, code)]
    assert await offers_to(engine, case) == []


@pytest.mark.parametrize("amount", ["200", "200.00", "199.99", "0.01"])
async def test_within_ones_own_limit_it_is_granted_at_once_to_the_cent(
    engine: AsyncEngine, plans: Plans, amount: str
) -> None:
    case = await reviewed_case(engine, plans)

    await do(engine, plans, case, offer(amount), LAWYER)

    (granted,) = await offers_to(engine, case)
    assert (granted.status, granted.needs, granted.amount) == ("approved", None, Decimal(amount))
    assert (granted.proposed_by, granted.decided_by, granted.decided_at) == (LAWYER, LAWYER, NOW)
    decided = await last(engine, case)
    assert (decided.data["decision"], decided.data["amount"]) == ("approved", f"{Decimal(amount):.2f}")
    assert (await met(engine, case))["respond"] == NOW


@pytest.mark.parametrize(
    ("who", "amount", "needs", "decider"),
    [
        (LAWYER, "200.01", "head", HEAD_OF_LEGAL),
        (LAWYER, "2000", "head", HEAD_OF_LEGAL),
        (LAWYER, "2000.01", "leadership", DEPUTY),
        (HEAD_OF_LEGAL, "2000.01", "leadership", LEADER),
        (OTHER_COUNSEL, "2000.01", "leadership", LEADER),
    ],
)
async def test_above_ones_limit_it_waits_for_whoever_may_grant_it(
    engine: AsyncEngine, plans: Plans, who: str, amount: str, needs: str, decider: str
) -> None:
    case = await offered_case(engine, plans, amount, who)

    (granted,) = await offers_to(engine, case)
    assert (granted.status, granted.needs) == ("proposed", needs)
    assert decider in await alerts(engine, case, "escalated")
    assert await tasks(engine, case) == []

    await do(engine, plans, case, Approve(reason="情况属实。"), decider)

    (granted,) = await offers_to(engine, case)
    assert (granted.status, granted.decided_by) == ("approved", decider)


@pytest.mark.parametrize(("who", "amount"), [(HEAD_OF_LEGAL, "2000"), (LEADER, "5000"), (DEPUTY, "5000")])
async def test_who_stands_higher_grants_more_at_once(engine: AsyncEngine, plans: Plans, who: str, amount: str) -> None:
    case = await offered_case(engine, plans, amount, who)

    assert [granted.status for granted in await offers_to(engine, case)] == ["approved"]


async def test_the_leadership_group_may_decide_what_waits_for_the_head(engine: AsyncEngine, plans: Plans) -> None:
    case = await offered_case(engine, plans, "300")

    await do(engine, plans, case, Approve(), DEPUTY)

    assert [granted.status for granted in await offers_to(engine, case)] == ["approved"]


async def test_more_than_anybody_may_grant_is_refused(engine: AsyncEngine, plans: Plans) -> None:
    case = await reviewed_case(engine, plans, legal_check_wanted=True)
    await do(engine, plans, case, LegalCheck(outcome="lawful", opinion="同意赔付。"), COUNSEL)

    with pytest.raises(Invalid, match=r"more than anybody may grant: the plan's limit is 50000\.00 CNY"):
        await do(engine, plans, case, offer("50000.01"), LEADER)
    await do(engine, plans, case, offer("50000"), LEADER)


@pytest.mark.parametrize(
    ("amount", "who"), [("300", OTHER_COUNSEL), ("300", FINANCE), ("2500", HEAD_OF_LEGAL), ("2500", "qin.haifeng")]
)
async def test_whoever_may_not_grant_as_much_may_not_decide_on_it(
    engine: AsyncEngine, plans: Plans, amount: str, who: str
) -> None:
    case = await offered_case(engine, plans, amount)

    for body in (Approve(), Decline(reason="不同意。")):
        with pytest.raises(Forbidden, match="is above what"):
            await do(engine, plans, case, body, who)


async def test_nobody_decides_on_their_own_proposal_and_no_program_on_money(engine: AsyncEngine, plans: Plans) -> None:
    case = await offered_case(engine, plans, "2500", HEAD_OF_LEGAL)

    with pytest.raises(Forbidden, match=r"nobody decides on their own proposal; ask zhou\.min, chen\.guoqiang"):
        await do(engine, plans, case, Approve(), HEAD_OF_LEGAL)
    with pytest.raises(Forbidden, match="a decision on money is a person's"):
        await do(engine, plans, case, Approve(), ADMIN)


async def test_money_is_proposed_by_a_person(engine: AsyncEngine, plans: Plans) -> None:
    case = await reviewed_case(engine, plans)

    with pytest.raises(Forbidden, match="proposed by a member of staff"):
        await do(engine, plans, case, offer("5.00"), ADMIN)


async def test_after_a_declined_proposal_another_may_be_made_and_the_proposer_hears_of_it(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await offered_case(engine, plans, "300")

    await do(engine, plans, case, Decline(reason="金额与多收费用不符。"), HEAD_OF_LEGAL)

    assert (await last(engine, case)).private == {"reason": "金额与多收费用不符。"}
    assert await alerts(engine, case, "escalated") == [HEAD_OF_LEGAL, LAWYER]
    with pytest.raises(WrongState, match="first comes 'compensate'"):
        await do(engine, plans, case, SETTLED, LAWYER)
    await do(engine, plans, case, offer("59.00"), LAWYER)
    assert [granted.status for granted in await offers_to(engine, case)] == ["declined", "approved"]


async def test_one_offer_stands_at_a_time(engine: AsyncEngine, plans: Plans) -> None:
    case = await offered_case(engine, plans, "59.00")

    with pytest.raises(WrongState, match=r"an offer of 59\.00 CNY is approved already"):
        await do(engine, plans, case, offer("20.00"), LAWYER)


async def test_a_great_amount_needs_the_legal_check_first(engine: AsyncEngine, plans: Plans) -> None:
    case = await reviewed_case(engine, plans)

    with pytest.raises(WrongState, match=r"above 5000\.00 CNY legal counsel looks at it first") as refused:
        await do(engine, plans, case, offer("5000.01"), LEADER)
    assert refused.value.possible == ("legal-check",)
    await do(engine, plans, case, LegalCheck(outcome="lawful", opinion="赔付合法。"), COUNSEL)
    await do(engine, plans, case, offer("5000.01"), LEADER)

    assert [granted.status for granted in await offers_to(engine, case)] == ["approved"]


async def test_an_accepted_offer_is_paid_by_finance_under_the_billing_reference(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await offered_case(engine, plans)
    (task,) = await tasks(engine, case)
    assert (task.kind, task.group_code, task.status) == ("pay", "finance", "open")
    assert task.facts["amount"] == "59.00 CNY"

    await do(engine, plans, case, AGREED, LAWYER)
    with pytest.raises(Forbidden, match=r"this is done by Finance department \(finance\)"):
        await do(engine, plans, case, PAID, LAWYER)
    await do(engine, plans, case, Pay(billing_reference="BILL-7", paid_at=NOW), FINANCE, now=NOW + HOUR)

    (granted,) = await offers_to(engine, case)
    assert (granted.status, granted.paid_by, granted.paid_at) == ("paid", FINANCE, NOW)
    assert granted.billing_reference == "BILL-7"
    (task,) = await tasks(engine, case)
    assert (task.status, task.outcome) == ("done", "BILL-7")
    assert (await last(engine, case)).data["billing_reference"] == "BILL-7"


@pytest.mark.parametrize("reference", ["", "   ", "X" * 81, "BILL\x00"])
def test_a_payment_needs_its_billing_reference(reference: str) -> None:
    with pytest.raises(ValidationError):
        Pay(billing_reference=reference)


async def test_nothing_is_paid_before_the_customer_has_answered_or_the_answer_was_skipped(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await offered_case(engine, plans)

    with pytest.raises(WrongState, match="the customer has not answered the offer") as refused:
        await do(engine, plans, case, PAID, FINANCE)
    assert refused.value.possible == ("customer-answer", "skip")
    await do(engine, plans, case, Skip(steps=("answer",), reason="直接退回原账户。"), LAWYER)
    await do(engine, plans, case, PAID, FINANCE)

    assert [granted.status for granted in await offers_to(engine, case)] == ["paid"]


async def test_a_disputed_offer_is_over_its_payment_not_owed_and_another_may_be_made(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await offered_case(engine, plans)

    await do(engine, plans, case, DISPUTED, LAWYER)

    assert [task.status for task in await tasks(engine, case)] == ["cancelled"]
    with pytest.raises(WrongState, match="no compensation is approved and unpaid"):
        await do(engine, plans, case, PAID, FINANCE)
    await each(engine, plans, case, LAWYER, offer("118.00"), AGREED)
    assert [granted.status for granted in await offers_to(engine, case)] == ["disputed", "accepted"]
    assert [task.status for task in await tasks(engine, case)] == ["cancelled", "open"]


async def test_what_was_not_offered_can_not_be_answered(engine: AsyncEngine, plans: Plans) -> None:
    case = await offered_case(engine, plans, "300")

    with pytest.raises(WrongState, match="offered nothing"):
        await do(engine, plans, case, AGREED, LAWYER)


async def test_the_result_waits_for_a_decision_on_what_was_proposed(engine: AsyncEngine, plans: Plans) -> None:
    case = await offered_case(engine, plans, "300")
    await do(engine, plans, case, Skip(steps=("answer",), reason="直接退回原账户。"), LAWYER)

    with pytest.raises(WrongState, match="proposed and not decided on") as refused:
        await do(engine, plans, case, SETTLED, LAWYER)

    assert refused.value.possible == ("approve", "decline")


async def test_a_case_with_unpaid_compensation_is_neither_closed_nor_rejected(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await offered_case(engine, plans)
    await do(engine, plans, case, AGREED, LAWYER)

    with pytest.raises(WrongState, match=r"59\.00 CNY was granted and is not paid"):
        await do(engine, plans, case, Reject(reason="不属于本公司。"), LAWYER)
    await do(engine, plans, case, SETTLED, LAWYER)
    with pytest.raises(WrongState, match=r"59\.00 CNY was granted and is not paid"):
        await do(engine, plans, case, FINAL, LAWYER)
    await do(engine, plans, case, PAID, FINANCE)
    await do(engine, plans, case, FINAL, LAWYER)

    assert (await case_of(engine, case)).status == "closed"


async def test_silence_does_not_close_a_case_while_money_is_owed(engine: AsyncEngine, plans: Plans) -> None:
    case = await offered_case(engine, plans)
    await each(engine, plans, case, LAWYER, AGREED, SETTLED)
    await silent_since(engine, case, NOW)

    await fire(engine, plans, NOW + 8 * DAY)
    assert (await case_of(engine, case)).status == "resolved"
    assert await timer(engine, case, "close") == NOW + 9 * DAY
    await do(engine, plans, case, PAID, FINANCE, now=NOW + 8 * DAY)
    await fire(engine, plans, NOW + 9 * DAY)

    assert (await last(engine, case)).data["decision"] == "customer_silent"


async def test_what_is_owed_is_not_forgotten_when_the_case_is_taken_up_again(engine: AsyncEngine, plans: Plans) -> None:
    case = await offered_case(engine, plans)
    await each(engine, plans, case, LAWYER, AGREED, SETTLED, Reopen(reason="客户来电称仍有疑问。"))
    await each(
        engine,
        plans,
        case,
        LAWYER,
        Review(facts="同前。", misleading="no", grounds="同前。", explanation_wanted=False),
        SETTLED,
    )

    with pytest.raises(WrongState, match="was granted and is not paid"):
        await do(engine, plans, case, FINAL, LAWYER)
    await do(engine, plans, case, PAID, FINANCE)
    await do(engine, plans, case, FINAL, LAWYER)


async def test_of_two_who_decide_at_the_same_moment_one_does(engine: AsyncEngine, plans: Plans) -> None:
    case = await offered_case(engine, plans, "300")

    outcomes = await asyncio.gather(
        do(engine, plans, case, Approve(), HEAD_OF_LEGAL),
        do(engine, plans, case, Decline(reason="不同意。"), DEPUTY),
        return_exceptions=True,
    )

    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    assert (await happened(engine, case)).count("compensation_decided") == 1


async def test_of_two_payments_at_the_same_moment_one_is_noted(engine: AsyncEngine, plans: Plans) -> None:
    case = await offered_case(engine, plans)
    await do(engine, plans, case, AGREED, LAWYER)

    outcomes = await asyncio.gather(
        *(do(engine, plans, case, Pay(billing_reference=f"BILL-{n}"), FINANCE) for n in range(2)),
        return_exceptions=True,
    )

    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    assert len(await events(engine, case, "compensation_paid")) == 1
