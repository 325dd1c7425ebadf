"""The packets of SMPP 3.4 ("PDUs"), as bytes.

What we send is written by aiosmpplib. What we receive is read here, because aiosmpplib takes only what it knows: a
status or data coding of a vendor's own, a network error code with a byte beyond ASCII, a message without text make it
give up the packet or the whole connection. Centres send all of these.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiosmpplib import (
    NPI,
    TON,
    BindTransceiver,
    DeliverSmResp,
    EnquireLink,
    EnquireLinkResp,
    GenericNack,
    OptionalParam,
    PhoneNumber,
    SmppCommand,
    SmppCommandStatus,
    SubmitSm,
    Unbind,
    UnbindResp,
)
from aiosmpplib.state import USER_MESSAGE_REFERENCE

from services.notices.channels.sms_encoding import UCS2, Place, place, place_of

RESPONSE: Final = 0x80000000
BIND_TRANSCEIVER: Final = int(SmppCommand.BIND_TRANSCEIVER)
SUBMIT_SM: Final = int(SmppCommand.SUBMIT_SM)
DELIVER_SM: Final = int(SmppCommand.DELIVER_SM)
ENQUIRE_LINK: Final = int(SmppCommand.ENQUIRE_LINK)
UNBIND: Final = int(SmppCommand.UNBIND)
GENERIC_NACK: Final = int(SmppCommand.GENERIC_NACK)
# These want no answer.
NEWS: Final = frozenset({int(SmppCommand.OUTBIND), int(SmppCommand.ALERT_NOTIFICATION)})

INTERNATIONAL: Final = int(TON.INTERNATIONAL)
REFERENCE: Final[int] = USER_MESSAGE_REFERENCE
RECEIPTED_ID: Final = 0x001E
MESSAGE_STATE: Final = 0x0427
NETWORK_ERROR: Final = 0x0423

_HEADER: Final = struct.Struct("!IIII")
_PARAMETER: Final = struct.Struct("!HH")
# A message in an optional parameter may have 64 KB; nothing else comes near that.
_LONGEST: Final = 70_000
_LAST_SEQUENCE: Final = 0x7FFFFFFF
_PAYLOAD: Final = 0x0424
# Another way to say where a part belongs: reference, total, number.
_SAR: Final = (0x020C, 0x020E, 0x020F)
_HAS_HEADER: Final = 0x40
_MESSAGE_TYPE: Final = 0x3C
_RECEIPT, _NOTIFICATION = 0x04, 0x20


class Garbled(ValueError):
    """These bytes are no packet."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """One packet."""

    command: int
    status: int
    sequence: int
    body: bytes

    @property
    def text(self) -> str:
        """The text that a body begins with: the message id in an answer to a message."""
        return _readable(self.body.partition(b"\0")[0])


@dataclass(frozen=True, slots=True)
class Address:
    """Who sends or receives, as it stands in a packet, with its type of number."""

    number: str
    kind: int
    plan: int = 0


@dataclass(frozen=True, slots=True)
class Deliver:
    """A message or receipt that the centre hands us. ``data`` is the text as bytes, without a header."""

    source: Address
    destination: Address
    is_receipt: bool
    coding: int
    data: bytes
    place: Place | None
    parameters: Mapping[int, bytes]

    def number(self, tag: int) -> int | None:
        """An optional parameter that is a number; None if it isn't there."""
        value = self.parameters.get(tag)
        return int.from_bytes(value, "big") if value else None

    def text(self, tag: int) -> str | None:
        """An optional parameter that is text; None if it isn't there."""
        return _readable(self.parameters.get(tag, b"").partition(b"\0")[0]) or None


def take(buffer: bytearray) -> list[Pdu]:
    """Take the whole packets out of what was received. Raises `Garbled` when there is no telling where one ends."""
    found: list[Pdu] = []
    at = 0
    while len(buffer) - at >= _HEADER.size:
        length, command, status, sequence = _HEADER.unpack_from(buffer, at)
        if not _HEADER.size <= length <= _LONGEST:
            raise Garbled(f"a packet of {length} bytes")
        if len(buffer) - at < length:
            break
        found.append(Pdu(command, status, sequence, bytes(buffer[at + _HEADER.size : at + length])))
        at += length
    del buffer[:at]
    return found


