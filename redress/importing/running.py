"""One import from beginning to end: where to, with which key, the progress shown, the rejects kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import httpx
import orjson

from redress.bringing_up import read_plan
from redress.credentials import read_credentials
from redress.home import Home
from redress.importing.columns import words_of
from redress.importing.posting import Poster, Rejected, Tally
from redress.importing.rows import Source
from services.base.errors import Misconfigured
from services.base.settings import Settings

_TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0)


def run(
    settings: Settings,
    file: Path,
    url: str | None,
    key: str | None,
    rejects: Path,
    mapping: Mapping[str, str],
    tell: Callable[[str], None],
) -> tuple[Tally, tuple[str, ...]]:
    """Import ``file``; returns the tally and the headers of columns that were not taken over.

    ``rejects`` is written only when there are some; ``tell`` is told why it waits. Raises `Misconfigured` when it is
    not known where to, and what `Source` and `Poster.post` raise.
    """
    address, key = _target(settings, url, key)
    _, plan = read_plan(settings.plan)
    source = Source(file, mapping, words_of(plan), ZoneInfo(plan.plan.time_zone))
    with closing(Rejects(rejects)) as kept, _progress(source) as progress:
        tally = asyncio.run(_post(source, address, key, kept.add, progress, tell))
    return tally, source.columns.left_out if source.columns else ()


async def _post(
    source: Source,
    url: str,
    key: str,
    reject: Callable[[Rejected], None],
    progress: Callable[[Tally], None],
    tell: Callable[[str], None],
) -> Tally:
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT, trust_env=False) as client:
        return await Poster(client, key, reject, progress, tell).post(source.rows())


def _target(settings: Settings, url: str | None, key: str | None) -> tuple[str, str]:
    home = Home(settings.home)
    if url is None:
        running = home.running()
        if running is None:
            raise Misconfigured(
                f"where to? No `redress up` runs in {settings.home}; start it, name its --home, or give --url and --key"
            )
        url = running.url
    _check_address(url)
    if key is None:
        credentials = read_credentials(home.credentials)
        if credentials is None:
            raise Misconfigured(f"there is no channel key in {home.credentials}; give one with --key")
        key = credentials.channel_key
    return url, key


def _check_address(url: str) -> None:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Misconfigured(f"--url '{url}' is no address ({error}); write http://host:port") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise Misconfigured(f"--url '{url}' is no address of a service; write http://host:port or https://host")


class Rejects:
    """A file of rejects, one a line; it is made with the first of them, and `close` sorts it by the rows' lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: list[tuple[int, int, int]] = []
        self._end = 0

    def add(self, rejected: Rejected) -> None:
        """Keep one. It is in the file at once, so that an import that is cut off leaves those so far."""
        entry = {"line": rejected.row.line, "reasons": rejected.reasons, "row": rejected.row.source}
        text = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        if not self._written:
            _make(self._path)
        with self._path.open("ab") as file:
            file.write(text)
        self._written.append((rejected.row.line, self._end, len(text)))
        self._end += len(text)

    def close(self) -> None:
        """Bring them into the order of the imported file: batches are answered in any order."""
        ordered = sorted(self._written)
        if ordered == self._written:
            return
        # Not in memory: every row of a file of any size may be a reject.
        sorted_path = self._path.with_name(f"{self._path.name}.sorted")
        _make(sorted_path)
        with self._path.open("rb") as file, sorted_path.open("ab") as target:
            for _, start, size in ordered:
                file.seek(start)
                target.write(file.read(size))
        sorted_path.replace(self._path)


def _make(path: Path) -> None:
    """An empty file for its owner alone: rejects hold what customers wrote."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)


@contextmanager
def _progress(source: Source) -> Iterator[Callable[[Tally], None]]:
    """Shows how far it is on standard error: a bar on a terminal, nothing otherwise."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(source.path.name, total=source.size)

        def progress(tally: Tally) -> None:
            taken = tally.registered + tally.already_there
            bar.update(task, completed=tally.at, description=f"{taken:,} taken, {tally.rejected:,} rejected")

        yield progress
