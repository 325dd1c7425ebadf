"""Telling staff outside their inbox: to a real mail server and real HTTP receivers, through failures and deaths."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apprise.plugins.dingtalk import NotifyDingTalk
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.identity import new_id
from services.base.stream.bell import Bell
from services.casework.alerts import AlertKind, NewAlert, Subject, mark_seen, tell
from services.notices.staff import sending
from services.notices.staff.claims import LEASE, OLDEST
from services.notices.staff.sending import GAP, TOO_FAST, StaffAlerts
from services.notices.staff.words import LARGEST
from services.plan.loading import load_plan, shipped_plan_text
from services.plan.versions import Plans
from tests.casework.factories import RECEIVED_AT, dispatched_case, sync_duty
from tests.casework.scenes import LEADERSHIP, another_plan
from tests.servers.robots import Robot
from tests.servers.smtp import SmtpServer

NOW = RECEIVED_AT + timedelta(seconds=1)
PUBLIC_URL = "https://care.example.com"


@pytest.fixture
async def plans(engine: AsyncEngine) -> Plans:
    made = Plans()
    await sync_duty(engine, made)
    return made


@pytest.fixture
async def robot() -> AsyncIterator[Robot]:
    async with Robot() as made:
        yield made


@pytest.fixture
def mail_server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "staff-alerts.yaml"
    path.touch(mode=0o600)
    return path


async def test_a_major_complaint_reaches_each_leader_in_their_language_and_the_groups_robot_once(
    engine: AsyncEngine, plans: Plans, robot: Robot, mail_server: SmtpServer, file: Path
) -> None:
    await another_plan(
        engine, ("zhou.min@example.com\n    languages: [zh, en]", "zhou.min@example.com\n    languages: [en]")
    )
    file.write_text(
        'link: "{public_url}/desk/{reference}"\nroutes:\n'
        f"  - {{members: leadership, urls: ['mailto://{mail_server.host}:{mail_server.port}?from=r@example.com&to={{email}}']}}\n"
        f"  - {{group: leadership, urls: ['json://{robot.address}/lead']}}\n"
        f"  - {{group: market_legal, urls: ['json://{robot.address}/market']}}\n"
    )

    async with telling(engine, file):
        case = await dispatched_case(engine, plans, severity="critical", signals=("emergency_calls",))
        await mail_server.wait_for(len(LEADERSHIP))
        await done(engine)

    reference = await scalar(engine, f"select reference from complaint where id = '{case}'")
    mails = {delivery.recipients[0]: delivery.message for delivery in mail_server.deliveries}
    assert set(mails) == {f"{login}@example.com" for login in LEADERSHIP}
    chinese, english = mails["chen.guoqiang@example.com"], mails["zhou.min@example.com"]
    assert chinese["Subject"] == f"【重大投诉】{reference} 服务中断（特别严重）"
    assert chinese["Auto-Submitted"] == "auto-generated"
    assert "请领导小组了解情况" in chinese.get_content()
    assert "受理时间：2026年11月23日 16:00" in chinese.get_content()
    assert f"{PUBLIC_URL}/desk/{reference}" in chinese.get_content()
    assert english["Subject"].startswith(f"Major complaint {reference}: ")
    assert "Please take note, and issue a directive" in english.get_content()
    (told,) = robot.at("/lead")
    assert told["title"] == chinese["Subject"]
    assert robot.at("/market") == []
    for private in ("李伟", "13800138000", "li.wei@example.com", "断网，一直"):
        assert all(private not in str(one) for one in (*robot.calls, chinese.get_content(), english.get_content()))


async def test_a_ring_of_the_bell_is_heard(engine: AsyncEngine, robot: Robot, file: Path) -> None:
    file.write_text(everyone(robot, "a"))
    bell = Bell()

    async with telling(engine, file, bell=bell):
        await write(engine, "zhou.min")
        bell.ring()
        await until(lambda: len(robot.calls) == 1)


async def test_who_took_it_is_not_told_again_when_another_contact_has_to_be_tried_again(
    engine: AsyncEngine, robot: Robot, file: Path, mail_server: SmtpServer
) -> None:
    mailto = f"mailto://{mail_server.host}:{mail_server.port}?from=r@example.com&to={{email}}"
    file.write_text(f"routes: [{{everyone: true, urls: ['json://{robot.address}/a', '{mailto}']}}]\n")
    mail_server.defer("zhou.min@example.com")
    await write(engine, "zhou.min")

    async with telling(engine, file):
        await until_so(engine, "select count(*) = 1 from alert_delivery where attempts = 1 and status = 'pending'")
        await until_so(engine, "select count(*) = 1 from alert_delivery where status = 'sent'")
    mail_server.accept("zhou.min@example.com")
    async with telling(engine, file, NOW + timedelta(minutes=1)):
        await done(engine)

    assert len(robot.calls) == len(mail_server.messages) == 1
    assert await column(engine, "attempts") == [1, 2]


async def test_what_a_killed_sender_was_telling_is_told_again_after_its_lease_and_can_be_known_to_be_the_same(
    engine: AsyncEngine, mail_server: SmtpServer, file: Path
) -> None:
    file.write_text(
        f"routes: [{{everyone: true, urls: ['mailto://{mail_server.host}:{mail_server.port}?from=r@example.com&to={{email}}']}}]\n"
    )
    await write(engine, "zhou.min")
    mail_server.hang_after_taking()

    killed = asyncio.create_task(alerts(engine, file).run())
    await mail_server.wait_for(1)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    mail_server.answer()
    await write(engine, "wu.xiuzhen")
    async with telling(engine, file, NOW + LEASE - timedelta(seconds=1)):
        await until_so(engine, "select count(*) = 1 from alert_delivery where status = 'sent'")
    assert [one.recipients[0] for one in mail_server.deliveries] == ["zhou.min@example.com", "wu.xiuzhen@example.com"]
    async with telling(engine, file, NOW + LEASE):
        await done(engine)

    first, _, again = (message["Redress-Alert"] for message in mail_server.messages)
    assert first == again


async def test_several_senders_tell_each_contact_once(engine: AsyncEngine, robot: Robot, file: Path) -> None:
    file.write_text(everyone(robot, "{login}"))
    logins = [person.login for person in load_plan(shipped_plan_text()).staff]
    for login in logins:
        await write(engine, login)

    async with telling(engine, file), telling(engine, file):
        await done(engine)

    assert sorted(call["path"] for call in robot.calls) == sorted(f"/{login}" for login in logins)


async def test_a_peer_that_hangs_is_given_up_for_now_and_stalls_no_other(
    engine: AsyncEngine, robot: Robot, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SEND_SECONDS", 0.3)
    file.write_text(everyone(robot, "{login}"))
    robot.hanging = {"/wu.xiuzhen"}
    await write(engine, "wu.xiuzhen")

    async with telling(engine, file):
        await until(lambda: robot.calls != [])
        await write(engine, "zhou.min")
        await until_so(engine, "select count(*) = 1 from alert_delivery where login = 'zhou.min' and status = 'sent'")
        await until_so(engine, "select count(*) = 1 from alert_delivery where failure like 'no answer in%'")

    assert len(robot.at("/wu.xiuzhen")) == 1
    assert await column(engine, "claimed_until", "alert_contact") == [None, None]


async def test_many_things_that_wait_for_a_contact_come_as_one_message_the_most_pressing_first(
    engine: AsyncEngine, robot: Robot, file: Path
) -> None:
    file.write_text(everyone(robot, "a"))
    for number in range(1, 121):
        await write(engine, "zhou.min", number=number, reference=f"RD-{number}")
    await write(engine, "zhou.min", "escalated", number=121, reference="RD-121", cause="by_hand")

    async with telling(engine, file):
        await done(engine)

    (told,) = robot.calls
    assert told["title"] == "121 条提醒：【升级】RD-121：同事请求支援 等"
    assert told["message"].splitlines()[1] == "· RD-1 已派给您"
    assert len((told["title"] + told["message"]).encode()) <= LARGEST
    assert "另有" in told["message"]


async def test_a_contact_is_left_in_peace_between_two_messages(engine: AsyncEngine, robot: Robot, file: Path) -> None:
    file.write_text(everyone(robot, "a"))
    clock = [NOW]
    await write(engine, "zhou.min")

    async with telling(engine, file, clock=lambda: clock[0]):
        await done(engine)
        await write(engine, "zhou.min", number=2)
        await write(engine, "zhou.min", number=3)
        await until_so(engine, "select count(*) = 2 from alert_delivery where status = 'pending'")
        clock[0] = NOW + GAP
        await done(engine)

    assert [call["title"][:4] for call in robot.calls] == ["RD-7", "2 条提"]


@pytest.mark.parametrize(
    ("realm", "drills", "title"),
    [("drill", "false", None), ("drill", "true", "【演练】RD-7 已派给您"), ("sandbox", "true", None)],
)
async def test_what_is_not_real_is_told_only_in_drills_and_where_the_file_asks_for_them(
    engine: AsyncEngine, robot: Robot, file: Path, realm: str, drills: str, title: str | None
) -> None:
    file.write_text(f"drills: {drills}\n{everyone(robot, 'a')}")
    await write(engine, "zhou.min", realm=realm)

    async with telling(engine, file):
        await done(engine)

    assert [call["title"] for call in robot.calls] == ([] if title is None else [title])


async def test_what_nobody_wants_is_done_at_once_and_what_is_older_than_a_day_is_left(
    engine: AsyncEngine, robot: Robot, file: Path
) -> None:
    file.write_text(f"routes: [{{person: zhou.min, kinds: [reported], urls: ['json://{robot.address}/a']}}]\n")
    await write(engine, "zhou.min")
    await write(engine, "zhou.min", "reported", number=2, told_at=NOW - OLDEST)

    async with telling(engine, file):
        await until_so(engine, "select count(*) = 1 from alert where due_at is null")

    assert robot.calls == []
    assert await column(engine, "number", "alert where due_at is not null") == [2]


async def test_quiet_hours_hold_a_message_back_and_what_was_seen_meanwhile_is_not_told(
    engine: AsyncEngine, robot: Robot, file: Path
) -> None:
    file.write_text(
        f"routes: [{{everyone: true, quiet: ['15:00-17:00'], urls: ['json://{robot.address}/{{login}}']}}]\n"
    )
    seen = await write(engine, "zhou.min")
    await write(engine, "wu.xiuzhen")

    async with telling(engine, file):
        await until_so(engine, "select count(*) = 0 from alert where due_at is not null")
    assert robot.calls == []
    async with engine.begin() as connection:
        await mark_seen(connection, "zhou.min", seen, NOW)
    async with telling(engine, file, RECEIVED_AT + timedelta(hours=1)):
        await done(engine)

    assert [call["path"] for call in robot.calls] == ["/wu.xiuzhen"]
    assert sorted(await column(engine, "status")) == ["dropped", "sent"]


async def test_a_robot_that_wants_us_slower_is_left_alone_for_a_while_and_no_attempt_is_counted(
    engine: AsyncEngine, robot: Robot, file: Path
) -> None:
    file.write_text(everyone(robot, "a"))
    robot.status = 429
    await write(engine, "zhou.min")

    async with telling(engine, file):
        await until_so(engine, f"select count(*) = 1 from alert_delivery where due_at = '{NOW + TOO_FAST}'")
    robot.status = 200
    async with telling(engine, file, NOW + TOO_FAST):
        await done(engine)

    assert (await column(engine, "attempts"), len(robot.calls)) == ([1], 2)


async def test_what_fails_for_a_day_is_given_up_with_its_reason(engine: AsyncEngine, robot: Robot, file: Path) -> None:
    file.write_text(everyone(robot, "a"))
    robot.status = 404
    await write(engine, "zhou.min")

    async with telling(engine, file):
        await until_so(engine, "select count(*) = 1 from alert_delivery where attempts = 1")
    async with telling(engine, file, NOW + OLDEST):
        await done(engine)

    (failure,) = await column(engine, "failure")
    assert failure.startswith("given up after a day: ")
    assert "404" in failure


async def test_a_corrected_contact_gets_what_the_wrong_one_could_not_be_told(
    engine: AsyncEngine, robot: Robot, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_FOLLOW_SECONDS", 0.0)
    file.write_text(f"routes: [{{everyone: true, urls: ['json://{robot.address}/good', 'json://127.0.0.1:9/bad']}}]\n")
    await write(engine, "zhou.min")

    async with telling(engine, file):
        await until_so(engine, "select count(*) = 1 from alert_delivery where attempts = 1 and status = 'pending'")
        await until_so(engine, "select count(*) = 1 from alert_delivery where status = 'sent'")
        file.write_text(
            f"routes: [{{everyone: true, urls: ['json://{robot.address}/good', 'json://{robot.address}/new']}}]\n"
        )
        await until(lambda: robot.at("/new") != [])
        await done(engine)

    assert (len(robot.at("/good")), len(robot.at("/new"))) == (1, 1)


async def test_a_robot_that_refuses_with_200_was_not_told_and_its_signature_is_right(
    engine: AsyncEngine, robot: Robot, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotifyDingTalk, "notify_url", f"http://{robot.address}/robot/send?access_token={{token}}")
    file.write_text("routes: [{group: leadership, urls: ['dingtalk://SECabc@t0ken/13800138001']}]\n")
    robot.answer = {"errcode": 310000, "errmsg": "关键词不匹配"}
    await write(engine, "zhou.min", "reported")

    async with telling(engine, file):
        await until_so(engine, "select count(*) = 1 from alert_delivery where failure = 'errcode=310000 关键词不匹配'")
    robot.answer = {"errcode": 0, "errmsg": "ok"}
    async with telling(engine, file, NOW + timedelta(minutes=1)):
        await done(engine)

    assert await column(engine, "status") == ["sent"]
    query = robot.calls[1]["query"]
    signed = hmac.new(b"SECabc", f"{query['timestamp']}\nSECabc".encode(), hashlib.sha256).digest()
    assert (query["access_token"], query["sign"]) == ("t0ken", base64.b64encode(signed).decode())
    assert robot.calls[1]["at"]["atMobiles"] == ["13800138001"]


# --- what the tests are made of


def everyone(robot: Robot, path: str) -> str:
    return f"routes: [{{everyone: true, urls: ['json://{robot.address}/{path}']}}]\n"


def alerts(
    engine: AsyncEngine,
    file: Path,
    now: datetime = NOW,
    bell: Bell | None = None,
    clock: Callable[[], datetime] | None = None,
) -> StaffAlerts:
    return StaffAlerts(engine, Plans(), file, public_url=PUBLIC_URL, poll=0.02, bell=bell, clock=clock or (lambda: now))


@asynccontextmanager
async def telling(
    engine: AsyncEngine,
    file: Path,
    now: datetime = NOW,
    bell: Bell | None = None,
    clock: Callable[[], datetime] | None = None,
) -> AsyncIterator[None]:
    """A sender that runs meanwhile."""
    sender = alerts(engine, file, now, bell, clock)
    task = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        sender.stop()
        await asyncio.wait_for(task, 15)


async def write(
    engine: AsyncEngine,
    login: str,
    kind: AlertKind = "assigned",
    *,
    subject: Subject = "complaint",
    number: int = 1,
    realm: str = "live",
    told_at: datetime = NOW,
    **facts: object,
) -> UUID:
    """An alert about a case that only its facts know of; returns its id."""
    subject_id = new_id()
    told = {"reference": "RD-7", **facts}
    async with engine.begin() as connection:
        await tell(connection, [NewAlert(login, kind, subject, subject_id, number, realm, told)], told_at)
        found: UUID = (
            await connection.execute(sa.text("select id from alert where subject_id = :id"), {"id": subject_id})
        ).scalar_one()
    return found


async def scalar(engine: AsyncEngine, query: str) -> Any:
    async with engine.connect() as connection:
        return await connection.scalar(sa.text(query))


async def column(engine: AsyncEngine, name: str, table: str = "alert_delivery") -> list[Any]:
    async with engine.connect() as connection:
        return sorted(
            (await connection.execute(sa.text(f"select {name} from {table}"))).scalars(), key=lambda value: str(value)
        )


async def until_so(engine: AsyncEngine, question: str) -> None:
    """Wait until the database answers yes."""
    for _ in range(500):
        if await scalar(engine, question):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"still not so: {question}")


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("still not so")


async def done(engine: AsyncEngine) -> None:
    """Wait until nothing is to be looked at or told any more."""
    await until_so(
        engine,
        "select not exists (select from alert where due_at is not null)"
        " and not exists (select from alert_delivery where status = 'pending')",
    )
