"""Compensation, from the proposal to the payment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.base.errors import Forbidden, WrongState
from services.base.identity import new_id
from services.base.texts import PRINTABLE
from services.casework import compensation
from services.casework.action import ActionBody, Words, not_ahead, wrong
from services.casework.compensation import Granted, written
from services.casework.tasks.commands import NewTask
from services.casework.work import SettledTask, Work
from services.complaints.events import (
    CompensationDecided,
    CompensationPaid,
    CompensationProposed,
    CustomerAnswered,
)
from services.plan.values import CurrencyCode, Text
from services.plan.vocabulary import CompensationKind, StepAction

_MOST_DIGITS = 14
_OFFER: Final[tuple[StepAction, ...]] = ("compensate",)
_ANSWER: Final[tuple[StepAction, ...]] = ("customer-answer",)


def _money(value: object) -> Decimal:
    """An exact amount. A JSON number with a fraction has gone through binary floating point and may not be."""
    if isinstance(value, Decimal):
        return value
    if isinstance(value, float):
        raise PydanticCustomError("not_exact", 'the amount must be exact; write it as a text such as "49.90"')
    try:
        amount = Decimal(str(value)) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        raise PydanticCustomError("no_amount", 'this is no amount of money; write for example "49.90"')
    if amount <= 0:
        raise PydanticCustomError("not_positive", "the amount must be more than nothing")
    if amount >= Decimal(10) ** _MOST_DIGITS:
        raise PydanticCustomError("too_much", "the amount has too many digits")
    return amount


Money = Annotated[Decimal, BeforeValidator(_money, json_schema_input_type=str | int)]
BillingReference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), PRINTABLE]


class Compensate(ActionBody):
    """Propose compensation. Above your limit it waits for somebody else's decision."""

    ACTION: ClassVar[str] = "compensate"
    NAME: ClassVar[Text] = Text(zh="提出补偿方案", en="Propose compensation")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "kind": "refund",
        "amount": "59.00",
        "currency": "CNY",
        "reason": "退还 10 月多收的月费。",
    }

    kind: CompensationKind = Field(
        description="refund: money back; credit: on the account; waiver: a charge is dropped."
    )
    amount: Money = Field(description='Exact, as a text such as "59.00".')
    currency: CurrencyCode
    reason: Words


class Approve(ActionBody):
    """Approve the compensation that waits for you. The customer is told."""

    ACTION: ClassVar[str] = "approve"
    NAME: ClassVar[Text] = Text(zh="批准补偿", en="Approve")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {}

    reason: Words | None = None


class Decline(ActionBody):
    """Decline the compensation that waits for you."""

    ACTION: ClassVar[str] = "decline"
    NAME: ClassVar[Text] = Text(zh="驳回补偿", en="Decline")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reason": "金额与多收费用不符，请重新核算。"}

    reason: Words


class CustomerAnswer(ActionBody):
    """Note whether the customer accepts what they were offered."""

    ACTION: ClassVar[str] = "customer-answer"
    NAME: ClassVar[Text] = Text(zh="登记客户答复", en="The customer's answer")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"answer": "accepted", "said": "客户电话确认同意退费方案。"}

    answer: Literal["accepted", "disputed"]
    said: Words = Field(description="What the customer said, and how.")


class Pay(ActionBody):
    """Note that the compensation was paid, with the reference of the billing system."""

    ACTION: ClassVar[str] = "pay"
    NAME: ClassVar[Text] = Text(zh="登记支付", en="Paid")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"billing_reference": "BILL-2026-118823"}

    billing_reference: BillingReference
    paid_at: AwareDatetime | None = Field(None, description="When it was; now unless said.")


