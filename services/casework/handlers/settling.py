"""Ending a case and taking it up again: result, rejection, closing, reopening; and leaving out a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from services.base.errors import WrongState
from services.casework import clocks, compensation, escalation
from services.casework.action import ActionBody, CodeOf, Words, wrong
from services.casework.compensation import written
from services.casework.handlers import compensating
from services.casework.offices import head_of
from services.casework.work import Work
from services.complaints.events import Closed, Rejected, Reopened, Resolved, StepSkipped, Withdrawn
from services.complaints.lifecycle import ON_HAND
from services.plan.values import Text


class Resolve(ActionBody):
    """Say how it was settled, in the customer's language. The customer is told these words."""

    ACTION: ClassVar[str] = "resolve"
    NAME: ClassVar[Text] = Text(zh="提交处理结果", en="Resolve")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"text": "小区光缆已修复，您的宽带已恢复正常。"}

    text: Words


class Reject(ActionBody):
    """Don't take it up: it is no complaint, or not ours. The customer is told the reason."""

    ACTION: ClassVar[str] = "reject"
    NAME: ClassVar[Text] = Text(zh="不予受理", en="Reject")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reason": "您反映的号码不属于我公司，请联系其归属运营商。"}

    reason: Words = Field(description="In the customer's language.")


class Close(ActionBody):
    """Close it: the customer accepts the result, or the decision is final."""

    ACTION: ClassVar[str] = "close"
    NAME: ClassVar[Text] = Text(zh="办结", en="Close")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "decision": "customer_accepted",
        "reason": "客户在回访电话中确认网络已恢复。",
    }

    decision: Literal["customer_accepted", "final_decision"]
    reason: Words | None = Field(
        None,
        description="The grounds of a final decision; or how the customer learned the result and accepted it, "
        "needed while the notice of the result has not been sent.",
    )

    @model_validator(mode="after")
    def _final_decision_has_grounds(self) -> Close:
        if self.decision == "final_decision" and self.reason is None:
            raise PydanticCustomError("no_grounds", "a final decision needs its grounds; write them in reason")
        return self


class Reopen(ActionBody):
    """Take it up again. It goes back to the one who had it."""

    ACTION: ClassVar[str] = "reopen"
    NAME: ClassVar[Text] = Text(zh="重新受理", en="Reopen")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"reason": "客户来电反映网络再次中断。"}

    reason: Words


class Skip(ActionBody):
    """Leave out steps of the playbook, with the reason."""

    ACTION: ClassVar[str] = "skip"
    NAME: ClassVar[Text] = Text(zh="跳过步骤", en="Skip steps")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"steps": ["check"], "reason": "客户已通过自助测速确认恢复。"}

    steps: Annotated[tuple[CodeOf, ...], Field(min_length=1, max_length=20)]
    reason: Words


def resolve(work: Work, body: Resolve) -> None:
    """Settled, with the words that the customer is told. What the law and the plan wanted done by now is done."""
    status = work.target("resolve")
    work.done(
        Resolved,
        "resolve",
        {"text": body.text},
        values={"status": status, "resolution": body.text, "resolved_at": work.now},
    )
    work.moved(work.case.assignee, None)
    for kind in clocks.MET_BY_RESULT:
        work.clocks.meet(kind, work.now)
    work.clocks.meet("promise", work.now)
    work.clocks.drop("remind", "give_back", "escalation")


def follow_resolved(work: Work, text: str) -> None:
    """A duplicate of a case that was resolved: the customer is told once, of the other."""
    if work.status not in ON_HAND:
        return
    event = Resolved(reference=work.case.reference, told=False)
    # It is nobody's work since it was merged, so no load changes.
    work.happened(event, {"text": text}, status="resolved", resolution=text, resolved_at=work.now)
    work.clocks.stop_all(work.now)


def reject(work: Work, body: Reject) -> None:
    """Not taken up; nothing is owed any more."""
    status = work.target("reject")
    require_nothing_unpaid(work)
    work.happened(Rejected(reference=work.case.reference), {"reason": body.reason}, status=status)
    end(work)


def follow_rejected(work: Work, reason: str) -> None:
    """A duplicate of a case that was not taken up."""
    if work.status in ON_HAND:
        event = Rejected(reference=work.case.reference, told=False)
        work.happened(event, {"reason": reason}, status="rejected")
        end(work)


def withdraw(work: Work, reason: str | None) -> None:
    """The customer takes it back. Raises `WrongState` when it is settled already."""
    status = work.target("withdraw")
    _withdrawn(work, status, reason, told=True)


def follow_withdrawn(work: Work, reason: str | None) -> None:
    """A duplicate of a case that the customer took back."""
    if work.status in ON_HAND:
        _withdrawn(work, "withdrawn", reason, told=False)


