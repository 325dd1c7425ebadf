"""The command that says how things stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from redress.commands.common import AsJson, Home, print_json, with_composition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from redress.composition import Composition
    from redress.standing import Standing


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(status)


def status(json: AsJson = False, home: Home = None) -> None:
    """Show how things stand: cases, what waits for the workers, what is late, what failed."""
    from redress.standing import standing

    async def work(composition: Composition) -> Standing:
        return await standing(composition)

    now = with_composition(home, work)
    if json:
        print_json(now)
    else:
        _print(now)


def _print(now: Standing) -> None:
    from rich.console import Console
    from rich.table import Table as NewTable

    table = NewTable(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right")
    sections: dict[str, tuple[Mapping[str, object], str]] = {
        "Complaints": (now.complaints, "none yet"),
        "Deadlines passed": (now.deadlines_passed, "none"),
        "Events that wait": ({group: _waiting(count) for group, count in now.waiting.items()}, ""),
        "Dead letters": (now.dead_letters, "none"),
        "Notices": (now.notices, ""),
        "Judged by": ({}, now.model or "no model"),
    }
    for title, (counts, otherwise) in sections.items():
        _add(table, title, counts, otherwise)
    Console().print(table)


def _add(table: Table, title: str, counts: Mapping[str, object], otherwise: str) -> None:
    table.add_row(f"[bold]{title}[/bold]", "" if counts else otherwise)
    for name, count in counts.items():
        table.add_row(f"  {name}", str(count))


def _waiting(count: int | None) -> str:
    if count is None:
        return "can't be asked"
    return "has never read" if count < 0 else str(count)
