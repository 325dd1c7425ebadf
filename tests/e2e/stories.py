"""What stories are told with: a company with its people and customers, over HTTP and through a real mail server.

A story reads as what people do: a `Customer` complains and finds letters in the mailbox, a `Colleague` acts on a
`Case`. Whatever a program does in its own time is waited for, patiently.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from redress.bringing_up import bring_up
from services.notices.writing import language_of, moment
from services.people.keys import create_key
from services.plan.loading import load_plan, shipped_plan_text
from tests.servers.programs import Program
from tests.servers.smtp import SmtpServer, text_of

PATIENCE: Final = 45.0
"""Seconds for whatever a program does in its own time. On an idle machine most of it takes less than one."""
LOOKS_EVERY: Final = 0.03
FOLLOWED_WITHIN: Final = 2.0
"""Every process follows a new version of the plan within this many seconds (docs/architecture.md)."""

Headers = Mapping[str, str]
T = TypeVar("T")

in_both_languages = pytest.mark.parametrize("language", ["zh", "en"])
"""Each story is told twice: to a customer who reads Chinese, and to one who reads English."""


def plan_with(*changes: tuple[str, str]) -> str:
    """The shipped plan's text with some of it changed: ``(what stands there, what is to stand there)``.

    Raises `AssertionError` when something does not stand there exactly once: the story would run under another plan
    than it says.
    """
    text = shipped_plan_text()
    # Days pass in seconds here, so that a customer is told in a minute what would be told in a week.
    for before, after in (("most_per_hour: 6", "most_per_hour: 1000"), *changes):
        assert text.count(before) == 1, f"the shipped plan has {text.count(before)} times, not once:\n{before}"
        text = text.replace(before, after)
    load_plan(text)
    return text


def patiently(look: Callable[[], T | None], awaited: Callable[[], str]) -> T:
    """What ``look`` finds, as soon as it does; after `PATIENCE` an `AssertionError` that says what was awaited."""
    give_up = time.monotonic() + PATIENCE
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < give_up, f"waited {PATIENCE:.0f} s in vain for {awaited()}"
        time.sleep(LOOKS_EVERY)


async def make_keys(engine: AsyncEngine) -> dict[str, Headers]:
    """The headers that carry the keys of everybody in the shipped plan, by login; of a ``channel`` and an ``admin``."""
    async with engine.begin() as connection:
        keys = {role: await create_key(connection, role, f"the stories' {role}") for role in ("channel", "admin")}
        for person in load_plan(shipped_plan_text()).staff:
            keys[person.login] = await create_key(connection, "staff", person.login, login=person.login)
    return {name: {"Authorization": f"Bearer {key}"} for name, key in keys.items()}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as its customer reads it."""

    kind: str
    subject: str
    text: str
    language: str

    def says(self, *sentences: str) -> None:
        """Raises `AssertionError`, with the letter, unless all of these stand in it, in this order."""
        place = 0
        for sentence in sentences:
            found = self.text.find(sentence, place)
            assert found >= 0, f"'{sentence}' is not where it should be in\n{self.subject}\n\n{self.text}"
            place = found + len(sentence)


class Company:
    """The telecom company: its programs, the plan that they work by, its people's keys and its mail server."""

    def __init__(
        self,
        engine: AsyncEngine,
        keys: Mapping[str, Headers],
        mail_server: SmtpServer,
        *,
        api_url: str,
        desk_url: str,
        programs: Sequence[Program] = (),
    ) -> None:
        self.mail_server = mail_server
        self.api = httpx.Client(base_url=api_url, timeout=30)
        self.desk = httpx.Client(base_url=desk_url, timeout=30)
        self.plan = load_plan(shipped_plan_text())
        self._engine = engine
        self._keys = keys
        self._programs = programs
        self._customers = count(1)
        self._version = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.api.close()
        self.desk.close()

    async def work_by(self, text: str) -> None:
        """Put a plan in force as ``redress migrate`` does with ``REDRESS_PLAN``; every program follows it on return."""
        self.plan = load_plan(text)
        version = (await bring_up(self._engine, text, self.plan)).plan_version
        if version != self._version:
            self._version = version
            await asyncio.sleep(FOLLOWED_WITHIN)
        # Whoever reads a plan or a model for the first time takes a moment; no story is about that.
        case = self.customer("Nobody", "en").complains("Hello there.")
        assert case.until("dispatched")["plan_version"] == version

    def key(self, name: str) -> Headers:
        """The header that carries somebody's key: a login, ``channel`` or ``admin``."""
        return self._keys[name]

    def customer(self, name: str, language: str) -> Customer:
        """Somebody who never wrote before, and can be reached by mail."""
        return Customer(self, name, language, f"customer{next(self._customers)}.{language}@example.com")

    def colleague(self, login: str) -> Colleague:
        """Somebody of the staff."""
        return Colleague(self, login)

    def judgement(self, words: str, **more: object) -> dict[str, Any]:
        """What the form of the front end shows while somebody types these words."""
        asked = self.api.post("/v1/judgements", headers=self.key("channel"), json={"content": words, **more})
        return done(asked)

    def moment(self, time: str | datetime, language: str) -> str:
        """A time as letters write it."""
        at = datetime.fromisoformat(time) if isinstance(time, str) else time
        return moment(at.astimezone(ZoneInfo(self.plan.plan.time_zone)), language)

    def logs(self) -> str:
        """The ends of the programs' logs, for the message of a failure."""
        return "\n".join(program.log_tail() for program in self._programs)


