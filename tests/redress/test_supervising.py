"""A part that dies is started again; one that was asked to stop is not."""

from __future__ import annotations

import asyncio
import logging

import pytest

from redress.supervising import Supervised
from services.base.errors import Misconfigured


class Part:
    """Fails as often as it is told, then works until it is stopped."""

    def __init__(self, failures: list[Exception | None]) -> None:
        self._failures = failures
        self._stop = asyncio.Event()
        self.last_sign_of_life = 17.0
        self.at_work = asyncio.Event()

    async def run(self) -> None:
        if self._failures:
            failure = self._failures.pop(0)
            if failure is not None:
                raise failure
            return
        self.at_work.set()
        await self._stop.wait()

    def stop(self) -> None:
        self._stop.set()


def supervised(*failures: Exception | None) -> tuple[Supervised, list[Part]]:
    made: list[Part] = []
    left = list(failures)

    def make() -> Part:
        made.append(Part(left))
        return made[-1]

    return Supervised("part", make, first_pause=0.001, longest=0.002), made


async def run_until_at_work(one: Supervised, made: list[Part]) -> asyncio.Task[None]:
    task = asyncio.create_task(one.run())
    async with asyncio.timeout(10):
        while not (made and made[-1].at_work.is_set()):
            await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("failure", [RuntimeError("a defect"), None])
async def test_a_part_that_ends_by_itself_is_said_and_started_again(
    failure: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    one, made = supervised(failure, failure, failure)

    task = await run_until_at_work(one, made)
    one.stop()
    await task

    assert len(made) == 4
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 3


async def test_a_part_that_was_asked_to_stop_is_not_started_again() -> None:
    one, made = supervised()
    task = await run_until_at_work(one, made)

    one.stop()
    await asyncio.wait_for(task, 10)

    assert len(made) == 1


async def test_stopping_does_not_wait_for_the_pause_before_the_next_start() -> None:
    one = Supervised("part", lambda: Part([RuntimeError("a defect")]), first_pause=600)
    task = asyncio.create_task(one.run())
    await asyncio.sleep(0)

    one.stop()

    await asyncio.wait_for(task, 10)


async def test_a_wrong_setting_ends_the_program_instead() -> None:
    one, made = supervised(Misconfigured("REDRESS_SHARES is 4 here, and 1 elsewhere"))

    with pytest.raises(Misconfigured, match="REDRESS_SHARES"):
        await one.run()

    assert len(made) == 1


async def test_the_sign_of_life_is_that_of_the_part_at_work() -> None:
    one, made = supervised()
    task = await run_until_at_work(one, made)

    assert one.last_sign_of_life == 17.0

    one.stop()
    await task
