"""What the codes in events are called, in both languages, where the plan doesn't name them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.plan.values import Text

Terms = Mapping[str, Text]


def _terms(**texts: tuple[str, str]) -> Terms:
    return MappingProxyType({code.rstrip("_"): Text(zh=zh, en=en) for code, (zh, en) in texts.items()})


RULES: Final = _terms(
    least_loaded=("当班人员中在办最少", "fewest cases on hand among those on duty"),
    substitute=("代班", "stands in for somebody absent"),
    group_head=("无人当班，由组长接办", "nobody on duty, so the head of the group"),
    leadership_deputy=("无人可派，由领导小组副组长接办", "nobody to be found, so the leadership deputy"),
    by_hand=("人工指派", "given by a person"),
    taken=("主动接手", "taken over"),
    accepted=("接单", "accepted"),
    reopened=("重新受理", "reopened"),
    kept=("由原处理人继续办理", "kept by who had it"),
    handed_over=("转派，待派单", "handed over, waiting to be dispatched"),
    redispatched=("调整分类，待派单", "reclassified, waiting to be dispatched"),
    unmerged=("取消合并", "unmerged"),
)
WAYS: Final = _terms(
    phone=("电话", "phone"),
    email=("电子邮件", "e-mail"),
    sms=("短信", "text message"),
    chat=("在线聊天", "chat"),
    visit=("上门", "visit"),
    shop=("营业厅", "shop"),
    webhook=("系统回调", "webhook"),
    reply_to=("原渠道", "the channel it came from"),
    none=("无可用方式", "no way open"),
    other=("其他方式", "other"),
)
OUTCOMES: Final = _terms(
    reached=("已联系上", "reached"),
    no_answer=("无人接听", "no answer"),
    busy=("占线", "busy"),
    wrong_number=("号码有误", "wrong number"),
    refused=("客户拒绝沟通", "refused to talk"),
    message_left=("已留言", "message left"),
)
FAULTS: Final = _terms(
    cable=("线路或光缆", "cable"),
    equipment=("设备故障", "equipment"),
    power=("供电", "power"),
    congestion=("网络拥塞", "congestion"),
    configuration=("配置错误", "configuration"),
    software=("软件故障", "software"),
    third_party=("第三方原因", "third party"),
    at_customer=("客户侧设备或线路", "the customer's own devices or wiring"),
    none=("未发现故障", "no fault found"),
)
MISLEADING: Final = _terms(
    yes=("宣传存在误导", "the promotion was misleading"),
    no=("宣传不存在误导", "the promotion was not misleading"),
    partly=("宣传部分存在误导", "the promotion was partly misleading"),
)
LEGAL: Final = _terms(
    lawful=("合法合规", "lawful"),
    unlawful=("不合法", "unlawful"),
    risk=("存在法律风险", "a legal risk"),
)
GRANTS: Final = _terms(
    refund=("退费", "refund"),
    credit=("账户抵扣", "credit on the account"),
    waiver=("费用减免", "waiver of a charge"),
)
GRANT_STATUSES: Final = _terms(
    proposed=("待审批", "proposed"),
    approved=("已批准", "approved"),
    declined=("已驳回", "declined"),
    accepted=("客户接受", "accepted"),
    disputed=("客户不接受", "disputed"),
    paid=("已支付", "paid"),
)
NEEDS: Final = _terms(
    head=("组长", "the head of the group"),
    leadership=("应急处理领导小组", "the leadership group"),
)
RESUMED: Final = _terms(
    answered=("客户已答复", "the customer answered"),
    silent=("客户逾期未答复", "the customer was silent"),
    by_hand=("人工恢复", "taken up by hand"),
)
REPORT_CAUSES: Final = _terms(
    judged=("判定为重大投诉", "it was judged to be a major complaint"),
    reclassified=("调整分类后属重大投诉", "it became a major complaint when it was reclassified"),
    by_hand=("人工上报", "reported by a person"),
)
ESCALATION_CAUSES: Final = _terms(
    deadline_missed=("逾期未完成", "a deadline was missed"),
    estimate_missed=("预计修复时间已过", "the estimated repair time passed"),
    regulator_limit=("临近或超过监管时限", "the regulator's limit is near or past"),
    reopened=("客户要求重新受理", "the customer reopened it"),
    by_hand=("人工升级", "a person asked for help"),
    unacknowledged=("升级后无人确认", "nobody acknowledged"),
    task_overdue=("任务逾期", "a task is overdue"),
)
HOLDERS: Final = _terms(
    assignee=("处理人", "the assignee"),
    group_head=("组长", "the head of the group"),
    leadership_deputy=("领导小组副组长", "the leadership deputy"),
    leadership_head=("领导小组组长", "the leadership head"),
    senior_management=("高层管理人员", "senior management"),
)
CLOCKS: Final = _terms(
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
CLOCK_STATES: Final = _terms(
    running=("计时中", "running"),
    waiting=("暂停", "paused"),
    met=("按时完成", "met"),
    missed=("逾期", "missed"),
    ended=("随工单终止", "ended with the case"),
)
STEP_STATES: Final = _terms(
    done=("已完成", "done"),
    skipped=("已跳过", "skipped"),
    open=("未完成", "open"),
    not_wanted=("不需要", "not needed"),
)
ESTIMATE_STATES: Final = _terms(
    open=("未到期", "standing"),
    kept=("已兑现", "kept"),
    broken=("未兑现", "broken"),
    replaced=("已变更", "changed"),
    dropped=("不再适用", "dropped"),
)
RELATIONS: Final = _terms(
    repeat=("重复投诉", "repeat"),
    duplicate=("同一投诉", "duplicate"),
    child=("子工单", "child"),
    related=("相关工单", "related"),
)
DECISIONS: Final = _terms(
    customer_accepted=("客户接受处理结果", "the customer accepts the result"),
    customer_silent=("告知结果后客户未提出异议", "the customer was silent after the result was told"),
    final_decision=("最终决定", "a final decision"),
    approved=("批准", "approved"),
    declined=("驳回", "declined"),
    accepted=("接受", "accepted"),
    disputed=("不接受", "disputed"),
)
NOTICE_STATUSES: Final = _terms(
    pending=("待发送", "pending"),
    sent=("已发送", "sent"),
    delivered=("已送达", "delivered"),
    unconfirmed=("结果未知", "not known"),
    dropped=("未发送", "not sent"),
    failed=("发送失败", "failed"),
)
LABELS: Final = _terms(
    text=("内容", "Text"),
    reason=("原因", "Reason"),
    finding=("排查结论", "Finding"),
    what=("修复情况", "What was done"),
    facts=("事实", "Facts"),
    grounds=("理由", "Grounds"),
    material=("依据材料", "Material"),
    opinion=("法律意见", "Opinion"),
    said=("沟通内容", "What was said"),
    question=("问题", "Question"),
    name=("文件名", "File name"),
)
"""What the words of an event are called."""


def called(terms: Terms, code: str | None, language: str) -> str:
    """What a code is called; one that is not known is given back as it is."""
    if code is None:
        return ""
    text = terms.get(code)
    return code if text is None else text.in_language(language)
