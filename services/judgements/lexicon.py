"""What a word or phrase says about the kind of a complaint, and how strongly.

The words stand in ``lexicon_zh.txt`` and ``lexicon_en.txt``. Weights are on one scale for both languages: 1 is a hint,
2 decides unless something speaks against it. How the hits add up is in `services.judgements.category`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal, get_args

from services.judgements.model import Kind
from services.judgements.phrases import PhraseIndex

# Words of thanks, praise and advertising speak against any complaint at all.
SpeaksFor = Kind | Literal["no_complaint"]
NO_COMPLAINT: Final = "no_complaint"

_SECTION = re.compile(r"\[(\w+) (\w+|-) (\d+(?:\.\d+)?)\]")
_KNOWN: Final[dict[str, SpeaksFor]] = {code: code for code in (*get_args(Kind), NO_COMPLAINT)}


@dataclass(frozen=True, slots=True)
class Term:
    """One phrase of the lexicon with what it says. ``gapped``: other words may stand within it."""

    phrase: str
    speaks_for: SpeaksFor
    sub_category: str | None
    weight: float
    gapped: bool


@cache
def shipped_lexicon() -> PhraseIndex[Term]:
    """The words of both languages, ready to be looked for. Made once for the process."""
    shipped = files("services.judgements")
    texts = (shipped.joinpath(f"lexicon_{language}.txt").read_text("utf-8") for language in ("zh", "en"))
    return PhraseIndex((term.phrase, term) for text in texts for term in read_lexicon(text))


def read_lexicon(text: str) -> Iterator[Term]:
    """The terms in a lexicon's text. Raises ValueError with the line where a section's head can't be read."""
    section: tuple[SpeaksFor, str | None, float] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("["):
            section = _section(line.strip(), number)
            continue
        if section is None:
            raise ValueError(f"line {number}: phrases need a head before them, such as [outage no_service 2.5]")
        for phrase in filter(None, map(str.strip, line.split(","))):
            yield Term(phrase, *section, "…" in phrase)


def _section(head: str, number: int) -> tuple[SpeaksFor, str | None, float]:
    found = _SECTION.fullmatch(head)
    if found is None or found[1] not in _KNOWN:
        raise ValueError(f'line {number}: "{head}" is no head; write for example [outage no_service 2.5]')
    return _KNOWN[found[1]], None if found[2] == "-" else found[2], float(found[3])
