"""Changing directives: issuing one to everybody in some groups, locking one, writing a step of it.

Directives are locked after cases, in the order of ids. What people do with a directive is in `actions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import NotFound
from services.base.identity import new_id
from services.casework import changes
from services.casework.action import wrong
from services.casework.alerts import NewAlert, tell
from services.casework.changes import Change
from services.casework.directives import events
from services.casework.directives.bodies import Issue
from services.casework.directives.model import Directive, DirectiveGroup, DirectivePerson
from services.casework.directives.permissions import require_may_direct
from services.casework.directives.queries import GROUPS
from services.casework.naming import case_named
from services.casework.offices import is_known, login_of
from services.casework.repeating import hash_of, sent_before
from services.people.keys import Caller
from services.plan.findings import did_you_mean
from services.plan.schema import Plan
from services.plan.versions import Plans
from services.plan.vocabulary import LEADERSHIP

FURTHEST_DUE: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class LockedDirective:
    """A locked directive: what decisions about it need to know."""

    id: UUID
    realm: str
    version: int
    status: str
    complaint_id: UUID | None
    issued_by: str
    due_at: datetime
    missed_at: datetime | None
    told: int
    groups: Sequence[str]

    def about(self) -> dict[str, Any]:
        """What each of its events says of it."""
        return {"groups": tuple(self.groups), "complaint": self.complaint_id}

    def facts(self) -> dict[str, object]:
        """What an alert about it says."""
        return {**self.about(), "due_at": self.due_at}

    def issuer(self, plan: Plan) -> str:
        """Who answers for it: the one who issued it, else the head of the leadership group."""
        login = login_of(self.issued_by)
        return login if login is not None and is_known(plan, login) else plan.group(LEADERSHIP).head


COLUMNS: Final = tuple(
    GROUPS if name == "groups" else getattr(Directive, name) for name in LockedDirective.__dataclass_fields__
)


async def issue(
    connection: AsyncConnection, plans: Plans, body: Issue, caller: Caller, key: str | None, now: datetime
) -> tuple[UUID, bool]:
    """Issue a directive and tell everybody in the groups that it is addressed to.

    Returns its id, and whether it was issued before with this idempotency key. The caller commits. Raises `Forbidden`,
    `Invalid`, or `AlreadyUsed` when the key belongs to another body.
    """
    _, plan = await plans.current(connection)
    require_may_direct(plan, caller, "issue")
    body_hash = hash_of(body)
    earlier = await sent_before(connection, Directive, "issued_by", caller, key, body_hash)
    if earlier is not None:
        return earlier, True
    _require_in_order(body, plan, now)
    case = None
    if body.complaint is not None:
        case = await case_named(connection, body.complaint, caller.realm, plan.plan.reference_prefix)
    directive = LockedDirective(
        id=new_id(),
        realm=caller.realm,
        version=0,
        status="open",
        complaint_id=case,
        issued_by=caller.actor,
        due_at=body.due_at.astimezone(UTC),
        missed_at=None,
        told=0,
        groups=sorted(set(body.groups)),
    )
    if not await _write(connection, directive, body.text, key, body_hash, now):
        # The same was sent twice at the same moment, and the other was first.
        earlier = await sent_before(connection, Directive, "issued_by", caller, key, body_hash)
        assert earlier is not None
        return earlier, True
    await _address(connection, directive, body.text, plan, caller.actor, now)
    return directive.id, False


async def lock(connection: AsyncConnection, directive: UUID, realm: str) -> LockedDirective:
    """The directive of a realm, locked until the transaction ends. Raises `NotFound`."""
    # Not the stronger lock: rows that refer to a directive (people, tasks) may be written meanwhile.
    query = (
        sa.select(*COLUMNS)
        .where(Directive.id == directive, Directive.realm == realm)
        .with_for_update(key_share=True, of=Directive)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"there is no directive {directive}")
    return LockedDirective(*row)


async def save(
    connection: AsyncConnection,
    directive: LockedDirective,
    event: events.DirectiveEvent,
    actor: str,
    now: datetime,
    values: dict[str, Any] | None = None,
    private: dict[str, object] | None = None,
) -> int:
    """Write one step of a locked directive; returns its new version."""
    version = directive.version + 1
    change = Change(directive.id, directive.realm, version, event, actor, now, values or {}, private)
    await changes.save(connection, Directive, [change])
    return version


def _require_in_order(body: Issue, plan: Plan, now: datetime) -> None:
    known = [group.code for group in plan.groups]
    for group in body.groups:
        if group not in known:
            raise wrong(
                "groups", f"names {group}, which the plan does not have; {did_you_mean(group, known)}", "unknown_group"
            )
    if body.due_at <= now:
        raise wrong("due_at", "is in the past; say by when it is to be done", "past")
    if body.due_at > now + FURTHEST_DUE:
        raise wrong("due_at", "is more than a year ahead", "too_far")


async def _write(
    connection: AsyncConnection, directive: LockedDirective, text: str, key: str | None, body_hash: bytes, now: datetime
) -> bool:
    written = await connection.execute(
        insert(Directive)
        .values(
            id=directive.id,
            realm=directive.realm,
            version=1,
            status="open",
            text=text,
            complaint_id=directive.complaint_id,
            issued_at=now,
            issued_by=directive.issued_by,
            idempotency_key=key,
            body_hash=body_hash,
            due_at=directive.due_at,
            next_at=directive.due_at,
        )
        .on_conflict_do_nothing()
        .returning(Directive.id)
    )
    return written.one_or_none() is not None


async def _address(
    connection: AsyncConnection, directive: LockedDirective, text: str, plan: Plan, actor: str, now: datetime
) -> None:
    """Everybody who is in the groups now is addressed, and told."""
    people = {one.person.login: "" for group in directive.groups for one in plan.members_of(group)}
    for login in people:
        people[login] = next(group.code for group in plan.groups_of(login) if group.code in directive.groups)
    await connection.execute(
        sa.insert(DirectiveGroup),
        [{"directive_id": directive.id, "group_code": group} for group in directive.groups],
    )
    await connection.execute(
        sa.insert(DirectivePerson),
        [{"directive_id": directive.id, "login": login, "group_code": group} for login, group in people.items()],
    )
    event = events.Issued(**directive.about(), due_at=directive.due_at, people=tuple(people))
    await changes.tell_of(
        connection, [Change(directive.id, directive.realm, 1, event, actor, now, private={"text": text})]
    )
    told = [
        NewAlert(login, "directive_issued", "directive", directive.id, 1, directive.realm, directive.facts())
        for login in people
    ]
    await tell(connection, told, now)
