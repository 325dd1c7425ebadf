"""Events on Kafka: the form of a record, what is no event, and who holds what while a group changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient

from services.base.errors import Unavailable
from services.base.identity import new_id
from services.base.stream import kafka as kafka_stream
from services.base.stream.cloudevents import event_of, headers_of
from services.base.stream.event import Event, Undecodable
from services.base.stream.kafka import KafkaReader, KafkaStream, ensure_topics
from services.base.stream.port import ReaderLost
from services.base.stream.publisher import KafkaPublisher
from tests.servers.kafka import KafkaServer
from tests.stream.records import KEY, TIME, event_with, put_rubbish, record_of, rubbish, with_header

GROUP = "readers"


# The form of a record


def test_an_event_is_a_cloudevent_in_binary_mode() -> None:
    event = event_with(type_="redress.complaint.received.v1", number=3, data=b'{"message": "Hello World!"}')

    headers = headers_of(event)
    attributes = {name.removeprefix("ce_"): value.decode() for name, value in headers if name.startswith("ce_")}

    assert dict(headers)["content-type"] == b"application/json"
    assert attributes == {
        "specversion": "1.0",
        "id": str(event.id),
        "source": "/redress",
        "type": "redress.complaint.received.v1",
        "time": "2018-04-05T03:56:24Z",
        "subject": str(KEY),
        "sequence": "3",
        "realm": "live",
    }


def test_attribute_names_are_lower_case_letters_and_digits_and_no_value_is_empty() -> None:
    for name, value in headers_of(event_with()):
        attribute = name.removeprefix("ce_")
        assert name == "content-type" or (attribute.isalnum() and attribute.islower() and len(attribute) <= 20)
        assert value


def test_an_event_is_read_as_it_was_written() -> None:
    event = event_with(data='{"message": "断网 📡"}'.encode(), number=2**31 - 1)

    assert event_of(record_of(headers_of(event), event.data)) == event


def test_the_time_may_have_another_offset_and_further_headers_are_passed_over() -> None:
    headers = [*with_header("ce_time", b"2018-04-05T11:56:24+08:00"), ("ce_traceparent", b"00-1"), ("other", b"\xff")]

    event = event_of(record_of(headers, b"{}"))

    assert isinstance(event, Event)
    assert event.time == TIME


def test_structured_mode_is_no_event_of_ours() -> None:
    value = orjson.dumps({"specversion": "1.0", "type": "redress.test.happened.v1", "id": "1", "source": "/x"})

    made = event_of(record_of([("content-type", b"application/cloudevents+json")], value))

    assert isinstance(made, Undecodable)
    assert made.raw == value


@pytest.mark.parametrize("kind", rubbish())
def test_what_is_no_event_is_kept_with_its_reason(kind: str) -> None:
    headers, value, reason = rubbish()[kind]

    made = event_of(record_of(headers, value))

    assert isinstance(made, Undecodable)
    assert reason in made.reason
    assert made.source == "redress.test/3@1742"
    assert made.raw == (value or b"")
    assert "\x00" not in f"{made.headers}{made.reason}"


def test_a_backslash_before_u0000_is_text_and_no_nul() -> None:
    assert isinstance(event_of(record_of(headers_of(event_with()), rb'{"word": "\\u0000"}')), Event)


# On a real Kafka


@pytest.fixture
async def topic(kafka: KafkaServer) -> str:
    """A topic of the test's own, with one partition."""
    name = f"redress.t{new_id().hex}"
    await ensure_topics(kafka.bootstrap, [name], partitions=1, replication=1)
    return name


@pytest.fixture
async def producer(kafka: KafkaServer) -> AsyncIterator[AIOKafkaProducer]:
    made = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await made.start()
    yield made
    await made.stop()


