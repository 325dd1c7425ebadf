"""The clocks of a case: by when it owes what, under its plan and the law. docs/clocks.md says what moves each.

The clocks of cases are read together, moved in memory, and written together, by whoever holds the locks of the cases.
Timers live beside them: they owe nothing, and only say when the handler must look at the case again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework import counting
from services.casework.counting import Count
from services.casework.model import Deadline
from services.complaints.commands import Case, to_rows
from services.plan.allowances import Allowance, parse_allowance
from services.plan.calendars import Calendar, CalendarEntry
from services.plan.schema import Plan
from services.plan.values import Text
from services.plan.vocabulary import ClockKind

Timer = Literal["remind", "give_back", "close", "escalation"]
Kind = ClockKind | Timer

LAW: Final = "law"
"""Stands for the calendar on which the limits of law are counted."""
ELAPSED: Final = "elapsed"
"""Stands for time as it passes."""
_ELAPSED_CALENDAR: Final = Calendar(
    CalendarEntry(code=ELAPSED, name=Text(zh="自然时间", en="As time passes"), hours="always"), "UTC"
)

# What waits while the customer is asked for something. What the law or a promise demands goes on.
PAUSED_BY_QUESTION: Final[tuple[ClockKind, ...]] = ("respond", "estimate", "update", "resolve", "step")
# What a person can still do something about when they are warned: an acknowledgement is sent by the programs.
_WARNED: Final = frozenset({"respond", "estimate", "update", "repair", "resolve", "regulator", "step"})
# What passes once and is not told again.
_TOLD_ONCE: Final = frozenset({"acknowledge", "promise"})


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock, or one timer (without ``allowed``), as it is kept."""

    kind: Kind
    started_at: datetime
    allowed: str | None = None
    calendar: str | None = None
    used: int = 0
    since: datetime | None = None
    due_at: datetime | None = None
    met_at: datetime | None = None
    warned_at: datetime | None = None
    missed_at: datetime | None = None
    told: int = 0
    next_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it still owes something."""
        return self.met_at is None


class CaseClocks:
    """The clocks of one locked case. `store` writes what was changed."""

    def __init__(self, case: UUID, realm: str, plan: Plan, clocks: Iterable[Clock] = ()) -> None:
        self.case = case
        self.realm = realm
        self._plan = plan
        self._loaded = tuple(clocks)
        self._clocks: dict[Kind, Clock] = {clock.kind: clock for clock in self._loaded}
        self.changed: set[Kind] = set()
        self.dropped: set[Kind] = set()

    def get(self, kind: Kind) -> Clock | None:
        """The clock of this kind, if the case has one."""
        return self._clocks.get(kind)

    def due(self, kind: Kind) -> datetime | None:
        """When a clock is due; None when it stands, was met, or is not there."""
        clock = self._clocks.get(kind)
        return clock.due_at if clock is not None and clock.open else None

    def was_due(self, kind: Kind) -> datetime:
        """When a clock that is there is or was due; while it stands, when it began."""
        clock = self._clocks[kind]
        return clock.due_at or clock.started_at

    def due_for_firing(self, now: datetime) -> list[Clock]:
        """What must be looked at now, the earliest first."""
        due = [clock for clock in self._clocks.values() if clock.next_at is not None and clock.next_at <= now]
        return sorted(due, key=lambda clock: (clock.next_at, clock.kind))

    def begin(self, kind: ClockKind, calendar: str, allowed: Allowance, at: datetime, told: int = 0) -> None:
        """Start a clock from its beginning, also one that was there before. ``told``: how often it was told of."""
        count = counting.begin(self._calendar(calendar), allowed, at)
        self._put(self._timed(Clock(kind, at, str(allowed), calendar, told=told), count))

    def change(self, kind: ClockKind, calendar: str, allowed: Allowance | None, at: datetime) -> None:
        """Give a clock another time or calendar: what it has used counts. None takes it away while it is open."""
        clock = self._clocks.get(kind)
        if clock is None or not clock.open:
            return
        if allowed is None:
            self.drop(kind)
        elif (str(allowed), calendar) != (clock.allowed, clock.calendar):
            count = counting.change(_count(clock), self._calendar_of(clock), self._calendar(calendar), allowed, at)
            # How often the customer was given news (`update`) counts on; how often a time was missed begins anew.
            told = clock.told if clock.missed_at is None else 0
            fresh = replace(clock, allowed=str(allowed), calendar=calendar, warned_at=None, missed_at=None, told=told)
            self._put(self._timed(fresh, count))

    def promise(self, due_at: datetime, at: datetime) -> None:
        """Keep the time that the customer was told."""
        self._put(Clock("promise", at, due_at=due_at, next_at=due_at))

    def meet(self, kind: ClockKind, at: datetime) -> None:
        """Note that a clock was met. The first time counts; one that is not there is not made."""
        clock = self._clocks.get(kind)
        if clock is not None and clock.open:
            self._put(replace(clock, met_at=at, next_at=None))

    def pause(self, at: datetime, kinds: Collection[Kind] = PAUSED_BY_QUESTION) -> None:
        """Stop what waits while the customer is asked for something."""
        for clock in self._of(kinds):
            if clock.since is not None:
                count = counting.pause(_count(clock), self._calendar_of(clock), at)
                self._put(self._timed(clock, count))

    def resume(self, at: datetime, kinds: Collection[Kind] = PAUSED_BY_QUESTION) -> None:
        """Let what was stopped go on."""
        for clock in self._of(kinds):
            if clock.since is None:
                count = counting.resume(_count(clock), self._calendar_of(clock), at)
                self._put(self._timed(clock, count))

    def pause_all(self, at: datetime) -> None:
        """The case follows another: whatever it owes is owed by that one. A promise that was kept stays kept."""
        self.drop("remind", "give_back", "close", "escalation")
        if (promise := self._clocks.get("promise")) is not None and promise.open:
            self.drop("promise")
        self.pause(at, list(self._clocks))

    def resume_all(self, at: datetime) -> None:
        """The case goes on by itself."""
        self.resume(at, list(self._clocks))

    def set_timer(self, kind: Timer, next_at: datetime, now: datetime) -> None:
        """Have the case looked at again at a time."""
        self._put(Clock(kind, now, next_at=next_at))

    def drop(self, *kinds: Kind) -> None:
        """Take clocks or timers away."""
        for kind in kinds:
            if self._clocks.pop(kind, None) is not None:
                self.dropped.add(kind)
                self.changed.discard(kind)

    def stop_all(self, at: datetime) -> None:
        """The case is over: nothing is owed, warned of or asked any more. What was missed stays missed."""
        for clock in list(self._clocks.values()):
            if clock.allowed is None:
                self.drop(clock.kind)
            elif clock.open:
                self._put(replace(clock, since=None, due_at=clock.due_at, met_at=at, next_at=None))

    def warned(self, clock: Clock, at: datetime) -> None:
        """Note that people were warned."""
        self._put(replace(clock, warned_at=at, next_at=clock.due_at))

    def missed(self, clock: Clock, at: datetime, next_by: datetime | None = None) -> Clock:
        """Note that a clock passed unmet, and when it is told again; returns it as it is now.

        ``next_by`` is the date that the customer is given instead: the next time that it is told is when that passes.
        """
        again = next_by or self._told_again(clock.kind, at)
        passed = replace(clock, missed_at=clock.missed_at or at, told=clock.told + 1, next_at=again)
        self._put(passed)
        return passed

    def kept_next_date(self, at: datetime) -> None:
        """The customer was spoken to at ``at``: the date that they were given instead of a missed result is kept."""
        clock = self._clocks.get("resolve")
        if clock is not None and clock.open and clock.told == 1 and clock.next_at is not None:
            self._put(replace(clock, next_at=self._told_again("resolve", at)))

    def under(self, plan: Plan, calendar: str, at: datetime) -> None:
        """Count by another plan from ``at`` on; what was used before counts. A calendar that the other plan does not
        have gives way to ``calendar``."""
        counted = [(clock, self._calendar_of(clock)) for clock in self._of(list(self._clocks))]
        self._plan = plan
        known = {entry.code for entry in plan.calendars} | {LAW, ELAPSED}
        for clock, before in counted:
            moved = replace(clock, calendar=clock.calendar if clock.calendar in known else calendar)
            count = _count(clock)
            self._put(self._timed(moved, counting.change(count, before, self._calendar_of(moved), count.allowed, at)))

    def as_loaded(self) -> CaseClocks:
        """As they were before anything was moved."""
        return CaseClocks(self.case, self.realm, self._plan, self._loaded)

    def put_off(self, clock: Clock, until: datetime) -> None:
        """Look at it again later."""
        self._put(replace(clock, next_at=until))

    def _timed(self, clock: Clock, count: Count) -> Clock:
        calendar = self._calendar_of(clock)
        due_at = counting.due(count, calendar)
        warn_at = None
        if clock.kind in _WARNED and clock.warned_at is None:
            warn_at = counting.warn_at(count, calendar, self._plan.deadlines.warn_at)
        next_at = due_at if warn_at is None or due_at is None else min(warn_at, due_at)
        if clock.missed_at is not None and due_at is not None:
            # Of one that stood nobody was told meanwhile; it is told again when it has gone on for as long.
            next_at = clock.next_at or self._told_again(clock.kind, max(due_at, count.since or due_at))
        return replace(clock, used=count.used, since=count.since, due_at=due_at, next_at=next_at)

    def _told_again(self, kind: Kind, at: datetime) -> datetime | None:
        """When a clock that passed unmet, and was told at ``at``, is told again; None for what is told once."""
        return None if kind in _TOLD_ONCE else at + self._plan.deadlines.repeat_every

    def _of(self, kinds: Collection[Kind]) -> list[Clock]:
        """Those of these clocks that are counted and owe something; promises and timers are not counted."""
        clocks = [self._clocks[kind] for kind in kinds if kind in self._clocks]
        return [clock for clock in clocks if clock.open and clock.allowed is not None]

    def _calendar_of(self, clock: Clock) -> Calendar:
        return self._calendar(clock.calendar or LAW)

    def _calendar(self, code: str) -> Calendar:
        if code == ELAPSED:
            return _ELAPSED_CALENDAR
        return self._plan.law_calendar if code == LAW else self._plan.calendar(code)

    def _put(self, clock: Clock) -> None:
        if self._clocks.get(clock.kind) != clock:
            self._clocks[clock.kind] = clock
            self.changed.add(clock.kind)
            self.dropped.discard(clock.kind)

    def rows(self) -> list[dict[str, Any]]:
        """What must be written."""
        return [
            {"complaint_id": self.case, "realm": self.realm}
            | {name: getattr(self._clocks[kind], name) for name in _COLUMNS}
            for kind in sorted(self.changed)
        ]


_COLUMNS: Final = tuple(Clock.__dataclass_fields__)
_LOAD = sa.select(Deadline.complaint_id, *(getattr(Deadline, name) for name in _COLUMNS)).where(
    Deadline.complaint_id == sa.any_(sa.bindparam("cases", type_=ARRAY(sa.Uuid)))
)
_STORE = sa.text(
    f"""
    insert into deadline (complaint_id, realm, {", ".join(_COLUMNS)})
    select complaint_id, realm, {", ".join(_COLUMNS)}
    from jsonb_populate_recordset(null::deadline, cast(:rows as jsonb))
    order by complaint_id, kind
    on conflict (complaint_id, kind) do update
    set {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "kind")}
    """
)
_DROP = sa.text(
    "delete from deadline using unnest(:cases, :kinds) as gone (id, kind) "
    "where complaint_id = gone.id and deadline.kind = gone.kind"
).bindparams(sa.bindparam("cases", type_=ARRAY(sa.Uuid)), sa.bindparam("kinds", type_=ARRAY(sa.Text)))


async def load(
    connection: AsyncConnection, cases: Collection[Case], plans: Mapping[int, Plan], in_force: Plan
) -> dict[UUID, CaseClocks]:
    """The clocks of these locked cases, each under its own plan (the one in force for a case that has none yet)."""
    found: dict[UUID, list[Clock]] = {case.id: [] for case in cases}
    for case, *columns in await connection.execute(_LOAD, {"cases": sorted(found)}):
        found[case].append(Clock(*columns))
    return {
        case.id: CaseClocks(case.id, case.realm, plans.get(case.plan_version or 0, in_force), found[case.id])
        for case in cases
    }


async def store(connection: AsyncConnection, clocks: Sequence[CaseClocks]) -> None:
    """Write what was changed, two statements at most."""
    rows = [row for one in clocks for row in one.rows()]
    if rows:
        await connection.execute(_STORE, {"rows": to_rows(rows)})
    gone = [(one.case, kind) for one in clocks for kind in one.dropped]
    if gone:
        await connection.execute(_DROP, {"cases": [case for case, _ in gone], "kinds": [kind for _, kind in gone]})


def start(clocks: CaseClocks, case: Case, plan: Plan, category: str, severity: str, group: str, now: datetime) -> None:
    """Start the clocks of a case that goes to this group, or move those that run; one that was met stays met.

    All begin with the receipt. What only another judgement brings begins with that, but for what the law counts.
    """
    wanted, first = allowances(plan, case, category, severity, group), clocks.get("resolve") is None
    for kind, (calendar, allowed) in wanted.items():
        if clocks.get(kind) is None:
            clocks.begin(kind, calendar, allowed, case.received_at if first or kind in _BY_LAW else now)
        else:
            clocks.change(kind, calendar, allowed, now)
    for kind in _OF_THE_KIND:
        if kind not in wanted:
            clocks.change(kind, LAW, None, now)


_BY_LAW: Final = frozenset({"repair", "regulator"})
# What is done once and for all, also in a case that is taken up again.
_ONCE: Final = frozenset({"acknowledge", "respond"})
# The clocks that depend on what kind of complaint it is; the others belong to steps and promises.
_OF_THE_KIND: Final[tuple[ClockKind, ...]] = (
    "acknowledge", "respond", "estimate", "update", "repair", "resolve", "regulator"
)  # fmt: skip


def allowances(
    plan: Plan, case: Case, category: str, severity: str, group: str
) -> dict[ClockKind, tuple[str, Allowance]]:
    """What the plan and the law allow a case of this kind in this group: for each clock the calendar and the time."""
    deadlines, calendar = plan.deadlines_for(category, severity), plan.group(group).calendar
    allowed: dict[ClockKind, tuple[str, Allowance]] = {
        "acknowledge": (_of_acknowledging(deadlines.acknowledge), deadlines.acknowledge),
        "respond": (calendar, deadlines.respond),
        "resolve": (calendar, deadlines.resolve),
        "regulator": (LAW, plan.law.regulator_limit(severity).within),
    }
    if category == "outage":
        if deadlines.estimate is not None:
            allowed["estimate"] = (calendar, deadlines.estimate)
        updates = deadlines.update or plan.law.updates
        if updates is not None:
            allowed["update"] = (calendar, Allowance(time=updates.every))
        region = plan.region(case.region_code).kind if case.region_code else None
        repair = plan.law.repair_limit(category, region)
        if repair is not None:
            allowed["repair"] = (LAW, repair.within)
    return allowed


def kinds(plan: Plan, case: Case, category: str, severity: str, group: str) -> tuple[ClockKind, ...]:
    """Which clocks a case of this kind in this group has, as events tell it."""
    return tuple(sorted(allowances(plan, case, category, severity, group)))


# What is settled with the result: whatever was wanted before it is not wanted any more.
MET_BY_RESULT: Final[tuple[ClockKind, ...]] = ("respond", "estimate", "update", "repair", "resolve", "regulator")


def restart(clocks: CaseClocks, case: Case, plan: Plan, now: datetime) -> tuple[ClockKind, ...]:
    """The case was taken up again: it must be resolved, and what the law allows begins, in the full time from now.

    The first response was given once and for all. A fault must be estimated, told of and repaired anew; what only a
    fault owes is not owed by a case that is none any more. Returns what begins again. The case was dispatched before;
    one that waits to be dispatched anew is counted as its category's group counts.
    """
    group = case.group_code or plan.group_for(str(case.category)).code
    wanted = allowances(plan, case, str(case.category), str(case.severity), group)
    begun: tuple[ClockKind, ...] = tuple(kind for kind in sorted(wanted) if kind not in _ONCE)
    for kind in begun:
        clocks.begin(kind, *wanted[kind], now)
    clocks.drop(*(kind for kind in _OF_THE_KIND if kind not in wanted))
    return begun


def restart_update(clocks: CaseClocks, case: Case, plan: Plan, at: datetime, told: int = 0) -> bool:
    """The customer has just heard of the fault: the time until they must hear again begins anew.

    ``told`` is how often in a row it was the programs that told them. Returns whether there is such a time.
    """
    running = clocks.get("update")
    if running is None or not running.open or case.category is None or case.severity is None:
        return False
    updates = plan.deadlines_for(case.category, case.severity).update or plan.law.updates
    if updates is None:
        return False
    young = at - case.received_at < updates.first
    allowed = Allowance(time=updates.every if young else updates.then)
    clocks.begin("update", cast(str, running.calendar), allowed, at, told)
    return True


def acknowledged_early(clocks: CaseClocks, case: Case, plan: Plan, at: datetime) -> None:
    """The acknowledgement was sent at ``at``, perhaps before the case was judged and its clocks were started.

    It is then measured against what the plan allows for a complaint that is still unclear.
    """
    if clocks.get("acknowledge") is None:
        allowed = plan.deadlines_for("unclear", "minor").acknowledge
        clocks.begin("acknowledge", _of_acknowledging(allowed), allowed, case.received_at)
    clocks.meet("acknowledge", at)


def _of_acknowledging(allowed: Allowance) -> str:
    """An acknowledgement is sent by programs, which know no office hours."""
    return ELAPSED if allowed.working_days is None else LAW


def _count(clock: Clock) -> Count:
    return Count(parse_allowance(clock.allowed), clock.used, clock.since)
