"""From a plan's text to a ``Plan``, or to the list of all its mistakes with their lines.

It reads a text that somebody else fetched, or the plan that is shipped; storing versions is not done here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from importlib import resources

from services.base.errors import Invalid
from services.plan.document import Document, Path, PlanProblem, read_document
from services.plan.references import contradictions
from services.plan.schema import Plan
from services.plan.structure import read_structure


class PlanInvalid(Invalid):
    """The plan has mistakes; ``problems`` holds all of them in the order of the file."""

    problems: tuple[PlanProblem, ...]

    def __init__(self, source: str, problems: Sequence[PlanProblem]) -> None:
        super().__init__(
            f"The plan has {_count(len(problems), 'mistake')}:\n{describe_problems(problems, source)}", problems
        )
        self.source = source


def load_plan(text: str, source: str = "plan.yaml") -> Plan:
    """The plan that ``text`` (YAML) describes. ``source`` names it in messages.

    Raises PlanInvalid with every mistake found: in the YAML, in the form of values, and between sections. Only
    where the YAML itself can't be read to the end are the later two left out.
    """
    document = read_document(text)
    if not document.complete:
        raise PlanInvalid(source, document.problems)
    if not isinstance(document.data, dict):
        empty = document.problem((), "a plan begins with fields such as plan:, staff:, groups:; none is here")
        raise PlanInvalid(source, (*document.problems, empty))
    plan, form = read_structure(document.data)
    findings = (*form, *contradictions(document.data))
    problems = [*document.problems, *_placed(document, findings)]
    if plan is None or problems:
        raise PlanInvalid(source, sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return plan


def shipped_plan_text() -> str:
    """The plan that comes with Redress, as its file is written."""
    return resources.files("services.plan").joinpath("plan.yaml").read_text(encoding="utf-8")


def digest(text: str) -> str:
    """SHA-256 of the plan's text in hexadecimal: the same text, the same version."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def describe_problems(problems: Iterable[PlanProblem], source: str) -> str:
    """A line for each mistake: ``plan.yaml:41:5 deadlines.outage.major.resolve: "48" is no duration; …``."""
    return "\n".join(
        f"{source}:{problem.line}:{problem.column}{f' {problem.path}' if problem.path else ''}: {problem.reason}"
        for problem in problems
    )


def summary(plan: Plan) -> str:
    """What is in the plan, in a few lines for whoever has just checked it."""
    subcategories = sum(len(category.subcategories) for category in plan.categories)
    on_duty = sum(person.on_duty for person in plan.staff)
    phrases = sum(len(signal.phrases.zh) + len(signal.phrases.en) for signal in plan.judging.signals)
    told = sum(notice.tell for notice in plan.notices)
    steps = sum(len(playbook.steps) for playbook in plan.playbooks)
    return "\n".join(
        (
            f"{plan.plan.name.zh} · {plan.plan.name.en}, edition {plan.plan.edition}",
            f"{_count(len(plan.groups), 'group')}, {_count(len(plan.staff), 'person', 'people')}, "
            f"{on_duty} of them on duty at the start",
            f"{_count(len(plan.categories), 'category', 'categories')} with "
            f"{_count(subcategories, 'sub-category', 'sub-categories')}, "
            f"{_count(len(plan.severities), 'severity', 'severities')}",
            f"{_count(len(plan.playbooks), 'playbook')} with {_count(steps, 'step')}, "
            f"{_count(len(plan.knowledge), 'article')} of guidance",
            f"{_count(len(plan.channels), 'channel')}, {_count(len(plan.services), 'service')}, "
            f"{_count(told, 'notice')} to customers",
            f"{_count(len(plan.judging.signals), 'signal')} of severity with {_count(phrases, 'phrase')}",
            _count(len(plan.all_regions()), "region"),
            *([_count(len(plan.templates), "template") + " of its own"] if plan.templates else []),
        )
    )


def _count(number: int, one: str, several: str | None = None) -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"


def _placed(document: Document, findings: Iterable[tuple[Path, str]]) -> Iterable[PlanProblem]:
    """The findings with their places, but for those about values that couldn't be read."""
    for path, reason in findings:
        if not any(path[: len(broken)] == broken for broken in document.broken):
            yield document.problem(path, reason)