def compensate(work: Work, body: Compensate) -> None:
    """The proposal: granted at once within the proposer's limit, else waiting for a decision.

    Raises `Invalid` for an amount or currency that the plan does not have, `WrongState` while another offer is open or
    legal counsel must look first.
    """
    require_no_offer(work)
    amount = _exact(work, body)
    _require_checked(work, amount, body.currency)
    group = work.group or ""
    needs = compensation.needs_for(work.plan, work.in_force, work.login, group, amount, body.currency)
    if work.login is None:
        raise Forbidden("compensation is proposed by a member of staff; use their key")
    granted = Granted(
        id=new_id(),
        complaint_id=work.case.id,
        realm=work.case.realm,
        kind=body.kind,
        amount=amount,
        currency=body.currency,
        status="proposed",
        needs=needs,
        proposed_by=work.login,
        proposed_at=work.now,
    )
    work.done(
        CompensationProposed,
        "compensate",
        {"reason": body.reason},
        step=work.handling.step_if_wanted(work.plan, "compensation_wanted", "compensate"),
        change=lambda handling: handling.want("compensation_wanted", True),
        again=_ANSWER,
        **_said(work, granted),
        needs=needs,
    )
    work.granted = [granted]
    if needs is None:
        _decide(work, granted, "approved", None)
    else:
        work.alert("escalated", compensation.deciders(work.in_force, group, needs), cause="approval", needs=needs)


def require_no_offer(work: Work) -> None:
    """Raises `WrongState` while an offer is open."""
    standing = compensation.standing(work.grants)
    if standing is not None:
        amount = written(standing.amount, standing.currency, work.plan)
        raise WrongState(f"an offer of {amount} is {standing.status} already; decide on it first", ())


def require_nothing_undecided(work: Work) -> None:
    """Raises `WrongState` while a proposal waits for a decision: the customer would be told half of the result."""
    standing = compensation.standing(work.grants)
    if standing is not None and standing.status == "proposed":
        raise WrongState(
            "compensation is proposed and not decided on; approve or decline it first", ("approve", "decline")
        )


def approve(work: Work, body: Approve) -> None:
    """The decision of the one whom the proposal waits for; the customer is offered it."""
    granted = require_may_decide(work)
    _decide(work, granted, "approved", body.reason)


def decline(work: Work, body: Decline) -> None:
    """Declined: another proposal may be made, or the step skipped."""
    granted = require_may_decide(work)
    _decide(work, granted, "declined", body.reason)


def require_may_decide(work: Work) -> Granted:
    """The proposal that waits. Raises `WrongState` when none does, `Forbidden` for whoever may not decide on it."""
    granted = compensation.standing(work.grants)
    if granted is None or granted.status != "proposed" or granted.needs is None:
        raise WrongState("no compensation waits for a decision", ())
    group = work.group or ""
    asked = ", ".join(compensation.deciders(work.in_force, group, granted.needs))
    if work.login is None:
        raise Forbidden(f"a decision on money is a person's; ask {asked}")
    if work.login == granted.proposed_by:
        raise Forbidden(f"nobody decides on their own proposal; ask {asked}")
    if not compensation.may_decide(work.in_force, work.login, group, granted.needs):
        raise Forbidden(f"this amount is above what '{work.login}' may grant; ask {asked}")
    return granted


def customer_answer(work: Work, body: CustomerAnswer) -> None:
    """Accepted: it is to be paid. Disputed: the offer is over, and another may be made."""
    granted = require_offered(work)
    accepted = body.answer == "accepted"
    work.done(
        CustomerAnswered,
        "customer-answer",
        {"said": body.said},
        change=lambda handling: handling.want("compensation_agreed", True) if accepted else handling,
        # The answer stands in the record, and is asked for again with the next offer.
        again=() if accepted else (*_OFFER, *_ANSWER),
        compensation=granted.id,
        answer=body.answer,
    )
    work.granted = [replace(granted, status=body.answer)]
    work.answered_customer()
    if not accepted:
        work.cancelled_tasks = ("pay", "the customer disputes the offer")


def require_offered(work: Work) -> Granted:
    """The offer that the customer can answer. Raises `WrongState` when there is none."""
    granted = compensation.standing(work.grants)
    if granted is None or granted.status != "approved":
        raise WrongState("the customer was offered nothing that they could answer", ())
    return granted


