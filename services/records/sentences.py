"""A readable sentence for every type of event, in both languages.

Names, times and amounts are put in as the plan has them. What people wrote is no part of a
sentence: it stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from services.complaints import events
from services.complaints.events import ComplaintEvent
from services.records import terms
from services.records.naming import Naming
from services.records.terms import Terms, called

Data = Mapping[str, Any]
Form = str | Callable[[Data], str]
"""A template with names of fields, or what chooses one by what the event says."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """The sentence in both languages. ``terms`` say what the codes in some of its fields are called."""

    zh: Form
    en: Form
    terms: Mapping[str, Terms] = field(default_factory=dict)


def sentence_of(type_: str, data: Data, naming: Naming) -> str:
    """What happened, in a sentence. A type that this release does not know is named."""
    sentence = SENTENCES.get(type_)
    if sentence is None:
        return type_
    form = sentence.zh if naming.language == "zh" else sentence.en
    template = form if isinstance(form, str) else form(data)
    return template.format_map(_Fields(data, sentence.terms, naming))


class _Fields(dict[str, str]):
    """The fields of an event as people read them. A field that the event does not have is empty."""

    def __init__(self, data: Data, own: Mapping[str, Terms], naming: Naming) -> None:
        super().__init__()
        self._data = data
        self._terms = own
        self._naming = naming

    def __missing__(self, name: str) -> str:
        if name == "money":
            return self._naming.amount(self._data["amount"], self._data["currency"])
        value = self._data.get(name)
        if value is None:
            return ""
        if name in self._terms:
            return called(self._terms[name], str(value), self._naming.language)
        shown = _SHOWN.get(name)
        return str(value) if shown is None else shown(self._naming, value)


_SHOWN: Final[Mapping[str, Callable[[Naming, Any], str]]] = MappingProxyType(
    {
        "channel": lambda naming, value: naming.of("channel", value),
        "service_type": lambda naming, value: naming.of("service", value),
        "category": lambda naming, value: naming.of("category", value),
        "category_before": lambda naming, value: naming.of("category", value),
        "severity": lambda naming, value: naming.of("severity", value),
        "severity_before": lambda naming, value: naming.of("severity", value),
        "group": lambda naming, value: naming.of("group", value),
        "article": lambda naming, value: naming.of("article", value),
        "step": lambda naming, value: naming.step(value),
        "assignee": lambda naming, value: naming.person(value),
        "login": lambda naming, value: naming.person(value),
        "told": lambda naming, value: naming.people(value),
        "confidence": lambda naming, value: f"{value:.0%}",
    }
    | {
        name: lambda naming, value: naming.time(value)
        for name in (
            "estimated_repair_at",
            "repaired_at",
            "attempted_at",
            "visit_at",
            "due_at",
            "respond_by",
            "resolve_by",
            "acknowledge_by",
        )
    }
)


def _if(name: str, then: str, otherwise: str = "") -> Callable[[Data], str]:
    return lambda data: then if data.get(name) else otherwise


def _joined(*parts: Form) -> Callable[[Data], str]:
    return lambda data: "".join(part if isinstance(part, str) else part(data) for part in parts)


def _by(name: str, forms: Mapping[Any, str]) -> Callable[[Data], str]:
    return lambda data: forms.get(data.get(name), "")


def _changed(zh: bool) -> Callable[[Data], str]:
    def form(data: Data) -> str:
        parts = []
        if data.get("category") != data.get("category_before"):
            parts.append(
                "类别由“{category_before}”改为“{category}”" if zh else "category from {category_before} to {category}"
            )
        if data.get("severity") != data.get("severity_before"):
            parts.append(
                "等级由“{severity_before}”改为“{severity}”" if zh else "severity from {severity_before} to {severity}"
            )
        end = data.get("redispatched")
        if zh:
            return f"人工调整分类：{'，'.join(parts)}{'；工单重新派发' if end else ''}。"
        return f"Reclassified by a person: {' and '.join(parts)}{'; to be dispatched anew' if end else ''}."

    return form


_LINKED_ZH: Final = {"repeat": "重复投诉", "duplicate": "同一投诉", "child": "子工单"}
_LINKED_EN: Final = {"repeat": "a repeat", "duplicate": "a duplicate", "child": "a child"}


def _linked(zh: bool) -> Callable[[Data], str]:
    def form(data: Data) -> str:
        relation = data.get("relation", "")
        if relation not in _LINKED_EN:
            return "与工单 {other_reference} 相关联。" if zh else "Linked with {other_reference}: related."
        if zh:
            ours, theirs = (
                ("本工单", "{other_reference}") if data.get("outward", True) else ("{other_reference}", "本工单")
            )
            return f"登记关联：{ours} 是 {theirs} 的{_LINKED_ZH[relation]}。"
        if data.get("outward", True):
            return f"Linked: this case is {_LINKED_EN[relation]} of {{other_reference}}."
        return f"Linked: {{other_reference}} is {_LINKED_EN[relation]} of this case."

    return form


_TABLE: Final[Mapping[type[ComplaintEvent], Sentence]] = {
    events.Received: Sentence(
        "通过{channel}收到投诉并登记，业务：{service_type}。",
        "Received by {channel} and registered; service: {service_type}.",
    ),
    events.Classified: Sentence(
        _joined(
            "自动判定类别为“{category}”，等级“{severity}”（把握 {confidence}）",
            _if("reportable", "，属重大投诉"),
            "。",
        ),
        _joined(
            "Judged automatically: {category}, {severity} (confidence {confidence})",
            _if("reportable", "; a major complaint"),
            ".",
        ),
    ),
    events.Reclassified: Sentence(_changed(True), _changed(False)),
    events.Dispatched: Sentence(
        "派单至{group}，处理人{assignee}（{rule}）；应于 {respond_by} 前响应，{resolve_by} 前办结。",
        "Dispatched to the {group}, assignee {assignee} ({rule}); respond by {respond_by}, resolve by {resolve_by}.",
        {"rule": terms.RULES},
    ),
    events.Reassigned: Sentence(
        "改由{assignee}处理（{rule}）。", "Now with {assignee} ({rule}).", {"rule": terms.RULES}
    ),
    events.HandedOver: Sentence("转派至{group}，等待派单。", "Handed over to the {group}, to be dispatched there."),
    events.Accepted: Sentence("{assignee}接单，开始处理。", "{assignee} accepted the case."),
    events.Diagnosed: Sentence("查明故障原因：{cause}。", "The fault was diagnosed: {cause}.", {"cause": terms.FAULTS}),
    events.EstimateSet: Sentence(
        _if(
            "previous",
            "预计修复时间变更为 {estimated_repair_at}。",
            "设定预计修复时间：{estimated_repair_at}。",
        ),
        _if(
            "previous",
            "The estimated repair time was changed to {estimated_repair_at}.",
            "The estimated repair time was set: {estimated_repair_at}.",
        ),
    ),
    events.EstimateMissed: Sentence(
        "预计修复时间 {estimated_repair_at} 已过，故障尚未修复（第 {broken} 次未兑现）。",
        "The estimated repair time {estimated_repair_at} passed and nothing is repaired (broken promise no. {broken}).",
    ),
    events.Repaired: Sentence(
        _joined(
            "故障于 {repaired_at} 修复",
            _by("estimate_kept", {True: "，在承诺时间之内", False: "，晚于承诺时间"}),
            "。",
        ),
        _joined(
            "The fault was repaired at {repaired_at}",
            _by("estimate_kept", {True: ", within the estimated time", False: ", later than estimated"}),
            ".",
        ),
    ),
    events.Reviewed: Sentence(
        _joined("审核完成：{misleading}", _if("promotion", "（宣传：{promotion}）"), "。"),
        _joined("Reviewed: {misleading}", _if("promotion", " ({promotion})"), "."),
        {"misleading": terms.MISLEADING},
    ),
    events.LegalChecked: Sentence(
        "法律审核意见：{outcome}。", "Legal counsel's opinion: {outcome}.", {"outcome": terms.LEGAL}
    ),
    events.Explained: Sentence("已向客户解释资费政策。", "The tariff policy was explained to the customer."),
    events.CompensationProposed: Sentence(
        _joined("提出补偿方案：{kind} {money}", _if("needs", "，待{needs}审批"), "。"),
        _joined("Compensation proposed: {kind} of {money}", _if("needs", "; waits for {needs}"), "."),
        {"kind": terms.GRANTS, "needs": terms.NEEDS},
    ),
    events.CompensationDecided: Sentence(
        _by("decision", {"approved": "批准补偿：{kind} {money}。", "declined": "驳回补偿：{kind} {money}。"}),
        _by(
            "decision",
            {
                "approved": "Compensation approved: {kind} of {money}.",
                "declined": "Compensation declined: {kind} of {money}.",
            },
        ),
        {"kind": terms.GRANTS},
    ),
    events.CustomerAnswered: Sentence(
        _by("answer", {"accepted": "客户接受补偿方案。", "disputed": "客户不接受补偿方案。"}),
        _by("answer", {"accepted": "The customer accepted the offer.", "disputed": "The customer disputed the offer."}),
    ),
    events.CompensationPaid: Sentence(
        "补偿已支付：{kind} {money}，账务凭证号 {billing_reference}。",
        "Compensation paid: {kind} of {money}, billing reference {billing_reference}.",
        {"kind": terms.GRANTS},
    ),
    events.Contacted: Sentence(
        _joined(
            "联系客户（{way}）：{outcome}",
            _if("failed", "，连续未联系上 {failed} 次"),
            _if("write", "；改为书面通知"),
            "。",
        ),
        _joined(
            "The customer was contacted ({way}): {outcome}",
            _if("failed", "; attempts failed in a row: {failed}"),
            _if("write", "; the customer is written to"),
            ".",
        ),
        {"way": terms.WAYS, "outcome": terms.OUTCOMES},
    ),
    events.Guided: Sentence(
        _joined("向客户提供指导", _if("article", "：《{article}》"), _if("site_visit_wanted", "；需要上门"), "。"),
        _joined(
            "The customer was given guidance",
            _if("article", ": {article}"),
            _if("site_visit_wanted", "; a visit is needed"),
            ".",
        ),
    ),
    events.VisitArranged: Sentence("已安排 {visit_at} 上门。", "A visit was arranged for {visit_at}."),
    events.StepSkipped: Sentence("跳过步骤“{step}”。", "The step '{step}' was skipped."),
    events.LinkRenewed: Sentence(
        "更换客户查询链接，原链接失效。", "The customer's link was made anew; the earlier one opens nothing any more."
    ),
    events.Noted: Sentence("添加备注。", "A note was made."),
    events.Corrected: Sentence("对第 {corrects} 条记录作出更正。", "Entry no. {corrects} was corrected."),
    events.AwaitingCustomer: Sentence(
        "请客户补充信息，等待答复。", "The customer was asked for something; the case waits for them."
    ),
    events.Reminded: Sentence("第 {times} 次提醒客户答复。", "The customer was reminded (no. {times})."),
    events.CustomerReplied: Sentence("客户补充了说明。", "The customer said something more."),
    events.Resumed: Sentence("恢复处理：{cause}。", "The case goes on: {cause}.", {"cause": terms.RESUMED}),
    events.Reported: Sentence(
        "上报应急处理领导小组（{cause}），已告知：{told}。",
        "Reported to the leadership group ({cause}); told: {told}.",
        {"cause": terms.REPORT_CAUSES},
    ),
    events.Escalated: Sentence(
        _joined(
            "升级至{to}（{cause}",
            _if("clock", "：{clock}"),
            "），已通知{told}，应于 {acknowledge_by} 前确认。",
        ),
        _joined(
            "Escalated to {to} ({cause}",
            _if("clock", ": {clock}"),
            "); told: {told}, to be acknowledged by {acknowledge_by}.",
        ),
        {"to": terms.HOLDERS, "cause": terms.ESCALATION_CAUSES, "clock": terms.CLOCKS},
    ),
    events.EscalationAcknowledged: Sentence("{login}已确认升级。", "{login} acknowledged the escalation."),
    events.DeadlineWarned: Sentence(
        "时限临近：{clock}应于 {due_at} 前完成。",
        "A deadline comes near: {clock}, due by {due_at}.",
        {"clock": terms.CLOCKS},
    ),
    events.DeadlineMissed: Sentence(
        "时限已过：{clock}应于 {due_at} 前完成，尚未完成（第 {times} 次提示）。",
        "A deadline was missed: {clock}, due by {due_at} (told {times}×).",
        {"clock": terms.CLOCKS},
    ),
    events.Updated: Sentence(
        "第 {times} 次告知客户处理进展。", "The customer was told that work goes on (no. {times})."
    ),
    events.Attached: Sentence("补充了一个附件。", "A file was added."),
    events.SurveyAsked: Sentence("邀请客户评价处理结果。", "The customer was asked whether it was settled."),
    events.SurveyReminded: Sentence("再次邀请客户评价。", "The customer was asked once more."),
    events.SurveyAnswered: Sentence(
        _joined(
            "客户评价：满意度 {satisfaction} 分，",
            _if("solved", "已解决", "未解决"),
            _by("follow_up", {"reopened": "；重新受理", "task": "；已安排回访", None: ""}),
            "。",
        ),
        _joined(
            "The customer answered: satisfaction {satisfaction} of 5, ",
            _if("solved", "solved", "not solved"),
            _by("follow_up", {"reopened": "; reopened", "task": "; followed up", None: ""}),
            ".",
        ),
    ),
    events.Linked: Sentence(_linked(True), _linked(False)),
    events.Unlinked: Sentence("取消与工单 {other_reference} 的关联。", "No longer linked with {other_reference}."),
    events.PlanMoved: Sentence(
        "此后按预案第 {plan_version} 版办理。", "From here on it runs under version {plan_version} of the plan."
    ),
    events.Resolved: Sentence(
        _by("told", {True: "提交处理结果，告知客户。", None: "提交处理结果，告知客户。", False: "提交处理结果。"}),
        _by(
            "told",
            {
                True: "Resolved; the customer is told the result.",
                None: "Resolved; the customer is told the result.",
                False: "Resolved.",
            },
        ),
    ),
    events.Rejected: Sentence("不予受理，告知客户原因。", "Not taken up; the customer is told why."),
    events.Withdrawn: Sentence("客户撤回投诉。", "The customer withdrew the complaint."),
    events.Closed: Sentence("办结：{decision}。", "Closed: {decision}.", {"decision": terms.DECISIONS}),
    events.Reopened: Sentence(
        _if("by_customer", "应客户要求重新受理。", "重新受理。"),
        _if("by_customer", "Reopened by the customer.", "Reopened."),
    ),
}
SENTENCES: Final[Mapping[str, Sentence]] = MappingProxyType({kind.TYPE: said for kind, said in _TABLE.items()})
"""By type of event; a test demands that none of `services.complaints.events.EVENTS` is missing."""
