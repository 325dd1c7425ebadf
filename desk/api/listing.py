"""What the lists of tasks and directives are asked for, as their queries take it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework.naming import case_named
from services.people.keys import Caller
from services.plan.versions import Plans


async def conditions(
    connection: AsyncConnection, plans: Plans, wanted: BaseModel, complaint: str | None, caller: Caller
) -> dict[str, Any]:
    """All of ``wanted`` but the page, with the id of the ``complaint`` that it names. Raises `Invalid` for none."""
    filters = wanted.model_dump(exclude={"limit", "cursor", "complaint"})
    if complaint is not None:
        _, plan = await plans.current(connection)
        filters["complaint"] = await case_named(connection, complaint, caller.realm, plan.plan.reference_prefix)
    return filters
