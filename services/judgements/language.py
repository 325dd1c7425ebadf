"""Tells which language a complaint is written in, by the share of its scripts.

It tells Chinese from English from everything else; it doesn't tell languages of one script apart, so that a text in
French counts as English, finds no known words, and goes to a person.
"""

from __future__ import annotations

import re
from typing import Final

from services.judgements.model import WrittenLanguage

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]")
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f\uff21-\uff3a\uff41-\uff5a]")
_OTHER_LETTER: Final = re.compile(r"[^\W\d_A-Za-z\u00c0-\u024f\uff21-\uff3a\uff41-\uff5a\u3400-\u9fff\uf900-\ufaff]")

# One Chinese character says about as much as this many Latin letters.
_LETTERS_PER_CHARACTER = 3
_SAMPLE = 2_000


def language_of(text: str, hint: str | None = None) -> WrittenLanguage:
    """The language of most of the text, read from its beginning; the hint decides where there are no letters."""
    sample = text[:_SAMPLE]
    han = len(_HAN.findall(sample)) * _LETTERS_PER_CHARACTER
    latin = len(_LATIN.findall(sample))
    other = len(_OTHER_LETTER.findall(sample)) * (_LETTERS_PER_CHARACTER if han else 1)
    if not (han or latin or other):
        return _hinted(hint)
    if other > max(han, latin) or (han and other * 2 > han):
        return "other"
    return "zh" if han >= latin else "en"


def _hinted(hint: str | None) -> WrittenLanguage:
    match hint:
        case "zh" | "en":
            return hint
        case _:
            return "other"
