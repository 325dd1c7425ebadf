"""A judge with the shipped plan, and facts, made in one word."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from services.judgements.artefact import shipped, unpack
from services.judgements.judge import Judge
from services.judgements.linear import LinearModel
from services.judgements.training.corpus import corpus
from services.judgements.training.fitting import Fitted, fit
from services.judgements.values import Facts, Judgement
from services.plan.loading import load_plan, shipped_plan_text
from services.plan.schema import Plan

# A Thursday.
RECEIVED_AT = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@cache
def shipped_plan() -> Plan:
    return load_plan(shipped_plan_text())


@cache
def shipped_model() -> LinearModel:
    return unpack(shipped().content)[0]


@cache
def small_fit() -> Fitted:
    """A model of a sixtieth of the corpus, made in seconds: for tests of what is done with models."""
    return fit(corpus()[::60])


@cache
def shipped_judge() -> Judge:
    return Judge(shipped_plan(), shipped_model())


def facts(**changes: Any) -> Facts:
    return Facts(**({"received_at": RECEIVED_AT} | changes))


def judged(text: str, **changes: Any) -> Judgement:
    return shipped_judge().judge(text, facts(**changes))
