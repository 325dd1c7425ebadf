"""Waiting for the customer, notes and corrections, reclassifying, escalating, reporting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field

from services.casework import clocks, escalation, reporting
from services.casework.action import ActionBody, Words, wrong
from services.casework.work import Work
from services.complaints.events import (
    AwaitingCustomer,
    Corrected,
    CustomerReplied,
    LinkRenewed,
    Noted,
    Reclassified,
    Resumed,
)
from services.complaints.lifecycle import ON_HAND
from services.plan.values import Text
from services.plan.vocabulary import Category, Severity


class Note(ActionBody):
    """Write a note for the record. The customer does not see it."""

    ACTION: ClassVar[str] = "note"
    NAME: ClassVar[Text] = Text(zh="添加备注", en="Add a note")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"text": "已联系客户，客户表示今晚在家。"}

    text: Words


class RenewLink(ActionBody):
    """Make the customer's link to the page of the case anew, because others have it. The links sent so far open nothing
    any more; the next notice brings the new one."""

    ACTION: ClassVar[str] = "renew-link"
    NAME: ClassVar[Text] = Text(zh="更换查询链接", en="Renew the link")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reason": "客户来电称误将链接转发到群里。"}

    reason: Words


class Correct(ActionBody):
    """Put something in the record right. What was written stays; this is added to it."""

    ACTION: ClassVar[str] = "correct"
    NAME: ClassVar[Text] = Text(zh="更正记录", en="Correct the record")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"number": 7, "text": "补偿金额依据应为 10 月账单，而非 9 月。"}

    number: Annotated[int, Field(ge=1)] = Field(
        description="The number of the event that is wrong, as in the timeline."
    )
    text: Words


class Reclassify(ActionBody):
    """Overrule the judgement. Another group's category sends the case there; otherwise it stays where it is."""

    ACTION: ClassVar[str] = "reclassify"
    NAME: ClassVar[Text] = Text(zh="调整分类", en="Reclassify")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "category": "billing",
        "reason": "客户投诉的是宽带续约费用，并非网络故障。",
    }

    category: Literal["outage", "billing", "technical_support"] | None = Field(None, description="Left out: as it is.")
    severity: Literal["critical", "major", "minor", "low"] | None = Field(None, description="Left out: as it is.")
    reason: Words


class AwaitCustomer(ActionBody):
    """Ask the customer for something, and wait for it. Clocks that the customer holds up stand still."""

    ACTION: ClassVar[str] = "await-customer"
    NAME: ClassVar[Text] = Text(zh="请客户补充", en="Ask the customer")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"question": "请提供光猫背面的设备编号，并告知 LOS 灯是否亮红灯。"}

    question: Words = Field(description="In the customer's language; the customer is sent these words.")


class Resume(ActionBody):
    """Go on with a case that waits for its customer."""

    ACTION: ClassVar[str] = "resume"
    NAME: ClassVar[Text] = Text(zh="继续处理", en="Go on")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"said": "客户来电告知设备编号 HG8145-22187。"}

    said: Words | None = Field(None, description="What the customer said, if they answered.")


class Escalate(ActionBody):
    """Ask somebody further up for help."""

    ACTION: ClassVar[str] = "escalate"
    NAME: ClassVar[Text] = Text(zh="升级", en="Escalate")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reason": "需要协调第三方施工单位，超出本组权限。"}

    reason: Words


class Acknowledge(ActionBody):
    """Take notice of the escalation that waits for you: you act on it now."""

    ACTION: ClassVar[str] = "acknowledge"
    NAME: ClassVar[Text] = Text(zh="确认升级", en="Acknowledge")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {}


class Report(ActionBody):
    """Report the case to the leadership group, though it was not judged to be a major complaint."""

    ACTION: ClassVar[str] = "report"
    NAME: ClassVar[Text] = Text(zh="上报领导小组", en="Report to leadership")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reason": "客户为重点赛事承办单位，影响面较大。"}

    reason: Words


def note(work: Work, body: Note) -> None:
    """A note for the record."""
    work.happened(Noted(reference=work.case.reference), {"text": body.text})


def renew_link(work: Work, body: RenewLink) -> None:
    """Another link. It is made of the event's number, which no earlier one can have been made of."""
    renewed = LinkRenewed(reference=work.case.reference)
    work.happened(renewed, {"reason": body.reason}, track_epoch=work.number + 1)


def correct(work: Work, body: Correct) -> None:
    """An addition that says what was wrong. Raises `Invalid` for an event that the case does not have."""
    if body.number > work.case.version:
        raise wrong("number", f"is none of the record's; its last one is {work.case.version}", "unknown")
    work.happened(Corrected(reference=work.case.reference, corrects=body.number), {"text": body.text})


