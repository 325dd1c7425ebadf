"""A complaint as a channel posts it: what is taken, what is refused, and how it becomes a registration."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from services.base.identity import new_id, new_reference
from services.base.privacy import Person, Privacy
from services.base.texts import ONE_LINE, PRINTABLE
from services.complaints.contacts import normal_email, normal_phone
from services.complaints.registering import Registration
from services.people.keys import Caller
from services.plan.values import Code
from services.plan.vocabulary import Channel

LONGEST_CONTENT = 20_000
_CLOCK_SKEW = timedelta(minutes=10)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_CENT = Decimal("0.01")
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_CHINESE = re.compile(r"[\u3400-\u9fff]")


def _not_blank(text: str) -> str:
    if text.isspace():
        raise PydanticCustomError("blank", "must not be empty")
    return text


def _phone(text: str, info: ValidationInfo) -> str:
    return normal_phone(text, (info.context or {}).get("phone_region", "CN"))


def past(time: datetime) -> datetime:
    """The same moment in UTC."""
    if time > datetime.now(UTC) + _CLOCK_SKEW:
        raise PydanticCustomError("future", "lies in the future; leave it out if it is not known")
    if time < _EARLIEST:
        raise PydanticCustomError("too_early", "lies before the year 2000; leave it out if it is not known")
    return time.astimezone(UTC)


def _with_cents(amount: Decimal) -> Decimal:
    # One spelling for one amount: 1E+2, 100 and 100.0 are the same, and so are 0 and -0.
    return abs(amount).quantize(_CENT)


def _currency(code: str) -> str:
    if not _CURRENCY.fullmatch(code):
        raise ValueError("is no currency; write its three capital letters, such as CNY")
    return code


def _sent_afterwards(_: object) -> None:
    raise PydanticCustomError(
        "sent_afterwards",
        "are not taken here; register the complaint, then post each file to /v1/complaints/{id}/attachments",
    )


Line100 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), ONE_LINE]
Line200 = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), ONE_LINE]
Email = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=3, max_length=320), ONE_LINE, AfterValidator(normal_email)
]
Phone = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=3, max_length=40), ONE_LINE, AfterValidator(_phone)
]
Content = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_CONTENT),
    AfterValidator(_not_blank),
    PRINTABLE,
]
_STRICT = ConfigDict(extra="forbid", frozen=True)


class PostedCustomer(BaseModel):
    """Who complains."""

    model_config = _STRICT

    name: Line200
    phone: Phone | None = Field(
        None, description="In international form (E.164) or in the national form of the plan's country."
    )
    email: Email | None = None
    account: Line100 | None = Field(None, description="The customer's account with the operator.")
    language: Literal["zh", "en"] | None = Field(
        None, description="The language to answer in. Left out: the language of the content."
    )
    standing: Code | None = Field(
        None,
        description="What the customer is to the operator beyond others, as a code of the plan's `standings`, such as "
        "vip. One that the plan does not know is kept and weighs nothing.",
    )


class ReplyTo(BaseModel):
    """Where the customer wants the answer, when it is neither the phone nor the e-mail address."""

    model_config = _STRICT

    channel: Literal["webhook", "email", "sms"]
    address: Line200 = Field(description="For a webhook: the front end's own conversation id, given back to it.")

    @field_validator("address")
    @classmethod
    def _suits_channel(cls, address: str, info: ValidationInfo) -> str:
        match info.data.get("channel"):
            case "email":
                return normal_email(address)
            case "sms":
                return _phone(address, info)
        return address


class Concerns(BaseModel):
    """What the complaint is about, as far as the front end knows."""

    model_config = _STRICT

    product: Line200 | None = None
    promotion: Line200 | None = None
    bill: Line200 | None = None
    amount: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2), AfterValidator(_with_cents)] | None = None
    currency: Annotated[str, AfterValidator(_currency)] | None = Field(
        None, description="ISO 4217, such as CNY.", json_schema_extra={"pattern": "^[A-Z]{3}$"}
    )

    @model_validator(mode="after")
    def _amount_has_currency(self) -> Concerns:
        if self.amount is not None and self.currency is None:
            raise ValueError("amount needs a currency, such as CNY")
        return self


EXAMPLE: Final[dict[str, JsonValue]] = {
    "customer": {
        "name": "李伟",
        "phone": "+8613800138000",
        "email": "li.wei@example.com",
        "account": "BJ-5520-7781",
        "language": "zh",
    },
    "channel": "online_chat",
    "service_type": "broadband",
    "region": "北京/海淀",
    "content": "宽带从昨晚开始断网，一直没人来修。",
    "occurred_at": "2026-11-22T20:10:00+08:00",
    "external_id": "CC-99812",
}
"""A complaint for documentation and benchmarks."""


class PostedComplaint(BaseModel):
    """A complaint as a channel posts it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"example": EXAMPLE},
    )

    customer: PostedCustomer
    channel: Channel
    service_type: Literal["mobile", "fixed_line", "broadband", "tv", "other"] = "other"
    region: Line200 | None = Field(None, description="From the largest to the smallest, such as 北京/海淀.")
    content: Content = Field(description="The customer's words; up to 20,000 characters.")
    occurred_at: Annotated[AwareDatetime, AfterValidator(past)] | None = Field(
        None, description="With time zone; not in the future."
    )
    external_id: Line200 | None = Field(None, description="Your own number of the complaint; unique for your key.")
    reply_to: ReplyTo | None = None
    concerns: Concerns | None = None
    # Refused, with where they go.
    attachments: Annotated[SkipJsonSchema[None], BeforeValidator(_sent_afterwards)] = None

    @model_validator(mode="after")
    def _can_be_answered(self) -> PostedComplaint:
        if self.customer.phone is None and self.customer.email is None and self.reply_to is None:
            raise PydanticCustomError(
                "no_way_to_answer",
                "there is no way to answer the customer: give customer.phone, customer.email or reply_to.address",
            )
        return self


