"""The commands about API keys."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from redress.commands.common import Home, with_composition

app = typer.Typer(help="API keys.", no_args_is_help=True)


class Role(StrEnum):
    """What a key may do."""

    channel = "channel"
    integrator = "integrator"
    staff = "staff"
    admin = "admin"


@app.callback()
def about() -> None:
    """API keys."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What people will know the key by, such as hotline-desk.")],
    role: Annotated[Role, typer.Option(help="What it may do.")],
    login: Annotated[str | None, typer.Option(help="Whose it is; for a staff key.")] = None,
    home: Home = None,
) -> None:
    """Make a key and print it. It can't be read again later: only a hash of it is kept."""
    from redress.composition import Composition
    from services.people.keys import create_key

    async def work(composition: Composition) -> str:
        async with composition.engine.begin() as connection:
            if login is not None:
                _, plan = await composition.plans.current(connection)
                plan.person(login)
            return await create_key(connection, role.value, name, login=login)

    key = with_composition(home, work)
    typer.echo(f"A key of role {role.value} for '{name.strip()}'. Keep it: it can't be shown again.", err=True)
    typer.echo(key)
