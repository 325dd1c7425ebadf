"""Finds the words of the plan's signals in a text, all signals in one pass.

A signal's phrases are literals or regular expressions; the first words that are not denied (`not life-threatening`,
`没有生命危险`) set it off. What facts set off is judged in `services.judgements.severity`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ahocorasick_rs import AhoCorasick

from services.judgements.prefilter import required
from services.judgements.text import readable
from services.plan.judging import Signal
from services.plan.values import REGEX_MARK


@dataclass(frozen=True, slots=True)
class Found:
    """Words at ``start`` to ``end`` of the folded text that set a signal off."""

    signal: Signal
    start: int
    end: int


class SignalWords:
    """The phrases of some signals, made ready to be looked for."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        self._signals = signals
        # String -> which signals it is a literal of, and which expressions it makes worth trying.
        literal_of: dict[str, list[int]] = defaultdict(list)
        calls_for: dict[str, list[int]] = defaultdict(list)
        self._expressions: list[tuple[int, re.Pattern[str]]] = []
        self._always: list[int] = []
        for at, signal in enumerate(signals):
            for phrase in (*signal.phrases.zh, *signal.phrases.en):
                if not phrase.startswith(REGEX_MARK):
                    literal_of[readable(phrase).folded].append(at)
                    continue
                expression = phrase.removeprefix(REGEX_MARK)
                strings = required(expression)
                number = len(self._expressions)
                self._expressions.append((at, re.compile(expression, re.IGNORECASE)))
                if strings is None:
                    self._always.append(number)
                for string in strings or ():
                    calls_for[string].append(number)
        strings_all = sorted({*literal_of, *calls_for})
        self._literal_of = [tuple(literal_of.get(string, ())) for string in strings_all]
        self._calls_for = [tuple(calls_for.get(string, ())) for string in strings_all]
        self._strings = AhoCorasick(strings_all)

    def find(self, folded: str) -> list[Found]:
        """For each signal that is set off the first words that did, in the order of the signals."""
        places: dict[int, list[tuple[int, int]]] = defaultdict(list)
        expressions = set(self._always)
        for string, start, end in self._strings.find_matches_as_indexes(folded, overlapping=True):
            expressions.update(self._calls_for[string])
            if self._literal_of[string] and _whole_words(folded, start, end):
                for at in self._literal_of[string]:
                    places[at].append((start, end))
        for number in expressions:
            at, pattern = self._expressions[number]
            places[at] += (match.span() for match in pattern.finditer(folded))
        found = []
        for at in sorted(places):
            in_order = sorted(places[at], key=_earliest_and_longest)
            said = next((place for place in in_order if not _denied(folded, place[0])), None)
            if said is not None:
                found.append(Found(self._signals[at], *said))
        return found


def _earliest_and_longest(place: tuple[int, int]) -> tuple[int, int]:
    return place[0], -place[1]


_DENIAL = re.compile(
    r"(?:没有|没|并非|不是|不会|并没|未|无|并无)(?:什么|任何)?\Z"
    r"|(?:\bnot?|\bnever|n't|\bwithout)(?: (?:a|an|any|the|that|really|in|at))* \Z"
)
_LONGEST_DENIAL: Final = 20


def _denied(folded: str, start: int) -> bool:
    """Whether the words just before say that it is not so."""
    return bool(_DENIAL.search(folded[max(0, start - _LONGEST_DENIAL) : start]))


def _whole_words(folded: str, start: int, end: int) -> bool:
    """Whether a Latin phrase begins and ends with a word; a plural s may follow."""
    if folded[start].isascii() and folded[start].isalnum() and start and _latin(folded[start - 1]):
        return False
    if not _latin(folded[end - 1]) or end == len(folded) or not _latin(folded[end]):
        return True
    return folded[end] == "s" and (end + 1 == len(folded) or not _latin(folded[end + 1]))


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
