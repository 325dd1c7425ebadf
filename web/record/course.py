"""The sections that say what case it is and how it was handled: overview, complaint, judgement, people, steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from services.judgements.severity import GRAVER, MILDER
from services.plan.values import Text
from services.records import terms
from services.records.terms import called
from services.records.values import Held, PlaybookStep, StepDone, Summary
from web.record.document import Cell, Grid, Line, cell, entries, facts, table
from web.record.writing import Writer

_UNITS: Final = MappingProxyType(
    {"hours": Text(zh="小时", en="hours"), "complaints": Text(zh="次投诉", en="complaints")}
)
# What the model reads from the text as a whole, which the plan has no name for.
_LEARNED: Final = MappingProxyType(
    {
        GRAVER: Text(zh="整段内容显示更严重", en="graver, by the text as a whole"),
        MILDER: Text(zh="整段内容显示较轻", en="milder, by the text as a whole"),
    }
)


def overview(summary: Summary, to: Writer) -> Iterator[Grid]:
    """What case it is, where it stands, and how long it took."""
    one, naming = summary.heading, to.naming
    yield facts(
        (
            (to("投诉编号", "Reference"), Line(one.reference, "strong")),
            (to("渠道单号", "Channel's number"), one.external_id),
            (to("状态", "Status"), naming.of("status", one.status)),
            (to("类别", "Category"), _category(summary, to)),
            (to("严重程度", "Severity"), _severity(summary, to)),
            (to("业务", "Service"), naming.of("service", one.service_type)),
            (to("地区", "Region"), naming.of("region", one.region_code) or one.region),
            (to("受理渠道", "Channel"), naming.of("channel", one.channel)),
            (to("受理时间", "Received"), to.time(one.received_at)),
            (to("发生时间", "Occurred"), to.time(one.occurred_at)),
            (to("承办组", "Group"), naming.of("group", one.group)),
            (to("处理人", "Assignee"), naming.titled(one.assignee) if one.assignee else None),
            (to("预案版本", "Plan"), _plan(summary, to)),
        )
    )
    yield _times(summary, to)


def _category(summary: Summary, to: Writer) -> str:
    one, naming = summary.heading, to.naming
    name = naming.of("category", one.category) or to("待分类", "not judged yet")
    return f"{name} / {naming.of('subcategory', one.sub_category)}" if one.sub_category else name


def _severity(summary: Summary, to: Writer) -> Cell:
    one = summary.heading
    major = Line(to("属重大投诉，须上报应急处理领导小组", "to be reported to leadership"), "bad")
    return cell(to.naming.of("severity", one.severity), major if one.reportable else None)


def _plan(summary: Summary, to: Writer) -> str:
    one = summary.heading
    version = "" if one.plan_version is None else to(f"（第 {one.plan_version} 版）", f" (version {one.plan_version})")
    return f"{one.plan_edition}{version}"


def _times(summary: Summary, to: Writer) -> Grid:
    times = summary.times
    none = to("尚无", "not yet")
    response = to.length(times.first_response)
    first = (
        f"{response}（{to.time(times.first_response_at)}）"
        if to.language == "zh"
        else (f"{response} ({to.time(times.first_response_at)})")
    )
    return facts(
        (
            (to("首次响应用时", "First response in"), first if response else none),
            (to("解决用时", "Resolved in"), to.length(times.resolution) or none),
            (to("总用时", "Total time"), to.length(times.total) or to("尚未结束", "not over yet")),
            (
                to("等待客户用时", "Awaiting customer"),
                to.length(times.awaiting_customer) if times.awaiting_customer else None,
            ),
            (to("重新受理次数", "Reopened"), to(f"{times.reopenings} 次", str(times.reopenings))),
            (
                to("未兑现的修复承诺", "Broken estimates"),
                Line(to(f"{times.broken_estimates} 次", str(times.broken_estimates)), "bad")
                if times.broken_estimates
                else None,
            ),
        )
    )


def complaint(summary: Summary, to: Writer) -> Iterator[Grid]:
    """Who complained, in which words."""
    who, naming = summary.customer, to.naming
    withheld = Line(to("个人信息不予显示", "personal data is withheld"), "soft")
    if who is None:
        yield facts(((to("客户", "Customer"), withheld),))
    else:
        yield facts(
            (
                (to("客户姓名", "Customer"), who.name),
                (to("联系电话", "Phone"), who.phone),
                (to("电子邮件", "E-mail"), who.email),
                (to("客户账号", "Account"), who.account),
                (to("客户类别", "Standing"), naming.of("standing", who.standing)),
            )
        )
    content = summary.complaint.content
    label = (
        to("投诉内容", "Complaint") if not summary.complaint.masked else to("投诉内容（脱敏）", "Complaint (masked)")
    )
    yield facts(((label, Line(content, "words") if content else withheld), *_concerns(summary.complaint.concerns, to)))


def _concerns(concerns: Mapping[str, Any] | None, to: Writer) -> Iterator[tuple[str, str | None]]:
    names = {
        "product": to("涉及产品", "Product"),
        "promotion": to("涉及宣传", "Promotion"),
        "bill": to("涉及账单", "Bill"),
    }
    for name, label in names.items():
        value = (concerns or {}).get(name)
        yield label, None if value is None else str(value)
    amount, currency = (concerns or {}).get("amount"), (concerns or {}).get("currency")
    if amount is not None:
        yield to("涉及金额", "Amount"), to.naming.amount(str(amount), currency) if currency else str(amount)


def judgement(summary: Summary, to: Writer) -> Iterator[Grid]:
    """What the workers judged and why; what people put in its place."""
    judged, naming = summary.judgement, to.naming
    if judged is not None:
        guess = None
        if judged.category == "unclear":
            guess = naming.of("category", judged.best_guess)
        result = f"{naming.of('category', judged.category)} / {naming.of('severity', judged.severity)}"
        yield facts(
            (
                (
                    to("自动判定", "Judged automatically"),
                    cell(result, Line(to.join(to.time(judged.at), to.number(judged.number)), "soft"))
                    + to.corrections(judged.corrections),
                ),
                (to("最可能的类别", "Best guess"), guess),
                (to("把握", "Confidence"), f"{judged.confidence:.0%}"),
                (to("类别依据", "Why this category"), tuple(_reasons(judged.reasons, to))),
                (to("等级依据", "Why this severity"), tuple(_reasons(judged.severity_reasons, to))),
                (to("判定模型", "Model"), judged.model),
            )
        )
    yield entries(
        (
            to.when(one),
            cell(
                Line(_changed(one.category_before, one.category, "category", to), "strong"),
                Line(_changed(one.severity_before, one.severity, "severity", to), "strong"),
                to("转由相应小组重新派单", "sent to the other group to be dispatched") if one.redispatched else None,
                to.by(one),
                to.words(one.reason, to("原因", "Reason")),
                *to.corrections(one.corrections),
            ),
        )
        for one in summary.reclassifications
    )


def _reasons(reasons: tuple[Mapping[str, Any], ...], to: Writer) -> Iterator[Line]:
    for reason in reasons:
        signal, words = str(reason.get("signal", "")), reason.get("words")
        category = reason.get("speaks_for")
        named = to.naming.of("signal", signal)
        if signal in _LEARNED:
            named = to.naming.text(_LEARNED[signal])
        elif named == signal and category:
            named = to.naming.of("category", category)
        quoted = f"“{words}”" if words else None
        value, unit = reason.get("value"), reason.get("unit")
        figure = None if value is None else f"{value:g} {called(_UNITS, unit, to.language)}"
        yield Line(to.join(named, quoted, figure))


def _changed(before: str | None, after: str, kind: Any, to: Writer) -> str:
    if before == after:
        return ""
    label = to("类别", "Category") if kind == "category" else to("严重程度", "Severity")
    old = to.naming.of(kind, before) or "—"
    return f"{label}{to('：', ': ')}{old} → {to.naming.of(kind, after)}"


def people(summary: Summary, to: Writer) -> Iterator[Grid]:
    """Who had it from when to when, and why they."""
    columns = (
        (to("自", "From"), 0.197),
        (to("至", "Until"), 0.197),
        (to("小组", "Group"), 0.18),
        (to("处理人", "Person"), 0.16),
        (to("分派依据", "Why"), 0.266),
    )
    yield table(columns, (_held(one, to) for one in summary.holders))


def _held(one: Held, to: Writer) -> tuple[Cell, ...]:
    return (
        cell(to.time(one.at)),
        cell(to.time(one.until) or "—"),
        cell(to.naming.of("group", one.group) or "—"),
        cell(to.naming.person(one.assignee), Line(to.naming.title(one.assignee), "soft")),
        cell(
            to.called(terms.RULES, one.rule),
            Line(to.number(one.number), "soft"),
            to.words(one.reason),
            *to.corrections(one.corrections),
        ),
    )


def steps(summary: Summary, to: Writer) -> Iterator[Grid]:
    """The steps of the playbook, each with when, by whom, and what was recorded."""
    if summary.playbook is not None:
        yield facts(((to("处置流程", "Playbook"), to.naming.of("playbook", summary.playbook)),))
    yield entries((cell(Line(to.bilingual(one.name), "strong")), tuple(_step(one, to))) for one in summary.steps)


def _step(step: PlaybookStep, to: Writer) -> Iterator[Line]:
    for one in step.entries:
        yield from _step_done(one, to)
    # A step that is to be done again stands open after what was done before.
    if step.state == "open" or not step.entries:
        yield Line(to.called(terms.STEP_STATES, step.state), "soft")


def _step_done(one: StepDone, to: Writer) -> Iterator[Line]:
    state = to.called(terms.STEP_STATES, one.state)
    line = to.join(state, to.time(one.at), to.naming.who(one.by), to.number(one.number))
    yield Line(line, "good" if one.state == "done" else "plain")
    yield from to.labelled(one.words)
    yield from to.corrections(one.corrections)
