"""A real message centre (SMPP 3.4) on loopback that keeps what it takes, and can be told to misbehave as centres do.

It runs in a thread of its own, so that it serves whatever loop or process the sender runs in. It reaches no phone. Its
packets are those of smpplib, which shares nothing with the client's side.
"""

from __future__ import annotations

import asyncio
import struct
import threading
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from smpplib import consts, gsm

from tests.servers.process import free_port
from tests.servers.smsc_packets import (
    DELIVERED,
    Form,
    Line,
    Part,
    Text,
    made,
    packet_of,
    parsed,
    part_of,
    receipt_of,
    text_of,
)

CALL_SECONDS = 10.0
SYSTEM_ID = "redress"
PASSWORD = "p@ss/1"
SHORT_CODE = "10086"

_AGAIN_SECONDS: Final = 0.02

T = TypeVar("T")


class Fault(Enum):
    """What the centre may do with a message that it has taken, instead of saying so."""

    CUT = "cuts the line"
    SILENT = "says nothing"


Answer = int | Fault


class Smsc:
    """A message centre at ``url``. Its behaviour may be changed at any time, from any thread."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.binds = 0
        self._parts: list[Part] = []
        self._texts: list[Text] = []
        self._unfinished: dict[tuple[str, int, int], dict[int, Part]] = {}
        self._arrival = threading.Condition()
        self._answers: deque[Answer] = deque()
        self._refused: dict[str, int] = {}
        self._chooser: Callable[[Part], Answer | None] = lambda part: None
        self._bind_status: int = consts.SMPP_ESME_ROK
        self._confirming: int | None = None
        self._lines: list[Line] = []
        self._listener: asyncio.Server | None = None
        self._serving: set[asyncio.Task[Any]] = set()
        self._confirmations: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._answering = True
        self._held: list[tuple[Line, bytes]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="message centre", daemon=True)
        self._thread.start()
        self.up()

    @property
    def url(self) -> str:
        return f"smpp://{SYSTEM_ID}:p%40ss%2F1@{self.host}:{self.port}"

    @property
    def listening(self) -> bool:
        return self._listener is not None

    @property
    def lines(self) -> int:
        """How many connections are bound now."""
        return len(self._lines)

    @property
    def refuses_binds(self) -> bool:
        return self._bind_status != 0

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every message taken so far, in order of arrival."""
        with self._arrival:
            return tuple(self._parts)

    @property
    def texts(self) -> tuple[Text, ...]:
        """The whole texts so far, in the order in which they became whole."""
        with self._arrival:
            return tuple(self._texts)

    async def wait_for(self, number: int, within: float = 5.0) -> tuple[Text, ...]:
        """The texts, as soon as there are ``number``; ``AssertionError`` after ``within`` seconds."""
        return await asyncio.to_thread(self._wait_for, number, within)

    async def bound(self, number: int = 1, within: float = 5.0) -> None:
        """Return when the centre was bound ``number`` times in all."""
        await asyncio.to_thread(self._wait_bound, number, within)

    # --- how it behaves

    def refuse(self, number: str, status: int = consts.SMPP_ESME_RINVDSTADR) -> None:
        """Answer messages to this number (``+86…``) with a status that says no."""
        self._refused[number] = status

    def accept(self, number: str) -> None:
        """Take messages for this number again."""
        self._refused.pop(number, None)

    def answer_with(self, *answers: Answer) -> None:
        """Answer the next messages so, one after the other. Only status 0 and the faults take the message."""
        self._answers.extend(answers)

    def throttle(self, times: int = 1) -> None:
        """Refuse the next ``times`` messages because they come too fast."""
        self.answer_with(*[consts.SMPP_ESME_RTHROTTLED] * times)

    def cut_after_taking(self) -> None:
        """Take the next message, then cut the line: the sender cannot know that it has arrived."""
        self.answer_with(Fault.CUT)

    def hang_after_taking(self) -> None:
        """Take the next message and never say so. Others are answered."""
        self.answer_with(Fault.SILENT)

    def whenever(self, chooser: Callable[[Part], Answer | None]) -> None:
        """Let ``chooser`` say how each message is answered; None: as usual. It runs in the centre's thread."""
        self._chooser = chooser

    def refuse_binds(self, status: int = consts.SMPP_ESME_RINVPASWD) -> None:
        """Answer binds so. 0 takes them again."""
        self._bind_status = status

    def confirm_all(self, state: int | None = DELIVERED) -> None:
        """Send a receipt for each message that wants one, until it is taken; None for no receipts."""
        self._confirming = state

    def hang(self) -> None:
        """Read and say nothing; connections stay open until ``answer`` or ``down``."""
        self._answering = False

    def answer(self) -> None:
        """End a hang, and answer what has come meanwhile."""
        self._call(self._handle_held)

    def down(self) -> None:
        """Stop listening and cut every line."""
        self._run(self._close())

    def up(self) -> None:
        """Listen (again) on the same port."""
        self._run(self._listen())

    def stop(self) -> None:
        """End the centre for good."""
        self.down()
        self._run(_cancel(self._confirmations))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CALL_SECONDS)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- what it sends; each returns the status that the other side answers

    async def confirm(self, text: Text, state: int = DELIVERED, form: Form = "both") -> int:
        """Send a receipt for a text: in SMPP's parameters, in words, or both."""
        return await self._ask(self._deliver(**receipt_of(text.parts[-1], state, form)))

    async def say(self, sender: str, text: str, *, coding: int = consts.SMPP_ENCODING_DEFAULT) -> list[int]:
        """Send what a customer wrote, in as many messages as it takes, without waiting between them."""
        parts, used, kind = gsm.make_parts(text, coding)
        return await self._ask(self._say(sender, parts, used, kind))

    async def say_bytes(self, sender: str, data: bytes, coding: int, kind: int = 0) -> int:
        """Send a message made of these bytes."""
        return (await self._ask(self._say(sender, [data], coding, kind)))[0]

    def send_raw(self, packet: bytes) -> None:
        """Write bytes to the line, whatever they are."""
        self._call(lambda: self._lines[-1].writer.write(packet))

    async def ask_raw(self, command: int, body: bytes) -> tuple[int, int]:
        """Send any request; returns command and status of the answer."""
        answer = await self._ask(self._request(lambda number: packet_of(command, number, body)))
        return struct.unpack("!I", answer[4:8])[0], struct.unpack("!I", answer[8:12])[0]

    # --- within: the centre's thread

    async def _say(self, sender: str, parts: Sequence[bytes], coding: int, kind: int) -> list[int]:
        fields = {
            "source_addr_ton": int(sender.startswith("+")),
            "source_addr_npi": 1,
            "source_addr": sender.removeprefix("+"),
        }
        return await asyncio.gather(
            *(
                self._deliver(
                    **fields, destination_addr=SHORT_CODE, short_message=d, data_coding=coding, esm_class=kind
                )
                for d in parts
            )
        )

    async def _deliver(self, **fields: Any) -> int:
        answer = await self._request(lambda number: made("deliver_sm", number, **fields))
        return int(parsed(answer).status)

    async def _request(self, build: Callable[[int], bytes]) -> bytes:
        """Ask over the newest line; returns the answer. Raises ``ConnectionError`` when there is none."""
        if not self._lines:
            raise ConnectionResetError("nobody is bound")
        return await self._lines[-1].request(build)

    async def _deliver_until_taken(self, fields: dict[str, Any]) -> None:
        while True:
            with suppress(ConnectionError):
                if await self._deliver(**fields) == consts.SMPP_ESME_ROK:
                    return
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(writer)
        try:
            while True:
                head = await reader.readexactly(4)
                packet = head + await reader.readexactly(struct.unpack("!I", head)[0] - 4)
                if self._answering:
                    self._handle(line, packet)
                else:
                    self._held.append((line, packet))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if line in self._lines:
                self._lines.remove(line)
            line.over()

    def _handle_held(self) -> None:
        self._answering = True
        held, self._held = self._held, []
        for line, packet in held:
            self._handle(line, packet)

    def _handle(self, line: Line, packet: bytes) -> None:
        if packet[4] & 0x80:
            line.answered(packet)
            return
        pdu = parsed(packet)
        match pdu.command:
            case "bind_transceiver":
                self._bind(line, pdu)
            case "submit_sm":
                self._submit(line, pdu)
            case "enquire_link":
                line.write("enquire_link_resp", pdu.sequence)
            case "unbind":
                line.write("unbind_resp", pdu.sequence)
                line.writer.close()

    def _bind(self, line: Line, pdu: Any) -> None:
        status = self._bind_status
        if (pdu.system_id, pdu.password) != (SYSTEM_ID.encode(), PASSWORD.encode()):
            status = consts.SMPP_ESME_RINVPASWD
        line.write("bind_transceiver_resp", pdu.sequence, status=status, system_id="centre")
        if status == consts.SMPP_ESME_ROK:
            self._lines.append(line)
            with self._arrival:
                self.binds += 1
                self._arrival.notify_all()

    def _submit(self, line: Line, pdu: Any) -> None:
        part = part_of(pdu, f"{len(self._parts) + 1:08X}")
        answer = self._refused.get(part.recipient, consts.SMPP_ESME_ROK)
        if answer == consts.SMPP_ESME_ROK:
            answer = self._answers.popleft() if self._answers else self._chooser(part) or consts.SMPP_ESME_ROK
        if isinstance(answer, int) and answer != consts.SMPP_ESME_ROK:
            line.write("submit_sm_resp", pdu.sequence, status=answer)
            return
        self._keep(part)
        if answer is Fault.CUT:
            line.drop()
        elif answer is not Fault.SILENT:
            line.write("submit_sm_resp", pdu.sequence, message_id=part.message_id)
        if part.receipt and self._confirming is not None:
            task = self._loop.create_task(self._deliver_until_taken(receipt_of(part, self._confirming, "both")))
            self._confirmations.add(task)
            task.add_done_callback(self._confirmations.discard)

    def _keep(self, part: Part) -> None:
        with self._arrival:
            self._parts.append(part)
            if part.head is None:
                self._texts.append(text_of([part]))
            else:
                reference, total, number = part.head
                key = (part.recipient, reference, total)
                together = self._unfinished.setdefault(key, {})
                together[number] = part
                if len(together) == total:
                    del self._unfinished[key]
                    self._texts.append(text_of([together[n] for n in sorted(together)]))
            self._arrival.notify_all()

    def _wait_for(self, number: int, within: float) -> tuple[Text, ...]:
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._texts) >= number, within):
                raise AssertionError(f"{len(self._texts)} of {number} texts arrived within {within} s")
        return self.texts

    def _wait_bound(self, number: int, within: float) -> None:
        with self._arrival:
            if not self._arrival.wait_for(lambda: self.binds >= number, within):
                raise AssertionError(f"bound {self.binds} of {number} times within {within} s")

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, self.host, self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # the centre goes down
        finally:
            self._serving.discard(task)
            writer.transport.abort()

    async def _close(self) -> None:
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        await _cancel(self._serving)

    def _call(self, work: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(work)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` in the centre's thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_SECONDS)

    async def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        """Run ``work`` in the centre's thread, and let others run meanwhile."""
        async with asyncio.timeout(CALL_SECONDS):
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


async def _cancel(tasks: Collection[asyncio.Task[Any]]) -> None:
    ending = tuple(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