@dataclass(slots=True)
class Customer:
    """Somebody who complains, and reads what they are sent, letter by letter."""

    company: Company
    name: str
    language: str
    address: str
    read: int = 0
    cases: list[Case] = field(default_factory=list)

    def complains(self, words: str, *, channel: str = "web", **more: object) -> Case:
        """Post a complaint through a channel; it is on record when this returns."""
        body = {
            "customer": {"name": self.name, "email": self.address, "language": self.language},
            "channel": channel,
            "content": words,
            **more,
        }
        answer = self.company.api.post("/v1/complaints", headers=self.company.key("channel"), json=body)
        posted = done(answer, 201)
        case = Case(self.company, posted["reference"], self.language)
        self.cases.append(case)
        return case

    def says(self, case: Case, words: str) -> dict[str, Any]:
        """Add something to the case, through the channel that they complained on."""
        return self._decides(case, "messages", {"text": words})

    def reopens(self, case: Case, reason: str) -> dict[str, Any]:
        """Say that it is not settled, through the channel that they complained on."""
        return self._decides(case, "reopen", {"reason": reason})

    def receives(self, kind: str) -> Letter:
        """The next letter in the mailbox, as soon as it is there. Raises `AssertionError` when it is another kind."""
        place = self.read
        letters = patiently(
            lambda: found if len(found := self.mailbox()) > place else None,
            lambda: (
                f"the letter '{kind}' to {self.name}, after {[one.kind for one in self.mailbox()]}"
                f"; {[case.events() for case in self.cases]}\n{self.company.logs()}"
            ),
        )
        self.read += 1
        letter = letters[place]
        assert letter.kind == kind, f"{kind} was awaited, and this came:\n{letter.subject}\n\n{letter.text}"
        assert letter.language == self.language
        assert self.name in letter.text
        assert any(case.reference in letter.subject and case.reference in letter.text for case in self.cases)
        return letter

    def mailbox(self) -> list[Letter]:
        """All letters so far, the first first."""
        return [
            Letter(
                kind=message["Redress-Notice"].partition(";")[0],
                subject=str(message["Subject"]),
                text=text_of(message),
                language=language_of(message["Content-Language"]),
            )
            for message in self.company.mail_server.messages
            if self.address in message["To"]
        ]

    def _decides(self, case: Case, what: str, body: dict[str, str]) -> dict[str, Any]:
        path = f"/v1/complaints/{case.reference}/{what}"
        return done(self.company.api.post(path, headers=self.company.key("channel"), json=body))


