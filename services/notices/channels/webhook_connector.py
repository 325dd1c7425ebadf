"""Connections to channel front ends: only to addresses that are allowed, checked on the way to the socket.

A name may have been harmless when its callback was set and lead into the network now (DNS rebinding). So the answer
that is checked is the one that is connected to, and each socket is checked once more, which also covers hosts that are
written as addresses.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.notices.channels.webhook_addresses import Lookup, Networks, system_lookup

# Shorter than the usual patience of servers (5 s and more), so that seldom one closes while we begin to speak.
_IDLE_SECONDS: Final = 4.0
_LOOKUPS_AT_ONCE: Final = 4


class AddressRefused(OSError):
    """The host has an address that must not be called. ``str()`` says which and why."""


class Calls:
    """What calls are made with: no cookies, no proxies, nothing unpacked. Certificates are always verified.

    Made where a loop runs, and closed there.
    """

    def __init__(self, networks: Networks, lookup: Lookup | None, *, connections: int, seconds: float) -> None:
        """``seconds`` bounds a whole call; half of that is for connecting."""
        self._timeout = aiohttp.ClientTimeout(total=seconds, connect=seconds / 2)
        self._connections = connections
        # A name server that hangs blocks a thread. It shall be none of those that others wait for.
        self._threads = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, "webhook names")
        self._lookup = lookup or partial(system_lookup, threads=self._threads)
        self._tls = ssl.create_default_context()
        # Apart, since what is not encrypted may go to fewer addresses.
        self._encrypted = self._session(_Guard(networks, encrypted=True))
        self._plain = self._session(_Guard(networks, encrypted=False))

    async def post(self, url: URL, body: bytes, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """The answer, of which the body is yet to be read. Redirects aren't followed. Raises aiohttp's errors."""
        made = self._encrypted if url.scheme == "https" else self._plain
        return await made.post(url, data=body, headers=headers, allow_redirects=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._encrypted.close()
        await self._plain.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _session(self, guard: _Guard) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=_GuardedResolver(self._lookup, guard),
            socket_factory=guard.socket,
            ssl=self._tls,
            limit=self._connections,
            keepalive_timeout=_IDLE_SECONDS,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            auto_decompress=False,
            trust_env=False,
        )


class _Guard:
    def __init__(self, networks: Networks, *, encrypted: bool) -> None:
        self._networks = networks
        self._encrypted = encrypted

    def check(self, address: str) -> None:
        refusal = self._networks.refusal(address, encrypted=self._encrypted)
        if refusal is not None:
            raise AddressRefused(refusal)

    def socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """The socket for one address, the last moment at which it can be refused."""
        family, kind, protocol, _, address = info
        self.check(str(address[0]))
        return socket.socket(family, kind, protocol)


class _GuardedResolver(AbstractResolver):
    """Gives an answer only if every address in it is allowed: of a mixed one nobody knows which will be taken."""

    def __init__(self, lookup: Lookup, guard: _Guard) -> None:
        self._lookup = lookup
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await self._lookup(host, port)
        for address in addresses:
            self._guard.check(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        return
