"""Measures as lines of plain text, for terminals and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.judgements.training.measuring import ALL, Measures
from services.judgements.values import KINDS


def measures_table(measures: Mapping[str, Measures]) -> Iterator[str]:
    """A line for each language, then how labels and best guesses agree."""
    yield (
        f"{'language':>10} {'texts':>6} {'accuracy':>9} {'defended':>9} {'macro-F1':>9} {'answered':>9} "
        f"{'right there':>12} {'calibration error':>18}"
    )
    for name, one in measures.items():
        yield (
            f"{name:>10} {one.count:>6} {one.accuracy:>9.3f} {one.defended:>9.3f} {one.macro_f1:>9.3f} "
            f"{one.answered:>9.3f} {one.right_where_answered:>12.3f} {one.calibration_error:>18.3f}"
        )
    for name, one in measures.items():
        if name == ALL and len(measures) == 2:
            continue
        yield ""
        yield f"{name + ', labelled':>22} | best guess " + " ".join(f"{kind:>17}" for kind in KINDS)
        for label in KINDS:
            yield f"{label:>22} |            " + " ".join(
                f"{one.confusion.get((label, kind), 0):>17}" for kind in KINDS
            )
    whole = measures.get(ALL)
    if whole is not None and whole.no_complaints:
        yield ""
        yield f"of {whole.no_complaints} texts that are no complaint {whole.declined:.3f} were left to a person"
