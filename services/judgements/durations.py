"""Finds how long a trouble has lasted, in the customer's words: ``断网三天了``, ``for 5 days``, ``since Monday``.

Only lengths that stand in such words count: how long somebody has been a customer, how long a contract runs and what is
free for three months say nothing about the trouble.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class Lasting:
    """A length of time and where its words stand in the folded text."""

    length: timedelta
    start: int
    end: int


def longest_duration(folded: str, received_at: datetime | None = None) -> Lasting | None:
    """The longest time that the text says the trouble has lasted.

    ``received_at`` (aware) is needed to know how long ago Monday was; without it days of the week are passed over.
    Only the first 4,000 characters are read.
    """
    folded = folded[:_READ]
    found = [*_chinese(folded), *_english(folded), *_since(folded), *_since_weekday(folded, received_at)]
    return max(found, key=lambda lasting: lasting.length, default=None)


_READ = 4_000

_HOUR, _DAY, _WEEK, _MONTH = 1, 24, 168, 720
_HOURS: Final = {"时": _HOUR, "钟": _HOUR, "天": _DAY, "周": _WEEK, "星": _WEEK, "礼": _WEEK, "月": _MONTH} | {
    "h": _HOUR,
    "d": _DAY,
    "w": _WEEK,
    "m": _MONTH,
}
_CHINESE_DIGITS: Final = {sign: float(value) for value, sign in enumerate("一二三四五六七八九十", 1)}
_CHINESE_NUMBERS: Final = {**_CHINESE_DIGITS, "两": 2.0, "半": 0.5, "几": 3.0}
_ENGLISH_NUMBERS: Final = {
    "a": 1,
    "an": 1,
    "couple of": 2,
    "few": 3,
    "several": 4,
    **{
        word: value
        for value, word in enumerate(
            ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
        )
    },
}

_CHINESE = re.compile(
    r"(?P<before>已经?|连续|持续|整整|将近|快|都|断了?|断网|拖了?|等了?|坏了?|停了?|故障|过了|超过|长达|第)?"
    r"(?P<number>\d{1,3}|[一二两三四五六七八九十半几]{1,3})(?:多|几)?"
    r"(?P<unit>个多?月|个?(?:星期|礼拜)|周|天|个?小时|个?钟头)"
    r"(?P<after>多?(?:了|都|还|没|不|无|以上|仍|未|过去))?"
)
_NOT_OF_TROUBLE = re.compile(r"(?:每|送|赠送?|免费|包|用了?|使用|期限|合约|合同|办了?|最低|在网|入网)\Z")
_NUMBER = rf"(?P<number>\d{{1,3}}|{'|'.join(sorted(_ENGLISH_NUMBERS, key=len, reverse=True))})"
_ENGLISH_UNIT = r"(?P<unit>hours?|days?|weeks?|months?)"
_ENGLISH = (
    re.compile(
        r"(?P<context>[\w' ]{0,24})\b(?:for|over|past|last|after|been|already|nearly|almost|than)"
        r" (?:(?:the|over|past|last|almost|nearly|about|more than|at least) )*"
        rf"{_NUMBER}\+? (?:whole |full |straight )?{_ENGLISH_UNIT}\b"
        r"(?! (?:contract|free|plan|trial|promotion|agreement))"
    ),
    re.compile(
        rf"\b{_NUMBER}\+? {_ENGLISH_UNIT} (?:now|without|with no|already|straight|in a row|and counting|later)\b"
    ),
    re.compile(r"\b(?P<unit>day|week|month) (?P<number>\d{1,2}) (?:of|with no|without)\b"),
)
# Without one of these no expression below matches; looking for them first is far quicker.
_ENGLISH_HINT = re.compile(r"hour|day|week|month")
_TENURE = re.compile(
    r"\b(?:customer|client|subscriber|free|contract|discount|promo\w*|with (?:you|them)|loyal"
    r"|away|abroad|holiday|vacation|travel\w*)\b"
)
_SINCE = {
    re.compile(r"\bsince last week\b|(?:从|自)上(?:个|)?(?:周|星期|礼拜)(?![一二三四五六日天])"): timedelta(days=7),
    re.compile(r"\bsince last month\b|(?:从|自)上个?月"): timedelta(days=30),
}
_WEEKDAY = re.compile(
    r"\bsince (?:last )?(?P<en>mon|tues|wednes|thurs|fri|satur|sun)day\b"
    r"|(?:从|自)(?:这?周|星期|礼拜)(?P<zh>[一二三四五六日天])"
)
_ENGLISH_DAYS: Final = ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
_CHINESE_DAYS: Final = "一二三四五六日"


def _chinese(folded: str) -> Iterator[Lasting]:
    if folded.isascii():
        return
    for found in _CHINESE.finditer(folded):
        if not (found["before"] or found["after"]):
            continue
        # 第三天 is how long it lasts; 第一个月 is which month, mostly of a bill.
        if found["before"] == "第" and "月" in found["unit"]:
            continue
        if _NOT_OF_TROUBLE.search(folded, max(0, found.start() - 4), found.start()):
            continue
        number = found["number"]
        value = float(number) if number.isdecimal() else _chinese_number(number)
        yield _lasting(value, found["unit"].lstrip("个多小")[0], found)


def _english(folded: str) -> Iterator[Lasting]:
    if not _ENGLISH_HINT.search(folded):
        return
    for pattern in _ENGLISH:
        for found in pattern.finditer(folded):
            if _TENURE.search(found.groupdict().get("context") or ""):
                continue
            number = found["number"]
            value = float(number) if number.isdecimal() else float(_ENGLISH_NUMBERS[number])
            yield _lasting(value, found["unit"][0], found)


def _since(folded: str) -> Iterator[Lasting]:
    for pattern, length in _SINCE.items():
        for found in pattern.finditer(folded):
            yield Lasting(length, found.start(), found.end())


def _since_weekday(folded: str, received_at: datetime | None) -> Iterator[Lasting]:
    if received_at is None:
        return
    for found in _WEEKDAY.finditer(folded):
        day = _ENGLISH_DAYS.index(found["en"]) if found["en"] else _CHINESE_DAYS.index(found["zh"].replace("天", "日"))
        yield Lasting(timedelta(days=(received_at.weekday() - day) % 7), found.start(), found.end())


def _lasting(value: float, unit: str, found: re.Match[str]) -> Lasting:
    start = found.start("number") if found.groupdict().get("context") is not None else found.start()
    return Lasting(timedelta(hours=value * _HOURS[unit]), start, found.end())


def _chinese_number(signs: str) -> float:
    """Up to ninety-nine: 三, 十五, 二十, 三十五; 十几 counts as thirteen."""
    tens, ten, ones = signs.rpartition("十")
    if not ten:
        return _CHINESE_NUMBERS[signs[-1]]
    return (_CHINESE_NUMBERS[tens[-1]] if tens else 1) * 10 + (_CHINESE_NUMBERS[ones[-1]] if ones else 0)
