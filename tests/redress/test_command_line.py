"""The command line says in one line what is wrong and what to write, and tells by its exit code whose turn it is."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from redress.schema import check_schema
from services.base.database import create_engine
from services.base.errors import Misconfigured
from tests.servers.postgres import PostgresServer
from tests.servers.process import free_port

REDRESS = str(Path(sys.executable).with_name("redress"))
CHANGE_SOMETHING = 2
TRY_LATER = 1


def run(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REDRESS_")}
    environment = inherited | {f"REDRESS_{name.upper()}": value for name, value in settings.items()}
    return subprocess.run(
        [REDRESS, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "settings", "told"),
    [
        (["status"], {}, "no `redress up` runs in .redress"),
        (["status"], {"secret": "short", "events": "nats"}, "REDRESS_SECRET: needs at least 32 characters"),
        (["topics", "ensure"], {}, "write kafka://host:port"),
        (["relay"], {"database_url": "postgresql:///x"}, "write kafka://host:port"),
        (["worker", "classifier"], {"database_url": "postgresql:///x"}, "REDRESS_SECRET is not set"),
        (["plan", "check", "missing.yaml"], {}, "the plan missing.yaml cannot be read"),
        (["dead-letters", "replay"], {}, "a number from `redress dead-letters list`"),
        (["complaints", "import", "a.csv"], {}, "where to? No `redress up` runs"),
        (["complaints", "import", "a.csv", "--url", "foo", "--key", "k"], {}, "--url 'foo' is no address"),
        (["complaints", "import", "a.csv", "--url", "http://", "--key", "k"], {}, "--url 'http://' is no address"),
        (["complaints", "import", "a.csv", "--map", "x"], {}, "write HEADER=field"),
        (["health"], {}, "whom to ask? Give --port"),
    ],
)
def test_what_has_to_be_changed_first_is_said_in_a_line_and_ends_with_2(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], told: str
) -> None:
    done = run(*arguments, folder=tmp_path, **settings)

    assert done.returncode == CHANGE_SOMETHING
    assert told in done.stderr
    assert done.stderr.startswith("redress: ")
    assert "Traceback" not in done.stderr


def test_what_may_work_later_ends_with_1(tmp_path: Path) -> None:
    nobody = free_port()

    health = run("health", "--port", str(nobody), folder=tmp_path)
    status = run("status", folder=tmp_path, database_url=f"postgresql://u@127.0.0.1:{nobody}/x", secret="x" * 32)

    assert (health.returncode, status.returncode) == (TRY_LATER, TRY_LATER)
    assert f"nothing answers at 127.0.0.1:{nobody}" in health.stderr
    assert status.stderr.startswith("redress: the database cannot be reached")


def test_a_database_without_tables_is_answered_with_the_command_that_makes_them(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.create_database()
    settings = {"database_url": url, "secret": "x" * 32}

    before = run("status", folder=tmp_path, **settings)
    migrated = run("migrate", folder=tmp_path, **settings)
    after = run("status", "--json", folder=tmp_path, **settings)

    assert before.returncode == CHANGE_SOMETHING
    assert "run `redress migrate`" in before.stderr
    assert "version 1 of the plan is in force" in migrated.stdout
    assert after.returncode == 0, after.stderr
    postgres.drop_database(url)


@pytest.mark.parametrize(
    "arguments", [["worker", "classifier"], ["relay"], ["api", "--port", "0"], ["desk", "--port", "0"]]
)
def test_a_program_started_before_its_tables_are_there_ends_with_the_command_that_makes_them(
    postgres: PostgresServer, tmp_path: Path, arguments: list[str]
) -> None:
    url = postgres.create_database()

    done = run(*arguments, folder=tmp_path, database_url=url, secret="x" * 32, events="kafka://127.0.0.1:9")

    assert done.returncode == CHANGE_SOMETHING
    assert done.stderr == "redress: the database has no tables of Redress; run `redress migrate`\n"
    postgres.drop_database(url)


async def test_tables_of_another_revision_are_told_with_both(engine: AsyncEngine) -> None:
    await check_schema(engine)
    async with engine.begin() as connection:
        await connection.execute(sa.text("update alembic_version set version_num = '0000'"))

    with pytest.raises(Misconfigured, match=r"at revision 0000.*run `redress migrate`"):
        await check_schema(engine)


async def test_a_database_that_does_not_answer_is_no_reason_to_end() -> None:
    away = create_engine(f"postgresql://u@127.0.0.1:{free_port()}/x")

    await check_schema(away)

    await away.dispose()


def test_a_plan_with_mistakes_lists_all_of_them_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("plan: 5\nstaf: []\n")

    done = run("plan", "check", "plan.yaml", folder=tmp_path)

    assert done.returncode == CHANGE_SOMETHING
    assert "plan.yaml:1:" in done.stderr
    assert "plan.yaml:2:" in done.stderr


def test_the_shipped_plan_passes_its_check(tmp_path: Path) -> None:
    done = run("plan", "check", folder=tmp_path)

    assert done.returncode == 0
    assert "7 groups" in done.stdout


def test_a_staff_key_is_made_only_for_somebody_in_the_plan(database: str, tmp_path: Path) -> None:
    unknown = run("keys", "create", "--role", "staff", "--login", "nobody", "x", folder=tmp_path, database_url=database)
    known = run("keys", "create", "--role", "staff", "--login", "zhou.min", "x", folder=tmp_path, database_url=database)

    assert unknown.returncode == CHANGE_SOMETHING
    assert "nobody" in unknown.stderr
    assert known.stdout.startswith("rd_staff_")
    assert known.stdout.count("\n") == 1


def test_help_is_quick(tmp_path: Path) -> None:
    started = time.perf_counter()
    done = run("--help", folder=tmp_path)
    took = time.perf_counter() - started

    assert "everything in one process" in done.stdout
    # Four times what it takes on an idle machine; the imports that it must not make take longer than that.
    assert took < 1.0