def read_complaint(body: bytes, phone_region: str) -> PostedComplaint:
    """The complaint in a JSON body. Raises pydantic's ``ValidationError`` with everything that is wrong."""
    return PostedComplaint.model_validate_json(body, context={"phone_region": phone_region})


class Reception:
    """Turns posted complaints into registrations, with the installation's secret and the plan's customs."""

    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy
        self.phone_region = "CN"
        self._prefix = "RD"

    def follow(self, phone_region: str, reference_prefix: str) -> None:
        """Take on the customs of a plan: the country of national phone numbers, and how references begin."""
        self.phone_region = phone_region
        self._prefix = reference_prefix

    def registration(
        self, posted: PostedComplaint, caller: Caller, idempotency_key: str | None, now: datetime
    ) -> Registration:
        """The registration of what ``caller`` posted, received ``now`` (UTC)."""
        customer, privacy = posted.customer, self._privacy
        reply_to = posted.reply_to
        person = Person(
            name=customer.name,
            phone=customer.phone,
            email=customer.email,
            account=customer.account,
            standing=customer.standing,
            reply_channel=reply_to and reply_to.channel,
            reply_address=reply_to and reply_to.address,
        )
        return Registration(
            id=new_id(),
            event_id=new_id(),
            reference=new_reference(self._prefix),
            realm=caller.realm,
            api_key_id=caller.key_id,
            actor=caller.actor,
            external_id=posted.external_id,
            idempotency_key=idempotency_key,
            body_hash=_body_hash(posted),
            channel=posted.channel,
            service_type=posted.service_type,
            language=customer.language or ("zh" if _CHINESE.search(posted.content) else "en"),
            region=posted.region,
            occurred_at=posted.occurred_at,
            received_at=now,
            concerns=posted.concerns.model_dump_json(exclude_none=True) if posted.concerns else None,
            personal=privacy.seal(person),
            content=posted.content,
            phone_hash=privacy.fingerprint("phone", customer.phone),
            email_hash=privacy.fingerprint("email", customer.email),
            account_hash=privacy.fingerprint("account", customer.account),
        )


def _body_hash(posted: PostedComplaint) -> bytes:
    # Of the meaning, not of the bytes: the order of fields and the spelling of a phone number, a time or an amount
    # make no difference, and a field that a later version adds does not change the hash of an older body.
    return hashlib.sha256(posted.model_dump_json(exclude_defaults=True).encode()).digest()
