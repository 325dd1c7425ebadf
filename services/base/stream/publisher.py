"""Publishing events to Kafka so that the brokers have them, in order for each key, or that nobody believes they do.

It retries nothing by itself beyond what the producer does: whoever calls publishes again after a failure.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.base.errors import Unavailable
from services.base.stream.cloudevents import headers_of
from services.base.stream.event import Event, topic_of

log = logging.getLogger(__name__)

# Below what brokers take by default, 1 MB.
_MAX_BATCH_BYTES: Final = 900_000
# Of data; the rest of a batch is room for keys and headers, some 400 bytes for each event.
_CHUNK_BYTES: Final = 400_000
_CHUNK_EVENTS: Final = 1_000
_PUBLISH_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 5.0


class KafkaPublisher:
    """Publishes events, in order for each key, and knows when the brokers have them."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._producer: AIOKafkaProducer | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def publish(self, events: Sequence[Event]) -> None:
        """Returns when all in-sync replicas have all of ``events``.

        Raises `Unavailable` when they have not within 20 s, and then some may have been published: publish all of
        them again.
        """
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                producer = await self._open()
                for chunk in _chunks(events):
                    await _send(producer, chunk)
        except (KafkaError, OSError, TimeoutError) as error:
            # A fresh producer: after a failure, this one might hold later events of a key before the failed one.
            await self.close()
            raise Unavailable(f"Kafka did not take the events: {error!r}") from error

    async def close(self) -> None:
        """Let go of the connection. With Kafka away that ends later by itself, once what is in doubt is decided."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        # Not cancelled after the wait: a producer that is cancelled while it stops never lets go.
        ending = asyncio.create_task(_stop(producer))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        await asyncio.wait([ending], timeout=_STOP_SECONDS)

    async def _open(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._servers,
                client_id="redress-relay",
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                max_batch_size=_MAX_BATCH_BYTES,
                request_timeout_ms=15_000,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer


def _chunks(events: Iterable[Event]) -> Iterator[list[Event]]:
    # What is sent at once fits into one batch of a partition. The producer may give up an older batch and still
    # deliver a younger one, which would put a later event of a key before an earlier one.
    chunk: list[Event] = []
    room = _CHUNK_BYTES
    for event in events:
        if chunk and (len(event.data) > room or len(chunk) == _CHUNK_EVENTS):
            yield chunk
            chunk, room = [], _CHUNK_BYTES
        chunk.append(event)
        room -= len(event.data)
    if chunk:
        yield chunk


async def _send(producer: AIOKafkaProducer, events: Sequence[Event]) -> None:
    sent = [
        await producer.send(
            topic_of(event.type), value=event.data, key=str(event.key).encode(), headers=headers_of(event)
        )
        for event in events
    ]
    await asyncio.gather(*sent)


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        await producer.stop()
    except (KafkaError, OSError):
        log.debug("the producer did not stop cleanly", exc_info=True)
