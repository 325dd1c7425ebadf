from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.judgements.judge import Judge
from services.judgements.values import Concerns, Earlier, Judgement
from services.plan.judging import Judging
from tests.judgements.factories import RECEIVED_AT, facts, judged, shipped_model, shipped_plan


def fired(judgement: Judgement) -> set[str]:
    return {reason.signal for reason in judgement.severity_reasons}


def weight_of(signal: str, text: str, **changes: object) -> float:
    return next(reason.weight for reason in judged(text, **changes).severity_reasons if reason.signal == signal)


def earlier(**changes: Any) -> Earlier:
    usual: dict[str, Any] = {
        "category": "outage",
        "service_type": "other",
        "received_at": RECEIVED_AT - timedelta(days=2),
    }
    return Earlier(**(usual | changes))


CRITICAL = [
    "老人心脏病发作，手机没信号，救护车叫不到",
    "家里着火时119打不通",
    "110打不通，手机完全没有信号",
    "无法拨打急救电话，差点出人命",
    "打不通120，耽误了救人",
    "线路掉下来有触电危险",
    "I can't call 911 from this phone",
    "We were unable to reach emergency services last night",
    "911 calls failed during the outage",
    "This is life-threatening, the line to the ventilator alarm is dead",
]
MAJOR = [
    "宽带断网三天了没人来修",
    "整个小区断网，大面积故障",
    "医院的网络全断了，无法挂号",
    "店里断网，刷不了卡，无法营业",
    "独居老人家里电话不通",
    "网速慢，投诉多次没用，再不解决就找工信部",
    "The internet has been down for 5 days",
    "Internet down since Monday",
    "Our clinic has no phones and no internet",
    "My elderly mother lives alone and her phone is dead",
    "手机卡被盗刷，身份被冒用，客服不处理",
    "断网半个月了，我要起诉你们",
]
MINOR = [
    "宽带断网了",
    "网速太慢",
    "这个月多扣了10块钱",
    "客服态度差",
    "装宽带预约了没人来",
    "My internet is slow",
    "I was overcharged by $5",
    "No service at home this morning",
    "Customer service was rude",
    "要求退款",
]
LOW = [
    "怎么设置呼叫转移",
    "忘记密码怎么办，登录不了",
    "How do I set up my router?",
    "资费标准在哪里看，太不透明",
    "你好",
]


@pytest.mark.parametrize(
    ("text", "severity"),
    [(text, "critical") for text in CRITICAL]
    + [(text, "major") for text in MAJOR]
    + [(text, "minor") for text in MINOR]
    + [(text, "low") for text in LOW],
)
def test_severity_follows_what_is_at_stake(text: str, severity: str) -> None:
    assert judged(text).severity == severity


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("my house number is 911", "emergency_calls"),
        ("客服120秒没接", "emergency_calls"),
        ("客服等了120分钟，打不通", "emergency_calls"),
        ("套餐112元打不通电话", "emergency_calls"),
        ("我家119号打不通网络", "emergency_calls"),
        ("充值110元失败", "emergency_calls"),
        ("I pay $911 a year and calls fail", "emergency_calls"),
        ("没有生命危险，就是断网", "danger_to_life"),
        ("It's not life-threatening, just annoying", "danger_to_life"),
        ("我在医院附近信号不好", "important_user"),
        ("学校优惠套餐失效", "important_user"),
        ("拨打服务专线没人接", "important_user"),
        ("律师楼怎么报装宽带", "legal_threat"),
        ("电视台收不到，画面卡", "press_threat"),
        ("my account was disabled by your system", "vulnerable_customer"),
        ("用了你们十年的宽带，今天断网", "long_duration"),
        ("签了24个月的合约，网慢", "long_duration"),
        ("I have been a customer for 12 months, slow today", "long_duration"),
        ("free for 3 months promotion was not applied", "long_duration"),
        ("网断了两个小时", "long_duration"),
        ("Internet out for 2 hours", "long_duration"),
        ("每月三天流量不够", "long_duration"),
        ("多扣了10元", "money_at_stake"),
        ("charged me $99 extra", "money_at_stake"),
        ("打了12300元话费", "regulator_threat"),
        ("bought a TRAILER, internet slow", "regulator_threat"),
    ],
)
def test_a_near_miss_does_not_fire(text: str, signal: str) -> None:
    assert signal not in fired(judged(text))


@pytest.mark.parametrize(
    ("text", "signal", "words"),
    [
        ("再不解决我就打12300", "regulator_threat", "12300"),
        ("I will file with the FCC", "regulator_threat", "FCC"),
        ("已经第三天了还没修好", "long_duration", "第三天了"),
        ("no internet for over two weeks", "long_duration", "two weeks"),
        ("从上周开始就没信号", "long_duration", "从上周"),
        ("我打了五次电话", "repeated_complaint", "打了五次电话"),
        ("this is the third time I call", "repeated_complaint", "third time"),
        ("多扣5000元", "money_at_stake", "5000元"),
        ("a bill of $1,250", "money_at_stake", "$1,250"),
        ("我要曝光你们", "press_threat", "曝光"),
        ("I'll see you in small claims", "legal_threat", "small claims"),
        ("整栋楼都没网", "many_affected", "整栋楼"),
        ("我要销户", "churn", "我要销户"),
    ],
)
def test_a_signal_is_recorded_with_its_words(text: str, signal: str, words: str) -> None:
    reasons = {reason.signal: reason for reason in judged(text).severity_reasons}

    assert reasons[signal].words == words
    assert text[reasons[signal].start : reasons[signal].end] == words


