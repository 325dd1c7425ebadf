"""One import from beginning to end: where to, with which key, the progress shown, the rejects kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import httpx
import orjson

from redress.credentials import read_credentials
from redress.home import Home
from redress.importing.columns import words_of
from redress.importing.posting import Poster, Rejected, Tally
from redress.importing.rows import Source
from services.base.errors import Misconfigured
from services.base.settings import Settings
from services.plan.loading import load_plan, shipped_plan_text

_TIMEOUT: Final = httpx.Timeout(60.0, connect=5.0)


def run(
    settings: Settings, file: Path, url: str | None, key: str | None, rejects: Path, mapping: Mapping[str, str]
) -> tuple[Tally, tuple[str, ...]]:
    """Import ``file``; returns the tally and the headers of columns that were not taken over.

    ``rejects`` is written only when there are some. Raises `Misconfigured` when it is not known where to, and what
    `Source` and `Poster.post` raise.
    """
    address, key = _target(settings, url, key)
    source = Source(file, mapping, words_of(load_plan(shipped_plan_text())))
    with _keeping(rejects) as reject, _progress(source) as progress:
        tally = asyncio.run(_post(source, address, key, reject, progress))
    return tally, source.columns.left_out if source.columns else ()


async def _post(
    source: Source, url: str, key: str, reject: Callable[[Rejected], None], progress: Callable[[Tally], None]
) -> Tally:
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT, trust_env=False) as client:
        return await Poster(client, key, reject, progress).post(source.rows())


def _target(settings: Settings, url: str | None, key: str | None) -> tuple[str, str]:
    home = Home(settings.home)
    if url is None:
        running = home.running()
        if running is None:
            raise Misconfigured(
                f"where to? No `redress up` runs in {settings.home}; start it, name its --home, or give --url and --key"
            )
        url = running.url
    if key is None:
        credentials = read_credentials(home.credentials)
        if credentials is None:
            raise Misconfigured(f"there is no channel key in {home.credentials}; give one with --key")
        key = credentials.channel_key
    return url, key


@contextmanager
def _keeping(path: Path) -> Iterator[Callable[[Rejected], None]]:
    """Writes rejects, one a line; the file is made with the first of them."""
    file: IO[bytes] | None = None

    def reject(rejected: Rejected) -> None:
        nonlocal file
        if file is None:
            file = path.open("wb")
        entry = {"line": rejected.row.line, "reasons": rejected.reasons, "row": rejected.row.source}
        file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))

    try:
        yield reject
    finally:
        if file is not None:
            file.close()


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
