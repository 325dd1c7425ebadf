"""Bringing a database to where the programs can begin: tables, the plan, the category model,
a row for everybody on the plan's staff.

It may be repeated at any time, by several processes at once; what is there already stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.running import migrate
from services.base.errors import Misconfigured
from services.judgements.artefact import shipped
from services.judgements.models import ensure_shipped
from services.people import duty
from services.plan.loading import load_plan, shipped_plan_text
from services.plan.schema import Plan
from services.plan.versions import Plans


@dataclass(frozen=True, slots=True)
class Brought:
    """Where the database stands now."""

    revision: str
    plan_version: int


async def bring_up(engine: AsyncEngine, text: str, plan: Plan) -> Brought:
    """Migrate, store the plan as a new version unless it is in force already, the shipped model, and new staff."""
    revision = await migrate(engine)
    async with engine.begin() as connection:
        version = await Plans().ensure(connection, text)
        await ensure_shipped(connection, shipped())
        await duty.sync(connection, {person.login: person.on_duty for person in plan.staff})
    return Brought(revision, version)


def read_plan(file: Path | None) -> tuple[str, Plan]:
    """The plan's text and the plan in it: from the operator's file, or the one that is shipped.

    Raises `Misconfigured` when the file can't be read, `PlanInvalid` with every mistake in it.
    """
    if file is None:
        text = shipped_plan_text()
        return text, load_plan(text)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the plan {file} cannot be read: {error}") from error
    return text, load_plan(text, str(file))