def read_deliver(body: bytes) -> Deliver:
    """The body of a deliver_sm. Raises `Garbled` when it breaks off."""
    fields = _Fields(body)
    fields.string()
    source, destination = fields.address(), fields.address()
    kind = fields.byte()
    fields.skip(2)
    fields.string()
    fields.string()
    fields.skip(2)
    coding = fields.byte()
    fields.skip(1)
    data = fields.octets(fields.byte())
    parameters = fields.parameters()
    data = data or parameters.get(_PAYLOAD, b"")
    where = None
    if kind & _HAS_HEADER:
        where, data = place_of(data)
    elif _SAR[0] in parameters:
        where = place(*(int.from_bytes(parameters.get(tag, b""), "big") for tag in _SAR))
    named = RECEIPTED_ID in parameters and MESSAGE_STATE in parameters
    is_receipt = named or kind & _MESSAGE_TYPE in (_RECEIPT, _NOTIFICATION)
    return Deliver(source, destination, is_receipt, coding, data, where, parameters)


def next_sequence(sequence: int) -> int:
    """The number of the request after this one."""
    return sequence + 1 if sequence < _LAST_SEQUENCE else 1


def bind(sequence: int, *, system_id: str, password: str) -> bytes:
    """Ask to send and to receive on this connection."""
    request: bytes = BindTransceiver(sequence_num=sequence, system_id=system_id, password=password).pdu()
    return request


def submit(
    sequence: int,
    *,
    sender: Address,
    recipient: Address,
    coding: int,
    data: bytes,
    has_header: bool,
    receipt: bool,
    reference: int,
) -> bytes:
    """Hand over one message. ``receipt``: whether a receipt is wanted; it will name ``reference`` (16 bits)."""
    message = SubmitSm(
        sequence_num=sequence,
        short_message="-",  # it wants some; the bytes are ours
        source=PhoneNumber(sender.number, TON(sender.kind), NPI(sender.plan)),
        destination=PhoneNumber(recipient.number, TON(recipient.kind), NPI(recipient.plan)),
        esm_class=_HAS_HEADER if has_header else 0,
        registered_delivery=int(receipt),
        encoding="ucs2" if coding == UCS2 else None,
        optional_params=[OptionalParam(REFERENCE, reference)],
    )
    message.set_encoded_message(data)
    request: bytes = message.pdu()
    return request


def enquire_link(sequence: int) -> bytes:
    """Ask whether the other side is there."""
    request: bytes = EnquireLink(sequence_num=sequence).pdu()
    return request


def unbind(sequence: int) -> bytes:
    """Say goodbye."""
    request: bytes = Unbind(sequence_num=sequence).pdu()
    return request


def answer(command: int, sequence: int, status: int) -> bytes:
    """The answer to a request that we can be asked; to any other, that it isn't understood."""
    kind = {DELIVER_SM: DeliverSmResp, ENQUIRE_LINK: EnquireLinkResp, UNBIND: UnbindResp}.get(command, GenericNack)
    response: bytes = kind(sequence_num=sequence, command_status=SmppCommandStatus(status)).pdu()
    return response


class _Fields:
    """Reads the fields of a body one after the other. Raises `Garbled` where there is no more."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def string(self) -> bytes:
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise Garbled("a text that does not end")
        found, self._at = self._body[self._at : end], end + 1
        return found

    def byte(self) -> int:
        return self.octets(1)[0]

    def octets(self, count: int) -> bytes:
        found = self._body[self._at : self._at + count]
        if len(found) < count:
            raise Garbled("a packet that breaks off")
        self._at += count
        return found

    def skip(self, count: int) -> None:
        self.octets(count)

    def address(self) -> Address:
        kind, plan = self.octets(2)
        return Address(_readable(self.string()), kind, plan)

    def parameters(self) -> dict[int, bytes]:
        """The optional parameters. What breaks off is left out: the message before it is whole."""
        found: dict[int, bytes] = {}
        while self._at + _PARAMETER.size <= len(self._body):
            tag, length = _PARAMETER.unpack(self.octets(_PARAMETER.size))
            if self._at + length > len(self._body):
                break
            found[tag] = self.octets(length)
        return found


def _readable(text: bytes) -> str:
    """A field of ASCII as a database can keep it, whatever came."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:64].decode("ascii", "replace"))
