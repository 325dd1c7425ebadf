"""What staff are told, in Chinese and English: what happened, to which case, by when, and what is asked of them.

It is made of codes, names of the plan, and times; nothing of the customer and nothing that anybody wrote. A message
fits where the least is taken: 2,048 bytes, which a robot of WeCom takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast
from zoneinfo import ZoneInfo

from services.base.errors import NotFound
from services.notices.writing import moment
from services.plan.schema import NamedKind, Plan
from services.plan.values import Text
from services.plan.vocabulary import Language

LARGEST: Final = 1900
_IN_FULL: Final = 3


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is told. ``reference`` to ``group`` are of the case as it stands, None without one.

    ``logins`` are all who were told of it in their inbox; ``login`` is whom this message is for, None for a group's.
    """

    kind: str
    facts: Mapping[str, Any]
    logins: Sequence[str]
    login: str | None
    told_at: datetime
    reference: str | None = None
    category: str | None = None
    sub_category: str | None = None
    severity: str | None = None
    region: str | None = None
    group: str | None = None
    status: str | None = None
    assignee: str | None = None


class Said(NamedTuple):
    """A message: a line, and the text below it."""

    title: str
    body: str


class _Form(NamedTuple):
    """How a kind is told: its title, what is asked, and what happened where the title doesn't say it all."""

    title: Text
    asked: Text
    happened: Text | None = None


def say(told: Sequence[Told], language: Language, plan: Plan, link: str | None, *, drill: bool) -> Said:
    """One message for what waits, the most pressing first. ``link`` has ``{reference}`` where the case's stands."""
    mark = _text("【演练】", "[DRILL] ").in_language(language) if drill else ""
    parts = [_part(one, language, plan, link) for one in told]
    if len(parts) == 1:
        return Said(mark + parts[0].title, _cut(parts[0].body, LARGEST - _bytes(mark + parts[0].title)))
    title = mark + _MANY.in_language(language).format(count=len(parts), first=parts[0].title)
    lines = [f"{part.title}\n{part.body}\n" if len(parts) <= _IN_FULL else f"· {part.title}" for part in parts]
    return Said(title, _fitting(lines, LARGEST - _bytes(title), language))


def _part(told: Told, language: Language, plan: Plan, link: str | None) -> Said:
    form = _form_of(told)
    values = _values(told, language, plan)
    lines = [] if form.happened is None else [form.happened.in_language(language).format_map(values)]
    lines += _about(told, values, language)
    lines.append(form.asked.in_language(language).format_map(values))
    if link is not None and told.reference is not None:
        lines.append(link.replace("{reference}", told.reference))
    return Said(form.title.in_language(language).format_map(values), "\n".join(line for line in lines if line))


def _values(told: Told, language: Language, plan: Plan) -> Mapping[str, str]:
    """Everything that a form can name; empty where it isn't known. All of it is text: forms can't look into it."""
    facts = told.facts
    between = "、" if language == "zh" else ", "

    def name(kind: NamedKind, code: object) -> str:
        return plan.name_of(kind, str(code), language) if code else ""

    def time(key: str) -> str:
        return _local(facts.get(key), plan, language)

    def term(terms: Mapping[str, Text], code: object) -> str:
        found = terms.get(str(code))
        return str(code or "") if found is None else found.in_language(language)

    you = "您" if language == "zh" else "you"
    cause = term(_ESCALATED if told.kind == "escalated" else _REPORTED, facts.get("cause"))
    groups = facts.get("groups") or [facts.get("group")]
    return {
        "case": told.reference or str(facts.get("reference") or ""),
        "of_case": "" if told.reference is None else _OF_CASE.in_language(language).format(case=told.reference),
        "who": you if told.login is not None else between.join(_person(plan, one, language) for one in told.logins),
        "by": _person(plan, facts.get("by"), language),
        "clock": term(_CLOCKS, facts.get("clock")),
        "cause": cause,
        "due": time("due_at"),
        "acknowledge_by": time("acknowledge_by"),
        "earlier": str(facts.get("earlier") or ""),
        "task": name("task", facts.get("kind")),
        "groups": between.join(name("group", code) for code in groups if code),
        "category": name("category", told.category),
        "sub_category": name("subcategory", told.sub_category),
        "what": name("subcategory", told.sub_category) or name("category", told.category),
        "severity": name("severity", told.severity),
        "region": name("region", told.region),
        "group": name("group", told.group),
        "status": name("status", told.status),
        "assignee": _person(plan, told.assignee, language),
        **_brief(facts.get("brief"), plan, language),
    }


