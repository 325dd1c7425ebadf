"""How the plan says complaints are judged: when a person decides the category, and what makes a complaint grave.

Values only; judging itself is in `services.judgements`. A signal is set off by words or by facts, and everything that
sets one off stands in the plan, so that an operator changes it without touching the program.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from services.plan.values import (
    AccountPattern,
    Code,
    CurrencyCode,
    Duration,
    Entry,
    Number,
    Phrase,
    PositiveNumber,
    Share,
    Text,
)
from services.plan.vocabulary import Category, Channel, Severity

LEAST_LEARNED: Final = 0.3
"""The least probability from which on a plan can let the model set a signal off; below it would cry wolf."""


class Phrases(Entry):
    """Words that speak for a signal: literals, or regular expressions after ``re:``, regardless of case."""

    zh: tuple[Phrase, ...] = ()
    en: tuple[Phrase, ...] = ()


class Lasts(Entry):
    """From which length of the trouble on a signal is set off, by category; ``other`` for those not named.

    The length is read from the words (``断网三天了``, ``since Monday``) or from when the trouble began.
    """

    outage: Duration | None = None
    billing: Duration | None = None
    technical_support: Duration | None = None
    unclear: Duration | None = None
    other: Duration

    def from_on(self, category: Category) -> timedelta:
        """The length for complaints of this category."""
        length: timedelta | None = getattr(self, category)
        return self.other if length is None else length


class Earlier(Entry):
    """What earlier complaints of the same customer about the same matter weigh.

    The same matter is the same category and service. The first counts the signal's weight, each further one ``further``
    more, up to ``most`` of them altogether.
    """

    within: Duration
    further: PositiveNumber = 0.0
    most: Annotated[int, Field(strict=True, ge=1, le=100)] = 5


class Signal(Entry):
    """Something in a complaint that makes it graver by ``weight`` (or less grave, when negative).

    Beside ``phrases``: what the category model has ``learned`` to hear, from this probability on; how long the trouble
    ``lasts``; ``earlier`` complaints; the ``amounts`` in dispute from which on it is set off (by currency, in whole
    units); the ``channels`` by which it came; the customer's ``standings``.
    """

    code: Code
    name: Text
    weight: Number
    phrases: Phrases = Phrases()
    lasts: Lasts | None = None
    earlier: Earlier | None = None
    learned: Annotated[float, Field(strict=True, ge=LEAST_LEARNED, le=1)] | None = None
    amounts: Mapping[CurrencyCode, PositiveNumber] = {}
    channels: tuple[Channel, ...] = ()
    standings: tuple[Code, ...] = ()


class Standing(Entry):
    """What a customer is to the operator, beyond any other. Known from ``customer.standing``, or by the account's form.

    ``accounts`` are patterns such as ``VIP-*``: ``*`` stands for anything, ``?`` for one character, regardless of case.
    """

    code: Code
    name: Text
    accounts: tuple[AccountPattern, ...] = ()


class SeverityThresholds(Entry):
    """The least sum of weights for each severity; below ``minor`` a complaint is low."""

    critical: Number
    major: Number
    minor: Number


class Reportable(Entry):
    """Which complaints the leadership group must hear of (重大投诉): by severity, or by a signal in them."""

    severities: tuple[Severity, ...] = ()
    signals: tuple[Code, ...] = ()


# What each kind of trouble weighs by itself where a plan does not say: a lost service more than a slow one.
_BASE: Final[Mapping[str, float]] = {
    "outage": 1.2,
    "no_service": 2.0,
    "area_outage": 3.0,
    "billing": 1.0,
    "opaque_tariff": 0.5,
    "technical_support": 0.5,
    "installation": 1.0,
    "number_porting": 1.0,
    "service_quality": 1.0,
    "unclear": 0.5,
}


class Judging(Entry):
    """How severity is judged, and below which confidence (0 to 1) a person decides the category.

    ``base`` is what a complaint weighs before any signal: by its sub-category, else by its category.
    """

    unclear_below: Share
    reportable: Reportable
    severity_thresholds: SeverityThresholds
    base: Mapping[Code, Number] = _BASE
    signals: tuple[Signal, ...]

    def base_of(self, category: Category, sub_category: str | None) -> tuple[str, float]:
        """The code that decides the base, and its weight; a category that is not named weighs nothing."""
        if sub_category is not None and sub_category in self.base:
            return sub_category, self.base[sub_category]
        return category, self.base.get(category, 0.0)

    def must_report(self, severity: Severity, signals: Collection[str]) -> bool:
        """Whether the leadership group must hear of a complaint of this severity with these signals (重大投诉)."""
        return severity in self.reportable.severities or any(code in signals for code in self.reportable.signals)
