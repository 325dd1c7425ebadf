"""What a text must hold before a regular expression can match it: one of a few plain strings.

Looking for all those strings at once is far quicker than trying many expressions. The answer is on the safe side: an
expression of which nothing can be said is tried on every text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from re import _constants as opcodes  # type: ignore[attr-defined]  # the parser of `re` has no public door
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

_MOST_CHOICES: Final = 24


def required(expression: str) -> frozenset[str] | None:
    """Strings, in small letters, of which every folded text that ``expression`` matches (regardless of case) holds one.

    None when there are none that could be named. Raises re.error when the expression is none.
    """
    return _of_sequence(parser.parse(expression, re.IGNORECASE))


def _of_sequence(items: Iterable[Any]) -> frozenset[str] | None:
    """The most telling of what the parts require; neighbouring single characters count as one string."""
    best: frozenset[str] | None = None
    for found in _requirements(items):
        if best is None or _worth(found) > _worth(best):
            best = found
    return best


def _requirements(items: Iterable[Any]) -> Iterator[frozenset[str]]:
    literal = ""
    for opcode, argument in items:
        if opcode is opcodes.LITERAL:
            literal += chr(argument)
            continue
        if literal:
            yield from _plain([literal])
            literal = ""
        found = _of_item(opcode, argument)
        if found is not None:
            yield found
    if literal:
        yield from _plain([literal])


def _of_item(opcode: Any, argument: Any) -> frozenset[str] | None:
    if opcode is opcodes.IN:
        return _of_choice(argument)
    if opcode is opcodes.BRANCH:
        return _union([_of_sequence(branch) for branch in argument[1]])
    if opcode is opcodes.SUBPATTERN:
        return _of_sequence(argument[3])
    if opcode in (opcodes.MAX_REPEAT, opcodes.MIN_REPEAT) and argument[0] > 0:
        return _of_sequence(argument[2])
    return None


def _of_choice(members: Iterable[Any]) -> frozenset[str] | None:
    signs: list[str] = []
    for opcode, argument in members:
        if opcode is opcodes.LITERAL:
            signs.append(chr(argument))
        elif opcode is opcodes.RANGE and argument[1] - argument[0] < _MOST_CHOICES:
            signs += map(chr, range(argument[0], argument[1] + 1))
        else:
            return None
    return next(_plain(signs), None)


def _union(found: list[frozenset[str] | None]) -> frozenset[str] | None:
    known = [one for one in found if one is not None]
    return frozenset().union(*known) if len(known) == len(found) else None


def _plain(strings: Iterable[str]) -> Iterator[frozenset[str]]:
    lowered = frozenset(string.lower() for string in strings)
    if lowered and len(lowered) <= _MOST_CHOICES:
        yield lowered


def _worth(strings: frozenset[str]) -> tuple[int, int]:
    """Longer is rarer; of equal length, fewer are quicker to rule out."""
    return min(map(len, strings)), -len(strings)
