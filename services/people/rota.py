"""Whether somebody is on duty at a moment, and if not, why: decided from what is known of them, without a database.

An absence goes before the switch that is set by hand, and the switch before the shift. An extra shift (an absence of
the kind ``duty``) only opens the shift: who is away or has signed off stays off duty.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

Kind = Literal["leave", "sick", "training", "duty"]
WhyOff = Literal["leave", "sick", "training", "off_duty", "shift"]
"""Why somebody is not on duty: away, signed off by hand, or outside their shift."""

AWAY: Final[frozenset[str]] = frozenset({"leave", "sick", "training"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One time of one person in the rota: from ``from_at`` until ``until_at``, which is not included; UTC."""

    id: UUID
    login: str
    kind: Kind
    from_at: datetime
    until_at: datetime
    substitute: str | None
    note: str | None
    created_by: str
    created_at: datetime

    def covers(self, at: datetime) -> bool:
        """Whether the moment lies in it."""
        return self.from_at <= at < self.until_at


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether somebody is on duty (``why`` is None then), and if not, why.

    Of somebody who is away: ``until`` when, and which ``substitute`` they named.
    """

    why: WhyOff | None = None
    until: datetime | None = None
    substitute: str | None = None

    @property
    def on_duty(self) -> bool:
        return self.why is None

    @property
    def away(self) -> bool:
        """Whether they can't be reached at all: on leave, sick or at a training."""
        return self.why in AWAY


class Shift(Protocol):
    """The hours of somebody's work."""

    def is_open(self, at: datetime) -> bool:
        """Whether the moment lies in them."""


def presence(switched_on: bool, entries: Iterable[Entry], shift: Shift | None, at: datetime) -> Presence:
    """The presence of a person at a moment.

    ``switched_on`` is the switch that is set by hand, ``entries`` are the person's own that are not cancelled,
    ``shift`` their usual hours (None: at any hour).
    """
    now = [entry for entry in entries if entry.covers(at)]
    away = max((entry for entry in now if entry.kind in AWAY), key=lambda entry: entry.until_at, default=None)
    if away is not None and away.kind != "duty":
        return Presence(away.kind, away.until_at, away.substitute)
    if not switched_on:
        return Presence("off_duty")
    if shift is not None and not shift.is_open(at) and not now:
        return Presence("shift")
    return Presence()
