"""What the checks between a plan's sections stand on: a finding, and reading plain data that may have any form.

What has the wrong form is passed over here, and reported where forms are checked.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from services.plan.document import Path

Finding = tuple[Path, str]
Item = tuple[Path, dict[str, Any]]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` did you mean "x"?`` when one is close, otherwise the list of what is known."""
    candidates = [str(one) for one in known]
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    shown = ", ".join(candidates[:12]) + (", …" if len(candidates) > 12 else "")
    return f"known: {shown}" if shown else "none is known"


def fields(data: object, key: str) -> dict[str, Any]:
    """The mapping at ``key``; an empty one when it isn't there or isn't a mapping."""
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}


def items(data: object, *keys: str, above: Path = ()) -> list[Item]:
    """The mappings in the list at ``keys``, with their paths; none when it isn't there or isn't a list."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    if not isinstance(data, list):
        return []
    return [((*above, *keys, at), item) for at, item in enumerate(data) if isinstance(item, dict)]


def words(data: object) -> list[tuple[int, str]]:
    """The texts in a list, with their places; none when it isn't a list."""
    if not isinstance(data, list):
        return []
    return [(at, word) for at, word in enumerate(data) if isinstance(word, str)]


def codes(of: Iterable[Item], key: str) -> list[str]:
    """What stands under ``key`` in each item, where it is a text."""
    return [code for _, item in of if isinstance(code := item.get(key), str)]


def repeated(of: Iterable[Item], key: str) -> Iterator[Finding]:
    """Items whose ``key`` an earlier one has."""
    seen: set[str] = set()
    for path, item in of:
        code = item.get(key)
        if not isinstance(code, str):
            continue
        if code in seen:
            yield (*path, key), f'the {key} "{code}" is taken already; choose another'
        seen.add(code)


def incomplete(plan: dict[str, Any], section: str, key: str, noun: str, wanted: Sequence[str]) -> Iterator[Finding]:
    """Which of the ``wanted`` the list ``section`` leaves out; nothing when there is no such list."""
    if not isinstance(plan.get(section), list):
        return
    there = set(codes(items(plan, section), key))
    for code in wanted:
        if code not in there:
            yield (section,), f'the {noun} "{code}" is missing; add it'


def unknown(path: Path, word: object, known: Collection[str], noun: str) -> Iterator[Finding]:
    """A word that isn't among the known ones. Nothing is known only when the section itself is missing or malformed,
    which is reported there."""
    if isinstance(word, str) and known and word not in known:
        yield path, f'"{word}" is no {noun}; {did_you_mean(word, known)}'
