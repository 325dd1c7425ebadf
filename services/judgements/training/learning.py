"""Making a category model: from the corpus alone, or from corpus and cases, compared with the one in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.base.errors import Invalid
from services.judgements.artefact import Artefact, pack, unpack
from services.judgements.category import CategoryModel
from services.judgements.judge import Judge
from services.judgements.linear import CLASSES
from services.judgements.training.cases import CORRECTION, is_held_back
from services.judgements.training.corpus import Sample, alarms, corpus, corpus_digest
from services.judgements.training.fitting import Fitted, fit
from services.judgements.training.measuring import Labelled, Measures, measure
from services.judgements.values import KINDS, Facts
from services.plan.schema import Plan

RECIPE = "1"
"""The way of learning; raised when it changes, so that it is known which models were made by it."""


FEW = 100
"""Fewer held-back cases than this tell little."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on cases that neither has learned. ``better`` were wrong before, ``worse`` are wrong now."""

    before: Mapping[str, Measures]
    after: Mapping[str, Measures]
    better: int
    worse: int

    def told(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return {
            "before": {name: as_json(measures) for name, measures in self.before.items()},
            "after": {name: as_json(measures) for name, measures in self.after.items()},
            "better": self.better,
            "worse": self.worse,
        }


@dataclass(frozen=True, slots=True)
class Learned:
    """A new model. ``validation`` is how its recipe fares on registers of the corpus that it has not seen."""

    artefact: Artefact
    validation: Mapping[str, Measures]
    comparison: Comparison | None = None


def learn_corpus() -> Learned:
    """The model of the corpus alone: the one that is shipped. The same corpus and machine give the same bytes."""
    samples = corpus()
    fitted = fit(samples, alarms())
    about = {"corpus": corpus_digest(), "recipe": RECIPE, "texts": len(samples)}
    return Learned(pack(fitted.weights, about), _validation(samples, fitted))


def learn_cases(cases: Sequence[Sample], plan: Plan, in_force: CategoryModel) -> Learned:
    """The model of corpus and cases, compared with the one in force on the fifth of the cases that none learns.

    Raises `Invalid` when there are no cases to learn from.
    """
    learned = [case for case in cases if not is_held_back(case)]
    held_back = [case for case in cases if is_held_back(case)]
    if not learned:
        raise Invalid("there are no cases to learn from yet: none was reclassified, resolved or closed")
    samples = [*corpus(), *learned]
    fitted = fit(samples, alarms())
    corrections = sum(case.source == CORRECTION for case in learned)
    about = {
        "corpus": corpus_digest(),
        "recipe": RECIPE,
        "texts": len(samples),
        "corrections": corrections,
        "confirmed": len(learned) - corrections,
        "held_back": len(held_back),
    }
    artefact = pack(fitted.weights, about)
    model, _ = unpack(artefact.content)
    comparison = compare(held_back, Judge(plan, in_force), Judge(plan, model)) if held_back else None
    return Learned(artefact, _validation(samples, fitted), comparison)


def compare(cases: Sequence[Sample], before: Judge, after: Judge) -> Comparison:
    """How two judges do on the same cases."""
    old, new = (_judged(cases, judge) for judge in (before, after))
    pairs = [
        (one.best_guess == one.label, other.best_guess == other.label) for one, other in zip(old, new, strict=True)
    ]
    return Comparison(
        before=measure(old), after=measure(new), better=pairs.count((False, True)), worse=pairs.count((True, False))
    )


def _judged(cases: Sequence[Sample], judge: Judge) -> list[Labelled]:
    judgements = judge.judge_many([case.text for case in cases], [Facts()] * len(cases))
    return [
        Labelled.of(case.label, judgement, case.language) for case, judgement in zip(cases, judgements, strict=True)
    ]


def _validation(samples: Sequence[Sample], fitted: Fitted) -> Mapping[str, Measures]:
    judged = []
    for number, shares in zip(fitted.left_out, fitted.shares.tolist(), strict=True):
        sample = samples[number]
        best = max(range(len(KINDS)), key=shares.__getitem__)
        answered = shares[best] == max(shares)
        judged.append(Labelled(sample.label, CLASSES[best], shares[best], answered, sample.language))
    return measure(judged)


def as_json(measures: Measures) -> dict[str, Any]:
    """Measures as JSON values."""
    values = asdict(measures)
    values["confusion"] = [
        {"label": label, "best_guess": guess, "count": count} for (label, guess), count in measures.confusion.items()
    ]
    return values
