"""The operator's contacts file (`REDRESS_STAFF_ALERTS`): who is told outside the inbox, of what, when and where.

It holds secrets, so it is no part of the plan, and nothing here shows a URL. What is wrong in it is told with its line.
Who the people are is looked up in the plan (`bind`).
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import quote

from pydantic import AfterValidator, Field, ValidationError, model_validator

from services.base.errors import Misconfigured
from services.casework.alerts import AlertKind
from services.notices.staff import peers
from services.plan.document import LARGEST, Document, read_document
from services.plan.document import Path as Place
from services.plan.findings import did_you_mean
from services.plan.hours import DAY_MINUTES, Shifts
from services.plan.loading import describe_problems
from services.plan.organisation import Person
from services.plan.schema import Plan
from services.plan.values import Code, Entry, Flag, Slug
from services.plan.vocabulary import Severity

log = logging.getLogger(__name__)

# What can't wait for the morning. So can't anything about a critical case.
URGENT: Final[frozenset[str]] = frozenset({"reported", "escalated", "directive_issued"})
_PLACES: Final = ("{email}", "{login}")
_EXAMPLE: Final = {"{email}": "name@example.com", "{login}": "name"}


def _link(value: str) -> str:
    if "{reference}" not in value or not value.startswith(("https://", "http://", "{public_url}")):
        raise ValueError('this is no link to a case; write for example "https://desk.example.com/cases/{reference}"')
    return value


Link = Annotated[str, AfterValidator(_link)]


class Route(Entry):
    """Who is told where: one ``person``, the ``members`` of a group each by themselves, ``everyone`` of the plan by
    themselves, or a ``group`` as a whole, which is told once of what concerns it.

    ``kinds`` and ``severities``: of what; all when left out (tasks and directives of no case have no severity, and
    pass). ``quiet``: hours on the plan's clock in which only what is urgent is told.
    """

    person: Slug | None = None
    members: Code | None = None
    group: Code | None = None
    everyone: Flag = False
    kinds: tuple[AlertKind, ...] = ()
    severities: tuple[Severity, ...] = ()
    quiet: Shifts = ()
    urls: tuple[str, ...] = Field(min_length=1, repr=False)

    @model_validator(mode="after")
    def _for_one(self) -> Self:
        named = [self.person, self.members, self.group, self.everyone or None]
        if sum(one is not None for one in named) != 1:
            raise ValueError(
                "a route is for one of person, members, group, or everyone: true; write exactly one of them"
            )
        return self

    def wants(self, kind: str, severity: str | None) -> bool:
        """Whether it is told of this kind of alert, about a case of this severity (None: about no case)."""
        of_kind = not self.kinds or kind in self.kinds
        return of_kind and (not self.severities or severity is None or severity in self.severities)

    def holds_until(self, kind: str, severity: str | None, local: datetime) -> datetime | None:
        """When its quiet hours end, for what is not urgent; None when it may be told now. On the clock of ``local``."""
        if kind in URGENT or severity == "critical":
            return None
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        minute = local.hour * 60 + local.minute
        for shift in self.quiet:
            # A night that began yesterday counts from yesterday's midnight.
            for days in (0, 1):
                if shift.opens <= minute + days * DAY_MINUTES < shift.closes:
                    return midnight + timedelta(minutes=shift.closes - days * DAY_MINUTES)
        return None


class ContactsFile(Entry):
    """The file. ``drills``: whether people are told of drills, too. ``link``: where staff open a case, with
    ``{reference}`` and ``{public_url}`` in it; without it messages have no link.
    """

    drills: Flag = False
    link: Link | None = None
    routes: tuple[Route, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Contact:
    """A URL that is told by one route. ``id`` is the URL's hash; ``login`` whose it is, None for one that is shared."""

    id: str
    url: str = field(repr=False)
    service: str
    login: str | None
    route: Route


@dataclass(frozen=True)
class Contacts:
    """The contacts as they stand with one version of the file and one of the plan."""

    drills: bool
    link: str | None
    people: Mapping[str, Sequence[Contact]]
    groups: Mapping[str, Sequence[Contact]]

    @cached_property
    def by_id(self) -> Mapping[str, Contact]:
        everywhere = [*self.people.values(), *self.groups.values()]
        return {contact.id: contact for contacts in everywhere for contact in contacts}


def read_contacts(text: str, source: str) -> ContactsFile:
    """What the file says. ``source`` names it in messages. Raises `Misconfigured` with every mistake and its line."""
    document = read_document(text)
    found, problems = None, list(document.problems)
    if document.complete:
        found, findings = _structured(document)
        findings += () if found is None else tuple(_wrong_urls(found))
        problems += [document.problem(place, reason) for place, reason in findings]
    if found is None or problems:
        shown = sorted(problems, key=lambda problem: (problem.line, problem.column))
        raise Misconfigured(f"REDRESS_STAFF_ALERTS: mistakes in the file\n{describe_problems(shown, source)}")
    return found


