from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.judgements.prefilter import required
from services.judgements.signals import SignalWords
from services.judgements.text import readable
from services.plan.judging import Phrases, Signal
from services.plan.values import REGEX_MARK, Text
from tests.judgements.factories import shipped_plan


def expressions() -> Iterator[str]:
    for signal in shipped_plan().judging.signals:
        for phrase in (*signal.phrases.zh, *signal.phrases.en):
            if phrase.startswith(REGEX_MARK):
                yield phrase.removeprefix(REGEX_MARK)


@pytest.mark.parametrize(
    ("expression", "strings"),
    [
        ("abc", {"abc"}),
        ("FCC", {"fcc"}),
        (r"\b(FCC|Ofcom)\b", {"fcc", "ofcom"}),
        (r"(?<!\d)12300(?!\d)", {"12300"}),
        ("断了?网", {"断"}),
        ("(没|断)网络", {"网络"}),
        ("[断没]网", {"网"}),
        ("[断没]", {"断", "没"}),
        (r"\d{4}元", {"元"}),
        ("(?:ab)?", None),
        (r"\d+", None),
        ("a|b*", None),
        ("[^a]", None),
        ("(?=abc)", None),
    ],
)
def test_what_a_text_must_hold(expression: str, strings: set[str] | None) -> None:
    assert required(expression) == strings


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(st.data())
@pytest.mark.parametrize("expression", list(expressions()))
def test_every_text_that_an_expression_of_the_plan_matches_holds_one_of_its_strings(
    expression: str, data: st.DataObject
) -> None:
    strings = required(expression)
    # Look-arounds are beside the point here, and random texts would seldom pass them.
    bare = re.sub(r"\(\?<?[!=](?:[^()]|\([^()]*\))*\)", "", expression)
    text = data.draw(st.from_regex(re.compile(bare, re.IGNORECASE))).lower()

    if strings is not None and re.search(expression, text, re.IGNORECASE):
        assert any(string in text for string in strings)


def test_nearly_every_expression_of_the_plan_is_spared_most_texts() -> None:
    found = [required(expression) for expression in expressions()]

    assert sum(strings is None for strings in found) <= 2


def test_signals_are_found_with_their_earliest_words_that_are_not_denied() -> None:
    words = SignalWords([signal("danger", "触电", "re:着火(了|啦)?"), signal("none"), signal("law", "sue you")])
    text = readable("没有触电，但是着火了！I will SUE YOU and sue youth").folded

    found = [(one.signal.code, text[one.start : one.end]) for one in words.find(text)]

    assert found == [("danger", "着火了"), ("law", "sue you")]


def test_a_latin_phrase_is_found_as_whole_words_only() -> None:
    words = SignalWords([signal("law", "sue you")])

    assert not words.find("ensue you")
    assert not words.find("sue youth")
    assert words.find("i sue yous")


def signal(code: str, *phrases: str) -> Signal:
    return Signal(code=code, name=Text(zh="某", en="some"), weight=1.0, phrases=Phrases(zh=phrases))