@pytest.mark.kafka
async def test_rubbish_is_delivered_once_and_holds_up_nothing(
    kafka: KafkaServer, topic: str, producer: AIOKafkaProducer
) -> None:
    type_ = f"{topic}.happened.v1"
    await put(producer, topic, event_with(type_, 1))
    kinds = await put_rubbish(kafka.bootstrap, topic, type_)
    await put(producer, topic, event_with(type_, 2))
    reader = KafkaStream(kafka.bootstrap).reader(GROUP, {type_})

    events, undecodable = await drained(reader, 2, limit=4)
    again = await reader.poll(100, 0.3)

    assert [event.number for event in events] == [1, 2]
    assert len(undecodable) == len({record.source for record in undecodable}) == kinds
    assert not again
    await reader.close()


@pytest.mark.kafka
async def test_events_of_no_interest_are_passed_without_being_parsed_or_handled(
    kafka: KafkaServer, topic: str, producer: AIOKafkaProducer
) -> None:
    wanted = f"{topic}.happened.v1"
    unwanted = headers_of(event_with(f"{topic}.other.v1"))
    for _ in range(30):
        await producer.send(topic, b"no JSON at all", headers=unwanted)
    await producer.flush()
    await put(producer, topic, event_with(wanted, 1))
    stream = KafkaStream(kafka.bootstrap)
    reader = stream.reader(GROUP, {wanted})

    # As a worker does: what holds nothing for it is not committed by it.
    async with asyncio.timeout(20):
        while not (batch := await reader.poll(5, 0.5)):
            pass

    assert [event.number for event in batch.events] == [1]
    assert not batch.undecodable
    await reader.commit(batch)
    await reader.close()
    assert await stream.lag(GROUP, {wanted}) == 0


@pytest.mark.kafka
async def test_a_group_for_which_there_is_nothing_does_not_lag(
    kafka: KafkaServer, topic: str, producer: AIOKafkaProducer
) -> None:
    wanted = f"{topic}.happened.v1"
    await put(producer, topic, event_with(f"{topic}.other.v1"))
    stream = KafkaStream(kafka.bootstrap)
    reader = stream.reader(f"readers-of-{topic}", {wanted})

    async with asyncio.timeout(20):
        while await stream.lag(f"readers-of-{topic}", {wanted}):
            assert not await reader.poll(5, 0.1)

    assert await reader.lag() == 0
    await reader.close()


@pytest.mark.kafka
async def test_offsets_are_committed_only_when_a_batch_is(
    kafka: KafkaServer, topic: str, producer: AIOKafkaProducer
) -> None:
    type_ = f"{topic}.happened.v1"
    group = f"readers-of-{topic}"
    for number in (1, 2, 3):
        await put(producer, topic, event_with(type_, number))
    reader = KafkaStream(kafka.bootstrap).reader(group, {type_})
    async with asyncio.timeout(20):
        while not (batch := await reader.poll(2, 0.5)):
            pass
    before = committed(kafka, group)

    await reader.commit(batch)

    assert before == {}
    assert committed(kafka, group) == {(topic, 0): len(batch.events)}
    await reader.poll(2, 0.5)
    await reader.close()
    assert committed(kafka, group) == {(topic, 0): len(batch.events)}


@pytest.mark.kafka
async def test_topics_are_made_once_and_keep_their_partitions(kafka: KafkaServer) -> None:
    name = f"redress.t{new_id().hex}"

    first = await ensure_topics(kafka.bootstrap, [name], partitions=3, replication=1)
    second = await ensure_topics(kafka.bootstrap, [name], partitions=12, replication=1)

    assert (first, second) == ({name: True}, {name: False})
    topics = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=10).topics
    assert len(topics[name].partitions) == 3