def bind(file: ContactsFile, plan: Plan) -> tuple[Contacts, Sequence[str]]:
    """The file's contacts for the people of a plan, and what in it fits nobody there, in sentences.

    People come and go with the plan, so that a name which is not known is no reason to tell nobody.
    """
    people: dict[str, list[Contact]] = {}
    groups: dict[str, list[Contact]] = {}
    warnings: list[str] = []
    for at, route in enumerate(file.routes):
        place = f"routes[{at}]"
        if route.group is not None:
            if any(route.group == group.code for group in plan.groups):
                groups.setdefault(route.group, []).extend(_contact(url, None, route) for url in route.urls)
            else:
                warnings.append(f"{place}.group: {_no_group(plan, route.group)}")
            continue
        persons, warning = _persons(plan, route)
        if warning is not None:
            warnings.append(f"{place}.{warning}")
        for person in persons:
            people.setdefault(person.login, []).extend(_own(route, person))
        without = [person.login for person in persons if person.email is None]
        if without and any("{email}" in url for url in route.urls):
            warnings.append(f"{place}.urls: the plan has no e-mail address of {', '.join(without)}")
    return Contacts(file.drills, file.link, people, groups), warnings


class FollowedFile:
    """The contacts file, read again when it changes. A version with mistakes is told in the log and not used."""

    def __init__(self, path: Path) -> None:
        """Raises `Misconfigured` when the file can't be read or has mistakes."""
        self._path = path
        self._seen = self._state()
        self.current = self._read()

    def look(self) -> bool:
        """Whether there is a new version, which is ``current`` then."""
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            self.current = self._read()
        except Misconfigured as error:
            log.error("the contacts of staff stay as they were: %s", error)
            return False
        log.info("the contacts of staff were read again from %s", self._path)
        return True

    def _read(self) -> ContactsFile:
        try:
            with self._path.open("rb") as file:
                readable_by_all = os.fstat(file.fileno()).st_mode & stat.S_IROTH
                # One byte more than a file may have: what is too large is refused where the text is read.
                text = file.read(LARGEST + 1).decode("utf-8")
        except OSError as error:
            raise Misconfigured(
                f"REDRESS_STAFF_ALERTS: {self._path} can't be read ({error.strerror}); name a file that can be, "
                "or leave the setting out"
            ) from None
        except UnicodeDecodeError:
            raise Misconfigured(f"REDRESS_STAFF_ALERTS: {self._path} is no text in UTF-8; save it as UTF-8") from None
        found = read_contacts(text, self._path.name)
        if readable_by_all:
            log.warning("%s holds secrets and everybody on this machine can read it; chmod o-r it", self._path)
        return found

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _structured(document: Document) -> tuple[ContactsFile | None, tuple[tuple[Place, str], ...]]:
    if not isinstance(document.data, dict):
        return None, (((), "the file begins with routes: and a list; docs/staff-alerts.md shows one"),)
    try:
        return ContactsFile.model_validate(document.data), ()
    except ValidationError as error:
        # Without what was written: it may be a secret.
        details = error.errors(include_url=False, include_input=False, include_context=True)
        return None, tuple((tuple(detail["loc"]), _reason(detail)) for detail in details)


def _reason(detail: Any) -> str:
    """What is wrong, in words that tell what to write, and without what was written."""
    kind, place = detail["type"], detail["loc"]
    if kind == "extra_forbidden":
        fields = (Route if len(place) > 1 else ContactsFile).model_fields
        return f"this field is not known here; {did_you_mean(str(place[-1]), fields)}"
    if kind == "missing":
        return f"{place[-1]}: is missing; write it"
    if kind == "too_short":
        return "the list is empty; write at least one"
    if kind == "literal_error":
        return f"this is not possible here; write one of {detail['ctx']['expected']}"
    return str(detail["msg"]).removeprefix("Value error, ")


def _wrong_urls(file: ContactsFile) -> Iterator[tuple[Place, str]]:
    for at, route in enumerate(file.routes):
        for number, url in enumerate(route.urls):
            place: Place = ("routes", at, "urls", number)
            if route.group is not None and any(one in url for one in _PLACES):
                yield place, "{email} and {login} are of one person, and a group shares this; use members: for each one"
                continue
            reason = peers.what_is_wrong(_filled(url, _EXAMPLE))
            if reason is not None:
                yield place, reason


def _persons(plan: Plan, route: Route) -> tuple[Sequence[Person], str | None]:
    """The people whom a route is for, and a warning when it names nobody."""
    if route.everyone:
        return plan.staff, None
    if route.members is not None:
        if all(route.members != group.code for group in plan.groups):
            return (), f"members: {_no_group(plan, route.members)}"
        return [one.person for one in plan.members_of(route.members)], None
    found = [person for person in plan.staff if person.login == route.person]
    known = did_you_mean(str(route.person), (person.login for person in plan.staff))
    return found, None if found else f'person: "{route.person}" is nobody\'s login in the plan; {known}'


def _no_group(plan: Plan, code: str) -> str:
    return f'"{code}" is no group of the plan; {did_you_mean(code, (group.code for group in plan.groups))}'


def _own(route: Route, person: Person) -> Iterator[Contact]:
    for url in route.urls:
        if "{email}" not in url or person.email is not None:
            yield _contact(_filled(url, {"{email}": person.email or "", "{login}": person.login}), person.login, route)


def _filled(url: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        url = url.replace(name, quote(value, safe=""))
    return url


def _contact(url: str, login: str | None, route: Route) -> Contact:
    return Contact(hashlib.sha256(url.encode()).hexdigest()[:32], url, peers.service_of(url), login, route)
