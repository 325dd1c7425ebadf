"""When a customer is told, and when not, on their own clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from services.base.identity import new_id
from services.notices.claims import Claimed, Look
from services.notices.considering import Wait, consider, quiet_until
from services.plan.loading import load_plan, shipped_plan_text
from services.plan.telling import Quiet
from tests.notices.factories import NOW

NIGHT = Quiet(since=time(22), until=time(8))
NOON_REST = Quiet(since=time(12), until=time(14))
PLAN = load_plan(shipped_plan_text().replace("- code: beijing\n", "- code: beijing\n    time_zone: Europe/London\n", 1))
AT_NIGHT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai


@pytest.mark.parametrize(
    ("quiet", "zone", "now", "ends"),
    [
        (NIGHT, "Asia/Shanghai", "2026-11-24T13:59:59", None),
        (NIGHT, "Asia/Shanghai", "2026-11-24T14:00:00", "2026-11-25T00:00:00"),
        (NIGHT, "Asia/Shanghai", "2026-11-24T23:59:59", "2026-11-25T00:00:00"),
        (NIGHT, "Asia/Shanghai", "2026-11-25T00:00:00", None),
        (NIGHT, "Asia/Urumqi", "2026-11-24T14:00:00", None),
        (NOON_REST, "Asia/Shanghai", "2026-11-24T04:00:00", "2026-11-24T06:00:00"),
        (NOON_REST, "Asia/Shanghai", "2026-11-24T06:00:00", None),
        # The night in which Sydney's clocks go forward is an hour shorter.
        (NIGHT, "Australia/Sydney", "2026-10-03T12:00:00", "2026-10-03T21:00:00"),
        (NIGHT, "Australia/Sydney", "2026-04-04T11:00:00", "2026-04-04T22:00:00"),
        # Half-hour zones.
        (NIGHT, "Australia/Adelaide", "2026-07-01T12:30:00", "2026-07-01T22:30:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_of_the_place(quiet: Quiet, zone: str, now: str, ends: str | None) -> None:
    found = quiet_until(quiet, zone, datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert found == (None if ends is None else datetime.fromisoformat(ends).replace(tzinfo=UTC))


def test_at_night_a_text_message_waits_until_morning_and_a_mail_does_not() -> None:
    assert consider(notice(way="sms"), Look(), PLAN, AT_NIGHT) == Wait(datetime(2026, 11, 25, 0, tzinfo=UTC), "quiet")
    assert consider(notice(way="email"), Look(), PLAN, AT_NIGHT) == "tell"


def test_the_night_is_that_of_the_customers_region() -> None:
    assert PLAN.time_zone_of("beijing") == "Europe/London"
    assert consider(notice(way="sms", region_code="beijing"), Look(), PLAN, AT_NIGHT) == "tell"
    assert consider(notice(way="sms", region_code="nowhere"), Look(), PLAN, AT_NIGHT) != "tell"


def test_what_is_urgent_is_told_at_night_and_however_much_was_told() -> None:
    assert consider(notice(way="sms", urgent=True), Look(told=99, since=NOW), PLAN, AT_NIGHT) == "tell"


def test_a_customer_who_was_told_enough_is_told_when_the_hour_has_passed() -> None:
    most = PLAN.telling.most_per_hour
    since = NOW - timedelta(minutes=50)

    assert consider(notice(), Look(told=most - 1, since=since), PLAN, NOW) == "tell"
    assert consider(notice(), Look(told=most, since=since), PLAN, NOW) == Wait(NOW + timedelta(minutes=10), "limit")


def test_who_wants_no_messages_is_told_only_what_the_law_demands() -> None:
    assert consider(notice(), Look(opted_out=True), PLAN, NOW) == "unwanted"
    assert consider(notice(urgent=True), Look(opted_out=True), PLAN, NOW) == "unwanted"
    assert consider(notice(required=True), Look(opted_out=True), PLAN, NOW) == "tell"


def notice(**values: Any) -> Claimed:
    plain = Claimed(
        id=new_id(),
        complaint=new_id(),
        kind="dispatched",
        realm="live",
        language="zh",
        way="email",
        ways=[],
        urgent=False,
        required=False,
        facts={},
        attempts=0,
        requested_at=NOW,
        number=3,
        recipient=b"x",
        held=None,
        reference="RD",
        personal={},
        track_epoch=0,
        plan_version=1,
        region_code=None,
        conversation="RD",
        front_end="",
    )
    return replace(plain, **values)
