"""The sections about time, oversight and result, and the complete timeline."""

from __future__ import annotations

from collections.abc import Iterator

from services.records import terms
from services.records.history import WORDS
from services.records.values import DeadlineKept, EscalationTold, Satisfaction, Summary
from services.records.values import Line as Happened
from web.record.document import Cell, Grid, Line, Style, cell, entries, facts, table
from web.record.writing import Writer

_CLOCK_STYLES: dict[str, Style] = {"met": "good", "missed": "bad"}


def deadlines(summary: Summary, to: Writer) -> Iterator[Grid]:
    """Each clock: by when it was due, when it was met, and how much early or late."""
    columns = (
        (to("时限", "Deadline"), 0.2),
        (to("应于", "Due"), 0.197),
        (to("完成于", "Met"), 0.197),
        (to("结果", "Outcome"), 0.18),
        (to("提前 / 超时", "Early / late"), 0.226),
    )
    yield table(columns, (_deadline(one, to) for one in summary.deadlines))


def _deadline(one: DeadlineKept, to: Writer) -> tuple[Cell, ...]:
    passed = [missed.number for missed in one.missed]
    numbers = to("、", ", ").join(str(number) for number in passed)
    return (
        cell(to.called(terms.CLOCKS, one.kind)),
        cell(to.time(one.due_at) or "—"),
        cell("—" if one.state == "ended" else to.time(one.met_at) or "—"),
        cell(
            Line(to.called(terms.CLOCK_STATES, one.state), _CLOCK_STYLES.get(one.state, "plain")),
            Line(to(f"逾期记录：第 {numbers} 条", f"missed: no. {numbers}"), "soft") if passed else None,
        ),
        cell(_early(one, to) or "—"),
    )


def _early(one: DeadlineKept, to: Writer) -> Line | None:
    if one.early_seconds is None:
        return None
    length = to.length(one.early_seconds)
    if one.early_seconds < 0:
        return Line(to(f"超时 {length}", f"{length} late"), "bad")
    return Line(to(f"提前 {length}", f"{length} early"))


def escalations(summary: Summary, to: Writer) -> Iterator[Grid]:
    """Who was told further up, and the reports to the leadership group."""
    yield entries(
        (
            to.when(one),
            cell(
                Line(to("上报应急处理领导小组", "Reported to the leadership group"), "strong"),
                to.called(terms.REPORT_CAUSES, one.cause),
                to("已告知：", "Told: ") + to.naming.people(one.told),
                to.by(one),
                to.words(one.reason, to("原因", "Reason")),
                *to.corrections(one.corrections),
            ),
        )
        for one in summary.reports
    )
    yield entries((to.when(one), tuple(_escalation(one, to))) for one in summary.escalations)


def _escalation(one: EscalationTold, to: Writer) -> Iterator[Line]:
    yield Line(to("升级至", "Escalated to ") + to.called(terms.HOLDERS, one.to), "strong")
    clock = to.called(terms.CLOCKS, one.clock)
    yield Line(to.join(to.called(terms.ESCALATION_CAUSES, one.cause), clock))
    yield Line(to("已通知：", "Told: ") + to.naming.people(one.told))
    if one.acknowledged_at is None:
        by = to.time(one.acknowledge_by)
        yield Line(to(f"未确认（应于 {by} 前）", f"not acknowledged (due by {by})"), "bad")
    else:
        name, at = to.naming.person(one.acknowledged_by), to.time(one.acknowledged_at)
        yield Line(to(f"{name} 于 {at} 确认", f"acknowledged by {name}, {at}"), "good")
    yield to.by(one)
    if one.reason:
        yield Line(one.reason, "words", to("原因", "Reason"))
    yield from to.corrections(one.corrections)


def links(summary: Summary, to: Writer) -> Iterator[Grid]:
    """Other cases that it hangs together with."""
    yield entries(
        (
            to.when(one),
            cell(
                Line(one.other_reference, "strong"),
                _relation(one.relation, one.outward, to),
                to(f"已于 {to.time(one.ended_at)} 取消", f"until {to.time(one.ended_at)}") if one.ended_at else None,
                to.by(one),
                to.words(one.reason, to("原因", "Reason")),
                *to.corrections(one.corrections),
            ),
        )
        for one in summary.links
    )


def _relation(relation: str, outward: bool, to: Writer) -> str:
    name = to.called(terms.RELATIONS, relation)
    if relation == "related":
        return name
    if outward:
        return to(f"本工单是其{name}", f"this case is its {name}")
    return to(f"其为本工单的{name}", f"it is this case's {name}")


def result(summary: Summary, to: Writer) -> Iterator[Grid]:
    """How it ended, each time it did; and whether the customer was satisfied."""
    kinds = {
        "resolved": to("提交处理结果", "Resolved"),
        "rejected": to("不予受理", "Not taken up"),
        "withdrawn": to("客户撤回", "Withdrawn by the customer"),
        "closed": to("办结", "Closed"),
        "reopened": to("重新受理", "Reopened"),
    }
    yield entries(
        (
            to.when(one),
            cell(
                Line(to.join(kinds[one.kind], to.called(terms.DECISIONS, one.decision)), "strong"),
                to.by(one),
                to.words(one.words),
                *to.corrections(one.corrections),
            ),
        )
        for one in summary.endings
    )
    yield facts(((to("客户满意度", "Satisfaction"), _satisfaction(summary.satisfaction, to)),))


def _satisfaction(answered: Satisfaction | None, to: Writer) -> Cell:
    if answered is None:
        return cell(Line(to("尚无回访结果", "no survey answer yet"), "soft"))
    points, followed = (
        answered.satisfaction,
        {"reopened": to("重新受理", "reopened"), "task": to("已安排回访", "followed up")},
    )
    solved = to("已解决", "solved") if answered.solved else to("未解决", "not solved")
    had = [
        to.naming.of("group", answered.group) if answered.group else None,
        to.naming.person(answered.assignee) if answered.assignee else None,
    ]
    return cell(
        Line(
            to.join(to(f"{points} 分（满分 5 分）", f"{points} of 5"), solved, followed.get(answered.follow_up or "")),
            "strong" if answered.solved else "bad",
        ),
        Line(to.join(to.time(answered.at), to.number(answered.number), *had), "soft"),
        to.words(answered.comment),
        *to.corrections(answered.corrections),
    )


def timeline(summary: Summary, to: Writer) -> Iterator[Grid]:
    """Everything that happened, numbered."""
    columns = (
        (to("序号", "No."), 0.073),
        (to("时间", "Time"), 0.197),
        (to("经办", "By"), 0.14),
        (to("事项", "What happened"), 0.59),
    )
    yield table(columns, (_happened(one, to) for one in summary.timeline), "timeline")


def _happened(one: Happened, to: Writer) -> tuple[Cell, ...]:
    details = one.details or {}
    words = {name: details[name] for name in WORDS if isinstance(details.get(name), str)}
    return (
        cell(str(one.number)),
        cell(to.time(one.at)),
        cell(to.naming.who(one.by)),
        (Line(to.bilingual(one.sentence)), *to.labelled(words), *to.corrections(one.corrections)),
    )
