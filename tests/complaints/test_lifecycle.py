"""The life of a case: the one table of transitions, and what it promises to those who ask it."""

from __future__ import annotations

import pytest

from services.base.errors import WrongState
from services.complaints.lifecycle import (
    ON_HAND,
    OPEN,
    STAFF_ACTIONS,
    STAY,
    TRANSITIONS,
    possible_actions,
    target,
)
from services.plan.vocabulary import CATEGORIES, STATUSES

ENDED = frozenset(STATUSES) - OPEN
ACTIONS = sorted({action for steps in TRANSITIONS.values() for action in steps})


def test_the_table_has_a_row_for_every_status_and_leads_to_no_other() -> None:
    assert set(TRANSITIONS) == set(STATUSES)
    assert {step for steps in TRANSITIONS.values() for step in steps.values()} <= {STAY, *STATUSES}


def test_every_status_that_the_table_leads_to_can_be_left_again() -> None:
    for status in STATUSES:
        assert any(step not in (STAY, status) for step in TRANSITIONS[status].values()), status


def test_the_usual_way_leads_from_receipt_to_closing() -> None:
    status = "received"
    for action in ("classify", "dispatch", "accept", "resolve", "close"):
        status = target(status, action, "outage")

    assert status == "closed"


@pytest.mark.parametrize("status", sorted(ENDED))
def test_what_has_ended_can_be_taken_up_again(status: str) -> None:
    assert target(status, "reopen") == "in_progress"


@pytest.mark.parametrize("status", sorted(OPEN))
def test_what_is_open_is_closed_only_after_it_was_settled(status: str) -> None:
    with pytest.raises(WrongState):
        target(status, "close")
    with pytest.raises(WrongState):
        target(status, "reopen")


@pytest.mark.parametrize("status", STATUSES)
def test_a_note_can_always_be_made_and_changes_nothing(status: str) -> None:
    assert target(status, "note") == status


@pytest.mark.parametrize("status", STATUSES)
def test_only_a_case_on_somebodys_hands_can_be_sent_back_to_dispatching(status: str) -> None:
    if status in ON_HAND:
        assert target(status, "redispatch") == "classified"
    else:
        with pytest.raises(WrongState):
            target(status, "redispatch")


@pytest.mark.parametrize("status", sorted(ON_HAND))
def test_a_repair_estimate_belongs_to_outages(status: str) -> None:
    assert target(status, "set-eta", "outage") == status
    for category in ("billing", "technical_support", "unclear"):
        with pytest.raises(WrongState, match=f"and of category {category}"):
            target(status, "set-eta", category)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("category", [None, *CATEGORIES])
def test_what_is_called_possible_is_exactly_what_staff_may_do(status: str, category: str | None) -> None:
    possible = possible_actions(status, category)

    for action in STAFF_ACTIONS:
        if action in possible:
            assert target(status, action, category) in STATUSES
        else:
            with pytest.raises(WrongState) as caught:
                target(status, action, category)
            assert caught.value.possible == possible


def test_the_steps_of_the_workers_are_not_offered_to_staff() -> None:
    offered = {action for status in STATUSES for action in possible_actions(status)}

    assert offered == set(STAFF_ACTIONS)
    assert {"classify", "dispatch", "redispatch"}.isdisjoint(offered)
    assert {"classify", "dispatch", "redispatch"} <= set(ACTIONS)


def test_a_refusal_says_what_is_possible_now() -> None:
    with pytest.raises(WrongState) as caught:
        target("closed", "resolve", "billing")

    assert str(caught.value) == (
        "'resolve' is not possible for a case that is closed and of category billing; "
        "possible now: note, correct, link, unlink, reopen, renew-link"
    )


@pytest.mark.parametrize("status", STATUSES)
def test_an_action_that_there_is_not_is_refused_everywhere(status: str) -> None:
    with pytest.raises(WrongState):
        target(status, "explode")
