"""Judges received complaints: makes the masked copy, finds category and severity, and records why.

Nothing is decided twice: a case is judged while it is `received` and left alone afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.privacy import Privacy
from services.base.stream.event import Event
from services.complaints.commands import Case, Change, lock, save
from services.complaints.events import Classified, Received
from services.complaints.lifecycle import target
from services.complaints.model import Complaint
from services.judgements.judge import Judge
from services.judgements.model import Concerns, Facts, Judgement
from services.plan.schema import Plan
from services.plan.versions import Plans

ACTOR: Final = "system:classifier"

_WORDS = sa.select(
    Complaint.id,
    Complaint.content,
    Complaint.personal,
    Complaint.service_type,
    Complaint.channel,
    Complaint.language,
    Complaint.region,
    Complaint.occurred_at,
    Complaint.concerns,
    Complaint.received_at,
).where(
    Complaint.status == "received",
    Complaint.id == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))),
)


class ClassifierHandler:
    """The classifier's handler of `Received` events."""

    group: Final = "classifier"
    types: Final = frozenset({Received.TYPE})

    def __init__(
        self, plans: Plans, privacy: Privacy, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._plans = plans
        self._privacy = privacy
        self._clock = clock
        self._judges: dict[int, Judge] = {}

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        """Judge the cases of ``events`` under the plan in force."""
        version, plan = await self._plans.current(connection)
        rows = (await connection.execute(_WORDS, {"ids": [event.key for event in events]})).all()
        if not rows:
            return
        # Computing is kept off the event loop, and done before any case is locked.
        judged = await asyncio.to_thread(self._judge, version, plan, rows)
        cases = await lock(connection, list(judged))
        await save(
            connection,
            [
                self._change(case, version, plan, *judged[case.id])
                for case in cases.values()
                if case.status == "received"
            ],
        )

    def _judge(self, version: int, plan: Plan, rows: Sequence[Any]) -> dict[Any, tuple[Any, str, Judgement]]:
        judge = self._judges.get(version)
        if judge is None:
            judge = Judge(plan)
            self._judges = {version: judge}
        masked = [self._privacy.mask(row.content, [self._privacy.open(row.personal).name]) for row in rows]
        judgements = judge.judge_many(
            [
                (
                    text,
                    Facts(
                        service_type=row.service_type,
                        channel=row.channel,
                        language_hint=row.language,
                        concerns=_concerns(row.concerns),
                        occurred_at=row.occurred_at,
                        received_at=row.received_at,
                    ),
                )
                for row, text in zip(rows, masked, strict=True)
            ]
        )
        return {row.id: (row, text, judgement) for row, text, judgement in zip(rows, masked, judgements, strict=True)}

    def _change(self, case: Case, version: int, plan: Plan, row: Any, masked: str, judgement: Judgement) -> Change:
        region = plan.find_region(row.region) if row.region else None
        judged = shown(judgement, version)
        values = {
            "status": target(case.status, "classify"),
            "masked": masked,
            "region_code": region and region.code,
            "category": judgement.category,
            "sub_category": judgement.sub_category,
            "severity": judgement.severity,
            "reportable": judgement.reportable,
            "judgement": judged,
            "plan_version": version,
        }
        event = Classified(
            reference=case.reference,
            category=judgement.category,
            best_guess=judgement.best_guess,
            sub_category=judgement.sub_category,
            severity=judgement.severity,
            confidence=round(judgement.confidence, 4),
            reportable=judgement.reportable,
            region_code=region and region.code,
            model=judgement.model,
            plan_version=version,
        )
        reasons = {name: judged[name] for name in ("reasons", "severity_reasons")}
        return Change(case, event, ACTOR, self._clock(), values, reasons)


def shown(judgement: Judgement, plan_version: int) -> dict[str, Any]:
    """The judgement in the form in which a case keeps and shows it."""
    return {
        "category": judgement.category,
        "best_guess": judgement.best_guess,
        "confidence": round(judgement.confidence, 4),
        "severity": judgement.severity,
        "language": judgement.language,
        "model": judgement.model,
        "plan_version": plan_version,
        "reasons": [asdict(reason) for reason in judgement.reasons],
        "severity_reasons": [asdict(reason) for reason in judgement.severity_reasons],
    }


def _concerns(kept: dict[str, Any] | None) -> Concerns:
    if kept is None:
        return Concerns()
    amount = kept.get("amount")
    return Concerns(**{**kept, "amount": None if amount is None else Decimal(amount)})
