"""Reads complaints with their labels from files, for measuring.

A file holds one complaint a line, in the form in which it is posted. The label stands in a second file under the same
``external_id``, or in the complaint itself as ``category`` (with ``also`` for others that can be defended).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.base.errors import Invalid
from services.base.masking import mask
from services.judgements.linear import CLASSES
from services.judgements.values import Facts


@dataclass(frozen=True, slots=True)
class LabelledComplaint:
    """A complaint's masked text and facts; ``label`` is None where none is known."""

    id: str
    text: str
    facts: Facts
    language: str
    label: str | None
    also: tuple[str, ...]


def read_complaints(complaints: Path, labels: Path | None = None) -> list[LabelledComplaint]:
    """The complaints of a file, in its order. Raises `Invalid` with file and line where one can't be read."""
    known = {str(row.get("external_id")): row for _, row in _rows(labels)} if labels else {}
    return [_complaint(row, known.get(str(row.get("external_id")), row), at) for at, row in _rows(complaints)]


def _complaint(row: dict[str, Any], labels: dict[str, Any], at: str) -> LabelledComplaint:
    content, customer = row.get("content"), row.get("customer") or {}
    if not isinstance(content, str) or not isinstance(customer, dict):
        raise Invalid(f"{at}: a complaint needs its words in content, and its customer as an object")
    label, also = labels.get("category"), labels.get("also") or ()
    if label is not None and label not in CLASSES:
        raise Invalid(f"{at}: the category {label!r} is none of {', '.join(CLASSES)}")
    name, language = customer.get("name"), customer.get("language")
    return LabelledComplaint(
        id=str(row.get("external_id") or at),
        text=mask(content, [name] if isinstance(name, str) else ()),
        facts=Facts(str(row.get("service_type", "other")), str(row.get("channel", "web")), language),
        language=str(labels.get("lang") or language or "other"),
        label=label,
        also=(also,) if isinstance(also, str) else tuple(map(str, also)),
    )


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        at = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise Invalid(f"{at}: no JSON: {error}") from error
        if not isinstance(row, dict):
            raise Invalid(f"{at}: a JSON object is wanted")
        yield at, row
