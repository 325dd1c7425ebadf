"""Models in the database: kept, promoted, taken back, and followed by those who judge."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Conflict, Invalid, Misconfigured, NotFound
from services.judgements import models
from services.judgements.artefact import Artefact, pack, shipped
from services.judgements.model import CategoryModelPromotion, CategoryModelRow
from services.judgements.models import CategoryModels, Origin
from tests.judgements.factories import small_fit


def another(number: int = 1) -> Artefact:
    return pack(small_fit().weights, {"number": number})


UNREADABLE = Artefact(b"of a later release", "category-later", {})


async def keep(engine: AsyncEngine, artefact: Artefact, origin: Origin = "trained") -> bool:
    async with engine.begin() as connection:
        return await models.store(connection, artefact, origin)


async def promote(engine: AsyncEngine, name: str) -> None:
    async with engine.begin() as connection:
        await models.promote(connection, name, "terminal:somebody")


async def rollback(engine: AsyncEngine) -> tuple[str, str]:
    async with engine.begin() as connection:
        return await models.rollback(connection, "terminal:somebody")


async def ensure(engine: AsyncEngine, artefact: Artefact) -> None:
    async with engine.begin() as connection:
        await models.ensure_shipped(connection, artefact)


async def in_force(engine: AsyncEngine, follower: CategoryModels | None = None) -> str:
    async with engine.connect() as connection:
        return (await (follower or CategoryModels()).current(connection)).name


async def break_the_one_in_force(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.update(CategoryModelRow).values(content=b"of a later release"))


async def test_a_new_database_judges_with_the_shipped_model(engine: AsyncEngine) -> None:
    assert await in_force(engine) == shipped().name


async def test_keeping_a_model_changes_nothing_and_promoting_puts_it_in_force(engine: AsyncEngine) -> None:
    assert await keep(engine, another())
    assert not await keep(engine, another())
    assert await in_force(engine) == shipped().name

    await promote(engine, another().name)

    assert await in_force(engine) == another().name


async def test_a_promotion_is_seen_within_two_seconds_and_costs_no_query_before(engine: AsyncEngine) -> None:
    now = 0.0
    follower = CategoryModels(clock=lambda: now)
    assert await in_force(engine, follower) == shipped().name
    await keep(engine, another())
    await promote(engine, another().name)

    now = 1.9
    assert await in_force(engine, follower) == shipped().name
    now = 2.0
    assert await in_force(engine, follower) == another().name


async def test_going_back_goes_through_the_promotions_one_by_one(engine: AsyncEngine) -> None:
    for number in (1, 2):
        await keep(engine, another(number))
        await promote(engine, another(number).name)

    assert await rollback(engine) == (another(2).name, another(1).name)
    assert await rollback(engine) == (another(1).name, shipped().name)
    with pytest.raises(Conflict, match="nothing to go back to"):
        await rollback(engine)
    assert await in_force(engine) == shipped().name


async def test_who_promoted_and_who_took_back_stays_known(engine: AsyncEngine) -> None:
    await keep(engine, another())
    await promote(engine, another().name)
    await rollback(engine)

    async with engine.connect() as connection:
        promotions = (await connection.execute(sa.select(CategoryModelPromotion.__table__))).all()

    assert [(row.promoted_by, row.withdrawn_by) for row in promotions] == [
        ("system:migrate", None),
        ("terminal:somebody", "terminal:somebody"),
    ]


async def test_two_who_take_back_at_once_take_back_twice(engine: AsyncEngine) -> None:
    for number in (1, 2, 3):
        await keep(engine, another(number))
        await promote(engine, another(number).name)

    await asyncio.gather(rollback(engine), rollback(engine))

    assert await in_force(engine) == another(1).name


async def test_what_cannot_be_promoted_is_said(engine: AsyncEngine) -> None:
    await keep(engine, UNREADABLE)

    with pytest.raises(NotFound, match="redress classifier list"):
        await promote(engine, "category-none")
    with pytest.raises(Conflict, match="in force already"):
        await promote(engine, shipped().name)
    with pytest.raises(Invalid, match="category-later"):
        await promote(engine, UNREADABLE.name)


async def test_migrating_again_leaves_what_people_chose(engine: AsyncEngine) -> None:
    await keep(engine, another())
    await promote(engine, another().name)

    await ensure(engine, shipped())
    assert await in_force(engine) == another().name

    await ensure(engine, another(7))
    assert await in_force(engine) == another().name


async def test_a_new_release_brings_its_model_in_force_where_nobody_chose(engine: AsyncEngine) -> None:
    await ensure(engine, another(7))
    assert await in_force(engine) == another(7).name

    await rollback(engine)
    await ensure(engine, another(7))
    assert await in_force(engine) == shipped().name


async def test_a_model_that_this_release_cannot_read_gives_way_to_the_shipped_one(engine: AsyncEngine) -> None:
    await keep(engine, another())
    await promote(engine, another().name)
    await break_the_one_in_force(engine)

    with pytest.raises(Misconfigured, match="redress migrate"):
        await in_force(engine)
    await ensure(engine, another(7))

    assert await in_force(engine) == another(7).name


async def test_who_judges_already_goes_on_when_the_new_model_cannot_be_read(engine: AsyncEngine) -> None:
    now = 0.0
    follower = CategoryModels(clock=lambda: now)
    await in_force(engine, follower)
    await keep(engine, another())
    await promote(engine, another().name)
    await break_the_one_in_force(engine)

    now = 10.0

    assert await in_force(engine, follower) == shipped().name


async def test_a_database_without_a_model_is_told_what_to_run(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.text("truncate category_model_promotion"))

    with pytest.raises(Misconfigured, match="redress migrate"):
        await in_force(engine)


async def test_the_list_shows_what_is_in_force(engine: AsyncEngine) -> None:
    await keep(engine, another())
    await promote(engine, another().name)

    async with engine.connect() as connection:
        stored = await models.stored(connection)

    assert [(one.name, one.origin, one.in_force is not None) for one in stored] == [
        (another().name, "trained", True),
        (shipped().name, "shipped", False),
    ]
    assert stored[0].about == {"number": 1}
