"""Settings: read from the environment, checked at the start, and every wrong one named with what to write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.base.errors import Misconfigured
from services.base.settings import load_settings

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("REDRESS_")]:
        monkeypatch.delenv(name)


def refused(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """What is said of an environment that is wrong."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Misconfigured) as caught:
        load_settings()
    return str(caught.value)


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings()

    assert (settings.home, settings.events, settings.database_url) == (Path(".redress"), "database", None)
    assert settings.kafka_servers is None


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDRESS_DATABASE_URL", "postgresql://redress@/redress?host=/run/postgresql")
    monkeypatch.setenv("REDRESS_EVENTS", "kafka://one:9092,two:9092")
    monkeypatch.setenv("REDRESS_INTAKE_QUEUE", "10")
    monkeypatch.setenv("REDRESS_SOMETHING_OF_A_LATER_VERSION", "x")

    settings = load_settings()

    assert settings.database_url == "postgresql://redress@/redress?host=/run/postgresql"
    assert settings.kafka_servers == "one:9092,two:9092"
    assert settings.intake_queue == 10


def test_what_is_given_in_the_code_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDRESS_SHARES", "8")

    assert load_settings(shares=2).shares == 2


def test_the_slash_at_the_end_of_the_public_address_is_taken_off() -> None:
    assert load_settings(public_url="https://complaints.example.com/").public_url == "https://complaints.example.com"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("REDRESS_SECRET", "short", "at least 32 characters"),
        ("REDRESS_SECRET", "x" * 31, "openssl rand -hex 32"),
        ("REDRESS_EVENTS", "redis://host", "neither `database` nor `kafka://host:port,…`"),
        ("REDRESS_EVENTS", "kafka://", "neither `database` nor `kafka://host:port,…`"),
        ("REDRESS_DATABASE_URL", "mysql://host/db", "no `postgresql://` URL"),
        ("REDRESS_DATABASE_URL", "host=/run dbname=redress", "no `postgresql://` URL"),
        ("REDRESS_PUBLIC_URL", "complaints.example.com", "no http:// or https:// address"),
        ("REDRESS_DATABASE_POOL", "0", "greater than or equal to 1"),
        ("REDRESS_INTAKE_WRITERS", "33", "less than or equal to 32"),
        ("REDRESS_INTAKE_QUEUE", "many", "valid integer"),
        ("REDRESS_POLL_MS", "1", "greater than or equal to 5"),
        ("REDRESS_METRICS_PORT", "65536", "less than or equal to 65535"),
        ("REDRESS_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    said = refused(monkeypatch, **{name: value})

    assert said.startswith(f"{name}: ")
    assert words in said
    assert "\n" not in said


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, REDRESS_SHARES="0", REDRESS_EVENTS="nowhere", REDRESS_LOG_FORM="x")

    assert {line.partition(":")[0] for line in said.splitlines()} == {"REDRESS_SHARES", "REDRESS_EVENTS"}


def test_secrets_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(
        monkeypatch, REDRESS_SECRET="almost-a-secret", REDRESS_DATABASE_URL="mysql://user:passphrase@host/db"
    )

    assert "almost-a-secret" not in said
    assert "passphrase" not in said


def test_secrets_are_hidden_when_settings_are_printed() -> None:
    printed = repr(load_settings(secret=SECRET, smtp_url="smtp://user:passphrase@host:587"))

    assert SECRET not in printed
    assert "passphrase" not in printed
