"""One connection to the message centre, from its opening to its end: requests and their answers, matched by number.

Nothing is ever sent twice here, and a request's fate is told as it is: answered, not written (`NotWritten`), or
written and not answered (`AnswerLost`). aiosmpplib has a session of its own, which would not do: it takes messages
from a queue and tells of them through hooks, so that a message that was written when the line broke is not told from
one that waits; a status that it doesn't know breaks the connection; it has no window; and it answers a customer's
message with success, or not at all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, cast

from services.notices.channels import sms_answers as answers
from services.notices.channels import sms_pdu as pdus
from services.notices.channels.sms_pdu import Pdu

_GOODBYE_SECONDS: Final = 1.0


class NotWritten(Exception):
    """The request did not leave: the connection can't be used. ``str()`` says why."""


class AnswerLost(Exception):
    """The request was written, and no answer to it came. ``str()`` says why."""


class Session(asyncio.Protocol):
    """A connection. ``on_deliver`` is given each deliver_sm, and answers it with `write`; the rest is done here."""

    def __init__(self, on_deliver: Callable[[Pdu], None], seconds: float) -> None:
        """``seconds``: how long an answer is waited for."""
        self._on_deliver = on_deliver
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._sequence = 0
        # By its number, the command that a request's answer has, and who waits for it.
        self._pending: dict[int, tuple[int, asyncio.Future[Pdu]]] = {}
        self._writable = asyncio.Event()
        self._writable.set()
        self._heard_at = self._loop.time()
        self._silent = asyncio.Event()
        self._reason: str | None = None
        self._ended = asyncio.Event()

    @property
    def usable(self) -> bool:
        """Whether a request can be made now."""
        return self._reason is None and not self._silent.is_set()

    async def bind(self, system_id: str, password: str) -> int:
        """Ask to send and receive; returns the status that the centre answers. Raises as `request`."""
        answer = await self.request(
            pdus.BIND_TRANSCEIVER, lambda number: pdus.bind(number, system_id=system_id, password=password)
        )
        return answer.status

    async def request(self, command: int, made: Callable[[int], bytes]) -> Pdu:
        """Make a request and wait for its answer. ``made`` gives its bytes for a sequence number.

        Raises `NotWritten` and `AnswerLost`.
        """
        if self._silent.is_set():
            raise NotWritten("the message centre does not answer")
        return await self._request(command, made)

    def write(self, packet: bytes) -> None:
        """Send an answer. When the connection has ended meanwhile, the centre asks again on the next."""
        with contextlib.suppress(NotWritten):
            self._write(packet)

    async def keep_alive(self, interval: float) -> None:
        """Ask the centre every ``interval`` seconds whether it is there, and at once when it leaves a request without
        an answer. Ends the connection when it is not. Returns at the end.
        """
        while self._reason is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await self._silent.wait()
            asked_at = self._loop.time()
            try:
                await self._request(pdus.ENQUIRE_LINK, pdus.enquire_link)
            except (NotWritten, AnswerLost):
                if self._heard_at <= asked_at:
                    self.cut("the message centre does not answer")

    async def ended(self) -> str:
        """Wait for the end; returns why."""
        await self._ended.wait()
        return self._reason or "the connection ended"

    async def unbind(self) -> None:
        """Say goodbye and close."""
        with contextlib.suppress(NotWritten, AnswerLost, TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._request(pdus.UNBIND, pdus.unbind)
        self.cut("we have said goodbye")

    def cut(self, reason: str) -> None:
        """End the connection now. What is not answered by now is `AnswerLost`."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are no subclass of it.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        self._silent.clear()
        self._buffer += data
        try:
            packets = pdus.take(self._buffer)
        except pdus.Garbled as error:
            self.write(pdus.answer(pdus.GENERIC_NACK, 0, answers.WRONG_LENGTH))
            self._close(f"the message centre does not speak SMPP: {error}")
            return
        for packet in packets:
            self._take(packet)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._end("the message centre closed the connection" if error is None else f"the connection broke: {error}")
        self._writable.set()
        self._ended.set()

    # --- within

    async def _request(self, command: int, made: Callable[[int], bytes]) -> Pdu:
        if not self._writable.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._writable.wait()
        if not self._writable.is_set():
            raise NotWritten("the message centre does not read what we send")
        self._sequence = number = pdus.next_sequence(self._sequence)
        self._write(made(number))
        written_at = self._loop.time()
        answer: asyncio.Future[Pdu] = self._loop.create_future()
        self._pending[number] = (command | pdus.RESPONSE, answer)
        try:
            async with asyncio.timeout(self._seconds):
                return await answer
        except TimeoutError:
            if answer.done() and not answer.cancelled():
                return answer.result()
            if self._heard_at <= written_at:
                self._silent.set()
            raise AnswerLost(f"the message centre did not answer within {self._seconds:g} s") from None
        finally:
            self._pending.pop(number, None)

    def _write(self, packet: bytes) -> None:
        """Raises `NotWritten` when none of it left."""
        transport = self._transport
        if self._reason is None and transport is not None and not transport.is_closing():
            transport.write(packet)
            # It closes at once when the system did not take the bytes.
            if not transport.is_closing():
                return
        raise NotWritten(self._reason or "the connection to the message centre is broken")

    def _take(self, packet: Pdu) -> None:
        if packet.command & pdus.RESPONSE:
            self._take_answer(packet)
        elif packet.command == pdus.DELIVER_SM:
            self._on_deliver(packet)
        elif packet.command == pdus.UNBIND:
            self.write(pdus.answer(pdus.UNBIND, packet.sequence, answers.OK))
            self._close("the message centre said goodbye")
        elif packet.command == pdus.ENQUIRE_LINK:
            self.write(pdus.answer(pdus.ENQUIRE_LINK, packet.sequence, answers.OK))
        elif packet.command not in pdus.NEWS:
            self.write(pdus.answer(packet.command, packet.sequence, answers.UNKNOWN_COMMAND))

    def _take_answer(self, packet: Pdu) -> None:
        wanted, answer = self._pending.get(packet.sequence, (0, None))
        refused = packet.command == pdus.GENERIC_NACK
        if answer is not None and (refused or packet.command == wanted):
            if not answer.done():
                answer.set_result(packet)
        elif refused and packet.sequence == 0:
            # It lost its place in what we sent, and what it makes of the rest nobody knows.
            self.cut("the message centre could not read what we sent")

    def _close(self, reason: str) -> None:
        """End the connection when what was written has left."""
        self._end(reason)
        if self._transport is not None:
            self._transport.close()
            # A centre that doesn't read would keep it open for ever.
            self._loop.call_later(_GOODBYE_SECONDS, self._transport.abort)

    def _end(self, reason: str) -> None:
        if self._reason is None:
            self._reason = reason
        for _, answer in self._pending.values():
            if not answer.done():
                answer.set_exception(AnswerLost(f"no answer came before the end: {self._reason}"))
