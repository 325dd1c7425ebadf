"""What each kind of notice knows: its facts by name, what they mean, and an example of each in both languages.

The notifier freezes exactly these with a notice, templates may use no others, and overrides are tried on the examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Final

from services.plan.vocabulary import Language


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. ``zh`` and ``en`` are examples, ``others`` what it can be besides; ``optional``: it may be None.

    ``words`` were written by people and may have thousands of characters; all else is short.
    """

    name: str
    meaning: str
    zh: object
    en: object
    others: tuple[object, ...] = ()
    optional: bool = False
    words: bool = False

    def example(self, language: Language) -> object:
        """What it may be in a letter in this language."""
        return self.zh if language == "zh" else self.en

    def values(self, language: Language) -> tuple[object, ...]:
        """The example and whatever else a template must cope with."""
        return (self.example(language), *self.others, *((None,) if self.optional else ()))


_SOON, _LATER = "2026-11-24T10:30:00+08:00", "2026-11-24T18:00:00+08:00"


def _time(name: str, meaning: str, example: str = _LATER, *, optional: bool = False) -> Fact:
    return Fact(name, f"{meaning} (a time)", example, example, optional=optional)


def _flag(name: str, meaning: str) -> Fact:
    return Fact(name, f"{meaning} (true or false)", True, True, (False,))


def _length(name: str, meaning: str, days: int) -> Fact:
    return Fact(name, f"{meaning} (a length of time)", days * 86400.0, days * 86400.0)


def _words(name: str, meaning: str, zh: str, en: str, *, optional: bool = False) -> Fact:
    return Fact(name, meaning, zh, en, optional=optional, words=True)


COMMON: Final = (
    Fact("reference", "what people call the case", "RD-7K3M-9PQ2-X", "RD-7K3M-9PQ2-X"),
    Fact("operator", "the operator's name in the plan", "示例电信", "Example Telecom"),
)
"""The facts that every kind has."""

_GROUP: Final = Fact("group", "the group that has the case", "技术支持组", "Technical support group")
_ASSIGNEE: Final = Fact("assignee", "the person who has the case", "陈国强", "Chen Guoqiang")
_RESPOND_BY: Final = _time("respond_by", "by when an answer is promised; None when that is past", optional=True)
_ESTIMATE: Final = _time("estimated_repair_at", "when the fault should be repaired")
_COMPENSATION: Final = (
    Fact("compensation", "refund, credit or waiver", "refund", "refund", ("credit", "waiver")),
    Fact("amount", "the amount as it was decided", "59.00", "59.00"),
    Fact("currency", "its currency", "CNY", "CNY"),
)
_ASKED: Final = (
    _words("question", "what the customer is asked", "光猫上的 LOS 灯是什么颜色？", "Which colour is the LOS light?"),
    _time("asked_at", "when they were asked first", _SOON),
    _time("answer_by", "how long an answer is waited for; None when that is past", optional=True),
)
_RIGHTS_ZH: Final = "如您对处理结果不满意，可向电信用户申诉受理机构申诉（电话 12300）。"
_RIGHTS_EN: Final = "If you aren't satisfied, you may appeal to the telecom users' appeals centre (phone 12300)."
_RIGHTS: Final = _words("rights", "where else the law lets them turn", _RIGHTS_ZH, _RIGHTS_EN, optional=True)
_SURVEY: Final = (
    Fact("survey", "the survey's id", "0198c5a0-7d3e-7000-8000-000000000001", "0198c5a0-7d3e-7000-8000-000000000001"),
    _time("expires_at", "until when its link works", "2026-12-08T18:00:00+08:00"),
)

