"""Finding a region by the words of a complaint."""

from __future__ import annotations

import pytest

from services.plan.loading import load_plan, shipped_plan_text
from tests.plan.factories import SMALL_PLAN

PLAN = load_plan(SMALL_PLAN)
SHIPPED = load_plan(shipped_plan_text())


@pytest.mark.parametrize(
    "words",
    [
        "北京/海淀",
        "北京市/海淀区",
        "北京·海淀",
        "北京 海淀",
        "北京，海淀",
        "北京市海淀区",
        "北京/北京市/海淀区",
        "京/海淀",
        "海淀",
        "Beijing/Haidian",
        "BEIJING HAIDIAN",
        "Haidian District, Beijing",
        "beijing-haidian",
        "  北京／海淀  ",
    ],
)
def test_a_district_is_found_however_it_is_written(words: str) -> None:
    found = PLAN.find_region(words)

    assert found is not None
    assert found.path == ("beijing", "beijing-haidian")


@pytest.mark.parametrize(
    "words",
    ["", "  ", "/", "火星", "北京/火星", "火星/海淀", "海淀市", "吉林/海淀", "110000", "北" * 5000, "海淀" * 50],
)
def test_words_that_name_no_region_find_none(words: str) -> None:
    assert PLAN.find_region(words) is None


def test_words_that_fit_two_regions_find_neither_until_more_is_said() -> None:
    assert PLAN.find_region("长春/朝阳") == PLAN.region("changchun-chaoyang")
    assert PLAN.find_region("北京/朝阳") == PLAN.region("beijing-chaoyang")
    two = load_plan(
        SMALL_PLAN.replace(
            "children: [{code: anshan", "children: [{code: haidian2, name: {zh: 海淀区, en: H}}, {code: anshan"
        )
    )
    assert two.find_region("海淀") is None


def test_a_province_and_a_city_of_one_name_are_told_apart() -> None:
    assert PLAN.find_region("吉林") == PLAN.region("jilin")
    assert PLAN.find_region("吉林市") == PLAN.region("jilin-jilin")
    assert PLAN.find_region("吉林/吉林") == PLAN.region("jilin-jilin")
    assert PLAN.find_region("吉林省吉林市") == PLAN.region("jilin-jilin")


def test_levels_in_between_may_be_left_out() -> None:
    assert PLAN.find_region("吉林省农安县") == PLAN.region("nongan")


def test_a_name_written_without_a_suffix_is_found_with_one() -> None:
    assert PLAN.find_region("辽宁省鞍山市") == PLAN.region("anshan")


def test_town_or_country_is_inherited_and_can_be_overruled() -> None:
    assert PLAN.region("changchun").kind == "town"
    assert PLAN.region("nongan").kind == "country"
    assert PLAN.region("anshan").kind == "country"


def test_a_region_knows_the_one_above() -> None:
    assert PLAN.region("beijing-haidian").parent == "beijing"
    assert PLAN.region("beijing").parent is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_shipped_region_is_found_by_the_names_on_its_way_down(language: str) -> None:
    for region in SHIPPED.all_regions():
        words = "/".join(SHIPPED.region(code).name.in_language(language) for code in region.path)

        assert SHIPPED.find_region(words) == region


def test_autonomous_regions_are_found_by_their_short_names() -> None:
    for words, code in (("内蒙古包头", "inner-mongolia-baotou"), ("广西南宁", "guangxi-nanning"), ("新疆", "xinjiang")):
        assert SHIPPED.find_region(words) == SHIPPED.region(code)
