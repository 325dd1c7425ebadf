"""The words, in Chinese and English, for why a case is with somebody and not with somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from services.plan.values import Text

BECAUSE: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "leave": Text(zh="休假", en="on leave"),
        "sick": Text(zh="病假", en="sick"),
        "training": Text(zh="培训", en="at a training"),
        "off_duty": Text(zh="已签退", en="signed off"),
        "shift": Text(zh="不在班", en="outside their shift"),
        "gone": Text(zh="已不在预案名单中", en="no longer in the plan"),
        "excluded": Text(zh="本次不予考虑", en="not to be considered"),
        "full": Text(zh="手上已满", en="as many cases as they may have"),
        "language": Text(zh="不会说客户的语言", en="doesn't speak the customer's language"),
        "skills": Text(zh="对此类问题较不熟悉", en="knows less of what it is about"),
        "busier": Text(zh="手上更多", en="has more on hand"),
        "fuller": Text(zh="按上限折算手上更多", en="has more on hand for their capacity"),
        "later": Text(zh="更晚接到过新投诉", en="got a case more recently"),
        "order": Text(zh="条件相同，顺序在后", en="as well suited, and later in the list"),
    }
)
"""Why somebody was passed over, or why they went: the codes that records and pages hold."""

LANGUAGES: Final[Mapping[str, Text]] = MappingProxyType(
    {"zh": Text(zh="中文", en="Chinese"), "en": Text(zh="英文", en="English")}
)

OFFICES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "head": Text(zh="组长", en="the head of the group"),
        "deputy": Text(zh="副组长", en="the deputy of the group"),
        "leadership_deputy": Text(zh="领导小组副组长", en="the deputy of the leadership group"),
        "leadership_head": Text(zh="领导小组组长", en="the head of the leadership group"),
    }
)

ON_DUTY: Final = Text(zh="{name}当值", en="{name} is on duty")
SPEAKS: Final = Text(zh="会说{language}", en="speaks {language}")
SPEAKS_NOT: Final = Text(
    zh="会说{language}的人不当值或手上已满", en="those who speak {language} are off duty or have all they may have"
)
KNOWS: Final = Text(zh="熟悉{skills}", en="knows {skills}")
LOAD: Final = Text(zh="手上{load}件（上限{capacity}）", en="has {load} on hand (of {capacity} at most)")


class Punctuation(NamedTuple):
    """What stands between things in a list, parts of a sentence, an aside, and sentences; and at a sentence's end."""

    listed: str
    part: str
    aside: str
    end: str
    sentence: str


CHINESE: Final = Punctuation("、", "，", "；", "。", "")
ENGLISH: Final = Punctuation(", ", ", ", "; ", ".", " ")

COMPARED: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "alone": Text(zh="同组目前没有其他人当值", en="and nobody else of the group is on duty"),
        "fewest": Text(zh="比同组其他人少", en="fewer than the others of the group"),
        "fewest_for_capacity": Text(
            zh="按上限折算比同组其他人少", en="for their capacity fewer than the others of the group"
        ),
        "fewest_of_fitting": Text(zh="比其他同样合适的人少", en="fewer than others who suit it as well"),
        "fewest_of_fitting_for_capacity": Text(
            zh="按上限折算比其他同样合适的人少", en="for their capacity fewer than others who suit it as well"
        ),
        "longest": Text(
            zh="同样合适的人中没有更少的，且最久没有接到新投诉",
            en="nobody who suits it as well has fewer, and theirs was the longest wait for a case",
        ),
        "equal": Text(zh="同样合适的人中没有更少的", en="nobody who suits it as well has fewer"),
        "skills": Text(
            zh="比其他当值的人更熟悉此类问题", en="and knows more of what it is about than the others on duty"
        ),
        "language": Text(
            zh="其他当值的人不会说客户的语言", en="and the others on duty don't speak the customer's language"
        ),
        "full": Text(zh="其他当值的人手上已满", en="and the others on duty have all they may have"),
    }
)

FALLBACK: Final = Text(
    zh="同组无人当值，由{office}{name}处理", en="Nobody of the group is on duty, so it is with {office}, {name}"
)
SKIPPED: Final = Text(zh="{name}{because}", en="{name} is {because}")
MOVED: Final = Text(zh="此前由{previous}处理（{because}）。", en="{previous} had it before ({because}).")

BY_RULE: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "substitute": Text(
            zh="由{previous}指定的代理人{name}接手。", en="{name} stands in for {previous}, who named them."
        ),
        "by_hand": Text(zh="由人工指派给{name}。", en="It was given to {name} by hand."),
        "taken": Text(zh="由{name}主动接手。", en="{name} took it over."),
        "accepted": Text(zh="由{name}接单。", en="{name} accepted it."),
        "reopened": Text(zh="重新受理，由{name}处理。", en="It was reopened and is with {name}."),
        "handed_over": Text(zh="已转派，等待分派给人。", en="It was handed over and waits to be given to somebody."),
        "kept": Text(zh="仍由此前处理的{name}负责。", en="It stays with {name}, who had it before."),
    }
)
WITH: Final = Text(zh="由{name}处理。", en="It is with {name}.")
NOBODY: Final = Text(zh="尚未分派到人。", en="It is with nobody yet.")
SOMEBODY: Final = Text(zh="当前处理人", en="the one who has it")
"""Stands for a name that the record doesn't hold."""
