import threading

import msgspec
import pytest

from pocketbench.bench.errors import StoreError
from pocketbench.bench.history.folder import add_run
from pocketbench.bench.history.stored import StoredLaunch, device_key, stored_launches
from pocketbench.bench.records.metrics import METRICS
from tests.histories import HOST, PHONE, scattered
from tests.sustained_runs import sustained, sustained_run


def test_a_run_becomes_one_file_a_device_under_its_month(runs):
    found = runs.add(3, devices=(HOST, PHONE))

    assert [added.path.relative_to(runs.history).as_posix() for added in found] == [
        "host-ryzen-7-8-cores/2026-01/run-0003.jsonl",
        "pixel-8-9f3c01ab/2026-01/run-0003.jsonl",
    ]
    assert [(added.launches, added.is_new) for added in found] == [(6, True)] * 2
    assert len(found[0].path.read_bytes().splitlines()) == 6


def test_every_sample_and_every_metric_is_kept(runs):
    run = runs.run()
    (added,) = add_run(run, runs.history)

    lines = added.path.read_bytes().splitlines()
    kept = [msgspec.json.decode(line, type=StoredLaunch) for line in lines]
    assert [x.latencies_ns for x in kept] == [
        x.measurement.latencies_ns for x in run.launches
    ]
    assert {metric.name for metric in METRICS} <= set(StoredLaunch.__struct_fields__)
    assert kept[0].load_ns == 5_000_000
    assert kept[0].peak_rss_bytes == 5000
    assert kept[0].commit == run.started.commit


def test_memory_that_a_runner_placed_is_another_runtime(runs):
    run = runs.run()

    before, after = (
        stored_launches(found)[0].runtime for found in (run, scattered(run))
    )

    assert after == f"{before}, steady heap"


def test_no_serial_number_reaches_the_history(runs):
    named_by_serial = msgspec.structs.replace(PHONE, name="HT7A1X0042 of mine")
    (added,) = runs.add(devices=(named_by_serial,))

    assert b"HT7A1X0042" not in added.path.read_bytes()
    assert "HT7A1X0042" not in str(added.path)


def test_a_run_added_twice_is_there_once(runs):
    run = runs.run()
    first, second = (add_run(run, runs.history) for _ in range(2))

    assert first[0].is_new
    assert not second[0].is_new
    assert len(list(runs.history.rglob("*"))) == 3


def test_other_launches_under_the_name_of_a_run_are_refused(runs):
    runs.add(1)

    with pytest.raises(StoreError, match="holds other launches of a run of this name"):
        runs.add(1, latency_ns=2e6)


def test_a_run_without_a_whole_block_is_refused(runs):
    with pytest.raises(StoreError, match="no whole block of launches"):
        runs.add(launches=0)


def test_a_sustained_run_has_a_page_and_no_level_for_a_history(runs):
    run = sustained_run(runs.run(1), sustained(HOST.id))

    with pytest.raises(StoreError, match="measure without --sustained"):
        add_run(run, runs.history)


def test_many_jobs_add_at_once_without_losing_a_run(runs):
    made = [runs.run(number) for number in range(12)]
    threads = [
        threading.Thread(target=add_run, args=(run, runs.history)) for run in made
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(list(runs.history.glob("*/*/*.jsonl"))) == 12
    assert not list(runs.history.glob("*/*/.*"))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"name": "../../etc"}, "etc-9f3c01ab"),
        ({"name": "Gerät 7 / ÄÖ"}, "ger-t-7-9f3c01ab"),
        ({"serial_hash": None, "id": "android:10.0.0.7:5555"}, "android-10-0-0-7-5555"),
        ({"is_simulated": True, "id": "simulated:pixel-8"}, "simulated-pixel-8"),
    ],
)
def test_a_device_becomes_a_plain_folder_name(changes, key):
    info = msgspec.structs.replace(PHONE, model=None, **changes)

    assert device_key(info) == key
