"""What cases teach: those whose category a person corrected, and those that people settled as they were judged.

Only the masked copy is read, and only of real complaints: drills and the sandbox teach nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.complaints.events import Reclassified
from services.judgements.training.corpus import Sample

CORRECTION: Final = "correction"
CONFIRMED: Final = "confirmed"
WEIGHTS: Final = {CORRECTION: 3.0, CONFIRMED: 1.0}
"""How much a case counts beside a text of the corpus: a correction is what the model did not know."""

_MOST: Final = 50_000
# One in five, chosen by who complained: the same people's cases are held back for ever, so that two models can be
# compared on what neither has learned.
_HELD_BACK: Final = 5

_CASES: Final = sa.text(
    """
    select c.masked, c.category, corrected.yes is not null as corrected,
           encode(coalesce(c.account_hash, c.phone_hash, c.email_hash, uuid_send(c.id)), 'hex') as author
    from complaint c
    left join lateral (
        select true as yes from event e
        where e.key = c.id and e.type = :reclassified and e.data->>'category' <> e.data->>'category_before' limit 1
    ) corrected on true
    where c.realm = 'live' and c.masked is not null and c.category <> 'unclear'
      and (corrected.yes or c.status in ('resolved', 'closed'))
    order by c.id desc limit :most
    """
).bindparams(reclassified=Reclassified.TYPE, most=_MOST)


async def learnable(connection: AsyncConnection) -> list[Sample]:
    """The newest 50,000 cases that teach something, each text once."""
    return distinct(await connection.execute(_CASES))


def distinct(rows: Iterable[Any]) -> list[Sample]:
    """A sample for each text; of several cases with the same words a corrected one, and of those the newest."""
    samples: dict[str, Sample] = {}
    for row in rows:
        source = CORRECTION if row.corrected else CONFIRMED
        known = samples.get(row.masked)
        if known is None or (known.source == CONFIRMED and source == CORRECTION):
            samples[row.masked] = Sample(row.masked, row.category, None, source, WEIGHTS[source], row.author)
    return list(samples.values())


def is_held_back(sample: Sample) -> bool:
    """Whether this case is never learned from, and kept for comparing models."""
    return hashlib.sha256((sample.author or sample.text).encode()).digest()[0] % _HELD_BACK == 0
