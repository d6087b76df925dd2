"""A worker as a process of its own, to be killed; started by `test_exact_clock`.

    python clock_worker.py TARGET QUEUE [wait]

Prints `ready` when it may work (with `wait`: when it is loaded; it then works from the first line it reads), and each
ledger entry and notice it is given as one line of JSON.
"""

import asyncio
import json
import sys

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from tests.workflows.bench import Bench
from watchfloor.runtime.worker import STICKY


async def main(target: str, queue: str, waits: bool) -> None:
    client = await Client.connect(target, data_converter=pydantic_data_converter)
    bench = Bench(client, None)
    bench.queue = queue
    worker = bench.worker(sticky_queue_schedule_to_start_timeout=STICKY)
    if waits:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    told = {"entry": 0, "notice": 0}
    async with worker:
        if not waits:
            print("ready", flush=True)
        while True:
            for name, found in (("entry", bench.entries), ("notice", bench.notices)):
                for one in found[told[name] :]:
                    print(json.dumps({name: one}), flush=True)
                    told[name] += 1
            await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:] == ["wait"]))
