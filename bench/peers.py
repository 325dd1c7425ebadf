"""Peers that take whatever they are given, as fast as they can, for measuring notifiers: SMTP, HTTP and SMPP 3.4.

    python bench/peers.py smtp|http|smpp PORT

They do no more than the protocols ask, so that what is measured is the notifier. Correctness is tested with real
servers and libraries in ``tests/``.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Callable
from typing import Final

_HEADER: Final = struct.Struct(">IIII")
_BINDS: Final = frozenset({0x01, 0x02, 0x09})
_SUBMIT: Final = 0x04
_UNBIND: Final = 0x06
_ENQUIRE: Final = 0x15
_ANSWER: Final = 0x80000000


class _Peer(asyncio.Protocol):
    """A connection: bytes in, answers out."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport


class Smtp(_Peer):
    """Takes every mail."""

    def __init__(self) -> None:
        super().__init__()
        self._in_text = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(b"220 peer\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            if self._in_text:
                end = self.buffer.find(b"\r\n.\r\n")
                if end < 0:
                    return
                del self.buffer[: end + 5]
                self._in_text = False
                self.transport.write(b"250 taken\r\n")
                continue
            end = self.buffer.find(b"\r\n")
            if end < 0:
                return
            command = bytes(self.buffer[:4]).upper()
            del self.buffer[: end + 2]
            self._answer(command)

    def _answer(self, command: bytes) -> None:
        if command == b"EHLO":
            self.transport.write(b"250-peer\r\n250 8BITMIME\r\n")
        elif command == b"DATA":
            self._in_text = True
            self.transport.write(b"354 go on\r\n")
        elif command == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(b"250 ok\r\n")


class Http(_Peer):
    """Answers every call with 204."""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.buffer[:end]).lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            del self.buffer[: end + 4 + length]
            self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


class Smpp(_Peer):
    """Takes every bind and every message."""

    taken = 0

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while len(self.buffer) >= 16:
            length, command, _, sequence = _HEADER.unpack_from(self.buffer)
            if len(self.buffer) < length:
                return
            del self.buffer[:length]
            body = b""
            if command in _BINDS:
                body = b"peer\0"
            elif command == _SUBMIT:
                Smpp.taken += 1
                body = f"{Smpp.taken:x}\0".encode()
            if command in _BINDS or command in (_SUBMIT, _UNBIND, _ENQUIRE):
                self.transport.write(_HEADER.pack(16 + len(body), command | _ANSWER, 0, sequence) + body)


PEERS: Final[dict[str, Callable[[], asyncio.Protocol]]] = {"smtp": Smtp, "http": Http, "smpp": Smpp}


async def serve(kind: str, port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(PEERS[kind], "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
