"""What people do with a directive: take notice of it, say how far it is, close it.

Each is one transaction of the caller's. Those addressed do the first two, the leadership group the last.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.database import set_lock_timeout
from services.base.errors import Changed, WrongState
from services.casework.alerts import NewAlert, tell
from services.casework.directives import events
from services.casework.directives.bodies import Acknowledge, AnyDirectiveBody, Close, Progress
from services.casework.directives.commands import LockedDirective, lock, save
from services.casework.directives.model import DirectivePerson
from services.casework.directives.permissions import refuse_unaddressed, require_may_direct
from services.casework.directives.queries import Addressee
from services.people.keys import Caller
from services.plan.schema import Plan
from services.plan.versions import Plans

_LOCK_MS: Final = 5_000


async def perform(
    connection: AsyncConnection,
    plans: Plans,
    directive_id: UUID,
    body: AnyDirectiveBody,
    caller: Caller,
    if_match: Collection[int] | None,
    now: datetime,
) -> int:
    """Do what ``body`` is for with a directive; returns its new version.

    ``if_match`` holds the versions that the caller has seen (None: whichever it is), ``now`` is UTC. The caller
    commits. Raises `NotFound`, `Forbidden`, `Changed` or `WrongState`, and then nothing was written.
    """
    _, plan = await plans.current(connection)
    await set_lock_timeout(connection, _LOCK_MS)
    directive = await lock(connection, directive_id, caller.realm)
    if if_match is not None and directive.version not in if_match:
        raise Changed(
            f"the directive is at version {directive.version} now and {directive.status}; read it again, and decide "
            "anew",
            directive.version,
        )
    match body:
        case Acknowledge():
            return await _acknowledge(connection, plan, directive, caller, now)
        case Progress():
            return await _progress(connection, plan, directive, body.text, caller, now)
        case Close():
            return await _close(connection, plan, directive, body.text, caller, now)


async def _acknowledge(
    connection: AsyncConnection, plan: Plan, directive: LockedDirective, caller: Caller, now: datetime
) -> int:
    person = await _addressee(connection, plan, directive, caller)
    if person.acknowledged_at is not None:
        return directive.version
    _require_open(directive, Acknowledge.ACTION)
    await _note_taken(connection, directive, person, now)
    event = events.Acknowledged(**directive.about(), by=person.login, group=person.group)
    return await save(connection, directive, event, caller.actor, now)


async def _progress(
    connection: AsyncConnection, plan: Plan, directive: LockedDirective, text: str, caller: Caller, now: datetime
) -> int:
    person = await _addressee(connection, plan, directive, caller)
    _require_open(directive, Progress.ACTION)
    # Whoever says how far it is has taken notice.
    await _note_taken(connection, directive, person, now)
    event = events.Progressed(**directive.about(), by=person.login, group=person.group)
    version = await save(connection, directive, event, caller.actor, now, private={"text": text})
    facts = {**directive.facts(), "by": person.login, "group": person.group}
    issuer = directive.issuer(plan)
    await tell(
        connection,
        [NewAlert(issuer, "directive_progress", "directive", directive.id, version, directive.realm, facts)],
        now,
    )
    return version


async def _close(
    connection: AsyncConnection, plan: Plan, directive: LockedDirective, text: str, caller: Caller, now: datetime
) -> int:
    require_may_direct(plan, caller, "close")
    _require_open(directive, Close.ACTION)
    counts = sa.select(sa.func.count(DirectivePerson.acknowledged_at), sa.func.count()).where(
        DirectivePerson.directive_id == directive.id
    )
    acknowledged, people = (await connection.execute(counts)).one()
    event = events.Closed(**directive.about(), late=now > directive.due_at, acknowledged=acknowledged, people=people)
    values = {"status": "closed", "closed_at": now, "closed_by": caller.actor, "closing": text, "next_at": None}
    return await save(connection, directive, event, caller.actor, now, values, {"text": text})


async def _addressee(connection: AsyncConnection, plan: Plan, directive: LockedDirective, caller: Caller) -> Addressee:
    query = sa.select(DirectivePerson.login, DirectivePerson.group_code, DirectivePerson.acknowledged_at).where(
        DirectivePerson.directive_id == directive.id, DirectivePerson.login == caller.login
    )
    row = None if caller.login is None else (await connection.execute(query)).one_or_none()
    if row is None:
        raise refuse_unaddressed(plan, caller, tuple(directive.groups))
    return Addressee(*row)


async def _note_taken(
    connection: AsyncConnection, directive: LockedDirective, person: Addressee, now: datetime
) -> None:
    if person.acknowledged_at is None:
        await connection.execute(
            sa.update(DirectivePerson)
            .where(DirectivePerson.directive_id == directive.id, DirectivePerson.login == person.login)
            .values(acknowledged_at=now)
        )


def _require_open(directive: LockedDirective, action: str) -> None:
    if directive.status != "open":
        raise WrongState(f"'{action}' is not possible for a directive that is closed; issue a new one", ())
