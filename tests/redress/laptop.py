"""`redress up` as a process of its own, in a home of its own, as somebody on a laptop runs it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.servers.process import ServerProcess

REDRESS = str(Path(sys.executable).with_name("redress"))
START_SECONDS = 60.0
STOP_SECONDS = 30.0


class Laptop:
    """One home, in which `redress up` is started, killed and stopped."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.home = folder / "home"
        self.url = ""
        self.log = folder / "log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("REDRESS_")}
        self.environment = inherited | {"REDRESS_HOME": str(self.home), **settings}
        self._process: ServerProcess | None = None

    @property
    def process(self) -> ServerProcess:
        assert self._process is not None
        return self._process

    @property
    def credentials(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.home / "credentials.json").read_text())
        return content

    def up(self) -> str:
        """Start, on a free port at first and on the same one later; returns what it printed when it was ready."""
        self.log.unlink(missing_ok=True)
        command = [REDRESS, "up", "--port", self.url.rpartition(":")[2] or "0"]
        self._process = ServerProcess(command, self.log, environment=self.environment)
        self._process.wait_until(lambda: "Ctrl-C stops it" in self.log.read_text(), START_SECONDS, "redress up")
        self.url = json.loads((self.home / "state.json").read_text())["url"]
        return self.log.read_text()

    def kill(self) -> None:
        """SIGKILL to the process alone: its PostgreSQL goes on, as it would after a real one."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.stop(signal.SIGKILL, 10)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        self.process.stop(with_signal, STOP_SECONDS)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command to its end."""
        return subprocess.run(
            [REDRESS, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def client(self, key: str) -> httpx.Client:
        """Somebody with a key."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def postgres_processes(self) -> list[psutil.Process]:
        """The processes of the embedded PostgreSQL: the first is its server, the others work for it."""
        data = str(self.home / "postgres")
        servers = [
            process
            for process in psutil.process_iter(["name", "cmdline"])
            if process.info["name"] == "postgres" and data in (process.info["cmdline"] or ())
        ]
        return servers + [child for server in servers for child in server.children(recursive=True)]


@contextmanager
def laptop(**settings: str) -> Iterator[Laptop]:
    """A laptop on which nothing is left running afterwards, nor any file."""
    # Not in pytest's own folder: as root, PostgreSQL runs as a user who may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="redress-up-"))
    one = Laptop(folder, **settings)
    try:
        yield one
    finally:
        if one._process is not None and one.process.running:
            one.stop()
        for process in one.postgres_processes():
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)
