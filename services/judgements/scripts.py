"""Characters that are to be read as others: traditional Chinese as simplified, look-alike letters as Latin ones.

One character for one, so that positions stay: it is a reading aid for matching, not a translation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

# Cyrillic and Greek letters that pass for Latin ones, and typographic marks that pass for plain ones.
_LOOKALIKE_PAIRS: Final = (
    "аa еe оo рp сc уy хx іi јj ѕs ԁd һh кk мm тt вb пn οo αa εe ρp νv ιi κk τt υu χx ’' ‘' “\" ”\" –- —- ‐- ‑-"
)
LOOKALIKES: Final[Mapping[str, str]] = {pair[0]: pair[1] for pair in _LOOKALIKE_PAIRS.split()}

# Two ways to write an account; people use either.
_ALIKE: Final[Mapping[str, str]] = {"帐": "账"}


@cache
def simplified() -> Mapping[str, str]:
    """The simplified form of each Chinese character that has another one, by OpenCC's tables."""
    from opencc import OpenCC

    characters = [chr(code) for block in (range(0x3400, 0xA000), range(0xF900, 0xFB00)) for code in block]
    read = OpenCC("t2s").convert("\n".join(characters)).split("\n")
    pairs = zip(characters, read, strict=True)
    found = {written: _ALIKE.get(one, one) for written, one in pairs if len(one) == 1}
    return {written: one for written, one in found.items() if written != one}
