"""Who is there now: what the plan says of people, put together with the rota and with what they have on hand.

`locked` is for giving cases to people: their loads then stay as they are until the transaction ends. `seen` is for
looking.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import NotFound
from services.casework.assignment import Office, Team
from services.casework.pools import Candidate
from services.people import absences, duty
from services.people.duty import OnHand
from services.people.rota import Entry, Presence, Shift, presence
from services.plan.organisation import Membership, Person
from services.plan.schema import Plan
from services.plan.vocabulary import LEADERSHIP, Role

NOBODY: Final[frozenset[str]] = frozenset()


class Roster:
    """People as they are at one moment, ``now``."""

    def __init__(self, on_hand: Mapping[str, OnHand], entries: Mapping[str, Sequence[Entry]], now: datetime) -> None:
        self.on_hand = on_hand
        self._entries = entries
        self._now = now
        self._open: dict[tuple[int, str], _Open] = {}
        self._teams: dict[tuple[int, str, frozenset[str]], Team] = {}

    def presence(self, plan: Plan, person: Person) -> Presence:
        """Whether the person is on duty now, and if not, why."""
        state = self.on_hand.get(person.login)
        switched_on = person.on_duty if state is None else state.on_duty
        return presence(switched_on, self._entries.get(person.login, ()), self._shift(plan, person), self._now)

    def team(self, plan: Plan, group: str, exclude: frozenset[str] = NOBODY) -> Team:
        """The group as somebody is looked for in it; ``exclude`` are not to be chosen.

        A group that the plan doesn't have is nobody, and the leadership group answers for it.
        """
        key = id(plan), group, exclude
        team = self._teams.get(key)
        if team is None:
            people = [self._candidate(plan, member.person, member.role, exclude) for member in _members(plan, group)]
            offices = [
                (office, self._candidate(plan, plan.person(login), None, exclude))
                for office, login in _offices(plan, group)
            ]
            team = self._teams[key] = Team(people, offices)
        return team

    def _candidate(self, plan: Plan, person: Person, role: Role | None, exclude: frozenset[str]) -> Candidate:
        state = self.on_hand.get(person.login)
        return Candidate(
            login=person.login,
            role=role,
            presence=self.presence(plan, person),
            open_cases=state.open_cases if state else 0,
            capacity=person.capacity,
            last_assigned_at=state.last_assigned_at if state else None,
            languages=frozenset(person.languages),
            skills=frozenset(
                (
                    *(f"service:{code}" for code in person.skills.services),
                    *(f"subcategory:{code}" for code in person.skills.subcategories),
                    *(f"region:{code}" for code in person.skills.regions),
                )
            ),
            excluded=person.login in exclude,
        )

    def _shift(self, plan: Plan, person: Person) -> Shift | None:
        if person.shift is None:
            return None
        key = id(plan), person.shift
        if key not in self._open:
            self._open[key] = _Open(plan.calendar(person.shift).is_open(self._now))
        return self._open[key]


async def locked(
    connection: AsyncConnection, wanted: Iterable[tuple[Plan, str]], now: datetime, also: Collection[str] = ()
) -> Roster:
    """The people of these groups, of those who answer for them, and ``also`` these: locked, and each with a row.

    Cases are locked before people, always. It takes two statements, and two more when somebody is new in the plan, who
    begins as the plan says.
    """
    switched_on: dict[str, bool] = {}
    for plan, group in wanted:
        people = [member.person for member in _members(plan, group)]
        people += [plan.person(login) for _, login in _offices(plan, group)]
        switched_on.update((person.login, person.on_duty) for person in people)
    logins = {*switched_on, *also}
    on_hand = await duty.lock(connection, logins)
    if not switched_on.keys() <= on_hand.keys():
        await duty.sync(connection, switched_on)
        on_hand = await duty.lock(connection, logins)
    return Roster(on_hand, await absences.at(connection, logins, now), now)


async def seen(connection: AsyncConnection, now: datetime) -> Roster:
    """Everybody as they are now, without locking anything."""
    on_hand = await duty.everybody(connection)
    return Roster(on_hand, await absences.at(connection, on_hand, now), now)


class _Open:
    """Whether a calendar is open now, asked once for all who share it."""

    def __init__(self, is_open: bool) -> None:
        self._is_open = is_open

    def is_open(self, at: datetime) -> bool:
        return self._is_open


def _members(plan: Plan, group: str) -> Sequence[Membership]:
    try:
        return plan.members_of(group)
    except NotFound:
        return ()


def _offices(plan: Plan, group: str) -> list[tuple[Office, str]]:
    """Who answers for a group while nobody of it is on duty: its head, its deputy, then the leadership group's."""
    offices: list[tuple[Office, str | None]] = []
    if _members(plan, group):
        its = plan.group(group)
        offices = [("head", its.head), ("deputy", its.deputy)]
    leadership = plan.group(LEADERSHIP)
    offices += [("leadership_deputy", leadership.deputy), ("leadership_head", leadership.head)]
    return [(office, login) for office, login in offices if login is not None]
