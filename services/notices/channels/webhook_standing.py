"""How a front end has answered lately, and whether to call it now. Knows no HTTP and no database.

One that fails again and again, or asks for patience, rests; then a single call finds out whether it is back. A failure
may also be one notice's doing (the front end stumbles over it), so the first few count for the notice alone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

LONGEST_PATIENCE: Final = timedelta(hours=1)
"""A front end that asks for more than this is asked again after this."""

_TOLERATED: Final = 2
_FIRST_REST: Final = timedelta(seconds=1)
_LONGEST_REST: Final = timedelta(seconds=30)


class Standing:
    """Of one front end, in one process. Times are UTC."""

    def __init__(self, trial: timedelta) -> None:
        """``trial``: how long a call may take at most; while one finds out, the others wait for that long."""
        self._trial = trial
        self._until = datetime.min.replace(tzinfo=UTC)
        self._reason = ""
        self._failures = 0
        self._rests = 0
        self._on_trial = False

    def why_not(self, now: datetime) -> str | None:
        """The reason not to call it now. None: call it, and say afterwards how that went."""
        if now < self._until:
            return self._reason
        if self._rests:
            self._until = now + self._trial
            self._on_trial = True
        return None

    def answered(self) -> None:
        """It works."""
        self._until = datetime.min.replace(tzinfo=UTC)
        self._failures = self._rests = 0
        self._on_trial = False

    def failed(self, now: datetime, reason: str) -> None:
        """It didn't do what was asked, or didn't answer. Failures that come together make one rest."""
        self._failures += 1
        if self._failures <= _TOLERATED or (now < self._until and not self._on_trial):
            return
        pause = min(_LONGEST_REST, _FIRST_REST * 2.0 ** min(self._rests, 10))
        self._rests += 1
        self._rest(now + pause, reason)

    def asked_to_wait(self, now: datetime, reason: str, after: timedelta) -> None:
        """It wants no calls for ``after``."""
        until = now + min(LONGEST_PATIENCE, max(timedelta(0), after))
        self._rests = max(1, self._rests)
        self._rest(until if self._on_trial else max(self._until, until), reason)

    def undecided(self) -> None:
        """The call told nothing of how it answers. If it was to find that out, another may."""
        if self._on_trial:
            self._until = datetime.min.replace(tzinfo=UTC)
            self._on_trial = False

    def _rest(self, until: datetime, reason: str) -> None:
        self._until = until
        self._reason = reason
        self._on_trial = False
