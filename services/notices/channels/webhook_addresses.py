"""Where channel front ends may be called: rules for a URL, and for every address that its host stands for.

A callback must not become a way into the operator's own network (server-side request forgery), so whatever is not an
ordinary public address is refused unless the operator has named its network. The rules are tried when a callback is
set, and again on the very address that is connected to (`webhook_connector`). This module opens no connection.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final, NewType

from yarl import URL

from services.base.errors import Invalid, Misconfigured

Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host for a port, as texts. Raises ``OSError`` when there are none."""

Endpoint = NewType("Endpoint", URL)
"""A URL that may be called, as `checked_endpoint` has found."""

_LONGEST_URL: Final = 2_000
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_FIRST_FREE_PORT: Final = 1024

# What the registries of IANA keep for special purposes (RFC 6890, as of 2025). Written out, since what Python calls
# private or global differs between its releases.
_SPECIAL_4: Final = (
    (IPv4Network("0.0.0.0/8"), "unspecified"),
    (IPv4Network("10.0.0.0/8"), "private"),
    (IPv4Network("100.64.0.0/10"), "shared by a provider's customers"),
    (IPv4Network("127.0.0.0/8"), "loopback"),
    (IPv4Network("169.254.0.0/16"), "link-local"),
    (IPv4Network("172.16.0.0/12"), "private"),
    (IPv4Network("192.0.0.0/24"), "reserved"),
    (IPv4Network("192.0.2.0/24"), "for documentation"),
    (IPv4Network("192.88.99.0/24"), "reserved"),
    (IPv4Network("192.168.0.0/16"), "private"),
    (IPv4Network("198.18.0.0/15"), "for benchmarks"),
    (IPv4Network("198.51.100.0/24"), "for documentation"),
    (IPv4Network("203.0.113.0/24"), "for documentation"),
    (IPv4Network("224.0.0.0/4"), "multicast"),
    (IPv4Network("240.0.0.0/4"), "reserved"),
    # Public by its number, and yet every virtual machine in Azure has the keys of its host behind it.
    (IPv4Network("168.63.129.16/32"), "of a cloud's own services"),
)
_SPECIAL_6: Final = (
    (IPv6Network("::/128"), "unspecified"),
    (IPv6Network("::1/128"), "loopback"),
    (IPv6Network("fc00::/7"), "private"),
    (IPv6Network("fe80::/10"), "link-local"),
    (IPv6Network("ff00::/8"), "multicast"),
    (IPv6Network("2001::/23"), "reserved"),
    (IPv6Network("2001:db8::/32"), "for documentation"),
    (IPv6Network("2002::/16"), "6to4"),
    (IPv6Network("3fff::/20"), "for documentation"),
)
_PUBLIC_6: Final = IPv6Network("2000::/3")
# Ways to write an IPv4 address as one of IPv6 that lead to it: mapped (RFC 4291), translated (NAT64, RFC 6052).
_IPV4_INSIDE: Final = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))


class Networks:
    """The networks of the operator inside which front ends may be called, beside the public internet."""

    def __init__(self, inside: Sequence[IPv4Network | IPv6Network] = ()) -> None:
        self._inside = tuple(inside)

    @classmethod
    def from_setting(cls, setting: str) -> Networks:
        """From ``10.1.0.0/16,127.0.0.1/32``. Raises `Misconfigured`."""
        return cls([_network(part.strip()) for part in setting.split(",") if part.strip()])

    def refusal(self, written: str, *, encrypted: bool) -> str | None:
        """Why this address must not be called; None if it may be. Without encryption only our own networks may be."""
        try:
            address = _meant(written)
        except ValueError:
            return f"'{written[:80]}' is no address"
        if any(address in network for network in self._inside):
            return None
        kind = _special(address)
        if kind is not None:
            return f"the address {address} is {kind}; REDRESS_WEBHOOK_NETWORKS can allow its network"
        return (
            None if encrypted else f"the address {address} is outside REDRESS_WEBHOOK_NETWORKS; only https goes there"
        )


