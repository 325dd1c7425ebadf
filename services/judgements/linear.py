"""The category model: a linear classifier on hashed pieces of words, and the words that moved it.

Each feature that a text contains pulls towards each kind by a weight; the sums become probabilities. Because the sums
are made of parts that stand somewhere in the text, the model can say which words spoke for what. Learning the weights
is in `services.judgements.training`; how a model is kept as bytes in `services.judgements.artefact`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.judgements.category import Alarm, Opinion
from services.judgements.evidence import reasons_of
from services.judgements.features import SLOTS, Spans, spans_of
from services.judgements.text import Readable
from services.judgements.values import KINDS, Facts, Kind, Reason
from services.plan.judging import LEAST_LEARNED

Floats = NDArray[np.float32]

NO_COMPLAINT: Final = "no_complaint"
CLASSES: Final[tuple[str, ...]] = (*KINDS, NO_COMPLAINT)


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned. Of ``n`` features: their slots, ascending; how much they say; their pull on each class.

    ``labels`` are the sub-categories, each with its kind, that ``finer`` pulls towards; ``alarms`` the signals of
    severity that ``alarm_pulls`` speak for. ``temperature`` divides sums before they become probabilities, so that
    these are no bolder than they have turned out to be right.
    """

    slots: NDArray[np.int64]
    rarity: Floats
    pulls: Floats
    bias: Floats
    labels: tuple[tuple[Kind, str], ...]
    finer: Floats
    finer_bias: Floats
    alarms: tuple[str, ...]
    alarm_pulls: Floats
    alarm_bias: Floats
    temperature: float


class LinearModel:
    """Judges the kind of complaints by learned weights. Pure, and safe to share between threads."""

    def __init__(self, name: str, weights: Weights) -> None:
        self.name = name
        self._weights = weights
        self._feature_at = np.full(SLOTS, -1, np.int32)
        self._feature_at[weights.slots] = np.arange(len(weights.slots), dtype=np.int32)
        self._pulls = weights.pulls / np.float32(weights.temperature)
        self._bias = weights.bias / np.float32(weights.temperature)
        self._of_kind = {kind: [at for at, label in enumerate(weights.labels) if label[0] == kind] for kind in KINDS}

    def opinions(self, texts: Sequence[Readable], facts: Sequence[Facts]) -> list[Opinion]:
        """The opinion on each complaint, in their order.

        Raises nothing: of a text without any known word the opinion knows nothing (`Opinion.known` is 0).
        """
        if not texts:
            return []
        spans = spans_of([text.folded for text in texts])
        found = _Found(spans, len(texts), self._feature_at, self._weights.rarity)
        pulls = self._pulls[found.features] * found.strengths[:, None]
        sums = found.summed(pulls) + self._bias
        given = [_from_facts(fact) for fact in facts]
        for row, reasons in enumerate(given):
            for reason in reasons:
                sums[row, CLASSES.index(reason.speaks_for)] += reason.weight
        said = reasons_of(texts, found.spans, found.of_spans(pulls), CLASSES, _told_apart(sums))
        shares = _shares(sums)
        finer = self._sub_categories(found)
        alarms = self._alarms(found, texts)
        return [
            Opinion(
                shares=dict(zip(KINDS, shares[row], strict=False)),
                sub_categories={kind: codes[row] for kind, codes in finer.items()},
                reasons=tuple(sorted((*said[row], *given[row]), key=_WEIGHT, reverse=True)),
                known=found.known[row],
                alarms=alarms.get(row, ()),
            )
            for row in range(len(texts))
        ]

    def _sub_categories(self, found: _Found) -> dict[Kind, list[str]]:
        """For each kind, the sub-category that the words of each text say most about."""
        sums = found.summed(self._weights.finer[found.features] * found.strengths[:, None]) + self._weights.finer_bias
        labels = self._weights.labels
        return {
            kind: [labels[of_kind[best]][1] for best in sums[:, of_kind].argmax(axis=1).tolist()]
            for kind, of_kind in self._of_kind.items()
            if of_kind
        }

    def _alarms(self, found: _Found, texts: Sequence[Readable]) -> dict[int, tuple[Alarm, ...]]:
        """The alarms of those texts that have any; nearly all have none, so words are looked for in these only."""
        names = self._weights.alarms
        pulls = self._weights.alarm_pulls[found.features] * found.strengths[:, None]
        shares = 1 / (1 + np.exp(-(found.summed(pulls) + self._weights.alarm_bias).astype(np.float64)))
        rows = np.flatnonzero((shares >= LEAST_LEARNED).any(axis=1)).tolist()
        of_all = found.of_spans(pulls) if rows else pulls
        heard: dict[int, tuple[Alarm, ...]] = {}
        for row in rows:
            spans, of_spans = found.row(row, of_all)
            alarms = []
            for at in np.flatnonzero(shares[row] >= LEAST_LEARNED).tolist():
                against = np.stack([of_spans[:, at], np.zeros(len(of_spans), np.float32)], axis=1)
                both = np.ones((1, 2), bool)
                told = reasons_of([texts[row]], spans, against, (names[at], ""), both)[0]
                best = next((one for one in told if one.signal), Reason(names[at], names[at], "", 0, 0, 0.0))
                alarms.append(Alarm(names[at], round(float(shares[row, at]), 4), best.words, best.start, best.end))
            heard[row] = tuple(alarms)
        return heard


