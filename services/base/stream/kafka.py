"""Events on Kafka: CloudEvents in binary mode, one topic per aggregate, keyed by the aggregate's id.

aiokafka's defaults are made for a different use: here nothing is committed by itself, a new group begins at the
beginning, values come as bytes, and a batch in hand is finished and committed before a partition is given up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    GroupCoordinatorNotAvailableError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    TopicAlreadyExistsError,
    UnknownMemberIdError,
)
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata

from services.base.errors import Unavailable
from services.base.stream.cloudevents import event_of, type_of
from services.base.stream.event import Batch, Event, Undecodable, topic_of
from services.base.stream.port import ReaderLost

log = logging.getLogger(__name__)

# How long a rebalance waits for the batch in hand; the broker must wait longer.
_DRAIN_SECONDS: Final = 60.0
_REBALANCE_SECONDS: Final = 75.0
# aiokafka tries some things for as long as Kafka is away; a worker must be able to leave meanwhile.
_FETCH_SECONDS: Final = 5.0
_COMMIT_SECONDS: Final = 15.0
_STOP_SECONDS: Final = 5.0
_LOST = (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)


class KafkaStream:
    """Events read from Kafka."""

    def __init__(self, servers: str, *, fetch_wait_ms: int = 50) -> None:
        """``servers`` as ``host:port,…``. ``fetch_wait_ms``: how long the broker may hold back an empty answer."""
        self._servers = servers
        self._fetch_wait_ms = fetch_wait_ms

    def reader(self, group: str, types: Collection[str]) -> KafkaReader:
        """A new member of ``group``."""
        return KafkaReader(self._servers, group, frozenset(types), self._fetch_wait_ms)

    async def lag(self, group: str, types: Collection[str]) -> int:
        """Records that wait for the group on its topics, of whatever type; -1 when it has never read."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        consumer = AIOKafkaConsumer(bootstrap_servers=self._servers)
        try:
            await admin.start()
            await consumer.start()
            committed = await admin.list_consumer_group_offsets(_group_id(group))
            if not committed:
                return -1
            parts = await _partitions(admin, {topic_of(type_) for type_ in types})
            ends = await consumer.end_offsets(parts)
            starts = await consumer.beginning_offsets(parts)
            return sum(
                end - (committed[part].offset if part in committed else starts[part]) for part, end in ends.items()
            )
        except GroupCoordinatorNotAvailableError:
            return -1  # no group has ever committed anything in this cluster
        except KafkaError as error:
            raise Unavailable(f"Kafka cannot be reached: {error}") from error
        finally:
            await consumer.stop()
            await admin.close()

    async def close(self) -> None:
        """Nothing is held by the stream itself."""


