"""Files over HTTP, from the channel: sending them as they are or in a form, listing them, getting them back."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from services.base.files.receiving import FileDoor
from services.base.files.scanning import Scanner
from services.base.files.store import LocalFiles
from services.casework.handlers.conversing import AwaitCustomer
from tests.base.file_samples import archive, jpeg, pdf, pieces, png
from tests.casework.factories import ENGINEER, do
from tests.intake.factories import COMPLAINTS, Headers, Service, complaint, listening, running_service
from tests.intake.test_customer_calls import own_case
from tests.intake.test_raw_http import EXPECT, chunk, exchange, head, send_and_go

NAME = "李伟的账单 😀.png"
BOUNDARY = "=-=-="


async def posted(intake: Service) -> str:
    return str((await intake.post(complaint())).json()["id"])


def path_of(case: object) -> str:
    return f"{COMPLAINTS}/{case}/attachments"


async def send(
    intake: Service,
    case: object,
    content: bytes | AsyncIterator[bytes] | None = None,
    headers: Headers | None = None,
    **more: Any,
) -> httpx.Response:
    sent = {**intake.channel, **(headers or {})}
    return await intake.client.post(path_of(case), content=png() if content is None else content, headers=sent, **more)


async def send_form(intake: Service, case: object, *files: tuple[str, Any], **more: Any) -> httpx.Response:
    return await intake.client.post(path_of(case), files=list(files), headers=intake.channel, **more)


async def listed(intake: Service, case: object) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await intake.get(path_of(case))).json()["items"]
    return items


async def test_a_file_is_taken_listed_and_given_back_so_that_no_browser_runs_it(intake: Service) -> None:
    case = await posted(intake)

    answer = await send(intake, case, params={"name": NAME}, headers={"Content-Type": "image/png"})

    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert {name: shown[name] for name in ("name", "media_type", "size", "sha256", "added_by")} == {
        "name": NAME,
        "media_type": "image/png",
        "size": len(png()),
        "sha256": hashlib.sha256(png()).hexdigest(),
        "added_by": "channel",
    }
    assert await listed(intake, case) == [shown]
    given = await intake.get(f"{path_of(case)}/{shown['id']}")
    assert given.content == png()
    assert given.headers["content-length"] == str(len(png()))
    assert given.headers["content-type"] == "image/png"
    assert given.headers["x-content-type-options"] == "nosniff"
    assert given.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert given.headers["cache-control"] == "private, no-store"
    disposition = given.headers["content-disposition"]
    assert disposition.isascii()
    assert unquote(disposition) == f"attachment; filename*=UTF-8''{NAME}"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=bill.png", "bill.png"),
        ("attachment; filename*=UTF-8''%E8%B4%A6%E5%8D%95.png", "账单.png"),
        ('attachment; filename="../../x\\"y.png"', 'x"y.png'),
        ('attachment; filename="账单.png"', "账单.png"),
        ("attachment", "file.png"),
        ("rubbish;;;=", "file.png"),
    ],
)
async def test_a_file_may_be_named_by_the_header(intake: Service, disposition: str, name: str) -> None:
    written: Any = {"Content-Disposition": disposition.encode(), **intake.channel}

    answer = await intake.client.post(path_of(await posted(intake)), content=png(), headers=written)

    assert (answer.status_code, answer.json()["name"]) == (201, name)


async def test_a_form_holds_one_file_with_its_name_and_its_type(intake: Service) -> None:
    case = await posted(intake)

    taken = await send_form(intake, case, ("file", (NAME, png(), "image/png")))
    unnamed = await send_form(intake, case, ("file", ("a\r\nb\u202e.pdf", pdf(), "application/octet-stream")))
    contradicting = await send_form(intake, case, ("file", ("x.png", jpeg(), "image/png")))

    assert (taken.status_code, taken.json()["name"]) == (201, NAME)
    assert unnamed.status_code == 201
    assert unnamed.json()["name"] == "a%0D%0Ab.pdf"
    assert (contradicting.status_code, codes(contradicting)) == (422, ["contradicts"])


async def test_a_form_with_anything_else_in_it_is_refused_so_that_nothing_is_lost_unnoticed(intake: Service) -> None:
    case = await posted(intake)
    one = ("file", ("1.png", png(1), "image/png"))

    refused = [
        await send_form(intake, case, one, ("file", ("2.png", png(2), "image/png"))),
        await send_form(intake, case, one, data={"note": "两张截图"}),
        await send_form(intake, case, ("note", (None, "两张截图"))),
    ]

    assert [(answer.status_code, codes(answer)) for answer in refused] == [(422, ["one_file"])] * 3
    assert await listed(intake, case) == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        (f"multipart/form-data; boundary={BOUNDARY}", b""),
        (f"multipart/form-data; boundary={BOUNDARY}", b"rubbish"),
        (f"multipart/form-data; boundary={'b' * 300}", b"rubbish"),
        (f"multipart/form-data; boundary={BOUNDARY}", f"--{BOUNDARY}\r\n{'A' * 70_000}: 1\r\n\r\n".encode()),
        (
            f"multipart/form-data; boundary={BOUNDARY}",
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n'.encode() + png(),
        ),
    ],
)
async def test_a_form_that_is_none_or_is_cut_short_is_refused(intake: Service, content_type: str, body: bytes) -> None:
    case = await posted(intake)

    answer = await send(intake, case, pieces(body, 900), {"Content-Type": content_type})

    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:redress:problem:malformed"
    assert await listed(intake, case) == []


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty"), (archive(), "wrong_kind"), (png()[:-30], "damaged"), (jpeg() + pdf(), "mixed")],
)
async def test_a_file_that_is_refused_says_why_in_a_stable_code(intake: Service, content: bytes, code: str) -> None:
    answer = await send(intake, await posted(intake), content)

    assert (answer.status_code, codes(answer)) == (422, [code])


async def test_the_same_file_sent_twice_is_answered_with_the_first(intake: Service) -> None:
    case = await posted(intake)

    first = await send(intake, case, params={"name": "1.png"})
    again = await send_form(intake, case, ("file", ("2.png", png(), "image/png")))

    assert (again.status_code, again.json()) == (201, first.json())
    assert len(await listed(intake, case)) == 1


async def test_a_case_that_waited_for_a_photo_goes_on(intake: Service) -> None:
    case, plans = await own_case(intake)
    await do(intake.engine, plans, case, AwaitCustomer(question="请发一张光猫的照片。"), ENGINEER)

    await send(intake, case, jpeg())

    assert (await intake.get(f"{COMPLAINTS}/{case}")).json()["status"] == "in_progress"


async def test_the_timeline_has_the_name_for_staff_and_not_for_others(intake: Service) -> None:
    case = await posted(intake)
    await send(intake, case, params={"name": NAME})
    staff = (await intake.with_another_key("staff")).channel

    [seen] = [item for item in await timeline(intake, case, staff) if "attached" in item["type"]]
    [by_channel] = [item for item in await timeline(intake, case, intake.channel) if "attached" in item["type"]]

    assert seen["details"] == {"name": NAME}
    assert by_channel["details"] is None
    assert NAME not in str(seen["data"])


async def test_another_channel_finds_neither_the_case_nor_its_files(intake: Service) -> None:
    case = await posted(intake)
    one = (await send(intake, case)).json()["id"]
    other = await intake.with_another_key()

    answers = [
        await send(other, case),
        await other.get(path_of(case)),
        await other.get(f"{path_of(case)}/{one}"),
        await intake.get(f"{path_of(await posted(intake))}/{one}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


async def test_files_are_not_for_integrators_nor_for_whoever_has_no_key(intake: Service) -> None:
    case = await posted(intake)
    integrator = (await intake.with_another_key("integrator")).channel

    assert (await send(intake, case, headers=integrator)).status_code == 403
    assert (await intake.get(path_of(case), integrator)).status_code == 403
    assert (await intake.client.get(path_of(case))).status_code == 401


async def test_a_file_claimed_to_have_4_gb_is_refused_before_it_is_sent(intake: Service) -> None:
    path = path_of(await posted(intake))

    async with listening(intake.app) as port:
        raw = await exchange(port, head(intake, path, "Content-Length: 4294967296"))
        form_type = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
        form = await exchange(port, head(intake, path, form_type, "Content-Length: 4294967296"))

    for status, told in (raw, form):
        assert (status, told["type"]) == (413, "urn:redress:problem:too-large")
        assert "10 MiB" in str(told["detail"])


async def test_a_file_of_unclaimed_length_is_refused_once_it_is_too_large(intake: Service) -> None:
    case = await posted(intake)
    begun = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n'.encode()

    async def endless(first: bytes) -> AsyncIterator[bytes]:
        yield first
        for _ in range(40):
            yield bytes(1024 * 1024)

    raw = await send(intake, case, endless(png()))
    form = await send(intake, case, endless(begun), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})

    assert [answer.status_code for answer in (raw, form)] == [413, 413]


async def test_an_upload_that_is_cut_off_leaves_nothing_and_can_be_sent_again(intake: Service) -> None:
    case = await posted(intake)
    content = png(seed=77)
    announced = head(intake, path_of(case), f"Content-Length: {len(content)}", EXPECT)

    async with listening(intake.app) as port:
        await send_and_go(port, announced, content[:5000])
        chunked = head(intake, path_of(case), "Transfer-Encoding: chunked", EXPECT)
        await send_and_go(port, chunked, chunk(content[:5000]))
        status, told = await exchange(port, head(intake, path_of(case), f"Content-Length: {len(content)}") + content)

    assert (status, told["size"]) == (201, len(content))
    assert len(await listed(intake, case)) == 1


async def test_a_full_or_finished_case_is_told_before_anything_is_kept(
    database: str, engine: Any, tmp_path: Path
) -> None:
    files = FileDoor(LocalFiles(tmp_path / "files"))
    async with running_service(engine, database, files=files) as intake:
        case = await posted(intake)
        for seed in range(10):
            assert (await send(intake, case, png(seed, side=8))).status_code == 201
        before = kept(tmp_path)

        full = await send(intake, case, png(11, side=8))
        repeated = await send(intake, case, png(9, side=8))
        await intake.client.post(f"{COMPLAINTS}/{case}/withdraw", headers=intake.channel)
        over = await send(intake, case, png(12, side=8))

        assert (full.status_code, full.json()["type"]) == (409, "urn:redress:problem:conflict")
        assert "10 are the most" in full.json()["detail"]
        assert repeated.status_code == 201
        assert (over.status_code, over.json()["possible"]) == (409, ["reopen"])
        assert kept(tmp_path) == before


async def test_what_the_scanner_says_is_answered(database: str, engine: Any, tmp_path: Path) -> None:
    verdict = tmp_path / "scan"
    verdict.write_text("#!/bin/sh\ncat > /dev/null\nexit $(cat " + str(tmp_path / "code") + ")\n")
    verdict.chmod(0o700)
    files = FileDoor(LocalFiles(tmp_path / "files"), Scanner(str(verdict)))
    async with running_service(engine, database, files=files) as intake:
        case = await posted(intake)
        answers = {}
        for code in ("1", "2", "0"):
            (tmp_path / "code").write_text(code)
            answers[code] = await send(intake, case)

    assert (answers["1"].status_code, codes(answers["1"])) == (422, ["infected"])
    assert answers["2"].status_code == 503
    assert int(answers["2"].headers["retry-after"]) > 0
    assert answers["0"].status_code == 201
    assert len(kept(tmp_path)) == 1


async def test_a_place_of_files_that_is_away_is_told_and_the_case_is_as_it_was(
    database: str, engine: Any, tmp_path: Path
) -> None:
    files = FileDoor(LocalFiles(tmp_path / "files"))
    async with running_service(engine, database, files=files) as intake:
        case = await posted(intake)
        one = (await send(intake, case)).json()["id"]
        (tmp_path / "files").rename(tmp_path / "away")
        (tmp_path / "files").touch()

        reading = await intake.get(f"{path_of(case)}/{one}")
        sending = await send(intake, case, jpeg())

        assert [answer.status_code for answer in (reading, sending)] == [503, 503]
        assert "files can't be kept or read now" in reading.json()["detail"]
        assert len(await listed(intake, case)) == 1


def codes(answer: httpx.Response) -> list[str]:
    return [problem["code"] for problem in answer.json()["errors"]]


def kept(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "files").rglob("*") if path.is_file())


async def timeline(intake: Service, case: str, headers: Headers) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await intake.get(f"{COMPLAINTS}/{case}/timeline", headers)).json()["items"]
    return items
