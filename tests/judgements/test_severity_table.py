"""A table of cases with the severity that a supervisor gave them, written without knowledge of the rules.

``severity_cases.jsonl`` holds texts with facts, the severity and the signals that a reader finds;
``severity_near_misses.jsonl`` texts in which something only looks like a signal; ``severity_second.jsonl`` cases from
which no phrase was taken.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.judgements.values import Concerns, Earlier, Judgement
from services.plan.vocabulary import SEVERITIES
from tests.judgements.factories import RECEIVED_AT, judged, shipped_plan

HERE = Path(__file__).parent

# The supervisor's words for what the base of a category says already, or what a stronger signal includes.
INCLUDED = {"service_lost": {"no_service", "area_outage"}, "many_affected": {"mass_outage", "area_outage"}}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


CASES = rows("severity_cases.jsonl")
NEAR_MISSES = rows("severity_near_misses.jsonl")

# No phrase was taken from these and nothing learned; what they showed led to the learned alarms and their threshold.
SECOND = rows("severity_second.jsonl")


def judged_case(case: dict[str, Any]) -> Judgement:
    told = case["facts"]
    facts: dict[str, Any] = {name: told[name] for name in ("channel", "standing") if name in told}
    if "amount" in told:
        facts["concerns"] = Concerns(amount=Decimal(str(told["amount"])), currency=told["currency"])
    if "occurred_hours_ago" in told:
        facts["occurred_at"] = RECEIVED_AT - timedelta(hours=told["occurred_hours_ago"])
    category = judged(case["text"]).category
    facts["earlier"] = tuple(
        Earlier(category, "other", RECEIVED_AT - timedelta(days=day)) for day in range(1, told.get("repeated", 0) + 1)
    )
    return judged(case["text"], **facts)


@pytest.mark.parametrize("case", CASES, ids=[case["text"][:40] for case in CASES])
def test_the_severity_is_the_supervisors(case: dict[str, Any]) -> None:
    # Where supervisor and rules differ, the row says so in "judged".
    assert judged_case(case).severity == case.get("judged", case["severity"])


def test_supervisor_and_rules_seldom_differ_and_nothing_critical_is_missed() -> None:
    differing = [case for case in CASES if "judged" in case]

    assert len(differing) <= 0.06 * len(CASES)
    assert not [case for case in differing if case["severity"] == "critical"]
    assert all(distance(case["severity"], case["judged"]) == 1 for case in differing)


def test_cases_that_no_phrase_was_taken_from_are_judged_nearly_as_well() -> None:
    pairs = [(case["severity"], judged(case["text"]).severity) for case in SECOND]

    assert sum(wanted == given for wanted, given in pairs) >= 0.85 * len(pairs)
    assert sum(distance(*pair) <= 1 for pair in pairs) >= 0.98 * len(pairs)
    critical = [given for wanted, given in pairs if wanted == "critical"]
    assert critical.count("critical") >= 0.9 * len(critical)


def distance(one: str, other: str) -> int:
    return abs(SEVERITIES.index(one) - SEVERITIES.index(other))


def test_nearly_every_signal_that_a_reader_finds_is_recorded() -> None:
    missed = Counter[str]()
    for case in CASES:
        fired = {reason.signal for reason in judged_case(case).severity_reasons}
        missed.update(signal for signal in case["signals"] if not {signal, *INCLUDED.get(signal, ())} & fired)

    assert sum(missed.values()) <= 0.06 * sum(len(case["signals"]) for case in CASES), missed


@pytest.mark.parametrize("case", NEAR_MISSES, ids=[case["text"][:40] for case in NEAR_MISSES])
def test_what_only_looks_like_a_signal_is_none(case: dict[str, Any]) -> None:
    fired = {reason.signal: reason.words for reason in judged(case["text"]).severity_reasons}

    assert not {signal: fired[signal] for signal in case["not"] if signal in fired}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_table_has_every_signal_of_words_in_both_languages(language: str) -> None:
    of_words = {signal.code for signal in shipped_plan().judging.signals if signal.phrases.zh and signal.weight > 0} - {
        "mass_outage"
    }

    assert of_words <= signals_of(CASES, "signals", language)
    assert of_words <= signals_of(NEAR_MISSES, "not", language)


def signals_of(cases: Sequence[dict[str, Any]], field: str, language: str) -> set[str]:
    here = [case for case in cases if judged(case["text"]).language == language]
    return {signal for case in here for signal in case[field]}
