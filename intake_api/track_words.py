"""What the customer's page says in each language, beside what the plan says itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from services.plan.vocabulary import Language


@dataclass(frozen=True, slots=True)
class Words:
    """The page's own words. ``happened`` says each fact of a case; ``{…}`` stands for what differs.

    Where a fact is told differently by what came of it, its name is followed by that: ``contacted.reached``. What
    stands in neither form is not shown. ``told`` says how a notice went, by its status; ``ways`` are what its ways
    are called.
    """

    title: str
    progress: str
    result: str
    details: str
    record: str
    received: str
    service: str
    group: str
    respond_by: str
    estimate: str
    overdue: str
    repaired: str
    private: str
    merged: str
    earlier: str
    wrote: str
    happened: Mapping[str, str]
    told: Mapping[str, str]
    ways: Mapping[str, str]


WORDS: Final[Mapping[Language, Words]] = MappingProxyType(
    {
        "zh": Words(
            title="投诉编号",
            progress="处理进度",
            result="处理结果",
            details="投诉信息",
            record="处理记录",
            received="受理时间",
            service="业务类型",
            group="处理部门",
            respond_by="预计答复",
            estimate="预计修复",
            overdue="{time}（已超时，我们正在抓紧处理）",
            repaired="修复时间",
            private="本页面仅供您本人查看，请勿转发链接。来电咨询时请报投诉编号。",
            merged="这项投诉已与您的另一项投诉（编号 {reference}）合并处理。需要补充或撤回的，请打开那项投诉的链接。",
            earlier="更早的记录不再显示。",
            wrote="查看内容",
            happened=MappingProxyType(
                {
                    "received": "您的投诉已登记受理",
                    "classified": "已完成初步分析",
                    "reclassified": "已重新核定问题类型",
                    "dispatched": "已派给{group}",
                    "accepted": "处理人员已开始处理",
                    "diagnosed": "已查明故障情况",
                    "estimate_set": "预计 {estimated_repair_at} 前修复",
                    "estimate_missed": "未能在 {estimated_repair_at} 前修复，我们深表歉意，正在抓紧处理",
                    "repaired": "故障已修复",
                    "explained": "已向您说明资费政策",
                    "compensation_decided.approved": "为您提供补偿：{money}",
                    "customer_answered.accepted": "您接受了补偿方案",
                    "customer_answered.disputed": "您不同意补偿方案，我们会重新研究",
                    "compensation_paid": "补偿已办理：{money}",
                    "contacted": "曾尝试联系您，未能联系上",
                    "contacted.reached": "已与您取得联系",
                    "guided": "已向您提供操作指导",
                    "visit_arranged": "已安排 {visit_at} 上门",
                    "awaiting_customer": "请您补充信息",
                    "reminded": "已提醒您补充信息",
                    "customer_replied": "已收到您的回复",
                    "resumed": "继续处理",
                    "resumed.silent": "暂未收到您的回复，我们先继续处理",
                    "updated": "已告知您处理进展",
                    "attached": "已收到您的附件",
                    "link_renewed": "已更换您的查询链接",
                    "survey_answered": "感谢您的评价",
                    "resolved": "已有处理结果",
                    "rejected": "未能受理，原因已告知您",
                    "withdrawn": "您已撤回投诉",
                    "closed": "投诉已办结",
                    "reopened": "已重新受理",
                }
            ),
            told=MappingProxyType(
                {
                    "pending": "{name}：{way}待发送",
                    "sent": "{name}：{way}已发送",
                    "delivered": "{name}：{way}已送达",
                    "unconfirmed": "{name}：{way}已发出，是否送达待确认",
                    "failed": "{name}：{way}未能送达",
                }
            ),
            ways=MappingProxyType({"sms": "短信", "email": "邮件", "webhook": "在线消息", "none": "消息"}),
        ),
        "en": Words(
            title="Complaint",
            progress="Progress",
            result="The result",
            details="Your complaint",
            record="What has happened so far",
            received="Received",
            service="Service",
            group="With",
            respond_by="Answer by",
            estimate="Estimated repair",
            overdue="{time} (overdue; we are working on it)",
            repaired="Repaired",
            private="This page is for you alone; please don't pass the link on. If you call us, give the reference.",
            merged="We handle this complaint together with another one of yours, {reference}. To add something or to "
            "withdraw it, please use the link of that one.",
            earlier="Earlier entries are not shown any more.",
            wrote="What we wrote",
            happened=MappingProxyType(
                {
                    "received": "We registered your complaint",
                    "classified": "We found out what kind of problem it is",
                    "reclassified": "We corrected the kind of problem",
                    "dispatched": "It went to the {group}",
                    "accepted": "Somebody started to work on it",
                    "diagnosed": "We found out what the fault is",
                    "estimate_set": "We expect the repair by {estimated_repair_at}",
                    "estimate_missed": "It wasn't repaired by {estimated_repair_at}; we are sorry and are on it",
                    "repaired": "The fault was repaired",
                    "explained": "We explained the charges to you",
                    "compensation_decided.approved": "We offered you compensation: {money}",
                    "customer_answered.accepted": "You accepted the compensation",
                    "customer_answered.disputed": "You didn't accept the compensation; we are looking at it again",
                    "compensation_paid": "The compensation was paid: {money}",
                    "contacted": "We tried to reach you, without success",
                    "contacted.reached": "We were in touch with you",
                    "guided": "We sent you guidance",
                    "visit_arranged": "A visit was arranged for {visit_at}",
                    "awaiting_customer": "We asked you for something",
                    "reminded": "We reminded you of our question",
                    "customer_replied": "We had your reply",
                    "resumed": "Work on it goes on",
                    "resumed.silent": "We had no reply yet and went on with what we have",
                    "updated": "We told you that work goes on",
                    "attached": "We had a file from you",
                    "link_renewed": "Your link to this page was made anew",
                    "survey_answered": "Thank you for telling us how it went",
                    "resolved": "There is a result",
                    "rejected": "We couldn't take it up, and told you why",
                    "withdrawn": "You withdrew the complaint",
                    "closed": "The complaint was closed",
                    "reopened": "The complaint was reopened",
                }
            ),
            told=MappingProxyType(
                {
                    "pending": "{name}: {way} waiting to be sent",
                    "sent": "{name}: {way} sent",
                    "delivered": "{name}: {way} delivered",
                    "unconfirmed": "{name}: {way} sent, not yet known to have arrived",
                    "failed": "{name}: {way} could not be delivered",
                }
            ),
            ways=MappingProxyType(
                {"sms": "text message", "email": "e-mail", "webhook": "online message", "none": "message"}
            ),
        ),
    }
)
