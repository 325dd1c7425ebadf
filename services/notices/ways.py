"""How a customer can be told: which of the plan's ways to answer are open for this customer.

E-mail is the one way that is carried out so far. A way that isn't possible falls back to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from services.base.privacy import Person
from services.plan.vocabulary import AnswerWay

Way = Literal["email"]
EMAIL: Final[Way] = "email"


def email_address(person: Person) -> str | None:
    """Where mail to the customer goes: the address they want the answer at, else their own."""
    return person.reply_address if person.reply_channel == EMAIL and person.reply_address else person.email


def choose(person: Person, wanted: Sequence[AnswerWay]) -> Way | None:
    """The first of the ways ``wanted`` by which this customer can be reached; None when there is none."""
    for way in wanted:
        if way == "email" and email_address(person):
            return EMAIL
        if way == "reply_to" and person.reply_channel == EMAIL and person.reply_address:
            return EMAIL
    return None


def why_not(person: Person, wanted: Sequence[AnswerWay]) -> str:
    """Why `choose` found none, in a sentence for staff."""
    asked = ", ".join(wanted)
    if email_address(person):
        return f"the plan answers this channel by {asked}; of the customer's ways only e-mail can be used"
    return f"the plan answers this channel by {asked}; only e-mail can be used, and there is no e-mail address"
