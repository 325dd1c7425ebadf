"""Texts cut into messages, and bytes read as texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notices.channels.port import Rejected
from services.notices.channels.sms_encoding import DEFAULT, MOST_PARTS, UCS2, Place, decode, encode, place_of
from services.notices.channels.sms_identity import Content, Identities
from services.notices.channels.sms_pdu import Garbled, read_deliver, take

AT = datetime(2026, 2, 11, 9, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "coding", "sizes"),
    [
        ("a" * 160, DEFAULT, [160]),
        ("a" * 161, DEFAULT, [6 + 153, 6 + 8]),
        ("€" * 80, DEFAULT, [160]),
        # The 153rd byte would be the sign that announces an extended character.
        ("a" * 152 + "€" * 10, DEFAULT, [6 + 152, 6 + 20]),
        ("诉" * 70, UCS2, [140]),
        ("诉" * 71, UCS2, [6 + 134, 6 + 8]),
        ("诉" * 66 + "😀" * 3, UCS2, [6 + 132, 6 + 12]),
    ],
)
def test_a_text_takes_as_few_messages_as_it_fits_in_and_no_character_is_cut(
    text: str, coding: int, sizes: list[int]
) -> None:
    encoded = encode(text, 7)

    assert (encoded.coding, [len(part) for part in encoded.parts]) == (coding, sizes)


@given(st.text(st.one_of(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), st.sampled_from("€[😀诉a"))))
def test_each_part_can_be_read_alone_and_together_they_are_the_text(text: str) -> None:
    try:
        encoded = encode(text, 300)
    except Rejected:
        return

    shown, places = "", []
    for part in encoded.parts:
        place, data = place_of(part) if len(encoded.parts) > 1 else (None, part)
        places.append(place)
        shown += decode(encoded.coding, data)
        assert len(part) <= (160 if encoded.coding == DEFAULT else 140)
    assert shown == text
    total = len(places)
    assert places == [Place(300 & 0xFF, total, number + 1) if total > 1 else None for number in range(total)]


def test_a_text_of_too_many_parts_says_how_many_and_how_many_are_allowed() -> None:
    assert len(encode("诉" * 67 * MOST_PARTS, 1).parts) == MOST_PARTS

    with pytest.raises(Rejected, match="takes 11 text messages; 10 are allowed"):
        encode("诉" * (67 * MOST_PARTS + 1), 1)


@pytest.mark.parametrize(
    ("coding", "data", "text"),
    [
        (0x00, b"\x00 \x1b\x65 \x11", "@ € _"),
        (0x00, "né".encode("latin-1"), "né"),
        (0x01, b"ok\xff", "ok\ufffd"),
        (0x03, "café".encode("latin-1"), "café"),
        (0x08, "好😀".encode("utf-16-be"), "好😀"),
        (0x08, "好".encode("utf-16-be") + b"\x59", "好\ufffd"),
        (0x08, b"\xd8\x3d\x00a", "\ufffda"),
        (0x08, b"\x00\x00", "\ufffd"),
        (0x0F, "投诉".encode("gb18030"), "投诉"),
        (0x18, "好".encode("utf-16-be"), "好"),
        (0xF1, b"flash", "flash"),
        (0x04, b"\xff\xfe", "\ufffd\ufffd"),
        (0xC8, b"hi", "hi"),
    ],
)
def test_a_message_is_read_by_its_coding(coding: int, data: bytes, text: str) -> None:
    assert decode(coding, data) == text


@given(st.integers(0, 255), st.binary(max_size=60))
def test_rubbish_becomes_a_text_that_the_database_takes(coding: int, data: bytes) -> None:
    place_of(data)

    text = decode(coding, data)

    assert "\0" not in text
    text.encode()


def test_a_header_of_something_else_is_taken_off_and_one_that_breaks_off_is_text() -> None:
    assert place_of(b"\x06\x05\x04\x00\x01\x00\x02hi") == (None, b"hi")
    assert place_of(b"\x06\x08\x04\x01\x02\x02\x01hi") == (Place(0x0102, 2, 1), b"hi")
    assert place_of(b"\x05\x00\x03\x01\x02\x03hi") == (None, b"hi")
    assert place_of(b"\x46i") == (None, b"\x46i")


@given(st.binary(max_size=80))
def test_a_packet_of_rubbish_is_read_or_refused(data: bytes) -> None:
    buffer = bytearray(data)
    try:
        take(buffer)
        read_deliver(data)
    except Garbled:
        pass


def test_an_equal_message_is_the_same_within_a_minute_and_another_one_later() -> None:
    identities = Identities()
    one = Content(b"1", named=False)

    first = identities.of(one, AT)

    assert identities.of(one, AT + timedelta(seconds=50)) == first
    second = identities.of(one, AT + timedelta(minutes=3))
    third = identities.of(one, AT + timedelta(days=1))
    assert len({first, second, third, identities.of(Content(b"2", named=False), AT)}) == 4


def test_a_message_whose_answer_may_be_lost_is_the_same_for_a_day() -> None:
    identities = Identities()
    lost, heard = Content(b"lost", named=False), Content(b"heard", named=False)
    of_heard, of_lost = identities.of(heard, AT), identities.of(lost, AT + timedelta(minutes=2))

    identities.line_broke(AT + timedelta(minutes=2, seconds=1))

    assert identities.of(lost, AT + timedelta(hours=5)) == of_lost
    assert identities.of(heard, AT + timedelta(hours=5)) != of_heard


def test_another_process_gives_the_same_message_the_same_id() -> None:
    one = Content(b"1", named=False)

    assert Identities().of(one, AT) == Identities().of(one, AT + timedelta(minutes=5))


def test_a_message_with_an_id_of_the_centre_is_known_by_it_for_good() -> None:
    named, identities = Content(b"1", named=True), Identities()

    assert identities.of(named, AT) == identities.of(named, AT + timedelta(days=30))