@pytest.mark.kafka
async def test_a_rebalance_waits_for_the_batch_in_hand(kafka: KafkaServer, producer: AIOKafkaProducer) -> None:
    topic = f"redress.t{new_id().hex}"
    type_ = f"{topic}.happened.v1"
    group = f"readers-of-{topic}"
    await ensure_topics(kafka.bootstrap, [topic], partitions=4, replication=1)
    keys = [new_id() for _ in range(40)]
    for key in keys:
        await put(producer, topic, event_with(type_, 1, key=key))
    stream = KafkaStream(kafka.bootstrap)
    first, second = stream.reader(group, {type_}), stream.reader(group, {type_})
    async with asyncio.timeout(30):
        while not (in_hand := await first.poll(100, 0.5)):
            pass
        joining = asyncio.create_task(drained(second, 0, limit=100))
        await until_rebalancing(kafka, group)
        # For longer than the reader takes to hear of it: it would have given up its partitions by then.
        for _ in range(25):
            await asyncio.sleep(0.1)
            assert group_state(kafka, group) == ConsumerGroupState.PREPARING_REBALANCING
        assert not joining.done()

        await first.commit(in_hand)

        delivered = [event.key for event in in_hand.events]
        while len(delivered) < len(keys) or not joining.done():
            batch = await first.poll(100, 0.2)
            await first.commit(batch)
            delivered += [event.key for event in batch.events]
            if joining.done():
                delivered += [event.key for event in joining.result()[0]]
                joining = asyncio.create_task(drained(second, 0, limit=100))
                if len(delivered) >= len(keys):
                    break
        delivered += [event.key for event in (await joining)[0]]
    assert sorted(delivered) == sorted(keys)
    await first.close()
    await second.close()


@pytest.mark.kafka
async def test_a_reader_can_leave_while_kafka_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_stream, "_COMMIT_SECONDS", 1.0)
    monkeypatch.setattr(kafka_stream, "_STOP_SECONDS", 1.0)
    with KafkaServer() as mortal:
        topic = "redress.mortal"
        tasks = asyncio.all_tasks()
        await ensure_topics(mortal.bootstrap, [topic], partitions=1, replication=1)
        publisher = KafkaPublisher(mortal.bootstrap)
        await publisher.publish([event_with(f"{topic}.happened.v1", 1)])
        await publisher.close()
        reader = KafkaStream(mortal.bootstrap).reader(GROUP, {f"{topic}.happened.v1"})
        async with asyncio.timeout(20):
            while not (batch := await reader.poll(10, 0.5)):
                pass
        mortal.kill()

        started = time.monotonic()
        with pytest.raises(ReaderLost):
            await reader.commit(batch)
        with pytest.raises(Unavailable):
            await reader.poll(10, 0.1)
        await reader.close()

        assert time.monotonic() - started < 10
        assert not [task for task in asyncio.all_tasks() - tasks if "aiokafka" in repr(task)]
        with pytest.raises(Unavailable):
            await ensure_topics(mortal.bootstrap, [topic], partitions=1, replication=1)


async def put(producer: AIOKafkaProducer, topic: str, event: Event) -> None:
    await producer.send_and_wait(topic, event.data, key=str(event.key).encode(), headers=headers_of(event))


async def drained(reader: KafkaReader, count: int, *, limit: int) -> tuple[list[Event], list[Undecodable]]:
    """At least ``count`` events and one empty page after them, committed page by page."""
    events: list[Event] = []
    undecodable: list[Undecodable] = []
    async with asyncio.timeout(30):
        while True:
            batch = await reader.poll(limit, 0.3)
            await reader.commit(batch)
            events += batch.events
            undecodable += batch.undecodable
            if len(events) >= count and not batch:
                return events, undecodable


async def until_rebalancing(kafka: KafkaServer, group: str) -> None:
    while group_state(kafka, group) != ConsumerGroupState.PREPARING_REBALANCING:
        await asyncio.sleep(0.02)


def group_state(kafka: KafkaServer, group: str) -> ConsumerGroupState:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    [described] = admin.describe_consumer_groups([f"redress.{group}"]).values()
    state: ConsumerGroupState = described.result(10).state
    return state


def committed(kafka: KafkaServer, group: str) -> dict[tuple[str, int], int]:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    [asked] = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(f"redress.{group}")]).values()
    found: Sequence[object] = asked.result(10).topic_partitions
    return {(part.topic, part.partition): part.offset for part in found if part.offset >= 0}  # type: ignore[attr-defined]
