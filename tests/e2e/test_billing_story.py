"""A billing complaint (资费问题) about a promotion, from the complaint to the closed case.

It is reviewed whether the promotion misled, legal counsel looks at it, the marketing department is told who else
complains; the tariff is explained, fair compensation is decided by somebody else than who proposes it, accepted by the
customer, and paid. Amounts are exact to the last digit wherever they are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest

from tests.e2e.stories import Company, in_both_languages, plan_with

HANDLER: Final = "tian.yu"
COUNSEL: Final = "shen.wenbo"
HEAD: Final = "deng.jia"
MARKETING: Final = "lin.xiaoyan"
FINANCE: Final = "wu.xiuzhen"

AMOUNT: Final = "268.50"
"""Above the 200 that a member grants alone. Its last digit gets lost wherever money is kept as a number."""


@dataclass(frozen=True)
class Words:
    """What is said in a customer's language, and what their letters must say."""

    customer: str
    complaint: str
    other_customer: str
    other_complaint: str
    promotion: str
    explanation: str
    accepted: str
    not_clear: str
    result: str
    group: str
    what: str
    amount: str
    please_answer: str
    paid_subject: str
    paid: str
    closed: str


WORDS: Final = {
    "zh": Words(
        customer="陈静",
        complaint="营业厅宣传“畅享 39”每月只收39元，结果账单扣了59元，说首月按全月计费，宣传单上根本没写，"
        "这是虚假宣传、误导消费者！",
        other_customer="刘强",
        other_complaint="办“畅享 39”的时候说好每月39元，账单却收了59元，宣传和实际收费不一样，我要退费。",
        promotion="畅享 39",
        explanation="“畅享 39”首月按全月计费，另含一次性开户费。宣传单没有把这一点写在显眼位置，是我们的责任。",
        accepted="客户来电表示接受退费方案。",
        not_clear="相关宣传有表述不清之处，我们向您致歉",
        result="多收的费用退还给您，宣传单正在改正。",
        group="市场与法律合规组",
        what="补偿方式：退还费用",
        amount="补偿金额：人民币 268.50 元",
        please_answer="您是否接受",
        paid_subject="退款已办理",
        paid="账务凭证号：BILL-2026-118823",
        closed="感谢您认可处理结果",
    ),
    "en": Words(
        customer="Oliver Grant",
        complaint="Your Joy 39 promotion promised 39 yuan a month, but my first bill was 59. Nothing in the advert "
        "said that the first month is charged in full. That is misleading, and I want my money back.",
        other_customer="Sophie Turner",
        other_complaint="I signed up for Joy 39 because of the advert, and was billed 59 yuan instead of 39. Please "
        "refund the difference.",
        promotion="Joy 39",
        explanation="The first month of Joy 39 is charged in full, and there is a fee for opening the account. Our "
        "advert should have said so where everybody sees it; that was our mistake.",
        accepted="The customer called and accepts the refund.",
        not_clear="our promotion was not as clear as it should be, and we are sorry",
        result="You are refunded what you were charged too much, and the advert is being corrected.",
        group="Market and legal compliance group",
        what="Compensation: a refund",
        amount="Amount: CNY 268.50",
        please_answer="Please tell us whether you accept",
        paid_subject="Your refund has been paid",
        paid="Billing reference: BILL-2026-118823",
        closed="Thank you for accepting the result",
    ),
}


@pytest.fixture(scope="module", autouse=True)
async def _the_plan_as_it_ships(company: Company) -> None:
    await company.work_by(plan_with())


