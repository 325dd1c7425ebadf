"""Learns the weights of a category model from samples: logistic regression on the features of their texts.

The same samples in the same order give the same weights on the same machine. scikit-learn does the fitting and is
loaded only here, so that programs that judge never carry it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.judgements.features import SLOTS, spans_of
from services.judgements.linear import CLASSES, Floats, Weights
from services.judgements.text import readable
from services.judgements.training.corpus import PHRASES, Sample
from services.judgements.values import KINDS, Kind

# What only one person wrote says more about that person than about what people mean, and is no part of a model.
_FEWEST_AUTHORS: Final = 2
# How closely the weights may follow the samples (the inverse of the penalty on large weights).
_CLOSENESS: Final = 3.0
_CLOSENESS_OF_ALARMS: Final = 100.0
_SOUNDS_GRAVE: Final = 0.1
_ITERATIONS: Final = 500
_FOLDS: Final = 5
_TEMPERATURES: Final = tuple(round(0.3 + 0.05 * step, 2) for step in range(55))


@dataclass(frozen=True, slots=True)
class Fitted:
    """The weights, and how sums of them fared on texts that were left out of fitting.

    ``left_out`` holds the numbers of those samples, ``shares`` their probabilities, a row each.
    """

    weights: Weights
    left_out: tuple[int, ...]
    shares: NDArray[np.float64]


def fit(samples: Sequence[Sample], alarm_samples: Sequence[Sample] = ()) -> Fitted:
    """The weights that explain the samples best, with probabilities as bold as they are right on texts not learned.

    ``alarm_samples`` teach to hear signals of severity; the others count as ordinary for that. Raises ValueError when a
    class has no sample.
    """
    everything = _Table.of([*samples, *alarm_samples])
    alarm_names, alarm_pulls, alarm_bias = _alarms(everything, len(samples), alarm_samples)
    table = _Table(everything.matrix[: len(samples)], everything.slots, everything.rarity)
    labels = np.array([CLASSES.index(sample.label) for sample in samples])
    counts = np.array([sample.weight for sample in samples])
    missing = [name for at, name in enumerate(CLASSES) if not (labels == at).any()]
    if missing:
        raise ValueError(f"nothing to learn {', '.join(missing)} from")
    pulls, bias = _regression(table.matrix, labels, counts, len(CLASSES))
    finer_labels, finer, finer_bias = _finer(samples, table, counts)
    left_out, sums = _left_out(samples, table, labels, counts)
    temperature = _temperature(sums, labels[left_out], counts[left_out])
    weights = Weights(
        *(table.slots, table.rarity, pulls, bias),
        *(finer_labels, finer, finer_bias),
        *(alarm_names, alarm_pulls, alarm_bias),
        temperature,
    )
    return Fitted(weights, tuple(left_out.tolist()), _shares(sums / temperature))


@dataclass(frozen=True, slots=True)
class _Table:
    """Which known features each text has, row by row, each row scaled to length one."""

    matrix: Any
    slots: NDArray[np.int64]
    rarity: Floats

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> _Table:
        from scipy import sparse

        spans = spans_of([readable(sample.text).folded for sample in samples])
        keys = np.unique(spans.rows * SLOTS + spans.slots)
        rows, slots = keys // SLOTS, keys % SLOTS
        texts = np.bincount(slots, minlength=SLOTS)
        by_author = np.unique(_authors(samples)[rows] * SLOTS + slots) % SLOTS
        known = np.flatnonzero(np.bincount(by_author, minlength=SLOTS) >= _FEWEST_AUTHORS)
        feature_at = np.full(SLOTS, -1)
        feature_at[known] = np.arange(len(known))
        rarity = np.log((1 + len(samples)) / (1 + texts[known])) + 1
        features = feature_at[slots]
        rows, features = rows[features >= 0], features[features >= 0]
        squares = np.bincount(rows, rarity[features] ** 2, len(samples))
        values = rarity[features] / np.sqrt(squares)[rows]
        matrix = sparse.csr_matrix((values, (rows, features)), shape=(len(samples), len(known)))
        return cls(matrix, known, rarity.astype(np.float32))


def _regression(matrix: Any, labels: NDArray[Any], counts: NDArray[Any], classes: int) -> tuple[Floats, Floats]:
    """Pulls (features by classes) and bias of a fitted regression; every class counts alike, however many samples."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=_CLOSENESS, max_iter=_ITERATIONS, class_weight="balanced")
    model.fit(matrix, labels, sample_weight=counts)
    pulls, bias = model.coef_.T, model.intercept_
    if classes == 2:  # for two classes scikit-learn keeps only the second one's
        pulls, bias = np.hstack([-pulls, pulls]) / 2, np.concatenate([-bias, bias]) / 2
    return pulls.astype(np.float32), bias.astype(np.float32)


