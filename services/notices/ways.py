"""How a customer can be told: the way that they chose, then those of the plan, as far as each is open for them.

A way that isn't possible (no address, not set up) is passed over; what remains is tried in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType

from services.base.privacy import Person, Privacy
from services.notices.channels.port import Way
from services.plan.vocabulary import AnswerWay

EMAIL: Final[Way] = "email"
SMS: Final[Way] = "sms"
WEBHOOK: Final[Way] = "webhook"
WAYS: Final[tuple[Way, ...]] = (EMAIL, SMS, WEBHOOK)

# Numbers that no text message reaches. What the library doesn't know is tried.
_NO_TEXT: Final = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
        PhoneNumberType.PAGER,
    }
)
_CHINESE_MOBILE: Final = ("+8613", "+8614", "+8615", "+8616", "+8617", "+8618", "+8619")


@dataclass(frozen=True, slots=True)
class Asked:
    """A case as far as it matters to how its customer is told.

    ``conversation`` is what the front end knows the case by, if the customer's own conversation isn't known.
    ``callable_`` says whether its front end can be called.
    """

    person: Person
    conversation: str
    callable_: bool


def address_of(way: Way, person: Person, conversation: str) -> str | None:
    """Where a message on this way goes: where the customer wants the answer, else their own address; None for none."""
    if person.reply_channel == way and person.reply_address:
        return person.reply_address
    match way:
        case "email":
            return person.email
        case "sms":
            return person.phone if person.phone and _takes_text(person.phone) else None
        case "webhook":
            return conversation


def possible(asked: Asked, wanted: Sequence[AnswerWay], open_: Sequence[Way]) -> list[Way]:
    """The ways by which this customer can be told, best first. ``open_`` are those that are set up."""
    person = asked.person
    chosen = [way for way in WAYS if person.reply_channel == way and person.reply_address]
    named = [way for one in wanted for way in WAYS if one == way]
    found: list[Way] = []
    for way in (*chosen, *named):
        is_open = way in open_ and (way != WEBHOOK or asked.callable_)
        if way not in found and is_open and address_of(way, person, asked.conversation):
            found.append(way)
    return found


def why_not(asked: Asked, wanted: Sequence[AnswerWay], open_: Sequence[Way]) -> str:
    """Why `possible` found none, in a sentence for staff."""
    missing = []
    for way in WAYS:
        if way not in open_:
            missing.append(f"{way} is not set up")
        elif way == WEBHOOK and not asked.callable_:
            missing.append("its channel has no callback")
        elif not address_of(way, asked.person, asked.conversation):
            missing.append("there is no e-mail address" if way == EMAIL else "there is no mobile number")
        else:
            missing.append(f"the plan doesn't answer this channel by {way}")
    return f"the plan answers this channel by {', '.join(wanted)}; {'; '.join(missing)}"


def recipient(privacy: Privacy, way: Way, address: str) -> bytes:
    """The fingerprint by which messages to one address are counted, and by which it is known who wants none."""
    fingerprint = privacy.fingerprint(way, address)
    assert fingerprint is not None
    return fingerprint


def _takes_text(phone: str) -> bool:
    """Whether a number in E.164 form may be a mobile one."""
    if phone.startswith(_CHINESE_MOBILE) and len(phone) == 14:
        return True
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return False
    return kind not in _NO_TEXT
