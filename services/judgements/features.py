"""Turns texts into the features on which the category is judged: hashed pieces of their words, with where they stand.

Chinese is read as runs of one to four characters, Latin script as words, pairs of words and pieces of words. Many
texts are read in one pass over arrays, which is what makes judging quick. A feature is known by the hash of its
characters only, so whoever holds the features, or a model made of them, holds no words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Hashes = NDArray[np.uint64]

READ: Final = 4_000
"""How many characters of a text are read; what a complaint is about is said by then."""

READING: Final = "1"
"""The way of reading; a model can only be used with the one that it was trained with. Raised with every change."""

SLOTS: Final = 1 << 22
"""Features are told apart by this many slots; two that share one are taken for the same."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Pieces of several texts, one an element of each array: of which text, from where to where, and which feature."""

    rows: Integers
    slots: Integers
    starts: Integers
    ends: Integers


def spans_of(texts: Sequence[str]) -> Spans:
    """Every feature of every text, as often as it stands there. The texts are in folded form (`Readable.folded`)."""
    if not texts:
        return Spans(*(np.zeros(0, np.int64) for _ in range(4)))
    letters = _Letters(texts)
    parts = [*_chinese(letters), *_words(letters)]
    starts = np.concatenate([part.starts for part in parts])
    ends = np.concatenate([part.ends for part in parts])
    hashes = _mixed(np.concatenate([part.hashes for part in parts]))
    return Spans(
        rows=letters.rows[starts],
        slots=(hashes >> np.uint64(64 - _SLOT_BITS)).astype(np.int64),
        starts=letters.positions[starts],
        ends=letters.positions[ends - 1] + 1,
    )


_SLOT_BITS = SLOTS.bit_length() - 1
_LONGEST_RUN = 4
_PIECES = (3, 4, 5)
_LONGEST_WORD = 24

# Kinds of characters.
_BREAK, _LATIN, _HAN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class _Part:
    """Features found in one way; ``starts`` and ``ends`` are indexes of letters."""

    hashes: Hashes
    starts: Integers
    ends: Integers


