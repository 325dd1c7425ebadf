"""The commands about the contingency plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from redress.commands.common import Home, settings_for, with_composition

app = typer.Typer(help="The contingency plan.", no_args_is_help=True)

DIFFERENT = 1


@app.callback()
def about() -> None:
    """The contingency plan."""


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="[default: REDRESS_PLAN, else the shipped plan]")] = None,
) -> None:
    """Check a plan and the templates beside it; say what is in it, or every mistake with its line."""
    from redress.bringing_up import read_plan
    from services.notices.overrides import too_long
    from services.plan.loading import summary

    _, plan = read_plan(file or settings_for().plan)
    typer.echo(summary(plan))
    for warning in too_long(plan.templates):
        typer.echo(f"Note: {warning}")


@app.command()
def diff(
    file: Annotated[Path | None, typer.Argument(help="[default: REDRESS_PLAN, else the shipped plan]")] = None,
    against: Annotated[int | None, typer.Option(help="A stored version. [default: the one in force]")] = None,
    home: Home = None,
) -> None:
    """Show what a plan would change: every value that differs, and how many open cases keep the plan they run under.

    Exit code 1 when there is a difference.
    """
    from redress.bringing_up import read_plan
    from redress.replanning import compared

    settings = settings_for(home)
    text, _ = read_plan(file or settings.plan)
    found = with_composition(home, lambda composition: compared(composition, text, against))
    typer.echo(found.words)
    if found.differences:
        raise typer.Exit(DIFFERENT)


@app.command("move-cases")
def move_cases(
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only said how many there are.")] = False,
    home: Home = None,
) -> None:
    """Move the open cases to the plan in force. Without this they end under the plan that they were judged under.

    Time that was used counts under the new deadlines, and steps that were done count by their codes.
    """
    from redress.replanning import move_all

    typer.echo(with_composition(home, lambda composition: move_all(composition, really=yes)))
