"""Whether somebody is on duty, and which reason counts when there are several."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.base.identity import new_id
from services.people.rota import Entry, Kind, Presence, presence

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Hours:
    def __init__(self, is_open: bool) -> None:
        self._is_open = is_open

    def is_open(self, at: datetime) -> bool:
        return self._is_open


OPEN, CLOSED = Hours(True), Hours(False)


def entry(
    kind: Kind, from_at: datetime = NOW - HOUR, until_at: datetime = NOW + HOUR, substitute: str | None = None
) -> Entry:
    return Entry(new_id(), "xu.lei", kind, from_at, until_at, substitute, None, "staff:xu.lei", NOW - HOUR)


def test_who_is_signed_on_and_has_no_shift_is_on_duty_at_any_hour() -> None:
    assert presence(True, (), None, NOW).on_duty


def test_who_has_a_shift_is_on_duty_in_its_hours() -> None:
    assert presence(True, (), OPEN, NOW) == Presence()
    assert presence(True, (), CLOSED, NOW) == Presence("shift")


@pytest.mark.parametrize("kind", ["leave", "sick", "training"])
def test_who_is_away_is_not_on_duty_and_it_is_said_until_when_and_who_stands_in(kind: Kind) -> None:
    found = presence(True, [entry(kind, substitute="gao.xiang")], OPEN, NOW)

    assert (found.why, found.until, found.substitute) == (kind, NOW + HOUR, "gao.xiang")
    assert (found.on_duty, found.away) == (False, True)


def test_an_absence_counts_from_its_beginning_to_just_before_its_end() -> None:
    assert presence(True, [entry("leave", from_at=NOW)], None, NOW).why == "leave"
    assert presence(True, [entry("leave", until_at=NOW)], None, NOW).on_duty
    assert presence(True, [entry("leave", from_at=NOW + HOUR, until_at=NOW + 2 * HOUR)], None, NOW).on_duty


def test_being_away_goes_before_being_signed_off_and_that_before_the_shift() -> None:
    assert presence(False, [entry("sick")], CLOSED, NOW).why == "sick"
    assert presence(False, (), CLOSED, NOW) == Presence("off_duty")


def test_who_signed_off_can_be_reached_and_who_is_away_cannot() -> None:
    assert not presence(False, (), None, NOW).away
    assert not presence(True, (), CLOSED, NOW).away


def test_an_extra_shift_opens_the_shift_and_nothing_else() -> None:
    extra = entry("duty")

    assert presence(True, [extra], CLOSED, NOW).on_duty
    assert presence(False, [extra], CLOSED, NOW).why == "off_duty"
    assert presence(True, [extra, entry("sick")], CLOSED, NOW).why == "sick"


def test_of_two_absences_the_one_that_lasts_longer_says_until_when() -> None:
    found = presence(True, [entry("leave"), entry("sick", until_at=NOW + 5 * HOUR)], None, NOW)

    assert (found.why, found.until) == ("sick", NOW + 5 * HOUR)
