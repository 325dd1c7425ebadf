"""Changing the callbacks of channel front ends: setting, rotating, removing, switching off and on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import NotFound
from services.notices.callbacks.model import Callback
from services.notices.callbacks.queries import COLUMNS, CallbackView
from services.notices.channels.webhook_addresses import Endpoint
from services.people.model import ApiKey

_NEXT_EPOCH: Final = sa.text("nextval('callback_epoch')")
_ON: Final = {"disabled_at": None, "disabled_reason": None}


async def put(connection: AsyncConnection, realm: str, name: str, url: Endpoint) -> CallbackView:
    """Call this front end at ``url`` from now on; returns its callback. One that it had keeps its secret, and is
    switched on.

    Raises `NotFound` when no channel key has this name.
    """
    await _demand_key(connection, realm, name)
    new = insert(Callback).values(realm=realm, name=name, url=str(url))
    query = new.on_conflict_do_update(
        index_elements=[Callback.realm, Callback.name], set_={"url": new.excluded.url, **_ON}
    )
    return CallbackView(*(await connection.execute(query.returning(*COLUMNS))).one())


async def rotate(connection: AsyncConnection, realm: str, name: str) -> CallbackView:
    """Sign with a new secret, and for a while with the old one as well. Raises `NotFound`."""
    query = (
        _one(realm, name)
        .values(previous_epoch=Callback.epoch, epoch=_NEXT_EPOCH, rotated_at=sa.func.now())
        .returning(*COLUMNS)
    )
    return await _changed(connection, query, realm, name)


async def enable(connection: AsyncConnection, realm: str, name: str) -> CallbackView:
    """Call it again. Raises `NotFound`."""
    return await _changed(connection, _one(realm, name).values(_ON).returning(*COLUMNS), realm, name)


async def remove(connection: AsyncConnection, realm: str, name: str) -> CallbackView:
    """Have no callback for this front end any more; its secret never returns. Returns what it was. Raises
    `NotFound`.
    """
    query = sa.delete(Callback).where(Callback.realm == realm, Callback.name == name).returning(*COLUMNS)
    return await _changed(connection, query, realm, name)


async def disable(connection: AsyncConnection, called: CallbackView, reason: str) -> None:
    """Don't call it any more, unless it was given another URL since it was ``called``. Doing it again changes nothing.

    ``reason`` is for people.
    """
    still_the_same = (Callback.url == called.url, Callback.disabled_at.is_(None))
    query = _one(called.realm, called.name).where(*still_the_same)
    await connection.execute(query.values(disabled_at=sa.func.now(), disabled_reason=reason))


def _one(realm: str, name: str) -> sa.Update:
    return sa.update(Callback).where(Callback.realm == realm, Callback.name == name)


async def _changed(connection: AsyncConnection, query: sa.Executable, realm: str, name: str) -> CallbackView:
    row = (await connection.execute(query)).one_or_none()
    if row is not None:
        return CallbackView(*row)
    names = await connection.scalars(sa.select(Callback.name).where(Callback.realm == realm).order_by(Callback.name))
    raise NotFound(f"'{name}' has no callback in the realm {realm}; those that have one: {_listed(names.all())}")


async def _demand_key(connection: AsyncConnection, realm: str, name: str) -> None:
    query = sa.select(ApiKey.name).where(ApiKey.role == "channel", ApiKey.realm == realm, ApiKey.revoked_at.is_(None))
    names = sorted(set(await connection.scalars(query)))
    if name not in names:
        raise NotFound(
            f"no channel key is named '{name}' in the realm {realm}; there are: {_listed(names)}. "
            "`redress keys create --role channel NAME` makes one"
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
