"""The sections about what passed between the operator and the customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from services.records import terms
from services.records.values import Compensation, Decision, Estimate, Question, Summary
from web.record.document import Grid, Line, Style, cell, entries, table
from web.record.writing import Writer

_ESTIMATE_STYLES: Final[Mapping[str, Style]] = MappingProxyType({"kept": "good", "broken": "bad"})
_OFFER_STYLES: Final[Mapping[str, Style]] = MappingProxyType({"paid": "good", "declined": "bad", "disputed": "bad"})


def estimates(summary: Summary, to: Writer) -> Iterator[Grid]:
    """The repair times that the customer was promised, and whether they were kept."""
    yield entries((to.when(one), tuple(_estimate(one, to))) for one in summary.estimates)


def _estimate(one: Estimate, to: Writer) -> Iterator[Line]:
    style = _ESTIMATE_STYLES.get(one.state, "plain")
    yield Line(to.time(one.estimated_repair_at), "strong")
    yield Line(to.called(terms.ESTIMATE_STATES, one.state), style)
    if one.repaired_at is not None:
        yield Line(to(f"实际修复：{to.time(one.repaired_at)}", f"Repaired: {to.time(one.repaired_at)}"))
    told = to.time(one.told_at)
    yield Line(
        to(f"告知客户：{told}", f"Customer told: {told}") if told else to("未见告知记录", "no notice of it was sent")
    )
    yield to.by(one)
    if one.reason:
        yield Line(one.reason, "words", to("变更原因", "Why it changed"))
    yield from to.corrections(one.corrections)


def verdicts(summary: Summary, to: Writer) -> Iterator[Grid]:
    """Was the promotion misleading, on which grounds; and what legal counsel said."""
    yield entries(
        (
            to.when(one),
            cell(
                Line(to.called(terms.MISLEADING, one.misleading), "strong"),
                to(f"所涉宣传：{one.promotion}", f"Promotion: {one.promotion}") if one.promotion else None,
                to.by(one),
                to.words(one.facts, to("事实", "Facts")),
                to.words(one.grounds, to("理由", "Grounds")),
                to.words(one.material, to("依据材料", "Material")),
                Line(
                    to.join(
                        to("需解释资费：", "explanation wanted: ") + to.yes_no(one.explanation_wanted),
                        to("需补偿：", "compensation wanted: ") + to.yes_no(one.compensation_wanted),
                        to("需法律审核：", "legal check wanted: ") + to.yes_no(one.legal_check_wanted),
                    ),
                    "soft",
                ),
                *to.corrections(one.corrections),
            ),
        )
        for one in summary.verdicts
    )
    yield entries(
        (
            to.when(one),
            cell(
                Line(to("法律意见：", "Legal opinion: ") + to.called(terms.LEGAL, one.outcome), "strong"),
                to.by(one),
                to.words(one.opinion),
                *to.corrections(one.corrections),
            ),
        )
        for one in summary.legal_opinions
    )


def explanations(summary: Summary, to: Writer) -> Iterator[Grid]:
    """The tariff policy, in the words that the customer was sent."""
    yield entries(
        (to.when(one), cell(to.by(one), to.words(one.text), *to.corrections(one.corrections)))
        for one in summary.explanations
    )


def compensation(summary: Summary, to: Writer) -> Iterator[Grid]:
    """Each offer, from the proposal to the payment."""
    yield entries((to.when(one), tuple(_offer(one, to))) for one in summary.compensation)


def _offer(one: Compensation, to: Writer) -> Iterator[Line]:
    style = _OFFER_STYLES.get(one.status, "plain")
    kind = to.called(terms.GRANTS, one.kind)
    yield Line(f"{kind} {to.naming.amount(one.amount, one.currency)}", "strong")
    yield Line(to.called(terms.GRANT_STATUSES, one.status), style)
    proposed = to.naming.who(one.by)
    limit = to(
        f"，须由{to.called(terms.NEEDS, one.needs)}审批", f"; needs the decision of {to.called(terms.NEEDS, one.needs)}"
    )
    yield Line(to("提出：", "Proposed by ") + proposed + (limit if one.needs else ""))
    if one.reason:
        yield Line(one.reason, "words", to("补偿理由", "Reason"))
    yield from to.corrections(one.corrections)
    own = one.needs is None and one.decided is not None and one.decided.by == one.by
    label = to("审批（在本人权限内）", "Decision (within the proposer's own limit)") if own else to("审批", "Decision")
    yield from _decided(one.decided, label, to("审批意见", "Reason"), to)
    yield from _decided(one.answered, to("客户答复", "Customer's answer"), to("客户说法", "What was said"), to)
    if one.paid is not None:
        yield Line(
            to.join(
                to(f"支付：{to.time(one.paid.paid_at)}", f"Paid: {to.time(one.paid.paid_at)}"),
                to.naming.who(one.paid.by),
                to(f"账务凭证号 {one.paid.billing_reference}", f"billing reference {one.paid.billing_reference}"),
                to.number(one.paid.number),
            ),
            "good",
        )
        yield from to.corrections(one.paid.corrections)


def _decided(one: Decision | None, label: str, of_words: str, to: Writer) -> Iterator[Line]:
    if one is None:
        return
    decision = to.called(terms.DECISIONS, one.decision)
    yield Line(
        to.join(f"{label}{to('：', ': ')}{decision}", to.time(one.at), to.naming.who(one.by), to.number(one.number))
    )
    if one.words:
        yield Line(one.words, "words", of_words)
    yield from to.corrections(one.corrections)


def contacts(summary: Summary, to: Writer) -> Iterator[Grid]:
    """The attempts to reach the customer."""
    yield entries(
        (
            cell(to.time(one.attempted_at), Line(to.number(one.number), "soft")),
            cell(
                Line(
                    to.join(to.called(terms.WAYS, one.way), to.called(terms.OUTCOMES, one.outcome)),
                    "good" if one.outcome == "reached" else "plain",
                ),
                to(f"连续未联系上 {one.failed} 次", f"attempts failed in a row: {one.failed}") if one.failed else None,
                to.by(one),
                to.words(one.said),
                *to.corrections(one.corrections),
            ),
        )
        for one in summary.contacts
    )


def guidance(summary: Summary, to: Writer) -> Iterator[Grid]:
    """What the customer was told to do, and visits."""
    yield entries(
        (
            to.when(one),
            cell(
                Line(to(f"指导文章：《{to.bilingual(one.title)}》", f"Article: {to.bilingual(one.title)}"), "strong")
                if one.title
                else None,
                Line(to(f"上门时间：{to.time(one.visit_at)}", f"Visit: {to.time(one.visit_at)}"), "strong")
                if one.visit_at
                else None,
                to("需要上门处理", "a visit is needed") if one.site_visit_wanted else None,
                to.by(one),
                to.words(one.text),
                *to.corrections(one.corrections),
            ),
        )
        for one in summary.guidance
    )


def questions(summary: Summary, to: Writer) -> Iterator[Grid]:
    """What the customer was asked, and everything that they said."""
    yield entries((to.when(one), tuple(_question(one, to))) for one in summary.questions)
    answers = {reply.number for one in summary.questions for reply in one.replies}
    yield entries(
        (
            to.when(one),
            cell(
                Line(to("客户补充", "The customer added"), "strong"),
                to.by(one),
                to.words(one.text),
                *to.corrections(one.corrections),
            ),
        )
        for one in summary.replies
        if one.number not in answers
    )


def _question(one: Question, to: Writer) -> Iterator[Line]:
    yield Line(to("询问客户", "The customer was asked"), "strong")
    yield to.by(one)
    if one.question:
        yield Line(one.question, "words")
    yield from to.corrections(one.corrections)
    for at in one.reminders:
        yield Line(to(f"提醒：{to.time(at)}", f"Reminded: {to.time(at)}"))
    for reply in one.replies:
        yield Line(
            reply.text or to("（内容不予显示）", "(not shown)"),
            "words",
            to(
                f"客户答复（{to.time(reply.at)}，第 {reply.number} 条）",
                f"Reply ({to.time(reply.at)}, no. {reply.number})",
            ),
        )
        yield from to.corrections(reply.corrections)
    if one.resumed_at is not None:
        why = to.called(terms.RESUMED, one.resumed)
        yield Line(to(f"恢复处理：{to.time(one.resumed_at)}，{why}", f"Went on: {to.time(one.resumed_at)}, {why}"))


def attachments(summary: Summary, to: Writer) -> Iterator[Grid]:
    """The files that were added to the case; their contents are kept apart."""
    yield entries(
        (
            to.when(one),
            cell(
                to.words(one.name),
                Line(to.join(one.media_type, to(f"{one.size:,} 字节", f"{one.size:,} bytes"))),
                to.by(one),
                *to.corrections(one.corrections),
            ),
        )
        for one in summary.attachments
    )


def notices(summary: Summary, to: Writer) -> Iterator[Grid]:
    """What the customer was told, by which way, and when."""
    columns = (
        (to("通知", "Notice"), 0.286),
        (to("方式", "Way"), 0.16),
        (to("状态", "Status"), 0.16),
        (to("生成时间", "Requested"), 0.197),
        (to("发送时间", "Sent"), 0.197),
    )
    yield table(
        columns,
        (
            (
                cell(to.naming.of("notice", one.kind)),
                cell(to.called(terms.WAYS, one.way)),
                cell(Line(to.called(terms.NOTICE_STATUSES, one.status), _NOTICE_STYLES.get(one.status, "plain"))),
                cell(to.time(one.requested_at)),
                cell(to.time(one.sent_at) or "—"),
            )
            for one in summary.notices
        ),
    )


_NOTICE_STYLES: dict[str, Style] = {"sent": "good", "delivered": "good", "failed": "bad", "unconfirmed": "bad"}
