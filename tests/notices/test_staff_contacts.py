"""The contacts file of staff: what it may say, and what is said of its mistakes."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.base.errors import Misconfigured
from services.notices.staff.contacts import ContactsFile, FollowedFile, Route, bind, read_contacts
from services.plan.loading import load_plan, shipped_plan_text
from services.plan.schema import Plan

EXAMPLE = Path(__file__).parents[2] / "examples" / "staff-alerts.yaml"
SECRET = "s3cr3tt0ken"
ROBOT = f"routes: [{{group: leadership, urls: ['dingtalk://{SECRET}']}}]\n"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan(shipped_plan_text())


def test_the_example_is_in_order_and_fits_the_shipped_plan(plan: Plan) -> None:
    contacts, warnings = bind(read_contacts(EXAMPLE.read_text(encoding="utf-8"), EXAMPLE.name), plan)

    assert list(warnings) == []
    assert set(contacts.people) == {person.login for person in plan.staff}
    mail, phone = contacts.people["qin.haifeng"]
    assert "to=qin.haifeng%40example.com" in mail.url
    assert (phone.service, phone.login) == ("bark", "qin.haifeng")
    assert contacts.groups["leadership"][0].login is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("routes:\n  - group: leadership\n    urls: ['dingtlk://%s']\n", ':3:12 routes[0].urls[0]: "dingtlk" is no '),
        ("routes:\n  - group: leadership\n    urls: ['dingtlk://%s']\n", 'did you mean "dingtalk"?'),
        ("routes:\n  - group: leadership\n    urls: ['dingtalk://%s!']\n", "no complete URL for DingTalk"),
        ("routes:\n  - group: leadership\n    urls: ['%s']\n", "this is no apprise URL"),
        ("routes:\n  - person: a.b\n    urls: ['mailto://h.example.com?from=a@b.com&to=%s']\n", "nobody would get"),
        ("routes:\n  - group: leadership\n    urls: ['mailto://h.example.com/{email}?x=%s']\n", "use members:"),
        ("routes:\n  - urls: ['json://h/%s']\n", "exactly one of them"),
        ("routes:\n  - group: leadership\n    url: ['json://h/%s']\n", 'did you mean "urls"?'),
        (
            "routes:\n  - group: leadership\n    kinds: [reportd]\n    urls: ['json://h/%s']\n",
            ":3:13 routes[0].kinds[0]",
        ),
        ("routes:\n  - group: leadership\n    quiet: ['22-7']\n    urls: ['json://h/%s']\n", '"22-7" is no interval'),
        (
            "link: 'https://desk/'\nroutes: [{group: leadership, urls: ['json://h/%s']}]\n",
            "https://desk.example.com/cases",
        ),
        ("routes: []\n# %s", "the list is empty"),
        ("- %s", "docs/staff-alerts.md"),
        ("routes: [*a] # %s", "alias"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_without_the_secret(written: str, expected: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read_contacts(written % SECRET, "staff-alerts.yaml")

    assert str(refused.value).startswith("REDRESS_STAFF_ALERTS: ")
    assert expected in str(refused.value)
    assert SECRET not in str(refused.value)


def test_names_that_the_plan_does_not_know_are_warned_of_and_the_others_are_told(plan: Plan) -> None:
    file = read_contacts(
        "routes:\n"
        "  - {person: qin.haifen, urls: ['json://h/1']}\n"
        "  - {group: leader_ship, urls: ['json://h/2']}\n"
        "  - {members: leadership, urls: ['json://h/{login}']}\n",
        "staff-alerts.yaml",
    )

    contacts, warnings = bind(file, plan)

    assert list(warnings) == [
        'routes[0].person: "qin.haifen" is nobody\'s login in the plan; did you mean "qin.haifeng"?',
        'routes[1].group: "leader_ship" is no group of the plan; did you mean "leadership"?',
    ]
    assert set(contacts.people) == {one.person.login for one in plan.members_of("leadership")}
    assert not contacts.groups


@pytest.mark.parametrize(
    ("hour", "kind", "severity", "until"),
    [
        (23, "assigned", "minor", 31),
        (6, "assigned", "minor", 7),
        (7, "assigned", "minor", None),
        (21, "assigned", "minor", None),
        (23, "reported", "major", None),
        (23, "escalated", None, None),
        (3, "assigned", "critical", None),
    ],
)
def test_quiet_hours_hold_back_what_is_not_urgent(
    hour: int, kind: str, severity: str | None, until: int | None
) -> None:
    route = Route.model_validate({"everyone": True, "quiet": ["22:00-07:00"], "urls": ["json://h"]})
    midnight = datetime(2025, 11, 24, tzinfo=UTC)

    held = route.holds_until(kind, severity, midnight.replace(hour=hour, minute=30 if hour == 6 else 0))

    assert (held and (held - midnight).total_seconds() / 3600) == until


def test_a_changed_file_is_followed_and_a_broken_one_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "staff-alerts.yaml"
    write(path, ROBOT, 0o600, 1)
    followed = FollowedFile(path)
    first = followed.current
    assert not followed.look()

    write(path, f"routes: [{{group: leadership, urls: ['dingtlk://{SECRET}']}}]\n", 0o600, 2)
    assert not followed.look()
    assert followed.current is first
    path.unlink()
    assert not followed.look()
    write(path, "drills: true\n" + ROBOT, 0o644, 3)
    assert followed.look()

    assert isinstance(followed.current, ContactsFile)
    assert followed.current.drills
    told = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in told] == [logging.ERROR, logging.ERROR, logging.WARNING]
    assert "dingtlk" in told[0][1]
    assert "can't be read (No such file or directory)" in told[1][1]
    assert "chmod o-r" in told[2][1]
    assert all(SECRET not in message for _, message in told)


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"# " + b"x" * (1 << 21)])
def test_a_file_that_is_missing_or_no_text_is_refused_at_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "staff-alerts.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(Misconfigured, match="REDRESS_STAFF_ALERTS"):
        FollowedFile(path)


def write(path: Path, text: str, mode: int, second: int) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    os.utime(path, (second, second))
