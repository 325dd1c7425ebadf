"""Whether the database has the tables that the programs need; making them is `redress migrate`'s."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from migrations.running import current_revision, head_revision
from services.base.errors import Misconfigured
from services.base.failures import is_passing

log = logging.getLogger(__name__)

_ANSWER_SECONDS: Final = 5.0


async def check_schema(engine: AsyncEngine) -> None:
    """Raise `Misconfigured` when the database answers and is not at this program's revision.

    A database that does not answer is no reason to end: the programs wait for it.
    """
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            current = await current_revision(engine)
    except Exception as error:
        if not is_passing(error):
            raise
        log.warning("the database does not answer yet; going on: %s", error or "no answer in time")
        return
    wanted = head_revision()
    if current is None:
        raise Misconfigured("the database has no tables of Redress; run `redress migrate`")
    if current != wanted:
        raise Misconfigured(
            f"the database is at revision {current}, and this program needs {wanted}; run `redress migrate`"
        )
