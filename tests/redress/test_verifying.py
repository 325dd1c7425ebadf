"""`redress complaints verify` proves that records and cases agree, and says where they don't."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework.model import Deadline
from services.casework.verifying import verify
from services.complaints.model import Complaint
from services.plan.versions import Plans
from tests.casework.factories import accepted_case, case_of, closed_case, received_case, resolved_case, sync_duty
from tests.redress.test_command_line import run

Command = Callable[..., CompletedProcess[str]]


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    made = Plans()
    await sync_duty(engine, made)
    return made


@pytest.fixture
def verified(database: str, tmp_path: Path) -> Command:
    """The command, on this database."""
    return lambda *more: run(
        "complaints", "verify", *more, folder=tmp_path, database_url=database, secret="x" * 32
    )  # fmt: skip


async def test_cases_that_are_what_their_records_say_end_with_0(
    engine: AsyncEngine, plans: Plans, verified: Command
) -> None:
    await received_case(engine)
    await accepted_case(engine, plans)
    await closed_case(engine, plans)

    done = verified()

    assert done.stdout == "3 replayed, 0 differ from their record\n"
    assert done.returncode == 0


async def test_what_was_changed_past_the_record_is_told_and_ends_with_1(
    engine: AsyncEngine, plans: Plans, verified: Command
) -> None:
    case = await accepted_case(engine, plans)
    reference = (await case_of(engine, case)).reference
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).values(assignee="left.long.ago"))

    done = verified()

    assert done.returncode == 1
    assert f"{reference} (live): assignee is left.long.ago, and by its record xu.lei\n" in done.stdout
    assert done.stdout.endswith("1 replayed, 1 differ from their record\n")


async def test_words_that_differ_are_not_shown(engine: AsyncEngine, plans: Plans, verified: Command) -> None:
    await resolved_case(engine, plans)
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).values(resolution="别的话"))

    done = verified()

    assert done.returncode == 1
    assert "resolution is not that, and by its record other words" in done.stdout
    assert "别的话" not in done.stdout


async def test_the_newest_cases_are_looked_at_first_and_only_as_many_as_were_asked_for(
    engine: AsyncEngine, plans: Plans, verified: Command
) -> None:
    oldest = await received_case(engine)
    await received_case(engine)
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).where(Complaint.id == oldest).values(severity="low"))

    assert verified("--limit", "1").stdout == "1 replayed, 0 differ from their record\n"
    assert "severity is low, and by its record None" in verified("--limit", "2").stdout


async def test_a_clock_that_was_met_past_the_record_differs(engine: AsyncEngine, plans: Plans) -> None:
    await accepted_case(engine, plans)
    async with engine.begin() as connection:
        await connection.execute(
            sa.update(Deadline).where(Deadline.kind == "resolve").values(met_at=sa.func.now(), next_at=None)
        )

    found = [difference.what async for _, page in verify(engine) for difference in page]

    assert found == ["clock resolve met"]


async def test_a_case_without_a_record_differs(engine: AsyncEngine) -> None:
    await received_case(engine)
    async with engine.begin() as connection:
        await connection.execute(sa.text("delete from event"))

    found = {difference.what for page in [one async for _, one in verify(engine)] for difference in page}

    assert "version" in found