class _Letters:
    """The characters of all texts that count, one after the other, each text between breaks.

    Figures become one zero, a letter stands twice in a row at most, runs of breaks become one, and apostrophes go:
    ``500`` and ``80``, ``sooo`` and ``soo``, ``can't`` and ``cant`` are alike.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        cut = [text[:READ] for text in texts]
        joined = "\n" + "\n".join(cut) + "\n"
        codes = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.int64)
        lengths = np.fromiter((len(text) + 1 for text in cut), np.int64, len(cut))
        offsets = np.cumsum(lengths) - lengths
        rows = np.concatenate(([0], np.repeat(np.arange(len(cut)), lengths)))
        positions = np.arange(len(codes)) - 1 - offsets[rows]

        codes = np.where((codes >= ord("0")) & (codes <= ord("9")), ord("0"), codes)
        kinds = _KINDS[np.minimum(codes, len(_KINDS) - 1)]
        codes = np.where(kinds == _BREAK, ord(" "), codes)
        before = np.concatenate(([-1], codes[:-1]))
        twice_before = np.concatenate(([-1, -1], codes[:-2]))
        once = (codes == ord("0")) | (kinds == _BREAK)
        kept = (codes != before) | (~once & (codes != twice_before))
        kept &= codes != ord("'")
        self.codes = codes[kept].astype(np.uint64)
        self.kinds = kinds[kept]
        self.rows = rows[kept]
        self.positions = positions[kept]


def _kinds() -> NDArray[np.int8]:
    """The kind of each character of the basic plane; those beyond count as the last one: rare Han, and pictures."""
    kinds = np.zeros(0x10001, np.int8)
    for code in range(0x3000):
        if unicodedata.category(chr(code))[0] in "LN":
            kinds[code] = _LATIN
    kinds[ord("'")] = _LATIN
    kinds[0x3400:0x4DC0] = kinds[0x4E00:0xA000] = kinds[0xF900:0xFB00] = _HAN
    kinds[0xA000:0xD7A4] = _LATIN
    return kinds


_KINDS = _kinds()

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# Added to hashes, so that a word, a pair and a piece of the same characters are different features.
_WORD_SALT, _PAIR_SALT, *_RAW_PIECE_SALTS = (np.uint64(0xC2B2AE3D27D4EB4F * number % 2**64) for number in range(1, 6))
_PIECE_SALTS = dict(zip(_PIECES, _RAW_PIECE_SALTS, strict=True))


def _mixed(hashes: Hashes) -> Hashes:
    """The hashes with every bit depending on every other (the finisher of MurmurHash 3)."""
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return hashes ^ (hashes >> np.uint64(33))


def _chinese(letters: _Letters) -> list[_Part]:
    """Runs of one to four characters between breaks, with at least one Chinese character in them."""
    parts = []
    hashes = letters.codes
    inside = letters.kinds != _BREAK
    han = letters.kinds == _HAN
    count = len(letters.codes)
    for length in range(1, min(_LONGEST_RUN, count) + 1):
        last = count - length + 1
        if length > 1:
            hashes = hashes[:last] * _MULTIPLIER + letters.codes[length - 1 :]
            inside = inside[:last] & (letters.kinds[length - 1 :] != _BREAK)
            han = han[:last] | (letters.kinds[length - 1 :] == _HAN)
        starts = np.flatnonzero(inside & han)
        parts.append(_Part(hashes[starts], starts, starts + length))
    return parts


def _words(letters: _Letters) -> list[_Part]:
    """Words of Latin letters and figures, pairs of neighbours, and pieces of words with their borders."""
    latin = letters.kinds == _LATIN
    edges = np.flatnonzero(np.diff(latin.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return []
    # A word's hash is that of its first letters; no word is longer that means something.
    ends_read = np.minimum(ends, starts + _LONGEST_WORD)
    lengths = ends_read - starts
    first = np.repeat(starts, lengths)
    index = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    terms = letters.codes[first + index] * _POWERS[index]
    words = _mixed(np.add.reduceat(terms, np.cumsum(lengths) - lengths))
    parts = [_Part(words + _WORD_SALT, starts, ends)]
    near = np.flatnonzero((letters.rows[starts[1:]] == letters.rows[starts[:-1]]) & (starts[1:] - ends[:-1] <= 1))
    pairs = words[near] * _MULTIPLIER + words[near + 1] + _PAIR_SALT
    parts.append(_Part(pairs, starts[near], ends[near + 1]))
    parts += _pieces(letters)
    return parts


_POWERS = np.array([pow(int(_MULTIPLIER), power, 2**64) for power in range(_LONGEST_WORD)], np.uint64)


def _pieces(letters: _Letters) -> list[_Part]:
    """Pieces of three to five characters of words; a break counts as the border of a word, at either end."""
    parts = []
    codes, kinds = letters.codes, letters.kinds
    count = len(codes)
    outer = kinds != _HAN
    inner = kinds == _LATIN
    hashes = codes * _MULTIPLIER
    for length in range(2, min(max(_PIECES), count) + 1):
        last = count - length + 1
        hashes = hashes[:last] * _MULTIPLIER + codes[length - 1 :]
        if length not in _PIECES:
            continue
        inside = outer[:last] & outer[length - 1 :]
        for step in range(1, length - 1):
            inside &= inner[step : step + last]
        starts = np.flatnonzero(inside)
        ends = starts + length
        # The breaks tell the border of a word; they are no part of what stands there.
        bare_starts = starts + (kinds[starts] == _BREAK)
        bare_ends = ends - (kinds[ends - 1] == _BREAK)
        parts.append(_Part(hashes[starts] + _PIECE_SALTS[length], bare_starts, bare_ends))
    return parts
