"""The event log under stress, for as long as one likes: is anything missed, invented or out of order?

    python -m bench.log_stress [--seconds 60] [--writers 8] [--readers 3] [--processes]

Writers commit and roll back at some thousand events a second, one of them always late; readers are killed all the
time with a batch in their hands. With ``--processes`` the readers are processes of their own that are killed with
SIGKILL; without, they are tasks whose sessions end. The same stress runs for some seconds in the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from typing import Any
from uuid import UUID

from services.base.errors import Unavailable
from services.base.stream.database import DatabaseStream
from services.base.stream.port import ReaderLost
from tests.conftest import fill
from tests.servers.postgres import PostgresServer
from tests.stream.factories import Happened
from tests.stream.log_stress import Stress

SHARES = 3


def main() -> None:
    """Run the stress and print what was seen; exit code 1 when a promise was broken."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--writers", type=int, default=8)
    options.add_argument("--readers", type=int, default=3)
    options.add_argument("--processes", action="store_true", help="readers are processes, killed with SIGKILL")
    options.add_argument("--read", metavar="URL", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.read:
        asyncio.run(read_and_tell(chosen.read))
        return
    with PostgresServer(durable=True) as server:
        url = server.create_database()
        fill(url)
        stress = StressWithProcesses(url) if chosen.processes else Stress(url, shares=SHARES)
        outcome = asyncio.run(stress.run(chosen.seconds, writers=chosen.writers, readers=chosen.readers))
    print(f"{outcome.written / chosen.seconds:.0f} events/s for {chosen.seconds:.0f} s; {outcome.describe()}")
    sys.exit(1 if outcome.missed or outcome.invented or outcome.out_of_order else 0)


class StressWithProcesses(Stress):
    """The same stress, with readers that are processes."""

    def __init__(self, url: str) -> None:
        super().__init__(url, shares=SHARES)
        self._address = url
        self._told: list[tuple[float, UUID, int]] = []
        self._reading = 0

    async def read(self, end: float) -> None:
        """One process after another, each killed after some seconds."""
        self._reading += 1
        while time.monotonic() < end:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bench.log_stress", "--read", self._address, stdout=asyncio.subprocess.PIPE
            )
            listening = asyncio.create_task(self._listen(process.stdout))
            await asyncio.sleep(min(random.uniform(2.0, 5.0), max(0.0, end - time.monotonic())))
            process.kill()
            self.note_killed()
            await asyncio.gather(process.wait(), listening)
        self._reading -= 1
        if not self._reading:
            # By the clock that all processes share: a pipe may be read late.
            for at, key, number in sorted(self._told, key=lambda told: told[0]):
                self.note_delivered(key, number, at)

    async def _listen(self, pipe: Any) -> None:
        async for line in pipe:
            if line.endswith(b"\n"):
                at, key, number = line.split()
                self._told.append((float(at), UUID(key.decode()), int(number)))


async def read_and_tell(url: str) -> None:
    """Read until killed; an event is told before it is committed, so that none is committed in silence."""
    reader = DatabaseStream(url, shares=SHARES, pause=0.01).reader("stress", {Happened.TYPE})
    while True:
        try:
            batch = await reader.poll(random.randint(1, 80), 0.05)
            now = time.monotonic()
            for event in batch.events:
                print(now, event.key, event.number)
            sys.stdout.flush()
            if batch and random.random() < 0.1:
                # Time to be killed in with a batch in hand, as a worker has while it writes.
                await asyncio.sleep(0.1)
            await reader.commit(batch)
        except (ReaderLost, Unavailable):
            continue


if __name__ == "__main__":
    main()
