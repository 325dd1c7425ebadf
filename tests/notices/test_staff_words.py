"""What staff are told: of every kind, in both languages."""

from __future__ import annotations

from typing import get_args

import pytest

from services.casework.alerts import AlertKind
from services.notices.staff.words import Told, say
from services.plan.loading import load_plan, shipped_plan_text
from services.plan.vocabulary import Language
from tests.casework.factories import RECEIVED_AT


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", get_args(AlertKind))
def test_every_kind_has_its_words_in_both_languages(kind: str, language: Language) -> None:
    facts = {
        "cause": "judged" if kind == "reported" else "deadline_missed",
        "clock": "resolve",
        "due_at": "2026-11-24T08:00:00+00:00",
        "acknowledge_by": "2026-11-24T09:00:00+00:00",
        "kind": "call_customer",
        "group": "customer_service",
        "groups": ["technical_support"],
        "earlier": "RD-1",
        "by": "zhou.min",
        "brief": {"asked": {"zh": "请了解情况。", "en": "Please take note."}, "what": {"signals": ["mass_outage"]}},
    }
    told = Told(kind, facts, ["zhou.min"], "zhou.min", RECEIVED_AT, "RD-7", "outage", "no_service", "major")

    said = say([told], language, load_plan(shipped_plan_text()), "https://desk/{reference}", drill=False)

    text = f"{said.title}\n{said.body}"
    assert said.body.endswith("https://desk/RD-7")
    assert "{" not in text
    assert "新情况" not in text
    assert "News of" not in text
    assert any("一" <= character <= "鿿" for character in text) == (language == "zh")
