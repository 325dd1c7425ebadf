"""The commands about callbacks: where channel front ends are called, so that their customers are answered there."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from redress.commands.common import AsJson, Home, print_json, with_composition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from redress.composition import Composition
    from services.notices.callbacks.queries import CallbackView

app = typer.Typer(help="Where channel front ends are called back.", no_args_is_help=True)


class Realm(StrEnum):
    """Whose cases are meant."""

    live = "live"
    drill = "drill"
    sandbox = "sandbox"


Name = Annotated[str, typer.Argument(help="The front end: the name of its API key, such as online-chat.")]
OfRealm = Annotated[Realm, typer.Option("--realm", help="Which cases it is called for.")]


@app.callback()
def about() -> None:
    """Where channel front ends are called back."""


@app.command("set")
def set_(
    name: Name,
    url: Annotated[str, typer.Argument(help="What to call, such as https://chat.example.com/redress.")],
    realm: OfRealm = Realm.live,
    home: Home = None,
) -> None:
    """Set where a front end is called, and print the secret of the signatures, which goes to its developer. Setting it
    again changes the URL and keeps the secret.
    """
    from services.notices.callbacks.commands import put
    from services.notices.channels.webhook_addresses import Networks, checked_endpoint

    async def work(composition: Composition) -> tuple[CallbackView, str]:
        networks = Networks.from_setting(composition.settings.webhook_networks)
        endpoint = await checked_endpoint(url, networks)
        async with composition.engine.begin() as connection:
            return _with_secret(composition, await put(connection, realm.value, name, endpoint))

    callback, secret = with_composition(home, work)
    _tell(f"'{name}' is called at {callback.url} for {realm.value} cases. Its calls are signed with this secret:")
    typer.echo(secret)


@app.command()
def rotate(name: Name, realm: OfRealm = Realm.live, home: Home = None) -> None:
    """Sign with a new secret, and print it. For a day the last one signs as well."""
    from services.notices.callbacks.commands import rotate as rotate_
    from services.notices.callbacks.signing import BOTH_SIGN

    async def work(composition: Composition) -> tuple[CallbackView, str]:
        async with composition.engine.begin() as connection:
            return _with_secret(composition, await rotate_(connection, realm.value, name))

    callback, secret = with_composition(home, work)
    assert callback.rotated_at is not None
    until = callback.rotated_at + BOTH_SIGN
    _tell(f"The last secret of '{name}' signs beside the new one until {_shown(until)}. The new one:")
    typer.echo(secret)


@app.command()
def remove(name: Name, realm: OfRealm = Realm.live, home: Home = None) -> None:
    """Call a front end no more. Its customers are told the next way."""
    from services.notices.callbacks.commands import remove as remove_

    _change(home, lambda connection: remove_(connection, realm.value, name))
    _tell(f"'{name}' is not called any more for {realm.value} cases, and its secret is void.")


@app.command()
def enable(name: Name, realm: OfRealm = Realm.live, home: Home = None) -> None:
    """Call a front end again that was disabled because it answered 410."""
    from services.notices.callbacks.commands import enable as enable_

    callback = _change(home, lambda connection: enable_(connection, realm.value, name))
    _tell(f"'{name}' is called at {callback.url} for {realm.value} cases.")


@app.command("list")
def list_(json: AsJson = False, home: Home = None) -> None:
    """Show the callbacks, without their secrets."""
    from services.notices.callbacks.queries import find

    async def work(composition: Composition) -> Sequence[CallbackView]:
        async with composition.engine.connect() as connection:
            return await find(connection)

    callbacks = with_composition(home, work)
    if json:
        print_json(callbacks)
    elif not callbacks:
        typer.echo("There are none.")
    else:
        _print_table(callbacks)


def _with_secret(composition: Composition, callback: CallbackView) -> tuple[CallbackView, str]:
    from services.notices.callbacks.signing import secret_of

    return callback, secret_of(composition.privacy, callback.name, callback.epoch)


def _change(home: Home, change: Callable[[AsyncConnection], Awaitable[CallbackView]]) -> CallbackView:
    async def work(composition: Composition) -> CallbackView:
        async with composition.engine.begin() as connection:
            return await change(connection)

    return with_composition(home, work)


def _print_table(callbacks: Sequence[CallbackView]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("front end", "realm", "called at", "since", "state"):
        table.add_column(title, overflow="fold")
    for callback in callbacks:
        table.add_row(callback.name, callback.realm, callback.url, _shown(callback.created_at), _state(callback))
    Console(soft_wrap=True).print(table, markup=False)


def _state(callback: CallbackView) -> str:
    from services.notices.callbacks.signing import BOTH_SIGN

    if callback.disabled_at is not None:
        return f"disabled {_shown(callback.disabled_at)}: {callback.disabled_reason}"
    if callback.rotated_at is not None and datetime.now(UTC) < callback.rotated_at + BOTH_SIGN:
        return f"on; two secrets sign until {_shown(callback.rotated_at + BOTH_SIGN)}"
    return "on"


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def _tell(text: str) -> None:
    """Say it on standard error: standard output is for what a script reads."""
    typer.echo(text, err=True)