def test_an_outage_is_long_after_two_days_and_a_dispute_after_a_week() -> None:
    assert "long_duration" in fired(judged("断网三天了"))
    assert "long_duration" not in fired(judged("退款拖了三天了"))
    assert "long_duration" in fired(judged("退款拖了十天了"))


def test_the_time_of_the_fault_counts_like_words() -> None:
    old = judged("断网", occurred_at=RECEIVED_AT - timedelta(days=3))
    fresh = judged("断网", occurred_at=RECEIVED_AT - timedelta(hours=3))

    assert "long_duration" in fired(old)
    assert "long_duration" not in fired(fresh)


@pytest.mark.parametrize(
    ("changes", "signal"),
    [
        ({"channel": "regulator"}, "regulator_threat"),
        ({"earlier": (earlier(),)}, "repeated_complaint"),
        ({"concerns": Concerns(amount=Decimal(1500), currency="CNY")}, "money_at_stake"),
        ({"standing": "vip"}, "important_customer"),
    ],
)
def test_facts_set_signals_off_without_words(changes: dict[str, object], signal: str) -> None:
    assert signal in fired(judged("宽带断网了", **changes))
    assert signal not in fired(judged("宽带断网了"))


def test_a_signal_counts_once_whatever_set_it_off() -> None:
    both = judged("断网了，已经多次投诉，多次投诉", earlier=(earlier(), earlier(), earlier()))

    [reason] = [reason for reason in both.severity_reasons if reason.signal == "repeated_complaint"]
    assert (reason.words, reason.value, reason.unit) == ("多次投诉", 3, "complaints")


def test_each_further_complaint_weighs_more_up_to_the_plans_most() -> None:
    weights = [weight_of("repeated_complaint", "断网了", earlier=(earlier(),) * count) for count in (1, 2, 5, 9)]

    assert weights == [2, 2.25, 3, 3]


@pytest.mark.parametrize(
    "other",
    [
        {"category": "billing"},
        {"category": None},
        {"service_type": "mobile"},
        {"received_at": RECEIVED_AT - timedelta(days=91)},
    ],
)
def test_a_complaint_about_another_matter_or_long_ago_is_no_repetition(other: dict[str, object]) -> None:
    assert "repeated_complaint" not in fired(judged("断网了", earlier=(earlier(**other),)))


@pytest.mark.parametrize(
    ("amount", "currency"), [(Decimal(999), "CNY"), (Decimal(1500), "TWD"), (Decimal(9_000_000), "XXX")]
)
def test_what_is_a_considerable_sum_depends_on_the_currency(amount: Decimal, currency: str) -> None:
    assert "money_at_stake" not in fired(judged("多扣了钱", concerns=Concerns(amount=amount, currency=currency)))


def test_the_figure_behind_a_reason_is_told() -> None:
    told = {
        reason.signal: (reason.value, reason.unit)
        for reason in judged(
            "断网三天了", concerns=Concerns(amount=Decimal("1200.50"), currency="CNY")
        ).severity_reasons
    }

    assert (told["long_duration"], told["money_at_stake"]) == ((72, "hours"), (1200.5, "CNY"))


def test_a_lost_service_weighs_more_than_a_slow_one() -> None:
    lost, slow = judged("宽带断网了"), judged("宽带网速慢")

    assert sum(reason.weight for reason in lost.severity_reasons) > sum(r.weight for r in slow.severity_reasons)


@pytest.mark.parametrize(
    ("text", "reportable"),
    [
        ("110打不通", True),
        ("再不解决就找工信部", True),
        ("我要曝光你们", True),
        ("宽带断网了", False),
        ("怎么设置", False),
    ],
)
def test_major_complaints_are_reportable(text: str, reportable: bool) -> None:
    assert judged(text).reportable is reportable


def test_a_plan_without_a_signal_never_fires_it() -> None:
    plan = shipped_plan()
    bare = plan.model_copy(update={"judging": plan.judging.model_copy(update={"signals": ()})})

    judgement = Judge(bare, shipped_model()).judge(
        "断网三天了，110打不通，找工信部", facts(earlier=(earlier(),), channel="regulator")
    )

    assert fired(judgement) == {"no_service"}


def test_a_plan_that_says_nothing_of_the_base_has_the_usual_one() -> None:
    plan = shipped_plan()
    silent = Judging.model_validate(plan.judging.model_dump(exclude={"base"}))

    assert silent.base_of("outage", "no_service") == ("no_service", 2.0)
    assert silent.base_of("outage", "weak_signal") == ("outage", 1.2)


def test_a_signal_with_negative_weight_makes_a_complaint_milder() -> None:
    plan = shipped_plan()
    milder = plan.judging.signals[0].model_copy(
        update={
            "code": "no_hurry",
            "weight": -1.5,
            "phrases": plan.judging.signals[0].phrases.model_copy(update={"zh": ("不着急",)}),
        }
    )
    judging = plan.judging.model_copy(update={"signals": (*plan.judging.signals, milder)})

    judgement = Judge(plan.model_copy(update={"judging": judging}), shipped_model()).judge(
        "宽带断网了，不着急", facts()
    )

    assert judgement.severity == "low"
    assert next(r for r in judgement.severity_reasons if r.signal == "no_hurry").speaks_for == "milder"
