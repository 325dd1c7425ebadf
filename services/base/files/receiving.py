"""The door for files: reads one as it comes, finds out what it is, has it scanned, and keeps it.

Until all of that is done the file has no name anywhere on a disk, so that one that is refused, or whose sender or
reader is gone half-way, leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from services.base.errors import FieldProblem, Invalid, Refused, TooLarge, Unavailable
from services.base.files.checking import check
from services.base.files.port import FileStore
from services.base.files.scanning import Scanner

log = logging.getLogger(__name__)

MIB: Final = 1024 * 1024
_PIECE: Final = 256 * 1024
_AT_ONCE: Final = 64
_SILENCE_SECONDS: Final = 30.0
_LONGEST_SECONDS: Final = 600.0
_RETRY_SECONDS: Final = 10.0

Ask = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that was taken and is kept: its digest (hexadecimal), what it is, and its length in bytes."""

    sha256: str
    media_type: str
    size: int


class FileDoor:
    """Takes files in, and gives them out again."""

    def __init__(
        self,
        store: FileStore,
        scanner: Scanner | None = None,
        *,
        at_once: int = _AT_ONCE,
        silence: float = _SILENCE_SECONDS,
        longest: float = _LONGEST_SECONDS,
    ) -> None:
        """Without a ``scanner`` no file is scanned.

        ``at_once`` files are received at the same time at most; a sender may be silent for ``silence`` seconds, and
        take ``longest`` seconds in all.
        """
        self._store = store
        self._scanner = scanner
        self._free = at_once
        self._silence = silence
        self._longest = longest

    async def receive(
        self,
        chunks: AsyncIterator[bytes],
        *,
        declared: str | None,
        kinds: Collection[str],
        largest: int,
        may_keep: Ask | None = None,
    ) -> ReceivedFile:
        """Read a file to its end and keep it.

        ``declared`` is the type that its sender names (None: they don't), ``kinds`` the types that are taken,
        ``largest`` the limit in MiB. ``may_keep`` is asked with the digest before it is kept, and raises to refuse.

        Raises `TooLarge` as soon as it is, `Invalid` (with a code) for one that is empty, of another kind, damaged or
        infected, `Refused` when its sender has fallen silent, `Unavailable` when it can't be taken now.
        """
        async with self._turn(), _Spool(largest) as spool:
            await self._read(chunks, spool)
            file, digest, size = await spool.finished()
            media_type = await asyncio.to_thread(check, file, kinds, declared)
            if self._scanner is not None:
                await self._scanner.scan(file)
            if may_keep is not None:
                await may_keep(digest)
            await self._store.put(digest, file)
        return ReceivedFile(digest, media_type, size)

    async def read(self, file: ReceivedFile) -> AsyncIterator[bytes]:
        """The content of a file that is kept, piece by piece. Raises `Unavailable` when it can't be had."""
        return await self._store.read(file.sha256)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if not self._free:
            raise Unavailable("many files are being sent at this moment; send this one again shortly", _RETRY_SECONDS)
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def _read(self, chunks: AsyncIterator[bytes], spool: _Spool) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + self._longest
        try:
            async with asyncio.timeout(self._silence) as limit:
                async for chunk in chunks:
                    await spool.add(chunk)
                    limit.reschedule(min(clock() + self._silence, end))
        except TimeoutError:
            raise Refused(
                f"the file didn't come to its end: nothing was sent for {self._silence:.0f} seconds, or it took over "
                f"{self._longest:.0f} seconds in all; send it again"
            ) from None


def too_large(largest: int) -> TooLarge:
    """The refusal of a file of more than ``largest`` MiB."""
    return TooLarge(f"the file is larger than {largest} MiB, the most that is taken; send a smaller one")


class _Spool:
    """The file while it comes: on disk, but under no name, and gone with the process."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._size = 0
        self._hash = hashlib.sha256()
        self._waiting = bytearray()

    async def __aenter__(self) -> _Spool:
        self._file = cast(BinaryIO, await _on_disk(tempfile.TemporaryFile))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._file.close()

    async def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._largest * MIB:
            raise too_large(self._largest)
        self._waiting += chunk
        if len(self._waiting) >= _PIECE:
            await self._write()

    async def finished(self) -> tuple[BinaryIO, str, int]:
        """The whole file, its digest and its length. Raises `Invalid` when there is nothing in it."""
        if not self._size:
            raise Invalid("the file is empty; send one with something in it", (_EMPTY,))
        await self._write()
        await _on_disk(self._file.flush)
        return self._file, self._hash.hexdigest(), self._size

    async def _write(self) -> None:
        piece, self._waiting = bytes(self._waiting), bytearray()

        def work() -> None:
            self._hash.update(piece)
            self._file.write(piece)

        await _on_disk(work)


_EMPTY: Final = FieldProblem("file", "is empty", "empty")


async def _on_disk(work: Callable[[], object]) -> object:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        log.error("there is no place for a file while it comes: %s", error)
        raise Unavailable("the file can't be taken now; send it again in a while", _RETRY_SECONDS) from error
