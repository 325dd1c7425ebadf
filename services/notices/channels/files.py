"""Messages kept as files: where there is no mail server, and for drills and the sandbox, which tell nobody real."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.notices.channels.mail import Mailer, compose
from services.notices.channels.port import Line, Outgoing, PeerAway, Way


class Files:
    """A folder that keeps each mail as ``<notice id>.eml`` and other messages as ``<notice id>.txt``, readable by its
    owner only. Kept twice, it is the same file.
    """

    way: Final[Way] = "email"
    repeats: Final = True

    def __init__(self, folder: Path, mailer: Mailer, lines: int = 32) -> None:
        """``lines``: files wait for nobody; more of them at once only means that more are written in one go."""
        self.lines = lines
        self._folder = folder
        self._mailer = mailer
        self._waiting: list[tuple[str, bytes, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    def line(self) -> Line:
        """A way into the folder, which is made when the first message comes."""
        return _FileLine(self)

    async def run(self) -> None:
        """A folder says nothing."""
        await asyncio.Event().wait()

    async def keep(self, out: Outgoing) -> None:
        """Write the message. Raises `PeerAway` when the folder can't be written to.

        Files are made in a thread, since that may take a disk's time; all that wait go at once, since handing work to
        a thread takes longer than a file.
        """
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((*_file(self._mailer, out), kept))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await kept

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failures = await asyncio.to_thread(_keep_all, self._folder, [file[:2] for file in batch])
            for (*_, kept), failure in zip(batch, failures, strict=True):
                if kept.done():
                    continue
                if failure is None:
                    kept.set_result(None)
                else:
                    kept.set_exception(PeerAway(f"mails can't be kept in {self._folder}: {failure}"))


class _FileLine:
    def __init__(self, files: Files) -> None:
        self._files = files

    async def send(self, out: Outgoing) -> None:
        await self._files.keep(out)

    async def close(self) -> None:
        return


def _file(mailer: Mailer, out: Outgoing) -> tuple[str, bytes]:
    """Name and content of the file. Mail is kept as it would have left; anything else as what it says, to whom."""
    if out.way == "email":
        return f"{out.notice}.eml", compose(mailer, out, eight_bit=True).content
    head = f"To: {out.address}\nRedress-Notice: {out.kind}; {out.notice}\n"
    return f"{out.notice}.txt", f"{head}\n{out.words.text}".encode()


def _keep_all(folder: Path, files: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
    """Write the files; for each, what prevented it."""
    failures: list[OSError | None] = []
    for name, content in files:
        try:
            _keep(folder, name, content)
            failures.append(None)
        except OSError as error:
            failures.append(error)
    return failures


def _keep(folder: Path, name: str, content: bytes) -> None:
    """Write the file so that whoever looks sees all of it or nothing."""
    unfinished = folder / f".{name}.part"
    try:
        _write(unfinished, content)
    except FileNotFoundError:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(unfinished, content)
    unfinished.rename(folder / name)


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb", opener=_for_the_owner) as file:
        file.write(content)


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
