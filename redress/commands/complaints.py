"""The commands about complaints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redress.commands.common import Home, settings_for, with_composition
from services.base.errors import Invalid

if TYPE_CHECKING:
    from redress.composition import Composition
    from services.casework.verifying import Difference

app = typer.Typer(help="Complaints.", no_args_is_help=True)

SOME_REJECTED = 3
SOME_DIFFER = 1


@app.callback()
def about() -> None:
    """Complaints."""


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help=".jsonl: a complaint a line, as it would be posted; .csv: with a header.")
    ],
    url: Annotated[str | None, typer.Option(help="Address of the service. [default: the running `up`]")] = None,
    key: Annotated[str | None, typer.Option(help="A channel key. [default: that of the running `up`]")] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where rows that are not taken go. [default: FILE.rejects.jsonl]")
    ] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="A CSV column's field: 'Customer=customer.name'. Repeatable.")
    ] = None,
    home: Home = None,
) -> None:
    """Register the complaints in a file with the running service. Repeating it registers nothing twice.

    Exit code 3 when rows were not taken; they stand in the rejects file with the reasons.
    """
    from redress.importing.running import run

    settings = settings_for(home)
    target = rejects or file.with_name(f"{file.name}.rejects.jsonl")
    tally, left_out = run(settings, file, url, key, target, _mapping(map_ or ()), _say)
    if left_out:
        typer.echo(f"Columns not taken over: {', '.join(left_out)}", err=True)
    typer.echo(f"{tally.registered} registered, {tally.already_there} already there, {tally.rejected} rejected")
    if tally.rejected:
        typer.echo(f"The rejected rows and the reasons are in {target}", err=True)
        raise typer.Exit(SOME_REJECTED)


@app.command()
def verify(
    limit: Annotated[int | None, typer.Option(min=1, help="How many at most, the newest first. [default: all]")] = None,
    home: Home = None,
) -> None:
    """Prove that cases and records agree: replay the events of each case and compare with what is kept of it.

    Reads only, while everything goes on. Exit code 1 when something differs: report that, with what was printed.
    """
    from services.casework.verifying import verify as verified

    async def work(composition: Composition) -> tuple[int, int]:
        cases = differing = 0
        async for count, differences in verified(composition.engine, limit):
            cases += count
            differing += len({difference.case for difference in differences})
            for difference in differences:
                typer.echo(_told(difference))
        return cases, differing

    cases, differing = with_composition(home, work)
    typer.echo(f"{cases} replayed, {differing} differ from their record")
    if differing:
        raise typer.Exit(SOME_DIFFER)


def _told(difference: Difference) -> str:
    return (
        f"{difference.reference} ({difference.realm}): {difference.what} is {difference.kept}, "
        f"and by its record {difference.recorded}"
    )


def _say(words: str) -> None:
    typer.echo(words, err=True)


def _mapping(pairs: list[str] | tuple[str, ...]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        name, mark, field = pair.rpartition("=")
        if not mark:
            raise Invalid(f"--map '{pair}': write HEADER=field, such as 'Customer=customer.name'")
        mapping[name.strip()] = field.strip()
    return mapping
