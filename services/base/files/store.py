"""Where files are kept: a folder of this machine, or a bucket that speaks S3.

Both keep the promises of `services.base.files.port`. Nothing is deleted here.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from services.base.errors import Misconfigured, Unavailable
from services.base.files.port import FileStore, place_of

log = logging.getLogger(__name__)

_PIECE: Final = 256 * 1024
_RETRY_SECONDS: Final = 10.0
_FORGOTTEN_SECONDS: Final = 24 * 3600
_PARTS_AT_ONCE: Final = 4
# Not the library's 3 minutes: somebody waits for the answer.
_RETRYING: Final = timedelta(seconds=20)

T = TypeVar("T")


def file_store(url: str) -> FileStore:
    """The place at ``file:///folder`` or ``s3://bucket/prefix``. Raises `Misconfigured` for any other."""
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and len(parts.path) > 1:
        return LocalFiles(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return BucketFiles(url)
    raise Misconfigured(
        "REDRESS_FILES_URL is no place for files; write file:///var/lib/redress/files, with three slashes, "
        "or s3://bucket/prefix"
    )


class LocalFiles:
    """A folder that only its owner can read, made when the first file comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._drafts = folder / "drafts"

    async def put(self, digest: str, file: BinaryIO) -> None:
        await _in_a_thread(lambda: self._put(digest, file))

    async def read(self, digest: str) -> AsyncIterator[bytes]:
        place = self._folder / place_of(digest)
        return _pieces(await _in_a_thread(lambda: place.open("rb")))

    def _put(self, digest: str, file: BinaryIO) -> None:
        place = self._folder / place_of(digest)
        size = file.seek(0, os.SEEK_END)
        folders = [place.parent, place.parent.parent, self._folder]
        if not self._folder.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folders.append(self._folder.parent)
        self._drafts.mkdir(mode=0o700, exist_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        # Of another size is what a disk lost when the power went, whatever it had promised.
        if not place.exists() or place.stat().st_size != size:
            self._remove_forgotten()
            self._write(place, file)
        # Also for one that is there: whoever wrote it may not have come this far yet.
        for folder in folders:
            _make_durable(folder)

    def _write(self, place: Path, file: BinaryIO) -> None:
        file.seek(0)
        # Readable by its owner only, as such files are made.
        with tempfile.NamedTemporaryFile(dir=self._drafts, delete=False) as draft:
            try:
                shutil.copyfileobj(file, draft, _PIECE)
                draft.flush()
                os.fsync(draft.fileno())
                Path(draft.name).replace(place)
            except BaseException:
                Path(draft.name).unlink(missing_ok=True)
                raise

    def _remove_forgotten(self) -> None:
        """Drafts of processes that were killed while they wrote."""
        for draft in self._drafts.iterdir():
            try:
                if draft.stat().st_mtime < time.time() - _FORGOTTEN_SECONDS:
                    draft.unlink()
            except FileNotFoundError:
                continue


class BucketFiles:
    """A bucket, or a part of one, of anything that speaks S3.

    Keys, region and endpoint come from ``AWS_…``, which the library reads; plain HTTP is spoken only to an endpoint
    that says ``http://``. A large file is sent in parts, and is seen when the last one is there.
    """

    def __init__(self, url: str) -> None:
        try:
            self._store = from_url(
                url,
                # The default endpoint is HTTPS: this allows what the endpoint asks for, and no more.
                client_options={"allow_http": True, "connect_timeout": "5s", "timeout": "60s"},
                retry_config={"max_retries": 3, "retry_timeout": _RETRYING},
            )
        except (BaseError, ValueError) as error:
            raise Misconfigured(f"REDRESS_FILES_URL: {error}") from None

    async def put(self, digest: str, file: BinaryIO) -> None:
        with _Troubles():
            place = place_of(digest)
            if not await self._is_there(place):
                file.seek(0)
                await obstore.put_async(self._store, place, file, max_concurrency=_PARTS_AT_ONCE)

    async def read(self, digest: str) -> AsyncIterator[bytes]:
        with _Troubles():
            found = await obstore.get_async(self._store, place_of(digest))
        return aiter(found.stream(min_chunk_size=_PIECE))

    async def _is_there(self, place: str) -> bool:
        try:
            await obstore.head_async(self._store, place)
        except FileNotFoundError:
            return False
        return True


class _Troubles:
    """Turns what goes wrong with the place into `Unavailable`; the log has what it was."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (BaseError, OSError)):
            log.error("the place of files fails: %s", error)
            raise Unavailable(
                "files can't be kept or read now; try again shortly, and tell operations if it stays so",
                _RETRY_SECONDS,
            ) from error


async def _in_a_thread(work: Callable[[], T]) -> T:
    with _Troubles():
        return await asyncio.to_thread(work)


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


def _make_durable(folder: Path) -> None:
    """Have the entries of a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
