"""The staff actions: what is possible on a case now, and doing it.

An action is one transaction of the caller's: it locks the case, checks who asks and which version they saw, decides
(`services.casework.handlers`), and writes the case, its events, clocks, tasks and the loads of people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import set_lock_timeout
from services.base.errors import Changed, Forbidden, Refused
from services.casework import clocks, compensation, links
from services.casework.action import ActionBody
from services.casework.clocks import CaseClocks
from services.casework.guards import require_may
from services.casework.handlers.billing import Review
from services.casework.handlers.relating import Link, Merge, Unlink, Unmerge
from services.casework.handlers.settling import Close
from services.casework.permissions import require_may_act
from services.casework.registry import BODIES, Beside, do
from services.casework.work import Work, write
from services.complaints.commands import Case, lock, read
from services.complaints.events import Resolved
from services.complaints.lifecycle import is_possible, when_possible
from services.complaints.model import Complaint
from services.complaints.queries import find_id
from services.people.keys import Caller
from services.plan.schema import Plan
from services.plan.versions import Plans

_LOCK_MS: Final = 5_000
# What another case of the same matter goes through, too.
_FOLLOWED: Final = frozenset({"resolve", "reject", "close"})
# What must know what the customer was offered.
_ASKS_MONEY: Final = frozenset(
    {"compensate", "approve", "decline", "customer-answer", "pay", "resolve", "reject", "close", "reopen"}
)
# What must know how the case hangs together with others.
_ASKS_LINKS: Final = frozenset({"resolve", "link", "unlink", "merge"})

# Notices stand above this floor, so their table is asked by its name, as queues ask for deadlines. By the numbers of
# events and not by times: the clocks of the machines that resolve and that tell differ.
_TOLD = sa.text(
    """
    select distinct n.complaint_id from notice n
    where n.complaint_id = any(:cases) and n.kind = 'result' and n.status in ('sent', 'delivered')
      and n.number >= (select max(e.number) from event e where e.key = n.complaint_id and e.type = :resolved)
    """
).bindparams(sa.bindparam("cases", type_=ARRAY(sa.Uuid)), resolved=Resolved.TYPE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An action that is not possible now, and why."""

    body: type[ActionBody]
    why: str


@dataclass(frozen=True, slots=True)
class Offers:
    """What the caller can do with a case now, and why not the rest. ``refusal`` is set when the case is not theirs."""

    case: UUID
    reference: str
    status: str
    version: int
    step: str | None
    """The code of the playbook's step that is next."""
    bodies: tuple[type[ActionBody], ...]
    refused: tuple[Refusal, ...]
    refusal: str | None


async def offers(connection: AsyncConnection, plans: Plans, name: str, caller: Caller) -> Offers:
    """What the caller can do with the case of this id or reference. Raises `NotFound`."""
    _, in_force = await plans.current(connection)
    case_id = await find_id(connection, name, caller.realm, in_force.plan.reference_prefix)
    case = (await read(connection, [case_id]))[case_id]
    plan = await _plan_of(connection, plans, case, in_force)
    work = Work(
        case, plan, in_force, CaseClocks(case.id, case.realm, plan), caller.actor, datetime.now(UTC), caller.login,
        await compensation.of_case(connection, case.id),
    )  # fmt: skip
    beside = Beside(views=await links.of_case(connection, case.id))
    possible: list[type[ActionBody]] = []
    refused: list[Refusal] = []
    for action, body in BODIES.items():
        if not is_possible(work.status, action, work.category):
            refused.append(Refusal(body, when_possible(action)))
            continue
        try:
            require_may(work, action, caller, beside)
            possible.append(body)
        except Refused as error:
            refused.append(Refusal(body, str(error)))
    step = work.handling.next_step(plan)
    return Offers(
        case.id, case.reference, case.status, case.version, None if step is None else step.code,
        tuple(possible), tuple(refused), _refusal(in_force, caller, case),
    )  # fmt: skip


def _refusal(plan: Plan, caller: Caller, case: Case) -> str | None:
    try:
        require_may_act(plan, caller, case.group_code)
    except Forbidden as error:
        return str(error)
    return None


