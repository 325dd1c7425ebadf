"""Measures the judge on a file of complaints: how often it is right, how often it answers, and how fast it is.

    python bench/classifier.py complaints.jsonl --labels complaints.labels.jsonl

The file holds one complaint a line, as posted; the labels one ``{"external_id", "category"}`` a line, with ``also`` for
a second category that can be defended. Without labels only the speed is measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.base.masking import mask
from services.judgements.judge import Judge
from services.judgements.model import KINDS, Facts, Judgement
from services.plan.loading import load_plan, shipped_plan_text

SECONDS_OF_SPEED = 3.0


@dataclass(frozen=True, slots=True)
class Case:
    text: str
    facts: Facts
    language: str
    category: str | None
    also: tuple[str, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the judge on a file of complaints.")
    parser.add_argument("complaints", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--wrong", action="store_true", help="also print what was judged wrongly")
    arguments = parser.parse_args()
    cases = _read(arguments.complaints, arguments.labels)
    judge = Judge(load_plan(shipped_plan_text()))
    judgements = [judge.judge(case.text, case.facts) for case in cases]
    print(f"model {judgements[0].model}, {len(cases)} complaints")
    if arguments.labels:
        judged = [(case, one) for case, one in zip(cases, judgements, strict=True) if case.category]
        for language in ("all", *sorted({case.language for case, _ in judged})):
            _report(language, [(case, one) for case, one in judged if language in ("all", case.language)])
        if arguments.wrong:
            _list_wrong(judged)
    _report_speed(judge, cases)


def _read(complaints: Path, labels: Path | None) -> list[Case]:
    known = {row["external_id"]: row for row in _rows(labels)} if labels else {}
    return [_case(row, known.get(row.get("external_id"), {})) for row in _rows(complaints)]


def _case(row: dict[str, Any], label: dict[str, Any]) -> Case:
    customer = row["customer"]
    also = label.get("also") or ()
    return Case(
        text=mask(row["content"], [customer["name"]]),
        facts=Facts(row.get("service_type", "other"), row["channel"], customer.get("language")),
        language=label.get("lang") or customer.get("language") or "other",
        category=label.get("category"),
        also=(also,) if isinstance(also, str) else tuple(also),
    )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _report(name: str, judged: Sequence[tuple[Case, Judgement]]) -> None:
    answered = [(case, one) for case, one in judged if one.category != "unclear"]
    right = sum(one.best_guess == case.category for case, one in judged)
    defended = sum(one.best_guess in (case.category, *case.also) for case, one in judged)
    right_answers = sum(one.category == case.category for case, one in answered)
    print(
        f"{name:>4}  n {len(judged)}  best guess: accuracy {right / len(judged):.3f}"
        f" (second label allowed {defended / len(judged):.3f}), macro-F1 {_macro_f1(judged):.3f}"
        f"  answers {len(answered) / len(judged):.3f},"
        f" right where it answers {right_answers / max(1, len(answered)):.3f}"
    )
    confusion = Counter((case.category, one.best_guess) for case, one in judged)
    print(f"      {'labelled as':>18} | judged as " + "  ".join(f"{kind:>17}" for kind in KINDS))
    for kind in KINDS:
        print(f"      {kind:>18} |           " + "  ".join(f"{confusion[kind, guess]:>17}" for guess in KINDS))


def _macro_f1(judged: Sequence[tuple[Case, Judgement]]) -> float:
    scores = []
    for kind in KINDS:
        both = sum(case.category == kind == one.best_guess for case, one in judged)
        either = sum(case.category == kind for case, _ in judged) + sum(one.best_guess == kind for _, one in judged)
        scores.append(2 * both / either if either else 0.0)
    return statistics.mean(scores)


def _list_wrong(judged: Sequence[tuple[Case, Judgement]]) -> None:
    for case, one in judged:
        if one.best_guess != case.category:
            words = ", ".join(f"{r.words}:{r.speaks_for[:4]} {r.weight:g}" for r in one.reasons[:9])
            print(
                f"{case.category} {case.also}, judged {one.best_guess} {one.confidence:.2f}: {case.text}\n    {words}"
            )


def _report_speed(judge: Judge, cases: Sequence[Case]) -> None:
    times: list[float] = []
    until = time.perf_counter() + SECONDS_OF_SPEED
    while time.perf_counter() < until:
        for case in cases:
            began = time.perf_counter()
            judge.judge(case.text, case.facts)
            times.append(time.perf_counter() - began)
    times.sort()
    print(
        f"speed: {len(times) / sum(times):,.0f} texts/s on one core, median {1e3 * statistics.median(times):.2f} ms,"
        f" p99 {1e3 * times[int(len(times) * 0.99)]:.2f} ms"
    )


if __name__ == "__main__":
    main()
