"""What several commands share: the settings, the log, and a database that is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from redress.composition import Composition
    from services.base.settings import Settings

_Answer = TypeVar("_Answer")

Home = Annotated[Path | None, typer.Option(help="Folder of the `redress up` that is meant. [default: REDRESS_HOME]")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: as JSON.")]


def settings_for(home: Path | None = None) -> Settings:
    """The settings of this process, with its log set up. ``home`` stands above REDRESS_HOME.

    Raises `Misconfigured` with every wrong setting.
    """
    from services.base.settings import load_settings
    from services.base.telemetry import set_up_logging

    settings = load_settings(**({} if home is None else {"home": home}))
    set_up_logging(settings.log_level, settings.log_format)
    return settings


def with_composition(home: Path | None, work: Callable[[Composition], Awaitable[_Answer]]) -> _Answer:
    """What ``work`` returns, given the programs' parts on the database of the settings."""
    from redress.composition import opened
    from redress.resolving import resolved

    settings = resolved(settings_for(home))

    async def main() -> _Answer:
        async with opened(settings, "redress cli") as composition:
            return await work(composition)

    return asyncio.run(main())


def print_json(value: object) -> None:
    """Print a value, dataclasses and times included, as indented JSON."""
    import orjson

    typer.echo(orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_INDENT_2).decode())