def _brief(brief: object, plan: Plan, language: Language) -> Mapping[str, str]:
    """What leadership is told with a report, as it was frozen."""
    told: Mapping[str, Any] = brief if isinstance(brief, Mapping) else {}
    what, doing, asked = (_mapping(told.get(key)) for key in ("what", "being_done", "asked"))
    between = "、" if language == "zh" else ", "
    return {
        "since": _local(told.get("since"), plan, language),
        "signals": between.join(plan.name_of("signal", str(one), language) for one in what.get("signals") or ()),
        "service": plan.name_of("service", str(what["service_type"]), language) if what.get("service_type") else "",
        "resolve_by": _local(doing.get("resolve_by"), plan, language),
        "estimate": _local(doing.get("estimated_repair_at"), plan, language),
        "asked": str(asked.get(language) or ""),
    }


def _about(told: Told, values: Mapping[str, str], language: Language) -> list[str]:
    """The case in a few lines; what isn't known is left out."""
    if told.reference is None:
        return []
    stop, end = ("：", "；") if language == "zh" else (": ", "; ")
    labels = _LABELS if told.kind == "reported" else _SHORT_LABELS
    rows = [(label.in_language(language), [values[key] for key in keys if values[key]]) for label, keys in labels]
    return [f"{label}{stop}{end.join(dict.fromkeys(found))}" for label, found in rows if found]


def _form_of(told: Told) -> _Form:
    if told.kind == "escalated" and told.facts.get("cause") in _APPROVALS:
        return _APPROVALS[told.facts["cause"]]
    if told.kind == "customer_replied" and told.facts.get("silent"):
        return _SILENT
    return _FORMS.get(told.kind, _OTHER)


def _local(value: object, plan: Plan, language: Language) -> str:
    """A time in the form of ISO 8601 as people write it, on the plan's clock."""
    if not value:
        return ""
    time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment(time.astimezone(ZoneInfo(plan.plan.time_zone)), language)


def _person(plan: Plan, login: object, language: Language) -> str:
    if not login:
        return ""
    try:
        return plan.person(str(login)).name.in_language(language)
    except NotFound:
        # People go, and what was told of them stays.
        return str(login)


def _mapping(value: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}


def _fitting(lines: Sequence[str], room: int, language: Language) -> str:
    """As many of the lines as there is room for, and how many more there are."""
    room -= _bytes(_MORE.in_language(language)) + 8
    kept: list[str] = []
    for line in lines:
        room -= _bytes(line) + 1
        if room < 0:
            break
        kept.append(line)
    rest = len(lines) - len(kept)
    return "\n".join([*kept, *([_MORE.in_language(language).format(count=rest)] if rest else [])])


def _cut(text: str, room: int) -> str:
    if _bytes(text) <= room:
        return text
    return text.encode()[: room - 3].decode(errors="ignore") + "…"


def _bytes(text: str) -> int:
    return len(text.encode())


def _text(zh: str, en: str) -> Text:
    # As it stands: a mark ends with its blank.
    return Text.model_construct(zh=zh, en=en)


def _terms(**texts: tuple[str, str]) -> Mapping[str, Text]:
    return MappingProxyType({code: _text(*both) for code, both in texts.items()})


_MANY: Final = _text("{count} 条提醒：{first} 等", "{count} alerts: {first}, and more")
_OF_CASE: Final = _text("（{case}）", " ({case})")
_MORE: Final = _text("另有 {count} 条，请到收件箱查看。", "{count} more are in the inbox.")

_SHORT_LABELS: Final = (
    (_text("投诉", "Case"), ("case", "category", "sub_category", "severity", "region")),
    (_text("目前", "Now"), ("status", "group", "assignee")),
)
_LABELS: Final = (
    (_text("投诉", "Case"), ("case", "category", "sub_category", "severity")),
    (_text("缘由", "Why"), ("cause", "signals")),
    (_text("地区和业务", "Where and what"), ("region", "service")),
    (_text("受理时间", "Since"), ("since",)),
    (_text("目前", "Now"), ("status", "group", "assignee")),
    (_text("预计修复", "Repair expected"), ("estimate",)),
    (_text("最迟办结", "To be settled by"), ("resolve_by",)),
)

_CLOCKS: Final = _terms(
    acknowledge=("受理通知", "acknowledgement"),
    respond=("首次响应", "first response"),
    estimate=("预计修复时间", "repair estimate"),
    update=("进展通报", "update"),
    repair=("故障修复（法定）", "repair (by law)"),
    resolve=("办结", "resolution"),
    regulator=("答复（监管时限）", "answer (regulator's limit)"),
    step=("流程步骤", "step of the playbook"),
    promise=("承诺的修复时间", "promised repair time"),
)
_ESCALATED: Final = _terms(
    deadline_missed=("逾期未完成", "a deadline was missed"),
    estimate_missed=("预计修复时间已过，仍未修复", "the estimated repair time passed without a repair"),
    regulator_limit=("临近或超过监管时限", "the regulator's limit is near or past"),
    reopened=("客户要求重新受理", "the customer reopened it"),
    by_hand=("同事请求支援", "a colleague asks for help"),
    unacknowledged=("上一级无人确认", "nobody below acknowledged it"),
    task_overdue=("任务逾期", "a task is overdue"),
)
_REPORTED: Final = _terms(
    judged=("系统判定为重大投诉", "it was judged to be a major complaint"),
    reclassified=("调整分类后属重大投诉", "it became a major complaint when it was reclassified"),
    by_hand=("客服人工上报", "customer service reported it"),
)

