"""What the survey's page says in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from services.plan.vocabulary import Language


@dataclass(frozen=True, slots=True)
class SurveyWords:
    """``scores`` are the words for 1 to 5; ``wrong`` says what is wrong, by a code."""

    title: str
    intro: str
    until: str
    problem: str
    satisfaction: str
    scores: tuple[str, str, str, str, str]
    solved: str
    yes: str
    no: str
    comment: str
    comment_hint: str
    send: str
    private: str
    thanks: str
    noted: str
    noted_yes: str
    noted_no: str
    reopened: str
    task: str
    follow: str
    other: str
    expired: str
    expired_text: str
    cancelled: str
    cancelled_text: str
    wrong: Mapping[str, str]


SURVEY_WORDS: Final[Mapping[Language, SurveyWords]] = MappingProxyType(
    {
        "zh": SurveyWords(
            title="满意度回访",
            intro="您的投诉（编号 {reference}）已办结。请告诉我们处理得怎么样，不到一分钟就能填完。",
            until="链接有效期至 {time}。",
            problem="还没有提交成功",
            satisfaction="您对这次处理满意吗？",
            scores=("非常不满意", "不满意", "一般", "满意", "非常满意"),
            solved="您的问题解决了吗？",
            yes="解决了",
            no="没有解决",
            comment="还有什么想告诉我们？（可不填）",
            comment_hint="最多 {most} 个字。",
            send="提交评价",
            private="本页面仅供您本人填写，请勿转发链接。",
            thanks="感谢您的评价",
            noted="您的评价：“{score}”，{solved}。",
            noted_yes="问题已解决",
            noted_no="问题没有解决",
            reopened="很抱歉这次没有处理好。您的投诉已重新受理，我们会继续处理，并告诉您结果。",
            task="很抱歉没有让您满意。客服人员会跟进您反映的情况，并与您联系。",
            follow="查看处理进度",
            other="您此前已经提交过评价，以最先提交的为准。",
            expired="这次回访已经结束",
            expired_text="评价的期限已过，谢谢您。如果问题还没有解决，请打开投诉的跟踪链接要求重新处理，"
            "或联系客服并报投诉编号 {reference}。",
            cancelled="这次回访已经取消",
            cancelled_text="您的投诉（编号 {reference}）还在处理，暂时不需要评价。办结后我们会再请您评价。",
            wrong=MappingProxyType(
                {
                    "satisfaction": "请选择您的满意程度。",
                    "solved": "请选择问题是否解决。",
                    "too_long": "内容有 {count} 个字，最多 {most} 个字，请删减后再提交。",
                    "control_character": "内容里有无法保存的控制字符，请删除后再提交。",
                }
            ),
        ),
        "en": SurveyWords(
            title="How did it go?",
            intro="Your complaint (reference {reference}) is closed. Please tell us how we handled it; it takes less "
            "than a minute.",
            until="The link works until {time}.",
            problem="It wasn't sent yet",
            satisfaction="How satisfied are you with how we handled it?",
            scores=("Very dissatisfied", "Dissatisfied", "Neither", "Satisfied", "Very satisfied"),
            solved="Is your problem solved?",
            yes="Yes, it is solved",
            no="No, it isn't",
            comment="Anything else you want to tell us? (only if you like)",
            comment_hint="{most} characters at most.",
            send="Send",
            private="This page is for you alone; please don't pass the link on.",
            thanks="Thank you",
            noted="Your answer: “{score}”, and {solved}.",
            noted_yes="your problem is solved",
            noted_no="your problem isn't solved",
            reopened="We are sorry that it wasn't settled. Your complaint is reopened; we will go on with it and tell "
            "you the result.",
            task="We are sorry that you aren't satisfied. Customer service will look into it and contact you.",
            follow="Follow your complaint",
            other="You had answered before; your first answer counts.",
            expired="This survey is over",
            expired_text="The time to answer has passed; thank you all the same. If the problem isn't solved, please "
            "open the page of your complaint and ask us to reopen it, or call us and give the reference {reference}.",
            cancelled="This survey was cancelled",
            cancelled_text="We are still working on your complaint (reference {reference}), so there is nothing to "
            "answer yet. We will ask you once it is closed.",
            wrong=MappingProxyType(
                {
                    "satisfaction": "Please choose how satisfied you are.",
                    "solved": "Please choose whether it is solved.",
                    "too_long": "This has {count} characters; {most} is the most. Please shorten it.",
                    "control_character": "This contains a control character that can't be kept. Please delete it.",
                }
            ),
        ),
    }
)
