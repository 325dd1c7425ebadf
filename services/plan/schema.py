"""The contingency plan as typed, frozen values: who, what, by when, and how complaints are judged.

A ``Plan`` comes from ``services.plan.loading.load_plan``, which also checks what one section says about
another; the lookups below rely on that. Nothing here reads files or the database.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import Literal, Protocol, TypeVar

from pydantic import Field

from services.base.errors import NotFound
from services.plan.calendars import Calendar, CalendarEntry
from services.plan.catalogue import (
    About,
    CategoryEntry,
    ChannelEntry,
    NoticeEntry,
    ServiceEntry,
    SeverityEntry,
    StatusEntry,
)
from services.plan.clocks import Deadline, Deadlines, Law, law_of
from services.plan.escalation import Escalation, Reporting
from services.plan.judging import Judging, Signal, Standing
from services.plan.organisation import Group, Membership, Person
from services.plan.playbooks import Article, Awaiting, Compensation, Contact, Playbook, Review, TaskEntry
from services.plan.regions import Region, RegionEntry, RegionFinder
from services.plan.telling import Attachments, Surveys, Telling
from services.plan.templates import Templates
from services.plan.values import (
    Duration,
    Entry,
    Text,
)
from services.plan.vocabulary import (
    LEADERSHIP,
    AnswerWay,
    NoticeKind,
    Role,
    TaskKind,
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
    "playbook",
    "task",
    "article",
    "calendar",
]


class Plan(Entry):
    """The whole plan, with the lookups that the programs need; each lookup is a dictionary access."""

    plan: About
    staff: tuple[Person, ...] = Field(min_length=1)
    calendars: tuple[CalendarEntry, ...] = Field(min_length=1)
    groups: tuple[Group, ...]
    categories: tuple[CategoryEntry, ...]
    severities: tuple[SeverityEntry, ...]
    deadlines: Deadlines
    playbooks: tuple[Playbook, ...]
    review: Review = Review()
    compensation: Compensation
    contact: Contact
    awaiting: Awaiting
    tasks: tuple[TaskEntry, ...]
    escalation: Escalation
    reporting: Reporting
    knowledge: tuple[Article, ...] = ()
    reopen_within: Duration
    close_after_silence: Duration
    channels: tuple[ChannelEntry, ...]
    services: tuple[ServiceEntry, ...]
    statuses: tuple[StatusEntry, ...]
    notices: tuple[NoticeEntry, ...]
    telling: Telling = Telling()
    surveys: Surveys = Surveys()
    attachments: Attachments = Attachments()
    judging: Judging
    standings: tuple[Standing, ...] = ()
    regions: tuple[RegionEntry, ...] = ()
    templates: Templates = Field(default_factory=dict)

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

    def calendar(self, code: str) -> Calendar:
        """Raises NotFound."""
        return _known(self._calendars, code, "calendar")

    def calendar_of(self, group: str) -> Calendar:
        """The calendar on which a group's deadlines are counted. Raises NotFound."""
        return self.calendar(self.group(group).calendar)

    @cached_property
    def law(self) -> Law:
        """The limits of the plan's jurisdiction."""
        return law_of(self.plan.jurisdiction)

    @cached_property
    def law_calendar(self) -> Calendar:
        """The calendar on which the limits of law are counted."""
        return Calendar(self.law.calendar, self.plan.time_zone)

    def playbook_for(self, category: str, subcategory: str | None, severity: str) -> Playbook | None:
        """How a complaint of this kind is handled: the first playbook that fits; None for an unclear one."""
        return next((one for one in self.playbooks if one.fits(category, subcategory, severity)), None)

    def playbook(self, code: str) -> Playbook:
        """Raises NotFound."""
        return _known(self._playbooks, code, "playbook")

    def task(self, kind: TaskKind) -> TaskEntry:
        """Raises NotFound."""
        return _known(self._tasks, kind, "kind of task")

    def articles_for(self, category: str, subcategory: str | None) -> tuple[Article, ...]:
        """The guidance for a category: first what is meant for the sub-category, then what is for all of them."""
        fitting = [article for article in self.knowledge if article.category == category]
        meant = [article for article in fitting if subcategory in article.subcategories]
        return (*meant, *(article for article in fitting if not article.subcategories))

    def article(self, code: str) -> Article:
        """Raises NotFound."""
        return _known(self._articles, code, "article")

    def deadlines_for(self, category: str, severity: str) -> Deadline:
        """How long each step may take, counted from the receipt of the complaint. Raises NotFound."""
        return _known(self._deadlines, (category, severity), "deadline for")

    def answer_ways(self, channel: str) -> tuple[AnswerWay, ...]:
        """How to answer a complaint from this channel, best way first. Raises NotFound."""
        return _known(self._answer_ways, channel, "channel")

    def notice_kinds_after(self, event: str) -> tuple[NoticeKind, ...]:
        """What the customer is told after an event, given by its short name; empty for any other."""
        return self._notice_kinds.get(event, ())

    def notice(self, kind: NoticeKind | str) -> NoticeEntry:
        """Raises NotFound."""
        return _known(self._notices, kind, "notice")

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

    def time_zone_of(self, region: str | None) -> str:
        """The clock that people in a region live by; the plan's for one that it doesn't know."""
        known = None if region is None else self._region_finder.by_code.get(region)
        return (known.time_zone if known is not None else None) or self.plan.time_zone

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
    def _calendars(self) -> Mapping[str, Calendar]:
        return {entry.code: Calendar(entry, self.plan.time_zone) for entry in self.calendars}

    @cached_property
    def _playbooks(self) -> Mapping[str, Playbook]:
        return {playbook.code: playbook for playbook in self.playbooks}

    @cached_property
    def _tasks(self) -> Mapping[str, TaskEntry]:
        return {entry.kind: entry for entry in self.tasks}

    @cached_property
    def _articles(self) -> Mapping[str, Article]:
        return {article.code: article for article in self.knowledge}

    @cached_property
    def _statuses(self) -> Mapping[str, StatusEntry]:
        return {status.code: status for status in self.statuses}

    @cached_property
    def _notices(self) -> Mapping[str, NoticeEntry]:
        return {notice.kind: notice for notice in self.notices}

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
        named.update({("task", entry.kind): entry.name for entry in self.tasks})
        named.update({("article", article.code): article.title for article in self.knowledge})
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
            "playbook": self.playbooks,
            "calendar": self.calendars,
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
