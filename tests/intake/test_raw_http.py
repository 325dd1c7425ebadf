"""Intake behind a real HTTP server: sizes declared and not, and clients that go away."""

from __future__ import annotations

import asyncio
import json

import httpx

from tests.intake.factories import BATCH, COMPLAINTS, Service, complaint, listening

MIB = 1024 * 1024
EXPECT = "Expect: 100-continue"


def head(intake: Service, path: str, *lines: str) -> bytes:
    """The head of a request, with the channel's key."""
    fields = [f"POST {path} HTTP/1.1", "Host: intake", f"Authorization: {intake.channel['Authorization']}", *lines]
    return "\r\n".join([*fields, "", ""]).encode()


def chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def padded(size: int) -> bytes:
    """A good complaint of exactly ``size`` bytes."""
    body = json.dumps(complaint()).encode()
    return body + b" " * (size - len(body))


async def exchange(port: int, request: bytes) -> tuple[int, dict[str, object]]:
    """The status and the JSON body with which a request, sent as it is, is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    lines = answer.decode().split("\r\n")
    length = next(int(line[16:]) for line in lines if line.lower().startswith("content-length:"))
    body = await asyncio.wait_for(reader.readexactly(length), 10)
    writer.close()
    return int(lines[0].split()[1]), json.loads(body)


async def send_and_go(port: int, announced: bytes, body: bytes) -> None:
    """Send a body once the program waits for it, and close the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(announced)
    await asyncio.wait_for(reader.readuntil(b"100 Continue\r\n\r\n"), 10)
    writer.write(body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_a_body_of_exactly_1_mib_is_taken(intake: Service) -> None:
    async with listening(intake.app) as port:
        status, _ = await exchange(port, head(intake, COMPLAINTS, f"Content-Length: {MIB}") + padded(MIB))

    assert status == 201


async def test_a_body_declared_too_large_is_refused_before_it_is_sent(intake: Service) -> None:
    async with listening(intake.app) as port:
        status, told = await exchange(port, head(intake, COMPLAINTS, f"Content-Length: {MIB + 1}"))

    assert (status, told["type"]) == (413, "urn:redress:problem:too-large")
    assert "1 MiB" in str(told["detail"])


async def test_a_body_of_undeclared_size_is_refused_once_it_is_too_large(intake: Service) -> None:
    body = padded(MIB + 1)
    chunks = b"".join(chunk(body[start : start + 65_536]) for start in range(0, len(body), 65_536))

    async with listening(intake.app) as port:
        status, told = await exchange(port, head(intake, COMPLAINTS, "Transfer-Encoding: chunked") + chunks)

    assert (status, told["type"]) == (413, "urn:redress:problem:too-large")
    assert await intake.written() == (0, 0)


async def test_a_body_in_small_chunks_is_taken(intake: Service) -> None:
    body = json.dumps(complaint(), ensure_ascii=False).encode()
    chunks = b"".join(chunk(body[start : start + 5]) for start in range(0, len(body), 5)) + b"0\r\n\r\n"

    async with listening(intake.app) as port:
        status, _ = await exchange(port, head(intake, COMPLAINTS, "Transfer-Encoding: chunked") + chunks)

    assert status == 201


async def test_a_complaint_cut_off_on_its_way_is_not_registered(intake: Service) -> None:
    # What arrives is a whole complaint, but not all that was announced.
    body = json.dumps(complaint()).encode()

    async with listening(intake.app) as port:
        await send_and_go(port, head(intake, COMPLAINTS, f"Content-Length: {len(body) + 10}", EXPECT), body)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            alive = await client.post(COMPLAINTS, json=complaint(), headers=intake.channel)

    assert alive.status_code == 201
    assert await intake.written() == (1, 1)


async def test_of_a_batch_cut_off_on_its_way_the_whole_lines_are_registered(intake: Service) -> None:
    line = json.dumps(complaint()).encode()
    announced = head(intake, BATCH, "Content-Type: application/x-ndjson", "Transfer-Encoding: chunked", EXPECT)

    async with listening(intake.app) as port:
        # The second line would be a whole complaint, had it been meant to end here.
        await send_and_go(port, announced, chunk(line + b"\n" + line))

    assert await intake.written() == (1, 1)


async def test_a_channel_that_does_not_wait_for_the_answer_loses_nothing(intake: Service) -> None:
    body = json.dumps(complaint()).encode()

    async with listening(intake.app) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(intake, COMPLAINTS, f"Content-Length: {len(body)}", "Idempotency-Key: key-1") + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        answer = await intake.post(complaint(), key="key-1")

    assert answer.status_code == 201
    assert await intake.written() == (1, 1)


async def test_several_complaints_travel_on_one_connection(intake: Service) -> None:
    async with listening(intake.app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answers = await asyncio.gather(
            *(client.post(COMPLAINTS, json=complaint(content=f"第{n}条"), headers=intake.channel) for n in range(30))
        )

    assert {answer.status_code for answer in answers} == {201}
    assert await intake.written() == (30, 30)
