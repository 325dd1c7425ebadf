"""Events as they were written once must stay readable for good, and none may carry personal data.

The files in ``golden/`` are what has been published. They are added to, never changed.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.base.stream.event import EventData, topic_of
from services.casework.directives import events as directive_events
from services.casework.tasks import events as task_events
from services.complaints import events as complaint_events
from services.notices import events as notice_events

GOLDEN = Path(__file__).parent / "golden"
EVENTS: dict[str, type[EventData]] = {
    event.TYPE: event
    for events in (complaint_events, directive_events, notice_events, task_events)
    for event in events.EVENTS
}
PERSONAL = {"name", "phone", "email", "account", "address", "content", "text", "note", "reason", "words", "masked"}


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.json")), ids=lambda file: file.stem)
def test_a_published_event_is_still_read_and_nothing_of_it_is_lost_or_written_otherwise(file: Path) -> None:
    published = json.loads(file.read_text())
    written = json.loads(EVENTS[file.stem].model_validate(published).model_dump_json(exclude_none=True))
    # What was added since it was published is written with its default.
    assert {name: written.get(name) for name in published} == published


@pytest.mark.parametrize("type_", sorted(EVENTS))
def test_every_event_has_a_published_example(type_: str) -> None:
    assert (GOLDEN / f"{type_}.json").exists()


@pytest.mark.parametrize("type_", sorted(EVENTS))
def test_an_event_from_a_later_version_with_more_fields_is_read(type_: str) -> None:
    published = json.loads((GOLDEN / f"{type_}.json").read_text())
    assert EVENTS[type_].model_validate({**published, "added_later": 1})


@pytest.mark.parametrize("type_", sorted(EVENTS))
def test_the_type_names_the_topic_and_no_field_is_for_personal_data(type_: str) -> None:
    event = EVENTS[type_]
    assert topic_of(type_) == event.TOPIC
    assert PERSONAL.isdisjoint(event.model_fields)
