"""What a plan says of handling: which mistakes are found, and that each is reported where it stands."""

from __future__ import annotations

import pytest

from services.plan.loading import describe_problems, load_plan, shipped_plan_text
from services.plan.vocabulary import SENIOR_MANAGEMENT
from tests.plan.factories import line_of, problems_in, spoiled

# what is spoiled, by what; words on the line where the mistake is reported (of the spoiled text); path; reason
MISTAKES = [
    # calendars and groups
    ("code: office,", "code: always,", "en: Office", "calendars.always.code", 'the code "always" is taken already'),
    (
        "en: Legal}, calendar: office",
        "en: Legal}, calendar: offices",
        "offices",
        "market_legal.calendar",
        'did you mean "office"?',
    ),
    (
        "{zh: 工程师, en: Engineer}",
        "{zh: 工程师, en: Engineer}\n    shift: night",
        "shift",
        "staff.bob.shift",
        '"night" is no calendar',
    ),
    ('["09:00-18:00"]', '["18:00-09:00", "02:00-03:00"]', "02:00", "calendars.office.hours", "begins before"),
    # deadlines, in their order and within the law
    (
        "respond: 30m, resolve: 12h",
        "respond: 30m, estimate: 20m, resolve: 12h",
        "20m",
        "major.estimate",
        "estimate (20m) is shorter than respond (30m)",
    ),
    (
        "respond: 30m, resolve: 12h",
        "respond: 30m, estimate: 13h, resolve: 12h",
        "13h",
        "major.resolve",
        "resolve (12h) is shorter than estimate (13h)",
    ),
    (
        "respond: 30m, resolve: 12h",
        "respond: 3wd, resolve: 2wd",
        "3wd",
        "major.resolve",
        "resolve (2wd) is shorter than respond (3wd)",
    ),
    (
        "respond: 30m, resolve: 12h",
        "respond: 1wd, estimate: 1m, resolve: 12h",
        "1wd",
        "major.estimate",
        "shorter than acknowledge (2m)",
    ),
    (
        "resolve: 15d",
        "resolve: 16d",
        "16d",
        "default.low.resolve",
        "longer than the law of China allows, 15d: Measures for handling",
    ),
    ("repeat_every: 12h", "repeat_every: never", "never", "deadlines.repeat_every", '"never" is no duration'),
    # waiting for the customer
    (
        "remind_after: [2d, 5d]",
        "remind_after: [5d, 2d]",
        "[5d, 2d]",
        "awaiting.remind_after[1]",
        "not after the reminder before it",
    ),
    ("remind_after: [2d, 5d]", "remind_after: [2d, 2d]", "[2d, 2d]", "awaiting.remind_after[1]", "each once"),
    (
        "give_back_after: 10d",
        "give_back_after: 5d",
        "remind_after",
        "awaiting.remind_after[1]",
        "given back already (give_back_after: 5d)",
    ),
    (
        "remind_after: [2d, 5d]",
        "remind_after: [2d, 5wd]",
        "remind_after",
        "awaiting.remind_after[1]",
        '"5wd" is no duration',
    ),
    # playbooks
    (
        "code: charges",
        "code: faults",
        "code: faults\n    name: {zh: 资费",
        "playbooks.faults.code",
        'the code "faults" is taken already',
    ),
    (
        "{code: repair,",
        "{code: result,",
        "en: Tell the result",
        "playbooks.faults.steps.result.code",
        "is taken already",
    ),
    (
        "pay, by: customer_service",
        "pay, by: custommer_service",
        "custommer",
        "steps.pay.by",
        'did you mean "customer_service"?',
    ),
    (
        "action: repair",
        "action: review",
        "action: review",
        "faults.steps.repair.action",
        '"review" is for billing only',
    ),
    (
        "action: guide",
        "action: diagnose",
        "action: diagnose",
        "help.steps.guide.action",
        '"diagnose" is for outage only',
    ),
    ("action: review", "action: legal-check", "legal-check", "charges.steps.review.action", "nobody is legal counsel"),
    ("action: guide", "action: phone", "action: phone", "help.steps.guide.action", '"phone" is not possible here'),
    (
        "action: compensate",
        "action: explain",
        "action: pay",
        "charges.steps.pay.action",
        "put a step with compensate before it",
    ),
    (
        "action: compensate",
        "action: customer-answer",
        "customer-answer",
        "charges.steps.offer.action",
        "nothing to go by",
    ),
    (
        "action: guide, within: 4h}\n      - {code: result,",
        "action: guide, within: 4h}\ncontact_: {code: result,",
        "    steps:\n      - {code: guide",
        "playbooks.help.steps",
        "no step tells the customer the result",
    ),
    (
        "within: 2wd}",
        "within: 2}",
        "within: 2}",
        "charges.steps.review.within",
        "2 is no allowance; write for example 2h or 2wd",
    ),
    ("within: 2wd}", "within: 2wd4h}", "2wd4h", "charges.steps.review.within", '"2wd4h" is no allowance'),
    (
        "only_if: compensation_agreed",
        "only_if: agreed",
        "only_if: agreed",
        "charges.steps.pay.only_if",
        "is not possible here",
    ),
    (
        "guide, within: 4h}",
        "guide, within: 4h, may_skip: perhaps}",
        "perhaps",
        "help.steps.guide.may_skip",
        "true or false is wanted here",
    ),
    (
        "    category: billing\n    steps:",
        "    category: billing\n    severities: [low]\n    steps:",
        "playbooks:",
        "playbooks",
        'every complaint of the category "billing"',
    ),
    (
        "    category: outage\n    steps:\n      - {code: repair",
        "    category: outage\n    subcategories: [no_servise]\n    steps:\n      - {code: repair",
        "no_servise",
        "faults.subcategories[0]",
        'did you mean "no_service"?',
    ),
    (
        "    category: billing\n    steps:",
        "    category: billing\n    subcategories: [no_service]\n    steps:",
        "[no_service]\n    steps",
        "charges.subcategories[0]",
        "is a sub-category of outage, and this is for billing",
    ),
    # money
    ("paid_by: customer_service", "paid_by: finance", "paid_by", "compensation.paid_by", '"finance" is no group'),
    (
        'member: {CNY: "99.50"}',
        "member: {CNY: 99.5}",
        "member:",
        "limits.member.CNY",
        '99.5 may not be exact; put it in quotes: "99.5"',
    ),
    (
        'member: {CNY: "99.50"}',
        "member: 200",
        "member:",
        "limits.member",
        "a group of fields is wanted here, and this is",
    ),
    (
        "holidays: CN}",
        "holidays: XX}",
        "XX",
        "calendars.office.holidays",
        '"XX" is no country whose holidays are known',
    ),
    ("remind_after: [2d, 5d]", "remind_after: 2d", "remind_after", "awaiting.remind_after", "a list is wanted here"),
    (
        'member: {CNY: "99.50"}',
        "member: {CNY: much}",
        "member:",
        "limits.member.CNY",
        '"much" is no amount of money; write for example 200 or "99.50"',
    ),
    ('member: {CNY: "99.50"}', "member: {CNY: -5}", "member:", "limits.member.CNY", "is no amount of money"),
    (
        'member: {CNY: "99.50"}',
        'member: {CNY: "99.505"}',
        "member:",
        "limits.member.CNY",
        "too many decimals; CNY has 2",
    ),
    ('member: {CNY: "99.50"}', "member: {USD: 5}", "member:", "limits.member.USD", '"USD" is no currency of this plan'),
    ('member: {CNY: "99.50"}', "member: {yuan: 5}", "member:", "limits.member.yuan", "three capital letters"),
    (
        'member: {CNY: "99.50"}',
        "member: {CNY: 1001}",
        "    head: {CNY",
        "limits.head.CNY",
        "head (1000 CNY) may grant less than member (1001)",
    ),
    (
        "leadership: {CNY: 20000, JPY: 90000}",
        "leadership: {CNY: 20000}",
        "JPY: 5000",
        "limits.head.JPY",
        "leadership (0 JPY) may grant less than head (5000)",
    ),
    ("JPY: 90000", 'JPY: "90000.5"', "90000.5", "limits.leadership.JPY", "too many decimals; JPY has 0"),
    (
        "legal_check_above: {CNY: 3000}",
        "legal_check_above: {EUR: 3000}",
        "EUR",
        "legal_check_above.EUR",
        '"EUR" is no currency of this plan',
    ),
    ("decimals: 0", "decimals: 5", "decimals: 5", "currencies.JPY.decimals", "5 is too large; write 4 or less"),
    ("{code: JPY, decimals: 0}", "{code: CNY}", "{code: CNY}\n  limits", "currencies.CNY.code", "is taken already"),
    (
        "kinds: [refund, credit]",
        "kinds: [refund, refund]",
        "refund, refund",
        "compensation.kinds[1]",
        "stands here twice",
    ),
    ("kinds: [refund, credit]", "kinds: []", "kinds: []", "compensation.kinds", "the list is empty"),
    (
        "pay_within: 5wd",
        "pay_within: soon",
        "soon",
        "compensation.pay_within",
        '"soon" is no allowance; write for example 48h or 2wd',
    ),
    ("attempts: 3", "attempts: 0", "attempts: 0", "contact.attempts", "0 is too small; write 1 or more"),
    (
        "attempts: 3",
        'attempts: "3"',
        'attempts: "3"',
        "contact.attempts",
        "a whole number is wanted here, without quotes",
    ),
    # tasks, escalation, guidance
    ("kind: other", "kind: pay", "kind: pay, name: {zh: 其他", "tasks.pay.kind", 'the kind "pay" is taken already'),
    (
        "  - {kind: site_visit, name: {zh: 上门, en: Visit}, group: technical_support, within: 48h}\n",
        "",
        "tasks:",
        "tasks",
        'the kind of task "site_visit" is missing',
    ),
    (
        "en: Check}, group: customer_service",
        "en: Check}, group: marketing",
        "marketing",
        "promotion_review.group",
        '"marketing" is no group',
    ),
    (
        "{to: leadership_head,",
        "{to: group_head,",
        "{to: group_head, acknowledge_within: 4h}",
        "escalation.ladder[2].to",
        "stands on the ladder already",
    ),
    (
        "{to: leadership_head,",
        "{to: senior_management,",
        "{to: senior_management",
        "escalation.ladder[2].to",
        f'no group "{SENIOR_MANAGEMENT}"',
    ),
    ("deadline_missed: assignee", "deadline_missed: boss", "boss", "causes.deadline_missed", "is not possible here"),
    (
        "code: passwords",
        "code: restart",
        "code: restart\n    title: {zh: 重置",
        "knowledge.restart.code",
        "is taken already",
    ),
    (
        "    subcategories: [no_service]\n    steps:\n      - {zh: 断",
        "    subcategories: [no_service, slow]\n    steps:\n      - {zh: 断",
        "slow",
        "knowledge.restart.subcategories[1]",
        '"slow" is no sub-category',
    ),
    (
        "    category: technical_support\n    steps: [{zh: 在",
        "    category: technical_support\n    subcategories: [no_service]\n    steps: [{zh: 在",
        "[no_service]\n    steps: [",
        "knowledge.passwords.subcategories[0]",
        "is a sub-category of outage, and this is for technical_support",
    ),
    (
        "steps: [{zh: 在登录页选择“忘记密码”。, en: Choose forgot password.}]",
        "steps: []",
        "steps: []",
        "knowledge.passwords.steps",
        "the list is empty",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "path", "reason"), MISTAKES)
