"""The port through which workers read events, whatever carries them. Its adapters pass the same contract tests.

The contract, in the reader's words:

1. Every event that was committed is delivered to every group at least once, and none that was rolled back.
2. The events of one key are delivered in the order of their numbers. After a crash or a rebalance a reader may be
   given again what it had not committed; it is never given a later event of a key while an earlier one is skipped.
3. What `commit` confirmed is not delivered to the group again, unless the group's memory is reset by a person.
4. At any time at most one reader of a group is given the events of a key.
5. A record that is no event of ours is delivered as `Undecodable`, once, and holds up nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from services.base.stream.event import Batch


class ReaderLost(Exception):
    """The reader no longer owns what it was reading: another has taken over. Poll again; nothing is lost."""


class EventReader(Protocol):
    """One member of a reader group. Used by one task at a time."""

    async def poll(self, limit: int, wait: float) -> Batch:
        """Up to ``limit`` events; when there are none, waits up to ``wait`` seconds and may return an empty batch.

        Raises `services.base.errors.Unavailable` when what carries the events cannot be reached.
        """

    async def commit(self, batch: Batch) -> None:
        """Confirm a batch whose effects are durable.

        Raises `ReaderLost` when the batch has passed to another reader meanwhile (it will be delivered there).
        """

    async def lag(self) -> int:
        """Events that wait for this reader, as far as it can see."""

    async def close(self) -> None:
        """Give back what is held, so that another reader takes over at once. What was not committed comes again."""


class EventStream(Protocol):
    """Where events travel."""

    def reader(self, group: str, types: Collection[str]) -> EventReader:
        """A new member of ``group`` that wants events of ``types`` (CloudEvents types; always the same for a group)."""

    async def lag(self, group: str, types: Collection[str]) -> int:
        """Events that wait for the group as a whole; -1 when it has never read."""

    async def close(self) -> None:
        """Let go of connections."""
