"""`redress classifier …`: what people at a terminal see, and what stays in the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.judgements.artefact import pack, shipped, unpack
from tests.judgements.factories import small_fit
from tests.redress.test_command_line import CHANGE_SOMETHING, run

COMPLAINTS = [
    ("a", "宽带从昨晚开始断网，一直没人来修", "zh", "outage"),
    ("b", "这个月多扣了50元，请退费", "zh", "billing"),
    ("c", "I was charged twice, please refund", "en", "billing"),
    ("d", "The technician never showed up for my appointment", "en", "outage"),
]


@pytest.fixture
def complaints(tmp_path: Path) -> Path:
    rows = [
        {"external_id": name, "content": content, "customer": {"name": "李伟", "language": language}}
        for name, content, language, _ in COMPLAINTS
    ]
    return written(tmp_path / "complaints.jsonl", rows)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return written(
        tmp_path / "labels.jsonl", [{"external_id": name, "category": label} for name, _, _, label in COMPLAINTS]
    )


def written(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


def test_explain_tells_what_speaks_for_a_judgement(tmp_path: Path) -> None:
    done = run("classifier", "explain", "宽带断网三天了，再不修我就找工信部", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "Service outage" in done.stdout
    assert "to be reported to the leadership group" in done.stdout
    assert "工信部" in done.stdout
    assert "(72 hours)" in done.stdout
    assert shipped().name in done.stdout


def test_explain_as_json_is_the_whole_judgement(tmp_path: Path) -> None:
    done = run("classifier", "explain", "--json", "My internet is down", folder=tmp_path)

    judgement = json.loads(done.stdout)
    assert (judgement["category"], judgement["language"], judgement["model"]) == ("outage", "en", shipped().name)


def test_explain_masks_what_is_personal(tmp_path: Path) -> None:
    assert "13912345678" not in run("classifier", "explain", "断网了，打13912345678", folder=tmp_path).stdout


def test_evaluate_shows_measures_and_confusion(tmp_path: Path, complaints: Path, labels: Path) -> None:
    done = run("classifier", "evaluate", str(complaints), "--labels", str(labels), "--wrong", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "0.750" in done.stdout
    assert "all, labelled" in done.stdout
    assert "outage, judged technical_support" in done.stdout


def test_evaluate_as_json(tmp_path: Path, complaints: Path, labels: Path) -> None:
    done = run("classifier", "evaluate", str(complaints), "--labels", str(labels), "--json", folder=tmp_path)

    measures = json.loads(done.stdout)["all"]
    assert (measures["count"], measures["accuracy"]) == (4, 0.75)
    assert {"label": "billing", "best_guess": "billing", "count": 2} in measures["confusion"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["evaluate", "none.jsonl"], "none.jsonl cannot be read"),
        (["evaluate", "bad.jsonl"], "bad.jsonl, line 2: no JSON"),
        (["evaluate", "unlabelled.jsonl"], "name the file that holds them with --labels"),
        (["evaluate", "wrong.jsonl"], "'weather' is none of outage"),
        (["explain", "x", "--model", "bad.jsonl"], "bad.jsonl is no model"),
        (["explain", "x", "--model", "none.bin"], "none.bin cannot be read"),
        (["train"], "say with --out where the model goes"),
        (["import", "bad.jsonl"], "bad.jsonl is no model"),
    ],
)
def test_what_has_to_be_changed_is_said_in_a_line(tmp_path: Path, arguments: list[str], told: str) -> None:
    (tmp_path / "bad.jsonl").write_text('{"content": "x", "customer": {}}\n{{\n')
    (tmp_path / "unlabelled.jsonl").write_text('{"content": "x", "customer": {}}\n')
    (tmp_path / "wrong.jsonl").write_text('{"content": "x", "customer": {}, "category": "weather"}\n')

    done = run("classifier", *arguments, folder=tmp_path)

    assert done.returncode == CHANGE_SOMETHING
    assert told in done.stderr
    assert done.stderr.startswith("redress: ")
    assert done.stderr.count("\n") == 1


def test_a_model_goes_in_is_promoted_taken_back_and_comes_out(database: str, tmp_path: Path) -> None:
    made = pack(small_fit().weights, {"texts": 1})
    (tmp_path / "made.bin").write_bytes(made.content)

    def classifier(*arguments: str) -> str:
        done = run("classifier", *arguments, folder=tmp_path, database_url=database, secret="x" * 32)
        return done.stdout + done.stderr

    assert f"{made.name} is kept" in classifier("import", "made.bin")
    assert "is here already" in classifier("import", "made.bin")
    assert f"{made.name} is in force." in classifier("promote")
    assert "in force already" in classifier("promote", made.name)
    listed = json.loads(classifier("list", "--json"))
    assert [(one["name"], one["origin"], one["in_force"] is not None) for one in listed] == [
        (made.name, "imported", True),
        (shipped().name, "shipped", False),
    ]
    assert f"{shipped().name} is in force again, in place of {made.name}." in classifier("rollback")
    assert "nothing to go back to" in classifier("rollback")
    assert "imported" in classifier("list")
    assert "Written to out.bin" in classifier("export", made.name, "out.bin")
    assert unpack((tmp_path / "out.bin").read_bytes())[1].name == made.name
    assert "`redress classifier list`" in classifier("export", "none", "out.bin")
    assert "no cases to learn from yet" in classifier("train", "--from-cases")
