"""The import reads files as people have them: JSON lines and CSV, in any usual encoding, however broken a row is."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from redress.importing.columns import words_of
from redress.importing.rows import Row, Source
from services.base.errors import Invalid
from services.plan.loading import load_plan, shipped_plan_text

WORDS = words_of(load_plan(shipped_plan_text()))
ZONE = ZoneInfo("Asia/Shanghai")
HEADER = ("name", "phone", "channel", "content", "external_id")


def read(file: Path, **mapping: str) -> list[Row]:
    return list(Source(file, mapping, WORDS, ZONE).rows())


def write_csv(file: Path, rows: Sequence[Sequence[str]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    with file.open("w", encoding=encoding, newline="") as text:
        csv.writer(text, delimiter=delimiter).writerows(rows)
    return file


def write_lines(file: Path, *lines: Any) -> Path:
    file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "complaints.csv"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_chinese_is_read_in_the_encodings_that_spreadsheets_write(file: Path, encoding: str) -> None:
    write_csv(
        file,
        [
            ("姓名", "电话", "邮箱", "渠道", "内容", "地区"),
            ("王芳", "13800138000", "", "app", "多扣了费，请退。", "北京/海淀"),
        ],
        encoding,
    )

    [row] = read(file)

    assert row.complaint is not None
    assert {**row.complaint, "external_id": None} == {
        "customer": {"name": "王芳", "phone": "13800138000"},
        "channel": "app",
        "content": "多扣了费，请退。",
        "region": "北京/海淀",
        "external_id": None,
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_in_the_header(file: Path, delimiter: str) -> None:
    write_csv(file, [HEADER, ("Ann", "1", "web", "No, nothing; works", "A-1")], delimiter=delimiter)

    [row] = read(file)

    assert row.complaint is not None
    assert row.complaint["content"] == "No, nothing; works"


def test_a_text_far_into_the_file_decides_the_encoding_too(file: Path) -> None:
    rows = [HEADER, *(("Ann", "1", "web", "x" * 50, f"A-{number}") for number in range(40_000))]
    write_csv(file, [*rows, ("王芳", "1", "web", "断网", "A-last")], "gb18030")

    last = read(file)[-1]

    assert last.complaint is not None
    assert last.complaint["content"] == "断网"


def test_bytes_that_are_no_text_are_refused_with_what_to_do(file: Path) -> None:
    file.write_bytes(b"name,channel,content\n\xff\xff\xff\n")

    with pytest.raises(Invalid, match="save it as UTF-8"):
        read(file)


def test_headers_are_known_by_their_dotted_name_or_its_last_word_in_any_case(file: Path) -> None:
    write_csv(
        file,
        [
            ("Customer.Name", "EMAIL", "Service Type", "channel", "content", "reply_to.channel", "reply_to.address"),
            ("Ann", "ann@example.com", "broadband", "web", "It fails", "webhook", "chat-1"),
        ],
    )

    [row] = read(file)

    assert row.complaint is not None
    assert row.complaint["customer"] == {"name": "Ann", "email": "ann@example.com"}
    assert row.complaint["service_type"] == "broadband"
    assert row.complaint["reply_to"] == {"channel": "webhook", "address": "chat-1"}


def test_a_mapping_names_the_field_of_a_column_and_stands_above_its_own_name(file: Path) -> None:
    write_csv(file, [("Who", "name", "channel", "What"), ("Ann", "internal", "web", "It fails")])

    with pytest.raises(Invalid, match=r"several columns are customer\.name"):
        read(file, Who="customer.name", What="content")
    [row] = read(file, Who="customer.name", What="content", name="concerns.product")

    assert row.complaint is not None
    assert row.complaint["customer"] == {"name": "Ann"}
    assert row.complaint["concerns"] == {"product": "internal"}


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ({"Whoo": "customer.name"}, "there is no column 'Whoo'; did you mean"),
        ({"Who": "customer.nam"}, "no field 'customer.nam'; did you mean"),
        ({}, r"no column is customer\.name.*--map 'HEADER=customer\.name'"),
    ],
)
def test_columns_that_do_not_do_are_refused_with_what_to_write(
    file: Path, mapping: dict[str, str], reason: str
) -> None:
    write_csv(file, [("Who", "channel", "content"), ("Ann", "web", "It fails")])

    with pytest.raises(Invalid, match=reason):
        read(file, **mapping)


def test_columns_that_are_no_field_are_named_as_left_out(file: Path) -> None:
    write_csv(file, [(*HEADER, "备注"), ("Ann", "1", "web", "It fails", "A-1", "internal")])

    columns = Source(file, {}, WORDS, ZONE).columns

    assert columns is not None
    assert columns.left_out == ("备注",)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("客服热线", "hotline"),
        ("Hotline", "hotline"),
        ("hotline", "hotline"),
        ("电话", "hotline"),
        ("微博", "social_media"),
    ],
)
def test_a_channel_may_be_called_what_people_call_it(file: Path, word: str, code: str) -> None:
    write_csv(file, [HEADER, ("Ann", "1", word, "It fails", "A-1")])

    [row] = read(file)

    assert row.complaint is not None
    assert row.complaint["channel"] == code


@pytest.mark.parametrize(("word", "code"), [("宽带", "broadband"), ("固话", "fixed_line"), ("其他", "other")])
def test_a_service_may_be_called_by_its_short_name(file: Path, word: str, code: str) -> None:
    write_csv(file, [(*HEADER, "业务类型"), ("Ann", "1", "web", "It fails", "A-1", word)])

    [row] = read(file)

    assert row.complaint is not None
    assert row.complaint["service_type"] == code


def test_short_names_of_what_the_plan_does_not_have_are_left_to_the_service() -> None:
    plan = load_plan(shipped_plan_text())
    smaller = plan.model_copy(update={"channels": tuple(c for c in plan.channels if c.code != "hotline")})

    words = words_of(smaller)["channel"]

    assert "热线" not in words
    assert words["门店"] == "store"


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2026-11-20 08:30", "2026-11-20T08:30:00+08:00"),
        ("2026/11/21", "2026-11-21T00:00:00+08:00"),
        ("2026/11/21 8:05", "2026-11-21T08:05:00+08:00"),
        ("2026/1/2 8:05:07", "2026-01-02T08:05:07+08:00"),
        ("2026-11-20T08:30:00Z", "2026-11-20T08:30:00Z"),
        ("2026/13/21 8:05", "2026/13/21 8:05"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_time_without_a_zone_is_in_that_of_the_plan(file: Path, cell: str, time: str) -> None:
    write_csv(file, [(*HEADER, "发生时间"), ("Ann", "1", "web", "It fails", "A-1", cell)])

    [row] = read(file)

    assert row.complaint is not None
    assert row.complaint["occurred_at"] == time


def test_a_row_with_too_few_or_too_many_cells_is_given_back_and_the_next_is_read(file: Path) -> None:
    write_csv(file, [HEADER, ("Ann", "1"), ("Ann", "1", "web", "a", "b", "c"), ("Ann", "1", "web", "It fails", "A-1")])

    short, long, good = read(file)

    assert [short.line, long.line, good.line] == [2, 3, 4]
    assert "has 2 cells, and the header has 5" in (short.reason or "")
    assert "has 6 cells" in (long.reason or "")
    assert good.complaint is not None


def test_a_cell_may_hold_line_breaks_and_the_line_told_is_where_the_row_begins(file: Path) -> None:
    text = "First line\nsecond line\u2028third\x0cpart"
    write_csv(file, [HEADER, ("Ann", "1", "web", text, "A-1"), ("Bob", "1")])

    good, bad = read(file)

    assert good.complaint is not None
    assert good.complaint["content"] == text
    assert (good.line, bad.line) == (2, 4)


def test_empty_rows_are_passed_over(file: Path) -> None:
    write_csv(file, [HEADER, (), ("", "", " ", "", ""), ("Ann", "1", "web", "It fails", "A-1"), ()])

    assert len(read(file)) == 1


def test_json_lines_are_taken_as_they_would_be_posted(tmp_path: Path) -> None:
    posted = {
        "customer": {"name": "李伟"},
        "channel": "web",
        "content": "断网",
        "external_id": "A-1",
        "more": [1, None],
    }

    [row] = read(write_lines(tmp_path / "a.jsonl", posted))

    assert row.complaint == posted


def test_a_line_that_is_no_json_object_is_given_back_and_the_next_is_read(tmp_path: Path) -> None:
    broken, number, good = read(write_lines(tmp_path / "a.jsonl", '{"channel": ', "", "12", {"external_id": "A-1"}))

    assert (broken.line, number.line, good.line) == (1, 3, 4)
    assert "is not JSON" in (broken.reason or "")
    assert number.reason == "is no JSON object"
    assert good.complaint == {"external_id": "A-1"}


def test_a_row_without_an_external_id_gets_the_same_one_at_every_try(tmp_path: Path) -> None:
    first = read(write_lines(tmp_path / "a.jsonl", {"content": "x", "channel": "web"}, {"content": "y"}))
    again = read(write_lines(tmp_path / "b.jsonl", {"content": "y"}, {"channel": "web", "content": "x"}))

    ids = [row.complaint["external_id"] for row in first if row.complaint]
    assert len(set(ids)) == 2
    assert [row.complaint["external_id"] for row in again if row.complaint] == ids[::-1]


def test_rows_tell_how_far_into_the_file_they_are(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "a.jsonl", *({"content": f"{number}"} for number in range(10)))

    rows = read(file)

    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert rows[-1].at == file.stat().st_size


@pytest.mark.parametrize(("name", "reason"), [("a.xlsx", r"name it \.jsonl"), ("missing.csv", "there is no file")])
def test_a_file_that_cannot_be_imported_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK")

    with pytest.raises(Invalid, match=reason):
        read(tmp_path / name)


def test_a_mapping_for_json_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="--map is for CSV"):
        read(write_lines(tmp_path / "a.jsonl", {}), content="content")
