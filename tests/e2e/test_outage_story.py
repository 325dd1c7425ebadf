"""A service outage (服务故障), from the complaint to the closed case.

The fault is investigated at once; the customer is told when it will be repaired, hears of every change and of a broken
promise, and is told the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from tests.e2e.stories import Company, in_both_languages, plan_with

ENGINEER: Final = "xu.lei"
HEAD: Final = "zheng.kai"

FIRST_ESTIMATE: Final = timedelta(seconds=4)
"""From when it is told: long enough to be changed before it passes, and no longer, because the story waits for it."""
LATER: Final = timedelta(seconds=1)


@dataclass(frozen=True)
class Words:
    """What is said in a customer's language, and what their letters must say."""

    customer: str
    complaint: str
    why_later: str
    result: str
    accepted: str
    answer_by: str
    assignee: str
    estimated: str
    sorry_later: str
    estimated_now: str
    because: str
    not_kept: str
    escalated: str
    repaired: str
    repaired_late: str
    closed: str


WORDS: Final = {
    "zh": Words(
        customer="李伟",
        complaint="家里宽带从前天晚上就断网了，整栋楼的邻居也都上不了网，报修两次都没人来。",
        why_later="光缆有两处断点，第二处还在熔接。",
        result="小区主干光缆已重新熔接，您的宽带已恢复正常。",
        accepted="客户来电确认网络已恢复，对结果认可。",
        answer_by="首次答复：预计不晚于",
        assignee="由{name}负责处理",
        estimated="预计修复时间：{time}",
        sorry_later="非常抱歉，您反映的故障",
        estimated_now="现预计修复时间：{time}",
        because="变更原因：光缆有两处断点，第二处还在熔接。",
        not_kept="我们没有做到对您的承诺",
        escalated="督办",
        repaired="修复",
        repaired_late="修复时间晚于我们此前告知您的时间，非常抱歉",
        closed="感谢您认可处理结果",
    ),
    "en": Words(
        customer="Emma Clarke",
        complaint="Our broadband has been down since the day before yesterday. The whole building is offline, and "
        "nobody has come although I called twice.",
        why_later="The cable is broken in two places, and the second is still being spliced.",
        result="The main cable to your building has been spliced, and your broadband works again.",
        accepted="The customer called and is content: the line works.",
        answer_by="First answer: by",
        assignee="{name} is responsible for it",
        estimated="Estimated repair time: {time}",
        sorry_later="We are sorry: the fault you reported",
        estimated_now="Estimated now: {time}",
        because="Why it changed: The cable is broken in two places, and the second is still being spliced.",
        not_kept="We did not keep our word",
        escalated="we have escalated it",
        repaired="was repaired on",
        repaired_late="That was later than we had told you, and we are sorry",
        closed="Thank you for accepting the result",
    ),
}


@pytest.fixture(scope="module", autouse=True)
async def _the_plan_as_it_ships(company: Company) -> None:
    await company.work_by(plan_with())


