"""Judges how grave a complaint is: the plan's signals, the kind of trouble, how long it lasts, what is at stake.

Each thing that counts adds its weight and is recorded with its words; the plan's thresholds turn the sum into a
severity. What a complaint is about is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from services.judgements.durations import longest_duration
from services.judgements.model import Facts, Reason
from services.judgements.text import Readable, readable
from services.plan.schema import Judging, Signal
from services.plan.values import REGEX_MARK
from services.plan.vocabulary import Category, Severity

GRAVER: Final = "graver"
MILDER: Final = "milder"


@dataclass(frozen=True, slots=True)
class Gravity:
    """A severity, whether the leadership must hear of it, and why; the reasons are the weightiest first."""

    severity: Severity
    reportable: bool
    reasons: tuple[Reason, ...]


class SeverityRules:
    """The plan's rules, compiled once. Pure: the same text and facts give the same gravity."""

    def __init__(self, judging: Judging) -> None:
        self._judging = judging
        self._signals = tuple(_CompiledSignal(signal) for signal in judging.signals)
        self._weights = {signal.code: signal.weight for signal in judging.signals}

    def gravity(self, text: Readable, facts: Facts, category: Category, sub_category: str | None) -> Gravity:
        """How grave the complaint is. The weight of each signal counts once, whatever set it off."""
        fired = {reason.signal: reason for reason in self._from_facts(text, facts, category)}
        for signal in self._signals:
            reason = signal.reason(text)
            if reason is not None:
                fired[reason.signal] = reason
        base = _base(category, sub_category)
        reasons = sorted((base, *fired.values()), key=lambda reason: (-reason.weight, reason.start, reason.signal))
        severity = self._severity(sum(reason.weight for reason in reasons))
        reportable = self._judging.reportable
        must_report = severity in reportable.severities or any(code in fired for code in reportable.signals)
        return Gravity(severity, must_report, tuple(reasons))

    def _severity(self, weight: float) -> Severity:
        thresholds = self._judging.severity_thresholds
        if weight >= thresholds.critical:
            return "critical"
        if weight >= thresholds.major:
            return "major"
        return "minor" if weight >= thresholds.minor else "low"

    def _from_facts(self, text: Readable, facts: Facts, category: Category) -> Iterator[Reason]:
        """Signals that the plan knows and that show in the facts or in a length of time, not in a phrase."""
        if facts.channel == "regulator":
            yield from self._fire(REGULATOR)
        if facts.repeated > 0:
            yield from self._fire(REPEATED)
        if facts.concerns.amount is not None and facts.concerns.amount >= _CONSIDERABLE:
            yield from self._fire(MONEY)
        long = _LONG_FOR_OUTAGE if category == "outage" else _LONG_OTHERWISE
        if facts.occurred_at and facts.received_at and facts.received_at - facts.occurred_at >= long:
            yield from self._fire(DURATION)
        lasting = longest_duration(text.folded, facts.received_at)
        if lasting is not None and lasting.length >= long:
            yield from self._fire(DURATION, text, lasting.start, lasting.end)

    def _fire(self, code: str, text: Readable | None = None, start: int = 0, end: int = 0) -> Iterator[Reason]:
        weight = self._weights.get(code)
        if weight is None:
            return
        words = ""
        if text is not None:
            start, end = text.span(start, end)
            words = text.original[start:end]
        yield Reason(code, _direction(weight), words, start, end, weight)


# The plan's signals that facts can set off as well as words. A plan without them loses only that.
REGULATOR: Final = "regulator_threat"
REPEATED: Final = "repeated_complaint"
MONEY: Final = "money_at_stake"
DURATION: Final = "long_duration"

# A fault is to be repaired within 48 hours in town (电信条例 art. 33); other matters become long after a week.
_LONG_FOR_OUTAGE = timedelta(hours=48)
_LONG_OTHERWISE = timedelta(days=7)
_CONSIDERABLE = Decimal(1000)

_BASE: Final[Mapping[str, float]] = {
    "area_outage": 3.0,
    "no_service": 2.0,
    "outage": 1.2,
    "opaque_tariff": 0.5,
    "billing": 1.0,
    "installation": 1.0,
    "number_porting": 1.0,
    "service_quality": 1.0,
    "technical_support": 0.5,
    "unclear": 0.5,
}


def _base(category: Category, sub_category: str | None) -> Reason:
    """What this kind of trouble weighs by itself: a lost service more than a slow one, a question least."""
    kind = sub_category if sub_category in _BASE else category
    return Reason(kind or category, GRAVER, "", 0, 0, _BASE[kind or category])


_DENIAL = re.compile(
    r"(?:没有|没|并非|不是|不会|并没|未|无|并无)(?:什么|任何)?\Z"
    r"|(?:\bnot?|\bnever|n't|\bwithout)(?: (?:a|an|any|the|that|really|in|at))* \Z"
)
_LONGEST_DENIAL = 20
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LETTERS = re.compile(r"[a-z]{2}")


class _CompiledSignal:
    """One signal of the plan with its phrases in folded form."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        literals: list[str] = []
        chinese: list[re.Pattern[str]] = []
        english: list[re.Pattern[str]] = []
        for phrases, patterns in ((signal.phrases.zh, chinese), (signal.phrases.en, english)):
            for phrase in phrases:
                if phrase.startswith(REGEX_MARK):
                    patterns.append(re.compile(phrase.removeprefix(REGEX_MARK), re.IGNORECASE))
                else:
                    literals.append(readable(phrase).folded)
        self._literals = tuple(literals)
        # A pattern with Chinese characters finds nothing in a text without any, nor an English one without letters.
        self._for_any = tuple(pattern for pattern in chinese if not _HAN.search(pattern.pattern))
        self._for_chinese = tuple(pattern for pattern in chinese if _HAN.search(pattern.pattern))
        self._for_english = tuple(english)

    def reason(self, text: Readable) -> Reason | None:
        """The first words that set the signal off; None where there are none, or where they are denied."""
        for start, end in self._places(text.folded):
            before = text.folded[max(0, start - _LONGEST_DENIAL) : start]
            if not _DENIAL.search(before):
                start, end = text.span(start, end)
                weight = self._signal.weight
                words = text.original[start:end]
                return Reason(self._signal.code, _direction(weight), words, start, end, weight)
        return None

    def _places(self, folded: str) -> Iterator[tuple[int, int]]:
        for literal in self._literals:
            start = folded.find(literal)
            while start >= 0:
                end = start + len(literal)
                if _whole_words(folded, start, end):
                    yield start, end
                start = folded.find(literal, end)
        patterns = [*self._for_any]
        if not folded.isascii():
            patterns += self._for_chinese
        if _LETTERS.search(folded):
            patterns += self._for_english
        for pattern in patterns:
            for found in pattern.finditer(folded):
                yield found.span()


def _whole_words(folded: str, start: int, end: int) -> bool:
    """Whether a Latin phrase begins and ends with a word; a plural s may follow."""
    if folded[start].isascii() and folded[start].isalnum() and start and _latin(folded[start - 1]):
        return False
    if not _latin(folded[end - 1]) or end == len(folded) or not _latin(folded[end]):
        return True
    return folded[end] == "s" and (end + 1 == len(folded) or not _latin(folded[end + 1]))


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _direction(weight: float) -> str:
    return GRAVER if weight >= 0 else MILDER
