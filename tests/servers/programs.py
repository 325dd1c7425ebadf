"""The programs of Redress as processes of their own, to be killed like any other.

They are started as an operator starts them, by the command line and settings in the environment.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.process import ServerProcess, free_port

SECRET = "a secret of thirty-two characters or more"
START_SECONDS = 40.0
STOP_SECONDS = 20.0
REPOSITORY = Path(__file__).parent.parent.parent
REDRESS = (str(Path(sys.executable).with_name("redress")),)


class Program:
    """One program: ``Program(installation, "worker", "classifier")``."""

    def __init__(self, installation: Installation, *arguments: str) -> None:
        self.name = " ".join(arguments)
        self._installation = installation
        self._arguments = list(arguments)
        self.port = free_port()
        if arguments[0] in ("api", "desk"):
            self._arguments += ["--port", str(self.port)]
        self._process = self._run()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def restart(self) -> None:
        """Start it again, on the same port."""
        self._process = self._run()

    def stop(self) -> None:
        """SIGTERM, as an orchestrator does."""
        self._process.stop(signal.SIGTERM, STOP_SECONDS)

    def resident_bytes(self) -> int:
        return self._process.resident_bytes()

    def log_tail(self) -> str:
        return self._process.log_tail()

    def _run(self) -> ServerProcess:
        environment = self._installation.environment | {"REDRESS_METRICS_PORT": str(self.port)}
        log = self._installation.home / f"{self.name.replace(' ', '-')}-{self.port}.log"
        process = ServerProcess([*REDRESS, *self._arguments], log, environment=environment)
        process.wait_until(self._answers, START_SECONDS, self.name)
        return process

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class Installation:
    """What an operator sets up once: a folder, the settings, and the programs that run."""

    def __init__(self, database: str, *, events: str = "database", **settings: str) -> None:
        """``settings``: further ones, as ``smtp_url="smtp://…"``."""
        self.home = Path(tempfile.mkdtemp(prefix="redress-e2e-"))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("REDRESS_")}
        self.environment = inherited | {
            "PYTHONPATH": str(REPOSITORY),
            "REDRESS_DATABASE_URL": database,
            "REDRESS_EVENTS": events,
            "REDRESS_SECRET": SECRET,
            "REDRESS_MAIL_DIR": str(self.home / "mail"),
            **{f"REDRESS_{name.upper()}": value for name, value in settings.items()},
        }
        self.programs: list[Program] = []

    @property
    def mail(self) -> Path:
        """Where mails are kept when there is no mail server."""
        return self.home / "mail"

    def start(self, *arguments: str) -> Program:
        """Start a program; it has answered its health check when this returns."""
        program = Program(self, *arguments)
        self.programs.append(program)
        return program

    def run(self, *arguments: str, exit_codes: tuple[int, ...] = (0,), within: float = 120) -> str:
        """Run a command to its end; returns what it printed."""
        done = subprocess.run(
            [*REDRESS, *arguments],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )
        if done.returncode not in exit_codes:
            raise AssertionError(f"redress {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")
        return done.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for program in self.programs:
            if kind is not None:
                print(program.log_tail())
            program.stop()
        shutil.rmtree(self.home, ignore_errors=True)
