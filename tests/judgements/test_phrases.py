from __future__ import annotations

import pytest

from services.judgements.lexicon import read_lexicon, shipped_lexicon
from services.judgements.phrases import PhraseIndex, variants


def found(phrase: str, text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in PhraseIndex([(phrase, None)]).find(text)]


def test_alternatives_are_multiplied_out() -> None:
    assert sorted(variants("上不(了|)网(络|)")) == ["上不了网", "上不了网络", "上不网", "上不网络"]


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("断网", "又断网了断网", ["断网", "断网"]),
        ("扣…钱", "扣了我的钱", ["扣了我的钱"]),
        ("扣…钱", "扣了。我的钱", []),
        ("扣…钱", "扣了我一二三四五六七块钱", []),
        ("fee", "a fee, coffee, fees", ["fee"]),
        ("fee*", "a fee, coffee, fees", ["fee", "fees"]),
        ("tv…down", "the tv is always down", ["tv is always down"]),
        ("tv…down", "the tv is one two three four down", []),
        ("bait (and|&) switch", "bait-and-switch, bait & switch", ["bait-and-switch", "bait & switch"]),
        ("4g信号", "家里4g信号差", ["4g信号"]),
    ],
)
def test_a_phrase_is_found_where_it_stands(phrase: str, text: str, expected: list[str]) -> None:
    assert found(phrase, text) == expected


@pytest.mark.parametrize("phrase", ["上不(了网", "上(不(了))网", "a*", "…断网"])
def test_a_phrase_that_cannot_be_looked_for_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"bracket|phrase"):
        PhraseIndex([(phrase, None)])


def test_a_wrong_head_in_a_lexicon_is_named_with_its_line() -> None:
    with pytest.raises(ValueError, match="line 3"):
        list(read_lexicon("[outage - 1]\n断网\n[outages - 1]\n断线\n"))


def test_phrases_before_any_head_are_refused() -> None:
    with pytest.raises(ValueError, match="line 2"):
        list(read_lexicon("# words\n断网\n"))


def test_the_shipped_lexicon_names_only_the_plans_sub_categories() -> None:
    from tests.judgements.factories import shipped_plan

    known = {sub.code for entry in shipped_plan().categories for sub in entry.subcategories}
    named = {
        hit.meaning.sub_category for hit in shipped_lexicon().find("断网 网速 退款 移机 违约金 密码 refund slow sim")
    }

    assert named - {None} <= known
    assert named - {None}
