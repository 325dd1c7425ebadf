"""Whatever people, customers and workers do in whatever order, and whoever dies meanwhile: what must hold, holds.

Hypothesis draws the actions; the database is real. `lifecycle_checks` says what must hold after every step. The normal
run repeats the same examples; ``REDRESS_MACHINE_EXAMPLES=500`` draws so many others (about two seconds each) and prints
which actions were carried out: ``pytest -s tests/casework/test_lifecycle_machine.py``.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import permutations
from typing import Final
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from handler_worker.handler import DispatchHandler
from services.base.errors import Forbidden, Refused, WrongState
from services.base.identity import new_id
from services.base.stream.event import Event
from services.base.stream.model import EventRow
from services.casework import customer, firing, moving, replanning
from services.casework.action import ActionBody
from services.casework.actions import Offers, offers, perform
from services.casework.handlers.relating import Merge
from services.casework.handling import Handling
from services.complaints.events import Resolved
from services.complaints.lifecycle import ON_HAND, STAFF_ACTIONS
from services.notices.events import Sent
from services.notices.model import Notice
from services.people.keys import Caller
from services.people.model import Duty
from services.plan.versions import Plans
from services.surveys import asking
from services.surveys.commands import Answer, answer
from tests.casework.factories import ADMIN, RECEIVED_AT, classify, received_case, staff
from tests.casework.lifecycle_bodies import Facts, bodies
from tests.casework.lifecycle_checks import Row, Snapshot, check
from tests.casework.lifecycle_world import Action, World, world_on

EXAMPLES: Final = int(os.environ.get("REDRESS_MACHINE_EXAMPLES", "0"))
SETTINGS: Final = settings(
    max_examples=EXAMPLES or 32,
    stateful_step_count=40,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
# From so many examples on every action must have been carried out.
ENOUGH: Final = 300
MOST_CASES: Final = 4
# Whom the case of a group is brought to by chance, beside those who have it.
STRANGERS: Final = ("zhou.min", "chen.guoqiang", "qin.haifeng", "wu.xiuzhen", "tian.yu", "wang.fang", "lin.xiaoyan")
# Who may do most.
BROAD: Final = ("zhou.min", "chen.guoqiang", "tian.yu")
ROTATING: Final = ("xu.lei", "gao.xiang", "zheng.kai", "tian.yu", "deng.jia", "wang.fang")
# What depends on more than the case: on the amount, or on the other case.
DEPENDS_ON_WHAT_IS_WRITTEN: Final = frozenset({"compensate", "link", "unlink", "merge"})
# What is always possible and moves little.
REMARKS: Final = frozenset({"note", "renew-link", "correct", "link", "unlink", "report", "escalate"})
Fire = Callable[[AsyncConnection, Plans, datetime, int], Awaitable[int]]
STEPS: Final = [
    timedelta(seconds=1), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=7), timedelta(days=1),
    timedelta(days=3), timedelta(days=11), timedelta(weeks=3),
]  # fmt: skip


class Lifecycle(RuleBasedStateMachine):
    """Some complaints of two customers, from the first word to the end, and the time that goes on meanwhile."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        world = self.world
        self.now = RECEIVED_AT
        self.cases: list[UUID] = []
        self.position = 0
        self.handler = DispatchHandler(world.plans, clock=lambda: self.now)
        world.run(world.clear())
        self.stood = world.run(world.seen())

    # What happens.

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        for _ in range(data.draw(st.integers(1, 2), label="cases at first")):
            self._receive(data)
            self._classify(data, self.cases[-1])
        self._deliver(1)

    @precondition(lambda self: len(self.cases) < MOST_CASES)
    @rule(data=st.data(), judged=st.booleans())
    def receive(self, data: st.DataObject, judged: bool) -> None:
        self._receive(data)
        if judged:
            self._classify(data, self.cases[-1])

    @precondition(lambda self: any(case.status == "received" for case in self.seen.cases))
    @rule(data=st.data())
    def judge(self, data: st.DataObject) -> None:
        self._classify(data, next(case.id for case in self.seen.cases if case.status == "received"))

    @rule(times=st.sampled_from([1, 1, 2]))
    def deliver(self, times: int) -> None:
        self._deliver(times)

    @rule(delta=st.sampled_from(STEPS))
    def time_passes(self, delta: timedelta) -> None:
        self.now += delta

    @rule(early=st.booleans())
    def time_passes_until_something_is_due(self, early: bool) -> None:
        async def due() -> datetime | None:
            async with self.world.engine.connect() as connection:
                return await firing.next_due(connection)

        moment = self.world.run(due())
        if moment is not None:
            self.now = max(self.now, moment - timedelta(microseconds=early))
            self.fire("once", 0)

    @precondition(lambda self: not self.seen.surveys and any(self._goes_on(case) for case in self.seen.cases))
    @rule(data=st.data(), times=st.sampled_from([1, 1, 2]))
    def a_case_comes_to_its_end_and_its_customer_is_asked(self, data: st.DataObject, times: int) -> None:
        case = next(case for case in self.seen.cases if self._goes_on(case)).id
        for _ in range(15):
            found = self._who_brings_on(self.seen.case(case))
            if found is None:
                break
            self._do_offered(data, self.seen.case(case), *found)
            self.everything_holds()
        self._deliver(times)
        self.everything_holds()
        if self.seen.surveys:
            self.time_passes_until_a_survey_is_due(early=False)

    @precondition(lambda self: any(survey.next_at for survey in self.seen.surveys))
    @rule(early=st.booleans())
    def time_passes_until_a_survey_is_due(self, early: bool) -> None:
        moment = min(survey.next_at for survey in self.seen.surveys if survey.next_at)
        self.now = max(self.now, moment - timedelta(microseconds=early))
        self.fire("once", 0, asking.fire)

    @rule(
        how=st.sampled_from(["once", "once", "at once", "crash"]),
        after=st.integers(0, 14),
        what=st.sampled_from([firing.fire, firing.fire, asking.fire]),
    )
    def fire(self, how: str, after: int, what: Fire = firing.fire) -> None:
        async def one(connection: AsyncConnection, most: int = firing.BATCH) -> int:
            return await what(connection, self.world.plans, self.now, most)

        if how == "crash":
            self.world.run(self.world.crashing(one, after))
            self._nothing_changed()
        if how == "at once":
            self.world.run(self.world.overlapping(lambda connection: one(connection, 1), one))
        else:
            self.world.run(self.world.alone(one))

    @precondition(lambda self: any(case.status == "resolved" for case in self.seen.cases))
    @rule(data=st.data(), times=st.sampled_from([1, 2]))
    def customer_is_told_the_result(self, data: st.DataObject, times: int) -> None:
        case = self._one_of(data, [case for case in self.seen.cases if case.status == "resolved"])
        number = max(event.number for event in self.seen.record(case.id) if event.type == Resolved.TYPE)
        self._notice(case, "result", number, times)

    @rule(data=st.data())
    def customer_is_told_that_it_arrived(self, data: st.DataObject) -> None:
        self._notice(self._one_of(data), "acknowledgement", 1, 1)

    @rule()
    def plan_is_followed(self) -> None:
        async def move(connection: AsyncConnection) -> object:
            return await replanning.move_some(connection, self.world.plans, "system:cli", self.now)

        self.world.run(self.world.alone(move))

    @rule(login=st.sampled_from(ROTATING))
    def somebody_comes_or_goes(self, login: str) -> None:
        async def change(connection: AsyncConnection) -> object:
            turned = sa.update(Duty).where(Duty.login == login).values(on_duty=~Duty.on_duty)
            await connection.execute(turned)
            return await moving.move_urgent(connection, self.world.plans, self.now)

        self.world.run(self.world.alone(change))

    @rule(data=st.data(), times=st.integers(2, 6))
    def people_go_on(self, data: st.DataObject, times: int) -> None:
        for _ in range(times):
            self._offered(data, eager=True)
            self.everything_holds()

    @rule(data=st.data(), times=st.integers(1, 3))
    def people_do_what_they_are_offered(self, data: st.DataObject, times: int) -> None:
        for _ in range(times):
            self._offered(data, eager=False)
            self.everything_holds()

    @rule(data=st.data(), actions=st.lists(st.sampled_from(STAFF_ACTIONS), min_size=2, max_size=5))
    def people_do(self, data: st.DataObject, actions: list[str]) -> None:
        """These, each if anybody can do it with any case."""
        for action in actions:
            found = self._who_can(action)
            if found is not None:
                self._do_offered(data, *found, action)
                self.everything_holds()

    @precondition(lambda self: bool(self._duplicates()))
    @rule(data=st.data())
    def somebody_merges(self, data: st.DataObject) -> None:
        case, other = data.draw(st.sampled_from(self._duplicates()), label="which into which")
        into = next(one.reference for one in self.seen.cases if one.id == other)
        self._act(case, Merge(into=into, reason="同一故障。"), staff(BROAD[0]), None)

    @precondition(lambda self: any(offer.status == "proposed" for offer in self.seen.offers))
    @rule(data=st.data(), action=st.sampled_from(["approve", "decline"]), login=st.sampled_from(BROAD))
    def somebody_decides_on_money(self, data: st.DataObject, action: str, login: str) -> None:
        offer = next(offer for offer in self.seen.offers if offer.status == "proposed")
        case = self.seen.case(offer.complaint_id)
        self._act(case.id, data.draw(bodies(action, self._facts(case)), label="body"), staff(login), None)

    @rule(data=st.data(), action=st.sampled_from(STAFF_ACTIONS), behind=st.sampled_from([None, 0, 1]))
    def somebody_tries_anything(self, data: st.DataObject, action: str, behind: int | None) -> None:
        case = self._one_of(data)
        caller = self._somebody(data, case)
        body = data.draw(bodies(action, self._facts(case)), label="body")
        if_match = None if behind is None else {case.version - behind}
        came_of_it = self._act(case.id, body, caller, if_match)
        if behind:
            assert isinstance(came_of_it, Refused), "an old version was taken"

    @rule(data=st.data())
    def two_people_act_at_once(self, data: st.DataObject) -> None:
        case = self._one_of(data)
        acts: list[Action] = []
        named: list[str] = []
        for who in ("one", "the other"):
            caller, offered = self._caller_and_offers(data, case, who)
            if not offered.bodies:
                return
            body = self._body(data, case, offered, eager=True)
            acts.append(self._performing(case.id, body, caller, {case.version}))
            named.append(body.ACTION)
        came_of_it = self.world.run(self.world.overlapping(*acts))
        assert any(isinstance(one, Refused) for one in came_of_it), f"both did: {named}"
        self._count(named[0], came_of_it[0])
        self._count(named[1], came_of_it[1])

    @rule(data=st.data(), after=st.integers(2, 18))
    def somebody_is_cut_off(self, data: st.DataObject, after: int) -> None:
        case = self._one_of(data)
        caller, offered = self._caller_and_offers(data, case)
        if offered.bodies:
            body = self._body(data, case, offered, eager=False)
            self.world.run(self.world.crashing(self._performing(case.id, body, caller, None), after))
            self._nothing_changed()

    @rule(data=st.data(), what=st.sampled_from(["message", "message", "reopen", "reopen", "withdraw"]))
    def customer_decides(self, data: st.DataObject, what: str) -> None:
        case = self._one_of(data).id

        async def decide(connection: AsyncConnection) -> str:
            if what == "message":
                await customer.add_message(connection, self.world.plans, case, "还没有修好。", self.now)
            elif what == "withdraw":
                await customer.withdraw(connection, self.world.plans, case, None, self.now)
            else:
                await customer.reopen(connection, self.world.plans, case, "又断网了。", self.now)
            return "done"

        came_of_it = self.world.run(self.world.alone(decide))
        self._count(f"customer: {what}", came_of_it)
        if isinstance(came_of_it, Refused):
            self._nothing_changed()

    @precondition(lambda self: any(survey.status == "asked" for survey in self.seen.surveys))
    @rule(points=st.integers(1, 5), solved=st.booleans(), how=st.sampled_from(["once", "twice", "at once", "crash"]))
    def customer_answers(self, points: int, solved: bool, how: str) -> None:
        survey = next(survey for survey in self.seen.surveys if survey.status == "asked")
        body = Answer(satisfaction=points, solved=solved, comment="还是老样子。" if points < 3 else None)

        async def one(connection: AsyncConnection) -> object:
            return await answer(connection, self.world.plans, survey.id, body, self.now)

        if how == "crash":
            self.world.run(self.world.crashing(one, points + 4))
            self._nothing_changed()
        came_of_it = self.world.run(self.world.overlapping(one, one) if how == "at once" else self.world.alone(one))
        if how == "twice" and not isinstance(came_of_it, Refused):
            self.everything_holds()
            self.world.run(self.world.alone(one))
            self._nothing_changed()
        self._count("customer: answer", came_of_it)

    @property
    def seen(self) -> Snapshot:
        """The cases as they stood after the last step."""
        return self.stood.cases

    # What must hold.

    @invariant()
    def everything_holds(self) -> None:
        before, self.stood = self.stood, self.world.run(self.world.seen(self.stood))
        if self.stood is not before:
            check(self.seen, self.world.plan)
        assert not self.world.logged, self.world.logged

    # How it happens.

    def _receive(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(["A", "A", "B"]), label="customer")
        received = received_case(self.world.engine, customer=who, received_at=self.now)
        self.cases.append(self.world.run(received))

    def _classify(self, data: st.DataObject, case: UUID) -> None:
        category = data.draw(
            st.sampled_from(["outage", "billing", "billing", "technical_support", "unclear"]), label="category"
        )
        severity = data.draw(st.sampled_from(["critical", "major", "minor", "low"]), label="severity")
        if category == "unclear":
            severity = "low"
        self.world.run(
            classify(self.world.engine, case, category=category, severity=severity, now=self.now)  # type: ignore[arg-type]
        )

    def _deliver(self, times: int) -> None:
        async def waiting() -> list[Event]:
            query = (
                sa.select(EventRow)
                .where(EventRow.position > self.position, EventRow.type.in_(DispatchHandler.types))
                .order_by(EventRow.position)
            )
            async with self.world.engine.connect() as connection:
                rows = (await connection.execute(query)).all()
            if rows:
                self.position = rows[-1].position
            return [
                Event(row.id, row.type, row.key, row.number, row.time, row.realm, orjson.dumps(row.data))
                for row in rows
            ]

        self._handle(self.world.run(waiting()), times)

    def _handle(self, events: list[Event], times: int) -> None:
        for _ in range(times):
            self.world.run(self.world.alone(lambda connection: self.handler.handle(connection, events)))

    def _notice(self, case: Row, kind: str, number: int, times: int) -> None:
        notice = new_id()
        values = {
            "id": notice, "complaint_id": case.id, "kind": kind, "cause": new_id(), "number": number, "realm": "live",
            "language": "zh", "way": "email", "facts": {}, "status": "sent", "version": 2, "requested_at": self.now,
            "due_at": self.now, "sent_at": self.now,
        }  # fmt: skip
        self.world.run(self.world.alone(lambda connection: connection.execute(sa.insert(Notice).values(values))))
        told = Sent(complaint=case.id, kind=kind, way="email", sent_at=self.now, attempts=1)
        event = Event(new_id(), Sent.TYPE, notice, 2, self.now, "live", told.model_dump_json().encode())
        self._handle([event], times)

    def _offered(self, data: st.DataObject, *, eager: bool) -> None:
        """Somebody does what they are offered; of the ``eager`` whoever can do what the playbook has next."""
        case = self._one_of(data)
        for _ in range(3 if eager else 1):
            caller, offered = self._caller_and_offers(data, case)
            if self._forward(case, offered) or not eager:
                break
        if offered.bodies:
            self._do_offered(data, case, caller, self._action(data, case, offered, eager=eager))

    def _duplicates(self) -> list[tuple[UUID, UUID]]:
        """Cases of one customer that are being handled, in pairs."""
        handled = [case for case in self.seen.cases if case.status in ON_HAND and case.merged_into is None]
        return [(one.id, other.id) for one, other in permutations(handled, 2) if one.phone_hash == other.phone_hash]

    def _who_can(self, action: str) -> tuple[Row, Caller] | None:
        for case in self.seen.cases:
            for login in dict.fromkeys((case.assignee, *BROAD)):
                offered = self._offers(case, staff(login)) if login else None
                if offered is not None and action in [body.ACTION for body in offered.bodies]:
                    return case, staff(str(login))
        return None

    def _goes_on(self, case: Row) -> bool:
        return case.status in (*ON_HAND, "resolved") and case.merged_into is None

    def _who_brings_on(self, case: Row) -> tuple[Caller, str] | None:
        """Somebody who can bring the case nearer to its end, and by what."""
        for login in dict.fromkeys((case.assignee, *BROAD)):
            offered = self._offers(case, staff(login)) if login and self._goes_on(case) else None
            actions = self._forward(case, offered) if offered is not None else []
            if actions:
                return staff(str(login)), actions[0]
        return None

    def _do_offered(self, data: st.DataObject, case: Row, caller: Caller, action: str) -> None:
        body = data.draw(bodies(action, self._facts(case)), label="body")
        came_of_it = self._act(case.id, body, caller, {case.version})
        if isinstance(came_of_it, Forbidden | WrongState) and action not in DEPENDS_ON_WHAT_IS_WRITTEN:
            raise AssertionError(f"{action} was offered and then refused: {came_of_it}")

    def _caller_and_offers(self, data: st.DataObject, case: Row, label: str = "who") -> tuple[Caller, Offers]:
        caller = self._somebody(data, case, label)
        return caller, self._offers(case, caller)

    def _offers(self, case: Row, caller: Caller) -> Offers:
        async def asked() -> Offers:
            async with self.world.engine.connect() as connection:
                return await offers(connection, self.world.plans, str(case.id), caller)

        return self.world.run(asked())

    def _body(self, data: st.DataObject, case: Row, offered: Offers, *, eager: bool) -> ActionBody:
        action = self._action(data, case, offered, eager=eager)
        return data.draw(bodies(action, self._facts(case)), label="body")

    def _action(self, data: st.DataObject, case: Row, offered: Offers, *, eager: bool) -> str:
        actions = [body.ACTION for body in offered.bodies]
        forward = self._forward(case, offered) if eager else []
        moving = [action for action in actions if action not in REMARKS]
        return data.draw(st.sampled_from(forward or (moving + actions)), label="action")

    def _forward(self, case: Row, offered: Offers) -> list[str]:
        """What brings a case nearer to its end."""
        step = Handling.of(case.handling).next_step(self.world.plan) if case.handling else None
        wanted = {
            "accept",
            "approve",
            "decline",
            "pay",
            "close",
            "acknowledge",
            "resume",
            *([step.action] if step else []),
        }
        return [body.ACTION for body in offered.bodies if body.ACTION in wanted]

    def _act(self, case: UUID, body: ActionBody, caller: Caller, if_match: set[int] | None) -> object:
        came_of_it = self.world.run(self.world.alone(self._performing(case, body, caller, if_match)))
        self._count(body.ACTION, came_of_it)
        if isinstance(came_of_it, Refused):
            self._nothing_changed()
        return came_of_it

    def _performing(self, case: UUID, body: ActionBody, caller: Caller, if_match: set[int] | None) -> Action:
        return lambda connection: perform(
            connection, self.world.plans, str(case), body, caller, if_match, self.now
        )  # fmt: skip

    def _count(self, action: str, came_of_it: object) -> None:
        (self.world.refused if isinstance(came_of_it, Refused) else self.world.done)[action] += 1

    def _nothing_changed(self) -> None:
        assert self.world.run(self.world.seen(self.stood)) is self.stood, (
            "something was refused or cut off, and left traces"
        )

    def _one_of(self, data: st.DataObject, cases: list[Row] | None = None) -> Row:
        cases = cases or list(self.seen.cases)
        return cases[data.draw(st.integers(0, len(cases) - 1), label="case")]

    def _somebody(self, data: st.DataObject, case: Row, label: str = "who") -> Caller:
        login = data.draw(st.sampled_from(self._people(case)), label=label)
        return staff(login) if login else ADMIN

    def _people(self, case: Row) -> list[str]:
        """Logins, and the administrator, who has none."""
        plan = self.world.plan
        group = case.group_code or "customer_service"
        logins = [*([case.assignee] * 3 if case.assignee else ()), plan.group(group).head]
        logins += [one.person.login for one in plan.members_of(group)][:3]
        return [*logins, *STRANGERS, ""]

    def _facts(self, case: Row) -> Facts:
        steps = Handling.of(case.handling).open_steps(self.world.plan) if case.handling else ()
        others = [one for one in self.seen.cases if one.id != case.id]
        alike = [one for one in others if one.phone_hash == case.phone_hash and one.status in ON_HAND]
        return Facts(
            plan=self.world.plan,
            now=self.now,
            version=case.version,
            group=case.group_code,
            open_steps=[step.code for step in sorted(steps, key=lambda step: not step.may_skip)],
            others=[one.reference for one in others],
            alike=[one.reference for one in alike if one.merged_into is None],
        )


@pytest.mark.slow
def test_a_case_is_always_what_its_record_says_and_owes_what_it_should(database: str) -> None:
    with world_on(database) as world:

        class InThisWorld(Lifecycle):
            pass

        InThisWorld.world = world
        run_state_machine_as_test(InThisWorld, settings=SETTINGS)

        missing = [action for action in STAFF_ACTIONS if not world.done[action]]
        if EXAMPLES:
            print(f"\ncarried out: {dict(world.done.most_common())}\nrefused: {dict(world.refused.most_common())}")
            print(f"never carried out: {missing or 'none'}")
            assert EXAMPLES < ENOUGH or not missing
