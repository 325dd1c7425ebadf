"""The commands that run programs: everything at once, or one of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redress.commands.common import Home, settings_for

if TYPE_CHECKING:
    from redress.laptop import Ready

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]
Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")]


class Worker(StrEnum):
    """The workers."""

    classifier = "classifier"
    handler = "handler"
    notifier = "notifier"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(api)
    app.command()(desk)
    app.command()(worker)
    app.command()(relay)
    app.command()(health)


def up(
    home: Annotated[Path | None, typer.Option(help="Folder for all data. [default: .redress]")] = None,
    port: Port = 8000,
    host: Host = "127.0.0.1",
) -> None:
    """Run everything in one process, with a database of its own. Ctrl-C stops it."""
    settings = settings_for(home)
    from redress.laptop import up as run

    run(settings, host, port, _tell)


def api(port: Port = 8000, host: Host = "127.0.0.1") -> None:
    """Run the intake API: complaints in, cases and track pages out."""
    from redress.running import run_intake

    run_intake(settings_for(), host, port)


def desk(port: Port = 8001, host: Host = "127.0.0.1") -> None:
    """Run the staff's desk."""
    from redress.running import run_desk

    run_desk(settings_for(), host, port)


def worker(name: Annotated[Worker, typer.Argument(help="Which one.")]) -> None:
    """Run one worker. Start more of the same to share the work."""
    from redress.running import run_worker

    run_worker(settings_for(), name.value)


def relay() -> None:
    """Run the relay, which carries events from the database to Kafka."""
    from redress.running import run_relay

    run_relay(settings_for())


def health(
    port: Annotated[
        int | None, typer.Option(help="Port of the program. [default: REDRESS_METRICS_PORT, else the running `up`]")
    ] = None,
    home: Home = None,
) -> None:
    """Ask a program on this machine whether it is well; exit code 0 when it is."""
    from redress.asking import ask_health

    typer.echo(ask_health(settings_for(home), port))


def _tell(ready: Ready) -> None:
    lines = [
        "",
        f"Redress is ready at {ready.url}",
        f"  keys         {ready.credentials}",
        f"  mail         {ready.mail}",
        f"  plan         {ready.plan}",
    ]
    if ready.adopted:
        lines.append("  database     was still running, and was taken over")
    lines.append("Ctrl-C stops it; everything is kept.")
    typer.echo("\n".join(lines))
