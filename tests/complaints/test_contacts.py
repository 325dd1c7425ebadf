"""The ways to reach a customer: which spellings are taken, and what they become."""

from __future__ import annotations

import phonenumbers
import pytest
from email_validator import validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from services.complaints.contacts import normal_email, normal_phone

THOROUGH = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("13800138000", "+8613800138000"),
        ("+8613800138000", "+8613800138000"),
        ("138 0013 8000", "+8613800138000"),
        ("138-0013-8000", "+8613800138000"),
        ("138.0013.8000", "+8613800138000"),
        ("+86 138\u00a00013\u00a08000", "+8613800138000"),
        ("(+86)13800138000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("＋８６　１３８－００１３－８０００", "+8613800138000"),
        ("138–0013–8000", "+8613800138000"),
        ("tel:+8613800138000", "+8613800138000"),
        ("010-88881234", "+861088881234"),
        ("（010）8888 1234", "+861088881234"),
        ("010-88881234转801", "+861088881234"),
        ("010-88881234 ext. 801", "+861088881234"),
        ("+861088881234;ext=801", "+861088881234"),
        ("0755-12345678", "+8675512345678"),
        ("400-800-1234", "+864008001234"),
        ("+14155550132", "+14155550132"),
        ("+44 20 7946 0958", "+442079460958"),
        ("+85291234567", "+85291234567"),
        ("19900000000", "+8619900000000"),
    ],
)
def test_a_phone_number_is_taken_in_the_spellings_of_people(written: str, normal: str) -> None:
    assert normal_phone(written) == normal


@pytest.mark.parametrize(
    ("written", "region", "normal"),
    [
        ("020 7946 0958", "GB", "+442079460958"),
        ("(415) 555-0132", "US", "+14155550132"),
        ("13800138000", "GB", None),
        ("+8613800138000", "GB", "+8613800138000"),
        ("98765 43210", "IN", "+919876543210"),
    ],
)
def test_national_form_is_that_of_the_plans_country(written: str, region: str, normal: str | None) -> None:
    if normal is None:
        with pytest.raises(ValueError, match="phone number"):
            normal_phone(written, region)
    else:
        assert normal_phone(written, region) == normal


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "+",
        "abc",
        "110",
        "138",
        "138001380001380013800",
        "+999123456789",
        "+86",
        "1380013800o",
        "l3800138000",
        "1380013800 O",
        "13800138000, 13900139000",
        "13800138000/13900139000",
        "please call 13800138000",
        "13800138000 (mother)",
        "138****8000",
        "1-800-FLOWERS",
        "13800138000；13900139000",
    ],
)
def test_what_is_no_phone_number_is_refused_and_never_cut_short(written: str) -> None:
    with pytest.raises(ValueError, match=r"phone number"):
        normal_phone(written)


@THOROUGH
@given(number=st.from_regex(r"(\+86)?1[3-9][0-9]{9}", fullmatch=True))
def test_the_short_way_for_mobile_numbers_agrees_with_the_library(number: str) -> None:
    parsed = phonenumbers.parse(number, "CN")

    assert phonenumbers.is_possible_number(parsed)
    assert normal_phone(number) == phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@THOROUGH
@given(written=st.text(st.sampled_from("0123456789+-() .x＋１２転转ab/\n"), max_size=20))
def test_a_normal_number_stays_as_it_is(written: str) -> None:
    try:
        normal = normal_phone(written)
    except ValueError:
        return

    assert normal[0] == "+"
    assert normal[1:].isdecimal()
    assert normal_phone(normal) == normal


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("li.wei@example.com", "li.wei@example.com"),
        ("Li.Wei+dsl@Mail.Example.COM", "Li.Wei+dsl@mail.example.com"),
        ("李伟@例子.中国", "李伟@例子.中国"),
        ("a'b@example.co.uk", "a'b@example.co.uk"),
        ("x@xn--fsqu00a.xn--fiqs8s", "x@例子.中国"),
        ("x" * 64 + "@example.com", "x" * 64 + "@example.com"),
    ],
)
def test_an_e_mail_address_is_taken_with_its_domain_in_small_letters(written: str, normal: str) -> None:
    assert normal_email(written) == normal


@pytest.mark.parametrize(
    "written",
    [
        "",
        "@",
        "li.wei",
        "li.wei@",
        "@example.com",
        "li@@example.com",
        "li wei@example.com",
        "li.wei@example",
        "li.wei@localhost",
        ".li@example.com",
        "li.@example.com",
        "l..i@example.com",
        "li@-example.com",
        "li@example_com.cn",
        "li@example..com",
        "li@[127.0.0.1]",
        "li@example.com, wei@example.com",
        "Li Wei <li.wei@example.com>",
        '"li wei"@example.com',
        "li@example.com\nbcc: all@example.com",
        "x@" + "y" * 250 + ".com",
        "x@" + "y" * 64 + ".com",
        "li.wei@mail.test",
        "li.wei@printer.local",
    ],
)
def test_what_is_no_e_mail_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is no e-mail address"):
        normal_email(written)


@THOROUGH
@given(
    local=st.from_regex(r"[a-zA-Z0-9_+-]{1,40}(\.[a-zA-Z0-9_+-]{1,40}){0,2}", fullmatch=True),
    domain=st.from_regex(
        r"[a-zA-Z0-9]{1,40}([.-][a-zA-Z0-9]{1,40}){0,3}\.(com|cn|test|local|onion|Arpa|io)", fullmatch=True
    ),
)
def test_the_short_way_for_addresses_accepts_no_more_than_the_library(local: str, domain: str) -> None:
    try:
        expected = validate_email(f"{local}@{domain}", check_deliverability=False).normalized
    except ValueError:
        expected = None

    try:
        normal = normal_email(f"{local}@{domain}")
    except ValueError:
        normal = None

    assert normal == expected
