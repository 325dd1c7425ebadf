"""Bringing a database to where the programs can begin: tables, the plan, the category model,
a row for everybody on the plan's staff.

It may be repeated at any time, by several processes at once; what is there already stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.running import migrate
from services.base.errors import Misconfigured
from services.judgements.artefact import shipped
from services.judgements.models import ensure_shipped
from services.notices.overrides import check
from services.people import duty
from services.plan.loading import PlanInvalid, load_plan, shipped_plan_text
from services.plan.schema import Plan
from services.plan.templates import FOLDER, read_templates, with_templates
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

    The templates in the folder beside the file are a part of the text. Raises `Misconfigured` when something can't be
    read, `PlanInvalid` with every mistake in the plan, `TemplatesInvalid` with every one in the templates.
    """
    if file is None:
        text = shipped_plan_text()
        return text, load_plan(text)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the plan {file} cannot be read: {error}") from error
    plan = load_plan(text, str(file))
    folder = file.parent / FOLDER
    templates = read_templates(folder)
    if templates:
        text, plan = _joined(file, text, plan, templates)
    check(plan.templates, str(folder))
    return text, plan


def _joined(file: Path, text: str, plan: Plan, templates: Mapping[str, str]) -> tuple[str, Plan]:
    if plan.templates:
        raise Misconfigured(f"the plan {file} has templates, and so has {file.parent / FOLDER}; keep them in one place")
    joined = with_templates(text, templates)
    try:
        whole = load_plan(joined, str(file))
    except PlanInvalid as error:
        # The plan was in order, so what is wrong came with the templates.
        raise Misconfigured(f"the templates in {file.parent / FOLDER} can't be added to the plan: {error}") from error
    return joined, whole
