"""What is known of a complaint when it is judged, and the judgement itself, with the words that speak for it.

Values only. How they come about is in `services.judgements.judge`; nothing here reads or writes the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from services.plan.vocabulary import Category, Severity

# The three kinds of complaint. ``unclear`` is not a kind: it asks a person to choose one of these.
Kind = Literal["outage", "billing", "technical_support"]
KINDS: Final[tuple[Kind, ...]] = ("outage", "billing", "technical_support")


@dataclass(frozen=True, slots=True)
class Concerns:
    """What the complaint is about, as far as the channel asked."""

    product: str | None = None
    promotion: str | None = None
    bill: str | None = None
    amount: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier complaint of the same customer: what it was judged to be, and when it was received."""

    category: str | None
    service_type: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the complaint beside its words. Times are aware.

    ``standing`` is what the customer is to the operator, as a code of the plan; ``earlier`` their earlier complaints.
    """

    service_type: str = "other"
    channel: str = "web"
    language_hint: str | None = None
    concerns: Concerns = Concerns()
    standing: str | None = None
    earlier: tuple[Earlier, ...] = ()
    occurred_at: datetime | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that spoke for a category or a severity.

    ``words`` stand at ``start`` to ``end`` of the masked text. A reason that comes from the facts (the channel, an
    earlier complaint) or from the category itself has no words, and both positions are 0. ``value`` is the figure
    behind it where there is one, in ``unit``: ``hours``, ``complaints``, or a currency.
    """

    signal: str
    speaks_for: str
    words: str
    start: int
    end: int
    weight: float
    value: float | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Category and severity with their reasons, the weightiest first.

    ``category`` is ``unclear`` where ``confidence`` (0 to 1, that ``best_guess`` is right) is too low for the plan,
    where the text is no complaint, or where it is in neither Chinese nor English. ``language`` is an ISO 639 code, or
    ``other`` where the text does not tell. ``guesses`` are the likeliest kinds with their probabilities, best first.
    """

    category: Category
    best_guess: Kind
    sub_category: str | None
    confidence: float
    guesses: tuple[tuple[Kind, float], ...]
    severity: Severity
    reportable: bool
    language: str
    reasons: tuple[Reason, ...]
    severity_reasons: tuple[Reason, ...]
    model: str
