"""Which font of a PDF shows which character, how wide it is, and what stands in for those that no font has.

Latin text is set in Helvetica, which every viewer has. Chinese is set in STSong-Light, the font that PDF viewers bring
for simplified Chinese; it is named in the file and not embedded, so its repertoire is what GBK can write. Everything
else (emoji, rare characters beyond the basic plane) is replaced by a square that can be seen.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont

LATIN: Final = "Helvetica"
LATIN_BOLD: Final = "Helvetica-Bold"
CHINESE: Final = "STSong-Light"
PLACEHOLDER: Final = "□"

# Joiners, selectors of a form and marks of direction say how their neighbours look; alone they show nothing.
_UNSEEN: Final = frozenset({"Cf", "Cc", "Cs"})
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_SELECTORS: Final = range(0xFE00, 0xFE10)


class Run(NamedTuple):
    """Characters of one font."""

    font: str
    text: str


class Glyph(NamedTuple):
    """One character and its font."""

    text: str
    font: str


def register() -> None:
    """Make the Chinese font known to reportlab. It may be done again."""
    if CHINESE not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))


def glyphs_of(text: str, *, bold: bool = False) -> list[Glyph]:
    """The characters of one line of text, each with the font that has it."""
    text = unicodedata.normalize("NFC", text.replace("\t", "    "))
    latin = LATIN_BOLD if bold else LATIN
    chinese_first = any(char >= "\u2e80" for char in text)
    found: list[Glyph] = []
    for char in text:
        found += _glyphs(char, latin, chinese_first)
    return found


def lacks(text: str) -> bool:
    """Whether a placeholder stands for something in this text."""
    normal = unicodedata.normalize("NFC", text)
    return any(
        PLACEHOLDER in glyph.text for char in normal if char != PLACEHOLDER for glyph in _glyphs(char, LATIN, False)
    )


def runs_of(glyphs: list[Glyph]) -> Iterator[Run]:
    """Neighbours of one font together."""
    font, gathered = "", ""
    for glyph in glyphs:
        if glyph.font != font:
            if gathered:
                yield Run(font, gathered)
            font, gathered = glyph.font, ""
        gathered += glyph.text
    if gathered:
        yield Run(font, gathered)


@lru_cache(maxsize=20_000)
def width_of(glyph: Glyph) -> float:
    """The width at a font size of 1."""
    # All that is set in the Chinese font is as wide as it is high.
    return 1.0 if glyph.font == CHINESE else float(pdfmetrics.stringWidth(glyph.text, glyph.font, 1))


@lru_cache(maxsize=20_000)
def _glyphs(char: str, latin: str, chinese_first: bool) -> tuple[Glyph, ...]:
    if ord(char) in _SELECTORS or ord(char) in _SKIN_TONES or unicodedata.category(char) in _UNSEEN:
        return ()
    font = _font_of(char, latin, chinese_first)
    if font is not None:
        return (Glyph(char, font),)
    plain = [(one, _font_of(one, latin, chinese_first)) for one in unicodedata.normalize("NFKC", char)]
    if all(font is not None for _, font in plain):
        return tuple(Glyph(one, font) for one, font in plain if font is not None)
    return (Glyph(PLACEHOLDER, CHINESE),)


def _font_of(char: str, latin: str, chinese_first: bool) -> str | None:
    if char.isascii():
        return latin
    fits_latin, fits_chinese = _writable(char, "cp1252"), _writable(char, "gbk")
    # Dashes and quotation marks are in both: full width between Chinese, narrow between Latin words.
    if fits_latin and not (chinese_first and fits_chinese):
        return latin
    return CHINESE if fits_chinese else None


def _writable(char: str, encoding: str) -> bool:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
