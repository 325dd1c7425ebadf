"""What the customer's page says in each language, beside what the plan says itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from services.plan.vocabulary import Language


@dataclass(frozen=True, slots=True)
class Words:
    """The page's own words. ``happened`` says each fact of a case; ``{…}`` stands for what differs."""

    tag: str
    other: Language
    other_tag: str
    other_name: str
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
    private: str
    happened: Mapping[str, str]


WORDS: Final[Mapping[Language, Words]] = MappingProxyType(
    {
        "zh": Words(
            tag="zh-CN",
            other="en",
            other_tag="en",
            other_name="English",
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
            private="本页面仅供您本人查看，请勿转发链接。来电咨询时请报投诉编号。",
            happened=MappingProxyType(
                {
                    "received": "您的投诉已登记受理",
                    "classified": "已完成初步分析",
                    "reclassified": "已重新核定问题类型",
                    "dispatched": "已派给{group}",
                    "accepted": "处理人员已开始处理",
                    "estimate_set": "预计 {estimate} 前修复",
                    "resolved": "已有处理结果",
                    "closed": "投诉已办结",
                    "reopened": "已重新受理",
                }
            ),
        ),
        "en": Words(
            tag="en",
            other="zh",
            other_tag="zh-CN",
            other_name="中文",
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
            private="This page is for you alone; please don't pass the link on. If you call us, give the reference.",
            happened=MappingProxyType(
                {
                    "received": "We registered your complaint",
                    "classified": "We found out what kind of problem it is",
                    "reclassified": "We corrected the kind of problem",
                    "dispatched": "It went to the {group}",
                    "accepted": "Somebody started to work on it",
                    "estimate_set": "We expect the repair by {estimate}",
                    "resolved": "There is a result",
                    "closed": "The complaint was closed",
                    "reopened": "The complaint was reopened",
                }
            ),
        ),
    }
)