_FORMS: Final[Mapping[str, _Form]] = MappingProxyType(
    {
        "assigned": _Form(
            _text("{case} 已派给{who}", "{case} is assigned to {who}"),
            _text("请接单并尽快联系客户。", "Please accept it and contact the customer soon."),
        ),
        "deadline_warned": _Form(
            _text("{case} 的“{clock}”将于 {due} 到期", "{case}: the {clock} is due {due}"),
            _text(
                "请在此之前完成；如有困难，请现在就升级求助。",
                "Please get it done before then; if that can't be, escalate it now.",
            ),
        ),
        "deadline_missed": _Form(
            _text("{case} 的“{clock}”已逾期", "{case}: the {clock} is overdue"),
            _text("请立即处理，并告知客户新的时间。", "Please see to it at once, and tell the customer the new time."),
            _text("应于 {due} 前完成。", "It was due {due}."),
        ),
        "escalated": _Form(
            _text("【升级】{case}：{cause}", "Escalated to {who}: {case}, {cause}"),
            _text(
                "请在 {acknowledge_by} 前在该投诉上确认收到，并决定由谁、怎样处理。到时无人确认，将再上报一级。",
                "Please acknowledge it on the case by {acknowledge_by}, and decide who does what. If nobody does by "
                "then, it goes one step further up.",
            ),
            _text("该投诉已升级给{who}。", ""),
        ),
        "reported": _Form(
            _text("【重大投诉】{case} {what}（{severity}）", "Major complaint {case}: {what} ({severity})"),
            _text("{asked}", "{asked}"),
            _text(
                "已上报应急处理领导小组，现在需要您知悉。",
                "It is reported to the leadership group, who must know of it now.",
            ),
        ),
        "customer_replied": _Form(
            _text("{case} 的客户有回复", "{case}: the customer has answered"),
            _text("请查看并继续办理。", "Please read it and go on."),
        ),
        "repeated": _Form(
            _text("客户再次投诉：{earlier} 之后又有 {case}", "The customer complains again: {case}, after {earlier}"),
            _text("请与新单处理人一起查明原因。", "Please find out why, together with who has the new case."),
            _text("{earlier} 由{who}经办。", "{earlier} was handled by {who}."),
        ),
        "task_given": _Form(
            _text("新任务：{task}{of_case}", "New task: {task}{of_case}"),
            _text("请在 {due} 前完成并记录结果。", "Please do it by {due} and note what came of it."),
        ),
        "task_overdue": _Form(
            _text("任务逾期：{task}{of_case}", "Task overdue: {task}{of_case}"),
            _text(
                "请在 {acknowledge_by} 前确认收到并安排人完成；到时无人确认，将再上报一级。",
                "Please acknowledge it by {acknowledge_by} and see that it is done. If nobody does by then, it goes "
                "one step further up.",
            ),
            _text("{groups}应于 {due} 前完成。", "{groups} should have done it by {due}."),
        ),
        "directive_issued": _Form(
            _text("【应急指令】{groups}，{due} 前落实", "Emergency directive to {groups}, due {due}"),
            _text(
                "请现在阅读指令、确认收到，并反馈进展。",
                "Please read it now, acknowledge it, and say how far you are.",
            ),
        ),
        "directive_progress": _Form(
            _text("应急指令有进展：{groups} {by}", "Progress on a directive: {by}, {groups}"),
            _text("请查看；要求落实的时间是 {due}。", "Please read it; the directive is due {due}."),
        ),
        "directive_overdue": _Form(
            _text("应急指令逾期：{groups}", "Directive overdue: {groups}"),
            _text("请落实并反馈，或由领导小组办结。", "Please carry it out and say so, or have leadership close it."),
            _text("应于 {due} 前落实。", "It was due {due}."),
        ),
    }
)
_APPROVALS: Final[Mapping[object, _Form]] = MappingProxyType(
    {
        "approval": _Form(
            _text("【待审批】{case} 的补偿", "To be decided: compensation for {case}"),
            _text(
                "请批准或驳回；客户在等您的决定。",
                "Please approve or decline it; the customer waits for your decision.",
            ),
        ),
        "declined": _Form(
            _text("{case} 的补偿未获批准", "The compensation for {case} was declined"),
            _text("请查看理由，与客户另行商定。", "Please read why, and agree on something else with the customer."),
        ),
    }
)
_SILENT: Final = _Form(
    _text("{case} 的客户逾期未回复", "{case}: the customer has not answered in time"),
    _text("该投诉恢复办理，请继续。", "The case goes on; please take it up again."),
)
_OTHER: Final = _Form(
    _text("{case} 有新情况", "News of {case}"), _text("请到收件箱查看。", "Please look into your inbox.")
)
