"""Working on locked cases: everything that one transaction changes about them, gathered in memory and written at once.

Decisions (`services.casework.handlers`, escalation, firing) only say what happens; what is written, and in how many
statements, is decided here. Whatever the number of cases, `write` takes a constant number of statements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework import alerts, clocks, compensation
from services.casework.alerts import AlertKind, NewAlert
from services.casework.clocks import CaseClocks
from services.casework.compensation import Granted
from services.casework.handling import Handling, handling_for
from services.casework.tasks import commands as tasks
from services.casework.tasks.commands import NewTask
from services.complaints.commands import Case, Change, save
from services.complaints.events import ComplaintEvent, StepEvent
from services.complaints.lifecycle import target
from services.people import duty
from services.plan.playbooks import Step
from services.plan.schema import Plan
from services.plan.vocabulary import StepAction, TaskKind


@dataclass(frozen=True, slots=True)
class SettledTask:
    """A task that was done by the work on its case."""

    kind: TaskKind
    outcome: str


@dataclass(slots=True)
class Work:
    """One locked case being worked on by ``actor`` at ``now`` (UTC), under its plan.

    ``in_force`` is the plan of today: it says who holds which office, because people change while cases go on.
    """

    case: Case
    plan: Plan
    in_force: Plan
    clocks: CaseClocks
    actor: str
    now: datetime
    login: str | None = None
    """Whose work it is, when it is a member of staff's."""
    grants: Sequence[Granted] = ()
    """What the customer was offered, the newest last."""
    duplicates: Sequence[Work] = ()
    """What was merged into it and ends with it, where that is asked for."""
    values: dict[str, Any] = field(default_factory=dict)
    events: list[tuple[ComplaintEvent, Mapping[str, object] | None, dict[str, Any]]] = field(default_factory=list)
    loads: Counter[str] = field(default_factory=Counter)
    alerts: list[NewAlert] = field(default_factory=list)
    tasks: list[NewTask] = field(default_factory=list)
    settled: list[SettledTask] = field(default_factory=list)
    cancelled_tasks: tuple[TaskKind | None, str] | None = None
    """Which open tasks of the case (None: all) are not owed any more, and why."""
    granted: list[Granted] = field(default_factory=list)
    """What was offered or decided anew."""

    def now_is(self, column: str) -> Any:
        """The value of a column as it will be."""
        return self.values.get(column, getattr(self.case, column))

    @property
    def status(self) -> str:
        return str(self.now_is("status"))

    @property
    def category(self) -> str | None:
        value = self.now_is("category")
        return None if value is None else str(value)

    @property
    def assignee(self) -> str | None:
        value = self.now_is("assignee")
        return None if value is None else str(value)

    @property
    def group(self) -> str | None:
        value = self.now_is("group_code")
        return None if value is None else str(value)

    @property
    def handling(self) -> Handling:
        return Handling.of(self.now_is("handling"))

    @property
    def number(self) -> int:
        """The number of the last event so far."""
        return self.case.version + len(self.events)

    def target(self, action: str) -> str:
        """The status that ``action`` leads to. Raises `WrongState`."""
        return target(self.status, action, self.category)

    def happened(self, event: ComplaintEvent, private: Mapping[str, object] | None = None, **values: Any) -> None:
        """Note an event, and the columns that change with it."""
        self.values |= values
        self.events.append((event, private, values))

    def done(
        self,
        kind: type[StepEvent],
        action: str,
        private: Mapping[str, object] | None = None,
        /,
        *,
        step: Step | None = None,
        change: Callable[[Handling], Handling] = lambda handling: handling,
        again: Collection[StepAction] = (),
        values: Mapping[str, Any] | None = None,
        **said: Any,
    ) -> None:
        """Note that what ``action`` is for was done, and settle the step that it is the turn of.

        ``said`` are the fields of the event of this ``kind``; ``step`` is the step, where it is not told by whose turn
        it is; ``change`` is what else it means for the playbook; the steps of the actions ``again`` are to be done anew
        after it.
        """
        if step is None and self.handling.playbook:
            step = self.handling.step_for(self.plan, action)
        settled = change(self.handling).settled(step)
        handling = settled.again(self.plan, again)
        event = kind(
            reference=self.case.reference,
            step=None if step is None else step.code,
            told=True if step is None else step.tell,
            again=tuple(sorted(settled.over - handling.over)) or None,
            **said,
        )
        self.happened(event, private, **(values or {}))
        self.handled(handling)

    def answered_customer(self) -> None:
        """A person has spoken to the customer: the first response is given, and the next news counts from now."""
        self.clocks.meet("respond", self.now)
        self.clocks.kept_next_date(self.now)
        clocks.restart_update(self.clocks, self.case, self.plan, self.now)
        self.stand_while_waiting()

    def stand_while_waiting(self) -> None:
        """What has just begun stands, too, while the case waits for its customer."""
        if self.status == "awaiting_customer":
            self.clocks.pause(self.now)

    def handled(self, handling: Handling) -> None:
        """Keep, with the newest event, where the playbook stands; another step's clock begins when it is its turn."""
        before = self.handling.next_step(self.plan)
        self._keep(handling)
        self._turn_to(before, handling.next_step(self.plan))

    def begin_playbook(self) -> Handling:
        """Put the case under the playbook of what it is now; the first open step is next."""
        before = self.handling.next_step(self.plan) if self.handling.playbook else None
        handling = handling_for(
            self.plan,
            self.now_is("handling"),
            str(self.category),
            self.now_is("sub_category"),
            str(self.now_is("severity")),
        )
        self._keep(handling)
        self._turn_to(before, handling.next_step(self.plan))
        return handling

    def moved(self, giver: str | None, taker: str | None) -> None:
        """A case goes from one person's hands to another's (None: nobody's)."""
        if giver != taker:
            if giver is not None:
                self.loads[giver] -= 1
            if taker is not None:
                self.loads[taker] += 1

    def alert(self, kind: AlertKind, logins: Collection[str | None], **facts: object) -> None:
        """Tell people of the newest event."""
        told = {
            "reference": self.case.reference,
            "category": self.category,
            "severity": self.now_is("severity"),
            **facts,
        }
        self.alerts += [
            NewAlert(login, kind, "complaint", self.case.id, self.number, self.case.realm, told)
            for login in dict.fromkeys(logins)
            if login is not None
        ]

    def _keep(self, handling: Handling) -> None:
        kept = handling.kept()
        self.values["handling"] = kept
        # With the newest event, so that the case is what its events say at every moment.
        self.events[-1][2]["handling"] = kept

    def _turn_to(self, before: Step | None, step: Step | None) -> None:
        running = self.clocks.get("step")
        # The clock of a case that was taken up again was stopped, and begins anew also for the step that it stopped at.
        if step == before and running is not None and running.open:
            return
        self.clocks.drop("step")
        if step is not None and step.within is not None and self.group is not None:
            calendar = self.plan.group(step.by or self.group).calendar
            self.clocks.begin("step", calendar, step.within, self.now)
            self.stand_while_waiting()


