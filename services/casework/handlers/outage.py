"""Handling a service outage: diagnosis, estimated repair time, repair."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Literal

from pydantic import AwareDatetime, Field

from services.casework.action import ActionBody, Words, not_ahead, wrong
from services.casework.work import Work
from services.complaints.events import Diagnosed, EstimateSet, Repaired
from services.plan.values import Text

FURTHEST_ESTIMATE: Final = timedelta(days=366)


class Diagnose(ActionBody):
    """Say what the fault is."""

    ACTION: ClassVar[str] = "diagnose"
    NAME: ClassVar[Text] = Text(zh="登记故障原因", en="Diagnose")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"cause": "cable", "finding": "小区主干光缆被施工挖断，需熔接。"}

    cause: Literal[
        "cable", "equipment", "power", "congestion", "configuration", "software", "third_party", "at_customer", "none"
    ] = Field(description="`at_customer`: the customer's own devices or wiring; `none`: no fault was found.")
    finding: Words


class SetEta(ActionBody):
    """Say by when the fault will be repaired. The customer is told, and the time is a promise."""

    ACTION: ClassVar[str] = "set-eta"
    NAME: ClassVar[Text] = Text(zh="设定预计修复时间", en="Set the estimated repair time")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"estimated_repair_at": "2026-11-24T18:00:00+08:00"}

    estimated_repair_at: AwareDatetime = Field(description="In the future, within a year, with time zone.")
    reason: Words | None = Field(
        None, description="Why it changes, in the customer's language; needed when there is an estimate already."
    )


class Repair(ActionBody):
    """Say that the fault is repaired, and how."""

    ACTION: ClassVar[str] = "repair"
    NAME: ClassVar[Text] = Text(zh="登记修复", en="Repaired")
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"what": "光缆已熔接，光功率恢复正常。"}

    what: Words
    repaired_at: AwareDatetime | None = Field(None, description="When it was; now unless said.")


def diagnose(work: Work, body: Diagnose) -> None:
    """The finding; diagnosed again, the newest counts."""
    work.done(Diagnosed, "diagnose", {"finding": body.finding}, cause=body.cause)


def set_eta(work: Work, body: SetEta) -> None:
    """The estimated repair time. Raises `Invalid` when it is past, over a year ahead, or changes without a reason."""
    estimate, previous = body.estimated_repair_at, work.case.estimated_repair_at
    if estimate <= work.now:
        raise wrong("estimated_repair_at", "is in the past; say when the fault will be repaired", "past")
    if estimate > work.now + FURTHEST_ESTIMATE:
        raise wrong("estimated_repair_at", "is more than a year ahead", "too_far")
    if estimate == previous:
        raise wrong("estimated_repair_at", "is the estimate already", "unchanged")
    if previous is not None and body.reason is None:
        raise wrong("reason", "is missing: the customer was told another time, so say why it changes", "missing")
    estimate = estimate.astimezone(UTC)
    work.done(
        EstimateSet,
        "set-eta",
        (body.reason and {"reason": body.reason}) or None,
        values={"estimated_repair_at": estimate},
        estimated_repair_at=estimate,
        previous=previous,
    )
    work.clocks.meet("estimate", work.now)
    work.clocks.promise(estimate, work.now)
    work.answered_customer()


def repair(work: Work, body: Repair) -> None:
    """The fault is repaired: the law's clock is met, and the promise kept or not."""
    repaired_at = not_ahead("repaired_at", body.repaired_at, work.now, work.case.received_at).astimezone(UTC)
    work.done(
        Repaired,
        "repair",
        {"what": body.what},
        repaired_at=repaired_at,
        estimate_kept=_kept(work.case.estimated_repair_at, repaired_at),
    )
    work.clocks.meet("repair", repaired_at)
    work.clocks.meet("estimate", repaired_at)
    work.clocks.meet("promise", repaired_at)
    work.answered_customer()


def _kept(estimate: datetime | None, repaired_at: datetime) -> bool | None:
    return None if estimate is None else repaired_at <= estimate
