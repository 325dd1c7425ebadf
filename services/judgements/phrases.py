"""Phrases, and an index that finds all of many phrases in a text at once.

A phrase is written in folded form (small letters, simplified Chinese) as
    ``上不(了|)网``        alternatives in brackets; an empty one makes the part optional
    ``扣…钱``              ``…`` is a short gap: up to six Chinese characters, or up to three English words
    ``disconnect*``        ``*`` at the end of an English word stands for any ending
An English phrase begins and ends at word borders. Time is linear in the text: a phrase is tried only where its first
characters stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Generic, TypeVar

Meaning = TypeVar("Meaning")

_GAP = "…"
_CHINESE_GAP = r"[^。！？!?；;，,：\n]{0,6}?"
_ENGLISH_GAP = r"(?:[ \-/]+[\w'&%$.]+){0,3}?[ \-/]+"
_BLANK = r"[ \-]+"
_HEAD = 3
_WORD = re.compile(r"[a-z0-9$#]+")
_HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class Hit(Generic[Meaning]):
    """A phrase found at ``start`` to ``end`` of the folded text."""

    meaning: Meaning
    start: int
    end: int


class PhraseIndex(Generic[Meaning]):
    """Finds every phrase of a fixed set, each with what it means."""

    def __init__(self, phrases: Iterable[tuple[str, Meaning]]) -> None:
        self._chinese: dict[str, list[tuple[re.Pattern[str], Meaning]]] = {}
        self._english: dict[str, list[tuple[re.Pattern[str], Meaning]]] = {}
        for phrase, meaning in phrases:
            for variant in variants(phrase):
                pattern = re.compile(_expression(variant))
                if _HAN.match(variant):
                    self._chinese.setdefault(_chinese_head(variant), []).append((pattern, meaning))
                else:
                    self._english.setdefault(_english_head(variant), []).append((pattern, meaning))

    def find(self, folded: str) -> Iterator[Hit[Meaning]]:
        """Every place where a phrase stands; phrases may overlap."""
        if self._chinese and not folded.isascii():
            yield from self._find_chinese(folded)
        for word in _WORD.finditer(folded):
            yield from self._at(folded, word.start(), self._english.get(word.group()[:_HEAD]))

    def _find_chinese(self, folded: str) -> Iterator[Hit[Meaning]]:
        heads = self._chinese
        for start in range(len(folded)):
            pair = folded[start : start + 2]
            if pair in heads:
                yield from self._at(folded, start, heads[pair])
            if pair[0] in heads:
                yield from self._at(folded, start, heads[pair[0]])

    def _at(
        self, folded: str, start: int, candidates: list[tuple[re.Pattern[str], Meaning]] | None
    ) -> Iterator[Hit[Meaning]]:
        for pattern, meaning in candidates or ():
            found = pattern.match(folded, start)
            if found is not None:
                yield Hit(meaning, start, found.end())


def variants(phrase: str) -> Iterator[str]:
    """The phrase with each choice of its alternatives. Raises ValueError where a bracket isn't closed or is nested."""
    parts: list[list[str]] = []
    rest = phrase
    while rest:
        plain, opened, rest = rest.partition("(")
        parts.append([plain])
        if opened:
            choice, closed, rest = rest.partition(")")
            if not closed or "(" in choice:
                raise ValueError(f'"{phrase}": every bracket must be closed before the next one opens')
            parts.append(choice.split("|"))
    for chosen in product(*parts):
        yield re.sub(r" {2,}", " ", "".join(chosen)).strip()


def _chinese_head(variant: str) -> str:
    return variant[:1] if variant[1:2] in ("", _GAP) else variant[:2]


def _english_head(variant: str) -> str:
    """What the phrase is filed under: its first word, cut to three characters."""
    word = _WORD.match(variant)
    if word is None or (word.end() < _HEAD and variant[word.end() : word.end() + 1] == "*"):
        raise ValueError(f'"{variant}": a phrase begins with a word, and a word cut short by * has three letters left')
    return word.group()[:_HEAD]


def _expression(variant: str) -> str:
    chinese = _HAN.search(variant) is not None
    pieces: list[str] = []
    for part in variant.split(_GAP):
        if chinese:
            pieces.append(re.escape(part))
        else:
            words = (_word(word) for word in part.split())
            pieces.append(_BLANK.join(words))
    joined = (_CHINESE_GAP if chinese else _ENGLISH_GAP).join(pieces)
    return joined if chinese else joined + r"(?!\w)"


def _word(word: str) -> str:
    return re.escape(word[:-1]) + r"\w*" if word.endswith("*") else re.escape(word)
