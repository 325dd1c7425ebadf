"""Files of cases for staff: who may have them, and what the log says of it."""

from __future__ import annotations

import logging
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.base.files.receiving import FileDoor
from services.casework import attaching
from services.complaints.attachments import AttachmentView
from services.plan.versions import Plans
from tests.base.file_samples import KINDS, jpeg, pieces
from tests.casework import factories
from tests.casework.factories import AGENT, ENGINEER, LAWYER, LEADER, NOW, TEAM
from tests.desk.factories import channel_key, key_of


async def with_photo(
    engine: AsyncEngine, plans: Plans, files: FileDoor, api_key_id: UUID = factories.CHANNEL_KEY
) -> tuple[UUID, AttachmentView]:
    """A case of technical support with a photo."""
    case = await factories.accepted_case(engine, plans, api_key_id=api_key_id)
    received = await files.receive(pieces(jpeg()), declared=None, kinds=KINDS, largest=1)
    async with engine.begin() as connection:
        view = await attaching.attach(connection, plans, case, received, "光猫.hta", "customer", "customer", NOW)
    return case, view


def path_of(case: UUID, view: AttachmentView) -> str:
    return f"/v1/complaints/{case}/attachments/{view.id}"


@pytest.mark.parametrize(
    ("role", "login", "status"),
    [
        ("staff", ENGINEER, 200),
        ("staff", TEAM[0], 200),
        ("staff", LEADER, 200),
        ("admin", None, 200),
        ("staff", LAWYER, 403),
        ("staff", AGENT, 403),
        ("integrator", None, 403),
    ],
)
async def test_the_content_is_for_those_who_may_act_on_the_case(
    desk: httpx.AsyncClient,
    engine: AsyncEngine,
    plans: Plans,
    files: FileDoor,
    role: str,
    login: str | None,
    status: int,
) -> None:
    case, view = await with_photo(engine, plans, files)

    answer = await desk.get(path_of(case, view), headers=await key_of(engine, role, login))

    assert answer.status_code == status, answer.text
    assert (answer.content == jpeg()) == (status == 200)


async def test_all_staff_see_which_files_there_are(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, files: FileDoor
) -> None:
    case, view = await with_photo(engine, plans, files)

    answer = await desk.get(f"/v1/complaints/{case}/attachments", headers=await key_of(engine, "staff", LAWYER))

    [item] = answer.json()["items"]
    assert (item["id"], item["name"], item["added_by"]) == (str(view.id), "光猫.hta", "customer")
    assert answer.json()["next_cursor"] is None


async def test_a_picture_is_never_saved_as_a_program(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, files: FileDoor
) -> None:
    case, view = await with_photo(engine, plans, files)

    answer = await desk.get(path_of(case, view), headers=await key_of(engine, "staff", ENGINEER))

    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%E5%85%89%E7%8C%AB.hta.jpg"


async def test_a_channel_gets_the_files_of_its_own_cases_only(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, files: FileDoor
) -> None:
    key_id, channel = await channel_key(engine)
    own, of_own = await with_photo(engine, plans, files, key_id)
    other, of_other = await with_photo(engine, plans, files)

    assert (await desk.get(path_of(own, of_own), headers=channel)).content == jpeg()
    assert (await desk.get(path_of(other, of_other), headers=channel)).status_code == 404


async def test_what_is_no_id_or_of_another_realm_is_not_found(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, files: FileDoor
) -> None:
    case, view = await with_photo(engine, plans, files)
    staff = await key_of(engine, "staff", ENGINEER)
    drill = await key_of(engine, "staff", ENGINEER, realm="drill")

    assert (await desk.get(path_of(case, view), headers=drill)).status_code == 404
    assert (await desk.get(f"/v1/complaints/{case}/attachments/{case}", headers=staff)).status_code == 404
    assert (await desk.get(f"/v1/complaints/{case}/attachments/..%2f..%2fsecret", headers=staff)).status_code == 404
    assert (await desk.get(f"/v1/complaints/{case}/attachments/1", headers=staff)).status_code == 422


async def test_the_log_says_who_had_which_file_and_nothing_of_the_customer(
    desk: httpx.AsyncClient, engine: AsyncEngine, plans: Plans, files: FileDoor, caplog: pytest.LogCaptureFixture
) -> None:
    case, view = await with_photo(engine, plans, files)
    staff = await key_of(engine, "staff", ENGINEER)

    with caplog.at_level(logging.INFO, "web.attachment_routes"):
        await desk.get(path_of(case, view), headers=staff)

    [line] = [one.getMessage() for one in caplog.records if one.name == "web.attachment_routes"]
    assert str(view.id) in line
    assert "光猫" not in line
