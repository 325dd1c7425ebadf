"""Judges complaints by the plan: category, severity, sub-category, and the words that speak for them.

Pure and deterministic: the same text, facts and plan give the same judgement, and no text makes it raise. It works on
the masked copy; reading cases and recording judgements is for the commands.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.judgements.category import CategoryModel, LexiconModel, Opinion
from services.judgements.language import language_of
from services.judgements.model import KINDS, Facts, Judgement, Kind, WrittenLanguage
from services.judgements.severity import SeverityRules
from services.judgements.text import readable
from services.plan.schema import Plan
from services.plan.vocabulary import Category


class Judge:
    """A plan made ready for judging. Keep one per plan version; it is safe to share between threads."""

    def __init__(self, plan: Plan, model: CategoryModel | None = None) -> None:
        self._unclear_below = plan.judging.unclear_below
        self._model = model or LexiconModel()
        self._severity = SeverityRules(plan.judging)
        self._sub_categories: dict[Kind, frozenset[str]] = {
            entry.code: frozenset(sub.code for sub in entry.subcategories)
            for entry in plan.categories
            if entry.code != "unclear"
        }

    def judge(self, text: str, facts: Facts) -> Judgement:
        """Judges one complaint by its masked text; positions in the reasons are positions in that text."""
        clean = readable(text)
        language = language_of(text, facts.language_hint)
        opinion = self._model.opinion(clean, facts)
        best_guess = max(KINDS, key=lambda kind: opinion.shares[kind])
        confidence = opinion.shares[best_guess]
        category = self._category(opinion, best_guess, language)
        sub_category = self._sub_category(opinion, best_guess) if category != "unclear" else None
        gravity = self._severity.gravity(clean, facts, category, sub_category)
        return Judgement(
            category=category,
            best_guess=best_guess,
            sub_category=sub_category,
            confidence=round(confidence, 4),
            severity=gravity.severity,
            reportable=gravity.reportable,
            language=language,
            reasons=opinion.reasons,
            severity_reasons=gravity.reasons,
            model=self._model.version,
        )

    def judge_many(self, complaints: Iterable[tuple[str, Facts]]) -> list[Judgement]:
        """Judges several complaints; the judgements are in the order of the complaints."""
        return [self.judge(text, facts) for text, facts in complaints]

    def _category(self, opinion: Opinion, best_guess: Kind, language: WrittenLanguage) -> Category:
        """The best guess, unless a person has to decide: too little speaks for it, or it can't be read."""
        speaks = any(reason.speaks_for == best_guess for reason in opinion.reasons)
        if language == "other" or not speaks or opinion.shares[best_guess] < self._unclear_below:
            return "unclear"
        return best_guess

    def _sub_category(self, opinion: Opinion, kind: Kind) -> str | None:
        """The model's sub-category where the plan knows it."""
        code = opinion.sub_categories.get(kind)
        return code if code in self._sub_categories.get(kind, ()) else None


def judge(text: str, facts: Facts, plan: Plan) -> Judgement:
    """Judges one complaint. For more than one, make a `Judge` of the plan and keep it."""
    return Judge(plan).judge(text, facts)
