"""Reads a plan's YAML into plain data and remembers where every value stands.

It resolves only what JSON would (null, true, false, numbers), so that ``no``, ``on``, ``12:30`` and dates stay
words. Aliases, tags, duplicate keys, deep nesting and huge files are refused. It knows nothing of what a plan holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from services.base.errors import FieldProblem

LARGEST: Final = 1024 * 1024
DEEPEST: Final = 40

Path = tuple[str | int, ...]
Place = tuple[int, int]

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_JSON_WORDS: Mapping[str, object] = {"": None, "null": None, "true": True, "false": False}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class PlanProblem(FieldProblem):
    """One mistake: ``field`` is the value's path; line and column count from 1."""

    line: int
    column: int

    @property
    def path(self) -> str:
        return self.field


@dataclass(frozen=True, slots=True)
class Document:
    """``data`` as plain dicts, lists and scalars; ``places`` by path; ``broken`` paths hold no trustworthy data."""

    data: object
    places: Mapping[Path, Place]
    problems: tuple[PlanProblem, ...]
    broken: tuple[Path, ...]
    complete: bool

    def problem(self, path: Path, reason: str) -> PlanProblem:
        """A mistake at ``path``, or at the nearest level above that is written in the file."""
        at = path
        while at and at not in self.places:
            at = at[:-1]
        return _problem(self.places.get(at, (1, 1)), _spell(self.data, path), reason)


def read_document(text: str) -> Document:
    """Never raises: what is wrong with the file is in ``problems``.

    ``complete`` is False when reading stopped at a mistake, so that nothing can be said about the rest.
    """
    text = text.removeprefix("\ufeff")
    builder = _Builder()
    data: object = None
    complete = False
    try:
        _refuse_unreadable(text)
        data = builder.build(yaml.parse(text, Loader=_LOADER))
        complete = True
    except _StoppedError as stop:
        builder.mistakes.append((stop.place, (), str(stop)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = ", ".join(part for part in (error.context, error.problem) if part)
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        builder.mistakes.append((place, (), f"this is no YAML: {words}"))
    except yaml.YAMLError as error:
        builder.mistakes.append(((1, 1), (), f"this is no YAML: {error}"))
    problems = tuple(_problem(place, _spell(data, path), reason) for place, path, reason in builder.mistakes)
    return Document(data, builder.places, problems, tuple(builder.broken), complete)


class _StoppedError(Exception):
    """Reading can't go on."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.place = place


def _problem(place: Place, path: str, reason: str) -> PlanProblem:
    return PlanProblem(field=path, reason=reason, code="plan", line=place[0], column=place[1])


def _refuse_unreadable(text: str) -> None:
    if len(text) > LARGEST or len(text.encode("utf-8", "replace")) > LARGEST:
        raise _StoppedError((1, 1), "the file is larger than 1 MiB; a plan is a few dozen KiB")
    if unprintable := _UNPRINTABLE.search(text):
        before = text[: unprintable.start()]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        sign = f"U+{ord(unprintable.group()):04X}"
        raise _StoppedError(place, f"the control character {sign} can't stand in a plan; remove it")


@dataclass(slots=True)
class _Builder:
    """Turns the parser's events into data, noting places and mistakes on the way."""

    places: dict[Path, Place] = field(default_factory=dict)
    mistakes: list[tuple[Place, Path, str]] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)

    def build(self, events: Iterator[yaml.Event]) -> object:
        data: object = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    reason = "a second document begins here; a plan is one, remove the ---"
                    raise _StoppedError(_place(event), reason)
            elif isinstance(event, yaml.NodeEvent):
                data = self._node(event, events, ())
        return data

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> object:
        if len(path) > DEEPEST:
            raise _StoppedError(_place(event), f"more than {DEEPEST} levels lie in one another here; flatten them")
        self.places.setdefault(path, _place(event))
        if isinstance(event, yaml.AliasEvent):
            self._break(event, path, f"the alias *{event.anchor} is not allowed in a plan; write the value out")
            return None
        if tag := getattr(event, "tag", None):
            self._break(event, path, f"the tag {tag} is not allowed in a plan; put a text in quotes instead")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        assert isinstance(event, yaml.ScalarEvent)
        return _resolve(event.value) if event.implicit[0] else event.value

    def _sequence(self, events: Iterator[yaml.Event], path: Path) -> list[object]:
        items: list[object] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, events, (*path, len(items))))
        return items

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, object]:
        fields: dict[str, object] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.ScalarEvent):
                self.mistakes.append((_place(event), path, "the name of a field must be a word"))
                _pass_over(event, events)
                _pass_over(next(events), events)
            elif event.value in fields:
                twice = (*path, event.value)
                reason = f'"{event.value}" is here twice (first on line {self.places[twice][0]}); keep one'
                self.mistakes.append((_place(event), twice, reason))
                _pass_over(next(events), events)
            else:
                name = event.value
                self.places[(*path, name)] = _place(event)
                fields[name] = self._node(next(events), events, (*path, name))
        return fields

    def _break(self, event: yaml.Event, path: Path, reason: str) -> None:
        self.mistakes.append((_place(event), path, reason))
        self.broken.append(path)


def _pass_over(event: yaml.Event, events: Iterator[yaml.Event]) -> None:
    """Leaves out the value that begins with ``event``."""
    depth = 0
    while True:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth == 0:
            return
        event = next(events)


def _place(event: yaml.Event) -> Place:
    assert event.start_mark is not None  # the parser sets it on every event
    return event.start_mark.line + 1, event.start_mark.column + 1


def _resolve(plain: str) -> object:
    if plain in _JSON_WORDS:
        return _JSON_WORDS[plain]
    number = _JSON_NUMBER.fullmatch(plain)
    if number is None:
        return plain
    return float(plain) if number.group(1) or number.group(2) else int(plain)


def _spell(data: object, path: Path) -> str:
    """The path for people: list items by their code, login or kind, else by their number from 0."""
    spelled = ""
    for step in path:
        data = _inside(data, step)
        if isinstance(step, int):
            name = _item_name(data)
            spelled += f".{name}" if name else f"[{step}]"
        else:
            spelled += f".{step}"
    return spelled.removeprefix(".")


def _inside(data: object, step: str | int) -> object:
    if isinstance(data, dict):
        return data.get(step)
    if isinstance(data, list) and isinstance(step, int) and step < len(data):
        return data[step]
    return None


def _item_name(item: object) -> str | None:
    if not isinstance(item, dict):
        return None
    names = (item.get(key) for key in ("code", "login", "kind"))
    return next((name for name in names if isinstance(name, str) and name), None)
