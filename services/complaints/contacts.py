"""Checking the ways in which a customer can be reached: phone numbers and e-mail addresses.

A number must be possible, not assigned: numbering plans change faster than software. The common forms take a short
way; everything else is judged by the libraries that know the world's forms.
"""

from __future__ import annotations

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email

# Mobile numbers of mainland China, with or without country code, in one piece.
_CHINESE_MOBILE = re.compile(r"(?:\+86)?(1[3-9]\d{9})", re.ASCII)
# A strict part of what the library accepts, so that the short way never accepts more: labels of 63 characters at
# most, and no domain that RFC 6761 sets apart.
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]{1,20}(?:\.[a-z0-9_+-]{1,20}){0,2}@"
    r"[a-z0-9]{1,15}(?:[.-][a-z0-9]{1,15}){0,3}\.(?!(?:arpa|local|onion|test)\Z)[a-z]{2,6}",
    re.ASCII | re.IGNORECASE,
)
# The library finds numbers in running text, and would cut a mistyped one short at the first letter.
_WRITTEN_NUMBER = re.compile(r"(?:tel:)?[\d\s+().‐-―-]+(?:(?:;ext=|ext\.?|x|#)\s*\d{1,7})?", re.IGNORECASE)
_FULL_WIDTH = str.maketrans("０１２３４５６７８９＋－（）　转", "0123456789+-() x")


def normal_phone(text: str, region: str = "CN") -> str:
    """The number in E.164 form, such as ``+8613800138000``.

    Takes international form and the national form of ``region`` (ISO 3166), with spaces, dashes, brackets or
    full-width digits; an extension is left out. Raises ``ValueError`` with what to change.
    """
    mobile = _CHINESE_MOBILE.fullmatch(text) if region == "CN" else None
    if mobile is not None:
        return "+86" + mobile[1]
    written = text.translate(_FULL_WIDTH).strip()
    try:
        number = phonenumbers.parse(written, region) if _WRITTEN_NUMBER.fullmatch(written) else None
    except phonenumbers.NumberParseException:
        number = None
    if number is None:
        raise ValueError(f"is no phone number; write for example +8613800138000 or the national form of {region}")
    if not phonenumbers.is_possible_number(number):
        raise ValueError("cannot be a phone number: it has too many or too few digits for its country")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal_email(text: str) -> str:
    """The address with its domain in small letters. Raises ``ValueError`` with what is wrong with it."""
    if _PLAIN_EMAIL.fullmatch(text):
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}"
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(f"is no e-mail address: {error}") from None
