"""`python -m tests.outgoing.killed_sender FOLDER URL`: follows and sends until somebody kills it."""

import asyncio
import sys
from pathlib import Path

from tests.outgoing.floor import Floor, receiver


async def main(folder: Path, url: str) -> None:
    floor = Floor(folder)
    async with floor.working(receiver("case_tool", url)):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
