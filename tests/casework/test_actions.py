"""What each staff action does to a case, its clocks, its record and the loads of people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Invalid, WrongState
from services.casework.handlers.assigning import Accept
from services.casework.handlers.conversing import Note, Reclassify, RenewLink
from services.casework.handlers.outage import SetEta
from services.casework.handlers.settling import Close, Reopen, Resolve, Skip
from services.casework.model import Deadline
from services.complaints.model import Complaint
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import (
    ADMIN,
    AGENT,
    ENGINEER,
    LAWYER,
    LEADER,
    NOW,
    OTHER_ENGINEER,
    case_of,
    do,
)
from tests.casework.readings import loads, met, record_of, result_notice, view


async def test_accepting_gives_the_case_to_the_one_who_accepts_and_moves_the_load(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)
    before = (await case_of(engine, case)).assignee
    taker = OTHER_ENGINEER if before != OTHER_ENGINEER else ENGINEER

    version = await do(engine, plans, case, Accept(), taker)

    now = await case_of(engine, case)
    assert (now.status, now.assignee, now.version) == ("in_progress", taker, version)
    assert await loads(engine) == {taker: 1}
    assert (await view(engine, case)).assignment == {
        "rule": "accepted",
        "previous": before,
        "at": NOW.isoformat(),
    }
    # Nobody has spoken to the customer yet.
    assert (await met(engine, case))["respond"] is None


async def test_accepting_ones_own_case_changes_no_load_and_keeps_why_it_was_given(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans)
    assignee = (await case_of(engine, case)).assignee
    assert assignee is not None
    given = (await view(engine, case)).assignment

    await do(engine, plans, case, Accept(), assignee)

    assert await loads(engine) == {assignee: 1}
    assert (await view(engine, case)).assignment == given


async def test_an_administrator_accepts_for_the_one_it_is_assigned_to(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans)
    assignee = (await case_of(engine, case)).assignee

    await do(engine, plans, case, Accept(), ADMIN)

    assert (await case_of(engine, case)).assignee == assignee
    assert (await record_of(engine, case))[-1].actor == "admin:root"


async def test_a_note_stands_in_the_record_and_its_words_in_the_private_half(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    await do(engine, plans, case, Note(text="客户今晚在家。"), ENGINEER)

    noted = (await record_of(engine, case))[-1]
    assert noted.type == "redress.complaint.noted.v1"
    assert noted.actor == f"staff:{ENGINEER}"
    assert noted.private == {"text": "客户今晚在家。"}
    assert "客户" not in str(noted.data)


async def test_a_link_that_others_have_is_made_anew_each_time_and_the_earlier_ones_open_nothing(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.closed_case(engine, plans)
    seen = {(await view(engine, case)).track_epoch}

    for _ in range(2):
        await do(engine, plans, case, RenewLink(reason="客户误将链接转发到群里。"), ENGINEER)
        seen.add((await view(engine, case)).track_epoch)

    renewed = (await record_of(engine, case))[-1]
    assert len(seen) == 3
    assert renewed.type == "redress.complaint.link_renewed.v1"
    assert renewed.private == {"reason": "客户误将链接转发到群里。"}


async def test_an_estimate_is_kept_and_a_changed_one_names_the_one_before(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    first, second = NOW + timedelta(hours=4), NOW + timedelta(hours=9)

    await do(engine, plans, case, SetEta(estimated_repair_at=first), ENGINEER)
    await do(engine, plans, case, SetEta(estimated_repair_at=second, reason="缺少配件。"), ENGINEER)

    assert (await case_of(engine, case)).estimated_repair_at == second
    one, two = (await record_of(engine, case))[-2:]
    assert "previous" not in one.data
    assert datetime.fromisoformat(two.data["previous"]) == first
    assert two.private == {"reason": "缺少配件。"}


@pytest.mark.parametrize(
    ("estimate", "code"),
    [
        (NOW, "past"),
        (NOW - timedelta(days=1), "past"),
        (NOW + timedelta(days=367), "too_far"),
        (datetime.max.replace(tzinfo=UTC), "too_far"),
        (datetime.min.replace(tzinfo=UTC), "past"),
    ],
)
async def test_an_estimate_outside_the_coming_year_is_refused(
    engine: AsyncEngine, plans: Plans, estimate: datetime, code: str
) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(Invalid) as refused:
        await do(engine, plans, case, SetEta(estimated_repair_at=estimate), ENGINEER)

    assert [(problem.field, problem.code) for problem in refused.value.problems] == [("estimated_repair_at", code)]


async def test_changing_an_estimate_needs_a_reason_and_another_time(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    estimate = NOW + timedelta(hours=4)
    await do(engine, plans, case, SetEta(estimated_repair_at=estimate), ENGINEER)

    with pytest.raises(Invalid, match="say why it changes"):
        await do(engine, plans, case, SetEta(estimated_repair_at=estimate + timedelta(hours=1)), ENGINEER)
    with pytest.raises(Invalid, match="is the estimate already"):
        await do(engine, plans, case, SetEta(estimated_repair_at=estimate, reason="同上"), ENGINEER)


async def test_only_a_fault_has_an_estimated_repair_time(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.dispatched_case(engine, plans, category="billing")

    with pytest.raises(WrongState) as refused:
        await do(engine, plans, case, SetEta(estimated_repair_at=NOW + timedelta(hours=1)), LAWYER)

    assert "set-eta" not in refused.value.possible


async def test_another_groups_category_sends_the_case_back_to_be_dispatched(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)
    await do(engine, plans, case, SetEta(estimated_repair_at=NOW + timedelta(hours=4)), ENGINEER)

    await do(engine, plans, case, Reclassify(category="billing", reason="投诉的是费用。"), ENGINEER)

    now = await case_of(engine, case)
    assert (now.status, now.category, now.severity) == ("classified", "billing", "major")
    assert (now.group_code, now.assignee, now.sub_category, now.estimated_repair_at) == (None, None, None, None)
    assert (await view(engine, case)).assignment is None
    assert await loads(engine) == {}
    event = (await record_of(engine, case))[-1]
    assert event.data == {
        "reference": now.reference,
        "category_before": "outage",
        "severity_before": "major",
        "category": "billing",
        "severity": "major",
        "reportable": False,
        "redispatched": True,
    }
    assert event.private == {"reason": "投诉的是费用。"}


async def test_a_category_of_the_same_group_leaves_the_case_with_its_person(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    await do(engine, plans, case, Reclassify(category="technical_support", reason="路由器设置问题。"), ENGINEER)

    now = await case_of(engine, case)
    assert (now.status, now.group_code, now.assignee) == ("in_progress", "technical_support", ENGINEER)
    assert (now.category, now.sub_category) == ("technical_support", None)
    assert await loads(engine) == {ENGINEER: 1}


async def test_the_severity_alone_can_be_overruled_and_decides_anew_what_is_reportable(
    engine: AsyncEngine, plans: Plans
) -> None:
    grave = await factories.accepted_case(engine, plans)
    lesser = await factories.accepted_case(engine, plans, severity="critical")
    threatened = await factories.accepted_case(engine, plans, severity="critical", signals=("press_threat",))

    await do(engine, plans, grave, Reclassify(severity="critical", reason="医院断网。"), ENGINEER)
    for case in (lesser, threatened):
        await do(engine, plans, case, Reclassify(severity="minor", reason="影响较小。"), ENGINEER)

    assert [(await view(engine, case)).reportable for case in (grave, lesser, threatened)] == [True, False, True]
    assert (await view(engine, grave)).sub_category == "no_service"


async def test_a_reclassification_that_changes_nothing_is_refused(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.accepted_case(engine, plans)

    with pytest.raises(Invalid, match="outage and major already"):
        await do(engine, plans, case, Reclassify(category="outage", severity="major", reason="确认"), ENGINEER)


async def test_an_unclear_case_waits_for_customer_service_and_is_dispatched_when_a_person_has_judged(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.dispatched_case(engine, plans, category="unclear", severity="minor")
    assert (await case_of(engine, case)).group_code == "customer_service"

    await do(engine, plans, case, Reclassify(category="outage", reason="断网。"), AGENT)

    assert (await case_of(engine, case)).status == "classified"


async def test_resolving_keeps_the_words_meets_the_clock_and_frees_the_person(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.accepted_case(engine, plans)
    await factories.skip_to_result(engine, plans, case, ENGINEER)

    await do(engine, plans, case, Resolve(text="  光缆已修复，宽带已恢复。\n"), ENGINEER, now=NOW + timedelta(hours=2))

    now = await view(engine, case)
    assert (now.status, now.resolution) == ("resolved", "光缆已修复，宽带已恢复。")
    assert now.resolved_at == NOW + timedelta(hours=2)
    assert (await met(engine, case))["resolve"] == NOW + timedelta(hours=2)
    assert await loads(engine) == {}


async def test_a_customers_acceptance_closes_when_the_result_was_sent(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.resolved_case(engine, plans)
    await result_notice(engine, case, "sent")

    await do(engine, plans, case, Close(decision="customer_accepted"), ENGINEER)

    closed = await view(engine, case)
    assert (closed.status, closed.closed_at) == ("closed", NOW)
    assert (await record_of(engine, case))[-1].data["decision"] == "customer_accepted"


@pytest.mark.parametrize("status", [None, "pending", "failed"])
async def test_an_acceptance_before_the_result_was_sent_must_say_how_it_came_about(
    engine: AsyncEngine, plans: Plans, status: str | None
) -> None:
    case = await factories.resolved_case(engine, plans)
    if status is not None:
        await result_notice(engine, case, status)

    with pytest.raises(Invalid, match="has not been sent"):
        await do(engine, plans, case, Close(decision="customer_accepted"), ENGINEER)
    await do(engine, plans, case, Close(decision="customer_accepted", reason="回访时客户确认。"), ENGINEER)

    assert (await case_of(engine, case)).status == "closed"


async def test_a_notifier_whose_clock_is_behind_has_told_the_result_all_the_same(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.resolved_case(engine, plans)
    await result_notice(engine, case, "sent", requested_at=NOW - timedelta(seconds=3))

    await do(engine, plans, case, Close(decision="customer_accepted"), ENGINEER)

    assert (await view(engine, case)).status == "closed"


async def test_the_notice_of_an_earlier_result_does_not_count_after_a_reopening(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.resolved_case(engine, plans)
    await result_notice(engine, case, "sent")
    await do(engine, plans, case, Reopen(reason="再次中断。"), ENGINEER)
    await factories.skip_to_result(engine, plans, case, ENGINEER)
    await do(engine, plans, case, Resolve(text="已再次修复。"), ENGINEER, now=NOW + timedelta(days=1))

    with pytest.raises(Invalid, match="has not been sent"):
        await do(engine, plans, case, Close(decision="customer_accepted"), ENGINEER)


@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_reopening_gives_the_case_back_and_starts_the_clock_again(
    engine: AsyncEngine, plans: Plans, status: str
) -> None:
    case = await factories.case_in(engine, plans, status)
    later = NOW + timedelta(days=3)

    await do(engine, plans, case, Reopen(reason="再次中断。"), LEADER, now=later)

    now = await view(engine, case)
    assert (now.status, now.assignee) == ("in_progress", ENGINEER)
    assert (now.resolution, now.resolved_at, now.closed_at) == (None, None, None)
    assert await loads(engine) == {ENGINEER: 1}
    async with engine.connect() as connection:
        query = sa.select(Deadline.started_at, Deadline.due_at, Deadline.met_at)
        clock = (await connection.execute(query.where(Deadline.kind == "resolve"))).one()
    assert tuple(clock) == (later, later + timedelta(hours=24), None)
    event = (await record_of(engine, case))[-1]
    assert event.data["status_before"] == status
    assert event.private == {"reason": "再次中断。", "assignee": ENGINEER}


async def test_the_first_estimate_after_a_reopening_is_no_change_of_the_old_one(
    engine: AsyncEngine, plans: Plans
) -> None:
    case = await factories.case_in(engine, plans, "in_progress")
    await do(engine, plans, case, SetEta(estimated_repair_at=NOW + timedelta(hours=2)), ENGINEER)
    await do(engine, plans, case, Skip(steps=("diagnose", "repair", "check"), reason="客户已恢复。"), ENGINEER)
    await do(engine, plans, case, Resolve(text="线路已修复。"), ENGINEER)
    await do(engine, plans, case, Reopen(reason="再次中断。"), ENGINEER)
    assert (await view(engine, case)).estimated_repair_at is None

    await do(engine, plans, case, SetEta(estimated_repair_at=NOW + timedelta(hours=9)), ENGINEER)

    assert "previous" not in (await record_of(engine, case))[-1].data


async def test_a_case_whose_person_has_left_goes_to_the_one_who_reopens_it(engine: AsyncEngine, plans: Plans) -> None:
    case = await factories.resolved_case(engine, plans)
    async with engine.begin() as connection:
        await connection.execute(sa.update(Complaint).values(assignee="left.long.ago"))

    await do(engine, plans, case, Reopen(reason="再次中断。"), OTHER_ENGINEER)

    assert (await case_of(engine, case)).assignee == OTHER_ENGINEER
    assert await loads(engine) == {OTHER_ENGINEER: 1}
