"""Which case a message belongs to. In order of how sure it is; a message that could belong to several belongs to none.

1. It went to the address that was made for one of our mails: nobody else knows it.
2. It answers one of our mails, and comes from the customer of that case.
3. It names the reference of a case, and comes from the customer of that case.
4. A text message: the case of which its number was told last by text message, lately.
5. Its sender has exactly one open case.

Whoever writes of their own accord is real, so 3 to 5 look at real cases only; 1 and 2 follow the notice.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.identity import ALPHABET, parse_reference
from services.base.privacy import Privacy
from services.complaints.contacts import normal_email, normal_phone
from services.notices.channels.port import Way
from services.notices.ways import recipient
from services.plan.schema import Plan

MatchedBy = Literal["token", "answer", "reference", "told_last", "sender", "staff"]
WhyNot = Literal["nobody", "several"]
REAL: Final = "live"
_LATELY: Final = timedelta(days=14)
_MOST_REFERENCES: Final = 20
_LONGEST_SEARCHED: Final = 100_000

# One that was merged into another stands in no longer; the customer is the same.
_CASE: Final = "coalesce(c.merged_into, c.id)"
_OF_NOTICES: Final = sa.text(
    f"""
    select n.id as notice, n.recipient, n.way, {_CASE} as complaint, n.realm, c.phone_hash, c.email_hash, c.personal
    from notice n join complaint c on c.id = n.complaint_id where n.id = any(:ids)
    """
).bindparams(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
_OF_REFERENCES: Final = sa.text(
    f"""
    select c.reference, {_CASE} as complaint, c.realm, c.phone_hash, c.email_hash, c.personal
    from complaint c where c.reference = any(:references) and c.realm = :realm
    """
).bindparams(sa.bindparam("references", type_=ARRAY(sa.Text)))
_TOLD_LAST: Final = sa.text(
    f"""
    select n.id as notice, {_CASE} as complaint, n.realm
    from notice n join complaint c on c.id = n.complaint_id
    where n.recipient = :recipient and n.sent_at > :since and n.way = :way and n.realm = :realm
    order by n.sent_at desc limit 1
    """
)
# A number that thousands of cases share tells of no customer, and must not cost more than looking at this many.
_OPEN_OF: Final = sa.text(
    f"""
    select distinct on (c.id) c.id, c.reference, c.status
    from (
        (select {_CASE} as id from complaint c where c.email_hash = :email_hash and c.realm = :realm limit 200)
        union
        (select {_CASE} from complaint c where c.phone_hash = :phone_hash and c.realm = :realm limit 200)
        union
        (select {_CASE} from notice n join complaint c on c.id = n.complaint_id
         where n.recipient = :recipient and n.realm = :realm order by n.sent_at desc limit 200)
    ) theirs
    join complaint c on c.id = theirs.id
    where c.status not in ('closed', 'withdrawn', 'rejected')
    order by c.id
    """
).bindparams(
    sa.bindparam("email_hash", type_=sa.LargeBinary),
    sa.bindparam("phone_hash", type_=sa.LargeBinary),
    sa.bindparam("recipient", type_=sa.LargeBinary),
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote: the address as cases have it, and its fingerprints."""

    way: Way
    address: str
    recipient: bytes
    """By which messages to this address are counted, and by which it is known who wants none."""
    email_hash: bytes | None
    phone_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Clues:
    """What a message tells of where it belongs: the notices whose token it was sent to, those it answers, its words."""

    notices: Sequence[UUID] = ()
    answers: Sequence[UUID] = ()
    texts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """Where a message belongs. ``notice`` is the one that it answers, where that is known; ``told`` the address (its
    fingerprint) that the notice went to, where a token proves it.
    """

    complaint: UUID
    realm: str
    by: MatchedBy
    notice: UUID | None = None
    told: bytes | None = None


@dataclass(frozen=True, slots=True)
class OpenCase:
    """An open case of a sender."""

    id: UUID
    reference: str
    status: str


def sender_of(privacy: Privacy, way: Way, written: str, phone_region: str) -> Sender | None:
    """The sender, from the address as written; None where there is none."""
    address = normal_address(way, written, phone_region)
    if not address:
        return None
    return Sender(
        way,
        address,
        recipient(privacy, way, address),
        privacy.fingerprint("email", address) if way == "email" else None,
        privacy.fingerprint("phone", address) if way == "sms" else None,
    )


def normal_address(way: Way, written: str, phone_region: str) -> str:
    """The address as cases have it: E.164, or an e-mail address with its domain in small letters.

    One that can't be an address stays as written: it is somebody's, though no customer's.
    """
    written = written.strip()
    try:
        if way == "email":
            return normal_email(written).lower()
        return normal_phone(written, phone_region)
    except ValueError:
        return written.lower()


