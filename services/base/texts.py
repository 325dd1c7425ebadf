"""What people may write: any Unicode but control characters and halves of surrogate pairs.

The database can't keep NUL, and nobody means the others; whoever sends one is told which, and where.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError


def _without(characters: re.Pattern[str]) -> Callable[[str], str]:
    def check(text: str) -> str:
        found = characters.search(text)
        if found is not None:
            raise PydanticCustomError(
                "control_character",
                "contains the control character {character} at position {position}; remove it",
                {"character": f"U+{ord(found[0]):04X}", "position": found.start()},
            )
        return text

    return check


PRINTABLE: Final = AfterValidator(_without(re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")))
"""For running text: tab and line ends are allowed."""

ONE_LINE: Final = AfterValidator(_without(re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")))
"""For names and the like."""
