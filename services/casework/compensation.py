"""What a customer is granted: the rows behind proposals, decisions and payments, and who may decide what.

Amounts are exact decimals in the currencies of the plan. Nobody decides on their own proposal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import Invalid
from services.casework.model import Compensation
from services.complaints.commands import to_rows
from services.plan.schema import Plan
from services.plan.vocabulary import LEADERSHIP, CompensationKind

Needs = Literal["head", "leadership"]
STANDING: Final = ("proposed", "approved", "accepted")
"""Statuses in which it is still open; the others are over: declined, disputed, paid."""


@dataclass(frozen=True, slots=True)
class Granted:
    """One thing offered to a customer, as it stands."""

    id: UUID
    complaint_id: UUID
    realm: str
    kind: CompensationKind
    amount: Decimal
    currency: str
    status: str
    needs: Needs | None
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    paid_by: str | None = None
    paid_at: datetime | None = None
    billing_reference: str | None = None


_COLUMNS: Final = tuple(Granted.__dataclass_fields__)
_OF_CASE = (
    sa.select(*(getattr(Compensation, name) for name in _COLUMNS))
    .where(Compensation.complaint_id == sa.bindparam("case"))
    .order_by(Compensation.proposed_at, Compensation.id)
)
_STORE = sa.text(
    f"""
    insert into compensation ({", ".join(_COLUMNS)})
    select {", ".join(_COLUMNS)} from jsonb_populate_recordset(null::compensation, cast(:rows as jsonb))
    order by id
    on conflict (id) do update
    set {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in ("id", "complaint_id", "realm"))}
    """
)


async def of_case(connection: AsyncConnection, case: UUID) -> list[Granted]:
    """What the customer of a case was offered, the oldest first."""
    return [Granted(*row) for row in await connection.execute(_OF_CASE, {"case": case})]


async def store(connection: AsyncConnection, granted: Sequence[Granted]) -> None:
    """Write what was offered or decided, in one statement."""
    if granted:
        rows = [{name: _plain(getattr(one, name)) for name in _COLUMNS} for one in granted]
        await connection.execute(_STORE, {"rows": to_rows(rows)})


def standing(granted: Sequence[Granted]) -> Granted | None:
    """The offer that is still open; there is one at most."""
    return next((one for one in granted if one.status in STANDING), None)


def unpaid(granted: Sequence[Granted]) -> Granted | None:
    """What the customer was promised and has not been given."""
    return next((one for one in granted if one.status in ("approved", "accepted")), None)


def needs_for(
    plan: Plan, in_force: Plan, login: str | None, group: str, amount: Decimal, currency: str
) -> Needs | None:
    """Whose decision a proposal of this person waits for; None when it is within their own limit.

    Raises `Invalid` when it is more than anybody may grant.
    """
    limits = plan.compensation.limits
    role = None if login is None else own_level(in_force, login, group)
    if amount > limits.leadership.get(currency, Decimal(0)):
        raise Invalid(
            f"{written(amount, currency, plan)} is more than anybody may grant: "
            f"the plan's limit is {_limit(limits.leadership, currency, plan)}"
        )
    own: Mapping[str, Decimal] = {}
    if role is not None:
        own = getattr(limits, role)
    if amount <= own.get(currency, Decimal(0)):
        return None
    return "head" if amount <= limits.head.get(currency, Decimal(0)) and role != "head" else "leadership"


def own_level(plan: Plan, login: str, group: str) -> Literal["member", "head", "leadership"]:
    """Up to which limit a person grants: head or deputy of the leadership group, of the case's group, or a member."""
    if plan.role_in(login, LEADERSHIP) in ("head", "deputy"):
        return "leadership"
    return "head" if plan.role_in(login, group) in ("head", "deputy") else "member"


def may_decide(plan: Plan, login: str, group: str, needs: Needs) -> bool:
    """Whether this person's decision is the one that a proposal waits for."""
    level = own_level(plan, login, group)
    return level == "leadership" or (level == "head" and needs == "head")


def deciders(plan: Plan, group: str, needs: Needs) -> list[str]:
    """Whom to ask for a decision."""
    code = group if needs == "head" else LEADERSHIP
    return [one.person.login for one in plan.members_of(code) if one.role in ("head", "deputy")]


def written(amount: Decimal, currency: str, plan: Plan) -> str:
    """An amount as people and events write it: with the decimals of its currency."""
    decimals = plan.compensation.decimals(currency)
    return f"{amount:.{2 if decimals is None else decimals}f} {currency}"


def _limit(limits: Mapping[str, Decimal], currency: str, plan: Plan) -> str:
    return written(limits[currency], currency, plan) if currency in limits else "nothing in this currency"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
