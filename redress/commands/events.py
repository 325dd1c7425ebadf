"""The commands about the event log."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from redress.commands.common import AsJson, Home, with_composition

if TYPE_CHECKING:
    from redress.composition import Composition
    from redress.tailing import LoggedEvent

app = typer.Typer(help="The event log.", no_args_is_help=True)


@app.callback()
def about() -> None:
    """The event log."""


@app.command()
def tail(
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Only this type; its short name (received) will do. Repeatable.")
    ] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest event.")] = False,
    follow: Annotated[bool, typer.Option(help="Wait for more; --no-follow ends with the newest.")] = True,
    json: AsJson = False,
    home: Home = None,
) -> None:
    """Show events as they happen: their public half, as it goes to Kafka."""
    from redress.tailing import tail as read

    async def work(composition: Composition) -> None:
        pause = composition.settings.poll_ms / 1000
        pages = read(composition.database_url, type_ or (), from_start=from_start, follow=follow, pause=pause)
        async for page in pages:
            sys.stdout.writelines(_line(event, as_json=json) for event in page)
            sys.stdout.flush()

    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        with_composition(home, work)


def _line(event: LoggedEvent, *, as_json: bool) -> str:
    if as_json:
        return event.as_json() + "\n"
    short = event.type.removeprefix("redress.").rsplit(".", 1)[0]
    return (
        f"{event.time:%Y-%m-%d %H:%M:%S}Z  {event.key}  {event.number:>3}  {short:<28} {event.actor:<24} {event.data}\n"
    )
