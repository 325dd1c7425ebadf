"""Judges received complaints: makes the masked copy, finds category and severity, and records why.

Nothing is decided twice: a case is judged while it is `received` and left alone afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from classifier_worker.facts import Waiting, facts_of, masked_words, waiting
from services.base.privacy import Privacy
from services.base.stream.event import Event
from services.complaints.commands import Case, Change, lock, save
from services.complaints.events import Classified, Received, Reopened
from services.complaints.lifecycle import target
from services.judgements.judge import shown
from services.judgements.judges import Bench, Judges
from services.judgements.values import Judgement

ACTOR: Final = "system:classifier"


@dataclass(frozen=True, slots=True)
class _Judged:
    """A complaint with its masked words and what it was judged."""

    one: Waiting
    masked: str
    judgement: Judgement


class ClassifierHandler:
    """The classifier's handler of complaints that wait to be judged."""

    group: Final = "classifier"
    # Reopened: one that was withdrawn before it was judged waits for it again.
    types: Final = frozenset({Received.TYPE, Reopened.TYPE})

    def __init__(
        self, judges: Judges, privacy: Privacy, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._judges = judges
        self._privacy = privacy
        self._clock = clock

    async def handle(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        """Judge the cases of ``events`` under the plan and by the model in force."""
        bench = await self._judges.current(connection)
        found = await waiting(connection, [event.key for event in events])
        if not found:
            return
        # Computing is kept off the event loop, and done before any case is locked.
        judged = await asyncio.to_thread(self._judge, bench, found)
        cases = await lock(connection, list(judged))
        changes = [self._change(case, bench, judged[case.id]) for case in cases.values() if case.status == "received"]
        await save(connection, changes)

    def _judge(self, bench: Bench, found: Sequence[Waiting]) -> dict[UUID, _Judged]:
        """Judge all of them; a complaint whose customer complained twice in this batch after the earlier ones."""
        judged: dict[UUID, _Judged] = {}
        rest = list(found)
        while rest:
            undecided = {one.id for one in rest}
            ready: list[Waiting] = []
            later: list[Waiting] = []
            for one in rest:
                (later if any(case.id in undecided for case in one.earlier) else ready).append(one)
            rest = later
            categories = {case: done.judgement.category for case, done in judged.items()}
            masked = [masked_words(one, self._privacy) for one in ready]
            facts = [facts_of(one, self._privacy, bench.plan, categories) for one in ready]
            judgements = bench.judge.judge_many(masked, facts)
            for one, words, judgement in zip(ready, masked, judgements, strict=True):
                judged[one.id] = _Judged(one, words, judgement)
        return judged

    def _change(self, case: Case, bench: Bench, judged: _Judged) -> Change:
        judgement, row = judged.judgement, judged.one.row
        region = bench.plan.find_region(row.region) if row.region else None
        kept = shown(judgement, bench.plan_version)
        values = {
            "status": target(case.status, "classify"),
            "masked": judged.masked,
            "region_code": region and region.code,
            "category": judgement.category,
            "sub_category": judgement.sub_category,
            "severity": judgement.severity,
            "reportable": judgement.reportable,
            "judgement": kept,
            "plan_version": bench.plan_version,
        }
        event = Classified(
            reference=case.reference,
            category=judgement.category,
            best_guess=judgement.best_guess,
            sub_category=judgement.sub_category,
            severity=judgement.severity,
            confidence=judgement.confidence,
            reportable=judgement.reportable,
            region_code=region and region.code,
            model=judgement.model,
            plan_version=bench.plan_version,
        )
        reasons = {name: kept[name] for name in ("reasons", "severity_reasons")}
        return Change(case, event, ACTOR, self._clock(), values, reasons)
