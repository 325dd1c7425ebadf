"""By which ways a customer can be told, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.base.privacy import Person
from services.notices.ways import WAYS, Asked, address_of, possible, why_not
from services.plan.vocabulary import AnswerWay

PHONE, MAIL, CHAT = "+8613800138000", "li.wei@example.com", "chat-71f3"
HOTLINE: Sequence[AnswerWay] = ("sms", "email")
CHAT_PLAN: Sequence[AnswerWay] = ("reply_to", "sms", "email")


def asked(*, callable_: bool = True, **person: str) -> Asked:
    return Asked(Person(name="李伟", **person), "CC-99812", callable_)


@pytest.mark.parametrize(
    ("customer", "wanted", "ways"),
    [
        (asked(phone=PHONE, email=MAIL), HOTLINE, ["sms", "email"]),
        (asked(email=MAIL), HOTLINE, ["email"]),
        (asked(phone=PHONE, reply_channel="webhook", reply_address=CHAT), CHAT_PLAN, ["webhook", "sms"]),
        # The way that the customer chose stands before what the plan gives for the channel.
        (asked(phone=PHONE, reply_channel="email", reply_address=MAIL), HOTLINE, ["email", "sms"]),
        (asked(phone=PHONE, reply_channel="webhook", reply_address=CHAT, callable_=False), CHAT_PLAN, ["sms"]),
        (asked(email=MAIL), ("reply_to", "email", "sms", "webhook"), ["email", "webhook"]),
        # No text message reaches a landline.
        (asked(phone="+861065551234", email=MAIL), HOTLINE, ["email"]),
        (asked(phone="+61412345678"), HOTLINE, ["sms"]),
        (asked(phone="+61290001111"), HOTLINE, []),
        (asked(phone=PHONE), ("email",), []),
    ],
)
def test_the_chosen_way_comes_first_then_the_plans(
    customer: Asked, wanted: Sequence[AnswerWay], ways: list[str]
) -> None:
    assert possible(customer, wanted, WAYS) == ways


def test_a_way_that_is_not_set_up_is_passed_over() -> None:
    assert possible(asked(phone=PHONE, email=MAIL), HOTLINE, ("email",)) == ["email"]


def test_the_address_is_the_one_that_the_customer_wants_the_answer_at() -> None:
    person = Person(name="李伟", phone=PHONE, email=MAIL, reply_channel="sms", reply_address="+8613900139000")

    assert address_of("sms", person, "CC-1") == "+8613900139000"
    assert address_of("email", person, "CC-1") == MAIL
    assert address_of("webhook", person, "CC-1") == "CC-1"


def test_why_there_is_no_way_says_what_is_missing_for_each() -> None:
    told = why_not(asked(phone="+861065551234", callable_=False), HOTLINE, ("email", "webhook"))

    assert told == (
        "the plan answers this channel by sms, email; there is no e-mail address; sms is not set up; "
        "its channel has no callback"
    )
