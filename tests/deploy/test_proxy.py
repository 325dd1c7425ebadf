"""The proxy sends every path to the program that serves it: the real proxy, before two servers that name themselves."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.servers.process import ServerProcess, free_port

CADDYFILE = Path(__file__).parents[2] / "deploy/Caddyfile"

TO_INTAKE = [
    ("POST", "/v1/complaints"),
    ("POST", "/v1/complaints/batch"),
    ("POST", "/v1/judgements"),
    ("GET", "/v1/complaints/RD-7K2M-94X1"),
    ("GET", "/v1/complaints/RD-7K2M-94X1/timeline"),
    ("POST", "/v1/complaints/RD-7K2M-94X1/messages"),
    ("POST", "/v1/complaints/RD-7K2M-94X1/withdraw"),
    ("POST", "/v1/complaints/RD-7K2M-94X1/reopen"),
    ("POST", "/v1/complaints/RD-7K2M-94X1/attachments?name=bill.png"),
    ("GET", "/v1/complaints/RD-7K2M-94X1/attachments"),
    ("GET", "/v1/complaints/RD-7K2M-94X1/attachments/01940000-0000-7000-8000-000000000007"),
    ("GET", "/v1/events?after=x"),
    ("POST", "/v1/webhooks"),
    ("DELETE", "/v1/webhooks/1"),
    ("GET", "/track/token"),
    ("GET", "/track/token/withdraw"),
    ("POST", "/track/token/messages"),
    ("GET", "/survey/token"),
    ("POST", "/survey/token"),
    ("POST", "/tmf-api/troubleTicket/v5/troubleTicket"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("GET", "/asyncapi.yaml"),
]
TO_DESK = [
    ("GET", "/"),
    ("GET", "/v1/complaints?status=classified"),
    ("GET", "/v1/complaints/RD-7K2M-94X1/actions"),
    ("POST", "/v1/complaints/RD-7K2M-94X1/actions/reopen"),
    ("GET", "/v1/incidents"),
    ("GET", "/v1/directives"),
    ("GET", "/v1/tasks"),
    ("GET", "/v1/plan"),
    ("GET", "/v1/evaluation"),
    ("GET", "/cases/RD-7K2M-94X1"),
]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("needs the proxy's program, caddy")
    with program("intake") as intake_port, program("desk") as desk_port:
        port = free_port()
        folder = tmp_path_factory.mktemp("proxy")
        configuration = folder / "Caddyfile"
        configuration.write_text("{\n\tadmin off\n}\n" + CADDYFILE.read_text(encoding="utf-8"), encoding="utf-8")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "SITE_ADDRESS": f"http://127.0.0.1:{port}",
            "INTAKE_HOST": "127.0.0.1",
            "INTAKE_PORT": str(intake_port),
            "DESK_HOST": "127.0.0.1",
            "DESK_PORT": str(desk_port),
        }
        command = [caddy, "run", "--adapter", "caddyfile", "--config", str(configuration)]
        process = ServerProcess(command, folder / "log", environment=environment)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
            process.wait_until(lambda: answers(client), 20, "The proxy")
            yield client
        process.kill()


@pytest.mark.parametrize(("method", "path"), TO_INTAKE)
def test_intake_gets(proxy: httpx.Client, method: str, path: str) -> None:
    assert proxy.request(method, path).text == f"intake {method} {path}"


@pytest.mark.parametrize(("method", "path"), TO_DESK)
def test_the_desk_gets(proxy: httpx.Client, method: str, path: str) -> None:
    assert proxy.request(method, path).text == f"desk {method} {path}"


def test_what_is_measured_stays_inside(proxy: httpx.Client) -> None:
    assert proxy.get("/metrics").status_code == 404


@contextmanager
def program(name: str) -> Iterator[int]:
    """A program that answers with its name and what it was asked; gives its port."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        body = f"{name} {request.command} {request.path}".encode()
        request.send_response_only(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    methods = dict.fromkeys(("do_GET", "do_POST", "do_DELETE"), answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answer", (BaseHTTPRequestHandler,), methods))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/metrics").status_code == 404
    except httpx.TransportError:
        return False
