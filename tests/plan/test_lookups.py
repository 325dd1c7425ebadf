"""What the programs ask a plan."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.base.errors import NotFound
from services.plan.loading import load_plan, shipped_plan_text
from services.plan.values import parse_duration
from tests.plan.factories import SMALL_PLAN, spoiled

PLAN = load_plan(SMALL_PLAN)
SHIPPED = load_plan(shipped_plan_text())


def test_a_category_leads_to_its_group() -> None:
    assert PLAN.group_for("billing").code == "market_legal"
    assert PLAN.group_for("unclear").code == "customer_service"


def test_a_group_lists_its_head_first_then_the_deputy_then_the_members() -> None:
    assert [(one.person.login, one.role) for one in PLAN.members_of("leadership")] == [
        ("head", "head"),
        ("ann", "deputy"),
    ]
    assert [(one.person.login, one.role) for one in PLAN.members_of("technical_support")] == [
        ("bob", "head"),
        ("ann", "member"),
    ]


def test_the_home_group_is_the_first_one_that_is_not_the_leadership() -> None:
    assert PLAN.home_group("ann").code == "customer_service"
    assert PLAN.home_group("head").code == "leadership"
    assert [group.code for group in PLAN.groups_of("ann")][-1] == "leadership"


def test_a_role_is_known_per_group() -> None:
    assert PLAN.role_in("ann", "customer_service") == "head"
    assert PLAN.role_in("ann", "leadership") == "deputy"
    assert PLAN.role_in("bob", "leadership") is None


def test_deadlines_come_from_the_category_or_else_from_the_default() -> None:
    assert str(PLAN.deadlines_for("outage", "major").resolve) == "12h"
    assert str(PLAN.deadlines_for("outage", "minor").resolve) == "48h"
    assert str(PLAN.deadlines_for("unclear", "low").resolve) == "15d"


def test_a_group_counts_on_its_own_calendar_and_the_law_on_its_own() -> None:
    assert PLAN.calendar_of("market_legal").code == "office"
    assert PLAN.law_calendar.code == "law"


def test_a_complaint_is_handled_by_the_first_playbook_that_fits() -> None:
    narrow = "  - {code: fast, name: {zh: 快, en: Fast}, category: outage, severities: [critical], steps: [*]}\n"
    steps = "{code: result, name: {zh: 告知, en: Tell}, action: resolve}"
    plan = load_plan(spoiled(("playbooks:\n", "playbooks:\n" + narrow.replace("*", steps))))

    chosen = {severity: plan.playbook_for("outage", None, severity) for severity in ("critical", "minor")}

    assert [one and one.code for one in chosen.values()] == ["fast", "faults"]
    assert plan.playbook_for("unclear", None, "minor") is None


def test_guidance_for_the_sub_category_comes_before_that_for_all() -> None:
    general = "  - {code: rest, title: {zh: 休息, en: Rest}, category: outage, steps: [{zh: 等, en: Wait}]}\n"
    plan = load_plan(spoiled(("knowledge:\n", "knowledge:\n" + general)))

    assert [article.code for article in plan.articles_for("outage", "no_service")] == ["restart", "rest"]
    assert [article.code for article in plan.articles_for("outage", None)] == ["rest"]
    assert plan.articles_for("billing", None) == ()


def test_the_shipped_guidance_has_something_for_every_sub_category_of_technical_support() -> None:
    for sub in SHIPPED.category("technical_support").subcategories:
        assert SHIPPED.articles_for("technical_support", sub.code), sub.code
    for article in SHIPPED.knowledge:
        assert 3 <= len(article.steps) <= 7


def test_a_silenced_notice_is_not_among_those_to_send() -> None:
    assert PLAN.notice_kinds_after("received") == ("acknowledgement",)
    assert PLAN.notice_kinds_after("resolved") == ()


def test_ways_to_answer_keep_their_order() -> None:
    assert PLAN.answer_ways("hotline") == ("sms", "email")


def test_names_are_given_in_the_language_asked_for_or_the_plans_own() -> None:
    assert PLAN.name_of("group", "leadership", "en") == "Lead"
    assert PLAN.name_of("group", "leadership", "zh-Hant") == "领导"
    assert PLAN.name_of("subcategory", "no_service") == "中断"
    assert PLAN.name_of("notice", "result", "en") == "Result"
    assert PLAN.name_of("region", "anshan", "en") == "Anshan"
    assert PLAN.name_of("playbook", "faults", "en") == "Faults"
    assert PLAN.name_of("article", "restart") == "重启光猫"


def test_a_code_that_the_plan_no_longer_knows_is_its_own_name() -> None:
    assert PLAN.name_of("subcategory", "gone_since", "en") == "gone_since"


def test_what_the_plan_does_not_know_is_not_found() -> None:
    for ask in (PLAN.person, PLAN.group, PLAN.members_of, PLAN.home_group, PLAN.group_for, PLAN.signal, PLAN.region):
        with pytest.raises(NotFound, match="nobody"):
            ask("nobody")
    with pytest.raises(NotFound, match="outage and grave"):
        PLAN.deadlines_for("outage", "grave")


def test_a_status_says_what_happens_next() -> None:
    assert PLAN.status("rejected").next.in_language("en") == "Appeal"


def test_plans_read_from_one_text_are_equal_and_cannot_be_changed() -> None:
    assert load_plan(SMALL_PLAN) == load_plan(SMALL_PLAN)
    with pytest.raises(ValueError, match="frozen"):
        PLAN.staff = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("48h", timedelta(hours=48)),
        ("15d", timedelta(days=15)),
        ("2w", timedelta(weeks=2)),
        ("1h30m", timedelta(minutes=90)),
    ],
)
def test_a_duration_is_read(written: str, length: timedelta) -> None:
    assert parse_duration(written) == length


@pytest.mark.parametrize(
    "written", ["", "h", "1.5h", "30m1h", "-1h", "1 h", "1H", "٣h", "99999999999d", None, [], 0, True]
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"no duration|no unit"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("named", "account", "standing"),
    [
        ("vip", None, "vip"),
        ("vip", "GOV-1", "vip"),
        ("platinum", "GOV-1", "government"),
        (None, "vip-0088", "vip"),
        (None, "ENT-5", "government"),
        (None, "BJ-5520-7781", None),
        (None, "AVIP-1", None),
        (None, None, None),
        ("platinum", None, None),
    ],
)
def test_the_standing_is_the_named_one_or_told_by_the_account(
    named: str | None, account: str | None, standing: str | None
) -> None:
    assert SHIPPED.standing_of(named, account) == standing