def reclassify(work: Work, body: Reclassify) -> None:
    """The person's judgement in place of the one before; None leaves what was.

    When the category is another group's, the case leaves its assignee and waits to be dispatched there. Time that was
    used counts under the new deadlines.
    """
    case, plan = work.case, work.plan
    status = work.target("reclassify")
    before = cast(Category, case.category), cast(Severity, case.severity)
    after: tuple[Category, Severity] = (body.category or before[0], body.severity or before[1])
    if after == before:
        raise wrong(
            "category", f"and severity are {before[0]} and {before[1]} already; change one of them", "unchanged"
        )
    must_report = plan.judging.must_report(after[1], case.signals)
    values: dict[str, Any] = {"category": after[0], "severity": after[1], "reportable": must_report}
    if after[0] != before[0]:
        # Both belong to the category: sub-categories are its own, and only a fault is repaired.
        values |= {"sub_category": None, "estimated_repair_at": None}
    leaves = after[0] != before[0] and case.group_code is not None and plan.group_for(after[0]).code != case.group_code
    if leaves:
        # One that was handed over and waits to be dispatched goes on waiting, for the other group.
        status = work.target("redispatch") if case.status in ON_HAND else status
        values |= {"group_code": None, "assignee": None, "assignment": None}
        work.moved(case.assignee if case.status in ON_HAND else None, None)
    stays = not leaves and case.group_code is not None
    playbook = plan.playbook_for(after[0], values.get("sub_category", case.sub_category), after[1])
    work.happened(
        Reclassified(
            reference=case.reference,
            category_before=before[0],
            severity_before=before[1],
            category=after[0],
            severity=after[1],
            reportable=must_report,
            redispatched=leaves,
            playbook=playbook.code if stays and playbook is not None else None,
            clocks=clocks.kinds(plan, case, after[0], after[1], str(case.group_code)) if stays else None,
        ),
        {"reason": body.reason},
        status=status,
        **values,
    )
    if after[0] != before[0]:
        work.clocks.drop("promise", "step")
    if leaves and case.status == "awaiting_customer":
        stop_waiting(work)
    if not leaves and case.group_code is not None:
        work.begin_playbook()
        clocks.start(work.clocks, case, plan, after[0], after[1], case.group_code, work.now)
        work.stand_while_waiting()
    if must_report:
        reporting.report(work, "reclassified")


def await_customer(work: Work, body: AwaitCustomer) -> None:
    """The question; what waits for the customer stands still until they answer, and they are reminded."""
    status = work.target("await-customer")
    work.happened(AwaitingCustomer(reference=work.case.reference), {"question": body.question}, status=status)
    work.handled(work.handling.asked())
    work.answered_customer()
    wait(work)


def wait(work: Work) -> None:
    """The case waits for the customer from now on, who is reminded; also one that waited before it was merged."""
    work.clocks.pause(work.now)
    after = next_reminder(work)
    if after is not None:
        work.clocks.set_timer("remind", work.now + after, work.now)
    work.clocks.set_timer("give_back", work.now + work.plan.awaiting.give_back_after, work.now)


def resume(work: Work, body: Resume) -> None:
    """The case goes on, by hand or with what the customer said."""
    work.target("resume")
    if body.said is not None:
        replied = CustomerReplied(reference=work.case.reference, status_before=work.case.status)
        work.happened(replied, {"text": body.said})
    go_on(work, "answered" if body.said else "by_hand")


def go_on(work: Work, cause: Literal["answered", "silent", "by_hand"]) -> None:
    """What stood still goes on."""
    status = work.target("resume")
    work.happened(Resumed(reference=work.case.reference, cause=cause), status=status)
    stop_waiting(work)


def stop_waiting(work: Work) -> None:
    """The customer is not waited for any more: clocks go on, nobody is reminded."""
    work.clocks.resume(work.now)
    work.clocks.drop("remind", "give_back")


def reply(work: Work, text: str, way: Literal["email", "sms", "page"] | None = None) -> None:
    """What the customer adds. A case that waited for it goes on, and its person hears of it. ``way``: how it came.

    Whoever writes after the result was told is not silent: silence counts from what they wrote.
    """
    work.target("reply")
    replied = CustomerReplied(reference=work.case.reference, status_before=work.case.status, way=way)
    work.happened(replied, {"text": text})
    work.alert("customer_replied", [work.case.assignee])
    if work.case.status == "awaiting_customer":
        go_on(work, "answered")
    if work.clocks.get("close") is not None:
        work.clocks.set_timer("close", work.now + work.plan.close_after_silence, work.now)


def next_reminder(work: Work) -> timedelta | None:
    """How long after the question the next reminder is due; None when there are no more."""
    after = work.plan.awaiting.remind_after
    return after[work.handling.reminded] if work.handling.reminded < len(after) else None


def escalate(work: Work, body: Escalate) -> None:
    """By hand: one rung above the last; the first goes to the head of the group."""
    work.target("escalate")
    escalation.escalate(work, "by_hand", reason=body.reason)


def report(work: Work, body: Report) -> None:
    """By hand; raises `Invalid` when it was reported already."""
    work.target("report")
    if work.case.reported_at is not None:
        raise wrong("reason", "is not needed: the leadership group was told of it already", "unchanged")
    reporting.report(work, "by_hand", body.reason)