def _withdrawn(work: Work, status: str, reason: str | None, *, told: bool) -> None:
    event = Withdrawn(reference=work.case.reference, status_before=work.case.status, told=told)
    work.happened(event, {"reason": reason} if reason else None, status=status)
    end(work)


def close(work: Work, body: Close, *, told: bool) -> None:
    """Closed. ``told``: the notice of the result was sent.

    Nobody can have accepted what they were not told, so without the notice the record must say how they know (ISO
    10002: closed when accepted or finally decided). Raises `WrongState` while compensation is unpaid.
    """
    if body.decision == "customer_accepted" and body.reason is None and not told:
        raise wrong(
            "reason",
            "is missing: the notice of the result has not been sent, so say how the customer learned and accepted it",
            "missing",
        )
    close_as(work, body.decision, body.reason)


def close_as(
    work: Work, decision: Literal["customer_accepted", "customer_silent", "final_decision"], reason: str | None = None
) -> None:
    """Close the case for this reason."""
    status = work.target("close")
    require_nothing_unpaid(work)
    work.happened(
        Closed(reference=work.case.reference, decision=decision),
        (reason and {"reason": reason}) or None,
        status=status,
        closed_at=work.now,
    )
    work.clocks.stop_all(work.now)


def follow_closed(
    work: Work, decision: Literal["customer_accepted", "customer_silent", "final_decision"], reason: str | None
) -> None:
    """A duplicate of a case that was closed."""
    if work.status == "resolved":
        work.happened(
            Closed(reference=work.case.reference, decision=decision, told=False),
            (reason and {"reason": reason}) or None,
            status="closed",
            closed_at=work.now,
        )
        work.clocks.stop_all(work.now)


def require_nothing_unpaid(work: Work) -> None:
    """Raises `WrongState` while the customer was promised money and not given it."""
    owed = compensation.unpaid(work.grants)
    if owed is not None:
        amount = written(owed.amount, owed.currency, work.plan)
        raise WrongState(f"{amount} was granted and is not paid; note the payment first", ("pay",))


def reopen(work: Work, reason: str, *, by_customer: bool) -> None:
    """Taken up again by the one who had it, or by the one who reopens it when nobody had or they have left.

    The clocks for resolving and of the regulator begin again. By the customer: somebody further up hears of it.
    """
    case, status = work.case, work.target("reopen")
    had = case.assignee if case.assignee and work.in_force.groups_of(case.assignee) else None
    assignee = had or work.login or (case.assignee and head_of(work.in_force, case.group_code or ""))
    if case.group_code is None:
        assignee = None
    values: dict[str, Any] = {
        "status": status if assignee else _BACK_TO[case.category is not None],
        "assignee": assignee,
        "resolution": None,
        "resolved_at": None,
        "closed_at": None,
        # What was promised for the first repair says nothing about the next one.
        "estimated_repair_at": None,
        "escalation": None,
    }
    if assignee and assignee != case.assignee:
        values["assignment"] = {"rule": "reopened", "previous": case.assignee, "at": work.now}
    was_handled = case.handling is not None
    work.happened(
        Reopened(
            reference=case.reference,
            status_before=case.status,
            by_customer=by_customer,
            clocks=clocks.restart(work.clocks, case, work.plan, work.now) if was_handled else None,
        ),
        {"reason": reason, "assignee": assignee},
        **values,
    )
    if not was_handled:
        return
    work.moved(None, assignee)
    work.handled(work.handling.begun_anew())
    work.clocks.drop("close", "promise", "escalation")
    if case.status == "withdrawn":
        compensating.owe_again(work)
    if by_customer:
        escalation.escalate(work, "reopened")


# Withdrawn before it was judged, or while it was with nobody: it goes on where it was.
_BACK_TO: Mapping[bool, str] = {False: "received", True: "classified"}


def skip(work: Work, body: Skip) -> None:
    """Each step is left out with an event of its own. Raises `Invalid` for one that is unknown, over or must be
    done.
    """
    for code in body.steps:
        open_steps = {step.code: step for step in work.handling.open_steps(work.plan)}
        step = open_steps.get(code)
        if step is None:
            raise wrong(
                "steps", f"has '{code}', which is not open; open are {', '.join(open_steps) or 'none'}", "unknown"
            )
        if not step.may_skip:
            raise wrong("steps", f"has '{code}', which the plan does not let be skipped", "must_be_done")
        work.happened(StepSkipped(reference=work.case.reference, step=code), {"reason": body.reason})
        work.handled(work.handling.skip(step))


def end(work: Work) -> None:
    """The case leaves people's hands for good: loads, clocks and tasks."""
    # Since it was merged, it is nobody's work.
    held = work.case.status in ON_HAND and work.case.merged_into is None
    work.moved(work.case.assignee if held else None, None)
    work.clocks.stop_all(work.now)
    work.cancelled_tasks = (None, f"the case is {work.status}")
