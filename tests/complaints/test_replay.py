"""A case can be told from its record alone, and a record that can't be told is said to be broken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from services.complaints import events as e
from services.complaints.events import EVENTS, ComplaintEvent
from services.complaints.queries import Happening
from services.complaints.replay import FOLDS, BrokenRecord, replay, states
from services.complaints.state import Missed, Offer, Progress, State

BEGINNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
REFERENCE = "RD-7K3M-9PQ2-X"
OFFER, OTHER = UUID(int=1), UUID(int=2)

RECEIVED = e.Received(
    reference=REFERENCE, channel="hotline", service_type="broadband", language="zh", received_at=BEGINNING
)
CLASSIFIED = e.Classified(
    reference=REFERENCE,
    category="billing",
    best_guess="billing",
    sub_category="overcharge",
    severity="minor",
    confidence=0.9,
    reportable=False,
    model="lexicon-1",
    plan_version=1,
)
DISPATCHED = e.Dispatched(
    reference=REFERENCE,
    group="market_legal",
    assignee="tian.yu",
    rule="least_loaded",
    category="billing",
    severity="minor",
    respond_by=BEGINNING,
    resolve_by=BEGINNING,
    plan_version=1,
    playbook="billing",
    clocks=("acknowledge", "respond", "resolve", "regulator"),
)
BEGUN = (RECEIVED, CLASSIFIED, DISPATCHED)
PROPOSED = e.CompensationProposed(
    reference=REFERENCE,
    step="compensate",
    compensation=OFFER,
    kind="refund",
    amount="590.00",
    currency="CNY",
    needs="head",
)


def at(number: int) -> datetime:
    """When the event of this number happened."""
    return BEGINNING + timedelta(minutes=number)


def record(*events: ComplaintEvent | tuple[ComplaintEvent, Mapping[str, object]]) -> list[Happening]:
    """Events, some with their private half, as a record of one case."""
    both = [event if isinstance(event, tuple) else (event, None) for event in events]
    return [
        Happening(
            number,
            event.TYPE,
            at(number),
            "staff:tian.yu",
            event.model_dump(mode="json"),
            None if private is None else dict(private),
        )
        for number, (event, private) in enumerate(both, start=1)
    ]


def after(*events: ComplaintEvent | tuple[ComplaintEvent, Mapping[str, object]]) -> State:
    """A dispatched case after these events, which are numbered from 4."""
    return replay(record(*BEGUN, *events))


def test_every_type_of_event_can_be_replayed() -> None:
    assert set(FOLDS) == set(EVENTS)


def test_a_case_is_as_it_was_judged_and_dispatched() -> None:
    state = after()

    assert (state.version, state.reference, state.status) == (3, REFERENCE, "dispatched")
    assert (state.category, state.sub_category, state.severity) == ("billing", "overcharge", "minor")
    assert (state.group_code, state.assignee, state.plan_version) == ("market_legal", "tian.yu", 1)
    assert state.handling == Progress(playbook="billing")
    assert state.clocks == {"respond": None, "resolve": None, "regulator": None}


def test_each_event_has_its_state() -> None:
    assert [state.status for state in states(record(*BEGUN))] == ["received", "classified", "dispatched"]


@pytest.mark.parametrize(
    ("happenings", "told"),
    [
        (record(*BEGUN)[1:], "event 2 of the record follows on event 0"),
        ([record(*BEGUN)[0], record(*BEGUN)[2]], "event 3 of the record follows on event 1"),
        (
            [Happening(1, "redress.complaint.sung.v1", BEGINNING, "system:x", {}, None)],
            "unknown type redress.complaint.sung.v1",
        ),
        (
            record(*BEGUN, e.EscalationAcknowledged(reference=REFERENCE, rung=0, login="tian.yu")),
            "acknowledges an escalation that the record does not tell of",
        ),
        (
            record(*BEGUN, e.CustomerAnswered(reference=REFERENCE, compensation=OFFER, answer="accepted")),
            "was never proposed",
        ),
    ],
)
def test_a_record_that_can_not_be_is_broken(happenings: list[Happening], told: str) -> None:
    with pytest.raises(BrokenRecord, match=told):
        replay(happenings)


def test_a_step_that_is_done_anew_is_neither_done_nor_skipped() -> None:
    answered = e.CustomerAnswered(
        reference=REFERENCE, step="answer", compensation=OFFER, answer="disputed", again=("answer", "compensate")
    )

    state = after(e.StepSkipped(reference=REFERENCE, step="explain"), PROPOSED, answered)

    assert state.handling is not None
    assert (state.handling.done, state.handling.skipped) == ((), ("explain",))
    assert state.offers[OFFER].status == "disputed"


def test_compensation_is_told_from_its_proposal_to_its_payment() -> None:
    decided = e.CompensationDecided(
        reference=REFERENCE, compensation=OFFER, decision="approved", kind="refund", amount="590.00", currency="CNY"
    )
    paid = e.CompensationPaid(
        reference=REFERENCE,
        compensation=OFFER,
        kind="refund",
        amount="590.00",
        currency="CNY",
        billing_reference="BILL-1",
        paid_at=BEGINNING,
    )

    state = after(PROPOSED, decided, paid)

    assert state.offers == {
        OFFER: Offer(
            kind="refund",
            amount=Decimal("590.00"),
            currency="CNY",
            status="paid",
            needs="head",
            proposed_by="tian.yu",
            proposed_at=at(4),
            decided_by="tian.yu",
            decided_at=at(5),
            paid_by="tian.yu",
            paid_at=BEGINNING,
            billing_reference="BILL-1",
        )
    }


def test_the_first_thing_that_a_person_tells_the_customer_is_the_response() -> None:
    unreached = e.Contacted(reference=REFERENCE, way="phone", outcome="busy", attempted_at=BEGINNING, failed=1)
    explained = e.Explained(reference=REFERENCE, step="explain")

    state = after(unreached, explained, explained)

    assert state.clocks["respond"] == at(5)
    assert state.handling is not None
    assert state.handling.failed_contacts == 1


def test_a_result_ends_what_was_owed_and_reopening_begins_it_again() -> None:
    resolved = e.Resolved(reference=REFERENCE, step="result"), {"text": "已退费。"}
    reopened = (
        e.Reopened(reference=REFERENCE, status_before="resolved", clocks=("regulator", "resolve")),
        {"assignee": "deng.jia"},
    )

    ended, again = after(resolved), after(resolved, reopened)

    assert (ended.status, ended.resolution, ended.resolved_at) == ("resolved", "已退费。", at(4))
    assert ended.clocks == {"respond": at(4), "resolve": at(4), "regulator": at(4)}
    assert (again.status, again.assignee, again.resolution, again.resolved_at) == (
        "in_progress",
        "deng.jia",
        None,
        None,
    )
    assert again.clocks == {"respond": at(4), "resolve": None, "regulator": None}
    assert again.handling == Progress(playbook="billing")


def test_a_case_that_was_withdrawn_before_it_was_with_anybody_goes_on_where_it_was() -> None:
    withdrawn = e.Withdrawn(reference=REFERENCE, status_before="classified")
    reopened = e.Reopened(reference=REFERENCE, status_before="withdrawn"), {"assignee": None}

    state = replay(record(RECEIVED, CLASSIFIED, withdrawn, reopened))

    assert (state.status, state.assignee, state.handling) == ("classified", None, None)


def test_another_category_takes_what_belonged_to_the_old_one() -> None:
    reclassified = e.Reclassified(
        reference=REFERENCE,
        category_before="billing",
        severity_before="minor",
        category="outage",
        severity="critical",
        reportable=True,
        redispatched=True,
    )

    state = after(reclassified)

    assert (state.status, state.group_code, state.assignee) == ("classified", None, None)
    assert (state.category, state.sub_category, state.severity, state.reportable) == ("outage", None, "critical", True)


def test_links_and_merging_are_told_and_taken_back() -> None:
    linked = e.Linked(reference=REFERENCE, other=OTHER, other_reference="RD-2", relation="duplicate")
    unlinked = e.Unlinked(reference=REFERENCE, other=OTHER, other_reference="RD-2", relation="duplicate")

    merged, parted = after(linked), after(linked, unlinked)

    assert (merged.merged_into, merged.links) == (OTHER, {(OTHER, True): "duplicate"})
    assert (parted.merged_into, parted.links) == (None, {})


def test_a_clock_that_is_missed_again_was_missed_the_first_time() -> None:
    missed = [e.DeadlineMissed(reference=REFERENCE, clock="resolve", due_at=BEGINNING, times=times) for times in (1, 2)]

    assert after(*missed).missed == {"resolve": Missed(at(4), 2)}
