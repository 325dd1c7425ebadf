"""What a category model is to the judge: it gives an opinion on what kind of complaint a text is, with reasons.

The model that Redress uses is in `services.judgements.linear`. Severity is judged elsewhere; whether a confidence is
high enough is the plan's decision, not the model's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.judgements.text import Readable
from services.judgements.values import Facts, Kind, Reason


@dataclass(frozen=True, slots=True)
class Alarm:
    """That a text tells of something grave, named by the plan's code of the signal. ``share`` is the probability.

    The words that tell most stand at ``start`` to ``end`` of the masked text.
    """

    signal: str
    share: float
    words: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Opinion:
    """A model's view. ``shares`` are probabilities; what they lack to 1 is the share of "no complaint of these kinds".

    ``alarms`` are the signals of severity that the model has learned to hear and hears, with the words behind each.
    ``sub_categories`` names the likeliest for each kind that has one; ``reasons`` are the weightiest first. ``known``
    is the share (0 to 1) of what was read that the model had met in learning.
    """

    shares: Mapping[Kind, float]
    sub_categories: Mapping[Kind, str]
    reasons: tuple[Reason, ...]
    known: float
    alarms: tuple[Alarm, ...] = ()


class CategoryModel(Protocol):
    """Judges the kind of complaints. Pure: the same texts and facts give the same opinions."""

    @property
    def name(self) -> str:
        """What judgements call the model."""

    def opinions(self, texts: Sequence[Readable], facts: Sequence[Facts]) -> Sequence[Opinion]:
        """The opinion on each complaint, in their order."""
