"""When a channel rests: its peer is away, or wants us to be slower. The queue waits meanwhile, and nothing fails."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.base import telemetry
from services.notices.channels.port import Way

log = logging.getLogger(__name__)

_LONGEST: Final = 30.0
_ALL_IS_WELL: Final = 64
_THROTTLED: Final = timedelta(seconds=1)


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    resume_at: float = 0.0


class Breakers:
    """One for the channel as a whole, and one for each of its peers that has failed by itself."""

    def __init__(self, pause: float, way: Way, *, careful: bool = False) -> None:
        """``pause``: seconds of rest after the first failure; it doubles, 30 s at most. ``careful``: begin with one
        notice, on a way that must not be repeated.
        """
        self._pause = pause
        self._way = way
        self._channel = _Breaker()
        self._peers: dict[str, _Breaker] = {}
        self._allowed: int | None = 1 if careful else None

    def resting(self, peer: str | None = None) -> bool:
        """Whether nothing is to be handed over now: to the peer named, or by the channel at all."""
        return self.rest(peer) > 0

    def rest(self, peer: str | None = None) -> float:
        """For how many seconds still."""
        breaker = self._channel if peer is None else self._peers.get(peer)
        return 0.0 if breaker is None else max(0.0, breaker.resume_at - time.monotonic())

    def allows(self, most: int) -> int:
        """How many notices may be on their way at once, ``most`` when all is well.

        After a failure (and, where one must be careful, at the beginning) a single one finds out whether the peer is
        there; each that it takes allows one more, so that a line that is cut again and again, or a sender that dies,
        loses sight of few.
        """
        return most if self._allowed is None else min(most, self._allowed)

    def careful(self) -> None:
        """A notice was handed over and its answer lost: begin with one again."""
        self._allowed = 1

    def failed(self, reason: str, peer: str | None = None) -> None:
        """The peer is away: rest, longer each time. Failures that come together count as one."""
        breaker = self._channel if peer is None else self._peers.setdefault(peer, _Breaker())
        if peer is None:
            self._allowed = 1
        now = time.monotonic()
        if now < breaker.resume_at:
            return
        pause = min(_LONGEST, self._pause * 2.0 ** min(breaker.failures, 10))
        breaker.failures += 1
        breaker.resume_at = now + pause
        log.warning("%s: sending%s rests for %.1f s, the notices wait: %s", self._way, _to(peer), pause, reason)
        self._show()

    def throttled(self, reason: str, after: timedelta | None) -> None:
        """The peer wants us to be slower: pause once, without counting it as a failure."""
        pause = min(_LONGEST, (after or _THROTTLED).total_seconds())
        self._channel.resume_at = max(self._channel.resume_at, time.monotonic() + pause)
        log.info("%s: sending pauses for %.1f s: %s", self._way, pause, reason)

    def worked(self, peer: str | None = None) -> None:
        """The peer answered."""
        if peer is not None:
            self._peers.pop(peer, None)
        if self._allowed is not None:
            self._allowed = None if self._allowed >= _ALL_IS_WELL else self._allowed + 1
        if self._channel.failures:
            self._channel.failures = 0
            self._show()

    def _show(self) -> None:
        telemetry.CHANNEL_RESTING.labels(self._way).set(1 if self._channel.failures else 0)


def _to(peer: str | None) -> str:
    return "" if peer is None else f" to {peer}"
