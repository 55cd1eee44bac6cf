import statistics

import pytest

from pocketbench.bench.errors import StoreError
from pocketbench.bench.history.compact import compact
from pocketbench.bench.history.folder import add_run
from pocketbench.bench.history.queries import COMPACTED, models_in, read_series
from tests.generated_runs import generated_run
from tests.histories import HOST, PHONE


def test_each_point_is_the_median_of_a_runs_launches(runs):
    made = [runs.run(number, 1e6 + 1e5 * number) for number in range(3)]
    for run in reversed(made):
        add_run(run, runs.history)

    (series,) = read_series(runs.history)
    assert [point.run_id for point in series.points] == [
        run.started.run_id for run in made
    ]
    medians = [
        statistics.median(
            statistics.median(x.measurement.latencies_ns) for x in run.launches
        )
        for run in made
    ]
    assert series.values == pytest.approx(medians)
    for point in series.points:
        assert point.low < point.value < point.high
        assert point.launches == 6
    assert series.points[1].commit == made[1].started.commit
    assert series.points[1].environment == (
        "Linux 12",
        "lite torch 2.13.0",
        "2.13.0",
    )


def test_every_device_and_variant_is_a_series_of_its_own(runs):
    runs.add(0, devices=(HOST, PHONE), variants=("float32", "int8-static"))
    runs.add(1, devices=(PHONE,), model="other")

    found = {str(s.cell): len(s.points) for s in read_series(runs.history)}
    assert found == {
        "net float32 on host-ryzen-7-8-cores": 1,
        "net int8-static on host-ryzen-7-8-cores": 1,
        "net float32 on pixel-8-9f3c01ab": 1,
        "net int8-static on pixel-8-9f3c01ab": 1,
        "other float32 on pixel-8-9f3c01ab": 1,
    }
    assert len(read_series(runs.history, model="net")) == 4
    assert models_in(runs.history) == ["net", "other"]


def test_what_a_run_says_is_held_once_for_all_its_points(runs):
    for number in range(2):
        runs.add(number, devices=(HOST, PHONE), variants=("float32", "int8-static"))

    points = [point for s in read_series(runs.history) for point in s.points]
    assert len(points) == 8
    for name in ("run_id", "commit", "os_build", "runtime", "torch"):
        words = [getattr(point, name) for point in points]
        assert len(set(map(id, words))) == len(set(words)), name


def test_another_metric_has_its_own_values(runs):
    runs.add()

    (series,) = read_series(runs.history, metric="load_ns")
    assert series.values == [5_000_000]
    assert series.metric.title == "load"


def test_the_metric_of_models_that_generate_is_their_decode_speed(runs):
    add_run(generated_run(), runs.history)

    found = read_series(runs.history)
    assert {series.metric.word for series in found} == {"decode"}
    assert len(found) == 2
    runs.add()
    assert len(read_series(runs.history)) == 3
    assert read_series(runs.history, metric="decode_tokens_per_s") == found


def test_compaction_changes_no_answer_and_leaves_one_file_a_month(runs):
    for number in range(0, 60, 7):
        runs.add(number, devices=(HOST, PHONE), variants=("float32", "int8-static"))
    before = read_series(runs.history)

    done = compact(runs.history)

    assert read_series(runs.history) == before
    assert sum(compacted.runs for compacted in done) == 2 * 9
    assert not list(runs.history.rglob("*.jsonl"))
    assert {path.name for path in runs.history.glob("*/*/*")} == {COMPACTED}
    assert compact(runs.history) == ()


def test_runs_added_after_a_compaction_count_and_are_taken_in_by_the_next(runs):
    runs.add(0)
    compact(runs.history)
    runs.add(1)
    before = read_series(runs.history)
    assert len(before[0].points) == 2

    compact(runs.history)

    assert read_series(runs.history) == before
    assert not runs.add(1)[0].is_new


def test_a_compaction_killed_before_it_deleted_anything_counts_no_launch_twice(runs):
    (added,) = runs.add(0)
    data = added.path.read_bytes()
    compact(runs.history)
    added.path.write_bytes(data)

    (series,) = read_series(runs.history)
    assert series.points[0].launches == 6
    compact(runs.history)
    (series,) = read_series(runs.history)
    assert series.points[0].launches == 6


def test_a_newer_pocketbenchs_columns_are_passed_over(runs):
    (added,) = runs.add(0)
    text = added.path.read_text()
    added.path.write_text(text.replace('{"schema":1', '{"later":[1],"schema":1'))

    (series,) = read_series(runs.history)
    assert series.points[0].launches == 6


def test_a_folder_whose_name_is_a_pattern_is_read(runs):
    runs.history = runs.history.with_name("it's [a] hi*tory?")
    runs.add(0)
    compact(runs.history)
    runs.add(1)

    assert len(read_series(runs.history)[0].points) == 2


def test_an_empty_history_says_how_to_fill_it(runs):
    with pytest.raises(StoreError, match=r"holds no history\. Fill it with"):
        read_series(runs.history)


def test_a_broken_file_is_named(runs):
    (added,) = runs.add(0)
    added.path.write_text('{"schema": 1, "run_id"')

    with pytest.raises(StoreError, match=r"cannot be read .*run-0000\.jsonl"):
        read_series(runs.history)
    with pytest.raises(StoreError, match="cannot be compacted"):
        compact(runs.history)
    assert added.path.exists()


def test_other_folders_beside_the_devices_are_passed_over(runs):
    runs.add(0, devices=(HOST, PHONE))
    before = read_series(runs.history)
    (runs.history / "site/data").mkdir(parents=True)
    (runs.history / "site/data/latency.js").write_text("")

    assert read_series(runs.history) == before
    assert len(before) == 2