OF_KINDS: Final[Mapping[str, tuple[Fact, ...]]] = MappingProxyType(
    {
        "acknowledgement": (_time("received_at", "when the complaint was received", _SOON), _RESPOND_BY),
        "dispatched": (_GROUP, _ASSIGNEE, _RESPOND_BY),
        "contacted": (_ASSIGNEE, _RESPOND_BY),
        "estimate": (
            _ESTIMATE,
            _time("previous", "what the customer was told before; None the first time", _SOON, optional=True),
            _flag("later", "whether it is later than the one before"),
            _words("reason", "why it changed", "抢修现场暴雨。", "Heavy rain on site.", optional=True),
        ),
        "estimate_missed": (_ESTIMATE,),
        "update": (
            _time("estimated_repair_at", "when the fault should be repaired; None when not known", optional=True),
            _time("next_by", "by when they hear again; None when not known", optional=True),
        ),
        "repaired": (
            _time("repaired_at", "when the fault was repaired"),
            _flag("late", "whether that was later than the customer was told"),
        ),
        "explanation": (
            _words(
                "text",
                "the explanation",
                "您的套餐首月按全月计费，次月起按自然月计费。",
                "The first month of your plan is charged in full, later ones by the calendar month.",
            ),
            Fact(
                "verdict",
                "whether a promotion misled the customer: yes, partly or no; None when that was not looked into",
                "yes",
                "yes",
                ("partly", "no"),
                optional=True,
            ),
        ),
        "compensation": (*_COMPENSATION, _flag("answer", "whether it waits for what the customer says to it")),
        "compensation_paid": (
            *_COMPENSATION,
            Fact("billing_reference", "the billing system's reference", "BILL-2026-118823", "BILL-2026-118823"),
        ),
        "unreached": (Fact("attempts", "how often they were tried in a row (a number)", 3, 3, (1,)),),
        "guidance": (
            _words("text", "what the colleague wrote", "请先断电。", "Please switch it off first.", optional=True),
            Fact("title", "the article's title", "重启光猫", "Restarting the modem", optional=True),
            Fact(
                "steps",
                "the article's steps (a list, empty without an article)",
                ("拔掉光猫的电源，等 1 分钟。", "重新通电，等指示灯亮稳。"),
                ("Unplug the modem and wait a minute.", "Plug it in again and wait until the lights are steady."),
                ((),),
                words=True,
            ),
            _flag("visit", "whether somebody will come as well"),
        ),
        "visit": (_time("visit_at", "when somebody comes"),),
        "question": _ASKED,
        "reminder": _ASKED,
        "result": (
            _words(
                "resolution",
                "the result",
                "小区主干光缆已重新熔接，您的宽带已恢复正常。",
                "The main cable to your building has been spliced, and your broadband works again.",
            ),
            _length("silence", "how long after it the case is closed when nothing is heard", 7),
            _RIGHTS,
        ),
        "rejected": (
            _words(
                "reason", "why it is not taken up", "该号码不属于我公司。", "The number does not belong to our company."
            ),
            Fact(
                "appeal",
                "what the plan says comes next",
                "如有异议，您可以要求复核。",
                "You can ask us to look at it again.",
            ),
            _RIGHTS,
        ),
        "withdrawn": (),
        "closed": (
            Fact(
                "decision",
                "customer_accepted, customer_silent or final_decision; None when not known",
                "final_decision",
                "final_decision",
                ("customer_accepted", "customer_silent"),
                optional=True,
            ),
            _length("reopen_within", "how long after the closing it can be reopened", 30),
            _RIGHTS,
        ),
        "reopened": (Fact("group", _GROUP.meaning, _GROUP.zh, _GROUP.en, optional=True),),
        "deadline_missed": (
            Fact(
                "clock", "respond (the answer is late) or resolve (the result is)", "respond", "respond", ("resolve",)
            ),
            _time("due_at", "by when it should have been", _SOON),
            _time("next_by", "the new promise; None when there is none", optional=True),
        ),
        "rights": (_words("rights", "where else the law lets them turn", _RIGHTS_ZH, _RIGHTS_EN),),
        "survey": _SURVEY,
        "survey_reminder": _SURVEY,
    }
)
"""The facts of each kind besides `COMMON`."""

SURVEYS: Final = frozenset({"survey", "survey_reminder"})
"""The kinds whose link leads to the survey."""


def facts_of_kind(kind: str) -> tuple[Fact, ...]:
    """All facts of a kind. Raises `KeyError` for an unknown one."""
    return (*COMMON, *OF_KINDS[kind])


def example(kind: str, language: Language) -> dict[str, object]:
    """Facts as a notice of this kind may have them, everything set."""
    return {fact.name: fact.example(language) for fact in facts_of_kind(kind)}


def variants(kind: str, language: Language) -> Iterator[dict[str, object]]:
    """Facts in every combination of what each can be, the example first."""
    facts = facts_of_kind(kind)
    names = [fact.name for fact in facts]
    for values in product(*(fact.values(language) for fact in facts)):
        yield dict(zip(names, values, strict=True))
