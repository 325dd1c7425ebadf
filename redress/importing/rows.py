"""Reading a file of complaints row by row: JSON lines, or CSV with a header, however long and in what encoding.

A row that can't be read is given back with the reason, and the next one is read. What a complaint may hold is decided
by the service; here only the form of the file matters.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, TextIO

import orjson

from redress.importing.columns import Columns, Words, columns_for
from services.base.errors import Invalid

Form = Literal["csv", "jsonl"]
_ENCODINGS: Final = ("utf-8", "gb18030")
_CHUNK: Final = 1024 * 1024
_LONGEST_FIELD: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``complaint`` is None when it can't be read, and ``reason`` says why. ``at``: bytes read so far."""

    line: int
    source: Any
    complaint: Mapping[str, Any] | None
    reason: str | None
    at: int


class Source:
    """A file of complaints. Making it reads the file once through, to find its encoding."""

    def __init__(self, path: Path, mapping: Mapping[str, str], words: Words, zone: tzinfo) -> None:
        """``mapping``: header to field; ``zone``: that of times in CSV which name none.

        Raises `Invalid` for a file that is no text, or whose columns do not do.
        """
        if not path.is_file():
            raise Invalid(f"there is no file {path}")
        self.path = path
        self.size = path.stat().st_size
        self.form = form_of(path)
        self.encoding = _encoding_of(path) if self.form == "csv" else "utf-8"
        self.columns = self._columns(mapping, words, zone) if self.form == "csv" else None
        if self.form == "jsonl" and mapping:
            raise Invalid("--map is for CSV; lines of JSON name their fields themselves")

    def rows(self) -> Iterator[Row]:
        """The rows, read as they are asked for."""
        with self.path.open("rb") as file:
            if self.columns is None:
                yield from _json_rows(file)
            else:
                with io.TextIOWrapper(file, self.encoding, newline="") as text:
                    yield from _csv_rows(text, self.columns, file.tell)

    def _columns(self, mapping: Mapping[str, str], words: Words, zone: tzinfo) -> Columns:
        with self.path.open(encoding=self.encoding, newline="") as text:
            first = text.readline()
        header = next(csv.reader([first], delimiter=_delimiter(first)), [])
        return columns_for(header, _delimiter(first), mapping, words, zone)


def form_of(path: Path) -> Form:
    """Raises `Invalid` when the file's name does not tell."""
    match path.suffix.lower():
        case ".csv" | ".tsv" | ".txt":
            return "csv"
        case ".jsonl" | ".ndjson":
            return "jsonl"
    raise Invalid(f"{path.name}: name it .jsonl (a complaint a line, as it would be posted) or .csv (with a header)")


def _csv_rows(text: TextIO, columns: Columns, at: Callable[[], int]) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(text, delimiter=columns.delimiter)
    next(reader)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Row(line, None, None, f"cannot be read as CSV: {error}", at())
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield _csv_row(columns, line, cells, at())


def _csv_row(columns: Columns, line: int, cells: list[str], at: int) -> Row:
    wanted = len(columns.header)
    if len(cells) != wanted:
        reason = f"has {len(cells)} cells, and the header has {wanted}; a cell with commas needs quotes around it"
        return Row(line, cells, None, reason, at)
    source = dict(zip(columns.header, cells, strict=True))
    return Row(line, source, _numbered(columns.complaint(cells)), None, at)


def _json_rows(file: BinaryIO) -> Iterator[Row]:
    at = 0
    for line, text in enumerate(file, start=1):
        at += len(text)
        if line == 1:
            text = text.removeprefix(codecs.BOM_UTF8)
        if not text.strip():
            continue
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield Row(line, text.decode("utf-8", "replace").rstrip("\n"), None, f"is not JSON: {error}", at)
            continue
        if isinstance(value, dict):
            yield Row(line, value, _numbered(value), None, at)
        else:
            yield Row(line, value, None, "is no JSON object", at)


def _numbered(complaint: Mapping[str, Any]) -> Mapping[str, Any]:
    """The complaint with an external id: without one of its own, one made of its content, the same at every try.

    Two rows without an id that are alike to the letter are the same complaint.
    """
    if complaint.get("external_id") not in (None, ""):
        return complaint
    content = orjson.dumps(complaint, option=orjson.OPT_SORT_KEYS)
    return {**complaint, "external_id": f"import-{hashlib.sha256(content).hexdigest()[:32]}"}


def _encoding_of(path: Path) -> str:
    """The encoding in which the whole file can be read: UTF-8 (with or without mark), UTF-16 with mark, GB 18030."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in _ENCODINGS:
        if _readable(path, encoding):
            return encoding
    raise Invalid(f"{path.name} is neither UTF-8 nor GB 18030 (GBK); save it as UTF-8")


def _readable(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)
