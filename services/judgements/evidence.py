"""Finds the words of texts that moved a linear model: what each feature contributed, put where it stands.

Features overlap, so that no single one is a reason that a person would name. Their contributions are laid on the
characters that they cover and gathered by word; neighbouring words that pull the same way are shown as one phrase.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.judgements.features import READ, Spans
from services.judgements.text import Readable
from services.judgements.values import Reason

_MOST: Final = 8
# A word that moved the sums by less than this, or by less than this share of the strongest, is noise.
_LEAST: Final = 0.1
_LEAST_SHARE: Final = 0.12
# A single Chinese character is seldom a word that says something by itself.
_LEAST_OF_ONE: Final = 2.5
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def reasons_of(
    texts: Sequence[Readable],
    spans: Spans,
    pulls: NDArray[np.float32],
    classes: Sequence[str],
    told_apart: NDArray[np.bool_],
) -> list[list[Reason]]:
    """For each text the phrases that told classes apart, strongest first, eight at most.

    ``pulls`` holds each span's pull on each class; ``told_apart`` says for each text which of them are compared.
    """
    read = [text.folded[:READ] for text in texts]
    words = [_words(folded) for folded in read]
    counts = [len(found) for found in words]
    if not any(counts):
        return [[] for _ in texts]
    begins = np.cumsum([0, *(len(folded) + 1 for folded in read)])
    rows = np.repeat(np.arange(len(texts)), counts)
    bounds = np.array([bound for found in words for bound in found]) + begins[rows][:, None]
    totals = _totals(spans, pulls, begins)
    said = totals[bounds[:, 1]] - totals[bounds[:, 0]]
    # Only what tells classes apart is a reason; what pulls on all of them alike is not.
    compared = told_apart[rows]
    said -= (said * compared).sum(axis=1, keepdims=True) / compared.sum(axis=1, keepdims=True)
    said[~compared] = -np.inf
    best = said.argmax(axis=1)
    weights = said[np.arange(len(best)), best]
    ends = np.cumsum(counts)
    found_reasons = []
    for row, text in enumerate(texts):
        here = slice(int(ends[row]) - counts[row], int(ends[row]))
        phrases = _phrases(read[row], words[row], best[here].tolist(), weights[here].tolist())
        found_reasons.append([_reason(text, phrase, classes[phrase.speaks_for]) for phrase in phrases])
    return found_reasons


def _totals(spans: Spans, pulls: NDArray[np.float32], begins: NDArray[np.int64]) -> NDArray[np.float64]:
    """The pulls of all characters before each character, over all texts, so that any stretch is a difference."""
    lengths = spans.ends - spans.starts
    starts = begins[spans.rows] + spans.starts
    stops = starts + lengths
    spread = pulls / lengths[:, None]
    size = int(begins[-1]) + 1
    totals = np.zeros((size + 1, pulls.shape[1]))
    for at in range(pulls.shape[1]):
        changes = np.bincount(starts, spread[:, at], size) - np.bincount(stops, spread[:, at], size)
        # Summed twice: from the edges of spans to the characters, then over the characters.
        totals[1:, at] = np.cumsum(np.cumsum(changes))
    return totals


@dataclass(slots=True)
class _Phrase:
    """Words next to each other that speak for one class."""

    speaks_for: int
    start: int
    end: int
    weight: float


_BY_WEIGHT = attrgetter("weight")


def _phrases(
    folded: str, words: Sequence[tuple[int, int]], best: Sequence[int], weights: Sequence[float]
) -> list[_Phrase]:
    least = max(_LEAST, max(weights, default=0.0) * _LEAST_SHARE)
    phrases: list[_Phrase] = []
    for (start, end), speaks_for, weight in zip(words, best, weights, strict=True):
        if weight < least or (end - start == 1 and weight < least * _LEAST_OF_ONE):
            continue
        if phrases:
            before = phrases[-1]
            if before.speaks_for == speaks_for and not folded[before.end : start].strip():
                before.end = end
                before.weight += weight
                continue
        phrases.append(_Phrase(speaks_for, start, end, weight))
    phrases.sort(key=_BY_WEIGHT, reverse=True)
    return phrases[:_MOST]


def _words(folded: str) -> list[tuple[int, int]]:
    """Where the words stand; Chinese writes none apart, so a dictionary finds them."""
    if folded.isascii():
        return [found.span() for found in _WORD.finditer(folded)]
    # Loaded with the first Chinese text: its dictionary is half of what judging needs of memory.
    import rjieba

    return [(start, end) for word, start, end in rjieba.tokenize(folded) if word.isalnum()]


def _reason(text: Readable, phrase: _Phrase, speaks_for: str) -> Reason:
    start, end = text.span(phrase.start, phrase.end)
    return Reason(speaks_for, speaks_for, text.original[start:end], start, end, round(phrase.weight, 3))
