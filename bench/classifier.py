"""Measures the judge on a file of complaints: how often it is right, how often it answers, and how fast it is.

    python bench/classifier.py complaints.jsonl --labels complaints.labels.jsonl

The file holds one complaint a line, as posted; the labels one ``{"external_id", "category"}`` a line, with ``also`` for
a second category that can be defended. Without labels only the speed is measured. With ``--learn`` complaints are dealt
into two halves (by a hash of their ids); a model learns from one half as corrections and is measured on the other.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from services.judgements.artefact import pack, shipped, unpack
from services.judgements.judge import Judge
from services.judgements.training.cases import CORRECTION, WEIGHTS
from services.judgements.training.corpus import Sample, corpus
from services.judgements.training.files import LabelledComplaint, read_complaints
from services.judgements.training.fitting import fit
from services.judgements.training.measuring import Labelled, measure
from services.judgements.training.tables import measures_table
from services.plan.loading import load_plan, shipped_plan_text

SECONDS_OF_SPEED = 4.0
BATCH = 200


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the judge on a file of complaints.")
    parser.add_argument("complaints", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--wrong", action="store_true", help="also print what was judged wrongly")
    parser.add_argument("--half", choices=("all", "even", "odd"), default="all", help="only this half")
    parser.add_argument("--learn", action="store_true", help="learn from one half, measure on the other, both ways")
    arguments = parser.parse_args()
    cases = read_complaints(arguments.complaints, arguments.labels)
    wanted = [case for case in cases if arguments.half in ("all", half_of(case))]
    plan = load_plan(shipped_plan_text())
    model, _ = unpack(shipped().content)
    judge = Judge(plan, model)
    if arguments.labels:
        report(f"{model.name}, as shipped, on {len(wanted)} complaints", judged(judge, wanted))
        if arguments.wrong:
            list_wrong(judge, wanted)
    if arguments.learn:
        for learned, measured in (("even", "odd"), ("odd", "even")):
            samples = [
                Sample(case.text, case.label, None, CORRECTION, WEIGHTS[CORRECTION], case.id)
                for case in cases
                if case.label and half_of(case) == learned
            ]
            learner, _ = unpack(pack(fit([*corpus(), *samples]).weights, {}).content)
            rest = [case for case in cases if half_of(case) == measured]
            report(
                f"after {len(samples)} corrections ({learned} half), on the {len(rest)} of the {measured} half",
                judged(Judge(plan, learner), rest),
            )
    report_speed(judge, cases)


def half_of(case: LabelledComplaint) -> str:
    """Which half a complaint belongs to, for good."""
    return "odd" if hashlib.sha256(case.id.encode()).digest()[-1] % 2 else "even"


def judged(judge: Judge, cases: Sequence[LabelledComplaint]) -> list[Labelled]:
    judgements = judge.judge_many([case.text for case in cases], [case.facts for case in cases])
    return [
        Labelled.of(case.label, judgement, case.language, case.also)
        for case, judgement in zip(cases, judgements, strict=True)
        if case.label
    ]


def report(title: str, results: Sequence[Labelled]) -> None:
    print(f"\n{title}")
    for line in measures_table(measure(results)):
        print(line)


def list_wrong(judge: Judge, cases: Sequence[LabelledComplaint]) -> None:
    judgements = judge.judge_many([case.text for case in cases], [case.facts for case in cases])
    for case, one in zip(cases, judgements, strict=True):
        if case.label and one.best_guess != case.label:
            words = ", ".join(f"{r.words}:{r.speaks_for[:4]} {r.weight:g}" for r in one.reasons)
            print(f"{case.label} {case.also}, judged {one.best_guess} {one.confidence:.2f}: {case.text}\n    {words}")


def report_speed(judge: Judge, cases: Sequence[LabelledComplaint]) -> None:
    count, until = 0, time.process_time() + SECONDS_OF_SPEED
    began = time.process_time()
    while time.process_time() < until:
        for at in range(0, len(cases), BATCH):
            batch = cases[at : at + BATCH]
            judge.judge_many([case.text for case in batch], [case.facts for case in batch])
            count += len(batch)
    spent = time.process_time() - began
    times = []
    until = time.process_time() + SECONDS_OF_SPEED
    while time.process_time() < until:
        for case in cases:
            started = time.perf_counter()
            judge.judge(case.text, case.facts)
            times.append(time.perf_counter() - started)
    times.sort()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\nspeed, one core: {count / spent:,.0f} texts/s in batches of {BATCH}; one text alone: median "
        f"{1e3 * statistics.median(times):.2f} ms, p99 {1e3 * times[int(len(times) * 0.99)]:.2f} ms; "
        f"{memory:.0f} MiB at most in this process"
    )


if __name__ == "__main__":
    main()
