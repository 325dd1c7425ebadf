"""A real Apache Kafka for tests and benchmarks: one node, broker and controller at once, on loopback.

Also the mock cluster inside librdkafka, for machines without Java. aiokafka can produce to it (idempotently
too), join groups, commit and resume; it keeps nothing on disk, cannot be restarted, and topics cannot be managed.
"""

from __future__ import annotations

import functools
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from tests.servers.kafka_install import (
    KAFKA_VERSION,
    NODE_ID,
    KafkaUnavailableError,
    kafka_installation,
    kafka_unavailable,
    server_properties,
)
from tests.servers.process import ServerProcess, free_port

__all__ = ["KAFKA_VERSION", "KafkaServer", "KafkaUnavailableError", "MockKafka", "kafka_unavailable"]

START_SECONDS = 60.0
STOP_SECONDS = 15.0

SMALL = ("-XX:+UseSerialGC", "-Xss512k", "-XX:ReservedCodeCacheSize=64m", "-XX:-UsePerfData")
QUICK = ("-XX:TieredStopAtLevel=1", "-Xshare:auto")
QUIET = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")


class KafkaServer:
    """One node of Apache Kafka. Topics are not made by themselves; internal topics have one replica."""

    def __init__(self, *, heap_mb: int = 256) -> None:
        """Start it; returns when it serves clients.

        Raises ``KafkaUnavailableError`` with the reason, and ``ServerStartError`` with the end of its log.
        """
        self._installation = kafka_installation()
        self._home = Path(tempfile.mkdtemp(prefix="redress-kafka-"))
        self._port, self._controller_port = free_port(), free_port()
        self._options = (f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m", *SMALL, *QUICK, *QUIET)
        shutil.copytree(self._installation.formatted, self._home / "data")
        self._properties = self._home / "server.properties"
        self._properties.write_text(server_properties(self._port, self._controller_port, self._home / "data"))
        self._process = self._run()

    @property
    def bootstrap(self) -> str:
        """``127.0.0.1:port``, the same after a restart."""
        return f"127.0.0.1:{self._port}"

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def pid(self) -> int:
        return self._process.pid

    def resident_bytes(self) -> int:
        """Memory that the server holds now."""
        return self._process.resident_bytes()

    def kill(self) -> None:
        """SIGKILL. What was acknowledged is there after ``restart`` (the pages are with the kernel)."""
        self._process.kill()

    def restart(self) -> None:
        """Start again on the same data and port; stops the server first if it still runs."""
        self._halt()
        self._process = self._run()

    def stop(self) -> None:
        """End the server and remove its data. Harmless when it was stopped before."""
        self._halt()
        shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> ServerProcess:
        installation = self._installation
        process = ServerProcess(
            [installation.java, *self._options, "-cp", installation.class_path, "kafka.Kafka", str(self._properties)],
            self._home / "log",
            leash_removes=self._home,
        )
        process.wait_until(functools.partial(_answers, self._port), START_SECONDS, "Apache Kafka")
        return process

    def _halt(self) -> None:
        self._process.stop(signal.SIGTERM, STOP_SECONDS)


class MockKafka:
    """The mock cluster inside librdkafka, one broker. It lives as long as this object; topics come by themselves."""

    def __init__(self) -> None:
        self._cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        (broker,) = self._cluster.list_topics(timeout=10).brokers.values()
        self.bootstrap = f"{broker.host}:{broker.port}"


def _answers(port: int) -> bool:
    """Whether the node serves clients: its port is open, and it names itself among the brokers in service."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    client = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0})
    try:
        return NODE_ID in client.list_topics(timeout=1).brokers
    except KafkaException:
        return False
