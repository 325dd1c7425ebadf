from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.judgements.features import READ, SLOTS, Spans, spans_of
from services.judgements.text import readable


def features(text: str) -> set[int]:
    return set(spans_of([readable(text).folded]).slots.tolist())


def pieces(text: str) -> set[str]:
    spans = spans_of([text])
    return {text[start:end] for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)}


def of_row(spans: Spans, row: int) -> list[tuple[int, int, int]]:
    here = spans.rows == row
    return sorted(zip(spans.slots[here].tolist(), spans.starts[here].tolist(), spans.ends[here].tolist(), strict=True))


def test_chinese_is_read_in_runs_of_up_to_four_characters() -> None:
    assert pieces("宽带断网") == {"宽", "带", "断", "网", "宽带", "带断", "断网", "宽带断", "带断网", "宽带断网"}


def test_latin_script_is_read_in_words_pairs_of_words_and_pieces() -> None:
    assert {"slow", "internet", "slow internet", "slo", "inter", "net"} <= pieces("slow internet")
    assert "w i" not in pieces("slow internet")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("多扣了50元", "多扣了8000元"),
        ("sooo slow", "sooooooo slow"),
        ("can't connect", "cant connect"),
        ("断网  了", "断网，了"),
        ("NO SERVICE", "no service"),
        ("寬頻斷線", "宽频断线"),
    ],
)
def test_what_means_the_same_has_the_same_features(one: str, other: str) -> None:
    assert features(one) == features(other)


@pytest.mark.parametrize("other", ["网断", "断 网", "断网断", "xx"])
def test_what_differs_has_other_features(other: str) -> None:
    assert features(other) != features("断网")


@given(st.lists(st.text(max_size=60).map(lambda text: readable(text).folded), min_size=1, max_size=6))
def test_a_text_has_the_same_features_alone_and_among_others(texts: list[str]) -> None:
    together = spans_of(texts)

    for row, text in enumerate(texts):
        assert of_row(together, row) == of_row(spans_of([text]), 0)


@given(st.text(max_size=200).map(lambda text: readable(text).folded))
def test_every_span_stands_in_its_text(text: str) -> None:
    spans = spans_of([text])

    assert np.all(spans.starts >= 0)
    assert np.all(spans.starts < spans.ends)
    assert np.all(spans.ends <= len(text))
    assert np.all((spans.slots >= 0) & (spans.slots < SLOTS))


def test_no_more_is_read_than_says_what_it_is_about() -> None:
    long = spans_of(["断网" * READ])

    assert long.ends.max() == READ


def test_nothing_has_no_features() -> None:
    assert len(spans_of([]).rows) == len(spans_of([""]).rows) == len(spans_of(["……!!"]).rows) == 0
