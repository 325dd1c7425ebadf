"""Answering customers where they complained: signed calls to the channel front ends (Standard Webhooks).

The front end knows a repetition by its ``webhook-id``, which is the notice's, so whatever isn't confirmed is called
again. What an answer means:

=====================================  ================================================================================
2xx                                    it has the notice, whatever becomes of the rest of the answer
400, 413, 422                          `Rejected`: it will never take this notice
410                                    `Rejected`, and the callback is disabled
429, 503                               `PeerAway`: it isn't called before its ``Retry-After`` is over
3xx, 401, 404, 405, 406, 411, 415      `PeerAway`: it is set up wrongly, whatever the notice. Redirects aren't followed
any other                              `Deferred`; several in a row let the front end rest, that is `PeerAway`
none: no connection                    `PeerAway`: nothing was handed over
none: broken, or too late              `Unconfirmed`; several in a row let the front end rest
=====================================  ================================================================================
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Final, NoReturn

import aiohttp
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Invalid
from services.base.failures import is_passing
from services.base.privacy import Privacy
from services.notices.callbacks import commands
from services.notices.callbacks.queries import Callbacks, CallbackView
from services.notices.callbacks.signing import Signature
from services.notices.channels.port import Deferred, Line, Outgoing, PeerAway, Rejected, Unconfirmed
from services.notices.channels.webhook_addresses import Lookup, Networks, parsed
from services.notices.channels.webhook_body import body_of
from services.notices.channels.webhook_connector import Calls
from services.notices.channels.webhook_standing import Standing

log = logging.getLogger(__name__)

_REFUSED: Final = frozenset({400, 413, 422})
_GONE: Final = 410
_BUSY: Final = frozenset({429, 503})
_SET_UP_WRONGLY: Final = frozenset({401, 404, 405, 406, 411, 415})
_MOST_READ: Final = 64 * 1024
_READING_SECONDS: Final = 1.0
_LONGEST_REASON: Final = 300
_HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": f"Redress/{version('redress')}",
}


class Webhook:
    """The channel front ends that have a callback, each known by the name of its API key."""

    way: Final = "webhook"
    repeats: Final = True

    def __init__(
        self,
        engine: AsyncEngine,
        privacy: Privacy,
        *,
        connections: int,
        networks: str,
        seconds: float = 10.0,
        lookup: Lookup | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """``networks`` is the setting REDRESS_WEBHOOK_NETWORKS; ``seconds`` bounds a call, half of it connecting.

        Raises `Misconfigured`.
        """
        self._engine = engine
        self._privacy = privacy
        self._lines = connections
        self._networks = Networks.from_setting(networks)
        self._seconds = seconds
        self._lookup = lookup
        self._clock = clock or _now
        self._callbacks = Callbacks(engine)
        self._peers: dict[tuple[str, str], _Peer] = {}
        self._calls: Calls | None = None
        self._open = 0

    @property
    def lines(self) -> int:
        """How many calls are made at once."""
        return self._lines

    def line(self) -> Line:
        """Lines share their connections, since any of them may be for any front end."""
        self._open += 1
        return _Line(self)

    async def run(self) -> None:
        """Nothing comes back beside the answers."""

    async def call(self, out: Outgoing) -> None:
        """Hand over the notice; on return the front end has it. Raises one of the kinds of `NotSent`."""
        peer = await self._peer(out)
        now = self._clock()
        reason = peer.standing.why_not(now)
        if reason is not None:
            raise PeerAway(f"{peer.name} rests: {reason}", peer.name)
        try:
            answer = await self._post(peer, out, now)
        except (PeerAway, asyncio.CancelledError):
            peer.standing.undecided()
            raise
        except Unconfirmed as error:
            peer.standing.failed(self._clock(), str(error))
            raise
        await self._judge(peer, answer)

    async def line_closed(self) -> None:
        """The last line that is closed closes the connections."""
        self._open -= 1
        if not self._open and self._calls is not None:
            calls, self._calls = self._calls, None
            await calls.close()

    # --- whom to call

    async def _peer(self, out: Outgoing) -> _Peer:
        if out.front_end is None:
            raise Rejected("it is not known which front end the case came from")
        try:
            callback = await self._callbacks.get(out.realm, out.front_end)
        except Exception as error:
            if not is_passing(error):
                raise
            raise PeerAway("the database can't be asked for the callbacks") from error
        if callback is None:
            raise Rejected(f"{out.front_end} has no callback; `redress callbacks set` gives it one")
        if callback.disabled_at is not None:
            raise Rejected(f"the callback of {out.front_end} is disabled: {callback.disabled_reason}")
        return self._known(callback)

    def _known(self, callback: CallbackView) -> _Peer:
        known = self._peers.get((callback.realm, callback.name))
        if known is not None and known.callback == callback:
            return known
        try:
            peer = _Peer(self._privacy, callback, timedelta(seconds=self._seconds))
        except Invalid as error:
            raise PeerAway(f"the callback of {callback.name} can't be used: {error}", callback.name) from None
        if known is not None and known.callback.url == callback.url:
            peer.standing = known.standing
        self._peers[callback.realm, callback.name] = peer
        return peer

    # --- calling

    async def _post(self, peer: _Peer, out: Outgoing, now: datetime) -> _Answer:
        body = body_of(out)
        headers = _HEADERS | peer.signature.headers(str(out.notice), body, now)
        try:
            response = await self._ready().post(peer.url, body.encode(), headers)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise PeerAway(f"{peer.name} can't be reached: {_why(error)}", peer.name) from error
        except TimeoutError as error:
            raise Unconfirmed(f"{peer.name} did not answer within {self._seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unconfirmed(f"{peer.name} broke off without an answer ({type(error).__name__})") from error
        await _finish(response)
        return _Answer(response.status, response.headers.get("Retry-After"))

    def _ready(self) -> Calls:
        if self._calls is None:
            self._calls = Calls(self._networks, self._lookup, connections=self._lines, seconds=self._seconds)
        return self._calls

    # --- what the answer means

    async def _judge(self, peer: _Peer, answer: _Answer) -> None:
        """Return when the notice was taken; else raise what became of it."""
        status, now = answer.status, self._clock()
        told = f"{peer.name} answered {answer.told}"
        if 200 <= status < 300:
            peer.standing.answered()
        elif status in _REFUSED:
            peer.standing.answered()
            raise Rejected(told)
        elif status == _GONE:
            await self._disable(peer, told)
        elif status in _BUSY:
            after = answer.retry_after(now)
            if after is None:
                peer.standing.undecided()
            else:
                peer.standing.asked_to_wait(now, told, after)
            raise PeerAway(told, peer.name)
        elif 300 <= status < 400 or status in _SET_UP_WRONGLY:
            peer.standing.undecided()
            raise PeerAway(f"{told}; its callback is set up wrongly", peer.name)
        else:
            peer.standing.failed(now, told)
            raise Deferred(told)

    async def _disable(self, peer: _Peer, told: str) -> NoReturn:
        try:
            async with self._engine.begin() as connection:
                await commands.disable(connection, peer.callback, told)
        except Exception as error:
            if not is_passing(error):
                raise
            # The next notice is told the same, and then it can be kept.
            raise PeerAway(f"{told}, which can't be recorded now", peer.name) from error
        self._callbacks.forget()
        log.warning("the callback of %s is disabled: it answered 410", peer.name)
        raise Rejected(f"{told}; its callback is disabled now")


class _Line:
    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook

    async def send(self, out: Outgoing) -> None:
        await self._webhook.call(out)

    async def close(self) -> None:
        await self._webhook.line_closed()


class _Peer:
    """A front end as it is called. Raises `Invalid` for a URL that no front end can have."""

    def __init__(self, privacy: Privacy, callback: CallbackView, trial: timedelta) -> None:
        self.callback = callback
        self.name = callback.name
        self.url = parsed(callback.url)
        self.signature = Signature(privacy, callback)
        self.standing = Standing(trial)


class _Answer:
    def __init__(self, status: int, retry_after: str | None) -> None:
        self.status = status
        self._retry_after = (retry_after or "").strip()

    @property
    def told(self) -> str:
        """The status for people. The peer's own words are left out: they may repeat what the notice says."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)

    def retry_after(self, now: datetime) -> timedelta | None:
        """How long it wants us to wait (RFC 9110, 10.2.3: seconds, or a date); None when it doesn't say."""
        written = self._retry_after
        if written.isascii() and written.isdigit():
            return timedelta(seconds=int(written[:9]))
        try:
            moment = parsedate_to_datetime(written)
        except (ValueError, OverflowError):
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


async def _finish(response: aiohttp.ClientResponse) -> None:
    """Read what is left of the answer and drop it, so that the connection can be used again. One that goes on too
    long, or breaks, isn't.
    """
    read = 0
    try:
        async with asyncio.timeout(_READING_SECONDS):
            while (piece := await response.content.readany()) and read <= _MOST_READ:
                read += len(piece)
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass
    finally:
        # At its end the answer has given the connection back already, and this closes nothing.
        response.close()


def _why(error: aiohttp.ClientError) -> str:
    """Why there is no connection, as one line for people."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no connection in time"
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    cause = cause.os_error if isinstance(cause, aiohttp.ClientConnectorError) else cause
    return " ".join(str(cause).split())[:_LONGEST_REASON]


def _now() -> datetime:
    return datetime.now(UTC)
