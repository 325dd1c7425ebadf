"""What is different between two plans, value by value, in the words of their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.plan.document import read_document
from services.plan.values import quoted

# By what the entries of a list are known, so that one that only moved is not told as changed.
_NAMED_BY: Final = ("code", "login", "kind", "to")


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is different: where it stands (``deadlines.outage.major.resolve``), and what it was and is."""

    path: str
    change: Literal["added", "removed", "changed"]
    before: str | None
    after: str | None

    def __str__(self) -> str:
        match self.change:
            case "added":
                return f"+ {self.path}: {self.after}"
            case "removed":
                return f"- {self.path}: {self.before}"
            case "changed":
                return f"~ {self.path}: {self.before} → {self.after}"


def differences(before: str, after: str) -> list[Difference]:
    """The differences between the texts of two plans that load without mistakes, in the order of the file."""
    return list(_compare("", read_document(before).data, read_document(after).data))


def _compare(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _compare_each(before, after, lambda name: f"{path}.{name}" if path else str(name))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_lists(path, before, after)
    elif before != after:
        yield Difference(path, "changed", _written(before), _written(after))


def _compare_each(
    before: Mapping[str, Any], after: Mapping[str, Any], path_of: Callable[[str], str]
) -> Iterator[Difference]:
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield Difference(path_of(name), "removed", _written(before[name]), None)
        elif name not in before:
            yield Difference(path_of(name), "added", None, _written(after[name]))
        else:
            yield from _compare(path_of(name), before[name], after[name])


def _compare_lists(path: str, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None:
        if before != after:
            yield Difference(path, "changed", _written(before), _written(after))
        return
    yield from _compare_each(old, new, lambda name: f"{path}[{name}]")
    if list(old) != list(new) and sorted(old) == sorted(new):
        yield Difference(path, "changed", "in the order " + ", ".join(old), "in the order " + ", ".join(new))


def _by_name(entries: list[Any]) -> dict[str, Any] | None:
    """The entries by their names; None when they have none, as in a list of words."""
    if not all(isinstance(entry, dict) for entry in entries):
        return None
    key = next((key for key in _NAMED_BY if all(key in entry for entry in entries)), None)
    if key is None:
        return None
    named = {str(entry[key]): entry for entry in entries}
    return named if len(named) == len(entries) else None


def _written(value: Any) -> str:
    if isinstance(value, dict):
        names = [
            str(value[key]) for key in ("name", "zh", "en", "code", "login", "kind") if isinstance(value.get(key), str)
        ]
        return names[0] if names else ", ".join(f"{key} {_written(inner)}" for key, inner in list(value.items())[:6])
    if isinstance(value, list):
        return ", ".join(_written(one) for one in value[:8]) + (", …" if len(value) > 8 else "") or "nothing"
    return value if isinstance(value, str) and len(value) <= 60 else quoted(value)