@in_both_languages
def test_a_building_offline_is_repaired_and_its_customer_told_of_every_step(company: Company, language: str) -> None:
    words = WORDS[language]
    engineer, head = company.colleague(ENGINEER), company.colleague(HEAD)
    customer = company.customer(words.customer, language)

    # A whole building has been offline for two days. While the customer still types, the form knows what it is.
    judged = company.judgement(words.complaint, service_type="broadband")
    assert (judged["best_guess"], judged["severity"]) == ("outage", "major")

    # The complaint is registered under a reference, and acknowledged by mail, with the time of the first answer.
    case = customer.complains(words.complaint, service_type="broadband", region="北京/海淀")
    customer.receives("acknowledgement").says(case.reference, words.answer_by, "/track/")

    # It goes to the technical support group, to somebody on duty, and the customer is told to whom.
    letter = customer.receives("dispatched")
    dispatched = case.until("dispatched")
    assert (dispatched["category"], dispatched["severity"]) == ("outage", "major")
    assert dispatched["group"] == "technical_support"
    letter.says(words.assignee.format(name=company.colleague(dispatched["assignee"]).name(language)))

    # A network engineer takes it up and finds the fault. The customer hears who it is, and is still owed an answer.
    engineer.does(case, "accept")
    customer.receives("contacted").says(engineer.name(language))
    engineer.does(case, "diagnose", cause="cable", finding="小区主干光缆被施工挖断。")
    assert case.deadline("respond")["met_at"] is None

    # The customer is told when it will be repaired; that was the first answer.
    first = datetime.now(UTC) + FIRST_ESTIMATE
    engineer.does(case, "set-eta", estimated_repair_at=first.isoformat())
    customer.receives("estimate").says(words.estimated.format(time=company.moment(first, language)))
    assert case.deadline("respond")["met_at"] is not None

    # It takes longer than was thought. A new time without a reason is refused.
    second = first + LATER
    why = engineer.is_refused(case, "set-eta", 422, estimated_repair_at=second.isoformat())
    assert "say why it changes" in why

    # With the reason the customer is told the new time, beside the old one and with an apology.
    engineer.does(case, "set-eta", estimated_repair_at=second.isoformat(), reason=words.why_later)
    letter = customer.receives("estimate")
    letter.says(words.sorry_later, words.estimated_now.format(time=company.moment(second, language)), words.because)

    # That time passes, too, and nothing is repaired: the customer gets an apology, the head of the group is told.
    customer.receives("estimate_missed").says(company.moment(second, language), words.not_kept, words.escalated)
    head.is_told("escalated", case.reference, cause="estimate_missed")
    broken = case.now()
    assert broken["handling"]["broken"] == 1
    assert (broken["escalation"]["to"], broken["escalation"]["told"]) == ("group_head", [HEAD])

    # The head takes notice and sees to it; the case climbs no further.
    head.does(case, "acknowledge")
    assert case.now()["escalation"]["acknowledged_by"] == HEAD

    # The cable is spliced. The customer is told, with a word about the time that was not kept.
    engineer.does(case, "repair", what="主干光缆已熔接，光功率正常。")
    customer.receives("repaired").says(words.repaired, words.repaired_late)
    promise = case.deadline("promise")
    assert promise["missed_at"] < promise["met_at"]

    # The engineer checks with the customer, and the result is told in the customer's language.
    engineer.does(case, "contact", way="phone", outcome="reached", said="客户确认可以上网。")
    engineer.does(case, "resolve", text=words.result)
    customer.receives("result").says(words.result)

    # The customer is content, and the case is closed.
    engineer.does(case, "close", decision="customer_accepted", reason=words.accepted)
    customer.receives("closed").says(words.closed)

    # The record shows all of it, in order; and these were all the letters.
    assert case.events() == [
        "received",
        "classified",
        "dispatched",
        "accepted",
        "diagnosed",
        "estimate_set",
        "estimate_set",
        "estimate_missed",
        "escalated",
        "escalation_acknowledged",
        "repaired",
        "contacted",
        "resolved",
        "closed",
    ]
    told = [
        "acknowledgement",
        "dispatched",
        "contacted",
        "estimate",
        "estimate",
        "estimate_missed",
        "repaired",
        "result",
        "closed",
    ]
    assert case.notices() == [letter.kind for letter in customer.mailbox()] == told

    # Every clock was met in time, but for the promise of a repair time.
    clocks = case.deadlines()
    assert set(clocks) == {"acknowledge", "respond", "estimate", "update", "repair", "resolve", "regulator"}
    assert all(clock["met_at"] and not clock["missed_at"] for clock in clocks.values())

    # The record of the finished case tells the same.
    record = case.record()
    assert record["heading"]["status"] == "closed"
    assert [(step["code"], step["state"]) for step in record["steps"]] == [
        (code, "done") for code in ("diagnose", "estimate", "repair", "check", "result")
    ]
    assert [(one["state"], one["reason"]) for one in record["estimates"]] == [
        ("replaced", None),
        ("broken", words.why_later),
    ]
    assert [one["kind"] for one in record["deadlines"] if one["state"] == "missed"] == ["promise"]
    assert record["times"]["broken_estimates"] == 1
    assert [(one["told"], one["acknowledged_by"]) for one in record["escalations"]] == [([HEAD], HEAD)]
    assert [one["kind"] for one in record["notices"]] == told
    assert record["endings"][-1]["decision"] == "customer_accepted"
