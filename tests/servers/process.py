"""One server program as a child of the test run: started, watched, stopped, killed.

A leash ends the program when the test run dies, however it dies: a small shell reads a pipe that only the
test run holds open, and kills at its end. What the program is, ``postgres.py`` and ``kafka.py`` know.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

LOG_TAIL_BYTES = 4_000

# Arguments: signal, process, folder. Waits two seconds at most for the process before it removes the folder.
LEASH = """
read -r _
kill -"$1" "$2"
turn=0
while kill -0 "$2" && [ "$turn" -lt 40 ]; do sleep 0.05; turn=$((turn + 1)); done
[ -z "$3" ] || rm -rf "$3"
"""


class ServerStartError(AssertionError):
    """The program ended, or did not get ready in time. The message ends with the tail of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """A running program. Its output is appended to ``log``."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        leash_signal: signal.Signals = signal.SIGKILL,
        leash_removes: Path | None = None,
    ) -> None:
        """Start ``command`` as ``user`` (needs root), in a session of its own: Ctrl-C is for the tests alone.

        When the test run is gone, the program gets ``leash_signal``, and ``leash_removes`` is removed.
        """
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                user=user,
                cwd="/",
                start_new_session=True,
            )
        self._leash = subprocess.Popen(
            ["/bin/sh", "-c", LEASH, "leash", str(int(leash_signal)), str(self.pid), str(leash_removes or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], within: float, name: str) -> None:
        """Return as soon as ``ready()``; after ``within`` seconds kill it and raise ``ServerStartError``."""
        deadline = time.monotonic() + within
        while not ready():
            if not self.running:
                code = self._process.returncode
                self._unleash()
                raise ServerStartError(f"{name} ended with code {code} while starting.\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ServerStartError(f"{name} was not ready within {within:.0f} s.\n{self.log_tail()}")
            time.sleep(0.02)

    def stop(self, with_signal: signal.Signals, within: float) -> None:
        """Ask the program to end; kill it when it has not ended after ``within`` seconds."""
        if self.running:
            self._process.send_signal(with_signal)
            try:
                self._process.wait(within)
            except subprocess.TimeoutExpired:
                self.kill()
        self._unleash()

    def kill(self) -> None:
        """End the program and every child of it at once (SIGKILL), as a power cut would."""
        for victim in self._family():
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        self._process.wait(10)
        self._unleash()

    def resident_bytes(self) -> int:
        """Memory that the program and its children hold now (shared pages count once for each)."""
        return sum(member.memory_info().rss for member in self._family())

    def log_tail(self) -> str:
        size = self.log.stat().st_size
        with self.log.open("rb") as log:
            log.seek(max(0, size - LOG_TAIL_BYTES), os.SEEK_SET)
            return f"--- end of {self.log}:\n{log.read().decode(errors='replace')}"

    def _family(self) -> list[psutil.Process]:
        if not self.running:
            return []
        try:
            program = psutil.Process(self.pid)
            return [program, *program.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _unleash(self) -> None:
        # The leash goes first by signal: closing its pipe would make it kill a process id that is free again.
        self._leash.kill()
        self._leash.wait(10)
        if self._leash.stdin is not None:
            self._leash.stdin.close()
