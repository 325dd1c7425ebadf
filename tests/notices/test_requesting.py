"""From what happens to a case to the notice that is written down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import NotFound
from services.base.identity import new_id
from services.base.stream.event import Event
from services.complaints.events import Closed, Diagnosed, EstimateSet, Reopened, Resolved
from services.plan.loading import shipped_plan_text
from services.plan.schema import Plan
from services.plan.versions import Plans
from tests.notices.factories import (
    NOW,
    case,
    change,
    dispatched,
    handle,
    happened,
    notices,
    received,
    told_events,
)

JUDGED = {
    "status": "in_progress",
    "plan_version": 1,
    "category": "outage",
    "severity": "major",
    "group_code": "technical_support",
    "assignee": "chen.guoqiang",
}


async def test_a_received_complaint_is_acknowledged_with_the_time_of_the_first_answer(engine: AsyncEngine) -> None:
    new = await case(engine)

    await handle(engine, [received(new)])

    (notice,) = await notices(engine)
    assert (notice.complaint_id, notice.kind, notice.way, notice.status) == (new, "acknowledgement", "email", "pending")
    allowed = (await _plan(engine)).deadlines_for("unclear", "minor").respond.time
    assert allowed is not None
    assert notice.facts["received_at"] == "2025-11-24T10:30:00+08:00"
    assert notice.facts["respond_by"] == (NOW + timedelta(hours=8) + allowed).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    assert await told_events(engine) == [("requested", 1)]


async def test_what_is_delivered_twice_is_told_once(engine: AsyncEngine) -> None:
    events = [received(await case(engine)) for _ in range(3)]

    await handle(engine, events)
    await handle(engine, [*events, *events])

    assert len(await notices(engine)) == 3
    assert await told_events(engine) == [("requested", 1)] * 3


async def test_no_name_address_or_link_stands_among_the_facts(engine: AsyncEngine) -> None:
    await handle(engine, [received(await case(engine, name="欧阳修文"))])

    (notice,) = await notices(engine)
    shown = str(notice.facts)
    for personal in ("欧阳修文", "li.wei", "13800138000", "track"):
        assert personal not in shown


async def test_a_dispatched_case_is_told_with_group_person_and_time_in_the_customers_language(
    engine: AsyncEngine,
) -> None:
    chinese = await case(engine, values=JUDGED)
    english = await case(engine, language="en", values=JUDGED)

    await handle(engine, [dispatched(chinese), dispatched(english)])

    facts = {notice.language: notice.facts for notice in await notices(engine)}
    assert (facts["zh"]["group"], facts["zh"]["assignee"]) == ("技术支持组", "陈国强")
    assert (facts["en"]["group"], facts["en"]["assignee"]) == ("Technical support group", "Chen Guoqiang")
    assert facts["zh"]["respond_by"] == "2025-11-24T12:30:00+08:00"


async def test_a_time_that_has_passed_is_not_promised(engine: AsyncEngine) -> None:
    new = await case(engine, values=JUDGED)

    await handle(engine, [received(new), dispatched(new)], now=NOW + timedelta(days=9))

    assert [notice.facts["respond_by"] for notice in await notices(engine)] == [None, None]


async def test_each_estimate_is_told_with_the_one_before(engine: AsyncEngine) -> None:
    new = await case(engine, values=JUDGED)
    first, second = NOW + timedelta(hours=1), NOW + timedelta(hours=3)

    await handle(engine, [happened(new, EstimateSet(reference="RD", estimated_repair_at=first), 4)])
    async with engine.begin() as connection:
        await connection.execute(sa.text("update notice set status = 'sent'"))
    await handle(engine, [happened(new, EstimateSet(reference="RD", estimated_repair_at=second, previous=first), 5)])

    told = [notice.facts for notice in await notices(engine)]
    assert [(one["estimated_repair_at"], one["previous"], one["later"]) for one in told] == [
        ("2025-11-24T11:30:00+08:00", None, False),
        ("2025-11-24T13:30:00+08:00", "2025-11-24T11:30:00+08:00", True),
    ]


async def test_an_estimate_that_was_never_told_is_dropped_for_the_newer_one_and_not_called_changed(
    engine: AsyncEngine,
) -> None:
    new = await case(engine, values=JUDGED)
    first, second = NOW + timedelta(hours=1), NOW + timedelta(hours=3)
    events = [
        happened(new, EstimateSet(reference="RD", estimated_repair_at=first), 4),
        happened(new, EstimateSet(reference="RD", estimated_repair_at=second, previous=first), 5),
    ]

    await handle(engine, events)
    await handle(engine, events)

    old, newer = await notices(engine)
    assert (old.status, old.failure, newer.status) == ("dropped", "superseded by estimate", "pending")
    assert (newer.facts["previous"], newer.facts["later"]) == (None, False)
    assert await told_events(engine) == [("requested", 1), ("requested", 1), ("dropped", 2)]


async def test_the_result_is_told_in_the_words_of_the_case(engine: AsyncEngine) -> None:
    new = await case(engine, values={**JUDGED, "status": "resolved", "resolution": "线路已修复。", "resolved_at": NOW})

    await handle(engine, [happened(new, Resolved(reference="RD"), 6)])

    (notice,) = await notices(engine)
    assert (notice.kind, notice.facts["resolution"]) == ("result", "线路已修复。")


async def test_a_result_that_was_taken_back_or_replaced_meanwhile_is_not_told(engine: AsyncEngine) -> None:
    taken_back = await case(engine, values=JUDGED)
    replaced = await case(
        engine, values={**JUDGED, "resolution": "第二次结果", "resolved_at": NOW + timedelta(minutes=5)}
    )

    await handle(
        engine,
        [
            happened(taken_back, Resolved(reference="RD"), 6),
            happened(taken_back, Reopened(reference="RD", status_before="resolved"), 7),
            happened(replaced, Resolved(reference="RD"), 6),
            happened(replaced, Resolved(reference="RD"), 8, time=NOW + timedelta(minutes=5)),
        ],
    )

    told = [(notice.complaint_id, notice.kind, notice.number) for notice in await notices(engine)]
    assert sorted(told) == sorted([(taken_back, "reopened", 7), (replaced, "result", 8)])


async def test_a_closed_case_is_told_with_how_it_was_decided(engine: AsyncEngine) -> None:
    new = await case(engine, values={**JUDGED, "status": "closed"})

    await handle(engine, [happened(new, Closed(reference="RD", decision="final_decision"), 7)])

    (notice,) = await notices(engine)
    assert (notice.kind, notice.facts["decision"]) == ("closed", "final_decision")


async def test_what_the_plan_has_no_notice_for_is_not_told(engine: AsyncEngine) -> None:
    new = await case(engine, values=JUDGED)

    await handle(engine, [happened(new, Diagnosed(reference="RD", cause="cable"), 4)])

    assert await notices(engine) == []


async def test_a_notice_that_the_plan_silences_is_not_told(engine: AsyncEngine) -> None:
    silenced = shipped_plan_text().replace(
        "{kind: acknowledgement, after: received,", "{kind: acknowledgement, after: received, tell: false,"
    )
    async with engine.begin() as connection:
        assert await Plans().ensure(connection, silenced) == 2

    await handle(engine, [received(await case(engine))])

    assert await notices(engine) == []


async def test_a_case_is_told_under_the_plan_that_it_runs_under(engine: AsyncEngine) -> None:
    silenced = shipped_plan_text().replace(
        "{kind: dispatched, after: dispatched,", "{kind: dispatched, after: accepted,"
    )
    async with engine.begin() as connection:
        assert await Plans().ensure(connection, silenced) == 2
    old, new = await case(engine, values=JUDGED), await case(engine, values={**JUDGED, "plan_version": 2})

    await handle(engine, [dispatched(old), dispatched(new)])

    assert [notice.complaint_id for notice in await notices(engine)] == [old]


async def test_without_any_way_the_notice_fails_and_says_why(engine: AsyncEngine) -> None:
    await handle(engine, [received(await case(engine, email=None))])

    (notice,) = await notices(engine)
    assert (notice.way, notice.status, notice.version) == ("none", "failed", 2)
    assert "there is no e-mail address" in notice.failure
    assert await told_events(engine) == [("requested", 1), ("failed", 2)]


async def test_the_address_to_reply_to_is_a_way_when_it_is_an_e_mail_address(engine: AsyncEngine) -> None:
    new = await case(engine, email=None, channel="app")
    personal = {"name": "李伟", "reply_channel": "email", "reply_address": "other@example.com"}
    await change(engine, new, personal=personal)

    await handle(engine, [received(new)])

    assert [notice.way for notice in await notices(engine)] == ["email"]


async def test_a_drills_notice_stays_in_its_realm(engine: AsyncEngine) -> None:
    await handle(engine, [received(await case(engine, realm="drill"))])

    async with engine.connect() as connection:
        realms = (await connection.execute(sa.text("select realm from notice union all select realm from event"))).all()
    assert [row.realm for row in realms] == ["drill", "drill"]


async def test_an_event_of_a_case_that_is_not_here_is_refused(engine: AsyncEngine) -> None:
    with pytest.raises(NotFound, match="not in this database"):
        await handle(engine, [received(new_id())])


async def test_a_batch_takes_the_same_few_statements_however_long_it_is(engine: AsyncEngine) -> None:
    few = [received(await case(engine)) for _ in range(2)]
    many = [received(await case(engine)) for _ in range(60)]

    assert await _statements(engine, few) == await _statements(engine, many) <= 7


async def _statements(engine: AsyncEngine, events: Sequence[Event]) -> int:
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    sa.event.listen(engine.sync_engine, "before_cursor_execute", count)
    await handle(engine, events)
    sa.event.remove(engine.sync_engine, "before_cursor_execute", count)
    return counted


async def _plan(engine: AsyncEngine) -> Plan:
    async with engine.connect() as connection:
        return await Plans().get(connection, 1)
