"""How cases hang together: repeats, links, parents and children, duplicates merged and parted."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.errors import Changed, Conflict, Forbidden, Invalid, NotFound, WrongState
from services.casework import customer, links
from services.casework.handlers.assigning import Accept
from services.casework.handlers.conversing import AwaitCustomer, Escalate, Note
from services.casework.handlers.outage import SetEta
from services.casework.handlers.relating import Link, Merge, Unlink, Unmerge
from services.casework.handlers.settling import Close, Reject, Resolve
from services.complaints.commands import lock
from services.complaints.events import Classified
from services.plan.versions import Plans
from tests.casework import factories
from tests.casework.factories import AGENT, ENGINEER, NOW, OTHER_ENGINEER, case_of, do, received_case
from tests.casework.readings import loads, record_of
from tests.casework.scenes import (
    DAY,
    HOUR,
    due_at,
    events,
    fire,
    handle,
    happened,
    last,
    of,
    short,
    silent_since,
    timer,
)

pytestmark = pytest.mark.usefixtures("in_order")

LI_WEI, WANG_WU = "+8613800138000", "+8613900139000"
SETTLED = Resolve(text="小区光缆已修复。")
FINAL = Close(decision="final_decision", reason="已修复并回访。")
JUDGED = Classified(
    reference="RD", category="outage", best_guess="outage", severity="major", confidence=0.9, reportable=False,
    model="lexicon-1", plan_version=1,
)  # fmt: skip


async def taken_up(engine: AsyncEngine, plans: Plans, customer_: str = LI_WEI, who: str = ENGINEER) -> UUID:
    return await factories.accepted_case(engine, plans, who, customer=customer_)


async def merged(engine: AsyncEngine, plans: Plans) -> tuple[UUID, UUID]:
    """A case and its duplicate; another engineer had the duplicate."""
    main, duplicate = await taken_up(engine, plans), await taken_up(engine, plans, who=OTHER_ENGINEER)
    await do(engine, plans, duplicate, Merge(into=str(main), reason="同一故障重复来电。"), OTHER_ENGINEER)
    return main, duplicate


async def linked_with(engine: AsyncEngine, case: UUID) -> list[tuple[UUID, str, bool]]:
    async with engine.connect() as connection:
        return [(view.other, view.relation, view.outward) for view in await links.of_case(connection, case)]


async def test_a_repeated_complaint_is_linked_with_the_earlier_one_when_it_is_dispatched_and_not_swallowed(
    engine: AsyncEngine, plans: Plans
) -> None:
    earlier = await factories.classified_case(engine, customer=LI_WEI)
    await handle(engine, of(earlier, JUDGED))
    repeat = await factories.classified_case(engine, customer=LI_WEI)

    await handle(engine, of(repeat, JUDGED))

    assert (await happened(engine, repeat))[2:] == ["linked", "dispatched"]
    linked = (await events(engine, repeat, "linked"))[0]
    assert (linked.data["other"], linked.data["relation"]) == (str(earlier), "repeat")
    assert (await case_of(engine, repeat)).assignee is not None
    assert await linked_with(engine, repeat) == [(earlier, "repeat", True)]
    assert await linked_with(engine, earlier) == [(repeat, "repeat", False)]


@pytest.mark.parametrize(("customer_", "category"), [(WANG_WU, "outage"), (LI_WEI, "billing"), (None, "outage")])
async def test_the_complaint_of_somebody_else_or_about_something_else_is_no_repeat(
    engine: AsyncEngine, plans: Plans, customer_: str | None, category: str
) -> None:
    earlier = await factories.classified_case(engine, customer=LI_WEI)
    other = await factories.classified_case(engine, customer=customer_, category=category)  # type: ignore[arg-type]

    await handle(engine, of(earlier, JUDGED), of(other, JUDGED))

    assert "linked" not in await happened(engine, other)


async def test_a_complaint_ninety_days_later_is_no_repeat(engine: AsyncEngine, plans: Plans) -> None:
    for late, is_repeat in ((90 * DAY, True), (91 * DAY, False)):
        who = f"+86139{late.days:08}"
        earlier = await factories.classified_case(engine, customer=who)
        later = await received_case(engine, customer=who, received_at=factories.RECEIVED_AT + late)
        await factories.classify(engine, later)

        await handle(engine, of(earlier, JUDGED), of(later, JUDGED), now=NOW + late)

        assert ("linked" in await happened(engine, later)) is is_repeat


async def test_delivered_again_a_repeat_is_linked_once(engine: AsyncEngine, plans: Plans) -> None:
    earlier, repeat = [await factories.classified_case(engine, customer=LI_WEI) for _ in range(2)]

    for _ in range(2):
        await handle(engine, of(earlier, JUDGED), of(repeat, JUDGED))

    assert (await happened(engine, repeat)).count("linked") == 1


async def test_a_link_stands_in_the_record_of_both_and_is_parted_in_both(engine: AsyncEngine, plans: Plans) -> None:
    one, other = await taken_up(engine, plans), await taken_up(engine, plans, WANG_WU)

    await do(engine, plans, one, Link(to=str(other), relation="related", reason="同一小区。"), ENGINEER)
    sides = [(await last(engine, case)).data for case in (one, other)]
    assert [(side["relation"], side["outward"]) for side in sides] == [("related", True), ("related", False)]
    await do(engine, plans, other, Unlink.model_validate({"from": (await case_of(engine, one)).reference}), ENGINEER)

    assert [(await happened(engine, case))[-1] for case in (one, other)] == ["unlinked", "unlinked"]
    assert await linked_with(engine, one) == []


async def test_what_is_linked_already_not_linked_or_the_case_itself_is_refused(
    engine: AsyncEngine, plans: Plans
) -> None:
    one, other = await taken_up(engine, plans), await taken_up(engine, plans, WANG_WU)
    related = Link(to=str(other), relation="related")
    with pytest.raises(Invalid, match="linked are none"):
        await do(engine, plans, one, Unlink.model_validate({"from": str(other)}), ENGINEER)
    await do(engine, plans, one, related, ENGINEER)

    with pytest.raises(Invalid, match="is linked so already"):
        await do(engine, plans, one, related, ENGINEER)
    with pytest.raises(Invalid, match="is this case itself"):
        await do(engine, plans, one, Link(to=str(one), relation="related"), ENGINEER)
    with pytest.raises(NotFound):
        await do(engine, plans, one, Link(to="RD-0000-0000-0", relation="related"), ENGINEER)


async def test_a_parent_has_no_result_while_a_child_is_open(engine: AsyncEngine, plans: Plans) -> None:
    parent, child = await taken_up(engine, plans), await taken_up(engine, plans, WANG_WU)
    await do(engine, plans, child, Link(to=str(parent), relation="child"), ENGINEER)
    for case in (parent, child):
        await factories.skip_to_result(engine, plans, case, ENGINEER)
    reference = (await case_of(engine, child)).reference

    with pytest.raises(WrongState, match=f"its child {reference} is not settled yet"):
        await do(engine, plans, parent, SETTLED, ENGINEER)
    await do(engine, plans, child, SETTLED, ENGINEER)
    await do(engine, plans, parent, SETTLED, ENGINEER)


async def test_parents_and_children_do_not_go_round_in_circles(engine: AsyncEngine, plans: Plans) -> None:
    one, other, third = [await taken_up(engine, plans) for _ in range(3)]
    await do(engine, plans, one, Link(to=str(other), relation="child"), ENGINEER)

    with pytest.raises(Conflict, match="has children of its own"):
        await do(engine, plans, other, Link(to=str(one), relation="child"), ENGINEER)
    with pytest.raises(Conflict, match="is the child of another already"):
        await do(engine, plans, one, Link(to=str(third), relation="child"), ENGINEER)


async def test_of_two_complaints_only_one_repeats_the_other(engine: AsyncEngine, plans: Plans) -> None:
    one, other = await taken_up(engine, plans), await taken_up(engine, plans)
    await do(engine, plans, one, Link(to=str(other), relation="repeat"), ENGINEER)

    with pytest.raises(Conflict, match="is the repeat of this case"):
        await do(engine, plans, other, Link(to=str(one), relation="repeat"), ENGINEER)


async def test_two_that_make_each_other_their_parent_at_the_same_moment_make_no_circle(
    engine: AsyncEngine, plans: Plans
) -> None:
    one, other = await taken_up(engine, plans), await taken_up(engine, plans)

    outcomes = await asyncio.gather(
        do(engine, plans, one, Link(to=str(other), relation="child"), ENGINEER),
        do(engine, plans, other, Link(to=str(one), relation="child"), ENGINEER),
        return_exceptions=True,
    )

    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]


async def test_only_complaints_of_the_same_customer_are_merged(engine: AsyncEngine, plans: Plans) -> None:
    case, other = await taken_up(engine, plans), await taken_up(engine, plans, WANG_WU)
    unknown = await factories.accepted_case(engine, plans)

    for another in (other, unknown):
        with pytest.raises(Invalid, match="is the complaint of another customer"):
            await do(engine, plans, case, Merge(into=str(another), reason="…"), ENGINEER)


async def test_a_merged_case_stands_is_nobodys_work_and_can_only_be_noted_and_parted(
    engine: AsyncEngine, plans: Plans
) -> None:
    main, duplicate = await merged(engine, plans)

    assert (await case_of(engine, duplicate)).merged_into == main
    for kind in ("resolve", "repair", "regulator", "update", "step"):
        assert await due_at(engine, duplicate, kind) is None
    assert await loads(engine) == {ENGINEER: 1}
    await fire(engine, plans, NOW + 20 * DAY)
    assert (await happened(engine, duplicate))[-1] == "linked"
    with pytest.raises(WrongState, match="unmerge it first"):
        await do(engine, plans, duplicate, SETTLED, OTHER_ENGINEER)
    await do(engine, plans, duplicate, Note(text="客户又来电催促。"), OTHER_ENGINEER)


async def test_a_merged_case_is_resolved_and_closed_with_the_other_and_its_customer_is_told_once(
    engine: AsyncEngine, plans: Plans
) -> None:
    main, duplicate = await merged(engine, plans)
    await factories.skip_to_result(engine, plans, main, ENGINEER)
    another = await taken_up(engine, plans, WANG_WU, OTHER_ENGINEER)

    await do(engine, plans, main, SETTLED, ENGINEER)
    assert await loads(engine) == {OTHER_ENGINEER: 1}
    await do(engine, plans, main, FINAL, ENGINEER)

    told = {short(one): one.data["told"] for one in await record_of(engine, duplicate) if "told" in one.data}
    assert (told["resolved"], told["closed"]) == (False, False)
    assert [(await case_of(engine, case)).status for case in (main, duplicate, another)] == [
        "closed", "closed", "in_progress"
    ]  # fmt: skip


async def test_silence_closes_the_merged_case_too(engine: AsyncEngine, plans: Plans) -> None:
    main, duplicate = await merged(engine, plans)
    await factories.skip_to_result(engine, plans, main, ENGINEER)
    await do(engine, plans, main, SETTLED, ENGINEER)
    await silent_since(engine, main, NOW)

    await fire(engine, plans, NOW + 7 * DAY)

    assert [(await case_of(engine, case)).status for case in (main, duplicate)] == ["closed", "closed"]
    closed = await last(engine, duplicate)
    assert (closed.data["decision"], closed.data["told"]) == ("customer_silent", False)


async def test_silence_waits_for_a_merged_case_that_somebody_holds(engine: AsyncEngine, plans: Plans) -> None:
    main, duplicate = await merged(engine, plans)
    await factories.skip_to_result(engine, plans, main, ENGINEER)
    await do(engine, plans, main, SETTLED, ENGINEER)
    await silent_since(engine, main, NOW)

    async with engine.begin() as holding:
        await lock(holding, [duplicate])
        await fire(engine, plans, NOW + 7 * DAY)
    assert (await case_of(engine, main)).status == "resolved"
    again = await timer(engine, main, "close")
    assert again is not None
    await fire(engine, plans, again)

    assert [(await case_of(engine, case)).status for case in (main, duplicate)] == ["closed", "closed"]


async def test_what_is_rejected_or_taken_back_takes_its_duplicates_along(engine: AsyncEngine, plans: Plans) -> None:
    rejected, withdrawn = await merged(engine, plans), await merged(engine, plans)

    await do(engine, plans, rejected[0], Reject(reason="不属于我公司。"), ENGINEER)
    async with engine.begin() as connection:
        await customer.withdraw(connection, plans, withdrawn[0], "已恢复。", NOW)

    assert [(await case_of(engine, case)).status for case in (*rejected, *withdrawn)] == [
        "rejected", "rejected", "withdrawn", "withdrawn"
    ]  # fmt: skip
    assert [(await last(engine, case)).data["told"] for case in (*rejected, *withdrawn)] == [True, False, True, False]
    assert await loads(engine) == {}


async def test_a_case_that_was_parted_again_goes_on_with_the_one_who_had_it(engine: AsyncEngine, plans: Plans) -> None:
    main, duplicate = await taken_up(engine, plans), await taken_up(engine, plans, who=OTHER_ENGINEER)
    before = await due_at(engine, duplicate, "resolve")
    await do(engine, plans, duplicate, Merge(into=str(main), reason="重复来电。"), OTHER_ENGINEER)

    await do(engine, plans, duplicate, Unmerge(reason="故障并不相同。"), OTHER_ENGINEER, now=NOW + 3 * HOUR)

    assert before is not None
    assert await due_at(engine, duplicate, "resolve") == before + timedelta(hours=3)
    assert await loads(engine) == {ENGINEER: 1, OTHER_ENGINEER: 1}
    assert await linked_with(engine, main) == []
    with pytest.raises(WrongState, match="is not merged into another"):
        await do(engine, plans, duplicate, Unmerge(reason="…"), OTHER_ENGINEER)


async def test_what_waited_before_the_merge_waits_again_after_it(engine: AsyncEngine, plans: Plans) -> None:
    main, duplicate = await taken_up(engine, plans), await taken_up(engine, plans, who=OTHER_ENGINEER)
    await do(engine, plans, duplicate, SetEta(estimated_repair_at=NOW + DAY), OTHER_ENGINEER)
    await do(engine, plans, duplicate, Escalate(reason="需要协调。"), OTHER_ENGINEER)
    await do(engine, plans, duplicate, AwaitCustomer(question="请提供编号。"), OTHER_ENGINEER)
    await do(engine, plans, duplicate, Merge(into=str(main), reason="重复来电。"), OTHER_ENGINEER)

    await do(engine, plans, duplicate, Unmerge(reason="故障并不相同。"), OTHER_ENGINEER, now=NOW + HOUR)

    assert (await case_of(engine, duplicate)).status == "awaiting_customer"
    assert await due_at(engine, duplicate, "resolve") is None
    assert await due_at(engine, duplicate, "promise") == NOW + DAY
    for kind in ("give_back", "escalation"):
        assert await timer(engine, duplicate, kind) is not None


async def test_duplicates_make_no_chains_and_no_circles(engine: AsyncEngine, plans: Plans) -> None:
    main, duplicate = await merged(engine, plans)
    third = await taken_up(engine, plans)

    with pytest.raises(Conflict, match="is merged into another case itself"):
        await do(engine, plans, third, Merge(into=str(duplicate), reason="…"), ENGINEER)
    with pytest.raises(Conflict, match="is merged into this case; unmerge it"):
        await do(engine, plans, main, Merge(into=str(third), reason="…"), ENGINEER)
    with pytest.raises(Conflict, match=r"is merged into"):
        await do(engine, plans, main, Merge(into=str(duplicate), reason="…"), ENGINEER)
    with pytest.raises(Invalid, match="is this case itself"):
        await do(engine, plans, third, Merge(into=str(third), reason="…"), ENGINEER)


async def test_a_case_is_not_merged_into_one_that_is_over(engine: AsyncEngine, plans: Plans) -> None:
    over, case = await taken_up(engine, plans), await taken_up(engine, plans)
    await factories.skip_to_result(engine, plans, over, ENGINEER)
    await do(engine, plans, over, SETTLED, ENGINEER)

    with pytest.raises(Conflict, match="is resolved; merge into a case that is being handled"):
        await do(engine, plans, case, Merge(into=str(over), reason="…"), ENGINEER)


async def test_two_merged_into_each_other_at_the_same_moment_leave_one_that_goes_on(
    engine: AsyncEngine, plans: Plans
) -> None:
    one, other = await taken_up(engine, plans), await taken_up(engine, plans)

    outcomes = await asyncio.gather(
        do(engine, plans, one, Merge(into=str(other), reason="…"), ENGINEER),
        do(engine, plans, other, Merge(into=str(one), reason="…"), ENGINEER),
        return_exceptions=True,
    )

    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True]
    assert await loads(engine) == {ENGINEER: 1}


async def test_merging_into_a_case_at_the_moment_of_its_result_strands_nobody(
    engine: AsyncEngine, plans: Plans
) -> None:
    for _ in range(5):
        main, duplicate = await taken_up(engine, plans), await taken_up(engine, plans)
        await factories.skip_to_result(engine, plans, main, ENGINEER)

        outcomes = await asyncio.gather(
            do(engine, plans, main, SETTLED, ENGINEER),
            do(engine, plans, duplicate, Merge(into=str(main), reason="…"), ENGINEER),
            return_exceptions=True,
        )

        refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert all(isinstance(outcome, Conflict | Changed) for outcome in refused)
        now = await case_of(engine, duplicate)
        assert now.merged_into is None or now.status == (await case_of(engine, main)).status


async def test_the_merged_complaints_of_another_group_are_none_of_an_agents_business(
    engine: AsyncEngine, plans: Plans
) -> None:
    main, duplicate = await taken_up(engine, plans), await taken_up(engine, plans)

    with pytest.raises(Forbidden, match="ask somebody of that group"):
        await do(engine, plans, duplicate, Merge(into=str(main), reason="…"), AGENT)


async def test_a_case_that_waits_to_be_accepted_can_be_merged_too(engine: AsyncEngine, plans: Plans) -> None:
    main = await taken_up(engine, plans)
    duplicate = await factories.dispatched_case(engine, plans, customer=LI_WEI)

    await do(engine, plans, duplicate, Merge(into=str(main), reason="重复来电。"), ENGINEER)
    with pytest.raises(WrongState):
        await do(engine, plans, duplicate, Accept(), ENGINEER)

    assert await loads(engine) == {ENGINEER: 1}