def test_a_mistake_is_reported_with_its_line_and_reason(old: str, new: str, line: str, path: str, reason: str) -> None:
    text = spoiled((old, new))

    found = problems_in(text)

    expected = _line_of(text, line)
    assert any(problem.line == expected and path in problem.path and reason in problem.reason for problem in found), (
        f"wanted line {expected}; got\n{describe_problems(found, 'plan.yaml')}"
    )


def test_a_deadline_beyond_the_law_is_told_with_the_law_that_it_breaks() -> None:
    text = spoiled(
        ("  phone_region: CN\n", "  phone_region: CN\n  jurisdiction: au\n"),
        ("acknowledge: 4m, respond: 24h, resolve: 15d", "acknowledge: 3wd, respond: 4wd, resolve: 11wd"),
        ("pay_within: 5wd", "pay_within: 6wd"),
    )

    found = {problem.path: problem.reason for problem in problems_in(text)}

    assert "Australia allows, 2wd: ACMA" in found["deadlines.default.low.acknowledge"]
    assert "Australia allows, 10wd: ACMA" in found["deadlines.default.low.resolve"]
    assert "Australia allows, 5wd: ACMA" in found["compensation.pay_within"]
    assert len(found) == 3


def test_hours_are_not_compared_with_working_days() -> None:
    text = spoiled(("respond: 30m, resolve: 12h", "respond: 1wd, resolve: 12h"), ("pay_within: 5wd", "pay_within: 90d"))

    assert problems_in(text) == ()