@in_both_languages
def test_a_misleading_promotion_is_reviewed_explained_and_compensated(company: Company, language: str) -> None:
    words = WORDS[language]
    handler, counsel, head = (company.colleague(login) for login in (HANDLER, COUNSEL, HEAD))
    marketing, finance = company.colleague(MARKETING), company.colleague(FINANCE)
    concerns = {"promotion": words.promotion, "amount": "20.00", "currency": "CNY"}

    # Somebody complains that a promotion promised less than the bill says.
    judged = company.judgement(words.complaint, service_type="mobile", concerns=concerns)
    assert (judged["best_guess"], judged["sub_category"]) == ("billing", "misleading_promotion")
    customer = company.customer(words.customer, language)
    case = customer.complains(words.complaint, service_type="mobile", concerns=concerns)
    customer.receives("acknowledgement")

    # Another customer, elsewhere, complains of the same promotion.
    other_customer = company.customer(words.other_customer, language)
    other = other_customer.complains(words.other_complaint, service_type="mobile", channel="store", concerns=concerns)
    assert other.until("dispatched")["category"] == "billing"

    # The market and legal compliance group has it.
    customer.receives("dispatched").says(words.group)
    assert case.until("dispatched")["group"] == "market_legal"
    handler.does(case, "accept")
    customer.receives("contacted").says(handler.name(language))

    # The review comes first, and a verdict of misleading names the material that it rests on.
    why = handler.is_refused(case, "resolve", 409, text=words.result)
    assert "first comes 'review'" in why
    verdict = {
        "facts": "首月账单59元，客户以为39元。",
        "misleading": "partly",
        "grounds": "宣传单仅以小字说明首月按全月计费。",
        "explanation_wanted": True,
        "compensation_wanted": True,
    }
    handler.is_refused(case, "review", 422, **verdict)
    handler.does(case, "review", **verdict, material="“畅享 39”宣传单 2026-09 版")

    # Misleading, if only partly: legal counsel must look at it, and only counsel may.
    assert "legal counsel" in head.is_refused(case, "legal-check", 403, outcome="risk", opinion="同意。")
    counsel.does(case, "legal-check", outcome="risk", opinion="提示不显著，存在被认定误导的风险。")

    # The marketing department has a task that names the other complaint about this promotion.
    (task,) = case.tasks("promotion_review")
    assert task["group"] == "marketing"
    assert task["facts"]["promotion"] == words.promotion
    assert other.reference in task["facts"]["complaints"]
    marketing.is_told("task_given", task["id"])
    marketing.works_on(task, "done", outcome="宣传单已下架，改版后重新发布。")

    # The tariff is explained to the customer, in the words that were written for them; the verdict is not kept back.
    handler.does(case, "explain", text=words.explanation)
    customer.receives("explanation").says(words.not_clear, words.explanation)

    # Compensation above what a member may grant waits for the head; the customer is promised nothing yet.
    proposed = handler.does(
        case, "compensate", kind="refund", amount=AMOUNT, currency="CNY", reason="退还多收费用并致歉。"
    )
    assert proposed["status"] == "in_progress"
    assert case.event("compensation_proposed")["data"]["amount"] == AMOUNT
    assert case.event("compensation_proposed")["data"]["needs"] == "head"
    head.is_told("escalated", case.reference, cause="approval")

    # Nobody decides on their own proposal.
    why = handler.is_refused(case, "approve", 403)
    assert f"nobody decides on their own proposal; ask {HEAD}" in why

    # The head approves, and the customer is offered exactly that amount.
    head.does(case, "approve")
    letter = customer.receives("compensation")
    letter.says(words.what, words.amount, words.please_answer)
    (pay,) = case.tasks("pay")
    assert (pay["group"], pay["facts"]["amount"]) == ("finance", f"{AMOUNT} CNY")

    # Nothing is paid before the customer has answered. They accept, and the result is told.
    assert "has not answered the offer" in finance.is_refused(case, "pay", 409, billing_reference="BILL-2026-118823")
    handler.does(case, "customer-answer", answer="accepted", said=words.accepted)
    handler.does(case, "resolve", text=words.result)
    customer.receives("result").says(words.result)

    # What was promised is not paid yet, so the case can't be closed.
    why = handler.is_refused(case, "close", 409, decision="customer_accepted", reason=words.accepted)
    assert f"{AMOUNT} CNY was granted and is not paid" in why

    # Finance pays, and nobody else; the customer is told the amount and the reference of the billing system.
    handler.is_refused(case, "pay", 403, billing_reference="BILL-2026-118823")
    paid = finance.does(case, "pay", billing_reference="BILL-2026-118823")
    assert paid["status"] == "resolved"
    letter = customer.receives("compensation_paid")
    assert words.paid_subject in letter.subject
    letter.says(words.amount, words.paid)
    (pay,) = case.tasks("pay")
    assert (pay["status"], pay["outcome"]) == ("done", "BILL-2026-118823")

    # Now the case is closed.
    handler.does(case, "close", decision="customer_accepted", reason=words.accepted)
    customer.receives("closed").says(words.closed)

    # The record shows all of it, in order; and these were all the letters.
    assert case.events() == [
        "received",
        "classified",
        "dispatched",
        "accepted",
        "reviewed",
        "legal_checked",
        "explained",
        "compensation_proposed",
        "compensation_decided",
        "customer_answered",
        "resolved",
        "compensation_paid",
        "closed",
    ]
    told = [
        "acknowledgement",
        "dispatched",
        "contacted",
        "explanation",
        "compensation",
        "result",
        "compensation_paid",
        "closed",
    ]
    assert case.notices() == [letter.kind for letter in customer.mailbox()] == told
    assert all(clock["met_at"] and not clock["missed_at"] for clock in case.deadlines().values())

    # Wherever the amount stands, it is the same text.
    assert {item["data"]["amount"] for item in case.timeline() if "amount" in item["data"]} == {AMOUNT}
    (offer,) = case.now()["compensation"]
    assert (offer["amount"], offer["currency"], offer["status"]) == (AMOUNT, "CNY", "paid")

    record = case.record()
    (verdict_kept,) = record["verdicts"]
    assert (verdict_kept["misleading"], verdict_kept["promotion"]) == ("partly", words.promotion)
    assert [one["outcome"] for one in record["legal_opinions"]] == ["risk"]
    assert [one["text"] for one in record["explanations"]] == [words.explanation]
    (kept,) = record["compensation"]
    assert (kept["amount"], kept["status"], kept["decided"]["by"]) == (AMOUNT, "paid", f"staff:{HEAD}")
    assert kept["paid"]["billing_reference"] == "BILL-2026-118823"
    assert [one["kind"] for one in record["notices"]] == told
