"""The contingency plan as typed, frozen values: who, what, by when, and how complaints are judged.

A ``Plan`` comes from ``services.plan.loading.load_plan``, which also checks what one section says about
another; the lookups below rely on that. Nothing here reads files or the database.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal, Protocol, TypeVar

from pydantic import EmailStr, Field

from services.base.errors import NotFound
from services.plan.judging import Judging, Signal, Standing
from services.plan.regions import Region, RegionEntry, RegionFinder
from services.plan.values import (
    Code,
    Duration,
    Entry,
    Flag,
    PhoneRegion,
    ReferencePrefix,
    Sentence,
    Slug,
    Text,
    TimeZone,
)
from services.plan.vocabulary import (
    LEADERSHIP,
    AnswerWay,
    Category,
    Channel,
    Language,
    NoticeKind,
    Role,
    Severity,
    Status,
    TellingEvent,
)

NamedKind = Literal[
    "group",
    "category",
    "subcategory",
    "severity",
    "channel",
    "service",
    "status",
    "notice",
    "signal",
    "standing",
    "region",
]


class About(Entry):
    """Whose plan this is, which edition, and what holds where a complaint says nothing else."""

    name: Text
    operator: Text
    edition: Sentence
    default_language: Language = "zh"
    time_zone: TimeZone = "Asia/Shanghai"
    phone_region: PhoneRegion = "CN"
    reference_prefix: ReferencePrefix = "RD"


class Person(Entry):
    """A member of staff. ``on_duty`` is where the rota starts; who is on duty now is kept elsewhere."""

    login: Slug
    name: Text
    title: Text
    email: EmailStr | None = None
    languages: tuple[Language, ...] = Field(min_length=1)
    on_duty: Flag


class Group(Entry):
    """A group of the organisation. ``members`` leaves out the head and the deputy."""

    code: Code
    name: Text
    head: Slug
    deputy: Slug | None = None
    members: tuple[Slug, ...] = ()
    duties: tuple[Text, ...] = Field(min_length=1)


class Subcategory(Entry):
    """A finer kind within a category. Its code is unique in the whole plan."""

    code: Code
    name: Text
    description: Text


class CategoryEntry(Entry):
    """What kind of complaint, and the group that it goes to."""

    code: Category
    name: Text
    description: Text
    group: Code
    subcategories: tuple[Subcategory, ...] = ()


class SeverityEntry(Entry):
    """How grave a complaint is."""

    code: Severity
    name: Text
    description: Text


class Deadline(Entry):
    """How long each step may take, counted from the receipt of the complaint."""

    acknowledge: Duration
    respond: Duration
    resolve: Duration


class SeverityDeadlines(Entry):
    """Deadlines by severity. What a category leaves out is taken, whole, from ``default``."""

    critical: Deadline | None = None
    major: Deadline | None = None
    minor: Deadline | None = None
    low: Deadline | None = None


class Deadlines(Entry):
    """Deadlines by category; ``default`` holds where a category says nothing about a severity."""

    default: SeverityDeadlines = SeverityDeadlines()
    outage: SeverityDeadlines = SeverityDeadlines()
    billing: SeverityDeadlines = SeverityDeadlines()
    technical_support: SeverityDeadlines = SeverityDeadlines()
    unclear: SeverityDeadlines = SeverityDeadlines()


class ChannelEntry(Entry):
    """A way in, and the ways to answer, best first."""

    code: Channel
    name: Text
    answer_by: tuple[AnswerWay, ...] = Field(min_length=1)


class ServiceEntry(Entry):
    """What the customer has bought."""

    code: Code
    name: Text


class StatusEntry(Entry):
    """What a case's status is called, and what the customer can expect next."""

    code: Status
    name: Text
    next: Text


class NoticeEntry(Entry):
    """What the customer is told after which event. ``tell: false`` silences a notice without removing it."""

    kind: NoticeKind
    name: Text
    after: TellingEvent
    tell: Flag = True


