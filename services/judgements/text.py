"""Reads a masked text as a matcher wants it: one form of every character, no mark-up, no invisible characters.

Positions lead back to the masked text, so that a reason can be shown where its words stand. Placeholders of the mask
become blanks: a handle or a phone number more or less changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

from services.base.masking import PLACEHOLDER
from services.judgements.scripts import LOOKALIKES, simplified


@dataclass(frozen=True, slots=True)
class Readable:
    """``folded`` is what is matched; ``starts`` and ``origins`` are where its pieces begin, in it and originally."""

    original: str
    folded: str
    starts: tuple[int, ...]
    origins: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a piece of ``folded`` stands in the original."""
        return self._origin(start), self._origin(end - 1) + 1 if end > start else self._origin(start)

    def _origin(self, position: int) -> int:
        piece = bisect_right(self.starts, position) - 1
        return self.origins[piece] + position - self.starts[piece]


def readable(text: str) -> Readable:
    """The text in one form: half-width, small letters, simplified Chinese, look-alike letters as Latin ones."""
    folded = text.lower() if text.isascii() else text.translate(_FOLDED)
    if not _LEFT_OUT.search(folded):
        return Readable(text, folded, (0,), (0,))
    pieces: list[str] = []
    starts: list[int] = [0]
    origins: list[int] = [0]
    length = at = 0
    for found in _LEFT_OUT.finditer(folded):
        kept = folded[at : found.start()]
        gap = "" if found.lastgroup == "nothing" else " "
        pieces += (kept, gap)
        length += len(kept) + len(gap)
        at = found.end()
        starts.append(length)
        origins.append(at)
    pieces.append(folded[at:])
    return Readable(text, "".join(pieces), tuple(starts), tuple(origins))


class _Folding(dict[int, str]):
    """The one form of each character, worked out when it is first met; always one character for one."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        plain = unicodedata.normalize("NFKC", character).lower()
        if len(plain) != 1:
            plain = character
        if plain.isspace() or unicodedata.category(plain) in ("Cc", "Cs"):
            plain = " "
        plain = LOOKALIKES.get(plain) or simplified().get(plain, plain)
        self[code] = plain
        return plain


_FOLDED = _Folding()

_LEFT_OUT = re.compile(
    r"(?P<nothing>[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]+"
    r"|</?(?:b|i|u|em|strong|span|font|a|mark|small|big)(?:\s[^<>]{0,400})?>)"
    rf"|{PLACEHOLDER.pattern}|<[a-z/!][^<>]{{0,400}}>|&(?:[a-z]{{2,8}}|\#\d{{1,6}});"
)
