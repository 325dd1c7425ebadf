"""Handing one message to a peer: making its words, saying them, and reading out of the answer what is to be done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.base.errors import Invalid
from services.base.privacy import Privacy
from services.notices import outcomes
from services.notices.breaker import Breakers
from services.notices.channels.port import (
    Channel,
    Deferred,
    Line,
    NotSent,
    Outgoing,
    PeerAway,
    Rejected,
    Throttled,
    Unconfirmed,
)
from services.notices.claims import Claimed
from services.notices.outcomes import Outcome
from services.notices.rendering import About, Letters, Part
from services.notices.ways import address_of
from services.notices.writing import language_of
from services.plan.schema import Plan

log = logging.getLogger(__name__)

LONGEST_RETRY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A notice that is told now, and what is told in the same message: what was held back for the same customer."""

    lead: Claimed
    plan: Plan
    along: list[Claimed] = field(default_factory=list)

    @property
    def notices(self) -> Sequence[Claimed]:
        """All of them, in the order in which they are told."""
        return sorted((*self.along, self.lead), key=lambda one: (one.requested_at, one.number, one.id))


class Delivering:
    """Hands bundles to one channel."""

    def __init__(
        self,
        privacy: Privacy,
        channel: Channel,
        public_url: str,
        answerable: bool,
        breakers: Breakers,
        clock: Callable[[], datetime],
    ) -> None:
        self._privacy = privacy
        self._channel = channel
        self._public_url = public_url
        self._answerable = answerable
        self._breakers = breakers
        self._clock = clock
        self._letters: dict[int, tuple[Plan, Letters]] = {}

    async def deliver(self, line: Line, bundle: Bundle) -> list[Outcome]:
        """Say it, and what came of it for each notice of the bundle. Never raises because of the peer or the notice."""
        peer = bundle.lead.front_end
        rest = self._breakers.rest(peer)
        if rest > 0:
            return self._given_back(bundle, timedelta(seconds=rest))
        try:
            out = self._outgoing(bundle)
        except (Invalid, Rejected) as error:
            return self._refused(bundle, str(error))
        except Exception as error:
            log.exception("notice %s (%s) can't be written and is tried again later", bundle.lead.id, bundle.lead.kind)
            return self._later(bundle, f"{type(error).__name__} in the notifier; its log says more")
        try:
            peer_id = await line.send(out)
        except NotSent as error:
            return self._not_sent(bundle, error)
        except Invalid as error:
            return self._refused(bundle, str(error))
        except Exception as error:
            # It may have been handed over before it went wrong.
            log.exception("notice %s (%s) can't be sent", bundle.lead.id, bundle.lead.kind)
            return self._unconfirmed(bundle, f"{type(error).__name__} in the notifier; its log says more")
        self._breakers.worked(peer)
        at = self._clock()
        lead = bundle.lead.id
        return [outcomes.sent(one, at, peer_id, None if one.id == lead else lead) for one in bundle.notices]

    def _outgoing(self, bundle: Bundle) -> Outgoing:
        """Name, address and link are put in now: they may have changed since the notice was requested."""
        lead = bundle.lead
        person = self._privacy.open(lead.personal)
        address = address_of(lead.way, person, lead.conversation)
        if address is None:
            raise Rejected(f"the customer has no address for {lead.way} any more")
        name = " ".join(person.name.split())
        track_url = f"{self._public_url}/track/{self._privacy.track_token(lead.complaint, lead.track_epoch)}"
        parts = [Part(one.kind, one.facts) for one in bundle.notices]
        about = About(name, track_url, self._answerable, self._survey_url(bundle))
        return Outgoing(
            notice=lead.id,
            complaint=lead.complaint,
            reference=lead.reference,
            kind=lead.kind,
            language=language_of(lead.language),
            realm=lead.realm,
            name=name,
            address=address,
            words=self._letters_of(bundle.plan).write(lead.way, lead.language, parts, about),
            track_url=track_url,
            requested_at=lead.requested_at,
            attempt=lead.attempts + 1,
            front_end=lead.front_end,
            way=lead.way,
            merged=[one.id for one in bundle.along],
        )

    def _survey_url(self, bundle: Bundle) -> str | None:
        asked = [one.facts["survey"] for one in bundle.notices if "survey" in one.facts]
        return f"{self._public_url}/survey/{self._privacy.survey_token(UUID(asked[-1]))}" if asked else None

    def _letters_of(self, plan: Plan) -> Letters:
        # A plan that is in use stays in memory, so its identity names it; it is kept beside the letters for that.
        found = self._letters.get(id(plan))
        if found is None:
            found = self._letters[id(plan)] = (plan, Letters(plan.templates))
        return found[1]

    def _not_sent(self, bundle: Bundle, error: NotSent) -> list[Outcome]:
        match error:
            case PeerAway():
                self._breakers.failed(str(error), error.peer)
                if error.peer is None:
                    return self._given_back(bundle)
                # One peer of several may be away for good; its notices don't wait for ever.
                rest = timedelta(seconds=self._breakers.rest(error.peer))
                return self._given_up(bundle, str(error)) or self._given_back(bundle, rest)
            case Throttled():
                self._breakers.throttled(str(error), error.after)
                return self._given_back(bundle)
            case Unconfirmed():
                if not self._channel.repeats:
                    self._breakers.careful()
                return self._unconfirmed(bundle, str(error))
        self._breakers.worked(bundle.lead.front_end)
        match error:
            case Rejected():
                return self._refused(bundle, str(error))
            case Deferred():
                return self._later(bundle, str(error), error.after)
        return self._later(bundle, str(error))

    def _given_back(self, bundle: Bundle, rest: timedelta | None = None) -> list[Outcome]:
        at = self._clock()
        due_at = None if rest is None else at + rest
        return [
            outcomes.not_tried(bundle.lead, at, due_at),
            *(outcomes.not_tried(one, at, due_at, one.held) for one in bundle.along),
        ]

    def _refused(self, bundle: Bundle, reason: str) -> list[Outcome]:
        """This way is closed for the one that was to be told; what was told along with it tries by itself."""
        lead, at = bundle.lead, self._clock()
        on = outcomes.on_to_next(lead, self._privacy, at, reason, attempts=lead.attempts + 1)
        return [on, *(outcomes.not_tried(one, at) for one in bundle.along)]

    def _unconfirmed(self, bundle: Bundle, reason: str) -> list[Outcome]:
        if self._channel.repeats:
            return self._later(bundle, reason)
        at, wait = self._clock(), bundle.plan.telling.unconfirmed_after
        return [outcomes.unconfirmed(one, at, wait, reason) for one in bundle.notices]

    def _given_up(self, bundle: Bundle, reason: str) -> list[Outcome]:
        """The next way, for what was tried on this one for too long; nothing while it wasn't."""
        limit = bundle.plan.telling.give_up_after
        if self._clock() - bundle.lead.requested_at < limit:
            return []
        return self._refused(bundle, f"given up after {limit.total_seconds() / 86400:g} days: {reason}")

    def _later(self, bundle: Bundle, reason: str, after: timedelta | None = None) -> list[Outcome]:
        given_up = self._given_up(bundle, reason)
        if given_up:
            return given_up
        lead, at = bundle.lead, self._clock()
        along = [outcomes.not_tried(one, at, None, one.held) for one in bundle.along]
        first = bundle.plan.telling.retry_after
        pause = max(retry_after(lead.attempts + 1, lead.id, first), after or timedelta())
        return [outcomes.again(lead, at, at + pause, reason), *along]


def retry_after(attempts: int, notice: UUID, first: timedelta) -> timedelta:
    """The pause after the ``attempts``-th failure: doubled each time, an hour at most, and up to half as long again.

    The chance is the notice's own (its id ends in random bits), so that notices that failed together come apart.
    """
    doubled = min(LONGEST_RETRY, first * 2.0 ** min(attempts - 1, 20))
    return doubled * (1 + (notice.int & 0xFFFF) / 0x20000)
