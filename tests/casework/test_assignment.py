"""Who comes next for a case, that it is fair, and that it is explained."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.casework.assignment import Choice, Office, Sharing, Team, explain
from services.casework.assignment_words import BECAUSE
from services.casework.pools import Candidate, Need
from services.people.rota import Presence, WhyOff
from services.plan.loading import load_plan, shipped_plan_text

THOROUGH = settings(max_examples=150, deadline=None, derandomize=True, database=None)
PLAN = load_plan(shipped_plan_text())
NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
ENGLISH = frozenset({"en"})
NEED = Need("zh", "broadband", "no_service", ("beijing", "beijing-haidian"))


def person(login: str, why: WhyOff | None = None, **known: Any) -> Candidate:
    known = {"open_cases": 0, "capacity": 30, "languages": frozenset({"zh"}), **known}
    return Candidate(login=login, role="member", presence=Presence(why), **known)


def team(*people: Candidate, offices: Sequence[tuple[Office, Candidate]] = ()) -> Team:
    return Team(people, offices or [("head", people[0]), ("leadership_deputy", person("chen.guoqiang"))])


def choose(*people: Candidate, need: Need = NEED) -> Choice:
    return Sharing().choose(team(*people), need, NOW)


def passed_over(choice: Choice) -> dict[str, str]:
    return {entry["login"]: entry["because"] for entry in choice.assignment["passed_over"]}


# In this order: each goes before all that follow.
PREFERENCES = [
    ("full", person("xu.lei", open_cases=29), {"open_cases": 30, "skills": frozenset({"service:broadband"})}),
    ("language", person("xu.lei", open_cases=9), {"languages": ENGLISH, "skills": frozenset({"service:broadband"})}),
    ("skills", person("xu.lei", open_cases=9, skills=frozenset({"region:beijing"})), {}),
    ("busier", person("xu.lei", open_cases=2, last_assigned_at=NOW), {"open_cases": 3}),
    ("fuller", person("xu.lei", open_cases=3), {"open_cases": 2, "capacity": 10}),
    ("later", person("xu.lei", last_assigned_at=NOW - timedelta(hours=1)), {"last_assigned_at": NOW}),
    ("order", person("an.an"), {}),
]  # fmt: skip


@pytest.mark.parametrize(("because", "preferred", "other"), PREFERENCES)
def test_of_two_on_duty_the_one_who_suits_the_case_better_comes_first(
    because: str, preferred: Candidate, other: dict[str, Any]
) -> None:
    choice = choose(person("gao.xiang", **other), preferred)

    assert (choice.login, choice.rule) == (preferred.login, "least_loaded")
    assert passed_over(choice) == {"gao.xiang": because}


def test_of_the_skills_those_that_fit_count_and_of_regions_the_narrowest() -> None:
    skills = frozenset({"service:mobile", "subcategory:no_service", "region:beijing", "region:beijing-haidian"})

    assert NEED.met_by(skills) == ["subcategory:no_service", "region:beijing-haidian"]
    assert NEED.met_by(frozenset({"region:beijing"})) == ["region:beijing"]
    assert Need("zh", "tv").met_by(skills | {"subcategory:None"}) in ([], ["subcategory:None"])


def test_somebody_who_is_off_duty_is_never_preferred_to_somebody_on_duty() -> None:
    best = {"languages": frozenset({"zh", "en"}), "skills": frozenset({"service:broadband"})}
    choice = choose(person("xu.lei", "shift", **best), person("gao.xiang", open_cases=50, languages=ENGLISH))

    assert choice.login == "gao.xiang"
    assert passed_over(choice) == {"xu.lei": "shift"}


def test_with_everybody_full_the_other_preferences_hold() -> None:
    choice = choose(person("xu.lei", open_cases=30, languages=ENGLISH), person("gao.xiang", open_cases=40))

    assert choice.login == "gao.xiang"


def test_somebody_in_two_groups_counts_once() -> None:
    both = person("shen.wenbo")
    sharing = Sharing()
    first = team(both, person("deng.jia", open_cases=1))
    second = team(both, person("wu.xiuzhen", open_cases=0))

    given = [sharing.choose(one, NEED, NOW).login for one in (first, second, second)]

    assert given == ["shen.wenbo", "wu.xiuzhen", "wu.xiuzhen"] or given == ["shen.wenbo", "wu.xiuzhen", "shen.wenbo"]
    assert sharing.choose(first, NEED, NOW).open_cases == 1


def away(login: str) -> Candidate:
    return person(login, "leave")


@pytest.mark.parametrize(
    ("offices", "expected", "rule"),
    [
        ([("head", person("zheng.kai", "off_duty"))], "zheng.kai", "group_head"),
        ([("head", away("zheng.kai")), ("deputy", person("xu.lei", "shift"))], "xu.lei", "group_head"),
        ([("head", away("zheng.kai")), ("deputy", away("xu.lei"))], "chen.guoqiang", "leadership_deputy"),
        ([("head", away("zheng.kai"))], "chen.guoqiang", "leadership_deputy"),
    ],
)
def test_with_nobody_on_duty_whoever_answers_for_the_group_gets_it(
    offices: list[tuple[Office, Candidate]], expected: str, rule: str
) -> None:
    leadership: list[tuple[Office, Candidate]] = [
        ("leadership_deputy", person("chen.guoqiang")),
        ("leadership_head", person("zhou.min")),
    ]

    choice = Sharing().choose(team(person("gao.xiang", "shift"), offices=[*offices, *leadership]), NEED, NOW)

    assert (choice.login, choice.rule) == (expected, rule)
    assert passed_over(choice)["gao.xiang"] == "shift"


def test_with_the_leadership_deputy_away_too_the_leadership_head_gets_it() -> None:
    offices: list[tuple[Office, Candidate]] = [
        ("head", away("zheng.kai")),
        ("leadership_deputy", away("chen.guoqiang")),
        ("leadership_head", person("zhou.min", "off_duty")),
    ]

    choice = Sharing().choose(team(away("zheng.kai"), offices=offices), NEED, NOW)

    assert (choice.login, choice.rule, choice.assignment["office"]) == (
        "zhou.min",
        "leadership_deputy",
        "leadership_head",
    )
    assert passed_over(choice) == {"zheng.kai": "leave", "chen.guoqiang": "leave"}


def test_with_nobody_at_all_to_be_reached_the_head_has_it() -> None:
    offices: list[tuple[Office, Candidate]] = [("head", away("zheng.kai")), ("leadership_head", away("zhou.min"))]

    assert Sharing().choose(team(away("zheng.kai"), offices=offices), NEED, NOW).login == "zheng.kai"


def test_who_is_excluded_is_not_chosen_while_anybody_else_is_left() -> None:
    excluded = replace(person("xu.lei"), excluded=True)

    chosen = choose(excluded, person("gao.xiang", open_cases=30))
    fallen_back = choose(excluded, person("gao.xiang", "shift"))

    assert (chosen.login, passed_over(chosen)) == ("gao.xiang", {"xu.lei": "excluded"})
    assert (fallen_back.login, fallen_back.rule) == ("chen.guoqiang", "leadership_deputy")


def test_at_most_ten_are_named_and_those_on_duty_first() -> None:
    people = [person(f"on{number:03}") for number in range(8)] + [person(f"off{n}", "shift") for n in range(200)]

    others = list(passed_over(choose(*people)).items())

    assert len(others) == 10
    assert {because for _, because in others[:7]} == {"order"}
    assert {because for _, because in others[7:]} == {"shift"}


LANGUAGES = st.sampled_from([frozenset({"zh"}), frozenset({"en"}), frozenset({"zh", "en"})])
SKILLS = st.frozensets(st.sampled_from(["service:broadband", "service:mobile", "region:beijing"]), max_size=2)
WHYS = st.sampled_from([None, None, "leave", "off_duty", "shift"])
PEOPLE = st.lists(
    st.builds(
        lambda why, load, capacity, languages, skills: (why, load, capacity, languages, skills),
        WHYS, st.integers(0, 6), st.integers(1, 6), LANGUAGES, SKILLS,
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip
NEEDS = st.lists(
    st.builds(
        Need,
        st.sampled_from(["zh", "en", "fr"]),
        st.sampled_from(["broadband", "mobile", "tv"]),
        st.none(),
        st.sampled_from([(), ("beijing", "beijing-haidian")]),
    ),
    min_size=1,
    max_size=25,
)


@THOROUGH
@given(PEOPLE, NEEDS)
def test_every_choice_is_the_one_that_looking_at_everybody_would_make(people: list[Any], needs: list[Need]) -> None:
    candidates = [
        person(f"p{number:02}", why, open_cases=load, capacity=capacity, languages=languages, skills=skills)
        for number, (why, load, capacity, languages, skills) in enumerate(people)
    ]
    group, sharing = team(*candidates), Sharing()
    given_: Counter[str] = Counter()
    turns: dict[str, int] = {}

    for turn, need in enumerate(needs):
        choice = sharing.choose(group, need, NOW)
        on_duty = [one for one in candidates if one.why_not is None]
        if on_duty:
            expected = min(on_duty, key=lambda one: by_hand(one, need, given_[one.login], turns.get(one.login, -1)))
            assert (choice.login, choice.rule) == (expected.login, "least_loaded")
        else:
            assert (choice.login, choice.rule) == (group.fallback[1].login, choice.rule)
            assert choice.rule in ("group_head", "leadership_deputy")
        assert choice.assignment["login"] == choice.login
        assert choice.login not in passed_over(choice)
        assert set(passed_over(choice).values()) <= BECAUSE.keys()
        given_[choice.login] += 1
        turns[choice.login] = turn


def by_hand(one: Candidate, need: Need, given_: int, turn: int) -> tuple[Any, ...]:
    load = one.open_cases + given_
    fitting = len(need.met_by(one.skills))
    return load >= one.capacity, need.language not in one.languages, -fitting, load / one.capacity, turn, one.login


@THOROUGH
@given(st.integers(1, 12), st.integers(1, 60), st.integers(0, 5))
def test_equals_have_the_same_afterwards_but_for_one_case(people: int, cases: int, load: int) -> None:
    group = team(*(person(f"p{number:02}", open_cases=load) for number in range(people)))
    sharing = Sharing()

    given_ = Counter(sharing.choose(group, NEED, NOW).login for _ in range(cases))

    counts = [given_[one.login] for one in group.people]
    assert max(counts) - min(counts) <= 1


def test_a_large_batch_is_shared_out_in_a_large_group_without_looking_at_everybody_for_every_case() -> None:
    regions = [region.path for region in PLAN.all_regions()]
    services = ["mobile", "broadband", "tv", "fixed_line", "other"]
    people = [
        person(
            f"p{number:03}",
            "shift" if number % 5 == 0 else None,
            open_cases=number % 13,
            languages=frozenset({"zh", "en"} if number % 3 else {"zh"}),
            skills=frozenset({f"service:{services[number % 5]}", f"region:{regions[number % len(regions)][0]}"}),
        )
        for number in range(200)
    ]
    needs = [
        Need("en" if number % 4 == 0 else "zh", services[number % 5], None, regions[number % len(regions)])
        for number in range(500)
    ]

    def share_out() -> None:
        sharing, group = Sharing(), team(*people)
        for need in needs:
            sharing.choose(group, need, NOW)

    def look_at_everybody() -> None:
        for need in needs:
            min(people, key=lambda one: by_hand(one, need, 0, 0))

    assert fastest(share_out) < fastest(look_at_everybody) / 3


def fastest(work: Callable[[], None]) -> float:
    """Seconds of processor time that the work takes when nothing disturbs it."""
    took = []
    for _ in range(3):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)


def sentence(choice: Choice, language: str = "zh") -> str:
    return explain(choice.assignment, PLAN, language)


def test_the_explanation_says_what_spoke_for_the_person() -> None:
    choice = choose(person("liu.yang", open_cases=3), person("wang.fang", open_cases=5), person("sun.qian", "off_duty"))

    assert sentence(choice) == "刘洋当值，会说中文，手上3件（上限30），比同组其他人少。"
    assert sentence(choice, "en") == (
        "Liu Yang is on duty, speaks Chinese, has 3 on hand (of 30 at most), fewer than the others of the group."
    )


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (choose(person("liu.yang")), "同组目前没有其他人当值。"),
        (choose(person("liu.yang"), person("wang.fang")), "同样合适的人中没有更少的。"),
        (choose(person("liu.yang"), person("wang.fang", last_assigned_at=NOW)), "且最久没有接到新投诉。"),
        (choose(person("liu.yang"), person("wang.fang", open_cases=30)), "其他当值的人手上已满。"),
        (choose(person("liu.yang"), person("wang.fang", languages=ENGLISH)), "其他当值的人不会说客户的语言。"),
        (
            choose(person("liu.yang", open_cases=3), person("wang.fang", open_cases=2, capacity=10)),
            "按上限折算比同组其他人少。",
        ),
        (
            choose(
                person("liu.yang", skills=frozenset({"region:beijing"})),
                person("wang.fang", open_cases=2, skills=frozenset({"region:beijing"})),
                person("huang.jun"),
            ),
            "熟悉北京市，手上0件（上限30），比其他同样合适的人少。",
        ),
        (
            choose(person("liu.yang", languages=ENGLISH), person("wang.fang", "leave")),
            "手上0件（上限30），同组目前没有其他人当值；会说中文的人不当值或手上已满。",
        ),
    ],
)  # fmt: skip
def test_the_explanation_says_what_set_the_person_apart(choice: Choice, expected: str) -> None:
    text = sentence(choice)

    assert text.startswith("刘洋当值")
    assert text.endswith(expected)
    assert "None" not in explain(choice.assignment, PLAN, "en")


def test_the_explanation_says_that_nobody_was_on_duty() -> None:
    offices: list[tuple[Office, Candidate]] = [
        ("head", person("zheng.kai", "leave")),
        ("leadership_deputy", person("chen.guoqiang")),
    ]
    choice = Sharing().choose(team(person("xu.lei", "shift"), person("zheng.kai", "leave"), offices=offices), NEED, NOW)

    assert sentence(choice) == "同组无人当值，由领导小组副组长陈国强处理；郑凯休假。"
    assert sentence(choice, "en") == (
        "Nobody of the group is on duty, so it is with the deputy of the leadership group, Chen Guoqiang; "
        "Zheng Kai is on leave."
    )


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        (None, "尚未分派到人。"),
        ({"rule": "accepted", "previous": "xu.lei", "at": "…"}, "由高翔接单。"),
        ({"rule": "by_hand", "previous": "xu.lei", "at": "…"}, "由人工指派给高翔。"),
        ({"rule": "unheard_of"}, "由高翔处理。"),
        ({"rule": "least_loaded", "open_cases": 2, "at": "…"}, "高翔当值。"),
        (
            {"rule": "substitute", "login": "gao.xiang", "previous": "xu.lei", "because": "sick"},
            "由徐磊指定的代理人高翔接手。此前由徐磊处理（病假）。",
        ),
        (
            {"rule": "group_head", "login": "zheng.kai", "office": "head", "previous": "left.us", "because": "gone"},
            "同组无人当值，由组长郑凯处理。此前由left.us处理（已不在预案名单中）。",
        ),
    ],
)  # fmt: skip
def test_what_other_actions_or_releases_wrote_is_explained_as_far_as_it_goes(
    assignment: dict[str, Any] | None, expected: str
) -> None:
    assert explain(assignment, PLAN, "zh", assignee="gao.xiang") == expected
    assert explain(assignment, PLAN, "en", assignee="gao.xiang").endswith(".")
