"""The commands about dead letters: events that a worker could not handle and has set aside for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from redress.commands.common import AsJson, Home, print_json, with_composition
from services.base.errors import Invalid

if TYPE_CHECKING:
    from redress.composition import Composition
    from services.base.worker.dead_letters import Parked

app = typer.Typer(help="Events that could not be handled.", no_args_is_help=True)

Group = Annotated[str | None, typer.Option(help="Only those of one worker: classifier, handler, notifier.")]
Letter = Annotated[int, typer.Argument(help="Its number in the list.")]


@app.callback()
def about() -> None:
    """Events that could not be handled."""


@app.command("list")
def list_(
    group: Group = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 100,
    json: AsJson = False,
    home: Home = None,
) -> None:
    """Show those that wait for a decision, oldest first."""
    from services.base.worker.dead_letters import find

    async def work(composition: Composition) -> list[Parked]:
        async with composition.engine.connect() as connection:
            return await find(connection, group=group, limit=limit)

    letters = with_composition(home, work)
    if json:
        print_json(letters)
    elif not letters:
        typer.echo("There are none.")
    else:
        _print_table(letters)


@app.command()
def show(letter: Letter, home: Home = None) -> None:
    """Show one in full, as JSON."""
    from services.base.worker.dead_letters import get

    async def work(composition: Composition) -> Parked:
        async with composition.engine.connect() as connection:
            return await get(connection, letter)

    print_json(with_composition(home, work))


@app.command()
def replay(
    letter: Annotated[int | None, typer.Argument(help="Its number in the list.")] = None,
    group: Group = None,
    every: Annotated[bool, typer.Option("--all", help="Of all workers.")] = False,
    home: Home = None,
) -> None:
    """Give one, those of a group, or all back to their worker, which takes them up within a second or two."""
    from services.base.worker.dead_letters import request_replay

    if sum((letter is not None, group is not None, every)) != 1:
        raise Invalid("say which: a number from `redress dead-letters list`, --group NAME, or --all")

    async def work(composition: Composition) -> int:
        async with composition.engine.begin() as connection:
            return await request_replay(connection, letter=letter, group=group)

    count = with_composition(home, work)
    typer.echo(f"{count} will be handled again; those that wait behind them follow by themselves.")


def _print_table(letters: list[Parked]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("number", "worker", "event", "case or notice", "reason", "tries", "since", "what happened"):
        table.add_column(title, overflow="fold")
    for letter in letters:
        table.add_row(
            str(letter.id),
            letter.group,
            letter.type or "",
            str(letter.key or ""),
            letter.reason,
            str(letter.attempts),
            f"{letter.parked_at:%Y-%m-%d %H:%M:%S}Z",
            letter.detail[:200],
        )
    Console(soft_wrap=True).print(table, markup=False)
