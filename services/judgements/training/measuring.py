"""How good judgements are: accuracy, macro-F1, confusion, coverage and calibration, in all and by language.

Numbers only; how they are shown to people is for whoever asks.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.judgements.linear import NO_COMPLAINT
from services.judgements.values import KINDS, Judgement

_BINS: Final = 10
_TELLING: Final = 20
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a text should have been judged, and what it was judged.

    ``label`` is a kind or ``no_complaint``; ``also`` are other kinds that can be defended. ``answered``: it was not
    left to a person. ``confidence`` is that of the best guess.
    """

    label: str
    best_guess: str
    confidence: float
    answered: bool
    language: str
    also: tuple[str, ...] = ()

    @classmethod
    def of(cls, label: str, judgement: Judgement, language: str, also: tuple[str, ...] = ()) -> Labelled:
        """A judgement beside its label."""
        answered = judgement.category != "unclear"
        return cls(label, judgement.best_guess, judgement.confidence, answered, language, also)


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured on ``count`` texts with a kind as their label. Shares are from 0 to 1.

    ``accuracy``, ``defended`` (another label allowed) and ``macro_f1`` are those of the best guess; ``answered`` is the
    share that was not left to a person, ``right_where_answered`` the accuracy there. ``calibration_error`` is the mean
    distance of confidence from accuracy over ten bins, weighted by their size (ECE). ``confusion`` counts (label, best
    guess). ``declined`` is the share of the ``no_complaint`` texts that were left to a person.
    """

    count: int
    accuracy: float
    defended: float
    macro_f1: float
    answered: float
    right_where_answered: float
    calibration_error: float
    confusion: Mapping[tuple[str, str], int]
    no_complaints: int
    declined: float


def measure(judged: Iterable[Labelled]) -> Mapping[str, Measures]:
    """The measures of all texts (`ALL`) and of each language that has enough of them to tell something."""
    everything = list(judged)
    by_language: dict[str, list[Labelled]] = {}
    for one in everything:
        by_language.setdefault(one.language, []).append(one)
    parts = {ALL: everything} | {
        language: by_language[language] for language in sorted(by_language) if len(by_language[language]) >= _TELLING
    }
    return {name: _measure(part) for name, part in parts.items()}


def _measure(judged: Sequence[Labelled]) -> Measures:
    kinds = [one for one in judged if one.label != NO_COMPLAINT]
    others = [one for one in judged if one.label == NO_COMPLAINT]
    answers = [one for one in kinds if one.answered]
    return Measures(
        count=len(kinds),
        accuracy=_share(one.best_guess == one.label for one in kinds),
        defended=_share(one.best_guess in (one.label, *one.also) for one in kinds),
        macro_f1=_macro_f1(kinds),
        answered=len(answers) / len(kinds) if kinds else 0.0,
        right_where_answered=_share(one.best_guess == one.label for one in answers),
        calibration_error=_calibration_error(kinds),
        confusion=Counter((one.label, one.best_guess) for one in kinds),
        no_complaints=len(others),
        declined=_share(not one.answered for one in others),
    )


def _share(facts: Iterable[bool]) -> float:
    listed = list(facts)
    return sum(listed) / len(listed) if listed else 0.0


def _macro_f1(judged: Sequence[Labelled]) -> float:
    """The mean over the kinds of the harmonic mean of precision and recall; a kind that never occurs is left out."""
    scores = []
    for kind in KINDS:
        both = sum(one.label == kind == one.best_guess for one in judged)
        either = sum((one.label == kind) + (one.best_guess == kind) for one in judged)
        if either:
            scores.append(2 * both / either)
    return statistics.mean(scores) if scores else 0.0


def _calibration_error(judged: Sequence[Labelled]) -> float:
    bins: dict[int, list[Labelled]] = {}
    for one in judged:
        bins.setdefault(min(int(one.confidence * _BINS), _BINS - 1), []).append(one)
    distances = [
        len(part)
        * abs(statistics.mean(one.confidence for one in part) - _share(one.best_guess == one.label for one in part))
        for part in bins.values()
    ]
    return sum(distances) / len(judged) if judged else 0.0
