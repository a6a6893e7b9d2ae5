"""A server's loop that is told to stop while it reads: python -m tests.server.stops LOOKS SECONDS WORDS."""

from __future__ import annotations

import asyncio
import signal
import sys

from ui import health


class Busy:
    """An intake that reads for some looks at it."""

    def __init__(self, looks: int) -> None:
        self.closing, self.looks = False, looks

    @property
    def busy(self) -> bool:
        self.looks -= 1
        return self.looks > 0


async def serve(intake: Busy, seconds: float, words: int, stopped: list[int]) -> None:
    with health.stopping_gently(intake, seconds):
        for _ in range(words):
            signal.raise_signal(signal.SIGTERM)
            assert intake.closing
            await asyncio.sleep(0.05)
        while not stopped:
            await asyncio.sleep(0.01)


def main(looks: int, seconds: float, words: int) -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    health.LOOK, intake = 0.05, Busy(looks)
    asyncio.run(asyncio.wait_for(serve(intake, seconds, words, stopped), 30))
    sys.stdout.write(f"{intake.looks}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
