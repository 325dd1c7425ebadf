"""The one door to personal data: sealed and opened, found by keyed hashes, shown to the customer by a token."""

from __future__ import annotations

import base64
import json
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.base.identity import new_id
from services.base.privacy import Person, Privacy

SECRET = "the secret of this installation, long enough"
PRIVACY = Privacy(SECRET)
OTHER = Privacy("the secret of another installation, as long")
CASE = UUID("019389f4-3c2e-7a51-9d0e-5b6f0c1d2e3f")
THOROUGH = settings(max_examples=150, deadline=None, derandomize=True, database=None)
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1)


@THOROUGH
@given(name=TEXT, phone=st.none() | TEXT, email=st.none() | TEXT, account=st.none() | TEXT, address=st.none() | TEXT)
def test_what_was_sealed_is_opened_unchanged(
    name: str, phone: str | None, email: str | None, account: str | None, address: str | None
) -> None:
    person = Person(name=name, phone=phone, email=email, account=account, reply_address=address)

    stored = json.loads(PRIVACY.seal(person))

    assert PRIVACY.open(stored) == person


@pytest.mark.parametrize("value", ["li.wei@example.com", "LI.WEI@example.com", " li.wei@example.com "])
def test_a_fingerprint_is_the_same_for_the_same_value_in_any_case(value: str) -> None:
    assert PRIVACY.fingerprint("email", value) == PRIVACY.fingerprint("email", "li.wei@example.com")


def test_fingerprints_differ_by_value_by_kind_and_by_secret() -> None:
    prints = {
        PRIVACY.fingerprint("phone", "+8613800138000"),
        PRIVACY.fingerprint("phone", "+8613800138001"),
        PRIVACY.fingerprint("account", "+8613800138000"),
        OTHER.fingerprint("phone", "+8613800138000"),
    }

    assert len(prints) == 4
    assert all(found is not None and len(found) == 16 for found in prints)


@pytest.mark.parametrize("value", [None, ""])
def test_nothing_has_no_fingerprint(value: str | None) -> None:
    assert PRIVACY.fingerprint("phone", value) is None


def test_a_fingerprint_holds_nothing_of_the_value() -> None:
    found = PRIVACY.fingerprint("phone", "+8613800138000")

    assert found is not None
    assert b"138" not in found


def test_a_token_is_the_same_each_time_and_leads_to_its_case() -> None:
    token = PRIVACY.track_token(CASE, 0)

    assert token == Privacy(SECRET).track_token(CASE, 0)
    assert PRIVACY.case_of_token(token) == CASE
    assert PRIVACY.token_matches(token, CASE, 0)


def test_a_token_can_stand_in_an_address_as_it_is() -> None:
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")

    assert all(set(PRIVACY.track_token(new_id(), epoch)) <= allowed for epoch in range(100))


def test_a_higher_epoch_revokes_earlier_tokens() -> None:
    assert not PRIVACY.token_matches(PRIVACY.track_token(CASE, 0), CASE, 1)
    assert not PRIVACY.token_matches(PRIVACY.track_token(CASE, 1), CASE, 0)


def test_a_token_opens_no_other_case_and_no_other_installation() -> None:
    token = PRIVACY.track_token(CASE, 0)

    assert not PRIVACY.token_matches(token, new_id(), 0)
    assert not OTHER.token_matches(token, CASE, 0)


@THOROUGH
@given(case=st.uuids(), epoch=st.integers(0, 2**31 - 1), place=st.integers(0, 37), other=st.characters(codec="ascii"))
def test_a_token_changed_at_any_place_opens_nothing(case: UUID, epoch: int, place: int, other: str) -> None:
    token = PRIVACY.track_token(case, epoch)
    changed = token[:place] + other + token[place + 1 :]

    claimed = PRIVACY.case_of_token(changed)

    assert changed == token or claimed is None or not PRIVACY.token_matches(changed, claimed, epoch)


@THOROUGH
@given(case=st.uuids(), padding=st.text("=!. \n", min_size=1, max_size=3))
def test_a_token_has_one_spelling(case: UUID, padding: str) -> None:
    token = PRIVACY.track_token(case, 0)

    assert not PRIVACY.token_matches(token + padding, case, 0)
    assert not PRIVACY.token_matches(padding + token, case, 0)


def test_nobody_makes_a_token_without_the_secret() -> None:
    guessed = str(base64.urlsafe_b64encode(CASE.bytes + bytes(12)).rstrip(b"="), "ascii")

    assert PRIVACY.case_of_token(guessed) == CASE
    assert not PRIVACY.token_matches(guessed, CASE, 0)


@THOROUGH
@given(text=st.text(st.characters(codec="utf-8")))
def test_any_text_as_a_token_claims_a_case_or_none(text: str) -> None:
    claimed = PRIVACY.case_of_token(text)

    assert claimed is None or not PRIVACY.token_matches(text, claimed, 0)
