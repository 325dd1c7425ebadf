"""Reads calendar_cases.yaml: rows worked out by hand, with moments as a person writes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from services.plan.calendars import Calendar, CalendarEntry
from services.plan.values import parse_duration

Row = dict[str, Any]


@cache
def _document() -> dict[str, Any]:
    text = Path(__file__).with_name("calendar_cases.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def rows(section: str) -> list[Row]:
    """The rows of ``counted`` or ``clocks``."""
    found: list[Row] = _document()[section]
    return found


@cache
def calendar(code: str) -> Calendar:
    """A calendar of the file."""
    entry = next(entry for entry in _document()["calendars"] if entry["code"] == code)
    return Calendar(CalendarEntry.model_validate(entry), "Asia/Shanghai")


def moment(written: str, zone: str) -> datetime:
    """``Mon 2026-03-02 10:00`` on the wall clock of the zone; ``+11:00`` behind it tells two that look alike apart."""
    weekday, _, rest = written.partition(" ")
    local = datetime.fromisoformat(rest.replace(" +", "+").replace(" -", "-"))
    assert local.strftime("%a") == weekday, f"{written} is a {local:%A}"
    offset = local.utcoffset()
    found = local.replace(tzinfo=ZoneInfo(zone))
    if offset is None:
        assert found.utcoffset() == found.replace(fold=1).utcoffset(), f"{written} is not one moment in {zone}"
        return found
    return next(one for one in (found, found.replace(fold=1)) if one.utcoffset() == offset)


def length(written: str) -> timedelta:
    """``1h30m``, or ``0h``."""
    return timedelta() if written == "0h" else parse_duration(written)
