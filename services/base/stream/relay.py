"""The relay: carries the event log from the database to Kafka, losing nothing and keeping each key's order.

It is a reader group of the log like any other. What was published and not yet noted when it died is published again;
consumers drop by the number within the case what they have handled.
"""

from __future__ import annotations

import asyncio
import logging
import time

from services.base import telemetry
from services.base.errors import Unavailable
from services.base.stream.database import DatabaseStream
from services.base.stream.port import ReaderLost
from services.base.stream.publisher import KafkaPublisher

log = logging.getLogger(__name__)

GROUP = "relay"
_PAUSE_SECONDS = 1.0
_POLL_SECONDS = 0.5


class Relay:
    """One relay. Several share the work by the shares of the log."""

    def __init__(self, source: DatabaseStream, servers: str, *, batch_size: int = 1000) -> None:
        self._reader = source.everything(GROUP)
        self._publisher = KafkaPublisher(servers)
        self._batch_size = batch_size
        self._stop = asyncio.Event()
        self.last_sign_of_life = time.monotonic()

    def stop(self) -> None:
        """Ask the relay to note what it has published and leave."""
        self._stop.set()

    async def run(self) -> None:
        """Relay until `stop`."""
        try:
            while not self._stop.is_set():
                self.last_sign_of_life = time.monotonic()
                telemetry.LAST_POLL.labels(GROUP).set_to_current_time()
                await self._round()
        finally:
            await self._reader.close()
            await self._publisher.close()

    async def _round(self) -> None:
        try:
            batch = await self._reader.poll(self._batch_size, _POLL_SECONDS)
            if batch:
                await self._publisher.publish(batch.events)
                await self._reader.commit(batch)
                telemetry.RELAYED.inc(len(batch.events))
        except ReaderLost as lost:
            log.info("relay: %s; its events are published by whoever has it now", lost)
        except Unavailable as error:
            log.warning("relay: %s; what is waiting stays in the log", error)
            try:
                await asyncio.wait_for(self._stop.wait(), _PAUSE_SECONDS)
            except TimeoutError:
                return
