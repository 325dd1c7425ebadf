"""Identifiers: ordered in time inside, and safe to read over the phone outside."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.base.identity import ALPHABET, new_id, new_reference, parse_reference

THOROUGH = settings(max_examples=150, deadline=None, derandomize=True, database=None)
REFERENCES = st.builds(new_reference, st.sampled_from(["RD", "TS", "COMPLAINT"]))
PLACES = st.integers(0, 8)
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def characters(reference: str) -> list[str]:
    """The nine characters without prefix and dashes."""
    return list(reference.split("-", 1)[1].replace("-", ""))


def test_ids_are_uuids_of_version_7_in_the_order_in_which_they_were_made() -> None:
    made = [new_id() for _ in range(1000)]

    assert {one.version for one in made} == {7}
    assert len(set(made)) == 1000
    assert made == sorted(made)


def test_a_reference_has_one_form() -> None:
    reference = new_reference()

    prefix, first, second, check = reference.split("-")
    assert (prefix, len(first), len(second), len(check)) == ("RD", 4, 4, 1)
    assert set(first + second + check) <= set(ALPHABET)


def test_references_do_not_repeat_and_tell_nothing_of_each_other() -> None:
    made = [new_reference() for _ in range(5000)]

    assert len(set(made)) == 5000
    # Every character stands at every place: a counter would leave most of them out.
    for place in range(8):
        assert {characters(reference)[place] for reference in made} == set(ALPHABET)


@THOROUGH
@given(reference=REFERENCES, place=PLACES, wrong=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_detected(reference: str, place: int, wrong: str) -> None:
    prefix = reference.partition("-")[0]
    typed = characters(reference)
    right, typed[place] = typed[place], wrong

    assert parse_reference("".join(typed), prefix) == (reference if wrong == right else None)


@THOROUGH
@given(reference=REFERENCES, one=PLACES, other=PLACES)
def test_two_characters_that_changed_places_are_detected(reference: str, one: int, other: int) -> None:
    prefix = reference.partition("-")[0]
    typed = characters(reference)
    typed[one], typed[other] = typed[other], typed[one]
    same = typed == characters(reference)

    assert parse_reference("".join(typed), prefix) == (reference if same else None)


@THOROUGH
@given(reference=REFERENCES, place=PLACES)
def test_a_lost_or_doubled_character_is_detected(reference: str, place: int) -> None:
    prefix = reference.partition("-")[0]
    typed = characters(reference)

    assert parse_reference("".join(typed[:place] + typed[place + 1 :]), prefix) is None
    assert parse_reference("".join(typed[: place + 1] + typed[place:]), prefix) is None


@pytest.mark.parametrize("prefix", ["RD", "TS", "COMPLAINT"])
def test_a_reference_is_understood_however_it_is_typed(prefix: str) -> None:
    for reference in (new_reference(prefix) for _ in range(200)):
        bare = "".join(characters(reference))
        spellings = [
            reference,
            reference.lower(),
            reference.replace("-", ""),
            bare,
            bare.lower(),
            f"  {bare[:3]} {bare[3:6]}.{bare[6:]} ",
            f"#{reference}",
            reference.replace("-", "–"),
            reference.translate(FULL_WIDTH),
            f"{prefix}-{bare.replace('1', 'I')}",
            f"{prefix}-{bare.replace('1', 'l')}",
        ]

        assert {parse_reference(spelling, prefix) for spelling in spellings} == {reference}


@pytest.mark.parametrize(
    "text", ["", "RD", "RD-", "李伟", "RD-0000-0000-0", "²²²²²²²²²", "RD-1111-1111-1-1", "-" * 1000]
)
def test_what_cannot_be_a_reference_is_none(text: str) -> None:
    assert parse_reference(text) is None


@THOROUGH
@given(text=st.text())
def test_any_text_is_a_reference_or_none(text: str) -> None:
    parsed = parse_reference(text)

    assert parsed is None or parse_reference(parsed) == parsed
