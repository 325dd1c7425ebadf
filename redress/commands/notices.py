"""The commands about notices: what customers are told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from redress.commands.common import settings_for

if TYPE_CHECKING:
    from redress.previewing import Shown

app = typer.Typer(help="What customers are told.", no_args_is_help=True)


@app.callback()
def about() -> None:
    """What customers are told."""


@app.command()
def preview(
    kind: Annotated[str | None, typer.Option(help="A kind of notice, such as result. [default: all]")] = None,
    language: Annotated[str | None, typer.Option(help="zh or en. [default: both]")] = None,
    way: Annotated[str | None, typer.Option(help="email, sms or webhook. [default: all]")] = None,
    plan: Annotated[Path | None, typer.Option(help="[default: REDRESS_PLAN, else the shipped plan]")] = None,
    variants: Annotated[bool, typer.Option("--variants", help="Every text that a kind can have.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the mails as HTML files into this folder.")] = None,
) -> None:
    """Show notices as a customer would read them, with example facts and the plan's own templates.

    For text messages also how many are sent for one.
    """
    from redress.bringing_up import read_plan
    from redress.previewing import shown, write_html

    _, current = read_plan(plan or settings_for().plan)
    for one in shown(current, kind=kind, language=language, way=way, variants=variants):
        _print(one)
        if html is not None and one.words.html is not None:
            typer.echo(f"HTML: {write_html(html, one)}\n")


def _print(one: Shown) -> None:
    typer.secho(f"── {one.name} ", bold=True, nl=False)
    typer.secho(f"({one.source})", dim=True)
    if one.way == "email":
        typer.echo(f"Subject: {one.words.subject}\n")
    typer.echo(one.words.text.rstrip("\n") + "\n")
    if one.length is not None:
        typer.secho(f"[{one.length}]\n", dim=True)
