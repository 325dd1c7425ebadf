"""Files that people send: what is taken, what is refused and why, scanning them, and keeping them."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from moto.server import ThreadedMotoServer

from services.base.errors import Invalid, Misconfigured, Refused, TooLarge, Unavailable
from services.base.files.names import saved_name, shown_name
from services.base.files.port import FileStore, place_of
from services.base.files.receiving import MIB, FileDoor, ReceivedFile
from services.base.files.scanning import Scanner
from services.base.files.store import LocalFiles, file_store
from tests.base.file_samples import KINDS, archive, heic, jpeg, pdf, picture, pieces, png
from tests.servers.process import free_port

BUCKET = "redress"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server that speaks S3, with a bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.put(f"http://{host}:{port}/{BUCKET}").raise_for_status()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    if request.param == "folder":
        return file_store((tmp_path / "kept here").as_uri())
    for name, value in {
        "AWS_ENDPOINT_URL": request.getfixturevalue("s3"),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return file_store(f"s3://{BUCKET}/{tmp_path.name}")


@pytest.fixture
def door(tmp_path: Path) -> FileDoor:
    return FileDoor(LocalFiles(tmp_path / "files"))


async def take(
    door: FileDoor,
    content: bytes | AsyncIterator[bytes],
    declared: str | None = None,
    kinds: tuple[str, ...] = KINDS,
    largest: int = 1,
) -> ReceivedFile:
    chunks = pieces(content) if isinstance(content, bytes) else content
    return await door.receive(chunks, declared=declared, kinds=kinds, largest=largest)


async def whole(door: FileDoor, file: ReceivedFile) -> bytes:
    return b"".join([piece async for piece in await door.read(file)])


def kept(folder: Path) -> list[Path]:
    return [path for path in (folder / "files").rglob("*") if path.is_file()]


def scanning(tmp_path: Path, script: str, at_once: int = 4) -> FileDoor:
    """A door with a scanner that runs this script."""
    program = tmp_path / "scan.py"
    program.write_text(script)
    return FileDoor(LocalFiles(tmp_path / "files"), Scanner(f"{sys.executable} {program}", at_once=at_once))


WHOLE = {
    "JPEG": (jpeg(), "image/jpeg"),
    "JPEG that is drawn in steps": (picture("JPEG", progressive=True), "image/jpeg"),
    "photo that moves": (jpeg() + b"\x00\x00\x00\x18ftypmp42" + bytes(5000), "image/jpeg"),
    "photo with a second picture after it": (jpeg() + jpeg(), "image/jpeg"),
    "PNG": (png(), "image/png"),
    "GIF": (picture("GIF"), "image/gif"),
    "WebP": (picture("WEBP"), "image/webp"),
    "WebP without loss": (picture("WEBP", lossless=True), "image/webp"),
    "HEIC": (heic(), "image/heic"),
    "PDF": (pdf(), "application/pdf"),
    "PDF with lines after it": (pdf() + b"\r\n\r\n", "application/pdf"),
}


@pytest.mark.parametrize("name", WHOLE)
async def test_a_file_is_known_by_its_content_and_comes_back_as_it_was(door: FileDoor, name: str) -> None:
    content, media_type = WHOLE[name]

    received = await take(door, content)

    assert received == ReceivedFile(hashlib.sha256(content).hexdigest(), media_type, len(content))
    assert await whole(door, received) == content


REFUSED = {
    "nothing": (b"", "empty"),
    "words": ("账单".encode(), "wrong_kind"),
    "page": (b"<!DOCTYPE html><script>alert(1)</script>", "wrong_kind"),
    "drawing that can hold scripts": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "wrong_kind"),
    "archive": (archive(), "wrong_kind"),
    "program": (b"MZ" + bytes(500), "wrong_kind"),
    "program of Linux": (b"\x7fELF" + bytes(500), "wrong_kind"),
    "first byte only": (b"\xff", "wrong_kind"),
    "head of a JPEG": (jpeg()[:3], "damaged"),
    "JPEG without its end": (jpeg()[:-400], "damaged"),
    "PNG without its end": (png()[:-20], "damaged"),
    "PNG without its last byte": (png()[:-1], "damaged"),
    "PNG with a piece of 4 GB": (png()[:33] + b"\xff\xff\xff\xffIDAT" + png()[41:], "damaged"),
    "GIF without its end": (picture("GIF")[:-300], "damaged"),
    "WebP without its end": (picture("WEBP")[:-2], "damaged"),
    "HEIC without its end": (heic()[:-1], "damaged"),
    "PDF without its end": (pdf()[:-300], "damaged"),
    "JPEG and archive": (jpeg() + archive(), "mixed"),
    "GIF and program in Java": (picture("GIF") + archive(), "mixed"),
    "PNG, rubbish and archive": (png() + bytes(range(256)) + archive(), "mixed"),
    "PDF and archive": (pdf() + archive(), "mixed"),
    "JPEG and PDF": (jpeg()[:20] + jpeg()[20:] + pdf(), "mixed"),
    "PDF within a comment of a JPEG": (picture("JPEG", comment=b"%PDF-1.4"), "mixed"),
    "page within a comment of a JPEG": (picture("JPEG", comment=b"<script>alert(1)</script>"), "mixed"),
    "page after a PNG": (png() + b"\n<HTML><body onload=alert(1)>", "mixed"),
    "page after the head of a PDF": (pdf()[:9] + b"<script>alert(1)</script>" + pdf()[9:], "mixed"),
    "program after a JPEG": (jpeg() + b"MZ" + bytes(500), "mixed"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_says_why_and_leaves_nothing_behind(door: FileDoor, name: str, tmp_path: Path) -> None:
    content, code = REFUSED[name]

    with pytest.raises(Invalid) as refused:
        await take(door, content)

    [problem] = refused.value.problems
    assert (problem.field, problem.code) == ("file", code)
    assert kept(tmp_path) == []


async def test_a_kind_that_the_plan_does_not_allow_is_refused_with_those_that_it_does(door: FileDoor) -> None:
    with pytest.raises(Invalid, match="is PDF, which is not taken; send one of JPEG, PNG"):
        await take(door, pdf(), kinds=("image/png", "image/jpeg"))


@pytest.mark.parametrize(
    "declared", [None, "image/png", "IMAGE/PNG; x=y", "image/x-png", "application/octet-stream", ""]
)
async def test_what_a_file_is_declared_to_be_may_be_left_out(door: FileDoor, declared: str | None) -> None:
    assert (await take(door, png(), declared)).media_type == "image/png"


@pytest.mark.parametrize("declared", ["image/jpeg", "text/html", "application/pdf"])
async def test_a_file_that_is_not_what_it_is_declared_to_be_is_refused(door: FileDoor, declared: str) -> None:
    with pytest.raises(Invalid) as refused:
        await take(door, png(), declared)

    assert [problem.code for problem in refused.value.problems] == ["contradicts"]
    assert "declare it as image/png" in str(refused.value)


async def test_a_file_is_refused_as_soon_as_it_is_too_large(door: FileDoor, tmp_path: Path) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 100_000
            yield bytes(100_000)

    with pytest.raises(TooLarge, match="larger than 1 MiB"):
        await take(door, endless())

    assert read < MIB + 200_000
    assert kept(tmp_path) == []


async def test_a_file_of_exactly_the_most_is_taken(door: FileDoor) -> None:
    content = jpeg()
    content += bytes(MIB - len(content))

    assert (await take(door, content)).size == MIB


async def test_a_file_that_is_cut_off_leaves_nothing_behind(door: FileDoor, tmp_path: Path) -> None:
    before = set(Path(tempfile.gettempdir()).iterdir())

    async def cut() -> AsyncIterator[bytes]:
        yield png()[:4000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await take(door, cut())

    assert kept(tmp_path) == []
    assert {path for path in Path(tempfile.gettempdir()).iterdir() if path.name.startswith("tmp")} <= before


async def test_a_sender_who_falls_silent_is_not_waited_for(tmp_path: Path) -> None:
    door = FileDoor(LocalFiles(tmp_path / "files"), silence=0.05)

    async def silent() -> AsyncIterator[bytes]:
        yield png()[:4000]
        await asyncio.Event().wait()

    with pytest.raises(Refused, match="send it again"):
        await take(door, silent())


async def test_a_sender_of_a_byte_now_and_then_is_not_waited_for_without_end(tmp_path: Path) -> None:
    door = FileDoor(LocalFiles(tmp_path / "files"), silence=5, longest=0.2)

    async def dripping() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b"\xff"

    with pytest.raises(Refused, match="send it again"):
        await take(door, dripping())


async def test_more_files_at_once_than_there_is_room_for_are_sent_again_later(tmp_path: Path) -> None:
    door = FileDoor(LocalFiles(tmp_path / "files"), at_once=1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        begun.set()
        await go_on.wait()
        yield png()

    first = asyncio.create_task(take(door, slow()))
    await begun.wait()
    with pytest.raises(Unavailable):
        await take(door, png())
    go_on.set()

    assert await first == await take(door, png())


async def test_whoever_is_asked_before_a_file_is_kept_can_refuse_it(door: FileDoor, tmp_path: Path) -> None:
    async def refuse(sha256: str) -> None:
        assert sha256 == hashlib.sha256(png()).hexdigest()
        raise Refused("not this one")

    with pytest.raises(Refused, match="not this one"):
        await door.receive(pieces(png()), declared=None, kinds=KINDS, largest=1, may_keep=refuse)

    assert kept(tmp_path) == []


NAMES = {
    "账单 11月.png": "账单 11月.png",
    "😀👨‍👩‍👧.png": "😀👨‍👩‍👧.png",
    "../../etc/passwd": "passwd",
    "C:\\Users\\李伟\\账单.png": "账单.png",
    "..": "file.png",
    "": "file.png",
    "/": "file.png",
    ".htaccess": "htaccess",
    "a\r\nSet-Cookie: x=1.png": "aSet-Cookie: x=1.png",
    "bill\x00\x1b[31m.png": "bill[31m.png",
    "bill\u202egnp.exe": "billgnp.exe",
    "\u2066x\u2069\u200b\ufeff.png": "x.png",
    'the "bill".png': 'the "bill".png',
    "e\u0301.png": "é.png",
    "\udcff.png": "png",
}


@pytest.mark.parametrize("given", NAMES)
def test_a_name_is_kept_but_for_what_deceives(given: str) -> None:
    assert shown_name(given, "image/png") == NAMES[given]


def test_a_long_name_keeps_its_end() -> None:
    shown = shown_name("单" * 1000 + ".jpeg", "image/jpeg")

    assert len(shown) == 200
    assert shown.endswith("单….jpeg")


def test_a_file_is_saved_under_the_suffix_of_its_kind() -> None:
    assert saved_name("bill.hta", "image/gif") == "bill.hta.gif"
    assert saved_name("Photo.JPG", "image/jpeg") == "Photo.JPG"


async def test_a_store_keeps_a_content_once_and_gives_it_back(store: FileStore) -> None:
    content = os.urandom(6 * MIB)
    digest = hashlib.sha256(content).hexdigest()

    for _ in range(2):
        await store.put(digest, io.BytesIO(content))
    await asyncio.gather(*(store.put(digest, io.BytesIO(content)) for _ in range(3)))

    assert b"".join([piece async for piece in await store.read(digest)]) == content


async def test_what_is_not_there_can_not_be_read(store: FileStore) -> None:
    with pytest.raises(Unavailable):
        await store.read("0" * 64)


async def test_files_of_a_folder_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "files"
    digest = hashlib.sha256(png()).hexdigest()

    await LocalFiles(folder).put(digest, io.BytesIO(png()))

    place = folder / digest[:2] / digest[2:4] / digest
    assert place.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list((folder / "drafts").iterdir()) == []


async def test_a_file_that_is_being_written_is_not_seen_and_a_failure_leaves_no_piece_of_it(tmp_path: Path) -> None:
    store = LocalFiles(tmp_path)
    digest = "ab" * 32
    place = tmp_path / place_of(digest)

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            assert not place.exists()
            raise OSError("the disk is gone")

    with pytest.raises(Unavailable):
        await store.put(digest, Failing(b"x" * 100))

    assert not place.exists()
    assert list((tmp_path / "drafts").iterdir()) == []


async def test_what_a_killed_process_left_and_what_a_disk_lost_is_put_right(tmp_path: Path) -> None:
    store = LocalFiles(tmp_path)
    digest = hashlib.sha256(png()).hexdigest()
    place = tmp_path / place_of(digest)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"")
    old = tmp_path / "drafts" / "tmpkilled"
    old.parent.mkdir()
    old.write_bytes(b"half")
    os.utime(old, (time.time() - 100_000,) * 2)
    young = old.with_name("tmpwriting")
    young.write_bytes(b"half")

    await store.put(digest, io.BytesIO(png()))

    assert place.read_bytes() == png()
    assert [draft.name for draft in old.parent.iterdir()] == ["tmpwriting"]


async def test_keeping_and_reading_happen_off_the_loop(door: FileDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = set()
    original = os.fsync

    def watched(descriptor: int) -> None:
        threads.add(threading.current_thread())
        original(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    await take(door, png())

    assert threads
    assert threading.main_thread() not in threads


async def test_a_bucket_that_is_away_is_told_as_that(monkeypatch: pytest.MonkeyPatch, s3: str) -> None:
    for name, value in {"AWS_ENDPOINT_URL": s3, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}.items():
        monkeypatch.setenv(name, value)
    store = file_store("s3://no-such-bucket/files")

    with pytest.raises(Unavailable):
        await store.put("0" * 64, io.BytesIO(b"x"))


@pytest.mark.parametrize("url", ["/var/files", "file://host/files", "file://", "s3://", "ftp://x/y", "gs://bucket"])
def test_a_place_that_is_none_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(Misconfigured, match="REDRESS_FILES_URL"):
        file_store(url)


async def test_the_scanner_is_given_the_whole_file_and_a_clean_one_is_kept(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    door = scanning(tmp_path, f"import sys, pathlib; pathlib.Path({str(seen)!r}).write_bytes(sys.stdin.buffer.read())")

    received = await take(door, png())

    assert seen.read_bytes() == png()
    assert await whole(door, received) == png()


async def test_an_infected_file_is_refused_and_not_kept(tmp_path: Path) -> None:
    door = scanning(tmp_path, "raise SystemExit(1)")

    with pytest.raises(Invalid) as refused:
        await take(door, png())

    assert [problem.code for problem in refused.value.problems] == ["infected"]
    assert kept(tmp_path) == []


@pytest.mark.parametrize("script", ["raise SystemExit(2)", "import os; os.kill(os.getpid(), 9)"])
async def test_a_scanner_that_fails_lets_nothing_in(tmp_path: Path, script: str) -> None:
    with pytest.raises(Unavailable) as refused:
        await take(scanning(tmp_path, script), png())

    assert refused.value.retry_after >= 1
    assert kept(tmp_path) == []


async def test_a_scanner_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = tmp_path / "scan.sh"
    script.write_text(f"sleep 60 & echo $$ $! > {pids}; wait")
    door = FileDoor(LocalFiles(tmp_path / "files"), Scanner(f"/bin/sh {script}", seconds=1))

    with pytest.raises(Unavailable):
        await take(door, png())

    for pid in pids.read_text().split():
        while runs(int(pid)):
            await asyncio.sleep(0.01)
    assert kept(tmp_path) == []


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_no_more_scanners_run_at_once_than_may(tmp_path: Path) -> None:
    running = tmp_path / "running"
    running.mkdir()
    door = scanning(
        tmp_path,
        "import os, pathlib, sys, time\n"
        f"mine = pathlib.Path({str(running)!r}) / str(os.getpid())\n"
        "mine.touch()\n"
        "time.sleep(0.1)\n"
        "many = len(list(mine.parent.iterdir())) > 2\n"
        "mine.unlink()\n"
        "sys.exit(2 if many else 0)\n",
        at_once=2,
    )

    received = await asyncio.gather(*(take(door, png(seed)) for seed in range(5)))

    assert len({file.sha256 for file in received}) == 5


@pytest.mark.parametrize("command", ["", "no-such-program -", "'unclosed"])
def test_a_scanner_that_can_not_be_run_is_refused_at_the_start(command: str) -> None:
    with pytest.raises(Misconfigured, match="REDRESS_SCAN_COMMAND"):
        Scanner(command)