async def perform(
    connection: AsyncConnection,
    plans: Plans,
    name: str,
    body: ActionBody,
    caller: Caller,
    if_match: Collection[int] | None,
    now: datetime,
) -> int:
    """Do the action that ``body`` is for on the case of this id or reference; returns the case's new version.

    ``if_match`` holds the versions that the caller has seen (None: whichever it is), ``now`` is UTC. The caller
    commits. Raises `NotFound`, `Forbidden`, `Changed`, `WrongState` or `Invalid`, and then nothing was written.
    """
    _, in_force = await plans.current(connection)
    prefix = in_force.plan.reference_prefix
    case_id = await find_id(connection, name, caller.realm, prefix)
    other_id = await _other_of(connection, body, case_id, caller.realm, prefix)
    following = await links.followers(connection, case_id) if body.ACTION in _FOLLOWED else []
    await set_lock_timeout(connection, _LOCK_MS)
    works = await works_on(
        connection, plans, in_force, {case_id, *following} | ({other_id} if other_id else set()), caller.actor, now
    )
    work = works[case_id]
    work.login = caller.login
    _require_version(work.case, if_match)
    if body.ACTION in _FOLLOWED:
        await _require_same_followers(connection, work.case, following)
    beside = await _beside(connection, work, body)
    beside.other = works.get(other_id) if other_id else None
    beside.followers = [one for one in works.values() if one.case.merged_into == case_id]
    # Asked after the version: whoever acts on what they saw is told first that it is no longer so.
    require_may(work, body.ACTION, caller, beside)
    if isinstance(body, Merge) and other_id is not None:
        beside.same_customer = await links.same_customer(connection, case_id, other_id)
    do(work, body, beside)
    await write(connection, list(works.values()))
    await links.add(connection, beside.linked)
    await links.remove(connection, beside.unlinked)
    return work.number


async def works_on(
    connection: AsyncConnection, plans: Plans, in_force: Plan, ids: Iterable[UUID], actor: str, now: datetime
) -> dict[UUID, Work]:
    """These cases, locked in the order of ids and ready to be worked on, each under its own plan. By case."""
    cases = await lock(connection, list(ids))
    versions = {case.plan_version for case in cases.values() if case.plan_version is not None}
    by_version = {version: await plans.get(connection, version) for version in versions}
    found = await clocks.load(connection, cases.values(), by_version, in_force)
    return {
        case.id: Work(case, by_version.get(case.plan_version or 0, in_force), in_force, found[case.id], actor, now)
        for case in cases.values()
    }


def _require_version(case: Case, if_match: Collection[int] | None) -> None:
    if if_match is not None and case.version not in if_match:
        raise Changed(
            f"the case is at version {case.version} now and {case.status}; read it again, and decide anew", case.version
        )


async def _require_same_followers(connection: AsyncConnection, case: Case, locked: Collection[UUID]) -> None:
    """Raises `Changed` when a duplicate was merged into the case before it was locked, or parted from it."""
    if await links.followers(connection, case.id) != list(locked):
        raise Changed("another complaint was just merged into the case, or parted from it; do it again", case.version)


async def _other_of(connection: AsyncConnection, body: ActionBody, case: UUID, realm: str, prefix: str) -> UUID | None:
    """The other case that an action names, or that the case is merged into."""
    match body:
        case Link():
            return await find_id(connection, body.to, realm, prefix)
        case Unlink():
            return await find_id(connection, body.source, realm, prefix)
        case Merge():
            return await find_id(connection, body.into, realm, prefix)
        case Unmerge():
            other: UUID | None = await connection.scalar(sa.select(Complaint.merged_into).where(Complaint.id == case))
            return other
    return None


async def _beside(connection: AsyncConnection, work: Work, body: ActionBody) -> Beside:
    beside = Beside()
    if body.ACTION in _ASKS_MONEY:
        work.grants = await compensation.of_case(connection, work.case.id)
    if body.ACTION in _ASKS_LINKS:
        beside.views = await links.of_case(connection, work.case.id)
    if isinstance(body, Close):
        beside.told = work.case.id in await told_of_result(connection, [work.case.id])
    if isinstance(body, Review):
        beside.concerned = await connection.scalar(
            sa.select(Complaint.concerns["promotion"].astext).where(Complaint.id == work.case.id)
        )
    return beside


async def told_of_result(connection: AsyncConnection, cases: Collection[UUID]) -> set[UUID]:
    """Those of these cases of which the notice of the newest result was sent to the customer."""
    if not cases:
        return set()
    return set((await connection.execute(_TOLD, {"cases": list(cases)})).scalars())


async def _plan_of(connection: AsyncConnection, plans: Plans, case: Case, in_force: Plan) -> Plan:
    return in_force if case.plan_version is None else await plans.get(connection, case.plan_version)
