"""The category models in the database: storing them, putting one in force, going back, and following which it is.

What a model is and how it is made is elsewhere in this folder; the tables are in ``model.py``.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.base.errors import Conflict, Invalid, Misconfigured, NotFound
from services.judgements.artefact import Artefact, unpack
from services.judgements.linear import LinearModel
from services.judgements.model import CategoryModelPromotion as Promotion
from services.judgements.model import CategoryModelRow as Row

log = logging.getLogger(__name__)

Origin = Literal["shipped", "trained", "imported"]

_FOLLOW_SECONDS: Final = 2.0
_LOCK: Final = 7_264_003


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model as people see it in a list. ``in_force`` since when, None when it is not."""

    number: int
    name: str
    origin: str
    about: Mapping[str, Any]
    comparison: Mapping[str, Any] | None
    created_at: datetime
    in_force: datetime | None


class CategoryModels:
    """Follows the model in force, and remembers it; a change is seen within two seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_look = 0.0
        self._number = 0
        self._model: LinearModel | None = None

    async def current(self, connection: AsyncConnection) -> LinearModel:
        """The model in force.

        Raises `Misconfigured` when none is, or when the first that this process meets is for another release; later
        ones that it can't read leave it with the one that it has, so that a rolling update stops nobody.
        """
        if self._model is None or self._clock() >= self._next_look:
            await self._look(connection)
            self._next_look = self._clock() + _FOLLOW_SECONDS
        assert self._model is not None
        return self._model

    async def _look(self, connection: AsyncConnection) -> None:
        row = (await connection.execute(_IN_FORCE)).one_or_none()
        if row is None:
            raise Misconfigured("no category model is in force in this database; run `redress migrate`")
        if row.number == self._number:
            return
        content = await connection.scalar(sa.select(Row.content).where(Row.number == row.number))
        try:
            # Unpacking takes a moment, and other work of this process goes on meanwhile.
            model, _ = await asyncio.to_thread(unpack, content or b"", f"the model {row.name} in force")
        except Invalid as error:
            if self._model is None:
                raise Misconfigured(f"{error}; `redress migrate` puts the one of this release in force") from error
            log.warning("%s; going on with %s", error, self._model.name)
        else:
            log.info("judging with %s now", model.name)
            self._model = model
        self._number = row.number


async def store(
    connection: AsyncConnection, artefact: Artefact, origin: Origin, comparison: Mapping[str, Any] | None = None
) -> bool:
    """Keep a model, without putting it in force. False: it is there already, and stays as it is."""
    added = await connection.execute(
        insert(Row)
        .values(
            name=artefact.name,
            origin=origin,
            content=artefact.content,
            about=dict(artefact.about),
            comparison=None if comparison is None else dict(comparison),
        )
        .on_conflict_do_nothing(index_elements=[Row.name])
    )
    return added.rowcount == 1


async def promote(connection: AsyncConnection, name: str, by: str) -> None:
    """Put a stored model in force; every process judges with it within seconds.

    Raises `NotFound`, `Conflict` when it is in force already, and `Invalid` when this release can't read it.
    """
    await _alone(connection)
    row = (await connection.execute(sa.select(Row.number, Row.content).where(Row.name == name))).one_or_none()
    if row is None:
        raise NotFound(f"there is no model {name}; `redress classifier list` shows those that there are")
    in_force = (await connection.execute(_IN_FORCE)).one_or_none()
    if in_force is not None and in_force.number == row.number:
        raise Conflict(f"{name} is in force already")
    await asyncio.to_thread(unpack, row.content, name)
    await connection.execute(sa.insert(Promotion).values(model=row.number, promoted_by=by))


async def rollback(connection: AsyncConnection, by: str) -> tuple[str, str]:
    """Take the last promotion back; returns the name of the model that was in force, and of the one that is now.

    Raises `services.base.errors.Conflict` when there is none before it.
    """
    await _alone(connection)
    standing = (await connection.execute(_STANDING)).all()
    if len(standing) < 2:
        raise Conflict("no model was in force before this one; there is nothing to go back to")
    await connection.execute(
        sa.update(Promotion)
        .where(Promotion.number == standing[0].promotion)
        .values(withdrawn_by=by, withdrawn_at=sa.func.now())
    )
    return standing[0].name, standing[1].name


async def ensure_shipped(connection: AsyncConnection, artefact: Artefact) -> None:
    """Keep the model of this release, and put it in force unless people have chosen another.

    That is when it is new here and an older shipped one is in force, when none is, or when this release can't read the
    one that is; all stay stored.
    """
    await _alone(connection)
    is_new = await store(connection, artefact, "shipped")
    in_force = (await connection.execute(_IN_FORCE)).one_or_none()
    if in_force is not None:
        chosen = not is_new or in_force.origin != "shipped"
        if in_force.name == artefact.name or (chosen and await _is_readable(connection, in_force.number)):
            return
    number = await connection.scalar(sa.select(Row.number).where(Row.name == artefact.name))
    await connection.execute(sa.insert(Promotion).values(model=number, promoted_by="system:migrate"))


async def stored(connection: AsyncConnection) -> list[StoredModel]:
    """All models, the newest first."""
    in_force = (await connection.execute(_IN_FORCE)).one_or_none()
    columns = (Row.number, Row.name, Row.origin, Row.about, Row.comparison, Row.created_at)
    rows = await connection.execute(sa.select(*columns).order_by(Row.number.desc()))
    promoted = {} if in_force is None else {in_force.number: in_force.promoted_at}
    return [StoredModel(**row._mapping, in_force=promoted.get(row.number)) for row in rows]


async def content_of(connection: AsyncConnection, name: str) -> bytes:
    """The bytes of a stored model. Raises `NotFound`."""
    content = await connection.scalar(sa.select(Row.content).where(Row.name == name))
    if content is None:
        raise NotFound(f"there is no model {name}; `redress classifier list` shows those that there are")
    return content


_STANDING = (
    sa.select(Promotion.number.label("promotion"), Row.number, Row.name, Row.origin, Promotion.promoted_at)
    .join(Row, Row.number == Promotion.model)
    .where(Promotion.withdrawn_at.is_(None))
    .order_by(Promotion.number.desc())
    .limit(2)
)
_IN_FORCE = _STANDING.limit(1)


async def _alone(connection: AsyncConnection) -> None:
    """Two people who change what is in force at the same moment do so one after the other."""
    await connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def _is_readable(connection: AsyncConnection, number: int) -> bool:
    content = await connection.scalar(sa.select(Row.content).where(Row.number == number))
    try:
        unpack(content or b"")
    except Invalid:
        return False
    return True
