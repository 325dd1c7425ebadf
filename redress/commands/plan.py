"""The commands about the contingency plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from redress.commands.common import settings_for

app = typer.Typer(help="The contingency plan.", no_args_is_help=True)


@app.callback()
def about() -> None:
    """The contingency plan."""


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="[default: REDRESS_PLAN, else the shipped plan]")] = None,
) -> None:
    """Check a plan and say what is in it, or every mistake with its line."""
    from redress.bringing_up import read_plan
    from services.plan.loading import summary

    _, plan = read_plan(file or settings_for().plan)
    typer.echo(summary(plan))
