"""The port of the place where files are kept, outside the database, each under the SHA-256 of its content.

What is kept never changes: two files of one content are one file, and a name, an owner or a time stand elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import BinaryIO, Protocol


class FileStore(Protocol):
    """Keeps files by their digest (SHA-256, 64 small hexadecimal digits).

    Whoever looks sees all of a file or nothing, also after a crash; when `put` returns, the file outlives one. Nothing
    here blocks the event loop. Every method raises `Unavailable` while the place can't be reached, or has no room.
    """

    async def put(self, digest: str, file: BinaryIO) -> None:
        """Keep the file from its beginning to its end. What is there already is left as it is.

        ``file`` is read from another thread, and must stay open until this returns.
        """
        ...

    async def read(self, digest: str) -> AsyncIterator[bytes]:
        """The content, piece by piece. Raises `Unavailable`, before the first piece, also when it is not there."""
        ...


def place_of(digest: str) -> str:
    """Where a file lies below the place: ``ab/cd/abcd…``, so that no folder grows beyond measure."""
    return f"{digest[:2]}/{digest[2:4]}/{digest}"
