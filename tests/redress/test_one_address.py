"""On a laptop one address serves both programs, dividing the paths exactly as the proxy in front of a cluster does."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from redress.dispatching import is_for_intake
from tests.deploy.test_proxy import TO_DESK, TO_INTAKE


@pytest.mark.parametrize(("method", "address"), TO_INTAKE)
def test_the_laptop_sends_to_intake_what_the_proxy_sends_there(method: str, address: str) -> None:
    assert is_for_intake(method, urlsplit(address).path)


@pytest.mark.parametrize(("method", "address"), TO_DESK)
def test_the_laptop_sends_to_the_desk_what_the_proxy_sends_there(method: str, address: str) -> None:
    assert not is_for_intake(method, urlsplit(address).path)


def test_metrics_are_served_on_a_laptop() -> None:
    assert is_for_intake("GET", "/metrics")