NARROW = """\
  - code: {code}
    name: {{zh: 窄, en: Narrow}}
    category: outage
{narrowed}
    steps: [{{code: result, name: {{zh: 告知, en: Tell}}, action: resolve}}]
"""


@pytest.mark.parametrize(
    ("first", "second", "unreachable"),
    [
        ("    severities: [major, minor]", "    severities: [minor]", True),
        ("    severities: [major]", "    severities: [major, minor]", False),
        ("    severities: [major]", "    subcategories: [no_service]", False),
        ("    subcategories: [no_service]", "    subcategories: [no_service]\n    severities: [low]", True),
        ("    subcategories: [no_service]\n    severities: [low]", "    subcategories: [no_service]", False),
    ],
)
def test_a_playbook_that_an_earlier_one_covers_is_reported(first: str, second: str, unreachable: bool) -> None:
    narrow = NARROW.format(code="first", narrowed=first) + NARROW.format(code="second", narrowed=second)

    found = problems_in(spoiled(("playbooks:\n", "playbooks:\n" + narrow)))

    assert [(one.path, '"first" above it takes all' in one.reason) for one in found] == (
        [("playbooks.second", True)] if unreachable else []
    )


def test_a_playbook_below_the_one_for_all_is_never_used() -> None:
    late = NARROW.format(code="late", narrowed="    severities: [critical]")

    (problem,) = problems_in(spoiled(("compensation:\n", late + "compensation:\n")))

    assert (problem.path, '"faults" above it' in problem.reason) == ("playbooks.late", True)