async def checked_endpoint(text: str, networks: Networks, lookup: Lookup | None = None) -> Endpoint:
    """The URL, when it may be called now: well formed, and every address of its host is allowed.

    Raises `Invalid` with what to change.
    """
    url = parsed(text)
    host, port = host_of(url)
    try:
        addresses = [host] if _is_literal(host) else await (lookup or system_lookup)(host, port)
    except OSError as error:
        raise Invalid(
            f"the host '{host}' can't be found ({error.strerror or error}); check how it is written"
        ) from None
    for address in addresses:
        refusal = networks.refusal(address, encrypted=url.scheme == "https")
        if refusal is not None:
            raise Invalid(f"'{host}' can't be called: {refusal}")
    return Endpoint(url)


def parsed(text: str) -> URL:
    """The URL, in its normal form, when it is one that a front end can have. Asks nobody. Raises `Invalid`."""
    if len(text) > _LONGEST_URL:
        raise Invalid(f"the URL is longer than {_LONGEST_URL} characters")
    # What reads URLs drops line ends and the like without a word, and then it is another URL than the one shown.
    if not text.isprintable() or " " in text:
        raise Invalid("the URL contains a space or a control character; write it percent-encoded, or leave it out")
    try:
        url = URL(text)
    except ValueError as error:
        raise Invalid(f"this is no URL ({error}); write for example https://chat.example.com/redress") from None
    if url.scheme not in ("https", "http") or not url.raw_host:
        raise Invalid("this is no URL of a front end; write for example https://chat.example.com/redress")
    if url.raw_user is not None or url.raw_password is not None:
        raise Invalid("leave user and password out of the URL; the front end knows our calls by their signature")
    if "#" in text:
        raise Invalid("leave out what begins with #: it is never sent")
    _check_host(url.raw_host)
    _, port = host_of(url)
    if port not in (80, 443) and port < _FIRST_FREE_PORT:
        raise Invalid(f"port {port} is no port of a front end; use 443, 80, or one from {_FIRST_FREE_PORT} on")
    return url


def host_of(url: URL) -> tuple[str, int]:
    """Host (for DNS, without brackets) and port of a URL that has them."""
    assert url.raw_host is not None
    assert url.port is not None
    return url.raw_host, url.port


async def system_lookup(host: str, port: int, threads: Executor | None = None) -> Sequence[str]:
    """What the system finds: its hosts file, then DNS. It may take long, and blocks one of ``threads`` meanwhile."""

    def ask() -> list[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [str(address[0]) for *_, address in found]

    return await asyncio.get_running_loop().run_in_executor(threads, ask)


def _network(written: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(written)
    except ValueError as error:
        raise Misconfigured(
            f"REDRESS_WEBHOOK_NETWORKS: '{written}' is no network ({error}); write 10.1.0.0/16,127.0.0.1/32"
        ) from None


def _meant(written: str) -> Address:
    """The address that a connection would lead to. Raises ``ValueError``."""
    address = ip_address(written)
    if isinstance(address, IPv4Address):
        return address
    plain = IPv6Address(int(address))  # without a zone
    if any(plain in network for network in _IPV4_INSIDE):
        return IPv4Address(int(plain) & 0xFFFFFFFF)
    return plain


def _special(address: Address) -> str | None:
    """What kind of address it is, when it is no ordinary public one."""
    if isinstance(address, IPv4Address):
        return next((kind for network, kind in _SPECIAL_4 if address in network), None)
    found = next((kind for network, kind in _SPECIAL_6 if address in network), None)
    return found or (None if address in _PUBLIC_6 else "reserved")


def _is_literal(host: str) -> bool:
    return ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def _check_host(host: str) -> None:
    if not _is_literal(host):
        if _HOST.fullmatch(host) is None:
            raise Invalid(f"'{host[:80]}' is no name of a host")
        return
    # A zone (fe80::1%eth0) means something on one machine only; 2130706433, 0x7f.1 and 127.1 all are 127.0.0.1 to some.
    try:
        _ = IPv6Address(host) if ":" in host and "%" not in host else IPv4Address(host)
    except AddressValueError:
        raise Invalid(
            f"'{host[:80]}' is no address as they are written; use 192.0.2.1, [2001:db8::1], or a name"
        ) from None
