"""Loading a plan: what is valid, and how mistakes are reported."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.base.errors import Invalid
from services.plan.allowances import Allowance
from services.plan.loading import (
    PlanInvalid,
    describe_problems,
    digest,
    load_plan,
    shipped_plan_text,
    summary,
)
from services.plan.vocabulary import CATEGORIES, SEVERITIES, NoticeKind, TellingEvent
from tests.plan.factories import SMALL_PLAN, line_of, problems_in, spoiled

# what is spoiled, by what; words on the line where the mistake is reported (of the spoiled text); path; reason
MISTAKES = [
    ("operator: {", "opperator: {", "opperator", "plan.opperator", 'did you mean "operator"?'),
    ('edition: "1"', "edition: 1.0", "edition", "plan.edition", "the number 1.0; put it in quotes"),
    ("  name: {zh: 预案, en: The plan}", "  name: {zh: 预案}", "zh: 预案", "plan.name.en", "missing"),
    ("{zh: 预案, en: The plan}", "{zh: '  ', en: The plan}", "The plan", "plan.name.zh", "empty"),
    ("{zh: 预案, en: The plan}", "预案", "name: 预案", "plan.name", "a group of fields is wanted"),
    ("Asia/Shanghai", "Asia/Beijing", "time_zone", "plan.time_zone", '"Asia/Beijing" is no time zone'),
    ("Asia/Shanghai", "Asia", "time_zone", "plan.time_zone", '"Asia" is no time zone'),
    ("phone_region: CN", "phone_region: UK", "phone_region", "plan.phone_region", "ISO 3166"),
    ("reference_prefix: RD", "reference_prefix: rd", "reference_prefix", "plan.reference_prefix", "capital"),
    ("login: ann,", "login: head,", "乙", "staff.head.login", 'the login "head" is taken already'),
    ("login: bob", "login: Bob", "login: Bob", "staff.Bob.login", "small letters"),
    ("bob@example.com", "bob(at)example.com", "email", "staff.bob.email", "@-sign"),
    ("on_duty: false", "on_duty: no", "on_duty: no", "staff.bob.on_duty", 'this is the text "no"'),
    ("    email: bob@example.com\n    languages: [zh]", "    languages: []", "languages: []", "staff.bob", "least"),
    ("[zh, en], on", "[zh, fr], on", "fr", "staff.head.languages[1]", '"fr" is not possible here; known: zh, en'),
    ("members: [ann]", "members: [anne]", "[anne]", "members[0]", 'no member of staff; did you mean "ann"?'),
    ("members: [ann]", "members: [bob]", "[bob]", "groups.technical_support.members[0]", "in this group already"),
    ("head: head\n    deputy: ann", "head: ann", "login: head", "staff.head", "in no group"),
    ("code: market_legal,", "code: legal,", "groups:", "groups", 'the group "market_legal" is missing'),
    ("group: market_legal", "group: market_legel", "market_legel", "categories.billing.group", "did you mean"),
    ("code: billing,", "code: bills,", "bills", "categories.bills.code", 'did you mean "billing"?'),
    ("code: no_service,", "code: no service,", "no service", "subcategories", "is no code"),
    ("code: minor,", "code: major,", "code: major, name: {zh: 一般", "severities.major.code", "taken already"),
    ("resolve: 8h", "resolve: 48", "resolve: 48", "critical.resolve", "48 is no allowance; write for example 48h or"),
    ("resolve: 8h", 'resolve: "48"', 'resolve: "48"', "critical.resolve", '"48" is no allowance; write for example 48'),
    ("resolve: 8h", "resolve: 12:30", "12:30", "critical.resolve", '"12:30" is no allowance'),
    ("resolve: 8h", "resolve: 0h", "resolve: 0h", "critical.resolve", '"0h" is no allowance'),
    ("resolve: 8h", "resolve: 5m", "resolve: 5m", "critical.resolve", "shorter than respond (10m)"),
    ("acknowledge: 1m", "acknowledge: 15m", "acknowledge: 15m", "critical.respond", "shorter than acknowledge"),
    ("respond: 10m, resolve: 8h", "respond: 10m", "critical: {ack", "default.critical.resolve", "missing"),
    ("    low: {acknowledge: 4m, respond: 24h, resolve: 15d}\n", "", "outage:", "deadlines.outage", '"low" has no'),
    ("  outage:\n    major", "  outages:\n    major", "outages", "deadlines.outages", 'did you mean "outage"?'),
    ("reopen_within: 30d\n", "", "plan:", "reopen_within", "missing"),
    ("answer_by: [sms, email]", "answer_by: [sms, fax]", "fax", "answer_by[1]", "known: reply_to, email, sms"),
    ("answer_by: [sms, email]", "answer_by: [sms, sms]", "sms, sms", "answer_by[1]", "stands here twice"),
    ("answer_by: [webhook]", "answer_by: []", "监管", "channels.regulator.answer_by", "the list is empty"),
    ("  - {code: tv, name: {zh: 电视, en: TV}}\n", "", "services:", "services", 'the service "tv" is missing'),
    ("next: {zh: 复核, en: Appeal}", "nxt: {zh: 复核, en: Appeal}", "nxt", "rejected.nxt", 'did you mean "next"?'),
    ("after: received", "after: recieved", "recieved", "acknowledgement.after", 'did you mean "received"?'),
    ("unclear_below: 0.5", "unclear_below: 50", "unclear_below", "judging.unclear_below", "write 1 or less"),
    ("signals: [danger]", "signals: [dangers]", "dangers", "reportable.signals[0]", '"dangers" is no signal'),
    ("critical: 6, major: 3", "critical: 3, major: 3", "critical: 3", "thresholds.critical", "must be above major"),
    ("weight: 6", "weight: '6'", "weight", "danger.weight", 'a number is wanted here, without quotes, and this is'),
    ("weight: 6", "weight: 1e999", "weight", "danger.weight", "too large"),
    ("weight: 6", "weight: 6\n      learned: 0.6", "learned", "danger.learned", "the model hears danger_to_life,"),
    ("weight: 6", "weight: 6\n      learned: 0.1", "learned", "danger.learned", "write 0.3 or more"),
    ("weight: 6", "weight: 6\n      lasts: {outage: 48h}", "lasts", "danger.lasts", '"other" is missing'),
    ("weight: 6", "weight: 6\n      lasts: 48h", "lasts", "danger.lasts", "a group of fields is wanted"),
    ("weight: 6", "weight: 6\n      earlier: {within: 90}", "within: 90", "earlier.within", "has no unit"),
    ("weight: 6", "weight: 6\n      earlier: {within: 9d, most: 1.5}", "most", "earlier.most", "a whole number is"),
    ("weight: 6", "weight: 6\n      amounts: {yuan: 9}", "amounts", "danger.amounts", "three capital letters"),
    ("weight: 6", "weight: 6\n      amounts: {CNY: -1}", "CNY: -1", "amounts.CNY", "write 0 or more"),
    ("weight: 6", "weight: 6\n      channels: [fax]", "fax", "danger.channels[0]", "is not possible here"),
    ("weight: 6", "weight: 6\n      standings: [vip]", "vip", "danger.standings[0]", "add a list of standings"),
    ("  severity_thres", "  base: {outag: 1}\n  severity_thres", "outag: 1", "base.outag", 'did you mean "outage"?'),
    (
        "regions:\n",
        "standings:\n  - {code: vip, name: {zh: 要, en: Key}, accounts: ['*']}\nregions:\n",
        "'*'",
        "standings.vip.accounts[0]",
        "fits every account",
    ),
    ("re:life.threatening", "re:life(", "life(", "phrases.en[0]", "is no regular expression"),
    ("re:life.threatening", "re:(life)?", "(life)?", "phrases.en[0]", "match every complaint"),
    ("code: beijing-haidian,", "code: jilin,", "- code: jilin", "regions.jilin.code", "taken already"),
    ("zh: 海淀区, en: Haidian", "zh: 朝阳, en: Haidian", "code: beijing-chaoyang", "beijing-chaoyang", "same words"),
    ("aliases: [京]", "aliases: 京", "aliases", "regions.beijing.aliases", "a list is wanted here"),
    ("kind: country}", "kind: village}", "village", "nongan.kind", "known: town, country"),
    ("edition: \"1\"", "edition: 一\n  edition: 二", "edition: 二", "plan.edition", "twice (first on line 4)"),
    ("aliases: [京]", "aliases: &a [京]\n    kind: *a", "kind: *a", "regions.beijing.kind", "alias *a is not allowed"),
    ('edition: "1"', "edition: !!str 1", "edition", "plan.edition", "tag tag:yaml.org,2002:str is not allowed"),
    ("aliases: [京]", "? [a, b]\n    : c", "? [a", "regions.beijing", "the name of a field must be a word"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "path", "reason"), MISTAKES)
def test_a_mistake_is_reported_with_its_line_and_reason(old: str, new: str, line: str, path: str, reason: str) -> None:
    text = spoiled((old, new))

    found = problems_in(text)

    expected = line_of(text, line)
    assert any(problem.line == expected and path in problem.path and reason in problem.reason for problem in found), (
        f"wanted line {expected}; got\n{describe_problems(found, 'plan.yaml')}"
    )


def test_the_shipped_plan_is_valid_and_loads_quickly() -> None:
    started = time.perf_counter()
    plan = load_plan(shipped_plan_text())
    took = time.perf_counter() - started

    assert {group.code for group in plan.groups} >= {"leadership", "customer_service", "technical_support"}
    assert took < 0.15


def test_the_shipped_deadlines_keep_to_the_rules_they_name() -> None:
    plan = load_plan(shipped_plan_text())

    for category in CATEGORIES:
        for severity in SEVERITIES:
            deadline = plan.deadlines_for(category, severity)
            assert deadline.acknowledge.time is not None
            assert deadline.acknowledge.time <= timedelta(minutes=15)
            assert _at_most(deadline.resolve) <= timedelta(days=15)
    assert max(_at_most(plan.deadlines_for("outage", severity).resolve) for severity in SEVERITIES) <= timedelta(
        hours=48
    )


def _at_most(allowed: Allowance) -> timedelta:
    """Its length; a working day counts as two days, for the week-end."""
    return allowed.time or timedelta(days=2 * (allowed.working_days or 0))


def test_the_shipped_plan_tells_the_customer_after_each_step() -> None:
    plan = load_plan(shipped_plan_text())

    told = {kind for event in get_args(TellingEvent) for kind in plan.notice_kinds_after(event)}

    assert told == set(get_args(NoticeKind))
    assert plan.notice_kinds_after("received") == ("acknowledgement",)
    assert plan.notice_kinds_after("compensation_decided") == ("compensation",)
    assert plan.notice_kinds_after("noted") == ()


def test_the_shipped_plan_has_every_province_level_unit_of_the_mainland() -> None:
    plan = load_plan(shipped_plan_text())

    assert len(plan.regions) == 31


def test_mistakes_of_every_sort_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = spoiled(
        ("Asia/Shanghai", "Moon/Crater"),
        ("on_duty: false", "on_duty: false\n    on_duty: true"),
        ("members: [ann]", "members: [anne]"),
        ("resolve: 8h", "resolve: 5m"),
        ("after: received", "after: recieved"),
        ("unclear_below: 0.5", "unclear_below: half"),
        ("signals: [danger]", "signals: [peril]"),
    )

    found = problems_in(text)

    assert [problem.path for problem in found] == [
        "plan.time_zone",
        "staff.bob.on_duty",
        "groups.technical_support.members[0]",
        "deadlines.default.critical.resolve",
        "notices.acknowledgement.after",
        "judging.unclear_below",
        "judging.reportable.signals[0]",
    ]
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


def test_a_missing_section_does_not_make_every_reference_to_it_a_mistake() -> None:
    text = spoiled(("\nstaff:\n", "\nstaf:\n"))

    paths = [problem.path for problem in problems_in(text)]

    assert sorted(paths) == ["staf", "staff"]


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "[]", "- a\n- b\n", "just words", "null", "12"])
def test_a_text_that_is_no_plan_is_refused(text: str) -> None:
    assert "a plan begins with fields" in problems_in(text)[0].reason


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("plan:\n  name: {zh: 甲\nstaff: []\n", 3, "this is no YAML"),
        ("plan:\n\tname: x\n", 2, "this is no YAML"),
        ("plan: 'open\n", 2, "this is no YAML"),
        ("plan: a\nstaff: \x07\n", 2, "the control character U+0007"),
        ("plan: \ud800\n", 1, "the control character U+D800"),
        ("plan: a\n---\nplan: b\n", 2, "a second document begins here"),
        ("plan: " + "[" * 5000 + "]" * 5000, 1, "levels lie in one another"),
        ("plan: " + "x" * (1024 * 1024), 1, "larger than 1 MiB"),
        ("plan: " + "信" * 400_000, 1, "larger than 1 MiB"),
    ],
    ids=["open brace", "tab", "open quote", "bell", "surrogate", "two documents", "deep", "large", "large in bytes"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_at_the_line(text: str, line: int, reason: str) -> None:
    (problem,) = problems_in(text)

    assert (problem.line, reason in problem.reason) == (line, True), problem


def test_nested_aliases_are_refused_rather_than_expanded() -> None:
    levels = "\n".join(
        f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]" for below, name in zip("abcdef", "bcdefg", strict=True)
    )

    found = problems_in(f"a: &a [x]\n{levels}\n")

    assert any("the alias *a is not allowed" in problem.reason for problem in found)


def test_a_plan_with_a_byte_order_mark_and_windows_line_ends_is_read() -> None:
    assert problems_in("\ufeff" + SMALL_PLAN.replace("\n", "\r\n")) == ()


def test_words_that_yaml_would_take_for_something_else_stay_words() -> None:
    plan = load_plan(spoiled(("en: The plan", "en: no"), ("en: Some Telecom", "en: 2026-01-01"), ('"1"', "12:30:45")))

    assert (plan.plan.name.en, plan.plan.operator.en, plan.plan.edition) == ("no", "2026-01-01", "12:30:45")


def test_the_error_is_one_that_programs_can_read_field_by_field() -> None:
    with pytest.raises(Invalid) as caught:
        load_plan(spoiled(("resolve: 8h", "resolve: 48")), "my.yaml")

    assert isinstance(caught.value, PlanInvalid)
    assert [problem.field for problem in caught.value.problems] == ["deadlines.default.critical.resolve"]
    assert str(caught.value).startswith("The plan has 1 mistake:\nmy.yaml:")


def test_the_report_has_a_line_for_each_mistake_with_its_place() -> None:
    text = spoiled(("resolve: 8h", 'resolve: "48"'))

    report = describe_problems(problems_in(text), "plan.yaml")

    line = line_of(text, 'resolve: "48"')
    assert report == (
        f'plan.yaml:{line}:47 deadlines.default.critical.resolve: "48" is no allowance; write for example 48h or 2wd'
    )


def test_the_summary_counts_what_is_in_the_plan() -> None:
    assert summary(load_plan(SMALL_PLAN)).splitlines()[:4] == [
        "预案 · The plan, edition 1",
        "4 groups, 3 people, 2 of them on duty at the start",
        "4 categories with 1 sub-category, 4 severities",
        "3 playbooks with 8 steps, 2 articles of guidance",
    ]


def test_the_digest_tells_texts_apart() -> None:
    assert digest(SMALL_PLAN) == digest(SMALL_PLAN)
    assert digest(SMALL_PLAN) != digest(SMALL_PLAN + "\n")
    assert re.fullmatch("[0-9a-f]{64}", digest(SMALL_PLAN))


ODD_VALUES: st.SearchStrategy[object] = st.sampled_from(
    [None, "", "x", 0, -1.5, True, [], {}, ["x"], {"zh": 1}, [[]], [None], "9" * 400]
)


def _paths(data: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found: list[tuple[Any, ...]] = []
    for step, value in steps:
        found += [(*above, step), *_paths(value, (*above, step))]
    return found


PATHS = _paths(yaml.safe_load(SMALL_PLAN))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(path=st.sampled_from(PATHS), odd=ODD_VALUES, delete=st.booleans())
def test_any_value_deleted_or_replaced_gives_a_plan_or_its_mistakes(
    path: tuple[Any, ...], odd: object, delete: bool
) -> None:
    data = yaml.safe_load(SMALL_PLAN)
    holder = data
    for step in path[:-1]:
        holder = holder[step]
    if delete:
        del holder[path[-1]]
    else:
        holder[path[-1]] = odd
    text = yaml.safe_dump(data, allow_unicode=True)

    for problem in problems_in(text):
        assert problem.line >= 1
        assert problem.reason
