"""Adding a file to a case: what it changes, when it is refused, and that it is there once."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Conflict, NotFound, WrongState
from services.base.files.receiving import ReceivedFile
from services.casework import attaching, customer
from services.casework.handlers.conversing import AwaitCustomer
from services.casework.handlers.relating import Merge
from services.complaints import attachments
from services.complaints.attachments import AttachmentView
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import ENGINEER, NOW, case_of, do
from tests.casework.readings import consistent
from tests.casework.scenes import DAY, HOUR, alerts, another_plan, events, happened, last, silent_since, timer

pytestmark = pytest.mark.usefixtures("in_order")


def photo(content: str = "1") -> ReceivedFile:
    return ReceivedFile(hashlib.sha256(content.encode()).hexdigest(), "image/png", 4_000_000_000)


async def attach(
    engine: AsyncEngine, plans: Plans, case: UUID, file: ReceivedFile | None = None, **changes: Any
) -> AttachmentView:
    said: dict[str, Any] = {"name": "李伟的账单.png", "by": "channel", "actor": "channel:app", "now": NOW} | changes
    async with engine.begin() as connection:
        return await attaching.attach(connection, plans, case, file or photo(), **said)


async def of_case(engine: AsyncEngine, case: UUID, realm: str = "live") -> list[AttachmentView]:
    async with engine.connect() as connection:
        return await attachments.of_case(connection, case, realm)


@pytest.mark.parametrize("status", ["received", "classified", "dispatched", "in_progress", "resolved"])
async def test_a_file_stands_in_the_record_and_its_name_only_where_no_stream_sees_it(
    engine: AsyncEngine, plans: Plans, status: str
) -> None:
    case = await factories.case_in(engine, plans, status)

    view = await attach(engine, plans, case)

    told = await last(engine, case)
    assert (told.type, told.actor) == ("redress.complaint.attached.v1", "channel:app")
    assert told.data == {
        "reference": (await case_of(engine, case)).reference,
        "attachment": str(view.id),
        "media_type": "image/png",
        "size": 4_000_000_000,
    }
    assert told.private == {"name": "李伟的账单.png"}
    assert (await case_of(engine, case)).status == status
    assert await of_case(engine, case) == [view]
    assert (view.name, view.added_by, view.attached_at) == ("李伟的账单.png", "channel", NOW)


@pytest.mark.parametrize(("by", "told"), [("customer", [ENGINEER]), ("channel", [ENGINEER]), ("staff", [])])
async def test_the_one_who_has_the_case_hears_of_what_the_customer_sends(
    engine: AsyncEngine, plans: Plans, by: str, told: list[str]
) -> None:
    case = await factories.accepted_case(engine, plans)

    await attach(engine, plans, case, by=by)

    assert await alerts(engine, case, "customer_replied") == told


@pytest.mark.parametrize(("by", "status"), [("customer", "in_progress"), ("staff", "awaiting_customer")])
async def test_a_customer_who_was_asked_and_sends_a_file_has_answered(
    engine: AsyncEngine, plans: Plans, by: str, status: str
) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, AwaitCustomer(question="请发一张光猫的照片。"), ENGINEER)

    await attach(engine, plans, case, by=by)

    assert (await case_of(engine, case)).status == status
    went_on = ["attached", "resumed"] if status == "in_progress" else ["attached"]
    assert (await happened(engine, case))[-len(went_on) :] == went_on
    assert [event.data["cause"] for event in await events(engine, case, "resumed")] == ["answered"] * (by != "staff")
    assert (await timer(engine, case, "remind") is None) == (by != "staff")
    assert await consistent(engine, case)


async def test_silence_counts_from_the_file(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.resolved_case(engine, plans)
    await silent_since(engine, case, NOW)
    before = await timer(engine, case, "close")

    await attach(engine, plans, case, now=NOW + DAY)

    assert before is not None
    assert await timer(engine, case, "close") == before + DAY


async def test_the_same_content_again_is_the_same_attachment(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    first = await attach(engine, plans, case)
    again = await attach(engine, plans, case, name="another name.png", by="customer", now=NOW + HOUR)

    assert again == first
    assert await happened(engine, case) == [*(await happened(engine, case))[:-1], "attached"]
    assert len(await events(engine, case, "attached")) == 1


async def test_the_same_content_sent_at_the_same_time_is_there_once(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    views = await asyncio.gather(*(attach(engine, plans, case) for _ in range(5)))

    assert len({view.id for view in views}) == 1
    assert len(await of_case(engine, case)) == 1


async def test_the_same_content_may_be_on_two_cases(engine: AsyncEngine, plans: Plans) -> None:
    first, second = [await factories.received_case(engine) for _ in range(2)]

    views = [await attach(engine, plans, case) for case in (first, second)]

    assert views[0].id != views[1].id


async def test_a_case_takes_as_many_as_the_plan_in_force_says(engine: AsyncEngine, plans: Plans) -> None:
    await another_plan(engine, ("  most: 10\n", "  most: 2\n"))
    case = await factories.received_case(engine)
    kept = [await attach(engine, Plans(), case, photo(content)) for content in "12"]

    with pytest.raises(Conflict, match="has 2 files, and 2 are the most"):
        await attach(engine, Plans(), case, photo("3"))
    repeated = await attach(engine, Plans(), case, photo("1"))

    assert repeated == kept[0]
    assert await of_case(engine, case) == kept


@pytest.mark.parametrize("status", ["closed", "withdrawn"])
async def test_a_case_that_is_over_takes_none_and_says_what_to_do(
    engine: AsyncEngine, plans: Plans, status: str
) -> None:
    case = await factories.case_in(engine, plans, "in_progress" if status == "withdrawn" else status)
    if status == "withdrawn":
        async with engine.begin() as connection:
            await customer.withdraw(connection, plans, case, None, NOW)
    before = await happened(engine, case)

    with pytest.raises(WrongState, match=f"is {status}; reopen it first") as refused:
        await attach(engine, plans, case)
    async with engine.connect() as connection:
        with pytest.raises(WrongState):
            await attaching.require_room(connection, plans, case)

    assert refused.value.possible == ("reopen",)
    assert await happened(engine, case) == before


async def test_a_case_that_was_merged_names_the_one_that_takes_the_file(engine: AsyncEngine, plans: Plans) -> None:
    case, into = [await factories.accepted_case(engine, plans, customer="+8613800138000") for _ in range(2)]
    reference = (await case_of(engine, into)).reference
    await do(engine, plans, case, Merge(into=reference, reason="同一故障。"), factories.LEADER)

    with pytest.raises(WrongState, match=f"merged into {reference}"):
        await attach(engine, plans, case)


async def test_there_is_room_for_a_content_that_a_full_case_has_and_for_no_other(
    engine: AsyncEngine, plans: Plans
) -> None:
    await another_plan(engine, ("  most: 10\n", "  most: 1\n"))
    plans = Plans()
    case = await factories.received_case(engine)
    await attach(engine, plans, case, photo("1"))

    async with engine.connect() as connection:
        await attaching.require_room(connection, plans, case, photo("1").sha256)
        with pytest.raises(Conflict):
            await attaching.require_room(connection, plans, case, photo("2").sha256)


async def test_files_of_a_drill_and_of_other_cases_are_not_found(engine: AsyncEngine, plans: Plans) -> None:
    case, other = [await factories.received_case(engine) for _ in range(2)]
    drill = await factories.received_case(engine, realm="drill")
    view, of_drill = await attach(engine, plans, case), await attach(engine, plans, drill)

    async with engine.connect() as connection:
        for wanted, realm, attachment in ((other, "live", view.id), (drill, "live", of_drill.id)):
            with pytest.raises(NotFound):
                await attachments.find(connection, wanted, realm, attachment)
        assert await attachments.find(connection, drill, "drill", of_drill.id) == of_drill
        realms = (await connection.execute(sa.text("select realm from attachment order by realm"))).scalars()
        assert list(realms) == ["drill", "live"]
