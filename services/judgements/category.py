"""Judges what kind of complaint a text is: outage, billing or technical support.

`CategoryModel` is what the judge relies on; the weighted lexicon here is one such model. Severity is judged elsewhere,
and whether a confidence is high enough is the plan's decision, not the model's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from services.judgements.lexicon import NO_COMPLAINT, SpeaksFor, Term, shipped_lexicon
from services.judgements.model import KINDS, Facts, Kind, Reason
from services.judgements.phrases import Hit
from services.judgements.text import Readable


@dataclass(frozen=True, slots=True)
class Opinion:
    """A model's view. ``shares`` are probabilities; what they lack to 1 is the share of "no complaint of these kinds".

    ``sub_categories`` names the likeliest for each kind that has one. ``reasons`` are the weightiest first.
    """

    shares: Mapping[Kind, float]
    sub_categories: Mapping[Kind, str]
    reasons: tuple[Reason, ...]


class CategoryModel(Protocol):
    """Judges the kind of a complaint. Pure: the same text and facts give the same opinion."""

    @property
    def version(self) -> str: ...

    def opinion(self, text: Readable, facts: Facts) -> Opinion: ...


class LexiconModel:
    """Adds up what the words of the lexicon say, each further word of a kind a little less."""

    version: Final = "lexicon-1"

    def __init__(self) -> None:
        self._lexicon = shipped_lexicon()

    def opinion(self, text: Readable, facts: Facts) -> Opinion:
        """Raises nothing: a text without any known word gives even shares and no reasons.

        What a complaint is about is said at its beginning, so only the first 4,000 characters are read.
        """
        folded = text.folded[:_READ]
        hits = _first_of_each_phrase(_outermost(self._lexicon.find(folded)))
        said = [hit for hit in hits if not _denied(folded, hit)]
        reasons = [_reason(text, hit) for hit in said]
        reasons += _measures(text)
        reasons += _from_facts(facts)
        reasons.sort(key=lambda reason: (-reason.weight, reason.start, reason.signal))
        return Opinion(_shares(reasons, facts), _sub_categories(said), tuple(reasons))


_TEMPERATURE = 0.75
_FADING = 0.75
# How strong "none of these" is where no word speaks for anything.
_BACKGROUND = 0.2
_READ = 4_000
_WEIGHT_OF_CONCERN = 1.5
# Where words say nothing, what the service makes likelier; weak enough that any word outweighs it.
_LEANING: Final[Mapping[str, tuple[Kind, float]]] = {
    "broadband": ("outage", 0.3),
    "mobile": ("outage", 0.1),
    "fixed_line": ("outage", 0.2),
    "tv": ("outage", 0.2),
}
_LEANING_OTHERWISE: Final[tuple[Kind, float]] = ("billing", 0.1)

_MEASURES: Final = (
    (
        re.compile(r"[$£€¥]\s?\d[\d,.]{0,12}|(?<![\d.])\d[\d,.]{0,12}\s?(?:多?元|多?块|rmb\b|dollars\b|bucks\b|usd\b)"),
        "money",
        0.9,
    ),
    (
        re.compile(
            r"(?<![\d.])\d[\d.]{0,5}\s?(?:个?g|多?m|gb|mb|兆)(?:[^a-z\d。！？!?][^。！？!?]{0,4})?(?:没了|没有了|不见了|用完|跑完)"
        ),
        "data_gone",
        2.0,
    ),
)
_DENIAL = re.compile(
    r"(?:没有|没|并没|从不|不会|不|无|未|并未)(?:出现过?|发生过?|遇到过?|再|怎么|太|很)?\Z"
    r"|(?:\bnot?|\bnever|n't|\bwithout|\bhardly)(?: (?:a|an|any|the|that|very|really|so|too|had|have|having|been))* \Z"
)
_LONGEST_DENIAL = 24
_BEGINS_DENIED = re.compile(r"没|无|不|未|no\b|not\b|without|can't|cannot|cant|unable|couldn't|won't|lo(?:st|ss)")


def _outermost(hits: Iterable[Hit[Term]]) -> list[Hit[Term]]:
    """The hits that are not part of a longer one. A gapped phrase swallows only words of its own kind."""
    kept: list[Hit[Term]] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end, -hit.meaning.weight)):
        inside = any(
            other.end >= hit.end
            and (other.meaning.speaks_for == hit.meaning.speaks_for or not other.meaning.gapped)
            and (other.start, other.end) != (hit.start, hit.end)
            for other in kept[-_NEIGHBOURS:]
        )
        if not inside:
            kept.append(hit)
    return kept


# No phrase is long enough to lie within one that began more hits before.
_NEIGHBOURS = 12


def _first_of_each_phrase(hits: Iterable[Hit[Term]]) -> list[Hit[Term]]:
    """Each phrase once, where it stands first: saying it twice doesn't make it truer."""
    first: dict[str, Hit[Term]] = {}
    for hit in hits:
        first.setdefault(hit.meaning.phrase, hit)
    return list(first.values())