@dataclass(frozen=True, slots=True)
class Case:
    """A complaint as it stands on record, looked at through the desk."""

    company: Company
    reference: str
    language: str

    def now(self) -> dict[str, Any]:
        """The case as it is."""
        return self._read("")

    def timeline(self) -> list[dict[str, Any]]:
        """Everything that happened, and what the customer was told, oldest first."""
        items: list[dict[str, Any]] = self._read("/timeline")["items"]
        return items

    def events(self) -> list[str]:
        """What happened, by the short names of events, oldest first."""
        return [_short(item) for item in self.timeline() if item["number"] is not None]

    def event(self, name: str) -> dict[str, Any]:
        """The newest event of this name, as soon as it happened."""
        return patiently(
            lambda: next((item for item in reversed(self.timeline()) if _short(item) == name), None),
            lambda: f"'{name}' in the record of {self.reference}: {self.events()}\n{self.company.logs()}",
        )

    def happened(self, name: str) -> datetime:
        """When the newest event of this name was."""
        return datetime.fromisoformat(self.event(name)["time"])

    def notices(self) -> list[str]:
        """What the customer was sent, by kind, in the order of the record."""
        return [item["data"]["kind"] for item in self.timeline() if item["number"] is None]

    def sent(self, kind: str) -> datetime:
        """When the newest notice of this kind was sent, as soon as that is on record."""
        sent = patiently(
            lambda: next(
                (
                    item["data"]["sent_at"]
                    for item in reversed(self.timeline())
                    if item["number"] is None and item["data"]["kind"] == kind
                ),
                None,
            ),
            lambda: f"the notice '{kind}' of {self.reference} to be on record as sent",
        )
        return datetime.fromisoformat(sent)

    def until(self, status: str) -> dict[str, Any]:
        """The case, as soon as it has this status."""
        return patiently(
            lambda: case if (case := self.now())["status"] == status else None,
            lambda: f"{self.reference} to be {status}: {self.now()['status']}, {self.events()}\n{self.company.logs()}",
        )

    def deadline(self, kind: str) -> dict[str, Any]:
        """One of its clocks."""
        return self.deadlines()[kind]

    def deadlines(self) -> dict[str, dict[str, Any]]:
        """Its clocks by kind."""
        return {one["kind"]: one for one in self.now()["deadlines"]}

    def tasks(self, kind: str) -> list[dict[str, Any]]:
        """What groups owe for it, as soon as there is something of this kind."""

        def owed() -> list[dict[str, Any]]:
            asked = {"complaint": self.reference}
            answer = self.company.desk.get("/v1/tasks", params=asked, headers=self.company.key("admin"))
            return [task for task in done(answer)["items"] if task["kind"] == kind]

        return patiently(owed, lambda: f"a task '{kind}' of {self.reference}\n{self.company.logs()}")

    def record(self) -> dict[str, Any]:
        """The record (记录) of how it was handled."""
        return self._read("/record", format="json", language=self.language)

    def _read(self, path: str, **asked: str) -> dict[str, Any]:
        address = f"/v1/complaints/{self.reference}{path}"
        return done(self.company.desk.get(address, headers=self.company.key("admin"), params=asked))


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of the staff at their desk, with a key of their own."""

    company: Company
    login: str

    def name(self, language: str) -> str:
        """What customers know them by."""
        return self.company.plan.person(self.login).name.in_language(language_of(language))

    def does(self, case: Case, action: str, **body: object) -> dict[str, Any]:
        """Act on a case; returns the case as it is then."""
        return done(self._posts(f"/v1/complaints/{case.reference}/actions/{action}", body))

    def is_refused(self, case: Case, action: str, status: int, **body: object) -> str:
        """Try to act on a case, and be refused with this status of HTTP; returns why."""
        answer = self._posts(f"/v1/complaints/{case.reference}/actions/{action}", body)
        assert answer.status_code == status, answer.text
        return str(answer.json()["detail"])

    def is_denied(self, path: str, **body: object) -> str:
        """Try to see what is at ``path``, or to post a body there, and be refused with 403; returns why."""
        headers = self.company.key(self.login)
        answer = self._posts(path, body) if body else self.company.desk.get(path, headers=headers)
        assert answer.status_code == 403, answer.text
        return str(answer.json()["detail"])

    def works_on(self, task: Mapping[str, Any], action: str, **body: object) -> dict[str, Any]:
        """Act on a task; returns the task as it is then."""
        return done(self._posts(f"/v1/tasks/{task['id']}/{action}", body))

    def opens_task(self, **body: object) -> dict[str, Any]:
        """Ask a group for something."""
        return done(self._posts("/v1/tasks", body), 201)

    def directs(self, **body: object) -> dict[str, Any]:
        """Issue a directive."""
        return done(self._posts("/v1/directives", body), 201)

    def answers(self, directive: Mapping[str, Any], action: str, **body: object) -> dict[str, Any]:
        """Act on a directive; returns the directive as it is then."""
        return done(self._posts(f"/v1/directives/{directive['id']}/{action}", body))

    def sees(self, path: str, **asked: str) -> dict[str, Any]:
        """What the desk shows them."""
        return done(self.company.desk.get(path, params=asked, headers=self.company.key(self.login)))

    def is_told(self, kind: str, of: str, **facts: object) -> dict[str, Any]:
        """The alert of this kind about a case (its reference), task or directive (its id), with these facts, as soon as
        it is in the inbox.
        """
        return patiently(
            lambda: next((one for one in self.inbox() if one["kind"] == kind and _is_about(one, of, facts)), None),
            lambda: f"{self.login} to be told '{kind}' of {of} {facts}: {self.inbox()}\n{self.company.logs()}",
        )

    def inbox(self) -> list[dict[str, Any]]:
        """What they were told, the newest first."""
        items: list[dict[str, Any]] = self.sees("/v1/inbox", limit="200")["items"]
        return items

    def _posts(self, path: str, body: Mapping[str, object]) -> httpx.Response:
        headers = {**self.company.key(self.login), "If-Match": "*"}
        return self.company.desk.post(path, headers=headers, json=dict(body))


def done(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """What was answered. Raises `AssertionError`, with the problem, unless it went well."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
    content: dict[str, Any] = answer.json()
    return content


def _short(item: Mapping[str, Any]) -> str:
    """``redress.complaint.received.v1`` is ``received``."""
    parts = str(item["type"]).split(".")
    return parts[2] if len(parts) > 2 else parts[0]


def _is_about(alert: Mapping[str, Any], of: str, facts: Mapping[str, object]) -> bool:
    named = of in (alert["subject_id"], alert["facts"].get("reference"))
    return named and all(alert["facts"].get(name) == value for name, value in facts.items())
