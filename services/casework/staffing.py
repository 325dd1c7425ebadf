"""People as those who plan the work see them, and who may sign whom on or off and enter their absences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import FieldProblem, Forbidden, Invalid
from services.casework.roster import Roster
from services.people import absences, duty
from services.people.absences import NewAbsence
from services.people.duty import OnHand
from services.people.keys import Caller
from services.people.rota import Entry, Presence
from services.plan.organisation import Person
from services.plan.schema import Plan
from services.plan.vocabulary import LEADERSHIP, SENIOR_MANAGEMENT, Role

_OVERSEERS: Final = frozenset({LEADERSHIP, SENIOR_MANAGEMENT})
_LEADING: Final[frozenset[Role]] = frozenset({"head", "deputy"})


@dataclass(frozen=True, slots=True)
class PersonView:
    """A member of staff now: what the plan says of them, whether they are on duty, and what they have on hand.

    ``shift_open`` is None for who has no shift; ``entries`` are absences and extra shifts that are not over.
    """

    person: Person
    groups: Sequence[tuple[str, Role]]
    presence: Presence
    on_hand: OnHand
    shift_open: bool | None
    entries: Sequence[Entry]


async def people(connection: AsyncConnection, plan: Plan, now: datetime, group: str | None = None) -> list[PersonView]:
    """Everybody in the plan, in its order; of a group: head, deputy, members. Raises `NotFound` for an unknown one."""
    wanted = plan.staff if group is None else [member.person for member in plan.members_of(group)]
    return await _views(connection, plan, wanted, now)


async def person(connection: AsyncConnection, plan: Plan, login: str, now: datetime) -> PersonView:
    """One of them. Raises `NotFound`."""
    (view,) = await _views(connection, plan, [plan.person(login)], now)
    return view


async def switch(connection: AsyncConnection, plan: Plan, caller: Caller, login: str, on_duty: bool) -> None:
    """Sign somebody on or off by hand; their urgent cases are moved by the handler worker.

    Raises `NotFound` when the plan has no such person, `Forbidden` when this is not the caller's to do.
    """
    require_may_manage(plan, caller, login)
    await duty.set_duty(connection, login, on_duty)


async def enter(connection: AsyncConnection, plan: Plan, caller: Caller, new: NewAbsence, now: datetime) -> Entry:
    """Enter an absence or an extra shift.

    Raises what `absences.add` and `switch` do, and `Invalid` for a substitute who shares no group with the person, and
    so can't act on their cases.
    """
    require_may_manage(plan, caller, new.login)
    if new.substitute is not None and new.substitute != new.login:
        _require_colleague(plan, new.login, new.substitute)
    return await absences.add(connection, new, caller.actor, now)


async def cancel(
    connection: AsyncConnection, plan: Plan, caller: Caller, login: str, absence: UUID, now: datetime
) -> Entry:
    """Cancel one of the person's entries; raises what `absences.cancel` and `switch` do."""
    require_may_manage(plan, caller, login)
    return await absences.cancel(connection, login, absence, now)


def require_may_manage(plan: Plan, caller: Caller, login: str) -> None:
    """Raises `Forbidden`, with whom to ask, unless it is oneself, or one leads a group of theirs, or the whole.

    Raises `NotFound` when the plan has no such person.
    """
    plan.person(login)
    if caller.realm != "live":
        raise Forbidden(f"this key is for the realm {caller.realm}; who is on duty is changed with a live one")
    if may_manage(plan, caller, login):
        return
    heads = ", ".join(sorted({group.head for group in plan.groups_of(login)}))
    raise Forbidden(
        f"'{login}' is signed on and off, and their absences are entered, by themselves, by who leads their groups "
        f"({heads}), or by the leadership group"
    )


def may_manage(plan: Plan, caller: Caller, login: str) -> bool:
    """Whether the caller may sign this person on and off, and read the notes on their absences."""
    if caller.role == "admin":
        return True
    if caller.role != "staff" or caller.login is None:
        return False
    if caller.login == login or any(group.code in _OVERSEERS for group in plan.groups_of(caller.login)):
        return True
    return any(plan.role_in(caller.login, group.code) in _LEADING for group in plan.groups_of(login))


def _require_colleague(plan: Plan, login: str, substitute: str) -> None:
    theirs = {group.code for group in plan.groups_of(login)}
    if theirs.isdisjoint(group.code for group in plan.groups_of(substitute)):
        reason = f"is in none of the groups of '{login}' ({', '.join(sorted(theirs))}); name somebody who is"
        raise Invalid(f"substitute {reason}", [FieldProblem("substitute", reason, "no_colleague")])


async def _views(connection: AsyncConnection, plan: Plan, wanted: Sequence[Person], now: datetime) -> list[PersonView]:
    logins = [one.login for one in wanted]
    on_hand = await duty.read(connection, logins)
    entries = await absences.since(connection, logins, now)
    roster = Roster(on_hand, entries, now)
    return [
        PersonView(
            one,
            [
                (group.code, role)
                for group in plan.groups_of(one.login)
                if (role := plan.role_in(one.login, group.code))
            ],
            roster.presence(plan, one),
            on_hand.get(one.login) or OnHand(one.login, one.on_duty, 0, None),
            None if one.shift is None else plan.calendar(one.shift).is_open(now),
            entries.get(one.login, ()),
        )
        for one in wanted
    ]
