"""A request for technical support (技术支持), from the complaint to the closed case, and beyond it when it comes back.

Somebody contacts the customer and writes when they can't be reached; what the customer is asked stops the clocks; they
get detailed guidance and a visit; the case is closed after silence, and taken up again when the customer says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from services.notices.writing import language_of
from tests.e2e.stories import Company, in_both_languages, plan_with

ENGINEER: Final = "gao.xiang"
TECHNICIAN: Final = "luo.jianjun"
HEAD: Final = "zheng.kai"
ARTICLE: Final = "router_setup"

SHORT = (
    # A question is reminded of after a second, and answered long before the case goes back by itself.
    ("remind_after: [2d, 5d]", "remind_after: [1s, 5d]"),
    # Silence closes the case after a second.
    ("close_after_silence: 7d", "close_after_silence: 1s"),
)


@dataclass(frozen=True)
class Words:
    """What is said in a customer's language, and what their letters must say."""

    customer: str
    complaint: str
    unreached: str
    reachable: str
    question: str
    asked: str
    reminded: str
    answer: str
    more_guidance: str
    visit: str
    arranged: str
    result: str
    silent: str
    reopen_within: str
    reason: str
    reopened: str


WORDS: Final = {
    "zh": Words(
        customer="王丽",
        complaint="新买的无线路由器不会设置，照着说明书弄了一晚上也连不上，打客服电话一直没人教我，请派人指导一下。",
        unreached="先后 3 次尝试与您联系，都没有联系上",
        reachable="我白天上班不方便接电话，请今晚八点以后打13900139000。",
        question="请问您的光猫是自动拨号还是桥接模式？看光猫背面的标签即可。",
        asked="我们需要您补充以下信息",
        reminded="目前还没有收到您的回复",
        answer="标签上写的是桥接模式。",
        more_guidance="您的光猫是桥接模式，第 3 步请选“宽带拨号（PPPoE）”。",
        visit="我们还会安排工作人员上门，具体时间会提前与您约定。",
        arranged="我们已为您安排上门服务",
        result="路由器已设置好，您家的 Wi-Fi 可以正常使用。",
        silent="我们没有收到您的异议",
        reopen_within="30 天内",
        reason="今天早上路由器又连不上了。",
        reopened="问题没有一次解决好，我们深表歉意",
    ),
    "en": Words(
        customer="Grace Miller",
        complaint="I can't get my new Wi-Fi router set up. I followed the manual all evening, and nobody on your "
        "hotline could tell me how to configure it. Please help me.",
        unreached="We tried 3 times to reach you",
        reachable="I can't take calls at work. Please try after eight in the evening, on my mobile.",
        question="Does your modem sign in by itself, or is it bridged? The label on its back says so.",
        asked="we need your help",
        reminded="we have no answer yet",
        answer="The label says that it is bridged.",
        more_guidance='Your modem is bridged, so please take "PPPoE" in step 3.',
        visit="We will also send somebody to you, and agree on a time with you beforehand.",
        arranged="we will send somebody to you on",
        result="Your router is set up, and the Wi-Fi works in all rooms.",
        silent="We have heard nothing more from you",
        reopen_within="within 30 days",
        reason="The router has lost its connection again this morning.",
        reopened="We are sorry that it wasn't settled the first time",
    ),
}


@pytest.fixture(scope="module", autouse=True)
async def _a_plan_with_little_patience(company: Company) -> None:
    await company.work_by(plan_with(*SHORT))


