"""How well real complaints are judged that the model has not learned: no worse than when it was made.

The texts belong to others and are not in the repository; ``REDRESS_REAL_DATA`` names the folder that holds them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from services.judgements.training.files import read_complaints
from services.judgements.training.measuring import ALL, Labelled, Measures, measure
from tests.judgements.factories import shipped_judge


@pytest.fixture(scope="module")
def measures() -> Mapping[str, Measures]:
    folder = os.environ.get("REDRESS_REAL_DATA")
    if not folder:
        pytest.skip("needs real complaints: REDRESS_REAL_DATA is not set")
    cases = read_complaints(Path(folder) / "complaints.jsonl", Path(folder) / "complaints.labels.jsonl")
    judgements = shipped_judge().judge_many([case.text for case in cases], [case.facts for case in cases])
    return measure(
        Labelled.of(str(case.label), judgement, case.language, case.also)
        for case, judgement in zip(cases, judgements, strict=True)
    )


@pytest.mark.parametrize(("language", "least"), [("zh", 0.80), ("en", 0.88)])
def test_best_guesses(measures: Mapping[str, Measures], language: str, least: float) -> None:
    assert measures[language].macro_f1 >= least


def test_few_are_left_to_a_person_and_the_others_are_right(measures: Mapping[str, Measures]) -> None:
    assert measures[ALL].answered >= 0.85
    assert measures[ALL].right_where_answered >= 0.90


def test_confidence_means_what_it_says(measures: Mapping[str, Measures]) -> None:
    assert measures[ALL].calibration_error <= 0.07