_WEIGHT = attrgetter("weight")


# One syllable, however often it is repeated, says nothing.
_FEWEST_FEATURES: Final = 3


class _Found:
    """The known features of some texts: each once a text, with its strength, and the spans in which it stands."""

    def __init__(self, spans: Spans, count: int, feature_at: NDArray[np.int32], rarity: Floats) -> None:
        features = feature_at[spans.slots]
        known = features >= 0
        width = np.int64(len(rarity))
        keys, of_span, counts = np.unique(
            spans.rows[known] * width + features[known], return_inverse=True, return_counts=True
        )
        self.spans = Spans(spans.rows[known], spans.slots[known], spans.starts[known], spans.ends[known])
        self._of_span = of_span
        self._counts = counts.astype(np.float32)
        self.rows = keys // width
        self.features = keys % width
        strengths = rarity[self.features]
        norms = np.sqrt(np.bincount(self.rows, strengths.astype(np.float64) ** 2, count))
        self.strengths = (strengths / norms[self.rows]).astype(np.float32)
        all_spans = np.bincount(spans.rows, minlength=count)
        shares = np.bincount(self.spans.rows, minlength=count) / np.maximum(all_spans, 1)
        distinct = np.bincount(self.rows, minlength=count)
        self.known = np.where(distinct < _FEWEST_FEATURES, 0.0, shares).tolist()
        self._count = count

    def of_spans(self, values: Floats) -> Floats:
        """The values of the features, for each span; a feature that stands several times shares its value out."""
        shared: Floats = (values / self._counts[:, None])[self._of_span]
        return shared

    def row(self, row: int, of_spans: Floats) -> tuple[Spans, Floats]:
        """The spans of one text as if it were the only one, and what belongs to them of values for all spans."""
        here = self.spans.rows == row
        spans = self.spans
        alone = Spans(np.zeros(int(here.sum()), np.int64), spans.slots[here], spans.starts[here], spans.ends[here])
        return alone, of_spans[here]

    def summed(self, parts: Floats) -> Floats:
        """The sum of the parts of each text."""
        sums = np.zeros((self._count, parts.shape[1]), np.float32)
        present, starts = np.unique(self.rows, return_index=True)
        if len(present):
            sums[present] = np.add.reduceat(parts, starts, axis=0)
        return sums


# What the channel asked about, in the same measure as the sums of words: one such fact is a strong word.
_WEIGHT_OF_CONCERN = 1.0


def _from_facts(facts: Facts) -> list[Reason]:
    concerns = facts.concerns
    named = {"bill": concerns.bill, "promotion": concerns.promotion, "amount": concerns.amount}
    return [
        Reason(f"concerns_{what}", "billing", "", 0, 0, _WEIGHT_OF_CONCERN)
        for what, value in named.items()
        if value is not None
    ]


def _told_apart(sums: Floats) -> NDArray[np.bool_]:
    """Which classes the reasons tell apart: the kinds, and no complaint where it is one of the two likeliest."""
    apart = np.ones(sums.shape, bool)
    apart[:, -1] = (sums[:, -1:] < sums[:, :-1]).sum(axis=1) < 2
    return apart


def _shares(sums: Floats) -> list[list[float]]:
    """The probability of each class."""
    powers = np.exp((sums - sums.max(axis=1, keepdims=True)).astype(np.float64))
    shares: list[list[float]] = (powers / powers.sum(axis=1, keepdims=True)).tolist()
    return shares
