"""Reaching PostgreSQL: how its URL is read, and what an error of its does not tell."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.database import connect


async def test_an_error_of_the_database_does_not_repeat_the_values_that_were_bound(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError) as raised:
            await connection.execute(sa.text("select cast(:name as text) from nowhere"), {"name": "李伟"})

    assert "李伟" not in f"{raised.value} {raised.value!r}"


async def test_a_user_whose_name_is_percent_encoded_in_the_url_is_let_in(engine: AsyncEngine, database: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(sa.text('create role "redress@care" login'))
    url = database.replace("postgres@", "redress%40care@", 1)

    try:
        session = await connect(url)
        user = await session.fetchval("select current_user")
        await session.close()
    finally:
        async with engine.begin() as connection:
            await connection.execute(sa.text('drop role "redress@care"'))

    assert user == "redress@care"


async def test_of_several_hosts_in_the_url_the_one_that_answers_is_taken(database: str) -> None:
    name, folder = urlsplit(database).path.lstrip("/"), database.rpartition("host=")[2]

    session = await connect(f"postgresql://postgres@/{name}?host=/nowhere,{folder}")

    assert await session.fetchval("select current_database()") == name
    await session.close()