def _finer(
    samples: Sequence[Sample], table: _Table, counts: NDArray[Any]
) -> tuple[tuple[tuple[Kind, str], ...], Floats, Floats]:
    """What tells the sub-categories of each kind apart, learned from that kind's samples only."""
    labels: list[tuple[Kind, str]] = []
    columns = []
    biases = []
    for kind in KINDS:
        at = [n for n, sample in enumerate(samples) if sample.label == kind and sample.sub_category is not None]
        codes = sorted({str(samples[n].sub_category) for n in at})
        if len(codes) < 2:
            continue
        wanted = np.array([codes.index(str(samples[n].sub_category)) for n in at])
        pulls, bias = _regression(table.matrix[at], wanted, counts[at], len(codes))
        labels += [(kind, code) for code in codes]
        columns.append(pulls)
        biases.append(bias)
    if not columns:
        return (), np.zeros((len(table.slots), 0), np.float32), np.zeros(0, np.float32)
    return tuple(labels), np.hstack(columns), np.concatenate(biases)


def _alarms(table: _Table, ordinary: int, alarm_samples: Sequence[Sample]) -> tuple[tuple[str, ...], Floats, Floats]:
    """What tells each signal of severity from ordinary complaints: the first ``ordinary`` rows of the table.

    Some of those tell of something grave, too. Whatever sounds so at a first fitting is left out of the second.
    """
    from sklearn.linear_model import LogisticRegression

    names = tuple(sorted({sample.sub_category for sample in alarm_samples if sample.sub_category is not None}))
    pulls = np.zeros((table.matrix.shape[1], len(names)), np.float32)
    bias = np.zeros(len(names), np.float32)
    for at, name in enumerate(names):
        taught = [ordinary + n for n, sample in enumerate(alarm_samples) if sample.sub_category in (name, None)]
        wanted = np.zeros(table.matrix.shape[0], bool)
        wanted[[ordinary + n for n, sample in enumerate(alarm_samples) if sample.sub_category == name]] = True
        rows = np.concatenate([np.arange(ordinary), taught])
        for again in (True, False):
            model = LogisticRegression(C=_CLOSENESS_OF_ALARMS, max_iter=_ITERATIONS)
            model.fit(table.matrix[rows], wanted[rows])
            if again:
                sounds = model.predict_proba(table.matrix[:ordinary])[:, 1] >= _SOUNDS_GRAVE
                rows = np.concatenate([np.flatnonzero(~sounds), taught])
        pulls[:, at], bias[at] = model.coef_[0], model.intercept_[0]
    return names, pulls, bias


def _authors(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """A number for each sample's author."""
    numbers: dict[str, int] = {}
    return np.array(
        [numbers.setdefault(sample.author or f"\0{at}", len(numbers)) for at, sample in enumerate(samples)], np.int64
    )


def _left_out(
    samples: Sequence[Sample], table: _Table, labels: NDArray[Any], counts: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Which samples could be judged by weights fitted without them, and the sums that they got.

    Whole registers are left out at a time: real complaints differ from the corpus as its registers do from each other.
    """
    folds = _folds(samples)
    sums = np.zeros((len(samples), len(CLASSES)))
    judged = np.zeros(len(samples), bool)
    for fold in range(_FOLDS):
        left_out = folds == fold
        learned = ~left_out
        if not left_out.any() or len(np.unique(labels[learned])) < len(CLASSES):
            continue
        pulls, bias = _regression(table.matrix[learned], labels[learned], counts[learned], len(CLASSES))
        sums[left_out] = table.matrix[left_out] @ pulls + bias
        judged |= left_out
    numbers = np.flatnonzero(judged)
    return numbers, sums[numbers]


def _temperature(sums: NDArray[np.float64], labels: NDArray[Any], counts: NDArray[Any]) -> float:
    """What to divide sums by, so that of all judgements with confidence 0.8 eight in ten are right."""
    if not len(sums):
        return 1.0
    losses = {temperature: _log_loss(sums / temperature, labels, counts) for temperature in _TEMPERATURES}
    return min(losses, key=losses.__getitem__)


def _folds(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """Which part each sample is left out with: that of its register, or of its author. Phrases (-1) never are."""
    registers = sorted({sample.source for sample in samples if sample.author is None})
    numbers = {register: at % _FOLDS for at, register in enumerate(registers) if not register.endswith(PHRASES)}
    return np.array(
        [
            numbers.get(sample.source, -1)
            if sample.author is None
            else hashlib.sha256(sample.author.encode()).digest()[1] % _FOLDS
            for sample in samples
        ],
        np.int64,
    )


def _log_loss(sums: NDArray[Any], labels: NDArray[Any], counts: NDArray[Any]) -> float:
    chances = _shares(sums)[np.arange(len(labels)), labels]
    return float(-(np.log(np.maximum(chances, 1e-12)) * counts).sum() / counts.sum())


def _shares(sums: NDArray[Any]) -> NDArray[np.float64]:
    powers = np.exp(sums - sums.max(axis=1, keepdims=True, initial=-np.inf))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
