"""Who of a group comes next for a case, found without looking at everybody for every case.

People who speak the same languages and know the same things are alike: a case can only prefer one kind of people to
another, and within a kind the load decides. So each kind is a heap by load, and a case looks at the tops of the kinds
that suit it best. Loads only grow while a batch is shared out, so an entry that is out of date is found and renewed
when it comes to the top.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.people.rota import Presence
from services.plan.vocabulary import Role

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RANKED: Final = ("full", "language", "skills")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person of a group. ``skills`` are written ``service:broadband``, ``subcategory:…``, ``region:…``.

    ``excluded``: must not be chosen, whatever their presence.
    """

    login: str
    role: Role | None
    presence: Presence
    open_cases: int
    capacity: int
    last_assigned_at: datetime | None = None
    languages: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    excluded: bool = False

    @property
    def why_not(self) -> str | None:
        """Why they can't be given a case; None when they can."""
        return "excluded" if self.excluded else self.presence.why


@dataclass(frozen=True, slots=True)
class Need:
    """What a case asks of whoever gets it. ``regions`` are codes from the top of the tree down to where it is."""

    language: str
    service: str
    sub_category: str | None = None
    regions: tuple[str, ...] = ()

    def skills(self) -> Iterator[Sequence[str]]:
        """What helps with it, as skills are written; of those that stand together one is enough, the first best."""
        yield (f"service:{self.service}",)
        if self.sub_category is not None:
            yield (f"subcategory:{self.sub_category}",)
        yield [f"region:{code}" for code in reversed(self.regions)]

    def met_by(self, skills: frozenset[str]) -> list[str]:
        """Those of the skills that fit the case; of regions the narrowest."""
        if not skills:
            return []
        return [fitting for among in self.skills() for fitting in [skill for skill in among if skill in skills][:1]]


# Share of the capacity in use, last case of this batch, time of the last case before it, login; then the load.
Standing = tuple[float, int, datetime, str, int]


class Loads:
    """What people have on hand while a batch is shared out. Somebody in several groups stands here once."""

    def __init__(self) -> None:
        self.now: dict[str, Standing] = {}
        self._turn = 0

    def add(self, person: Candidate) -> Standing:
        """The person as they stand now."""
        return self.now.setdefault(person.login, _standing(person, person.open_cases, 0))

    def give(self, person: Candidate) -> int:
        """Note that the person gets a case; returns how many they had before it."""
        load = self.add(person)[4]
        # Those given something in this batch come after all who were given nothing in it, in the order of giving.
        self._turn += 1
        self.now[person.login] = _standing(person, load + 1, self._turn)
        return load


@dataclass(slots=True, eq=False)
class _Kind:
    """People alike in what they speak and know, as a heap by load."""

    languages: frozenset[str]
    skills: frozenset[str]
    heap: list[Standing]


@dataclass(frozen=True, slots=True)
class _Tier:
    """The kinds that suit a case equally well: whether they speak its language, and how many of their skills fit."""

    speaks: bool
    fitting: int
    kinds: Sequence[_Kind]


