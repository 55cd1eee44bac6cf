"""A lab's worker in this process, beside a real scheduler."""

import asyncio
import threading

import pytest

pytestmark = [pytest.mark.needs("lab"), pytest.mark.timeout(60)]

stopping, stopped = threading.Event(), threading.Event()


def part():
    """What runs on the worker, and takes its time to stop."""
    stopping.set()
    stopped.wait()


def test_a_worker_that_closes_while_a_part_still_stops_waits_for_its_scheduler_again(
    monkeypatch,
):
    from distributed import Client, Scheduler

    from pocketbench.bench.lab import worker

    monkeypatch.setattr(worker, "_ready_phones", lambda: ())
    monkeypatch.setattr(worker, "_AGAIN_S", 0.02)

    async def says_what_becomes_of_it():
        said = asyncio.Queue()
        async with Scheduler(
            host="127.0.0.1", port=0, dashboard_address=":0"
        ) as scheduler:
            address = scheduler.address
            serving = asyncio.create_task(
                worker._serve(address, "left", said.put_nowait)
            )

            async def says():
                line = asyncio.ensure_future(said.get())
                await asyncio.wait([line, serving], return_when="FIRST_COMPLETED")
                assert line.done(), serving
                return line.result()

            try:
                assert (await says()).startswith("left at ")
                async with Client(address, asynchronous=True) as client:
                    future = client.submit(part)
                    await asyncio.to_thread(stopping.wait)
                    (left,) = scheduler.workers.values()
                    server = worker.Worker._instances
                    (closing,) = [x for x in server if x.address == left.address]
                    await scheduler.remove_worker(left.address, stimulus_id="test")
                    while closing.rpc.status is not worker.Status.closed:
                        await asyncio.sleep(0)
                    # It asks its scheduler now, and cannot.
                    await asyncio.sleep(5 * worker._AGAIN_S)
                    assert said.empty()
                    stopped.set()
                    assert await says() == f"{address} went away; trying again"
                    assert (await says()).startswith("left at ")
                    await future
            finally:
                stopped.set()
                serving.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await serving

    asyncio.run(says_what_becomes_of_it())
