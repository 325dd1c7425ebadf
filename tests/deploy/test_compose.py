"""The container deployment says what the programs understand, and promises nothing that it does not hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperGroup

from services.base.settings import Settings
from tests.servers.kafka_install import KAFKA_VERSION

ROOT = Path(__file__).parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE_TEXT)["services"]
PROGRAMS = {name: service for name, service in SERVICES.items() if "build" in service}
RUN_ONCE = {"migrate", "topics"}
LASTING = {name: service for name, service in SERVICES.items() if name not in RUN_ONCE}
COMMANDS = {
    "intake_api": "api --host 0.0.0.0 --port 8000",
    "desk": "desk --host 0.0.0.0 --port 8001",
    "relay": "relay",
    "classifier_worker": "worker classifier",
    "handler_worker": "worker handler",
    "notifier_worker": "worker notifier",
    "migrate": "migrate",
    "topics": "topics ensure",
}
FILES, MAIL = "files-data:/var/lib/redress/files", "kept-mail:/var/lib/redress/mail"
WITH_FILES = ("intake_api", "desk", "notifier_worker")
SETTINGS = {f"REDRESS_{name.upper()}" for name in Settings.model_fields}


def test_every_program_of_redress_runs_with_its_command() -> None:
    assert {name: " ".join(service["command"]) for name, service in PROGRAMS.items()} == COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_command_line_understands_the_command_of(name: str) -> None:
    understand(PROGRAMS[name]["command"])


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - RUN_ONCE))
def test_the_command_line_understands_the_health_check_of(name: str) -> None:
    test = PROGRAMS[name]["healthcheck"]["test"]

    assert test[:3] == ["CMD", "redress", "health"]
    understand(test[2:])


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - RUN_ONCE))
def test_a_health_check_asks_where_the_program_answers(name: str) -> None:
    service = PROGRAMS[name]
    asked = option(service["healthcheck"]["test"], "--port") or service["environment"]["REDRESS_METRICS_PORT"]

    assert asked == (option(service["command"], "--port") or service["environment"]["REDRESS_METRICS_PORT"])


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_can_run_in_several_copies(name: str) -> None:
    assert not {"container_name", "ports", "hostname"} & set(PROGRAMS[name])
    assert set(PROGRAMS[name].get("volumes", ())) <= {FILES, MAIL}


def test_the_programs_that_take_and_give_files_keep_them_in_one_place_that_outlives_them() -> None:
    assert {name for name, service in PROGRAMS.items() if FILES in service.get("volumes", ())} == set(WITH_FILES)
    for name in WITH_FILES:
        kept = as_compose_fills_it(PROGRAMS[name]["environment"]["REDRESS_FILES_URL"])
        assert kept == f"file://{FILES.partition(':')[2]}"


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_restarted_and_watched(name: str) -> None:
    assert LASTING[name]["restart"] == "unless-stopped"
    assert LASTING[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", sorted(RUN_ONCE))
def test_what_runs_once_is_tried_again_only_when_it_failed(name: str) -> None:
    assert re.fullmatch(r"on-failure:\d+", SERVICES[name]["restart"])


@pytest.mark.parametrize("name", sorted(set(PROGRAMS) - RUN_ONCE))
def test_a_program_starts_after_the_database_and_the_topics_are_up_to_date(name: str) -> None:
    awaited = PROGRAMS[name]["depends_on"]

    assert awaited["migrate"]["condition"] == "service_completed_successfully"
    assert awaited["topics"]["condition"] == "service_completed_successfully"


def test_what_a_service_waits_for_exists_and_can_fulfil_the_condition() -> None:
    for service in SERVICES.values():
        for awaited, terms in service.get("depends_on", {}).items():
            ends = awaited in RUN_ONCE
            assert terms["condition"] == ("service_completed_successfully" if ends else "service_healthy")
            assert ends or "healthcheck" in SERVICES[awaited]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_given_only_settings_that_exist_and_values_that_they_take(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {key: as_compose_fills_it(str(value)) for key, value in PROGRAMS[name]["environment"].items()}
    assert set(given) <= SETTINGS

    for key, value in given.items():
        monkeypatch.setenv(key, value)
    settings = Settings()

    assert settings.kafka_servers == "kafka:9092"
    assert settings.database_url == f"postgresql://redress:{'x' * 32}@postgres:5432/redress"


def test_every_redress_variable_that_may_be_set_outside_is_a_setting() -> None:
    example = (ROOT / "deploy/.env.example").read_text(encoding="utf-8")
    named = set(re.findall(r"\bREDRESS_[A-Z_]+", example)) | set(re.findall(r"\$\{(REDRESS_[A-Z_]+)", COMPOSE_TEXT))

    assert named - {"REDRESS_VERSION"} <= SETTINGS


def test_secrets_have_no_default_and_are_asked_for() -> None:
    example = (ROOT / "deploy/.env.example").read_text(encoding="utf-8")
    for secret in ("REDRESS_SECRET", "POSTGRES_PASSWORD"):
        uses = re.findall(rf"\$\{{{secret}(.)(.)", COMPOSE_TEXT)

        assert uses
        assert set(uses) == {(":", "?")}
        assert f"\n{secret}=\n" in example


def test_images_are_pinned_to_a_version() -> None:
    images = [service["image"] for name, service in SERVICES.items() if name not in PROGRAMS]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    for image in images + re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE):
        assert re.fullmatch(r"[a-z/]+:v?\d[\w.-]*", image), image


def test_the_tests_run_against_the_kafka_that_is_deployed() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_every_named_volume_is_declared_and_used() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    used = {mount.partition(":")[0] for mount in mounts if not mount.startswith(".")}

    assert used == set(yaml.safe_load(COMPOSE_TEXT)["volumes"])
    for mount in mounts:
        if mount.startswith("."):
            assert (ROOT / mount.partition(":")[0]).exists()


def understand(words: list[str]) -> None:
    """Let the command line parse ``words`` without running them; it raises a usage error when it cannot."""
    cli = pytest.importorskip("redress.cli")
    command = typer.main.get_command(cli.app)
    context = typer.Context(command, info_name="redress")
    rest = list(words)
    while isinstance(command, TyperGroup):
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, typer.Context(found, info_name=name, parent=context)
    command.parse_args(context, rest)


def option(words: list[str], name: str) -> str | None:
    return words[words.index(name) + 1] if name in words else None


def as_compose_fills_it(value: str) -> str:
    """What ``docker compose`` makes of ``${NAME:-default}`` and of ``${NAME:?…}`` when only the secrets are set."""
    value = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)
    return re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "x" * 32, value)
