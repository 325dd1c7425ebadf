"""Times, lengths of time and amounts as people write them, in both languages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from services.plan.vocabulary import Language

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_ENDS: Final = (".", "!", "?", "…", "。", "！", "？")


def language_of(tag: str) -> Language:
    """The language in which a customer is written to: Chinese for ``zh`` and its variants, English for every other."""
    return "zh" if tag[:2].lower() == "zh" else "en"


def moment(value: str | datetime, language: str) -> str:
    """A time as people write it, on the clock of its own offset: ``2026年11月24日 10:30``, ``24 November 2026, 10:30``.

    A string is in the form of ISO 8601.
    """
    time = _read(value)
    if language == "zh":
        return f"{time.year}年{time.month}月{time.day}日 {time:%H:%M}"
    return f"{time.day} {_MONTHS[time.month - 1]} {time.year}, {time:%H:%M}"


def short(value: str | datetime, language: str) -> str:
    """A time of these weeks, for text messages: ``11月24日10:30``, ``24 Nov, 10:30``."""
    time = _read(value)
    if language == "zh":
        return f"{time.month}月{time.day}日{time:%H:%M}"
    return f"{time.day} {_MONTHS[time.month - 1][:3]}, {time:%H:%M}"


def duration(value: float | timedelta, language: str) -> str:
    """A length of time (a number is in seconds), rounded up to whole days, or to hours when shorter than two days."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    hours = -int(-seconds // 3600)
    if hours >= 48 or hours % 24 == 0:
        count, chinese, english = -(-hours // 24), "天", "day"
    else:
        count, chinese, english = hours, "小时", "hour"
    if language == "zh":
        return f"{count} {chinese}"
    return f"{count} {english}" if count == 1 else f"{count} {english}s"


def money(amount: str, currency: str, language: str) -> str:
    """An amount as it was decided, with its currency as people write it: ``人民币 59.00 元``, ``CNY 59.00``."""
    if language == "zh" and currency == "CNY":
        return f"人民币 {amount} 元"
    return f"{currency} {amount}"


def sentence(text: str, language: str) -> str:
    """What somebody wrote, with the full stop that it may lack, so that something can follow it."""
    return text if text.endswith(_ENDS) else text + ("。" if language == "zh" else ".")


def _read(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
