"""Identifiers: time-ordered UUIDs inside, short references with a check character for people.

A reference is made to be read over the phone: 31 characters that are hard to confuse (no 0 or O, no 1-like I and
L, no U), eight of them random and one that detects any single wrong character and any two that changed places.
"""

from __future__ import annotations

import os
import unicodedata
from uuid import UUID

from uuid_utils.compat import uuid7

ALPHABET = "123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_RANDOM = 8
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_PAIR = len(_PAIRS)
_WEIGHTS = range(2, 2 + _RANDOM)


def new_id() -> UUID:
    """A UUID of version 7: ordered by the time it was made, to the millisecond."""
    return uuid7()


def new_reference(prefix: str = "RD") -> str:
    """A reference such as ``RD-7K3M-9PQ2-X``. Random: a case's reference tells nothing about other cases."""
    # 64 random bits over 31^8 references: the unevenness is below one in ten millions.
    number = int.from_bytes(os.urandom(8), "big")
    number, first = divmod(number, _PAIR)
    number, second = divmod(number, _PAIR)
    number, third = divmod(number, _PAIR)
    body = _PAIRS[first] + _PAIRS[second] + _PAIRS[third] + _PAIRS[number % _PAIR]
    return f"{prefix}-{body[:4]}-{body[4:]}-{_check(body)}"


def parse_reference(text: str, prefix: str = "RD") -> str | None:
    """The reference in its one spelling, from what a person typed.

    Any case and width, with or without dashes and prefix, and with I or L for 1.

    None when it cannot be one: wrong length, wrong characters, or the check character disagrees.
    """
    cleaned = "".join(character for character in unicodedata.normalize("NFKC", text).upper() if character.isalnum())
    body = cleaned[len(prefix) :] if cleaned.startswith(prefix) and len(cleaned) > _RANDOM + 1 else cleaned
    body = body.replace("I", "1").replace("L", "1")
    if len(body) != _RANDOM + 1 or any(character not in _VALUE for character in body):
        return None
    if _check(body[:_RANDOM]) != body[_RANDOM]:
        return None
    return f"{prefix}-{body[:4]}-{body[4:8]}-{body[8]}"


def _check(body: str) -> str:
    # The modulus 31 is prime and the weights differ, so one wrong character and any transposition change the sum.
    total = sum(weight * _VALUE[character] for weight, character in zip(_WEIGHTS, body, strict=True))
    return ALPHABET[total % len(ALPHABET)]
