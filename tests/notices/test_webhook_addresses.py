"""What may be called: every way to write an address that leads inside, and every URL that is none of a front end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from services.base.errors import Invalid, Misconfigured
from services.notices.channels.webhook_addresses import Networks, checked_endpoint, parsed

NOWHERE_INSIDE = Networks()
OURS = Networks.from_setting("10.1.0.0/16, 127.0.0.1/32,fd00:1::/32,")


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::ffff:10.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::7f00:1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "4000::1",
        "not an address",
        "2130706433",
    ],
)
def test_an_address_that_leads_inside_is_refused_however_it_is_written(address: str) -> None:
    assert NOWHERE_INSIDE.refusal(address, encrypted=True) is not None


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2001:4860::8888", "64:ff9b::101:101"],
)
def test_a_public_address_may_be_called_with_encryption_only(address: str) -> None:
    assert NOWHERE_INSIDE.refusal(address, encrypted=True) is None
    assert NOWHERE_INSIDE.refusal(address, encrypted=False) is not None


def test_the_operators_own_networks_may_be_called_and_no_other() -> None:
    allowed = ["10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1", "fd00:1::5"]
    refused = ["10.2.0.1", "127.0.0.2", "::1", "fd00:2::5", "169.254.169.254"]

    assert [address for address in allowed if OURS.refusal(address, encrypted=False)] == []
    assert [address for address in refused if not OURS.refusal(address, encrypted=True)] == []


@pytest.mark.parametrize("setting", ["10.1.0.0/33", "10.1.2.3/16", "intranet", "10.1.0.0/16;127.0.0.1", "::/999"])
def test_a_network_that_is_none_is_named_with_its_setting(setting: str) -> None:
    with pytest.raises(Misconfigured, match=r"^REDRESS_WEBHOOK_NETWORKS: .* is no network"):
        Networks.from_setting(setting)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "no URL of a front end"),
        ("chat.example.com/redress", "no URL of a front end"),
        ("//chat.example.com/redress", "no URL of a front end"),
        ("ftp://chat.example.com/", "no URL of a front end"),
        ("file:///etc/passwd", "no URL of a front end"),
        ("javascript:alert(1)", "no URL of a front end"),
        ("https:///redress", "no URL of a front end"),
        ("https://user:word@chat.example.com/", "leave user and password out"),
        ("https://user@chat.example.com/", "leave user and password out"),
        ("https://chat.example.com/a#b", "what begins with #"),
        ("https://chat.example.com/#", "what begins with #"),
        ("https://chat.example.com:22/", "port 22 is no port of a front end"),
        ("https://chat.example.com:0/", "port 0"),
        ("https://chat.example.com:99999/", "this is no URL"),
        ("https://chat.example.com:x/", "this is no URL"),
        ("https://chat.example.com\\@127.0.0.1/", "this is no URL"),
        ("https://chat.example.com/a b", "a space or a control character"),
        ("https://chat.example.com/\r\nX-Other: 1", "a space or a control character"),
        ("https://chat.example.com/\u202e", "a space or a control character"),
        ("https://chat..example.com/", "no name of a host"),
        ("https://-chat.example.com/", "no name of a host"),
        (f"https://{'a' * 64}.example.com/", "no name of a host"),
        ("https://2130706433/", "no address as they are written"),
        ("https://0x7f.1/", "no address as they are written"),
        ("https://0x7f000001/", "no address as they are written"),
        ("https://127.1/", "no address as they are written"),
        ("https://0177.0.0.1/", "no address as they are written"),
        ("https://[fe80::1%25eth0]/", "no address as they are written"),
        ("https://[::1]/", "the address ::1 is loopback"),
        ("https://127.0.0.1/", "the address 127.0.0.1 is loopback"),
        ("https://127。0。0。1/", "the address 127.0.0.1 is loopback"),
        ("https://localhost/", "the address 127.0.0.1 is loopback"),
        ("https://LOCALHOST:8443/", "the address 127.0.0.1 is loopback"),
        ("http://1.1.1.1/", "only https goes there"),
        ("https://nobody.invalid/", "'nobody.invalid' can't be found"),
        (f"https://chat.example.com/{'a' * 2000}", "longer than 2000 characters"),
    ],
)
async def test_a_url_that_must_not_be_called_is_refused_with_what_to_change(url: str, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        await checked_endpoint(url, NOWHERE_INSIDE)

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://Chat.example.com", "https://chat.example.com"),
        ("https://chat.example.com:8443/redress?key=1", "https://chat.example.com:8443/redress?key=1"),
        ("https://客服.example.com/回调", "https://xn--ubtq9x.example.com/%E5%9B%9E%E8%B0%83"),
        ("https://1.1.1.1/", "https://1.1.1.1/"),
        ("https://[2606:4700::1111]:8443/", "https://[2606:4700::1111]:8443/"),
    ],
)
async def test_a_url_of_a_front_end_is_kept_in_the_form_in_which_it_is_called(url: str, called: str) -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "2606:4700::1111"]

    endpoint = await checked_endpoint(url, NOWHERE_INSIDE, lookup)

    assert str(endpoint) == str(parsed(str(endpoint))) == called


async def test_a_name_is_refused_when_any_of_its_addresses_leads_inside() -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.5"]

    with pytest.raises(Invalid, match=r"'chat.example.com' can't be called: the address 10\.0\.0\.5 is private"):
        await checked_endpoint("https://chat.example.com/", NOWHERE_INSIDE, lookup)
