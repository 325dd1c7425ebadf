"""What a plan would change, and moving open cases to the one in force: `redress plan diff` and `plan move-cases`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from redress.composition import Composition
from services.base.errors import NotFound
from services.casework.replanning import OpenCases, move_some, open_by_version
from services.plan.differences import Difference, differences
from services.plan.model import PlanVersion

ACTOR: Final = "system:plan"


@dataclass(frozen=True, slots=True)
class Compared:
    """The differences, and the same in words."""

    differences: Sequence[Difference]
    words: str


async def compared(composition: Composition, text: str, against: int | None) -> Compared:
    """What ``text`` changes against a stored version, the one in force unless given. Raises `NotFound`."""
    async with composition.engine.connect() as connection:
        in_force, _ = await composition.plans.current(connection)
        version = against or in_force
        stored = await connection.scalar(sa.select(PlanVersion.text).where(PlanVersion.version == version))
        if stored is None:
            raise NotFound(f"there is no version {version} of the plan; the newest is {in_force}")
        found = differences(stored, text)
        open_cases = await open_by_version(connection)
    return Compared(found, "\n".join(_words(version, found, open_cases)))


async def move_all(composition: Composition, *, really: bool) -> str:
    """Move every open case to the plan in force, some at a time; says how many."""
    async with composition.engine.connect() as connection:
        in_force, _ = await composition.plans.current(connection)
        waiting = sum(one.count for one in await open_by_version(connection) if one.version < in_force)
    if not really:
        return f"{waiting} open cases run under an earlier plan than version {in_force}; --yes moves them"
    moved = left = 0
    while True:
        async with composition.engine.begin() as connection:
            done, stuck = await move_some(connection, composition.plans, ACTOR, datetime.now(UTC), skip=left)
        moved += done
        left += stuck
        if not done and not stuck:
            break
    rest = f"; {left} stay, because version {in_force} does not have their group or category" if left else ""
    return f"{moved} open cases run under version {in_force} now{rest}"


def _words(version: int, found: Sequence[Difference], open_cases: Sequence[OpenCases]) -> list[str]:
    if not found:
        return [f"The same as version {version}."]
    lines = [f"Against version {version}, {len(found)} differences:", *(f"  {one}" for one in found), ""]
    if open_cases:
        kept = ", ".join(f"{one.count} under version {one.version}" for one in open_cases)
        lines.append(f"Open cases keep the plan they run under: {kept}. `redress plan move-cases` moves them.")
    else:
        lines.append("No case is open.")
    return lines