def test_senior_management_may_stand_on_the_ladder_when_it_is_a_group() -> None:
    group = (
        "  - {code: senior_management, kind: department, name: {zh: 高管, en: Board}, calendar: always, head: head,"
        " duties: [{zh: 决策, en: Decide}]}\n"
    )

    text = spoiled(
        ("{to: leadership_head,", "{to: senior_management,"), ("\ncategories:\n", "\n" + group + "categories:\n")
    )

    assert problems_in(text) == ()


@pytest.mark.parametrize("section", ["playbooks", "compensation", "awaiting", "tasks", "escalation", "calendars"])
def test_a_section_that_is_missing_is_said_once(section: str) -> None:
    text = spoiled((f"\n{section}:\n", f"\nx_{section}:\n"))

    paths = sorted(problem.path for problem in problems_in(text))

    assert paths == sorted([section, f"x_{section}"])


def test_the_shipped_plan_keeps_the_law_of_australia_as_well() -> None:
    text = shipped_plan_text().replace("jurisdiction: cn", "jurisdiction: au")

    assert load_plan(text).law.code == "au"


def _line_of(text: str, words: str) -> int:
    """The line of ``words``, which may go over the end of a line: where they begin."""
    if "\n" not in words:
        return line_of(text, words)
    return text[: text.index(words)].count("\n") + 1
