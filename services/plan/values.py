"""The small values that a plan is written in: bilingual texts, codes, durations, phrases.

Each says in its error what to write instead. Nothing here knows the plan's sections.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

LONGEST_PHRASE = 400
REGEX_MARK = "re:"

_DURATION = re.compile(r"(?:([0-9]{1,4})w)?(?:([0-9]{1,4})d)?(?:([0-9]{1,5})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,8})s)?")


class Entry(BaseModel):
    """The base of everything in a plan: unknown fields are refused, values can't be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_duration(value: object) -> timedelta:
    """Reads ``15m``, ``48h``, ``15d``, ``2w`` or a combination from large to small such as ``1h30m``.

    Days are days of 24 hours. Raises ValueError for anything else, zero included.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"{value} has no unit; write for example {value}h")
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        example = f"{value}h" if isinstance(value, str) and value.isdigit() else "48h"
        raise ValueError(f"{quoted(value)} is no duration; write for example {example}")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        raise ValueError(f"{quoted(value)} is no time at all; the shortest is 1s")
    return length


def quoted(value: object) -> str:
    """The value as a person would recognise it in the file, shortened where it is long."""
    match value:
        case str():
            return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}…"'
        case bool():
            return "true" if value else "false"
        case None:
            return "nothing"
        case dict():
            return "a group of fields"
        case list():
            return "a list"
        case _:
            return str(value)


def _not_blank(value: str) -> str:
    stripped = value.strip()
    if not stripped:
        raise ValueError("the text is empty; write one")
    return stripped


def _code(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
        raise ValueError(
            f"{quoted(value)} is no code; use small letters, digits and _, beginning with a letter (40 at most)"
        )
    return value


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9._-]{0,39}", value):
        raise ValueError(
            f"{quoted(value)} can't be used here; use small letters, digits, dot and hyphen, "
            "beginning with a letter (40 at most)"
        )
    return value


def _reference_prefix(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{1,4}", value):
        raise ValueError(f"{quoted(value)} can't begin a reference; use one to four capital letters")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (
        ValueError,
        OSError,
        KeyError,
    ):  # KeyError: ZoneInfoNotFoundError; OSError: a folder such as "Asia"
        raise ValueError(f"{quoted(value)} is no time zone; write for example Asia/Shanghai") from None
    return value


def _phone_region(value: str) -> str:
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{quoted(value)} is no country code of ISO 3166; write for example CN")
    return value


def _account_pattern(value: str) -> str:
    value = _not_blank(value)
    if not value.strip("*?"):
        raise ValueError(f"{quoted(value)} fits every account; write what the accounts have in common, such as VIP-*")
    return value


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ValueError(f"{quoted(value)} is no currency; write its three capital letters, such as CNY")
    return value


def _phrase(value: str) -> str:
    value = _not_blank(value)
    if len(value) > LONGEST_PHRASE:
        raise ValueError(f"the phrase has {len(value)} characters; {LONGEST_PHRASE} is the most")
    if value.startswith(REGEX_MARK):
        pattern = value.removeprefix(REGEX_MARK)
        try:
            matches_nothing = re.compile(pattern, re.IGNORECASE).search("") is not None
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{quoted(value)} is no regular expression: {error}") from None
        if matches_nothing:
            raise ValueError(f"{quoted(value)} matches an empty text, so it would match every complaint")
    return value


Sentence = Annotated[str, AfterValidator(_not_blank)]
Code = Annotated[str, AfterValidator(_code)]
Slug = Annotated[str, AfterValidator(_slug)]
ReferencePrefix = Annotated[str, AfterValidator(_reference_prefix)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
PhoneRegion = Annotated[str, AfterValidator(_phone_region)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Flag = Annotated[bool, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=1, le=100_000)]
PositiveNumber = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
CurrencyCode = Annotated[str, AfterValidator(_currency)]
AccountPattern = Annotated[str, AfterValidator(_account_pattern)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]

# A phrase is a literal, or, beginning with ``re:``, a regular expression; both regardless of case.
Phrase = Annotated[str, AfterValidator(_phrase)]


class Text(Entry):
    """What people read, in both languages of the plan."""

    zh: Sentence
    en: Sentence

    def in_language(self, language: str) -> str:
        """The text for a language tag: Chinese for ``zh`` and its variants, English for every other."""
        return self.zh if language[:2].lower() == "zh" else self.en
