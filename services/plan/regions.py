"""The operator's regions: a tree of provinces, cities and districts, and finding one by the words as posted.

Says whether a region counts as town or country (repair periods differ) and where it lies. Doesn't guess:
words that fit no region, or several equally well, find none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import AfterValidator

from services.plan.values import Entry, Sentence, Text, TimeZone, quoted
from services.plan.vocabulary import RegionKind

LONGEST_QUERY = 120
MOST_PARTS = 8

_BETWEEN_PARTS = re.compile(r"[/\\|·・•>›,，、;；]+")
_IGNORED = re.compile(r"[\s'’_-]+")
_CHINESE_SUFFIX = re.compile(r"(特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|自治州|地区|省|市|区|县|盟|州)$")
_ENGLISH_SUFFIX = re.compile(
    r"(specialadministrativeregion|autonomousregion|municipality|province|district|county|city)$"
)
_TOLERATED_SUFFIXES = ("省", "市", "区", "县")
_IN_ENGLISH: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"省": ("province",), "市": ("city", "municipality"), "区": ("district",), "县": ("county",)}
)


def _region_code(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", value):
        raise ValueError(
            f"{quoted(value)} is no region code; use small letters, digits, - and _, beginning with a letter"
        )
    return value


class RegionEntry(Entry):
    """A region as the plan writes it. Without ``kind`` it is what its parent is; at the top, town. So it is with
    ``time_zone``; at the top, the plan's."""

    code: Annotated[str, AfterValidator(_region_code)]
    name: Text
    kind: RegionKind | None = None
    time_zone: TimeZone | None = None
    aliases: tuple[Sentence, ...] = ()
    children: tuple[RegionEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """A region in its place: ``path`` holds the codes from the top of the tree down to its own.

    Without ``time_zone`` it has the plan's.
    """

    code: str
    name: Text
    kind: RegionKind
    path: tuple[str, ...]
    time_zone: str | None = None

    @property
    def parent(self) -> str | None:
        return self.path[-2] if len(self.path) > 1 else None


def spellings(zh: str, en: str, others: Iterable[str]) -> frozenset[str]:
    """Every normalised form under which a region with these names is found.

    A suffix such as 省, 市, 区 or City may be left out; a Chinese name that has none may be given one, and the
    English name may be given the one that fits the Chinese suffix.
    """
    found: set[str] = set()
    for name in (zh, en, *others):
        whole = _normal(name)
        bare = _ENGLISH_SUFFIX.sub("", _CHINESE_SUFFIX.sub("", whole))
        found.add(whole)
        if len(bare) >= 2:
            found.add(bare)
    chinese = _normal(zh)
    suffix = _CHINESE_SUFFIX.search(chinese)
    if suffix is None and len(chinese) >= 2:
        found.update(chinese + tolerated for tolerated in _TOLERATED_SUFFIXES)
    elif suffix is not None:
        found.update(_normal(en) + english for english in _IN_ENGLISH.get(suffix.group()[-1], ()))
    return frozenset(found - {""})


class RegionFinder:
    """Finds regions by code and by words. Built once per plan."""

    def __init__(self, entries: Sequence[RegionEntry]) -> None:
        self.by_code: dict[str, Region] = {}
        self._by_spelling: dict[str, list[Region]] = {}
        self._spellings: dict[str, frozenset[str]] = {}
        for region, entry in _walk(entries, (), "town", None):
            self.by_code[region.code] = region
            names = spellings(entry.name.zh, entry.name.en, (entry.code, *entry.aliases))
            self._spellings[region.code] = names
            for spelling in names:
                self._by_spelling.setdefault(spelling, []).append(region)

    def find(self, words: str) -> Region | None:
        """The region that the words name: ``北京/海淀``, ``北京市海淀区``, ``Haidian, Beijing``.

        Levels in between may be left out. None when a part is unknown or the words fit several regions.
        """
        if len(words) > LONGEST_QUERY:
            return None
        parts: list[str] = []
        for part in _BETWEEN_PARTS.split(unicodedata.normalize("NFKC", words)):
            if not (normal := _normal(part)):
                continue
            known = self._segments(normal, MOST_PARTS - len(parts))
            if known is None:
                return None
            parts.extend(known)
        if not parts:
            return None
        return self._resolve(parts) or self._resolve(parts[::-1])

    def _segments(self, word: str, most: int) -> list[str] | None:
        """The known spellings, ``most`` at most, that ``word`` consists of; the longest first one is preferred."""
        if most <= 0:
            return None
        if word in self._by_spelling:
            return [word]
        for end in range(len(word) - 1, 1, -1):
            if word[:end] in self._by_spelling and (rest := self._segments(word[end:], most - 1)) is not None:
                return [word[:end], *rest]
        return None

    def _resolve(self, parts: Sequence[str]) -> Region | None:
        candidates = self._by_spelling[parts[-1]]
        for repeated_level in (False, True):
            fitting = [region for region in candidates if self._lies_in(region, parts, repeated_level)]
            if fitting:
                depth = min(len(region.path) for region in fitting)
                highest = [region for region in fitting if len(region.path) == depth]
                return highest[0] if len(highest) == 1 else None
        return None

    def _lies_in(self, region: Region, parts: Sequence[str], repeated_level: bool) -> bool:
        """Whether the parts name regions on the way down to this one, in order.

        ``repeated_level`` allows two parts for one region: forms write 北京/北京市/海淀区.
        """
        codes = list(region.path)
        if parts[-1] not in self._spellings[codes[-1]]:
            return False
        at = len(codes) - 1
        for part in reversed(parts[:-1]):
            if not repeated_level:
                at -= 1
            while at >= 0 and part not in self._spellings[codes[at]]:
                at -= 1
            if at < 0:
                return False
        return True


def _walk(
    entries: Sequence[RegionEntry], above: tuple[str, ...], inherited: RegionKind, zone: str | None
) -> Iterator[tuple[Region, RegionEntry]]:
    for entry in entries:
        region = Region(entry.code, entry.name, entry.kind or inherited, (*above, entry.code), entry.time_zone or zone)
        yield region, entry
        yield from _walk(entry.children, region.path, region.kind, region.time_zone)


def _normal(words: str) -> str:
    return _IGNORED.sub("", unicodedata.normalize("NFKC", words).casefold())
