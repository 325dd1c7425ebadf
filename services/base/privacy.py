"""The one door to personal data: who the customer is, what they wrote, and how the same customer is found again.

What is sealed here is opened here, so that encryption per customer, erasure and masking are changes in this module
and nowhere else. Nothing that passes through it may be put into the public half of an event, a log or a metric.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.base.masking import mask as _mask

_TOKEN_MAC = 12
_MAIL_MAC = 9


class Person(BaseModel):
    """Who a customer is and how to answer them. Phone numbers are in E.164 form; ``standing`` is a code of the plan."""

    model_config = ConfigDict(frozen=True)

    name: str
    phone: str | None = None
    email: str | None = None
    account: str | None = None
    standing: str | None = None
    reply_channel: str | None = None
    reply_address: str | None = None


class IncomingFile(BaseModel):
    """A file that came with a message: its name as written, what it is, its size in bytes. ``sha256`` is its digest
    where it is kept, ``refused`` why it isn't, or why it isn't with the case.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    media_type: str
    size: int
    sha256: str | None = None
    refused: str | None = None


class Incoming(BaseModel):
    """What of a message that came in is personal: addresses as written, the subject, the words that are new in it
    (without what it quotes), and what files came with it.
    """

    model_config = ConfigDict(frozen=True)

    sender: str
    recipient: str
    subject: str | None = None
    said: str
    files: tuple[IncomingFile, ...] = ()


class Privacy:
    """Seals, opens, masks and fingerprints personal data with the installation's secret."""

    def __init__(self, secret: str) -> None:
        self._fingerprint_key = _derive(secret, b"fingerprint")
        self._token_key = _derive(secret, b"track")
        self._survey_key = _derive(secret, b"survey")
        self._mail_key = _derive(secret, b"mail")
        self._callback_key = _derive(secret, b"callback")

    def seal(self, person: Person) -> str:
        """The stored form of a person."""
        return person.model_dump_json(exclude_none=True)

    def open(self, sealed: object) -> Person:
        """The person behind a stored form, as the database gives it back."""
        return Person.model_validate(sealed)

    def seal_incoming(self, incoming: Incoming) -> str:
        """The stored form of what is personal in a message that came in."""
        return incoming.model_dump_json(exclude_none=True)

    def open_incoming(self, sealed: object) -> Incoming:
        """What is behind a stored form, as the database gives it back."""
        return Incoming.model_validate(sealed)

    def fingerprint(self, kind: str, value: str | None) -> bytes | None:
        """A keyed hash (16 bytes) by which the same phone, e-mail or account is found without being stored in clear."""
        if not value:
            return None
        folded = value.strip().casefold()
        return hashlib.blake2b(f"{kind}\0{folded}".encode(), key=self._fingerprint_key, digest_size=16).digest()

    def mask(self, content: str, names: Sequence[str] = ()) -> str:
        """The copy that judging, searching and learning work on: names, numbers and addresses out."""
        return _mask(content, names)

    def track_token(self, case: UUID, epoch: int) -> str:
        """The customer's link token: a keyed hash of case and epoch. A higher epoch revokes the earlier tokens."""
        mac = self._track_mac(case, epoch)
        return str(base64.urlsafe_b64encode(case.bytes + mac).rstrip(b"="), "ascii")

    def case_of_token(self, token: str) -> UUID | None:
        """The case that a token claims to be for; it is not proven until `token_matches` says so."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        return UUID(bytes=raw[:16]) if len(raw) == 16 + _TOKEN_MAC else None

    def token_matches(self, token: str, case: UUID, epoch: int) -> bool:
        """Whether the token was made for this case and epoch. Takes the same time either way."""
        return hmac.compare_digest(token.encode(), self.track_token(case, epoch).encode())

    def survey_token(self, survey: UUID) -> str:
        """The token of the link to a survey. What it opens, and until when, stands with the survey."""
        mac = hashlib.blake2b(survey.bytes, key=self._survey_key, digest_size=_TOKEN_MAC).digest()
        return str(base64.urlsafe_b64encode(survey.bytes + mac).rstrip(b"="), "ascii")

    def survey_of_token(self, token: str) -> UUID | None:
        """The survey that the token was made for; None for one that was never ours."""
        survey = self.case_of_token(token) if token.isascii() else None
        matches = survey is not None and hmac.compare_digest(token.encode(), self.survey_token(survey).encode())
        return survey if matches else None

    def mail_token(self, notice: UUID) -> str:
        """What an answer to a mail, or its bounce, is addressed to beside our own name: small letters and digits (40).

        Whoever was sent the notice knows it, and nobody else can make one.
        """
        mac = hashlib.blake2b(notice.bytes, key=self._mail_key, digest_size=_MAIL_MAC).digest()
        return base64.b32encode(notice.bytes + mac).decode("ascii").lower()

    def notice_of_mail_token(self, token: str) -> UUID | None:
        """The notice that the token was made for, in whatever case mail servers have written it; None for any other."""
        try:
            raw = base64.b32decode(token, casefold=True) if token.isascii() else b""
        except ValueError:
            return None
        if len(raw) != 16 + _MAIL_MAC:
            return None
        notice = UUID(bytes=raw[:16])
        return notice if hmac.compare_digest(self.mail_token(notice), token.lower()) else None

    def callback_secret(self, name: str, epoch: int) -> bytes:
        """The key (32 bytes) that calls to a channel front end are signed with. A higher epoch makes another."""
        return hashlib.blake2b(f"{epoch}\0{name}".encode(), key=self._callback_key, digest_size=32).digest()

    def _track_mac(self, case: UUID, epoch: int) -> bytes:
        message = case.bytes + epoch.to_bytes(8, "big")
        return hashlib.blake2b(message, key=self._token_key, digest_size=_TOKEN_MAC).digest()


def _derive(secret: str, purpose: bytes) -> bytes:
    return hmac.digest(secret.encode(), b"redress/" + purpose, hashlib.sha256)
