"""Breaking text into lines of a width: between Chinese characters, and between the words of other scripts.

Punctuation that may not begin a line in Chinese stays with what it follows, and an opening bracket with what it opens.
A word that is longer than the line is broken where the line ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from web.record.glyphs import Glyph, glyphs_of, width_of

_NOT_FIRST: Final = frozenset("，。、；：？！）》】」』〉〕”’…—％·,.;:?!)]}%")
_NOT_LAST: Final = frozenset("（《【「『〈〔“‘([{")
Line = list[Glyph]


def broken(text: str, width: float, size: float, *, bold: bool = False) -> list[Line]:
    """The lines of a text that may have line ends of its own. One without words has one empty line."""
    return [
        line for part in text.splitlines() or [""] for line in _broken_part(glyphs_of(part, bold=bold), width / size)
    ]


def width_in(line: Line, size: float) -> float:
    """How wide a line is."""
    return sum(map(width_of, line)) * size


def _broken_part(glyphs: Line, width: float) -> Iterator[Line]:
    line: Line = []
    used = 0.0
    for piece in _pieces(glyphs):
        for part in _fitting(piece, width):
            length = sum(map(width_of, part))
            # Space at the end of a line hangs over.
            solid = length - sum(width_of(glyph) for glyph in part if glyph.text == " ")
            if line and used + solid > width:
                yield line
                line, used = [], 0.0
            line += part
            used += length
    yield line


def _fitting(piece: Line, width: float) -> Iterator[Line]:
    """The piece whole, or in parts that each fit a line."""
    part: Line = []
    used = 0.0
    for glyph in piece:
        own = width_of(glyph)
        if part and used + own > width and glyph.text != " ":
            yield part
            part, used = [], 0.0
        part.append(glyph)
        used += own
    yield part


def _pieces(glyphs: Line) -> Iterator[Line]:
    """What is not broken if it can be helped: a word with the space after it, or a Chinese character with its marks."""
    piece: Line = []
    for glyph in glyphs:
        if piece and _breaks(piece[-1], glyph):
            yield piece
            piece = []
        piece.append(glyph)
    if piece:
        yield piece


def _breaks(before: Glyph, after: Glyph) -> bool:
    if after.text == " " or after.text in _NOT_FIRST or before.text in _NOT_LAST:
        return False
    return before.text == " " or _is_wide(before) or _is_wide(after)


def _is_wide(glyph: Glyph) -> bool:
    return (not glyph.text.isascii() and glyph.text >= "\u2e80") or glyph.text == "□"
