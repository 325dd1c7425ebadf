"""Being considerate: whether a customer is told now, later, together with something else, or not on this way.

Decided at the moment of sending, because the customer's night, what else they were told, and what they want are known
only then. Pure; the plan says how (`services.plan.telling`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from services.notices.claims import HOUR, Claimed, Look
from services.plan.schema import Plan
from services.plan.telling import Quiet


@dataclass(frozen=True, slots=True)
class Wait:
    """The customer is not told before ``until``."""

    until: datetime
    held: Literal["quiet", "limit"]


def consider(notice: Claimed, look: Look, plan: Plan, now: datetime) -> Literal["tell", "unwanted"] | Wait:
    """What is to be done with a notice that is due.

    ``look`` counts what the customer was told on this way within the hour, including what is on its way to them.
    """
    if look.opted_out and not notice.required:
        return "unwanted"
    if notice.urgent:
        return "tell"
    quiet = plan.telling.quiet
    if quiet is not None and notice.way in quiet.ways:
        ends = quiet_until(quiet, plan.time_zone_of(notice.region_code), now)
        if ends is not None:
            return Wait(ends, "quiet")
    if look.told >= plan.telling.most_per_hour:
        return Wait((look.since or now) + HOUR, "limit")
    return "tell"


def quiet_until(quiet: Quiet, time_zone: str, now: datetime) -> datetime | None:
    """When the quiet hours end that it is now in, on the clock of a time zone; None outside of them."""
    local = now.astimezone(ZoneInfo(time_zone))
    at = local.time().replace(tzinfo=None)
    if quiet.since <= quiet.until:
        is_quiet = quiet.since <= at < quiet.until
        tomorrow = False
    else:
        is_quiet = at >= quiet.since or at < quiet.until
        tomorrow = at >= quiet.since
    if not is_quiet:
        return None
    return _at(local, quiet.until, timedelta(days=1 if tomorrow else 0))


def _at(local: datetime, at: time, later: timedelta) -> datetime:
    day = (local + later).date()
    return datetime.combine(day, at, local.tzinfo).astimezone(ZoneInfo("UTC"))
