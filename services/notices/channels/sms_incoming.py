"""What the message centre hands us on one connection: receipts, and messages of customers put together from parts.

The centre is answered only after the listener has kept what it brought, so that what is lost on the way is brought
again. That is why the parts of a long message stay unanswered until the message is whole. Where a centre brings the
next part only after the answer to the last, the parts are passed on alone: in pieces, but complete.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from services.notices.channels import sms_answers as answers
from services.notices.channels import sms_pdu as pdus
from services.notices.channels.port import Arrived, Listener
from services.notices.channels.sms_encoding import Place, decode
from services.notices.channels.sms_identity import Identities, content_of
from services.notices.channels.sms_pdu import Address, Deliver, Garbled, Pdu
from services.notices.channels.sms_receipts import read_receipt

log = logging.getLogger(__name__)

# What one sender says is passed on in order; that of different ones at the same time.
_WORKERS: Final = 16
_MOST_WAITING: Final = 1000
_MOST_UNFINISHED: Final = 200


@dataclass(frozen=True, slots=True)
class _News:
    """Something to tell the listener. ``sequences`` are the requests that are answered when it is kept."""

    sequences: Sequence[int]
    source: str
    tell: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Long:
    """A message of which parts have come. ``sequences`` are their requests, those of a part brought twice too."""

    total: int
    parts: dict[int, Deliver] = field(default_factory=dict)
    sequences: list[int] = field(default_factory=list)
    patience: asyncio.TimerHandle | None = None


_Key = tuple[Address, Address, int, int]


class Incoming:
    """Takes each deliver_sm of a connection and tells the listener."""

    def __init__(
        self,
        listener: Listener,
        write: Callable[[bytes], None],
        identities: Identities,
        clock: Callable[[], datetime],
        gather: float,
    ) -> None:
        """``write`` sends an answer. ``gather``: seconds that the parts of a message wait for the others."""
        self._listener = listener
        self._write = write
        self._identities = identities
        self._clock = clock
        self._gather = gather
        self._loop = asyncio.get_running_loop()
        self._queues: tuple[asyncio.Queue[_News], ...] = tuple(asyncio.Queue() for _ in range(_WORKERS))
        self._waiting = 0
        self._unfinished: dict[_Key, _Long] = {}

    def take(self, packet: Pdu) -> None:
        """Take a deliver_sm. It is answered when its content is kept."""
        try:
            deliver = pdus.read_deliver(packet.body)
        except Garbled as error:
            log.warning("the message centre sent a message that can't be read: %s", error)
            self._write(pdus.answer(pdus.GENERIC_NACK, packet.sequence, answers.WRONG_LENGTH))
            return
        if self._waiting >= _MOST_WAITING:
            self._answer([packet.sequence], answers.QUEUE_FULL)
        elif deliver.is_receipt:
            self._take_receipt(packet.sequence, deliver)
        elif deliver.place is not None:
            self._take_part(packet.sequence, deliver, deliver.place)
        else:
            self._take_message([packet.sequence], deliver, decode(deliver.coding, deliver.data))

    async def run(self) -> None:
        """Tell the listener of what comes, until cancelled. What isn't told by then is not answered."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for queue in self._queues:
                    tasks.create_task(self._work(queue), name="text messages in")
        finally:
            for one in self._unfinished.values():
                _stop(one)
            self._unfinished.clear()

    # --- what comes

    def _take_receipt(self, sequence: int, deliver: Deliver) -> None:
        receipt = read_receipt(deliver, self._clock())
        if receipt.peer_id is None and receipt.reference is None:
            log.warning("the message centre sent a receipt that names no message")
            self._answer([sequence], answers.OK)
        else:
            self._put(_News([sequence], deliver.source.number, partial(self._listener.receipt, receipt)))

    def _take_message(self, sequences: Sequence[int], deliver: Deliver, text: str) -> None:
        at = self._clock()
        message = Arrived(
            way="sms",
            id=self._identities.of(content_of(deliver, text), at),
            sender=_written(deliver.source),
            recipient=_written(deliver.destination),
            text=text,
            at=at,
        )
        self._put(_News(sequences, deliver.source.number, partial(self._listener.arrived, message)))

    def _put(self, news: _News) -> None:
        self._waiting += 1
        self._queues[hash(news.source) % _WORKERS].put_nowait(news)

    # --- parts

    def _take_part(self, sequence: int, deliver: Deliver, place: Place) -> None:
        key = (deliver.source, deliver.destination, place.reference, place.total)
        one = self._unfinished.get(key)
        if one is not None and place.number in one.parts and one.parts[place.number].data != deliver.data:
            # The sender has come round to the same reference.
            self._pass_on(key)
            one = None
        if one is None:
            if len(self._unfinished) >= _MOST_UNFINISHED:
                self._pass_on(next(iter(self._unfinished)))
            one = self._unfinished[key] = _Long(place.total)
            one.patience = self._loop.call_later(self._gather, self._pass_on, key)
        one.parts[place.number] = deliver
        one.sequences.append(sequence)
        if len(one.parts) == one.total:
            self._pass_on(key)

    def _pass_on(self, key: _Key) -> None:
        """Tell of a long message: whole, or as much of it as there is."""
        one = self._unfinished.pop(key)
        _stop(one)
        parts = [one.parts[number] for number in sorted(one.parts)]
        first = parts[0]
        if len(parts) == one.total:
            # Joined before it is read: not every sender cuts between characters.
            text = decode(first.coding, b"".join(part.data for part in parts))
        else:
            text = " … ".join(decode(part.coding, part.data) for part in parts)
        self._take_message(one.sequences, first, text)

    # --- telling

    async def _work(self, queue: asyncio.Queue[_News]) -> None:
        while True:
            news = await queue.get()
            try:
                await news.tell()
                status = answers.OK
            except Exception as error:
                # Not its text, which may hold what the customer wrote.
                log.warning("what the message centre brought can't be kept now: %s", type(error).__name__)
                status = answers.TRY_AGAIN
            self._waiting -= 1
            self._answer(news.sequences, status)

    def _answer(self, sequences: Sequence[int], status: int) -> None:
        for sequence in sequences:
            self._write(pdus.answer(pdus.DELIVER_SM, sequence, status))


def _written(address: Address) -> str:
    """The address as a person would write it. A number that isn't marked as international stays as it came: whether
    it has a country code can only be told where the country is known.
    """
    number = address.number
    if not (number.isascii() and number.isdigit()):
        return number
    if address.kind == pdus.INTERNATIONAL:
        return f"+{number.removeprefix('00')}"
    return f"+{number.removeprefix('00')}" if number.startswith("00") else number


def _stop(one: _Long) -> None:
    if one.patience is not None:
        one.patience.cancel()
