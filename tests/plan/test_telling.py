"""What a plan says of telling and asking customers: which mistakes are found, where, and what to write instead."""

from __future__ import annotations

from datetime import time

import pytest

from services.plan.loading import load_plan, shipped_plan_text
from services.plan.telling import Surveys, Telling
from tests.plan.factories import problems_in, spoiled

QUIET = "\ntelling: {quiet: {since: %s, until: %s}}\n"


def test_the_shipped_plan_leaves_customers_in_peace_at_night() -> None:
    quiet = load_plan(shipped_plan_text()).telling.quiet

    assert quiet is not None
    assert (quiet.since, quiet.until) == (time(22), time(8))


def test_a_plan_without_the_sections_has_what_is_usual() -> None:
    plan = load_plan(spoiled())

    assert (plan.telling, plan.surveys) == (Telling(), Surveys())


@pytest.mark.parametrize(
    ("added", "path", "reason"),
    [
        (QUIET % ("22", '"08:00"'), "telling.quiet.since", 'write for example "22:00", with the quotes'),
        (QUIET % ('"22:60"', '"08:00"'), "telling.quiet.since", '"22:60" is no time of day'),
        ("\ntelling: {most_per_hour: 0}\n", "telling.most_per_hour", "1"),
        ("\nsurveys: {group: costumer_service}\n", "surveys.group", 'did you mean "customer_service"?'),
        ("\nsurveys: {remind_after: 14d}\n", "surveys", "remind_after must be less than expires_after"),
        ("\nsurveys: {low: 5}\n", "surveys.low", "4"),
        ("\nattachments: {kinds: [text/html]}\n", "attachments.kinds", "known: image/jpeg, image/png"),
    ],
)
def test_a_mistake_is_said_where_it_stands(added: str, path: str, reason: str) -> None:
    problems = problems_in(spoiled() + added)

    assert any(problem.path.startswith(path) and reason in problem.reason for problem in problems), problems
