"""The words of notices."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from jinja2 import UndefinedError

from services.notices.events import KINDS
from services.notices.rendering import Letters, duration, moment, money
from services.plan.vocabulary import LANGUAGES, CompensationKind

COMMON = {
    "reference": "RD-7K3M-9PQ2-X",
    "operator": "示例电信",
    "name": "李伟",
    "track_url": "https://care.example.com/track/abc",
}
LATER, EARLIER = "2026-11-24T18:00:00+08:00", "2026-11-24T10:30:00+08:00"
FACTS: dict[str, list[dict[str, object]]] = {
    "acknowledgement": [
        {"received_at": EARLIER, "respond_by": LATER},
        {"received_at": EARLIER, "respond_by": None},
    ],
    "dispatched": [
        {"group": "技术支持组", "assignee": "陈国强", "respond_by": LATER},
        {"group": "技术支持组", "assignee": "陈国强", "respond_by": None},
    ],
    "estimate": [
        {"estimated_repair_at": LATER, "previous": None, "later": False, "reason": None},
        {"estimated_repair_at": LATER, "previous": EARLIER, "later": True, "reason": "抢修现场暴雨。"},
        {"estimated_repair_at": LATER, "previous": EARLIER, "later": True},
        {"estimated_repair_at": EARLIER, "previous": LATER, "later": False, "reason": "备件提前到货。"},
        {"estimated_repair_at": EARLIER, "previous": LATER, "later": False, "reason": None},
    ],
    "estimate_missed": [{"estimated_repair_at": LATER}],
    "repaired": [{"repaired_at": LATER, "late": late} for late in (False, True)],
    "explanation": [{"text": "您的套餐首月按全月计费，次月起按自然月计费。"}],
    "compensation": [
        {"compensation": what, "amount": "59.00", "currency": "CNY", "answer": answer}
        for what in get_args(CompensationKind)
        for answer in (True, False)
    ],
    "compensation_paid": [
        {"compensation": what, "amount": "59.00", "currency": "CNY", "billing_reference": "BILL-2026-118823"}
        for what in get_args(CompensationKind)
    ],
    "unreached": [{"attempts": attempts} for attempts in (1, 3)],
    "guidance": [
        {"text": "请先断电。", "title": None, "steps": [], "visit": False},
        {"text": None, "title": "重启光猫", "steps": ["拔掉电源，等 1 分钟。", "重新通电。"], "visit": False},
        {"text": "请先断电。", "title": "重启光猫", "steps": ["拔掉电源，等 1 分钟。", "重新通电。"], "visit": True},
        {"text": "请先断电。", "title": None, "steps": [], "visit": True},
    ],
    "question": [{"question": "LOS 灯是什么颜色？", "asked_at": EARLIER, "answer_by": by} for by in (LATER, None)],
    "reminder": [{"question": "LOS 灯是什么颜色？", "asked_at": EARLIER, "answer_by": by} for by in (LATER, None)],
    "visit": [{"visit_at": "2026-11-25T09:30:00+08:00"}],
    "result": [{"resolution": "线路已修复。", "silence": 604800.0}],
    "rejected": [{"reason": "该号码不属于我公司。", "appeal": "如有异议，您可以要求复核。"}],
    "withdrawn": [{}],
    "closed": [
        {"decision": decision, "reopen_within": 2592000.0}
        for decision in ("customer_accepted", "customer_silent", "final_decision", None)
    ],
    "reopened": [{"group": "技术支持组"}, {"group": None}],
}


@pytest.fixture(scope="module")
def letters() -> Letters:
    return Letters()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_written_in_every_language(letters: Letters, kind: str, language: str) -> None:
    for facts in FACTS[kind]:
        letter = letters.write(kind, language, COMMON | facts)

        assert COMMON["reference"] in letter.subject
        assert "\n" not in letter.subject
        assert COMMON["track_url"] in letter.text
        assert COMMON["name"] in letter.text
        assert "\n\n\n" not in letter.text
        for unwanted in ("None", "{", "}", "  "):
            assert unwanted not in letter.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_fact_is_an_error_and_not_a_gap(letters: Letters, kind: str) -> None:
    with pytest.raises(UndefinedError):
        letters.write(kind, "zh", {key: value for key, value in COMMON.items() if key != "name"} | FACTS[kind][0])


def test_an_estimate_that_moves_back_is_apologised_for_with_the_one_before(letters: Letters) -> None:
    facts = COMMON | {"estimated_repair_at": LATER, "previous": EARLIER, "later": True}

    chinese, english = letters.write("estimate", "zh", facts), letters.write("estimate", "en", facts)

    assert "非常抱歉" in chinese.text
    assert "原预计修复时间：2026年11月24日 10:30" in chinese.text
    assert "现预计修复时间：2026年11月24日 18:00" in chinese.text
    assert "We are sorry" in english.text
    assert "Estimated before: 24 November 2026, 10:30" in english.text


# kind; which of its FACTS; what must stand in the Chinese letter and in the English one
ESSENTIAL = [
    ("estimate", 1, "变更原因：抢修现场暴雨。", "Why it changed: 抢修现场暴雨。"),
    ("estimate", 3, "变更原因：备件提前到货。", "Why it changed: 备件提前到货。"),
    ("visit", 0, "时间为 2026年11月25日 09:30", "send somebody to you on 25 November 2026, 09:30"),
    ("result", 0, "7 天内未收到您的异议", "if we hear nothing within 7 days"),
    ("estimate_missed", 0, "预计在 2026年11月24日 18:00 前修复", "repaired by 24 November 2026, 18:00"),
    ("estimate_missed", 0, "现在时间已过，故障仍未修复", "That time has passed and it is not repaired yet"),
    ("estimate_missed", 0, "非常抱歉", "We are sorry"),
    ("estimate_missed", 0, "重新确定修复时间后，我们会马上通知您", "As soon as we have a new time, you will hear it"),
    ("repaired", 0, "已于 2026年11月24日 18:00 修复", "was repaired on 24 November 2026, 18:00"),
    ("repaired", 1, "晚于我们此前告知您的时间，非常抱歉", "later than we had told you, and we are sorry"),
    ("explanation", 0, "您的套餐首月按全月计费", "您的套餐首月按全月计费"),
    ("compensation", 0, "补偿方式：退还费用\n补偿金额：人民币 59.00 元", "Compensation: a refund\nAmount: CNY 59.00"),
    ("compensation", 2, "充入您的账户", "a credit on your account"),
    ("compensation", 4, "减免费用", "a charge waived"),
    ("compensation", 0, "您是否接受，请通过原来的投诉渠道告诉我们", "Please tell us whether you accept"),
    ("compensation", 1, "您无需操作", "there is nothing for you to do"),
    ("compensation_paid", 0, "账务凭证号：BILL-2026-118823", "Billing reference: BILL-2026-118823"),
    ("compensation_paid", 0, "补偿金额：人民币 59.00 元", "Amount: CNY 59.00"),
    ("compensation_paid", 2, "不再向您收取", "You needn't pay it"),
    ("unreached", 1, "先后 3 次尝试与您联系，都没有联系上", "We tried 3 times to reach you"),
    ("unreached", 0, "尝试与您联系，但没有联系上", "We tried to reach you"),
    ("unreached", 0, "通过原来的投诉渠道联系我们", "contact us through the channel you first used"),
    ("guidance", 0, "请先断电。", "请先断电。"),
    (
        "guidance",
        1,
        "重启光猫\n1. 拔掉电源，等 1 分钟。\n2. 重新通电。\n",
        "重启光猫\n1. 拔掉电源，等 1 分钟。\n2. 重新通电。\n",
    ),
    ("guidance", 2, "我们还会安排工作人员上门", "We will also send somebody to you"),
    ("question", 0, "LOS 灯是什么颜色？", "LOS 灯是什么颜色？"),
    ("question", 0, "请尽量在 2026年11月24日 18:00 前回复", "An answer by 24 November 2026, 18:00 would help"),
    ("question", 0, "通过原来的投诉渠道回复我们", "answer through the channel you first used"),
    ("reminder", 0, "于 2026年11月24日 10:30 请您补充以下信息", "On 24 November 2026, 10:30 we asked you"),
    ("reminder", 0, "LOS 灯是什么颜色？", "LOS 灯是什么颜色？"),
    ("rejected", 0, "该号码不属于我公司。", "该号码不属于我公司。"),
    ("rejected", 0, "如有异议，您可以要求复核。", "To have it looked at again, tell us"),
    ("withdrawn", 0, "已经撤回，我们不再继续处理", "is withdrawn and we have stopped working on it"),
    ("withdrawn", 0, "我们会重新处理", "we will take it up again"),
]


@pytest.mark.parametrize(("kind", "which", "chinese", "english"), ESSENTIAL)
def test_a_letter_says_what_the_customer_must_know(
    letters: Letters, kind: str, which: int, chinese: str, english: str
) -> None:
    facts = COMMON | FACTS[kind][which]

    assert chinese in letters.write(kind, "zh", facts).text
    assert english in letters.write(kind, "en", facts).text


def test_a_question_that_nobody_waits_for_any_longer_sets_no_time(letters: Letters) -> None:
    for kind in ("question", "reminder"):
        facts = COMMON | FACTS[kind][1]
        assert "前回复" not in letters.write(kind, "zh", facts).text
        assert "would help" not in letters.write(kind, "en", facts).text


@pytest.mark.parametrize(
    ("amount", "currency", "chinese", "english"),
    [("59.00", "CNY", "人民币 59.00 元", "CNY 59.00"), ("1200", "JPY", "JPY 1200", "JPY 1200")],
)
def test_an_amount_is_told_exactly_as_it_was_decided(amount: str, currency: str, chinese: str, english: str) -> None:
    assert money(amount, currency, "zh") == chinese
    assert money(amount, currency, "en") == english


def test_an_estimate_that_moves_forward_is_no_reason_to_apologise(letters: Letters) -> None:
    facts = COMMON | {"estimated_repair_at": EARLIER, "previous": LATER, "later": False}

    assert "抱歉" not in letters.write("estimate", "zh", facts).text
    assert "sorry" not in letters.write("estimate", "en", facts).text


def test_a_language_that_we_do_not_write_is_answered_in_english(letters: Letters) -> None:
    facts = COMMON | FACTS["acknowledgement"][0]

    assert letters.write("acknowledgement", "fr", facts).text.startswith("Dear")
    assert letters.write("acknowledgement", "zh-Hant", facts).text.startswith("尊敬的")


def test_what_staff_wrote_is_not_run_as_a_template(letters: Letters) -> None:
    letter = letters.write("result", "en", COMMON | FACTS["result"][0] | {"resolution": "{{ 7 * 7 }} {% raw %} & <b>"})

    assert "{{ 7 * 7 }} {% raw %} & <b>" in letter.text


@pytest.mark.parametrize(
    ("value", "chinese", "english"),
    [
        ("2026-01-02T03:04:05+08:00", "2026年1月2日 03:04", "2 January 2026, 03:04"),
        ("2026-12-31T23:59:59+00:00", "2026年12月31日 23:59", "31 December 2026, 23:59"),
    ],
)
def test_a_time_is_written_as_people_write_it(value: str, chinese: str, english: str) -> None:
    assert moment(value, "zh") == chinese
    assert moment(value, "en") == english


@pytest.mark.parametrize(
    ("length", "chinese", "english"),
    [
        (timedelta(days=7), "7 天", "7 days"),
        (timedelta(days=1), "1 天", "1 day"),
        (timedelta(hours=36), "36 小时", "36 hours"),
        (timedelta(hours=50), "3 天", "3 days"),
        (timedelta(minutes=20), "1 小时", "1 hour"),
    ],
)
def test_a_length_of_time_is_rounded_up(length: timedelta, chinese: str, english: str) -> None:
    assert duration(length, "zh") == chinese
    assert duration(length.total_seconds(), "en") == english
