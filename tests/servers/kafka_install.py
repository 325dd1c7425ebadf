"""Brings Apache Kafka's server to this machine once, with Maven, into a cache folder that all test runs share.

It runs no broker; ``kafka.py`` does. What is in the cache is complete: it gets its name by one rename at the end.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

KAFKA_VERSION = "4.3.1"
JAVA_NEEDED = 17
FETCH_SECONDS = 300.0
FORMAT_SECONDS = 60.0
NODE_ID = 1

# slf4j-simple writes to stderr, which is the log file of the one who starts the program.
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>redress.tests</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""


class KafkaUnavailableError(RuntimeError):
    """Apache Kafka cannot run here. The message says what is missing."""


@dataclass(frozen=True, slots=True)
class KafkaInstallation:
    """Where the parts are: the Java program, the class path, and storage formatted for a first start."""

    java: str
    class_path: str
    formatted: Path


def kafka_unavailable() -> str | None:
    """Why Apache Kafka cannot run here, or None when it can. The first call on a machine fetches it (50 MB)."""
    try:
        kafka_installation()
    except KafkaUnavailableError as reason:
        return str(reason)
    return None


@functools.cache
def kafka_installation() -> KafkaInstallation:
    """The installation in the cache, fetched and formatted first when it is not there.

    Raises ``KafkaUnavailableError`` when Java is missing or older than 17, when Maven is missing, and when the
    fetch fails.
    """
    java = _java()
    home = _cache() / f"kafka-{KAFKA_VERSION}"
    if not home.is_dir():
        _install(java, home)
    return KafkaInstallation(java, f"{home}/jars/*", home / "formatted")


def java_version(words: str) -> int:
    """The major version in what ``java -version`` prints: 17 for ``openjdk version "17.0.15"``, 8 for ``"1.8.0"``."""
    found = re.search(r'version "(?:1\.)?(\d+)', words)
    return int(found.group(1)) if found else 0


def server_properties(port: int, controller_port: int, logs: Path) -> str:
    """The configuration of one node, broker and controller at once, tuned to be small and quick to start."""
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": NODE_ID,
        "controller.quorum.voters": f"{NODE_ID}@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": logs,
        "auto.create.topics.enable": "false",
        "default.replication.factor": 1,
        "min.insync.replicas": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 2,
        "group.initial.rebalance.delay.ms": 0,
        # A node that was killed and comes back has to wait until the session of its former self is over.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "redress"


def _java() -> str:
    java_home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{java_home}/bin") if java_home else shutil.which("java")
    if java is None:
        raise KafkaUnavailableError(f"Java is missing: install a Java runtime, version {JAVA_NEEDED} or newer")
    words = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    if java_version(words) < JAVA_NEEDED:
        raise KafkaUnavailableError(f"Java {JAVA_NEEDED} or newer is needed; {java} says: {words.strip()}")
    return java


def _install(java: str, home: Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{home.name}-", dir=home.parent))
    try:
        _fetch(unfinished)
        _format(java, unfinished)
        unfinished.rename(home)
    except OSError:
        # Another test run was first: its copy is as good.
        if not home.is_dir():
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _fetch(home: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaUnavailableError("Maven is missing: install it (mvn), so that Apache Kafka can be fetched")
    (home / "pom.xml").write_text(POM)
    # Relative: the plugin resolves it against the folder of the pom.
    copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=jars"]
    _run([maven, "--batch-mode", "--quiet", *copy], home, FETCH_SECONDS, "Apache Kafka could not be fetched")


def _format(java: str, home: Path) -> None:
    """Format storage for a first start. Kept and copied for each server, it saves every one a start of Java."""
    configuration = home / "format.properties"
    configuration.write_text(server_properties(9092, 9093, home / "formatted"))
    tool = [java, "-cp", f"{home}/jars/*", "kafka.tools.StorageTool", "format"]
    arguments = ["--cluster-id", "UmVkcmVzcy10ZXN0cy0wMQ", "--config", str(configuration)]
    _run([*tool, *arguments], home, FORMAT_SECONDS, "Apache Kafka's storage could not be formatted")


def _run(command: list[str], folder: Path, within: float, failure: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=within, check=False)
    except subprocess.TimeoutExpired:
        raise KafkaUnavailableError(f"{failure} within {within:.0f} s") from None
    if done.returncode:
        raise KafkaUnavailableError(f"{failure}: {(done.stdout + done.stderr).strip()[-2000:]}")
