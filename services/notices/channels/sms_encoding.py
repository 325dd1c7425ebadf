"""The alphabets of text messages: cutting a text into parts that a phone puts together, and reading what comes in.

Sizes and the header of parts are those of 3GPP TS 23.040 (9.2.3.24.1), alphabets those of 3GPP TS 23.038 and of
SMPP 3.4 (5.2.19). The default alphabet travels one character to a byte, as message centres want it over SMPP.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aiosmpplib.codec import GSM_BASIC_ENCODE_MAP, GSM_EXTENDED_ENCODE_MAP, GSM7BitCodec

from services.notices.channels.port import Rejected

DEFAULT: Final = 0x00
UCS2: Final = 0x08
# A longer text is a letter, costs as much as ten messages, and some phones show it in pieces.
MOST_PARTS: Final = 10

_ESCAPE: Final = 0x1B
# Bytes that one message holds alone, and beside the header of a part.
_ALONE: Final = {DEFAULT: 160, UCS2: 140}
_IN_PARTS: Final = {DEFAULT: 153, UCS2: 134}
_GSM: Final[dict[str, bytes]] = {
    **{character: bytes([code]) for character, code in GSM_BASIC_ENCODE_MAP.items()},
    **{character: bytes([_ESCAPE, code]) for character, code in GSM_EXTENDED_ENCODE_MAP.items()},
}
_PARTS_8_BIT: Final = 0x00
_PARTS_16_BIT: Final = 0x08
# What the codings of SMPP stand for. 15 is reserved there; Chinese gateways have GB 18030 at it.
_CODECS: Final = {
    0x01: "ascii",
    0x03: "latin-1",
    0x05: "iso2022_jp",
    0x06: "iso8859_5",
    0x07: "iso8859_8",
    UCS2: "utf-16-be",
    0x09: "shift_jis",
    0x0A: "iso2022_jp",
    0x0D: "iso2022_jp_1",
    0x0E: "euc_kr",
    0x0F: "gb18030",
}


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as it travels: its coding, and the bytes of each message. Several begin with the header of a part each."""

    coding: int
    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part belongs: part ``number`` (from 1) of ``total`` of the text ``reference``."""

    reference: int
    total: int
    number: int


def encode(text: str, reference: int) -> Encoded:
    """The text in as few messages as it fits in: in the default alphabet if that has all its characters, else in UCS-2.

    ``reference`` (8 bits) tells the parts of one text from those of another. Raises `Rejected` for a text of more
    than `MOST_PARTS`.
    """
    try:
        coding, data = DEFAULT, b"".join(map(_GSM.__getitem__, text))
    except KeyError:
        coding, data = UCS2, text.encode("utf-16-be", "replace")
    if len(data) <= _ALONE[coding]:
        return Encoded(coding, (data,))
    pieces = tuple(_cut(data, coding))
    if len(pieces) > MOST_PARTS:
        raise Rejected(f"the text takes {len(pieces)} text messages; {MOST_PARTS} are allowed: shorten the template")
    head = bytes([5, _PARTS_8_BIT, 3, reference & 0xFF, len(pieces)])
    return Encoded(coding, tuple(head + bytes([number]) + piece for number, piece in enumerate(pieces, 1)))


def place_of(data: bytes) -> tuple[Place | None, bytes]:
    """What a user data header says of the part, and the text behind the header. No place where it is of no parts.

    What is no header is text.
    """
    if not data or len(data) <= data[0]:
        return None, data
    head, text = data[1 : data[0] + 1], data[data[0] + 1 :]
    at = 0
    while at + 2 <= len(head):
        kind, value = head[at], head[at + 2 : at + 2 + head[at + 1]]
        at += 2 + head[at + 1]
        if kind == _PARTS_8_BIT and len(value) == 3:
            return place(value[0], value[1], value[2]), text
        if kind == _PARTS_16_BIT and len(value) == 4:
            return place(value[0] << 8 | value[1], value[2], value[3]), text
    return None, text


def place(reference: int, total: int, number: int) -> Place | None:
    """A part's place; None where the numbers make no sense or the text has no other part."""
    return Place(reference, total, number) if total > 1 and 1 <= number <= total else None


def decode(coding: int, data: bytes) -> str:
    """The text, whatever the bytes are: what can't be read becomes U+FFFD. Holds no NUL, which no database keeps."""
    codec = _codec(coding)
    if codec is None and max(data, default=0) < 0x80:
        text: str = GSM7BitCodec().decode(data, "replace")[0]
    else:
        # A byte beyond 7 bits is not of the GSM alphabet. Centres that send it have Latin-1 as their default.
        text = data.decode(codec or "latin-1", "replace")
    return text.lstrip("\ufeff").replace("\0", "\ufffd")


def _cut(data: bytes, coding: int) -> Iterator[bytes]:
    """Pieces that fit beside a header and end with a whole character."""
    start = 0
    while start < len(data):
        end = start + _IN_PARTS[coding]
        if end < len(data):
            if coding == DEFAULT and data[end - 1] == _ESCAPE:
                end -= 1
            elif coding == UCS2 and 0xD8 <= data[end - 2] <= 0xDB:
                end -= 2
        yield data[start:end]
        start = end


def _codec(coding: int) -> str | None:
    """Python's name of the coding; None for the default alphabet."""
    if coding >= 0xF0:
        return "utf-8" if coding & 0x04 else None
    if coding >= 0xC0:
        return "utf-16-be" if coding >= 0xE0 else None
    if 0x10 <= coding < 0x80:
        return {0x04: "utf-8", 0x08: "utf-16-be"}.get(coding & 0x0C)
    return None if coding == DEFAULT else _CODECS.get(coding, "utf-8")
