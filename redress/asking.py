"""Asking a running program over HTTP whether it is well. Quick, because container health checks run it often."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from redress.home import Home
from services.base.errors import Misconfigured, Unavailable
from services.base.settings import Settings

_PATIENCE = 4.0


def ask_health(settings: Settings, port: int | None) -> str:
    """Ask ``/healthz`` on this machine's ``port`` (None: REDRESS_METRICS_PORT, else the running `up`'s).

    Raises `Unavailable` when it is not well, `Misconfigured` when it is not known whom to ask.
    """
    port = port or settings.metrics_port or _port_of_up(settings)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        words = answer.read().decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"nothing answers at 127.0.0.1:{port}: {error}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise Unavailable(f"not well: {words}")
    return f"well: 127.0.0.1:{port}"


def _port_of_up(settings: Settings) -> int:
    running = Home(settings.home).running()
    if running is None:
        raise Misconfigured("whom to ask? Give --port, or set REDRESS_METRICS_PORT; no `redress up` runs here")
    port = urlsplit(running.url).port
    assert port is not None  # it announces its address with one
    return port
