from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.base.masking import mask
from services.judgements.artefact import shipped, unpack
from services.judgements.judge import Judge
from tests.judgements.factories import facts, judged, shipped_judge, shipped_model, shipped_plan

COMPLAINTS = [
    "宽带断网三天了没人来修",
    "这个月多扣了50元，要求退款",
    "客服态度差，一直推诿",
    "My internet is down since Monday",
    "I was overcharged on my bill",
    "The technician never showed up",
    "110打不通，手机没信号",
]
ADDITIONS = [
    "@somebody ",
    "请联系13800138000。",
    "a.b@example.com ",
    "身份证11010519491231002X，",
    "https://example.com/x ",
]


@pytest.mark.parametrize("text", COMPLAINTS)
@pytest.mark.parametrize("addition", ADDITIONS)
def test_personal_data_changes_neither_category_nor_severity(text: str, addition: str) -> None:
    plain, with_data = judged(mask(text)), judged(mask(addition + text))

    assert (with_data.category, with_data.sub_category, with_data.severity) == (
        plain.category,
        plain.sub_category,
        plain.severity,
    )


def test_the_same_complaint_is_always_judged_the_same() -> None:
    again = Judge(shipped_plan(), unpack(shipped().content)[0])

    for text in COMPLAINTS:
        assert again.judge(text, facts()) == judged(text)


def test_many_are_judged_in_their_order() -> None:
    together = shipped_judge().judge_many(COMPLAINTS, [facts()] * len(COMPLAINTS))

    assert together == [judged(text) for text in COMPLAINTS]


@pytest.mark.parametrize(
    "text",
    [
        "<p>宽<b>带</b>断&nbsp;网</p>了",
        "宽\u200b带断\u200b网了",
        "寬帶斷網了",
        "‹handle› 宽带断网了 ‹phone›",
        "ＭＹ ＩＮＴＥＲＮＥＴ ＩＳ ＤＯＷＮ",
        "My <i>internet</i> is\u00a0down",
        "My intеrnet is dоwn",
    ],
)
def test_disguised_words_are_read_and_shown_as_they_were_written(text: str) -> None:
    judgement = judged(text)

    assert judgement.category == "outage"
    for reason in judgement.reasons:
        assert text[reason.start : reason.end] == reason.words
        assert reason.words


@pytest.mark.parametrize(
    ("text", "hint", "language"),
    [
        ("宽带断网", None, "zh"),
        ("iPhone 的 WiFi 连不上", None, "zh"),
        ("Internet is down", "zh", "en"),
        ("Интернет не работает", "en", "ru"),
        ("ネットが遅い", "zh", "ja"),
        ("Mon internet ne marche plus depuis trois jours", "en", "fr"),
        ("pas de réseau", None, "fr"),
        ("MISC. CHARGES", None, "en"),
        ("12345 !!", "zh", "zh"),
        ("12345 !!", None, "other"),
        ("😡", "fr", "other"),
    ],
)
def test_the_language_is_told_by_the_script(text: str, hint: str | None, language: str) -> None:
    assert judged(text, language_hint=hint).language == language


def test_a_text_in_another_language_is_left_to_a_person() -> None:
    assert judged("Интернет не работает уже три дня, internet outage").category == "unclear"


def test_confidence_below_the_plans_threshold_is_unclear() -> None:
    plan = shipped_plan()
    strict = plan.model_copy(update={"judging": plan.judging.model_copy(update={"unclear_below": 0.99999})})
    text = "宽带断网，还多扣了钱"

    judgement = Judge(strict, shipped_model()).judge(text, facts())

    assert judgement.category == "unclear"
    assert judgement.best_guess == judged(text).best_guess


def test_a_sub_category_that_the_plan_does_not_know_is_left_out() -> None:
    plan = shipped_plan()
    categories = tuple(entry.model_copy(update={"subcategories": ()}) for entry in plan.categories)

    bare = plan.model_copy(update={"categories": categories})

    judgement = Judge(bare, shipped_model()).judge("小区大面积断网", facts())

    assert (judgement.category, judgement.sub_category) == ("outage", None)


def test_reasons_come_weightiest_first() -> None:
    judgement = judged("大面积断网，网络慢，修了三天了，还要投诉到工信部")

    for reasons in (judgement.reasons, judgement.severity_reasons):
        assert [reason.weight for reason in reasons] == sorted((reason.weight for reason in reasons), reverse=True)


RUBBISH = {
    "a blob": base64.b64encode(random.Random(7).randbytes(15_000)).decode(),
    "mark-up": "<div class='x'>" * 1_300,
    "open brackets": "<a " * 6_600,
    "digits": "1" * 20_000,
    "denials": "没有" * 10_000,
    "one character": "网" * 20_000,
    "one word": "no " * 6_600,
    "lengths": "for 5 " * 3_300,
    "emoji": "😡" * 20_000,
    "invisible": "断\u200b" * 10_000,
    "control characters": "".join(map(chr, range(32))) * 600,
    "nested marks": "‹‹phone›‹name" * 1_500,
    "blanks": " " * 20_000,
}


@pytest.mark.parametrize("text", RUBBISH.values(), ids=RUBBISH.keys())
def test_rubbish_is_left_to_a_person(text: str) -> None:
    assert judged(text).category == "unclear"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_no_text_makes_it_raise_and_every_reason_stands_in_the_text(text: str) -> None:
    judgement = judged(text)

    assert 0 <= judgement.confidence <= 1
    for reason in (*judgement.reasons, *judgement.severity_reasons):
        assert text[reason.start : reason.end] == reason.words
