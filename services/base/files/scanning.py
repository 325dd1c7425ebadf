"""The hook for a scanner: a program of the operator's that looks at each file before it is kept.

The program is given the file on its standard input and nothing else, and says by its end what it found. Nothing that
was not found clean is kept: a scanner that fails, hangs or is missing makes the service take no files, not more.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import shutil
import signal
from contextlib import suppress
from typing import BinaryIO, Final

from services.base.errors import FieldProblem, Invalid, Misconfigured, Unavailable

log = logging.getLogger(__name__)

_CLEAN: Final = 0
_INFECTED: Final = 1
_SECONDS: Final = 30.0
_AT_ONCE: Final = 4


class Scanner:
    """Runs the command, a few times at once at most, and ends it when it takes too long."""

    def __init__(self, command: str, *, seconds: float = _SECONDS, at_once: int = _AT_ONCE) -> None:
        """``command`` is split as a shell does, and run without one. Raises `Misconfigured` when it can't be run."""
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise Misconfigured(f"REDRESS_SCAN_COMMAND can't be read: {error}") from None
        if not self._command or shutil.which(self._command[0]) is None:
            raise Misconfigured(
                "REDRESS_SCAN_COMMAND names no program that can be run; write for example `clamdscan --no-summary -`, "
                "or leave it out to have no file scanned"
            )
        self._seconds = seconds
        self._running = asyncio.Semaphore(at_once)

    async def scan(self, file: BinaryIO) -> None:
        """Returns when the file is clean. Raises `Invalid` when it is not, `Unavailable` when nobody can say."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._running.acquire()
        except TimeoutError:
            raise _unscanned("every scanner is busy") from None
        try:
            ended = await self._run(file)
        finally:
            self._running.release()
        if ended == _INFECTED:
            log.warning("the scanner found malware in a file; it was not kept")
            raise Invalid(
                "the scanner found malicious software in the file, so nothing of it was kept; send another file",
                (FieldProblem("file", "malicious software was found in it", "infected"),),
            )
        if ended != _CLEAN:
            raise _unscanned("it was killed after its time" if ended is None else f"it ended with {ended}")

    async def _run(self, file: BinaryIO) -> int | None:
        """How the program ended; None when it had to be ended."""
        file.seek(0)
        try:
            # In a group of its own, so that what it has started ends with it.
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=file, stdout=asyncio.subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            raise _unscanned(f"it can't be run: {error}") from None
        try:
            async with asyncio.timeout(self._seconds):
                return await process.wait()
        except TimeoutError:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _unscanned(why: str) -> Unavailable:
    log.error("files can't be scanned: %s", why)
    return Unavailable("the file can't be scanned now, so it was not taken; send it again in a while", 30.0)
