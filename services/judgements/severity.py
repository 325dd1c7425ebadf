"""Judges how grave a complaint is: what it is about, what its words say, how long it lasts, what is at stake.

Each thing that counts adds its weight and is recorded with its words or its figure; all weights and thresholds are the
plan's. What a complaint is about is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf
from typing import Final

from services.judgements.category import Alarm
from services.judgements.durations import longest_duration
from services.judgements.signals import SignalWords
from services.judgements.text import Readable
from services.judgements.values import Facts, Reason
from services.plan.judging import Earlier as EarlierRule
from services.plan.judging import Judging, Signal
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
    """The plan's rules, made ready once. Pure: the same text and facts give the same gravity."""

    def __init__(self, judging: Judging) -> None:
        self._judging = judging
        self._words = SignalWords(judging.signals)
        self._learned = {signal.code: signal for signal in judging.signals if signal.learned is not None}
        self._factual = tuple(signal for signal in judging.signals if _has_facts(signal))

    def gravity(
        self,
        text: Readable,
        facts: Facts,
        category: Category,
        sub_category: str | None,
        alarms: Sequence[Alarm] = (),
    ) -> Gravity:
        """How grave the complaint is. Each signal counts once, whatever set it off; ``alarms`` are the model's."""
        fired: dict[str, Reason] = {}
        for signal in self._factual:
            for reason in _from_facts(signal, text, facts, category):
                fired[signal.code] = _stronger(fired.get(signal.code), reason)
        for found in self._words.find(text.folded):
            reason = _said(found.signal, text, found.start, found.end)
            fired[reason.signal] = _stronger(fired.get(reason.signal), reason)
        for alarm in alarms:
            heard = self._learned.get(alarm.signal)
            if heard is not None and alarm.share >= (heard.learned or 0):
                words = alarm.words, alarm.start, alarm.end
                fired.setdefault(heard.code, Reason(heard.code, _direction(heard.weight), *words, heard.weight))
        code, base = self._judging.base_of(category, sub_category)
        reasons = [Reason(code, _direction(base), "", 0, 0, base), *fired.values()]
        reasons.sort(key=lambda reason: (-reason.weight, reason.start, reason.signal))
        severity = self._severity(sum(reason.weight for reason in reasons))
        return Gravity(severity, self._judging.must_report(severity, fired), tuple(reasons))

    def _severity(self, weight: float) -> Severity:
        thresholds = self._judging.severity_thresholds
        if weight >= thresholds.critical:
            return "critical"
        if weight >= thresholds.major:
            return "major"
        return "minor" if weight >= thresholds.minor else "low"


def _has_facts(signal: Signal) -> bool:
    return bool(signal.lasts or signal.earlier or signal.amounts or signal.channels or signal.standings)


def _from_facts(signal: Signal, text: Readable, facts: Facts, category: Category) -> Iterator[Reason]:
    """Why the facts set the signal off, if they do."""
    if facts.channel in signal.channels or facts.standing in signal.standings:
        yield _fact(signal)
    if signal.lasts is not None:
        yield from _lasting(signal, signal.lasts.from_on(category), text, facts)
    if signal.earlier is not None:
        yield from _repeated(signal, signal.earlier, facts, category)
    amount, currency = facts.concerns.amount, facts.concerns.currency
    if amount is not None and currency is not None and amount >= signal.amounts.get(currency, inf):
        yield _fact(signal, value=float(amount), unit=currency)


def _lasting(signal: Signal, long: timedelta, text: Readable, facts: Facts) -> Iterator[Reason]:
    if facts.occurred_at is not None and facts.received_at is not None:
        since = facts.received_at - facts.occurred_at
        if since >= long:
            yield _fact(signal, value=_hours(since), unit="hours")
    told = longest_duration(text.folded, facts.received_at)
    if told is not None and told.length >= long:
        yield replace(_said(signal, text, told.start, told.end), value=_hours(told.length), unit="hours")


def _repeated(signal: Signal, rule: EarlierRule, facts: Facts, category: Category) -> Iterator[Reason]:
    """Earlier complaints about the same: of the same category (any, where a person must decide) and service."""
    if facts.received_at is None:
        return
    earliest = facts.received_at - rule.within
    count = sum(
        one.service_type == facts.service_type
        and (category == "unclear" or one.category == category)
        and one.received_at >= earliest
        for one in facts.earlier
    )
    if count:
        further = rule.further * (min(count, rule.most) - 1)
        yield _fact(signal, weight=signal.weight + further, value=float(count), unit="complaints")


def _fact(signal: Signal, weight: float | None = None, value: float | None = None, unit: str | None = None) -> Reason:
    weight = signal.weight if weight is None else weight
    return Reason(signal.code, _direction(weight), "", 0, 0, weight, value, unit)


def _said(signal: Signal, text: Readable, start: int, end: int) -> Reason:
    start, end = text.span(start, end)
    return Reason(signal.code, _direction(signal.weight), text.original[start:end], start, end, signal.weight)


def _stronger(known: Reason | None, other: Reason) -> Reason:
    """Both ways in which a signal was set off as one reason: the weight and figure of the weightier, and any words."""
    if known is None:
        return other
    first, second = (known, other) if abs(known.weight) >= abs(other.weight) else (other, known)
    if not first.words and second.words:
        first = replace(first, words=second.words, start=second.start, end=second.end)
    if first.value is None:
        first = replace(first, value=second.value, unit=second.unit)
    return first


def _hours(length: timedelta) -> float:
    return round(length.total_seconds() / 3600, 1)


def _direction(weight: float) -> str:
    return GRAVER if weight >= 0 else MILDER
