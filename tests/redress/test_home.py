"""A home belongs to one process at a time, keeps its secret to itself, and tells others what runs in it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from redress.home import Home, Running, write_private
from services.base.errors import Conflict

RUNNING = Running("http://127.0.0.1:8000", os.getpid(), "postgresql://postgres@/postgres?host=/somewhere")

# Takes the home, says so, and holds it until it is killed.
HOLDER = """
import sys
from pathlib import Path
from redress.home import Home, Running
home = Home(Path(sys.argv[1]))
with home.taken():
    home.announce(Running("http://127.0.0.1:8000", 4711, "postgresql:///x"))
    print("taken", flush=True)
    sys.stdin.read()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=10)


def test_a_second_process_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    other = holder(tmp_path)
    try:
        with pytest.raises(Conflict, match=r"process 4711, at http://127\.0\.0\.1:8000"), Home(tmp_path).taken():
            pass
    finally:
        end(other)


def test_a_killed_process_frees_its_home(tmp_path: Path) -> None:
    end(holder(tmp_path))

    assert Home(tmp_path).running() is None
    with Home(tmp_path).taken():
        pass


def test_what_runs_is_found_while_it_runs(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.taken():
        before = home.running()
        home.announce(RUNNING)
        found = Home(tmp_path).running()

    assert before is None
    assert found == RUNNING
    assert home.running() is None


def test_a_home_that_was_never_used_is_not_made_by_asking(tmp_path: Path) -> None:
    home = Home(tmp_path / "unused")

    assert home.running() is None
    assert home.known_secret() is None
    assert not (tmp_path / "unused").exists()


def test_the_secret_is_made_once_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path)

    secret = home.secret()

    assert len(secret) >= 32
    assert home.secret() == Home(tmp_path).known_secret() == secret
    assert mode(tmp_path / "secret") == 0o600


def test_a_private_file_replaces_an_open_one_and_leaves_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    file.write_text("old")
    file.chmod(0o644)

    write_private(file, "new")

    assert file.read_text() == "new"
    assert mode(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]
