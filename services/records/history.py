"""The events of one case as its record is made of them: by type, with the corrections that belong to each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from services.complaints.events import ComplaintEvent, Corrected
from services.complaints.queries import Happening
from services.records.values import Correction

WORDS: Final = (
    "text",
    "reason",
    "finding",
    "what",
    "facts",
    "grounds",
    "material",
    "opinion",
    "said",
    "question",
    "name",
)
"""What people wrote, by its name in the private half of an event, in the order in which it is read."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class History:
    """Everything that happened to a case, oldest first."""

    def __init__(self, happenings: Sequence[Happening]) -> None:
        self.all = tuple(happenings)
        self._by_type: dict[str, list[Happening]] = defaultdict(list)
        self._corrections: dict[int, list[Correction]] = defaultdict(list)
        for one in self.all:
            self._by_type[one.type].append(one)
            if one.type == Corrected.TYPE:
                written = Correction(one.number, one.time, one.actor, words_of(one).get("text"))
                self._corrections[one.data["corrects"]].append(written)

    def of(self, *types: type[ComplaintEvent]) -> Iterator[Happening]:
        """The events of these types, oldest first."""
        if len(types) == 1:
            return iter(self._by_type.get(types[0].TYPE, ()))
        wanted = {one.TYPE for one in types}
        return (one for one in self.all if one.type in wanted)

    def entry(self, one: Happening) -> dict[str, Any]:
        """The fields with which a value that came from this event begins."""
        return {
            "number": one.number,
            "at": one.time,
            "by": one.actor,
            "corrections": tuple(self._corrections.get(one.number, ())),
        }


def words_of(one: Happening) -> dict[str, str]:
    """What people wrote in an event, in the order in which it is read."""
    private = private_of(one)
    return {name: private[name] for name in WORDS if isinstance(private.get(name), str)}


def private_of(one: Happening) -> Mapping[str, Any]:
    """The private half; empty when there is none or it is withheld."""
    return one.private or _NOTHING


def time_in(data: Mapping[str, Any], name: str) -> datetime | None:
    """A time of an event's public half."""
    written = data.get(name)
    return None if written is None else datetime.fromisoformat(written)


def seconds(since: datetime, until: datetime | None) -> int | None:
    """Whole seconds between two moments; None while the second has not come."""
    return None if until is None else round((until - since).total_seconds())


def first_after(one: Happening, others: Iterable[Happening]) -> Happening | None:
    """The first of ``others`` that came after ``one``."""
    return next((other for other in others if other.number > one.number), None)