@in_both_languages
def test_a_customer_is_reached_guided_visited_and_heard_again(company: Company, language: str) -> None:
    words = WORDS[language]
    engineer, technician = company.colleague(ENGINEER), company.colleague(TECHNICIAN)
    head = company.colleague(HEAD)
    customer = company.customer(words.customer, language)

    # A customer calls the hotline: the new router can't be set up, and nobody helps.
    assert company.judgement(words.complaint, service_type="broadband")["best_guess"] == "technical_support"
    case = customer.complains(words.complaint, service_type="broadband", channel="hotline")
    customer.receives("acknowledgement")
    customer.receives("dispatched")
    assert case.until("dispatched")["category"] == "technical_support"
    engineer.does(case, "accept")
    customer.receives("contacted").says(engineer.name(language))

    # The engineer calls, three times, and nobody answers. The customer is then written to.
    for outcome in ("no_answer", "busy", "no_answer"):
        engineer.does(case, "contact", way="phone", outcome=outcome)
    customer.receives("unreached").says(words.unreached)
    assert case.deadline("respond")["met_at"] is None

    # They answer through the channel that they complained on, and the engineer hears of it, calls, and reaches them.
    customer.says(case, words.reachable)
    engineer.is_told("customer_replied", case.reference)
    engineer.does(case, "contact", way="phone", outcome="reached", said="客户在家，可以配合设置。")
    reached = case.now()
    assert reached["handling"]["failed_contacts"] == 0
    assert "contact" in reached["handling"]["done"]
    assert case.deadline("respond")["met_at"] is not None

    # Something must be known first. While the customer is asked, the clocks that they hold up stand.
    due = case.deadline("resolve")["due_at"]
    law = case.deadline("regulator")["due_at"]
    asked = engineer.does(case, "await-customer", question=words.question)
    assert asked["status"] == "awaiting_customer"
    customer.receives("question").says(words.asked, words.question)
    assert case.deadline("resolve")["due_at"] is None
    assert case.deadline("regulator")["due_at"] == law

    # No answer comes, and they are reminded.
    customer.receives("reminder").says(words.reminded, words.question)

    # They answer. The case goes on, with as much time as it had left.
    answered = customer.says(case, words.answer)
    assert answered["status"] == "in_progress"
    assert case.event("resumed")["data"]["cause"] == "answered"
    stood = case.happened("resumed") - case.happened("awaiting_customer")
    assert stood >= timedelta(seconds=1)
    assert datetime.fromisoformat(case.deadline("resolve")["due_at"]) == datetime.fromisoformat(due) + stood

    # The customer is sent an article of the knowledge base, step by step in their language, and told of a visit.
    engineer.does(case, "guide", article=ARTICLE, text=words.more_guidance, site_visit_wanted=True)
    article = company.plan.article(ARTICLE)
    customer.receives("guidance").says(
        words.more_guidance,
        article.title.in_language(language_of(language)),
        *(f"{number}. {step.in_language(language_of(language))}" for number, step in enumerate(article.steps, start=1)),
        words.visit,
    )

    # The visit is a task of the group. A technician takes it, goes there and sets the router up.
    visit_at = datetime.now(UTC) + timedelta(hours=20)
    engineer.does(case, "site-visit", visit_at=visit_at.isoformat(), text="上门设置路由器。")
    customer.receives("visit").says(words.arranged)
    (task,) = case.tasks("site_visit")
    assert datetime.fromisoformat(task["due_at"]) == visit_at
    technician.works_on(task, "take")
    technician.works_on(task, "done", outcome="路由器已设置，各房间测速正常。")

    # The engineer makes sure with the customer that it is solved, and the result is told.
    engineer.does(case, "contact", way="phone", outcome="reached", said="客户确认 Wi-Fi 正常。")
    engineer.does(case, "resolve", text=words.result)
    customer.receives("result").says(words.result)

    # The customer is silent, and after a while the case is closed, with a polite letter that says how to come back.
    customer.receives("closed").says(words.silent, words.reopen_within)
    closed_at = datetime.fromisoformat(case.until("closed")["closed_at"])
    assert case.event("closed")["data"]["decision"] == "customer_silent"
    assert closed_at - case.sent("result") >= timedelta(seconds=1)

    # It was not settled after all. The customer says so, the case is open again, and the head of the group hears of it.
    reopened = customer.reopens(case, words.reason)
    assert (reopened["status"], reopened["resolution"], reopened["closed_at"]) == ("in_progress", None, None)
    customer.receives("reopened").says(words.reopened)
    head.is_told("escalated", case.reference, cause="reopened")
    again = case.now()
    assert again["assignee"] == ENGINEER
    assert (again["escalation"]["to"], again["escalation"]["told"]) == ("group_head", [HEAD])
    assert again["handling"]["done"] == []
    assert datetime.fromisoformat(case.deadline("resolve")["due_at"]) > datetime.fromisoformat(due)

    # The record shows all of it, in order; and these were all the letters.
    assert case.events() == [
        "received",
        "classified",
        "dispatched",
        "accepted",
        "contacted",
        "contacted",
        "contacted",
        "customer_replied",
        "contacted",
        "awaiting_customer",
        "reminded",
        "customer_replied",
        "resumed",
        "guided",
        "visit_arranged",
        "contacted",
        "resolved",
        "closed",
        "reopened",
        "escalated",
    ]
    told = [
        "acknowledgement",
        "dispatched",
        "contacted",
        "unreached",
        "question",
        "reminder",
        "guidance",
        "visit",
        "result",
        "closed",
        "reopened",
    ]
    assert case.notices() == [letter.kind for letter in customer.mailbox()] == told
    assert not any(clock["missed_at"] for clock in case.deadlines().values())

    record = case.record()
    assert [one["outcome"] for one in record["contacts"]] == ["no_answer", "busy", "no_answer", "reached", "reached"]
    (question,) = record["questions"]
    assert (question["question"], len(question["reminders"]), question["resumed"]) == (words.question, 1, "answered")
    assert [one["text"] for one in question["replies"]] == [words.answer]
    assert [one["article"] for one in record["guidance"]] == [ARTICLE, None]
    assert [(one["kind"], one["decision"]) for one in record["endings"]] == [
        ("resolved", None),
        ("closed", "customer_silent"),
        ("reopened", None),
    ]
    assert record["times"]["reopenings"] == 1
    assert record["times"]["awaiting_customer"] == round(stood.total_seconds())
    assert [one["kind"] for one in record["notices"]] == told
