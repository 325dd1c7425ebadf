"""The Apache Kafka that the stream's tests and the benchmarks run against, and its stand-in."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.servers.kafka import KafkaServer, MockKafka, kafka_unavailable
from tests.servers.kafka_install import java_version

real_kafka = pytest.mark.kafka


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaServer]:
    reason = kafka_unavailable()
    if reason is not None:
        pytest.skip(f"needs the real Apache Kafka: {reason}")
    with KafkaServer() as server:
        yield server


@real_kafka
async def test_what_is_sent_is_read_by_a_group(kafka: KafkaServer) -> None:
    create_topic(kafka, "sent")

    await send(kafka.bootstrap, "sent", b"received", b"classified")

    assert await read(kafka.bootstrap, "sent", 2) == [b"received", b"classified"]


@real_kafka
async def test_what_a_group_has_committed_is_not_read_again(kafka: KafkaServer) -> None:
    create_topic(kafka, "committed")
    await send(kafka.bootstrap, "committed", b"first")
    await read(kafka.bootstrap, "committed", 1)

    await send(kafka.bootstrap, "committed", b"second")

    assert await read(kafka.bootstrap, "committed", 1) == [b"second"]


@real_kafka
async def test_a_topic_that_nobody_made_does_not_come_by_itself(kafka: KafkaServer) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, request_timeout_ms=500)
    await producer.start()
    try:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.send_and_wait("never_made", b"lost")
    finally:
        await producer.stop()

    assert "never_made" not in AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=5).topics


@real_kafka
async def test_what_was_acknowledged_outlives_a_kill_and_is_there_under_the_same_address(kafka: KafkaServer) -> None:
    create_topic(kafka, "kept")
    address = kafka.bootstrap
    await send(address, "kept", b"received")

    kafka.kill()

    assert not kafka.running
    kafka.restart()
    assert kafka.bootstrap == address
    assert await read(address, "kept", 1) == [b"received"]


@real_kafka
def test_kafka_does_not_outlive_a_test_run_that_was_killed(kafka: KafkaServer) -> None:
    run = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom tests.servers.kafka import KafkaServer\n"
            "server = KafkaServer()\nprint(server.pid, flush=True)\nsys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with run:
        assert run.stdout is not None
        server = psutil.Process(int(run.stdout.readline()))
        run.kill()

    psutil.wait_procs([server], timeout=10)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE


async def test_the_mock_cluster_carries_the_messages_of_a_key_to_a_group_in_order() -> None:
    mock = MockKafka()

    await send(mock.bootstrap, "mocked", b"received", b"classified")

    assert await read(mock.bootstrap, "mocked", 2) == [b"received", b"classified"]


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_411"', 8),
        ("Unable to locate a Java Runtime.", 0),
    ],
)
def test_the_version_of_java_is_read_from_what_it_prints(words: str, version: int) -> None:
    assert java_version(words) == version


def create_topic(kafka: KafkaServer, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])[name].result(10)


async def send(bootstrap: str, topic: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"RD-7K2M")
    finally:
        await producer.stop()


async def read(bootstrap: str, topic: str, number: int) -> list[bytes]:
    """The next ``number`` values for the group, committed."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"{topic}-readers",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            values = [(await consumer.getone()).value for _ in range(number)]
        await consumer.commit()
        return values
    finally:
        await consumer.stop()
