"""What the plan says of its staff is checked against the rest of it."""

from __future__ import annotations

import pytest

from services.plan.loading import PlanInvalid, load_plan, shipped_plan_text

CAPACITY = "    capacity: 20\n    skills: {subcategories: [misleading_promotion, opaque_tariff]}\n"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("    shift: ofice\n", 'staff.deng.jia.shift: "ofice" is no calendar; did you mean "office"?'),
        ("    skills: {services: [brodband]}\n", 'services[0]: "brodband" is no service; did you mean "broadband"?'),
        ("    skills: {subcategories: [overcharg]}\n", '"overcharg" is no sub-category; did you mean "overcharge"?'),
        ("    skills: {regions: [北京]}\n", 'skills.regions[0]: "北京" is no region; write its code'),
        ("    skills: {regions: [hebei, hebei]}\n", 'skills.regions[1]: "hebei" stands here twice; keep one'),
        ("    capacity: 0\n", "staff.deng.jia.capacity"),
    ],
)
def test_what_the_plan_does_not_know_is_refused_with_its_place(written: str, expected: str) -> None:
    text = shipped_plan_text()
    assert CAPACITY in text

    with pytest.raises(PlanInvalid) as refused:
        load_plan(text.replace(CAPACITY, written))

    assert expected in str(refused.value)


def test_without_skills_and_capacity_somebody_is_as_good_as_others_and_has_thirty_cases_at_most() -> None:
    person = load_plan(shipped_plan_text()).person("wang.fang")

    assert (person.capacity, person.shift, person.skills.services) == (30, None, ())