@dataclass(frozen=True, slots=True)
class Membership:
    """A person in a group, and as what."""

    person: Person
    role: Role


class Plan(Entry):
    """The whole plan, with the lookups that the programs need; each lookup is a dictionary access."""

    plan: About
    staff: tuple[Person, ...] = Field(min_length=1)
    groups: tuple[Group, ...]
    categories: tuple[CategoryEntry, ...]
    severities: tuple[SeverityEntry, ...]
    deadlines: Deadlines
    reopen_within: Duration
    close_after_silence: Duration
    channels: tuple[ChannelEntry, ...]
    services: tuple[ServiceEntry, ...]
    statuses: tuple[StatusEntry, ...]
    notices: tuple[NoticeEntry, ...]
    judging: Judging
    standings: tuple[Standing, ...] = ()
    regions: tuple[RegionEntry, ...] = ()

    def person(self, login: str) -> Person:
        """Raises NotFound."""
        return _known(self._people, login, "person")

    def group(self, code: str) -> Group:
        """Raises NotFound."""
        return _known(self._groups, code, "group")

    def category(self, code: str) -> CategoryEntry:
        """Raises NotFound."""
        return _known(self._categories, code, "category")

    def group_for(self, category: str) -> Group:
        """The group that complaints of this category go to. Raises NotFound."""
        return self._groups[self.category(category).group]

    def members_of(self, group: str) -> tuple[Membership, ...]:
        """Everybody in the group: head, deputy, then members as the plan lists them. Raises NotFound."""
        return _known(self._memberships, group, "group")

    def role_in(self, login: str, group: str) -> Role | None:
        """What the person is in the group; None when not in it. Raises NotFound for an unknown group."""
        return next((one.role for one in self.members_of(group) if one.person.login == login), None)

    def groups_of(self, login: str) -> tuple[Group, ...]:
        """The person's groups as the plan lists them, but leadership last: the first is the home group."""
        return self._groups_by_login.get(login, ())

    def home_group(self, login: str) -> Group:
        """The group that the person works in day by day. Raises NotFound."""
        self.person(login)
        return self._groups_by_login[login][0]

    def deadlines_for(self, category: str, severity: str) -> Deadline:
        """How long each step may take, counted from the receipt of the complaint. Raises NotFound."""
        return _known(self._deadlines, (category, severity), "deadline for")

    def answer_ways(self, channel: str) -> tuple[AnswerWay, ...]:
        """How to answer a complaint from this channel, best way first. Raises NotFound."""
        return _known(self._answer_ways, channel, "channel")

    def notice_kinds_after(self, event: str) -> tuple[NoticeKind, ...]:
        """What the customer is told after an event, given by its short name; empty for any other."""
        return self._notice_kinds.get(event, ())

    def status(self, code: str) -> StatusEntry:
        """Raises NotFound."""
        return _known(self._statuses, code, "status")

    def signal(self, code: str) -> Signal:
        """Raises NotFound."""
        return _known(self._signals, code, "signal")

    def standing_of(self, standing: str | None, account: str | None) -> str | None:
        """The standing of a customer: the one that the channel names, else the one that the account's form tells.

        One that this plan does not know counts as none.
        """
        if standing is not None and ("standing", standing) in self._names:
            return standing
        if account is None:
            return None
        return next((code for code, accounts in self._account_forms if accounts.fullmatch(account)), None)

    def region(self, code: str) -> Region:
        """Raises NotFound."""
        return _known(self._region_finder.by_code, code, "region")

    def all_regions(self) -> tuple[Region, ...]:
        """Every region of the tree, each before those that lie in it."""
        return tuple(self._region_finder.by_code.values())

    def find_region(self, words: str) -> Region | None:
        """The region that the words as posted name, such as ``北京/海淀``; None when unknown or ambiguous."""
        return self._region_finder.find(words)

    def name_of(self, kind: NamedKind, code: str, language: str | None = None) -> str:
        """What people call a code, in the plan's language unless another is given.

        A code that this plan doesn't know is given back as it is: cases outlive the plan they ran under.
        """
        name = self._names.get((kind, code))
        return code if name is None else name.in_language(language or self.plan.default_language)

    @cached_property
    def _people(self) -> Mapping[str, Person]:
        return {person.login: person for person in self.staff}

    @cached_property
    def _groups(self) -> Mapping[str, Group]:
        return {group.code: group for group in self.groups}

    @cached_property
    def _categories(self) -> Mapping[str, CategoryEntry]:
        return {category.code: category for category in self.categories}

    @cached_property
    def _statuses(self) -> Mapping[str, StatusEntry]:
        return {status.code: status for status in self.statuses}

    @cached_property
    def _signals(self) -> Mapping[str, Signal]:
        return {signal.code: signal for signal in self.judging.signals}

    @cached_property
    def _account_forms(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        return tuple(
            (standing.code, re.compile("|".join(map(fnmatch.translate, standing.accounts)), re.IGNORECASE))
            for standing in self.standings
            if standing.accounts
        )

    @cached_property
    def _answer_ways(self) -> Mapping[str, tuple[AnswerWay, ...]]:
        return {channel.code: channel.answer_by for channel in self.channels}

    @cached_property
    def _memberships(self) -> Mapping[str, tuple[Membership, ...]]:
        return {
            group.code: tuple(Membership(self._people[login], role) for login, role in _roles(group))
            for group in self.groups
        }

    @cached_property
    def _groups_by_login(self) -> Mapping[str, tuple[Group, ...]]:
        home_first = sorted(self.groups, key=lambda group: group.code == LEADERSHIP)
        return {
            person.login: tuple(
                group for group in home_first if any(login == person.login for login, _ in _roles(group))
            )
            for person in self.staff
        }

    @cached_property
    def _deadlines(self) -> Mapping[tuple[str, str], Deadline]:
        return {
            (category.code, severity.code): deadline
            for category in self.categories
            for severity in self.severities
            if (
                deadline := getattr(getattr(self.deadlines, category.code), severity.code)
                or getattr(self.deadlines.default, severity.code)
            )
        }

    @cached_property
    def _notice_kinds(self) -> Mapping[str, tuple[NoticeKind, ...]]:
        told = [notice for notice in self.notices if notice.tell]
        return {
            event: tuple(notice.kind for notice in told if notice.after == event)
            for event in {notice.after for notice in told}
        }

    @cached_property
    def _region_finder(self) -> RegionFinder:
        return RegionFinder(self.regions)

    @cached_property
    def _names(self) -> Mapping[tuple[str, str], Text]:
        named: dict[tuple[str, str], Text] = {("notice", notice.kind): notice.name for notice in self.notices}
        sections: dict[NamedKind, Iterable[_Named]] = {
            "group": self.groups,
            "category": self.categories,
            "subcategory": chain.from_iterable(category.subcategories for category in self.categories),
            "severity": self.severities,
            "channel": self.channels,
            "service": self.services,
            "status": self.statuses,
            "signal": self.judging.signals,
            "standing": self.standings,
            "region": self._region_finder.by_code.values(),
        }
        for kind, entries in sections.items():
            named.update({(kind, entry.code): entry.name for entry in entries})
        return named


class _Named(Protocol):
    @property
    def code(self) -> str: ...

    @property
    def name(self) -> Text: ...


_Key = TypeVar("_Key", str, tuple[str, str])
_Thing = TypeVar("_Thing")


def _known(things: Mapping[_Key, _Thing], key: _Key, noun: str) -> _Thing:
    try:
        return things[key]
    except KeyError:
        written = key if isinstance(key, str) else " and ".join(key)
        raise NotFound(f"The plan knows no {noun} {written}.") from None


def _roles(group: Group) -> Iterator[tuple[str, Role]]:
    yield group.head, "head"
    if group.deputy is not None:
        yield group.deputy, "deputy"
    for login in group.members:
        yield login, "member"
