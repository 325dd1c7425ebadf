"""The packets of the message centre that tests send to, by smpplib: what it takes and sends, and the line for them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from smpplib import consts, gsm, smpp

DELIVERED, EXPIRED, UNDELIVERABLE, REJECTED = 2, 3, 5, 8
_WORDS = {1: "ENROUTE", DELIVERED: "DELIVRD", EXPIRED: "EXPIRED", UNDELIVERABLE: "UNDELIV", REJECTED: "REJECTD"}
_RECEIPT, _HAS_HEADER = 0x04, 0x40

Form = Literal["parameters", "text", "both"]


@dataclass(frozen=True, slots=True)
class Part:
    """One submit_sm that was taken. ``head`` is the header of a part (reference, total, number) if it has one."""

    message_id: str
    sender: str
    recipient: str
    coding: int
    data: bytes
    head: tuple[int, int, int] | None
    reference: int | None
    receipt: bool
    kinds: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Text:
    """A whole text as the phone shows it, and the parts that it came in."""

    sender: str
    recipient: str
    text: str
    parts: tuple[Part, ...]

    @property
    def message_id(self) -> str:
        """The id of the last part, by which a receipt names it."""
        return self.parts[-1].message_id


class Line:
    """One bound connection, and what was asked over it."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._sequence = 0
        self._asked: dict[int, asyncio.Future[bytes]] = {}

    def write(self, command: str, sequence: int, **fields: Any) -> None:
        if not self.writer.is_closing():
            self.writer.write(made(command, sequence, **fields))

    async def request(self, build: Callable[[int], bytes]) -> bytes:
        self._sequence += 1
        number = self._sequence
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self.writer.write(build(number))
        return await answer

    def answered(self, packet: bytes) -> None:
        answer = self._asked.pop(struct.unpack("!I", packet[12:16])[0], None)
        if answer is not None and not answer.done():
            answer.set_result(packet)

    def drop(self) -> None:
        """Cut the line without a word."""
        self.writer.transport.abort()

    def over(self) -> None:
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError("the line was cut"))
        self._asked.clear()


def parsed(packet: bytes) -> Any:
    """smpplib's object for a packet."""
    # Any sequence will do: the packet brings its own, and smpplib wants one before it reads that.
    return smpp.parse_pdu(packet, sequence=0, allow_unknown_opt_params=True)


def made(command: str, sequence: int, **fields: Any) -> bytes:
    """A packet of this kind."""
    pdu = smpp.make_pdu(command, sequence=sequence, **fields)
    pdu.sequence = sequence
    packet: bytes = pdu.generate()
    return packet


def packet_of(command: int, sequence: int, body: bytes) -> bytes:
    """Any packet, whether or not it makes sense."""
    return struct.pack("!IIII", 16 + len(body), command, 0, sequence) + body


def part_of(pdu: Any, message_id: str) -> Part:
    """What a submit_sm brings."""
    data, head = pdu.short_message or b"", None
    if pdu.esm_class & _HAS_HEADER:
        assert data[:3] == b"\x05\x00\x03", "a header other than that of a part"
        head, data = (data[3], data[4], data[5]), data[6:]
    return Part(
        message_id=message_id,
        sender=pdu.source_addr.decode(),
        recipient=f"+{pdu.destination_addr.decode()}" if pdu.dest_addr_ton == 1 else pdu.destination_addr.decode(),
        coding=pdu.data_coding,
        data=data,
        head=head,
        reference=pdu.user_message_reference,
        receipt=bool(pdu.registered_delivery & 1),
        kinds=(pdu.source_addr_ton, pdu.dest_addr_ton),
    )


def text_of(parts: Sequence[Part]) -> Text:
    """What a phone shows. Each part is read alone, as a phone reads it: a character cut in two is broken."""
    shown = "".join(
        part.data.decode("utf-16-be", "replace") if part.coding == consts.SMPP_ENCODING_ISO10646 else _gsm(part.data)
        for part in parts
    )
    return Text(parts[0].sender, parts[0].recipient, shown, tuple(parts))


def _gsm(data: bytes) -> str:
    shown, escaped = [], 0
    for byte in data:
        if byte == 0x1B and not escaped:
            escaped = 0x80
            continue
        shown.append(gsm.GSM_CHARACTER_TABLE[byte + escaped])
        escaped = 0
    return "".join(shown) + ("\ufffd" if escaped else "")


def receipt_of(part: Part, state: int, form: Form) -> dict[str, Any]:
    """The fields of the deliver_sm that is the receipt for a part."""
    fields: dict[str, Any] = {
        "source_addr_ton": 1,
        "source_addr_npi": 1,
        "source_addr": part.recipient.removeprefix("+"),
        "destination_addr": part.sender,
        "esm_class": _RECEIPT,
    }
    if form != "text":
        fields |= {"receipted_message_id": part.message_id, "message_state": state}
        if part.reference is not None:
            fields["user_message_reference"] = part.reference
    if form != "parameters":
        good = state == DELIVERED
        fields["short_message"] = (
            f"id:{part.message_id} sub:001 dlvrd:{int(good):03} submit date:2602110930 done date:2602110931 "
            f"stat:{_WORDS[state]} err:{0 if good else 27:03} text:Your complaint"
        ).encode()
    return fields
