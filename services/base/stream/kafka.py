"""Events on Kafka: CloudEvents in binary mode, one topic per aggregate, keyed by the aggregate's id.

aiokafka's defaults are made for a different use: here nothing is committed by itself, a new group begins at the
beginning, values come as bytes, and a batch in hand is finished and committed before a partition is given up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
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
from services.base.stream.event import REALMS, Batch, Event, Undecodable, topic_of
from services.base.stream.port import ReaderLost

log = logging.getLogger(__name__)

SOURCE: Final = "/redress"
_DRAIN_SECONDS = 60.0
_LOST = (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)


def headers_of(event: Event) -> list[tuple[str, bytes]]:
    """The CloudEvents attributes of an event as Kafka headers (binary content mode)."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_source": SOURCE,
        "ce_type": event.type,
        "ce_time": event.time.isoformat().replace("+00:00", "Z"),
        "ce_subject": str(event.key),
        "ce_sequence": str(event.number),
        "ce_realm": event.realm,
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in attributes.items()]


def event_of(record: ConsumerRecord) -> Event | Undecodable:
    """The event in a Kafka record, or why there is none."""
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers if value is not None}
    try:
        if headers["ce_specversion"] != "1.0":
            raise ValueError(f"CloudEvents {headers['ce_specversion']} is not 1.0")
        if headers["ce_realm"] not in REALMS:
            raise ValueError(f"there is no realm {headers['ce_realm']}")
        if record.value is None or not record.value.lstrip().startswith(b"{"):
            raise ValueError("the value is no JSON object")
        return Event(
            id=UUID(headers["ce_id"]),
            type=headers["ce_type"],
            key=UUID(headers["ce_subject"]),
            number=int(headers["ce_sequence"]),
            time=datetime.fromisoformat(headers["ce_time"]),
            realm=headers["ce_realm"],
            data=record.value,
        )
    except (KeyError, ValueError) as error:
        reason = f"the header {error} is missing" if isinstance(error, KeyError) else str(error)
        source = f"{record.topic}/{record.partition}@{record.offset}"
        return Undecodable(record.value or b"", headers, source, reason)


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
        self._idle = asyncio.Event()
        self._idle.set()

    async def poll(self, limit: int, wait: float) -> Batch:
        """See `EventReader.poll`."""
        try:
            consumer = await self._open()
            await self._take_back(consumer)
            found = await consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit)
        except (KafkaError, OSError) as error:
            await self._drop()
            raise Unavailable(f"Kafka cannot be read: {error!r}") from error
        events: list[Event] = []
        undecodable: list[Undecodable] = []
        moved: dict[TopicPartition, int] = {}
        for part, records in found.items():
            self._in_hand[part] = records[0].offset
            moved[part] = records[-1].offset + 1
            for record in records:
                if not self._wants(record):
                    continue
                made = event_of(record)
                if isinstance(made, Event):
                    events.append(made)
                else:
                    undecodable.append(made)
        if moved:
            self._idle.clear()
        return Batch(events, undecodable, moved)

    async def commit(self, batch: Batch) -> None:
        """See `EventReader.commit`."""
        moved = batch.token
        if not isinstance(moved, dict) or not moved:
            return
        consumer = self._consumer
        try:
            if consumer is None:
                raise ReaderLost("the reader left its group")
            await consumer.commit({part: OffsetAndMetadata(offset, "") for part, offset in moved.items()})
        except _LOST as error:
            raise ReaderLost(f"the partitions of this batch have passed to another reader: {error!r}") from error
        except (KafkaError, OSError) as error:
            await self._drop()
            raise ReaderLost(f"Kafka did not take the commit: {error!r}") from error
        finally:
            self._in_hand.clear()
            self._idle.set()

    async def lag(self) -> int:
        """See `EventReader.lag`: records on the partitions that this reader holds."""
        consumer = self._consumer
        if consumer is None:
            return 0
        waiting = 0
        for part in consumer.assignment():
            high = consumer.highwater(part)
            if high is not None:
                waiting += max(0, high - await consumer.position(part))
        return waiting

    async def close(self) -> None:
        """See `EventReader.close`."""
        await self._drop()

    def _wants(self, record: ConsumerRecord) -> bool:
        # By the header alone: most records of a topic are of no interest to a group, and are not parsed. A record
        # without a type is kept for a person to look at.
        for name, value in record.headers:
            if name == "ce_type":
                return value.decode("utf-8", "replace") in self._types
        return True

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
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            consumer.subscribe(self._topics, listener=_Drain(self._idle))
            self._consumer = consumer
        return self._consumer

    async def _take_back(self, consumer: AIOKafkaConsumer) -> None:
        # A batch that was polled and not committed is given again, as a restart would give it.
        assigned = consumer.assignment()
        for part, offset in self._in_hand.items():
            if part in assigned:
                consumer.seek(part, offset)
        self._in_hand.clear()
        self._idle.set()

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._in_hand.clear()
        self._idle.set()
        if consumer is not None:
            await consumer.stop()


class _Drain(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka carries no types
    """Holds a rebalance back until the batch in hand is finished and committed."""

    def __init__(self, idle: asyncio.Event) -> None:
        self._idle = idle

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if revoked:
            try:
                await asyncio.wait_for(self._idle.wait(), _DRAIN_SECONDS)
            except TimeoutError:
                log.warning("a batch took longer than %.0f s; its partitions are given up", _DRAIN_SECONDS)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        log.debug("assigned: %s", assigned)


class KafkaPublisher:
    """Publishes events, in order for each key, and knows when the brokers have them."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, events: Sequence[Event]) -> None:
        """Returns when all in-sync replicas have all of ``events``.

        Raises `Unavailable` when they have not, and then some may have been published: publish all of them again.
        """
        try:
            producer = await self._open()
            sent = [
                await producer.send(
                    topic_of(event.type), value=event.data, key=str(event.key).encode(), headers=headers_of(event)
                )
                for event in events
            ]
            await asyncio.gather(*sent)
        except (KafkaError, OSError) as error:
            # A fresh producer: after a failure, this one might hold later events of a key before the failed one.
            await self.close()
            raise Unavailable(f"Kafka did not take the events: {error!r}") from error

    async def close(self) -> None:
        """Let go of the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), 5)
            except (KafkaError, OSError, TimeoutError):
                log.debug("the producer did not stop in time", exc_info=True)

    async def _open(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._servers,
                client_id="redress-relay",
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                max_batch_size=262_144,
                request_timeout_ms=15_000,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer


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
