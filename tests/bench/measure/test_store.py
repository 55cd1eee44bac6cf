import os
import threading
from datetime import datetime, timedelta

import msgspec
import pytest
from filelock import FileLock
from msgspec.structs import replace

from pocketbench.bench.errors import StoreError
from pocketbench.bench.measure import store
from pocketbench.bench.measure.run_folder import find_run, new_run_folder, read_run
from pocketbench.bench.measure.store import FILE_NAME, Store, utc_now
from pocketbench.bench.records.run import ArtifactReady, RunEnded


def test_what_was_appended_is_read_back(tmp_path, records):
    launch, failure = records.launch(), records.failure()
    artifact = records.artifact()
    with Store(tmp_path) as store:
        store.append(records.started())
        store.append(ArtifactReady(artifact=artifact))
        store.append(launch)
        store.append(failure)
        store.append(RunEnded(ended_at="2026-01-01", outcome="finished"))

    run = read_run(tmp_path)

    assert run.started == records.started()
    assert run.launches == (launch,)
    assert run.failures == (failure,)
    assert run.artifacts == (artifact,)
    assert run.outcome == "finished"


def test_others_append_while_the_disk_works_for_one(tmp_path, records, monkeypatch):
    appended = threading.Event()

    def append():
        run.append(records.failure())
        appended.set()

    def slow_disk(descriptor):
        threading.Thread(target=append).start()
        assert appended.wait(60)

    with Store(tmp_path) as run:
        run.append(records.started())
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", slow_disk)
            run.sync()

    assert len(read_run(tmp_path).failures) == 1


def test_what_is_on_disk_is_not_synced_again(tmp_path, records, monkeypatch):
    synced = []
    with Store(tmp_path) as run:
        run.append(records.launch())
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", synced.append)
            run.sync()
            run.sync()
    assert len(synced) == 1


def test_each_record_is_on_disk_as_one_line_as_soon_as_it_is_appended(
    tmp_path, records
):
    store = Store(tmp_path)
    store.append(records.started())
    store.append(records.launch())

    lines = (tmp_path / FILE_NAME).read_bytes().splitlines()

    assert [msgspec.json.decode(line)["record"] for line in lines] == [
        "run_started",
        "launch",
    ]
    store.close()


def test_a_run_without_an_end_was_killed(tmp_path, records):
    with Store(tmp_path) as store:
        store.append(records.started())

    assert read_run(tmp_path).outcome == "killed"


def test_a_run_that_is_being_written_was_not_killed(tmp_path, records):
    with Store(tmp_path) as store:
        store.append(records.started())
    with FileLock(tmp_path / ".lock"):
        assert read_run(tmp_path).outcome == "running"
    assert read_run(tmp_path).outcome == "killed"


def test_a_line_torn_by_a_kill_costs_only_itself(tmp_path, records):
    with Store(tmp_path) as store:
        store.append(records.started())
        store.append(records.launch(block=0))
    path = tmp_path / FILE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole + msgspec.json.encode(records.launch(block=1))[:40])

    assert len(read_run(tmp_path).launches) == 1
    with Store(tmp_path) as store:
        store.append(records.launch(block=2))
    assert [launch.block for launch in read_run(tmp_path).launches] == [0, 2]


def test_a_bad_line_in_the_middle_is_named_by_its_number(tmp_path, records):
    with Store(tmp_path) as store:
        store.append(records.started())
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b'{"record": "surprise"}\n')

    with pytest.raises(StoreError, match=r"run\.jsonl:2: not a record"):
        read_run(tmp_path)


@pytest.mark.parametrize("count", [2**64, -1])
def test_a_count_that_no_table_can_hold_is_refused(tmp_path, records, count):
    plan = records.plan("float32")
    variants = tuple(replace(x, threads=count) for x in plan.variants)
    with Store(tmp_path) as store:
        store.append(records.started(replace(plan, variants=variants)))
    with pytest.raises(StoreError, match=r"run\.jsonl:1: "):
        read_run(tmp_path)


def test_a_run_of_a_newer_schema_is_refused(tmp_path):
    (tmp_path / FILE_NAME).write_text('{"record": "run_started", "schema": 99}\n')

    with pytest.raises(StoreError, match="schema 99"):
        read_run(tmp_path)


def test_threads_do_not_mix_their_lines(tmp_path, records):
    with Store(tmp_path) as store:
        store.append(records.started())

        def append(device):
            for block in range(50):
                store.append(records.launch(block=block, device_id=device))

        threads = [
            threading.Thread(target=append, args=(f"android:{n}",)) for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(read_run(tmp_path).launches) == 200


def test_a_run_is_found_by_folder_by_id_and_as_the_last(tmp_path, records):
    for name in ("run-1", "run-2"):
        with Store(tmp_path / name) as store:
            store.append(records.started())

    assert find_run(str(tmp_path / "run-1"), tmp_path).name == "run-1"
    assert find_run("run-1", tmp_path).name == "run-1"
    assert find_run("last", tmp_path).name == "run-2"
    assert find_run(str(tmp_path / "run-1" / FILE_NAME), tmp_path).name == "run-1"


def test_the_last_run_is_the_one_started_last_though_the_clock_was_set_back(
    tmp_path, records
):
    ahead = tmp_path / "29990101-235959-zebra-0000"
    names = [ahead]
    for name in ("net", "net", "a"):
        with Store(names[-1]) as store:
            store.append(records.started())
        names.append(new_run_folder(tmp_path, name))
    assert names[1].name.startswith("29990102-000000-net-")
    assert names == sorted(names)
    assert find_run("last", tmp_path) == names[2]


def test_times_of_a_run_go_on_when_the_clock_is_set_back(monkeypatch):
    class SetBack(datetime):
        by = timedelta(0)

        @classmethod
        def now(cls, zone):
            return datetime.now(zone) - cls.by

    monkeypatch.setattr(store, "datetime", SetBack)
    monkeypatch.setattr(store, "_clock", store._Clock())
    before = utc_now()
    SetBack.by = timedelta(hours=3)
    times = [before, utc_now(), utc_now()]

    assert times == sorted(times)
    assert datetime.fromisoformat(times[-1]) - datetime.fromisoformat(before) < (
        timedelta(minutes=1)
    )


def test_a_run_that_is_not_there_is_answered_with_the_newest_ones(tmp_path, records):
    with Store(tmp_path / "run-1") as store:
        store.append(records.started())

    with pytest.raises(StoreError, match="Newest runs: run-1"):
        find_run("nope", tmp_path)