class Pool:
    """The people of a group who are on duty, and ``off``, those who are not. ``loads`` is shared by all pools."""

    def __init__(self, people: Iterable[Candidate], loads: Loads) -> None:
        self._loads = loads
        self._people: dict[str, Candidate] = {}
        self.off: list[Mapping[str, str]] = []
        alike: dict[tuple[frozenset[str], frozenset[str]], list[Standing]] = defaultdict(list)
        for person in people:
            if (why_not := person.why_not) is not None:
                self.off.append({"login": person.login, "because": why_not})
            else:
                self._people[person.login] = person
                alike[person.languages, person.skills].append(loads.add(person))
        self._kinds = [_Kind(*what, heap) for what, heap in alike.items()]
        self._knowing: dict[str, list[_Kind]] = defaultdict(list)
        for kind in self._kinds:
            heapq.heapify(kind.heap)
            for skill in kind.skills:
                self._knowing[skill].append(kind)
        self._languages: dict[str, list[tuple[bool, Sequence[_Kind]]]] = {}
        self._tiers: dict[Need | str, list[_Tier]] = {}

    def pick(self, need: Need, others: int) -> tuple[Candidate, list[Mapping[str, str]]] | None:
        """Who comes next, and why not the ``others`` (so many at most, the nearest first). None: nobody is on duty.

        Below capacity first; then who speaks the language; then who has more of the skills; then the least on hand for
        their capacity, the longest without a case, the login.
        """
        best: tuple[_Tier, Standing] | None = None
        tiers = self._tiers_for(need)
        for tier in tiers:
            standing = min(map(self._top, tier.kinds))
            if best is None or not _full(standing):
                best = tier, standing
            if not _full(standing):
                break
        if best is None:
            return None
        passed_over = self._others(tiers, *best, others)
        passed_over += self.off[: others - len(passed_over)]
        return self._people[best[1][3]], passed_over

    def _tiers_for(self, need: Need) -> list[_Tier]:
        """All kinds by how well they suit the case, the best first."""
        # Where nobody knows anything special, cases differ by their language only.
        key = need if self._knowing else need.language
        tiers = self._tiers.get(key)
        if tiers is None:
            tiers = self._tiers[key] = self._sorted_tiers(need)
        return tiers

    def _sorted_tiers(self, need: Need) -> list[_Tier]:
        fitting: dict[_Kind, int] = {}
        for among in need.skills():
            for kind in {kind for skill in among for kind in self._knowing.get(skill, ())}:
                fitting[kind] = fitting.get(kind, 0) + 1
        by_rank: dict[tuple[bool, int], list[_Kind]] = defaultdict(list)
        for kind, count in fitting.items():
            by_rank[need.language in kind.languages, count].append(kind)
        for speaks, kinds in self._by_language(need.language):
            rest = [kind for kind in kinds if kind not in fitting]
            if rest:
                by_rank[speaks, 0] = rest
        return [_Tier(*rank, by_rank[rank]) for rank in sorted(by_rank, reverse=True)]

    def _by_language(self, language: str) -> Iterable[tuple[bool, Sequence[_Kind]]]:
        known = self._languages.get(language)
        if known is None:
            known = self._languages[language] = [
                (speaks, [kind for kind in self._kinds if (language in kind.languages) is speaks])
                for speaks in (True, False)
            ]
        return known

    def _top(self, kind: _Kind) -> Standing:
        heap, now = kind.heap, self._loads.now
        while (standing := heap[0]) is not (current := now[standing[3]]):
            heapq.heapreplace(heap, current)
        return standing

    def _others(
        self, tiers: Sequence[_Tier], chosen_tier: _Tier, chosen: Standing, most: int
    ) -> list[Mapping[str, str]]:
        """Who else is on duty, nearest first, and what put them behind. Of a large group those that are found first."""
        now = self._loads.now
        near = [
            (_rank(tier, standing), standing)
            for tier, login in _first(tiers, most + 1)
            if (standing := now[login]) is not chosen
        ]
        near.sort()
        mine = _rank(chosen_tier, chosen)
        return [
            {"login": standing[3], "because": _behind(rank, standing, mine, chosen)} for rank, standing in near[:most]
        ]


_Rank = tuple[bool, bool, int]


def _standing(person: Candidate, load: int, turn: int) -> Standing:
    return load / person.capacity, turn, person.last_assigned_at or _NEVER, person.login, load


def _full(standing: Standing) -> bool:
    return standing[0] >= 1


def _rank(tier: _Tier, standing: Standing) -> _Rank:
    return standing[0] >= 1, not tier.speaks, -tier.fitting


def _first(tiers: Iterable[_Tier], most: int) -> Iterator[tuple[_Tier, str]]:
    for tier in tiers:
        for kind in tier.kinds:
            for standing in kind.heap[:most]:
                yield tier, standing[3]
                most -= 1
            if most <= 0:
                return


def _behind(rank: _Rank, standing: Standing, chosen_rank: _Rank, chosen: Standing) -> str:
    """The first thing in which somebody comes after the chosen one."""
    if rank != chosen_rank:
        return next(name for name, mine, theirs in zip(_RANKED, chosen_rank, rank, strict=True) if mine != theirs)
    if standing[0] != chosen[0]:
        return "busier" if standing[4] > chosen[4] else "fuller"
    return "order" if standing[1:3] == chosen[1:3] else "later"