async def write(connection: AsyncConnection, works: Sequence[Work]) -> None:
    """Write what happened to these cases, and to the people, tasks and clocks that hang on them."""
    changes = [
        Change(work.case, event, work.actor, work.now, values, private)
        for work in works
        for event, private, values in work.events
    ]
    if changes:
        await save(connection, changes)
    await clocks.store(connection, [work.clocks for work in works])
    await compensation.store(connection, [grant for work in works for grant in work.granted])
    await _write_tasks(connection, works)
    if works:
        await alerts.tell(connection, [alert for work in works for alert in work.alerts], works[0].now)
    await _write_loads(connection, works)


async def _write_tasks(connection: AsyncConnection, works: Sequence[Work]) -> None:
    for work in works:
        if work.tasks:
            await tasks.open_tasks(connection, work.tasks, work.plan, work.now)
        for settled in work.settled:
            await tasks.settle(connection, work.case.id, settled.kind, settled.outcome, work.actor, work.now)
        if work.cancelled_tasks is not None:
            kind, reason = work.cancelled_tasks
            await tasks.cancel_for_case(connection, work.case.id, reason, work.actor, work.now, kind)


async def _write_loads(connection: AsyncConnection, works: Sequence[Work]) -> None:
    loads: Counter[str] = Counter()
    for work in works:
        loads.update(work.loads)
    if works and any(loads.values()):
        # People are locked after cases, always.
        await duty.shift_load(connection, loads, works[0].now)


def by_id(works: Sequence[Work]) -> dict[UUID, Work]:
    """Works by their cases."""
    return {work.case.id: work for work in works}
