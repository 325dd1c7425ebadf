"""`redress up` brings everything along, keeps it through kills, and leaves nothing behind when it is stopped."""

from __future__ import annotations

import json
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.intake.factories import complaint
from tests.redress.laptop import Laptop, laptop
from tests.servers.kafka import KafkaServer


@pytest.fixture
def at_home() -> Iterator[Laptop]:
    with laptop() as one:
        yield one


def until(wanted: Callable[[], bool], within: float = 30.0) -> None:
    give_up = time.monotonic() + within
    while not wanted():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def post(at_home: Laptop, **changes: object) -> str:
    with at_home.client(at_home.credentials["channel_key"]) as channel:
        answer = channel.post("/v1/complaints", json=complaint(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def status(at_home: Laptop, case: str) -> str:
    with at_home.client(at_home.credentials["admin_key"]) as admin:
        answer = admin.get(f"/v1/complaints/{case}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["status"])


def test_a_complaint_posted_to_a_fresh_home_is_dispatched_and_the_customer_is_told(at_home: Laptop) -> None:
    said = at_home.up()

    case = post(at_home)
    until(lambda: status(at_home, case) == "dispatched")
    until(lambda: len(list((at_home.home / "mail").glob("*.eml"))) == 2)

    assert at_home.url in said
    assert str(at_home.home / "credentials.json") in said
    assert str(at_home.home / "mail") in said
    for private in ("credentials.json", "secret", "state.json"):
        assert stat.S_IMODE((at_home.home / private).stat().st_mode) == 0o600
    assert at_home.credentials["base_url"] == at_home.url
    with at_home.client(at_home.credentials["staff"][0]["key"]) as staff:
        assert staff.get("/v1/complaints").json()["items"][0]["id"] == case


def test_a_second_start_is_refused_with_who_is_there_and_the_first_goes_on(at_home: Laptop) -> None:
    at_home.up()

    second = at_home.run("up", "--port", "0")

    assert second.returncode == 2
    assert f"process {at_home.process.pid}, at {at_home.url}" in second.stderr
    assert "Traceback" not in second.stderr
    assert at_home.run("health").returncode == 0


def test_after_a_kill_the_next_start_takes_over_the_database_and_everything_is_there(at_home: Laptop) -> None:
    at_home.up()
    case = post(at_home)
    keys = at_home.credentials
    server = at_home.postgres_processes()[0].pid

    at_home.kill()
    asked = at_home.run("status")
    said = at_home.up()

    assert asked.returncode == 2
    assert "start `redress up` first" in asked.stderr
    assert "was taken over" in said
    assert at_home.postgres_processes()[0].pid == server
    assert at_home.credentials == keys
    until(lambda: status(at_home, case) == "dispatched")


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_the_database_too_and_everything_is_there_at_the_next_start(
    at_home: Laptop, with_signal: signal.Signals
) -> None:
    at_home.up()
    case = post(at_home)
    until(lambda: status(at_home, case) == "dispatched")

    at_home.stop(with_signal)
    left = at_home.postgres_processes()
    at_home.up()

    assert left == []
    assert status(at_home, case) == "dispatched"


def test_a_database_that_dies_is_started_again_and_work_goes_on(at_home: Laptop) -> None:
    at_home.up()
    case = post(at_home)
    until(lambda: status(at_home, case) == "dispatched")

    for process in at_home.postgres_processes():
        process.kill()

    def taken() -> bool:
        with at_home.client(at_home.credentials["channel_key"]) as channel:
            return channel.post("/v1/complaints", json=complaint(external_id="A-2")).status_code in (200, 201)

    until(taken)
    until(lambda: at_home.run("status", "--json").stdout.count('"dispatched": 2') == 1)


def test_commands_beside_it_find_it_by_its_home(at_home: Laptop, tmp_path: Path) -> None:
    at_home.up()
    file = tmp_path / "complaints.csv"
    file.write_text("姓名,邮箱,渠道,内容\n王芳,wang@example.com,客服热线,宽带断网三天了\n王芳,,fax,坏行\n", "gb18030")

    imported = at_home.run("complaints", "import", str(file))
    key = at_home.run("keys", "create", "--role", "channel", "shop").stdout.splitlines()[-1]
    events = at_home.run("events", "tail", "--from-start", "--no-follow", "--type", "received", "--json")

    assert imported.returncode == 3
    assert imported.stdout == "1 registered, 0 already there, 1 rejected\n"
    assert "fax" in (tmp_path / "complaints.csv.rejects.jsonl").read_text()
    with at_home.client(key) as shop:
        assert shop.post("/v1/complaints", json=complaint()).status_code == 201
    assert [json.loads(line)["data"]["channel"] for line in events.stdout.splitlines()] == ["hotline"]
    assert at_home.run("dead-letters", "list").stdout == "There are none.\n"
    assert "classifier" in at_home.run("status").stdout
    assert at_home.run("migrate").returncode == 0


@pytest.mark.kafka
def test_with_kafka_it_runs_the_relay_as_well(kafka: KafkaServer) -> None:
    with laptop(REDRESS_EVENTS=f"kafka://{kafka.bootstrap}") as at_home:
        at_home.up()

        case = post(at_home)

        until(lambda: status(at_home, case) == "dispatched", within=60)
