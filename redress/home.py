"""The folder of `redress up`: who runs in it, its secret, and where other programs find what runs.

Whether somebody runs is answered by a lock that the operating system gives back when the process ends, however it
ends; a file left behind by a killed process means nothing by itself.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from services.base.errors import Conflict

_LOCK_TRIES = 10
_LOCK_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """What a running `redress up` says of itself."""

    url: str
    pid: int
    database_url: str


class Home:
    """One such folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = folder / "postgres"
        self.credentials = folder / "credentials.json"
        self.mail = folder / "mail"
        self._secret = folder / "secret"
        self._state = folder / "state.json"
        self._lock = folder / "lock"

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the folder for this process; makes it when it is not there.

        Raises `Conflict`, naming process and address, while another process holds it.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock.open("a") as lock:
            self._take(lock.fileno())
            try:
                yield
            finally:
                self._state.unlink(missing_ok=True)

    def secret(self) -> str:
        """The installation's secret, made when there is none."""
        if not self._secret.exists():
            write_private(self._secret, secrets.token_hex(32) + "\n")
        return self._secret.read_text().strip()

    def known_secret(self) -> str | None:
        """The installation's secret, None when there is none yet."""
        return self.secret() if self._secret.exists() else None

    def announce(self, running: Running) -> None:
        """Let other programs find what runs here."""
        write_private(self._state, json.dumps(asdict(running), indent=2) + "\n")

    def running(self) -> Running | None:
        """What runs in this folder now; None when nothing does, or has not got ready yet."""
        if not self._lock.exists() or not self._is_held():
            return None
        return self._announced()

    def _announced(self) -> Running | None:
        with suppress(OSError, ValueError, TypeError):
            return Running(**json.loads(self._state.read_text()))
        return None

    def _take(self, lock: int) -> None:
        # A few tries, because a program that only looks whether somebody runs holds the lock for an instant.
        for _ in range(_LOCK_TRIES):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOCK_PAUSE)
            else:
                return
        raise Conflict(self._who())

    def _who(self) -> str:
        other = self._announced()
        who = f"process {other.pid}, at {other.url}" if other else "it is still starting or stopping"
        return (
            f"Redress is already running in {self.folder} ({who}). Use that one, stop it, "
            "or give this one a folder of its own with --home."
        )

    def _is_held(self) -> bool:
        with self._lock.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
