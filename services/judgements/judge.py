"""Judges complaints by the plan: category, severity, sub-category, and the words that speak for them.

Pure and deterministic: the same text, facts, plan and model give the same judgement, and no text makes it raise. It
works on the masked copy; reading cases and recording judgements is for those who ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from services.judgements.category import CategoryModel, Opinion
from services.judgements.language import language_of
from services.judgements.severity import SeverityRules
from services.judgements.text import Readable, readable
from services.judgements.values import KINDS, Facts, Judgement, Kind
from services.plan.schema import Plan
from services.plan.vocabulary import Category

# A text of which the model has met less than this share is gibberish, or about something else.
_LEAST_KNOWN: Final = 0.25
# A text of which it has met this share is in a language that it has learned: a related one has fewer pieces in common.
_FAMILIAR: Final = 0.8


class Judge:
    """A plan and a model made ready for judging. Keep one for each pair; it is safe to share between threads."""

    def __init__(self, plan: Plan, model: CategoryModel) -> None:
        self._unclear_below = plan.judging.unclear_below
        self._model = model
        self._severity = SeverityRules(plan.judging)
        self._sub_categories: dict[Kind, frozenset[str]] = {
            entry.code: frozenset(sub.code for sub in entry.subcategories)
            for entry in plan.categories
            if entry.code != "unclear"
        }

    def judge(self, text: str, facts: Facts) -> Judgement:
        """Judges one complaint by its masked text; positions in the reasons are positions in that text."""
        return self.judge_many([text], [facts])[0]

    def judge_many(self, texts: Sequence[str], facts: Sequence[Facts]) -> list[Judgement]:
        """Judges several complaints, far quicker than one by one; the judgements are in their order."""
        clean = [readable(text) for text in texts]
        opinions = self._model.opinions(clean, facts)
        return [self._judgement(one, fact, opinion) for one, fact, opinion in zip(clean, facts, opinions, strict=True)]

    def _judgement(self, text: Readable, facts: Facts, opinion: Opinion) -> Judgement:
        language = language_of(text.original, facts.language_hint, familiar=opinion.known >= _FAMILIAR)
        guesses = sorted(((kind, round(opinion.shares[kind], 4)) for kind in KINDS), key=lambda guess: -guess[1])
        best_guess, confidence = guesses[0]
        category = self._category(opinion, best_guess, confidence, language)
        sub_category = self._sub_category(opinion, best_guess) if category != "unclear" else None
        gravity = self._severity.gravity(text, facts, category, sub_category, opinion.alarms)
        return Judgement(
            category=category,
            best_guess=best_guess,
            sub_category=sub_category,
            confidence=confidence,
            guesses=tuple(guesses),
            severity=gravity.severity,
            reportable=gravity.reportable,
            language=language,
            reasons=opinion.reasons,
            severity_reasons=gravity.reasons,
            model=self._model.name,
        )

    def _category(self, opinion: Opinion, best_guess: Kind, confidence: float, language: str) -> Category:
        """The best guess, unless a person has to decide: too little speaks for it, or it can't be read."""
        speaks = any(reason.speaks_for == best_guess for reason in opinion.reasons)
        readable_here = language in ("zh", "en") and opinion.known >= _LEAST_KNOWN
        return best_guess if readable_here and speaks and confidence >= self._unclear_below else "unclear"

    def _sub_category(self, opinion: Opinion, kind: Kind) -> str | None:
        """The model's sub-category where the plan knows it."""
        code = opinion.sub_categories.get(kind)
        return code if code in self._sub_categories.get(kind, ()) else None


def shown(judgement: Judgement, plan_version: int) -> dict[str, Any]:
    """The judgement in the form in which a case keeps and shows it."""
    return {
        "category": judgement.category,
        "best_guess": judgement.best_guess,
        "sub_category": judgement.sub_category,
        "confidence": judgement.confidence,
        "guesses": [{"category": kind, "confidence": share} for kind, share in judgement.guesses],
        "severity": judgement.severity,
        "reportable": judgement.reportable,
        "language": judgement.language,
        "model": judgement.model,
        "plan_version": plan_version,
        "reasons": [asdict(reason) for reason in judgement.reasons],
        "severity_reasons": [asdict(reason) for reason in judgement.severity_reasons],
    }
