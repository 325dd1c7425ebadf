"""Writes a summary as a document: which sections there are, and what stands at its head and foot."""

from __future__ import annotations

from services.plan.schema import Plan
from services.plan.vocabulary import Language
from services.records.naming import Naming
from services.records.values import Summary
from web.record import course, dealings, oversight
from web.record.document import Document, sections_of
from web.record.writing import Writer


def document_of(summary: Summary, plan: Plan, in_force: Plan, language: Language) -> Document:
    """The record in this language, with the names of the plan that the case ran under."""
    to = Writer(Naming(plan, language, in_force))
    heading = summary.heading
    return Document(
        language=language,
        operator=to.naming.text(plan.plan.operator),
        title=to("投诉处理记录", "Record of a complaint"),
        reference=heading.reference,
        status=to.naming.of("status", heading.status),
        lead=_lead(summary, to),
        mark=_mark(heading.realm, to),
        sections=sections_of(
            (
                (to("概要", "Summary"), course.overview(summary, to)),
                (to("客户与投诉内容", "The customer and the complaint"), course.complaint(summary, to)),
                (to("分析与分类", "Analysis and classification"), course.judgement(summary, to)),
                (to("经办人员", "Who had the case"), course.people(summary, to)),
                (to("处置步骤", "Steps of handling"), course.steps(summary, to)),
                (to("预计修复时间", "Estimated repair times"), dealings.estimates(summary, to)),
                (to("审核与法律意见", "Review and legal opinion"), dealings.verdicts(summary, to)),
                (to("资费解释", "Explanation of the tariff"), dealings.explanations(summary, to)),
                (to("补偿", "Compensation"), dealings.compensation(summary, to)),
                (to("联系客户", "Contacts with the customer"), dealings.contacts(summary, to)),
                (to("提供的指导", "Guidance given"), dealings.guidance(summary, to)),
                (to("询问与答复", "Questions and replies"), dealings.questions(summary, to)),
                (to("附件", "Files"), dealings.attachments(summary, to)),
                (to("通知客户", "Notices to the customer"), dealings.notices(summary, to)),
                (to("时限", "Deadlines"), oversight.deadlines(summary, to)),
                (to("升级与上报", "Escalations and reports"), oversight.escalations(summary, to)),
                (to("关联工单", "Linked cases"), oversight.links(summary, to)),
                (to("处理结果与客户满意度", "Result and satisfaction"), oversight.result(summary, to)),
                (to("完整记录", "Complete timeline"), oversight.timeline(summary, to)),
            )
        ),
        footnotes=_footnotes(summary, plan, to),
    )


def _lead(summary: Summary, to: Writer) -> str:
    heading, naming = summary.heading, to.naming
    return to.join(
        naming.of("category", heading.category) or to("待分类", "not judged yet"),
        naming.of("severity", heading.severity),
        to("重大投诉", "to be reported to leadership") if heading.reportable else None,
        naming.of("service", heading.service_type),
    )


def _mark(realm: str, to: Writer) -> str | None:
    return {
        "drill": to("演练，非真实投诉", "Drill, not a real complaint"),
        "sandbox": to("测试数据，非真实投诉", "Sandbox, not a real complaint"),
    }.get(realm)


def _footnotes(summary: Summary, plan: Plan, to: Writer) -> tuple[str, ...]:
    heading = summary.heading
    notes = [
        to(
            f"本记录由系统根据第 1 至 {heading.version} 条事件自动生成；记录只增不改，更正以补充方式列于原记录之旁。",
            f"Produced from the events no. 1 to {heading.version}. Nothing in the record is changed or removed; "
            "a correction is added and stands beside what it corrects.",
        ),
        to(
            f"时间均为 {plan.plan.time_zone} 时区。依据《{to.naming.text(plan.plan.name)}》{heading.plan_edition} 版。",
            f"Times are on the clock of {plan.plan.time_zone}. Handled under: {to.naming.text(plan.plan.name)}, "
            f"edition {heading.plan_edition}.",
        ),
    ]
    if summary.complaint.masked:
        notes.append(to("个人信息已脱敏。", "Personal data is masked."))
    return tuple(notes)