async def match(
    connection: AsyncConnection, privacy: Privacy, plan: Plan, sender: Sender | None, clues: Clues, now: datetime
) -> Match | WhyNot:
    """Where the message belongs, or why that can't be told."""
    by_notice = await _by_notices(connection, privacy, plan, sender, clues)
    if by_notice is not None:
        return by_notice
    if sender is None:
        return "nobody"
    by_reference = await _by_reference(connection, privacy, plan, sender, clues.texts)
    if by_reference is not None:
        return by_reference
    if sender.way == "sms":
        asked = {"recipient": sender.recipient, "since": now - _LATELY, "way": sender.way, "realm": REAL}
        row = (await connection.execute(_TOLD_LAST, asked)).one_or_none()
        if row is not None:
            return Match(row.complaint, row.realm, "told_last", row.notice)
    theirs = await open_cases_of(connection, sender, REAL)
    if len(theirs) == 1:
        return Match(theirs[0].id, REAL, "sender")
    return "several" if theirs else "nobody"


async def match_notice(connection: AsyncConnection, clues: Clues) -> Match | None:
    """The case of the first notice that a mail server names, by the token it wrote to or by what it sends back."""
    named: list[tuple[UUID, MatchedBy]] = [
        *((one, "token") for one in clues.notices),
        *((one, "answer") for one in clues.answers),
    ]
    found = await _rows_of(connection, [one for one, _ in named])
    return next((_told(found[one], by) for one, by in named if one in found), None)


async def open_cases_of(connection: AsyncConnection, sender: Sender, realm: str) -> list[OpenCase]:
    """The open cases of a sender, oldest first: by the phone number or e-mail address of the customer, or by where they
    were written to."""
    asked = {
        "email_hash": sender.email_hash,
        "phone_hash": sender.phone_hash,
        "recipient": sender.recipient,
        "realm": realm,
    }
    return [OpenCase(*row) for row in await connection.execute(_OPEN_OF, asked)]


def references_in(texts: Iterable[str], prefix: str) -> list[str]:
    """The references that stand in these texts, in any spelling, in the order of the texts."""
    letter = f"[{ALPHABET}IL]"
    form = re.compile(
        rf"(?<![0-9A-Z])(?:{re.escape(prefix)}[\s\-‐-―]{{0,3}})?"
        rf"{letter}{{4}}[\s\-‐-―]{{0,3}}{letter}{{4}}[\s\-‐-―]{{0,3}}{letter}(?![0-9A-Z])"
    )
    found: dict[str, None] = {}
    for text in texts:
        for written in form.findall(unicodedata.normalize("NFKC", text[:_LONGEST_SEARCHED]).upper()):
            reference = parse_reference(written, prefix)
            if reference is not None:
                found[reference] = None
            if len(found) >= _MOST_REFERENCES:
                return list(found)
    return list(found)


async def _by_notices(
    connection: AsyncConnection, privacy: Privacy, plan: Plan, sender: Sender | None, clues: Clues
) -> Match | None:
    asked = [*clues.notices, *clues.answers]
    found = await _rows_of(connection, asked) if asked else {}
    for notice in clues.notices:
        if notice in found:
            return _told(found[notice], "token")
    for notice in clues.answers:
        if notice in found and sender is not None and _is_customer(privacy, plan, found[notice], sender):
            return Match(found[notice].complaint, found[notice].realm, "answer", notice)
    return None


async def _by_reference(
    connection: AsyncConnection, privacy: Privacy, plan: Plan, sender: Sender, texts: Sequence[str]
) -> Match | None:
    named = references_in(texts, plan.plan.reference_prefix)
    if not named:
        return None
    rows = await connection.execute(_OF_REFERENCES, {"references": named, "realm": REAL})
    by_reference = {row.reference: row for row in rows}
    for reference in named:
        row = by_reference.get(reference)
        if row is not None and _is_customer(privacy, plan, row, sender):
            return Match(row.complaint, row.realm, "reference")
    return None


async def _rows_of(connection: AsyncConnection, notices: Sequence[UUID]) -> dict[UUID, sa.Row[Any]]:
    # A notice says itself which realm it is of.
    rows = await connection.execute(_OF_NOTICES, {"ids": list(notices)})
    return {row.notice: row for row in rows}


def _told(row: sa.Row[Any], by: MatchedBy) -> Match:
    return Match(row.complaint, row.realm, by, row.notice, row.recipient if row.way == "email" else None)


def _is_customer(privacy: Privacy, plan: Plan, row: sa.Row[Any], sender: Sender) -> bool:
    """Whether the sender is the customer of the case: by their own address, or by where they want the answer."""
    if sender.email_hash is not None and sender.email_hash == row.email_hash:
        return True
    if sender.phone_hash is not None and sender.phone_hash == row.phone_hash:
        return True
    person = privacy.open(row.personal)
    theirs = (
        person.email if sender.way == "email" else person.phone,
        person.reply_address if person.reply_channel == sender.way else None,
    )
    region = plan.plan.phone_region
    return any(one and normal_address(sender.way, one, region) == sender.address for one in theirs)