def pay(work: Work, body: Pay) -> None:
    """Paid. Raises `WrongState` when nothing is to be paid."""
    granted = require_payable(work)
    paid_at = not_ahead("paid_at", body.paid_at, work.now, granted.proposed_at)
    work.done(
        CompensationPaid,
        "pay",
        None,
        **_said(work, granted),
        billing_reference=body.billing_reference,
        paid_at=paid_at,
    )
    work.granted = [
        replace(
            granted,
            status="paid",
            paid_by=work.login or work.actor,
            paid_at=paid_at,
            billing_reference=body.billing_reference,
        )
    ]
    work.settled.append(SettledTask("pay", body.billing_reference))


def require_payable(work: Work) -> Granted:
    """What is to be paid: what the customer accepted, or was granted without being asked."""
    granted = compensation.standing(work.grants)
    if granted is None or granted.status == "proposed":
        raise WrongState("no compensation is approved and unpaid", ())
    asked = next((step for step in work.handling.open_steps(work.plan) if step.action == "customer-answer"), None)
    if granted.status == "approved" and asked is not None:
        raise WrongState(
            f"the customer has not answered the offer; note their answer, or skip the step '{asked.code}'",
            ("customer-answer", "skip"),
        )
    return granted


def _decide(work: Work, granted: Granted, decision: Literal["approved", "declined"], reason: str | None) -> None:
    approved = decision == "approved"
    work.done(
        CompensationDecided,
        "approve",
        {"reason": reason} if reason else None,
        again=() if approved else _OFFER,
        **_said(work, granted),
        decision=decision,
    )
    decided = replace(granted, status=decision, needs=granted.needs, decided_by=work.login, decided_at=work.now)
    work.granted = [decided]
    if approved:
        work.answered_customer()
        work.tasks.append(_task_to_pay(work, granted, granted.id))
    else:
        work.alert("escalated", [granted.proposed_by], cause="declined")


def owe_again(work: Work) -> None:
    """A case that was withdrawn goes on: what was granted before, and nobody had to pay any more, is owed again."""
    granted = compensation.unpaid(work.grants)
    if granted is not None:
        work.tasks.append(_task_to_pay(work, granted, uuid5(granted.id, str(work.number))))


def _task_to_pay(work: Work, granted: Granted, cause: UUID) -> NewTask:
    return NewTask(
        kind="pay",
        realm=work.case.realm,
        complaint_id=work.case.id,
        cause=cause,
        group=work.plan.compensation.paid_by,
        within=work.plan.compensation.pay_within,
        facts={
            "reference": work.case.reference,
            "kind": granted.kind,
            "amount": written(granted.amount, granted.currency, work.plan),
        },
        opened_by=work.actor,
    )


def _said(work: Work, granted: Granted) -> dict[str, Any]:
    decimals = work.plan.compensation.decimals(granted.currency) or 0
    return {
        "compensation": granted.id,
        "kind": granted.kind,
        "amount": f"{granted.amount:.{decimals}f}",
        "currency": granted.currency,
    }


def _exact(work: Work, body: Compensate) -> Decimal:
    """The amount, if the plan knows the currency and it has no more decimals than that. Raises `Invalid`."""
    decimals = work.plan.compensation.decimals(body.currency)
    if decimals is None:
        known = ", ".join(one.code for one in work.plan.compensation.currencies)
        raise wrong("currency", f"is none of the plan's ({known})", "unknown")
    if body.amount != body.amount.quantize(Decimal(1).scaleb(-decimals)):
        raise wrong("amount", f"has more than the {decimals} decimals of {body.currency}", "too_precise")
    if body.kind not in work.plan.compensation.kinds:
        raise wrong("kind", f"is none of the plan's ({', '.join(work.plan.compensation.kinds)})", "unknown")
    return body.amount


def _require_checked(work: Work, amount: Decimal, currency: str) -> None:
    above = work.plan.compensation.legal_check_above.get(currency)
    if above is not None and amount > above and not work.handling.legally_checked:
        raise WrongState(
            f"above {written(above, currency, work.plan)} legal counsel looks at it first; ask for a legal-check",
            ("legal-check",),
        )
