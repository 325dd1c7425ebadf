"""What happens to cases when somebody goes: the urgent ones go to who is there, all of them when the plan has lost the
person.

It is looked at again and again, so nothing has to happen at the moment at which somebody signs off, falls sick, ends
their shift or leaves the plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework import alerts, roster
from services.casework import assignment_words as words
from services.casework.alerts import NewAlert
from services.casework.assignment import FALLBACK_RULES, Choice, Sharing, Team, need_of
from services.casework.roster import NOBODY, Roster
from services.complaints.commands import CASE_COLUMNS, Case, Change, save
from services.complaints.events import Reassigned
from services.complaints.model import Complaint
from services.people import duty
from services.people.rota import Presence
from services.plan.schema import Plan
from services.plan.versions import Plans

ACTOR: Final = "system:handler"
BATCH: Final = 200

_TEXTS = ARRAY(sa.Text)
# Where somebody of the group is on duty there is somebody to move to. Elsewhere only whoever answers for the group is
# left: a case that lies there already stays, also with another one who answers for it, unless they can't be reached.
# A case that follows another is nobody's work.
_URGENT = sa.text(
    """
    complaint.assignee = any(:off) and complaint.merged_into is null
    and complaint.status in ('dispatched', 'in_progress') and complaint.severity in ('critical', 'major')
    and (
        complaint.group_code = any(:staffed)
        or exists (
            select from unnest(:unstaffed, :fallbacks) as answers (code, login)
            where answers.code = complaint.group_code and answers.login <> complaint.assignee
        )
        and (
            coalesce(complaint.assignment ->> 'rule', '') <> all (:fallback_rules)
            or complaint.assignee = any(:away)
        )
    )
    """
).bindparams(
    *(
        sa.bindparam(name, type_=_TEXTS)
        for name in ("off", "away", "staffed", "unstaffed", "fallbacks", "fallback_rules")
    )
)
_ORPHANED = sa.text(
    "complaint.assignee = any(:gone) and complaint.merged_into is null "
    "and complaint.status in ('dispatched', 'in_progress', 'awaiting_customer')"
).bindparams(sa.bindparam("gone", type_=_TEXTS))


def _claim(condition: sa.TextClause) -> sa.Select[Any]:
    """The cases for which this holds, and by which rule their people have them: locked, those of others skipped.

    Skipping never waits, so handlers don't wait for each other, nor for somebody who is acting on the case.
    """
    query = sa.select(*CASE_COLUMNS, Complaint.assignment["rule"].astext.label("rule")).where(condition)
    # In no order: asked for the oldest first, the database walks through all cases by their ids.
    return query.limit(sa.bindparam("most")).with_for_update(key_share=True, skip_locked=True)


_CLAIM_URGENT = _claim(_URGENT)
_CLAIM_ORPHANED = _claim(_ORPHANED)


@dataclass(frozen=True, slots=True)
class _Left:
    """A locked case, by which rule its person has it, and where they are: ``presence`` is None when the plan has lost
    them."""

    case: Case
    rule: str | None
    presence: Presence | None

    @property
    def because(self) -> str:
        return "gone" if self.presence is None else str(self.presence.why)


async def move_urgent(connection: AsyncConnection, plans: Plans, now: datetime, limit: int = BATCH) -> int:
    """Give cases whose person has gone to somebody who is there; returns how many, ``limit`` at most.

    These are critical and major ones that somebody should be working on (none that waits for its customer), and any of
    people who are no longer in the plan in force. ``now`` is UTC; the caller commits. Being called again changes
    nothing, and several may call it at once. While nobody has gone it takes two short statements.
    """
    _, plan = await plans.current(connection)
    left = await _left_behind(connection, plan, now, limit)
    if not left:
        return 0
    groups = {case.group_code or "" for case, _ in left}
    holders = {case.assignee for case, _ in left if case.assignee is not None}
    people = await roster.locked(connection, [(plan, group) for group in groups], now, also=holders)
    sharing = Sharing()
    moved: list[tuple[_Left, Choice]] = []
    for case, rule in left:
        one = _Left(case, rule, _presence(people, plan, case))
        choice = _choose(sharing, people.team(plan, case.group_code or ""), one, plan, now)
        if choice is not None:
            moved.append((one, choice))
    await _write(connection, plan, moved, now)
    return len(moved)


async def choose_for(
    connection: AsyncConnection,
    plan: Plan,
    case: Case,
    group: str,
    now: datetime,
    exclude: frozenset[str] = NOBODY,
) -> Choice:
    """The person of a group for one locked case, chosen as at dispatching.

    None of ``exclude`` is chosen while anybody else is left. Locks the people of the group. Nothing is written: the
    caller changes the case and the loads.
    """
    people = await roster.locked(connection, [(plan, group)], now)
    return Sharing().choose(people.team(plan, group, exclude), need_of(case, plan), now)


async def _left_behind(
    connection: AsyncConnection, plan: Plan, now: datetime, limit: int
) -> Sequence[tuple[Case, str | None]]:
    """Cases that can be moved from people who have gone, locked, each with the rule by which they have it."""
    people = await roster.seen(connection, now)
    busy = [login for login, state in people.on_hand.items() if state.open_cases > 0]
    gone = [login for login in busy if not plan.groups_of(login)]
    there = {login: people.presence(plan, plan.person(login)) for login in busy if plan.groups_of(login)}
    off = {login: presence for login, presence in there.items() if not presence.on_duty}
    rows: list[sa.Row[Any]] = []
    if gone:
        rows += await connection.execute(_CLAIM_ORPHANED, {"gone": gone, "most": limit})
    if off and len(rows) < limit:
        values = _movable(people, plan, off)
        rows += await connection.execute(_CLAIM_URGENT, {**values, "most": limit - len(rows)})
    return sorted(((Case(*tuple(row)[:-1]), row.rule) for row in rows), key=lambda one: one[0].received_at)


def _movable(people: Roster, plan: Plan, off: Mapping[str, Presence]) -> dict[str, list[str]]:
    """From whom, and where to, as `_URGENT` asks for it."""
    teams = {group.code: people.team(plan, group.code) for group in plan.groups}
    answering = {
        code: person.login
        for code, team in teams.items()
        if not team.staffed and not (person := team.fallback[1]).presence.away
    }
    return {
        "off": list(off),
        "away": [login for login, presence in off.items() if presence.away],
        "staffed": [code for code, team in teams.items() if team.staffed],
        "unstaffed": list(answering),
        "fallbacks": list(answering.values()),
        "fallback_rules": sorted(FALLBACK_RULES),
    }


def _presence(people: Roster, plan: Plan, case: Case) -> Presence | None:
    login = case.assignee
    return people.presence(plan, plan.person(login)) if login is not None and plan.groups_of(login) else None


def _choose(sharing: Sharing, team: Team, left: _Left, plan: Plan, now: datetime) -> Choice | None:
    """Who gets the case; None when it stays: its person is back, or nobody is left who could do more for it."""
    need, presence = need_of(left.case, plan), left.presence
    if presence is not None and presence.on_duty:
        return None
    if presence is not None and presence.substitute is not None:
        for person in team.people:
            if person.login == presence.substitute and person.why_not is None:
                return sharing.give(person, "substitute", need, now)
    if not team.staffed and presence is not None:
        _, answering = team.fallback
        if answering.login == left.case.assignee or answering.presence.away:
            return None
        if left.rule in FALLBACK_RULES and not presence.away:
            return None
    return sharing.choose(team, need, now)


async def _write(connection: AsyncConnection, plan: Plan, moved: Sequence[tuple[_Left, Choice]], now: datetime) -> None:
    if not moved:
        return
    await save(connection, [_reassigned(plan, left, choice, now) for left, choice in moved])
    loads: Counter[str] = Counter()
    for left, choice in moved:
        loads.update({choice.login: 1})
        loads.subtract([str(left.case.assignee)])
    await duty.shift_load(connection, loads, now)
    await alerts.tell(connection, [_alert(left, choice) for left, choice in moved], now)


def _reassigned(plan: Plan, left: _Left, choice: Choice, now: datetime) -> Change:
    case = left.case
    event = Reassigned(reference=case.reference, assignee=choice.login, previous=case.assignee, rule=choice.rule)
    values: dict[str, Any] = {
        "assignee": choice.login,
        "assignment": {**choice.assignment, "previous": case.assignee, "because": left.because},
    }
    return Change(case, event, ACTOR, now, values, {"reason": _reason(plan, left), "because": left.because})


def _reason(plan: Plan, left: _Left) -> str:
    """Why the case was moved, for the record, in the plan's language."""
    language = plan.plan.default_language
    login = str(left.case.assignee)
    name = login if left.presence is None else plan.person(login).name.in_language(language)
    return words.SKIPPED.in_language(language).format(
        name=name, because=words.BECAUSE[left.because].in_language(language)
    )


def _alert(left: _Left, choice: Choice) -> NewAlert:
    case = left.case
    facts = {
        "reference": case.reference,
        "category": case.category,
        "severity": case.severity,
        "rule": choice.rule,
        "previous": case.assignee,
        "because": left.because,
    }
    return NewAlert(choice.login, "assigned", "complaint", case.id, case.version + 1, case.realm, facts)