def _denied(folded: str, hit: Hit[Term]) -> bool:
    """Whether a trouble is said not to be there: ``not slow``, ``没有断网``. What a bill is about stays its subject."""
    if hit.meaning.speaks_for != "outage":
        return False
    before = folded[max(0, hit.start - _LONGEST_DENIAL) : hit.start]
    return bool(_DENIAL.search(before)) and not _BEGINS_DENIED.match(folded, hit.start)


def _reason(text: Readable, hit: Hit[Term]) -> Reason:
    start, end = text.span(hit.start, hit.end)
    term = hit.meaning
    signal = term.sub_category or term.speaks_for
    return Reason(signal, term.speaks_for, text.original[start:end], start, end, term.weight)


def _measures(text: Readable) -> Iterator[Reason]:
    """Figures that say something by their unit: a sum of money, a volume of data that is gone."""
    for pattern, signal, weight in _MEASURES:
        found = pattern.search(text.folded, 0, _READ)
        if found is not None:
            start, end = text.span(*found.span())
            yield Reason(signal, "billing", text.original[start:end], start, end, weight)


def _from_facts(facts: Facts) -> list[Reason]:
    concerns = facts.concerns
    named = {"bill": concerns.bill, "promotion": concerns.promotion, "amount": concerns.amount}
    return [
        Reason(f"concerns_{what}", "billing", "", 0, 0, _WEIGHT_OF_CONCERN)
        for what, value in named.items()
        if value is not None
    ]


def _shares(reasons: Iterable[Reason], facts: Facts) -> dict[Kind, float]:
    """Probabilities from the sums of weights; the reasons come weightiest first."""
    sums: dict[str, float] = dict.fromkeys((*KINDS, NO_COMPLAINT), 0.0)
    factors: dict[str, float] = dict.fromkeys(sums, 1.0)
    for reason in reasons:
        sums[reason.speaks_for] += reason.weight * factors[reason.speaks_for]
        factors[reason.speaks_for] *= _FADING
    kind, leaning = _LEANING.get(facts.service_type, _LEANING_OTHERWISE)
    sums[kind] += leaning
    sums[NO_COMPLAINT] += _BACKGROUND
    powers = {code: math.exp(weight / _TEMPERATURE) for code, weight in sums.items()}
    whole = sum(powers.values())
    return {kind: powers[kind] / whole for kind in KINDS}


def _sub_categories(hits: Iterable[Hit[Term]]) -> dict[Kind, str]:
    """For each kind, the sub-category that the words say most about."""
    sums: dict[SpeaksFor, dict[str, float]] = {}
    for hit in hits:
        term = hit.meaning
        if term.sub_category is not None:
            of_kind = sums.setdefault(term.speaks_for, {})
            of_kind[term.sub_category] = of_kind.get(term.sub_category, 0.0) + term.weight
    said = {kind: sums[kind] for kind in KINDS if kind in sums}
    return {kind: max(of_kind, key=lambda code: (of_kind[code], code)) for kind, of_kind in said.items()}
