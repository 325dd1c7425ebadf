"""The queue: which cases it shows, to whom, and page by page."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.stream.event import REALMS
from services.casework.handlers.assigning import Accept
from services.casework.model import Deadline
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import AGENT, ENGINEER, do
from tests.desk.factories import Headers, key_of

# The queue asks the database's clock, so these are past and future whenever the test runs.
LONG_AGO, FAR_OFF = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


async def queue(desk: httpx.AsyncClient, key: Headers, **wanted: str | int) -> list[str]:
    answer = await desk.get("/v1/complaints", headers=key, params=wanted)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_the_queue_holds_the_cases_that_meet_every_condition(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    received = str(await factories.received_case(engine))
    outage = await factories.dispatched_case(engine, plans)
    billing = str(await factories.dispatched_case(engine, plans, category="billing", severity="low"))
    await do(engine, plans, outage, Accept(), ENGINEER)
    key = await key_of(engine, "staff", AGENT)

    assert await queue(desk, key) == [received, str(outage), billing]
    assert await queue(desk, key, status="received") == [received]
    assert await queue(desk, key, category="billing", severity="low") == [billing]
    assert await queue(desk, key, category="billing", severity="major") == []
    assert await queue(desk, key, group="technical_support") == [str(outage)]
    assert await queue(desk, key, assignee=ENGINEER) == [str(outage)]


async def test_overdue_cases_are_those_with_an_open_deadline_in_the_past(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    late = await factories.dispatched_case(engine, plans)
    in_time = await factories.dispatched_case(engine, plans)
    met = await factories.dispatched_case(engine, plans)
    unjudged = await factories.received_case(engine)
    key = await key_of(engine, "staff", AGENT)
    async with engine.begin() as connection:
        await connection.execute(sa.update(Deadline).values(due_at=LONG_AGO))
        await connection.execute(sa.update(Deadline).where(Deadline.complaint_id == in_time).values(due_at=FAR_OFF))
        await connection.execute(sa.update(Deadline).where(Deadline.complaint_id == met).values(met_at=LONG_AGO))

    assert await queue(desk, key, overdue="true") == [str(late)]
    assert await queue(desk, key, overdue="false") == [str(in_time), str(met), str(unjudged)]


async def test_a_case_that_is_closed_is_not_overdue_whatever_it_never_met(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    closed = await factories.case_in(engine, plans, "closed")
    key = await key_of(engine, "staff", AGENT)
    async with engine.begin() as connection:
        await connection.execute(sa.update(Deadline).values(due_at=LONG_AGO, met_at=None))

    assert await queue(desk, key, overdue="true") == []
    assert await queue(desk, key, overdue="false") == [str(closed)]


async def test_pages_follow_one_another_without_gap_or_repetition(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    cases = [str(await factories.received_case(engine)) for _ in range(5)]
    key = await key_of(engine, "admin")
    seen: list[str] = []
    cursor = None

    for _ in range(3):
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await desk.get("/v1/complaints", headers=key, params=params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert seen == cases
    assert cursor is None


async def test_everybody_sees_the_cases_of_their_own_realm_alone(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    cases = {realm: str(await factories.received_case(engine, realm=realm)) for realm in REALMS}

    for realm, case in cases.items():
        assert await queue(desk, await key_of(engine, "staff", AGENT, realm)) == [case]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"status": "open"}, "status"),
        ({"category": "network"}, "category"),
        ({"limit": "201"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"overdue": "perhaps"}, "overdue"),
        ({"group": "x\x00"}, "group"),
        ({"statsu": "received"}, "statsu"),
    ],
)
async def test_a_wrong_condition_is_refused_by_its_name(
    desk: httpx.AsyncClient, engine: AsyncEngine, wanted: dict[str, str], field: str
) -> None:
    answer = await desk.get("/v1/complaints", headers=await key_of(engine, "admin"), params=wanted)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_cursor_that_is_none_of_ours_is_refused(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    answer = await desk.get("/v1/complaints", headers=await key_of(engine, "admin"), params={"cursor": "2"})

    assert answer.status_code == 422


async def test_channels_and_integrators_have_no_queue(desk: httpx.AsyncClient, engine: AsyncEngine) -> None:
    for role in ("channel", "integrator"):
        assert (await desk.get("/v1/complaints", headers=await key_of(engine, role))).status_code == 403


async def test_a_case_in_the_queue_carries_its_deadlines(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans
) -> None:
    await factories.accepted_case(engine, plans)

    page = (await desk.get("/v1/complaints", headers=await key_of(engine, "admin"))).json()

    deadlines = {deadline["kind"]: deadline for deadline in page["items"][0]["deadlines"]}
    assert deadlines["respond"]["met_at"] is None
    assert deadlines["resolve"] == {
        "kind": "resolve",
        "due_at": "2026-11-24T08:00:00Z",
        "met_at": None,
        "missed_at": None,
    }