class KafkaReader:
    """A member of a Kafka consumer group."""

    def __init__(self, servers: str, group: str, types: frozenset[str], fetch_wait_ms: int) -> None:
        self._servers = servers
        self._group = group
        self._types = types
        self._fetch_wait_ms = fetch_wait_ms
        self._topics = sorted({topic_of(type_) for type_ in types})
        self._consumer: AIOKafkaConsumer | None = None
        self._in_hand: dict[TopicPartition, int] = {}
        self._positions: dict[TopicPartition, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    async def poll(self, limit: int, wait: float) -> Batch:
        """See `EventReader.poll`."""
        deadline = time.monotonic() + wait
        try:
            consumer = await self._open()
            self._take_back(consumer)
            while True:
                batch = self._batch(await _fetch(consumer, limit, max(0.0, deadline - time.monotonic())))
                if batch:
                    return batch
                await self._pass_over(consumer, batch)
                if time.monotonic() >= deadline:
                    return Batch()
        except (KafkaError, OSError) as error:
            await self._drop()
            raise Unavailable(f"Kafka cannot be read: {error!r}") from error

    async def commit(self, batch: Batch) -> None:
        """See `EventReader.commit`."""
        moved = batch.token
        if not isinstance(moved, dict) or not moved:
            return
        consumer = self._consumer
        try:
            if consumer is None:
                raise ReaderLost("the reader left its group")
            await _commit(consumer, moved)
        except _LOST as error:
            raise ReaderLost(f"the partitions of this batch have passed to another reader: {error!r}") from error
        except (KafkaError, OSError, TimeoutError) as error:
            await self._drop()
            raise ReaderLost(f"Kafka did not take the commit: {error!r}") from error
        finally:
            self._put_down()

    async def lag(self) -> int:
        """See `EventReader.lag`: records on the partitions that this reader holds, as of the last fetch."""
        consumer = self._consumer
        if consumer is None:
            return 0
        waiting = 0
        for part in consumer.assignment():
            high, position = consumer.highwater(part), self._positions.get(part)
            if high is not None and position is not None:
                waiting += max(0, high - position)
        return waiting

    async def close(self) -> None:
        """See `EventReader.close`."""
        await self._drop()

    def _batch(self, found: Mapping[TopicPartition, Sequence[ConsumerRecord]]) -> Batch:
        events: list[Event] = []
        undecodable: list[Undecodable] = []
        moved: dict[TopicPartition, int] = {}
        for part, records in found.items():
            self._in_hand[part] = records[0].offset
            moved[part] = self._positions[part] = records[-1].offset + 1
            for record in records:
                # By the header alone: most records of a topic are of no interest to a group, and are not parsed.
                # A record without a type is kept for a person to look at.
                type_ = type_of(record)
                if type_ is not None and type_ not in self._types:
                    continue
                made = event_of(record)
                if isinstance(made, Event):
                    events.append(made)
                else:
                    undecodable.append(made)
        if moved:
            self._idle.clear()
        return Batch(events, undecodable, moved)

    async def _pass_over(self, consumer: AIOKafkaConsumer, batch: Batch) -> None:
        # Records of which none is of interest: nobody handles and commits them, so they are committed here.
        try:
            if isinstance(batch.token, dict) and batch.token:
                await _commit(consumer, batch.token)
        except (*_LOST, TimeoutError) as error:
            log.debug("records of no interest come again: %r", error)
        finally:
            self._put_down()

    async def _open(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._servers,
                group_id=_group_id(self._group),
                client_id=f"redress-{self._group}",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                fetch_max_wait_ms=self._fetch_wait_ms,
                metadata_max_age_ms=10_000,
                session_timeout_ms=10_000,
                heartbeat_interval_ms=2_000,
                rebalance_timeout_ms=int(_REBALANCE_SECONDS * 1000),
            )
            try:
                await consumer.start()
            except BaseException:
                await _stop(consumer)
                raise
            consumer.subscribe(self._topics, listener=_Drain(self._idle, self._in_hand))
            self._consumer = consumer
        return self._consumer

    def _take_back(self, consumer: AIOKafkaConsumer) -> None:
        # A batch that was polled and not committed is given again, as a restart would give it.
        assigned = consumer.assignment()
        for part, offset in self._in_hand.items():
            if part in assigned:
                consumer.seek(part, offset)
        self._put_down()

    def _put_down(self) -> None:
        self._in_hand.clear()
        self._idle.set()

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._put_down()
        self._positions.clear()
        if consumer is not None:
            await _stop(consumer)


class _Drain(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka carries no types
    """Holds a rebalance back until the batch in hand is finished and committed."""

    def __init__(self, idle: asyncio.Event, in_hand: dict[TopicPartition, int]) -> None:
        self._idle = idle
        self._in_hand = in_hand

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if revoked:
            try:
                await asyncio.wait_for(self._idle.wait(), _DRAIN_SECONDS)
            except TimeoutError:
                log.warning("a batch took longer than %.0f s; its partitions are given up", _DRAIN_SECONDS)
                for part in revoked:
                    self._in_hand.pop(part, None)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        log.debug("assigned: %s", assigned)


async def ensure_topics(servers: str, topics: Collection[str], *, partitions: int, replication: int) -> dict[str, bool]:
    """Create the topics that are not there; returns for each whether it was created now.

    Existing ones keep their partitions: changing them would send the events of one case two ways.
    Raises `Unavailable` when Kafka can't be reached.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    created: dict[str, bool] = {}
    try:
        await admin.start()
        for topic in sorted(topics):
            created[topic] = await _create(admin, NewTopic(topic, partitions, replication))
        return created
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka cannot be reached at {servers}: {error!r}") from error
    finally:
        await admin.close()


async def _fetch(
    consumer: AIOKafkaConsumer, limit: int, wait: float
) -> Mapping[TopicPartition, Sequence[ConsumerRecord]]:
    # During a rebalance aiokafka waits for its end, however long that takes. Not in a task of its own (`wait_for`):
    # nothing may run between its giving us records and our noting that we have them in hand.
    try:
        async with asyncio.timeout(wait + _FETCH_SECONDS):
            found: dict[TopicPartition, list[ConsumerRecord]] = await consumer.getmany(
                timeout_ms=int(wait * 1000), max_records=limit
            )
            return found
    except TimeoutError:
        return {}


async def _commit(consumer: AIOKafkaConsumer, moved: Mapping[TopicPartition, int]) -> None:
    offsets = {part: OffsetAndMetadata(offset, "") for part, offset in moved.items()}
    await asyncio.wait_for(consumer.commit(offsets), _COMMIT_SECONDS)


async def _stop(consumer: AIOKafkaConsumer) -> None:
    # In a task of its own: with Kafka away, aiokafka waits there for tasks that it has cancelled itself, and ends as if
    # we had been cancelled, with its connections still open and being tried again for good.
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping], timeout=_STOP_SECONDS)
    if not stopping.done():
        stopping.cancel()
        await asyncio.wait([stopping], timeout=_STOP_SECONDS)
    if stopping.cancelled() or stopping.exception() is not None:
        log.debug("the consumer did not leave its group cleanly")
        await consumer._client.close()


async def _create(admin: AIOKafkaAdminClient, topic: NewTopic) -> bool:
    if topic.name in await admin.list_topics():
        return False
    try:
        answer = await admin.create_topics([topic])
    except TopicAlreadyExistsError:
        return False
    for _, code, *message in answer.topic_errors:
        if code == TopicAlreadyExistsError.errno:
            return False
        if code:
            raise Unavailable(f"Kafka did not create the topic {topic.name}: error {code} {message}")
    return True


def _group_id(group: str) -> str:
    return f"redress.{group}"


async def _partitions(admin: AIOKafkaAdminClient, topics: Collection[str]) -> list[TopicPartition]:
    described = await admin.describe_topics(sorted(topics))
    return [TopicPartition(topic["topic"], part["partition"]) for topic in described for part in topic["partitions"]]
