"""Entering absences: what is refused and why, what counts when, and cancelling."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Conflict, Invalid, NotFound
from services.people import absences
from services.people.absences import NewAbsence
from services.people.rota import Entry

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
DAY = timedelta(days=1)
LEAVE = NewAbsence("xu.lei", "leave", NOW + DAY, NOW + 5 * DAY, "gao.xiang", "年假")


async def add(engine: AsyncEngine, new: NewAbsence = LEAVE, **other: Any) -> Entry:
    async with engine.begin() as connection:
        return await absences.add(connection, replace(new, **other), "staff:xu.lei", NOW)


async def cancel(engine: AsyncEngine, absence: UUID, login: str = "xu.lei", now: datetime = NOW) -> Entry:
    async with engine.begin() as connection:
        return await absences.cancel(connection, login, absence, now)


async def since(engine: AsyncEngine, moment: datetime, *logins: str) -> dict[str, list[Entry]]:
    async with engine.connect() as connection:
        return await absences.since(connection, logins or ("xu.lei",), moment)


async def test_what_was_entered_is_read_back(engine: AsyncEngine) -> None:
    entry = await add(engine)

    assert await since(engine, NOW) == {"xu.lei": [entry]}
    assert (entry.kind, entry.from_at, entry.until_at) == ("leave", NOW + DAY, NOW + 5 * DAY)
    assert (entry.substitute, entry.note, entry.created_by, entry.created_at) == (
        "gao.xiang",
        "年假",
        "staff:xu.lei",
        NOW,
    )


async def test_what_is_over_is_left_out_and_the_earliest_comes_first(engine: AsyncEngine) -> None:
    later = await add(engine, from_at=NOW + 8 * DAY, until_at=NOW + 9 * DAY)
    first = await add(engine)

    assert (await since(engine, NOW))["xu.lei"] == [first, later]
    assert (await since(engine, NOW + 5 * DAY))["xu.lei"] == [later]
    assert await since(engine, NOW, "gao.xiang") == {}


async def test_only_what_covers_the_moment_counts_at_it(engine: AsyncEngine) -> None:
    entry = await add(engine)

    async with engine.connect() as connection:
        before, during, after = [
            await absences.at(connection, ["xu.lei"], moment) for moment in (NOW, NOW + DAY, NOW + 5 * DAY)
        ]
    assert (before, during, after) == ({}, {"xu.lei": [entry]}, {})


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"until_at": NOW + DAY}, {("until_at", "wrong_order")}),
        ({"until_at": NOW + 368 * DAY}, {("until_at", "too_long")}),
        ({"from_at": NOW - 2 * DAY, "until_at": NOW}, {("until_at", "past")}),
        ({"substitute": "xu.lei"}, {("substitute", "oneself")}),
        ({"kind": "duty"}, {("substitute", "not_away")}),
        (
            {"from_at": NOW, "until_at": NOW - DAY, "substitute": "xu.lei"},
            {("until_at", "wrong_order"), ("until_at", "past"), ("substitute", "oneself")},
        ),
    ],
)
async def test_what_makes_no_sense_is_refused_with_every_wrong_field(
    engine: AsyncEngine, wrong: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    with pytest.raises(Invalid) as refused:
        await add(engine, **wrong)

    assert {(problem.field, problem.code) for problem in refused.value.problems} == expected
    assert await since(engine, NOW - 10 * DAY) == {}


async def test_an_absence_that_began_already_can_be_entered(engine: AsyncEngine) -> None:
    assert (await add(engine, from_at=NOW - 3 * DAY)).from_at == NOW - 3 * DAY


async def test_what_overlaps_is_refused_with_the_id_of_the_other(engine: AsyncEngine) -> None:
    entry = await add(engine)

    for from_at, until_at in ((NOW, NOW + 2 * DAY), (NOW + 2 * DAY, NOW + 3 * DAY), (NOW + 4 * DAY, NOW + 9 * DAY)):
        with pytest.raises(Conflict, match=str(entry.id)):
            await add(engine, from_at=from_at, until_at=until_at)


async def test_what_begins_when_the_other_ends_is_no_overlap(engine: AsyncEngine) -> None:
    await add(engine)

    await add(engine, kind="training", from_at=NOW + 5 * DAY, until_at=NOW + 6 * DAY)

    assert len((await since(engine, NOW))["xu.lei"]) == 2


async def test_somebody_can_fall_sick_during_an_extra_shift_but_not_take_one_on_during_an_absence(
    engine: AsyncEngine,
) -> None:
    await add(engine, kind="duty", substitute=None)
    sick = await add(engine, kind="sick", substitute=None, until_at=NOW + 9 * DAY)

    with pytest.raises(Conflict, match=str(sick.id)):
        await add(engine, kind="duty", substitute=None, from_at=NOW + 6 * DAY, until_at=NOW + 7 * DAY)


async def test_a_substitute_who_is_away_themselves_is_refused(engine: AsyncEngine) -> None:
    await add(engine, login="gao.xiang", substitute=None, until_at=NOW + 2 * DAY)

    with pytest.raises(Conflict, match=r"the substitute 'gao\.xiang' has leave from 2026-11-24"):
        await add(engine)
    await add(engine, from_at=NOW + 2 * DAY)


async def test_a_substitute_who_has_an_extra_shift_is_taken(engine: AsyncEngine) -> None:
    await add(engine, login="gao.xiang", kind="duty", substitute=None)

    assert (await add(engine)).substitute == "gao.xiang"


async def test_of_two_that_overlap_and_come_at_once_one_is_entered(engine: AsyncEngine) -> None:
    outcomes = await asyncio.gather(*(add(engine) for _ in range(4)), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 3 + ["Entry"]
    assert len((await since(engine, NOW))["xu.lei"]) == 1


async def test_what_was_cancelled_counts_for_nothing_and_can_be_cancelled_again(engine: AsyncEngine) -> None:
    entry = await add(engine)

    assert await cancel(engine, entry.id) == await cancel(engine, entry.id) == entry

    assert await since(engine, NOW) == {}
    assert (await add(engine)).id != entry.id


async def test_nobody_cancels_what_is_not_theirs_or_what_is_over(engine: AsyncEngine) -> None:
    entry = await add(engine)

    with pytest.raises(NotFound):
        await cancel(engine, entry.id, login="gao.xiang")
    with pytest.raises(NotFound):
        await cancel(engine, UUID(int=1))
    with pytest.raises(Conflict, match="is over"):
        await cancel(engine, entry.id, now=NOW + 5 * DAY)
