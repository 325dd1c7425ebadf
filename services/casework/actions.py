"""The staff actions: what is possible on a case now, and doing it.

An action is one transaction of the caller's: it locks the case, checks who asks and which version they saw, decides
(`services.casework.steps`), and writes the case, its event, the clocks and the loads of people.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import Timestamp, set_lock_timeout
from services.base.errors import Changed, Forbidden
from services.casework import clocks, steps
from services.casework.action_bodies import (
    Accept,
    ActionBody,
    AnyBody,
    Close,
    Note,
    Reclassify,
    Reopen,
    Resolve,
    SetEta,
    body_of,
)
from services.casework.clocks import Clock
from services.casework.permissions import require_may_act
from services.casework.steps import Step
from services.complaints.commands import Case, Change, lock, save
from services.complaints.events import Resolved
from services.complaints.lifecycle import possible_actions
from services.complaints.model import Complaint
from services.complaints.queries import find
from services.people import duty
from services.people.keys import Caller
from services.plan.schema import Plan
from services.plan.versions import Plans

_LOCK_MS: Final = 5_000

_RESTART = sa.text(
    """
    insert into deadline (complaint_id, kind, realm, started_at, due_at)
    values (:case, :kind, :realm, :started_at, :due_at)
    on conflict (complaint_id, kind) do update
    set started_at = excluded.started_at, due_at = excluded.due_at, met_at = null
    """
).bindparams(sa.bindparam("started_at", type_=Timestamp), sa.bindparam("due_at", type_=Timestamp))

# Notices stand above this floor, so their table is asked by its name, as queues ask for deadlines. By the numbers of
# events and not by times: the clocks of the machines that resolve and that tell differ.
_TOLD = sa.text(
    """
    select exists (
        select from notice n
        where n.complaint_id = :case and n.kind = 'result' and n.status = 'sent'
          and n.number >= (select max(e.number) from event e where e.key = :case and e.type = :resolved)
    )
    """
).bindparams(resolved=Resolved.TYPE)


@dataclass(frozen=True, slots=True)
class Offers:
    """What the caller can do with a case now. ``refusal`` says why it is nothing, when the case is not theirs."""

    case: UUID
    reference: str
    status: str
    version: int
    bodies: tuple[type[ActionBody], ...]
    refusal: str | None


async def offers(connection: AsyncConnection, plans: Plans, name: str, caller: Caller) -> Offers:
    """What the caller can do with the case of this id or reference. Raises `NotFound`."""
    _, plan = await plans.current(connection)
    view = await find(connection, name, caller.realm, plan.plan.reference_prefix)
    refusal = None
    possible: tuple[str, ...] = ()
    try:
        require_may_act(plan, caller, view.group_code)
        possible = possible_actions(view.status, view.category)
    except Forbidden as error:
        refusal = str(error)
    bodies = tuple(body_of(action) for action in possible)
    return Offers(view.id, view.reference, view.status, view.version, bodies, refusal)


async def perform(
    connection: AsyncConnection,
    plans: Plans,
    name: str,
    body: AnyBody,
    caller: Caller,
    if_match: Collection[int] | None,
    now: datetime,
) -> int:
    """Do the action that ``body`` is for on the case of this id or reference; returns the case's new version.

    ``if_match`` holds the versions that the caller has seen (None: whichever it is), ``now`` is UTC. The caller
    commits. Raises `NotFound`, `Forbidden`, `Changed`, `WrongState` or `Invalid`, and then nothing was written.
    """
    _, plan = await plans.current(connection)
    view = await find(connection, name, caller.realm, plan.plan.reference_prefix)
    await set_lock_timeout(connection, _LOCK_MS)
    case = (await lock(connection, [view.id]))[view.id]
    if if_match is not None and case.version not in if_match:
        raise Changed(
            f"the case is at version {case.version} now and {case.status}; read it again, and decide anew", case.version
        )
    # Asked after the version: whoever acts on what they saw is told first that it is no longer so.
    require_may_act(plan, caller, case.group_code)
    step = await _decide(connection, plans, plan, case, body, caller, now)
    await _write(connection, case, step, caller, now)
    return case.version + 1


async def _decide(
    connection: AsyncConnection,
    plans: Plans,
    plan: Plan,
    case: Case,
    body: AnyBody,
    caller: Caller,
    now: datetime,
) -> Step:
    match body:
        case Accept():
            return steps.accept(case, caller.login, now)
        case Note():
            return steps.note(case, body.text)
        case SetEta():
            return steps.set_eta(case, body.estimated_repair_at, body.reason, now)
        case Reclassify():
            judged_by = await _plan_of(connection, plans, case) or plan
            signals = await _signals(connection, case.id)
            return steps.reclassify(case, body.category, body.severity, body.reason, judged_by, signals)
        case Resolve():
            return steps.resolve(case, body.text, now)
        case Close():
            told = bool(await connection.scalar(_TOLD, {"case": case.id}))
            return steps.close(case, body.decision, body.reason, now, told=told)
        case Reopen():
            ran_under = await _plan_of(connection, plans, case)
            return steps.reopen(case, body.reason, caller.login, plan, ran_under, now)


async def _write(connection: AsyncConnection, case: Case, step: Step, caller: Caller, now: datetime) -> None:
    await save(connection, [Change(case, step.event, caller.actor, now, step.values, step.private)])
    if step.met is not None:
        await clocks.meet(connection, step.met, {case.id: now})
    if step.restarted is not None:
        await _restart(connection, step.restarted)
    # People are locked after cases, always.
    await duty.shift_load(connection, step.load, now)


async def _restart(connection: AsyncConnection, clock: Clock) -> None:
    await connection.execute(
        _RESTART,
        {
            "case": clock.complaint_id,
            "kind": clock.kind,
            "realm": clock.realm,
            "started_at": clock.started_at,
            "due_at": clock.due_at,
        },
    )


async def _plan_of(connection: AsyncConnection, plans: Plans, case: Case) -> Plan | None:
    return None if case.plan_version is None else await plans.get(connection, case.plan_version)


async def _signals(connection: AsyncConnection, case: UUID) -> frozenset[str]:
    """The signals of severity that were found in the complaint."""
    judgement = await connection.scalar(sa.select(Complaint.judgement).where(Complaint.id == case))
    return frozenset(reason["signal"] for reason in (judgement or {}).get("severity_reasons", ()))
