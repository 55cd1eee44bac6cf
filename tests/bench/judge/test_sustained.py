"""The course of a launch that ran on for minutes, worked out from its record."""

from __future__ import annotations

import itertools
import statistics

import msgspec
import pytest

from pocketbench.bench.judge.summarize import summarize
from tests.sustained_runs import sustained, sustained_run


@pytest.fixture
def course(make_run):
    """What one such launch of a net comes to."""

    def make(**asked):
        run = make_run({("android:1", "a"): []})
        record = sustained("android:1", "a", model="net", **asked)
        (cell,) = summarize(sustained_run(run, record)).sustained
        return cell, record

    return make


def starts_s(record):
    measurement = record.launch.measurement
    pairs = zip(measurement.gaps_ns, measurement.latencies_ns, strict=True)
    ends = itertools.accumulate(map(sum, pairs))
    latencies = measurement.latencies_ns
    return [(end - x) / 1e9 for end, x in zip(ends, latencies, strict=True)]


def test_the_first_and_the_last_minute_are_compared_by_their_medians(course):
    cell, record = course()

    latencies = record.launch.measurement.latencies_ns
    timed = list(zip(starts_s(record), latencies, strict=True))
    first = statistics.median(x for at, x in timed if at < 60)
    last = statistics.median(x for at, x in timed if at >= cell.duration_s - 60)
    assert cell.window_s == 60
    assert cell.first_ns == pytest.approx(first)
    assert cell.last_ns == pytest.approx(last)
    assert cell.last_over_first == pytest.approx(22 / 12, rel=0.01)
    assert cell.duration_s == pytest.approx(600, abs=0.1)


def test_of_a_short_one_the_first_and_the_last_third(course):
    cell, _ = course(duration_s=30, hot_from_s=15, interval_s=1)

    assert cell.window_s == pytest.approx(10, abs=0.1)
    assert cell.last_over_first == pytest.approx(22 / 12, rel=0.01)


def test_slices_cover_the_time_and_hold_every_iteration(course):
    cell, record = course()

    assert len(cell.slices) == 120
    assert sum(x.iterations for x in cell.slices) == len(starts_s(record))
    for part in cell.slices:
        assert part.low_ns <= part.median_ns <= part.high_ns
        expected = 12e6 if part.start_s + part.length_s < 180 else 22e6
        if not part.start_s <= 180 < part.start_s + part.length_s:
            assert part.median_ns == pytest.approx(expected, rel=0.05)


def test_a_pause_of_the_whole_device_is_a_gap_in_the_slices(course, make_run):
    _, record = course(duration_s=60, hot_from_s=None)
    measurement = record.launch.measurement
    gaps = list(measurement.gaps_ns)
    gaps[2000] += 20_000_000_000
    measurement = msgspec.structs.replace(measurement, gaps_ns=tuple(gaps))
    launch = msgspec.structs.replace(record.launch, measurement=measurement)
    record = msgspec.structs.replace(record, launch=launch)

    run = make_run({("android:1", "a"): []})
    (cell,) = summarize(sustained_run(run, record)).sustained

    assert cell.duration_s == pytest.approx(80, abs=0.1)
    missing = 120 - len(cell.slices)
    assert missing * cell.slices[0].length_s == pytest.approx(20, abs=1.5)


@pytest.mark.parametrize("reports_uptime", [True, False])
def test_readings_stand_where_they_were_on_the_time_of_the_program(
    course, reports_uptime
):
    cell, _ = course(reports_uptime=reports_uptime)

    times = [state.at_s for state in cell.states]
    assert times == pytest.approx([5.0 * n for n in range(1, 120)], abs=0.05)
    assert cell.temperature_kind == "skin"
    assert cell.temperature_before_c == 28
    assert cell.states[-1].temperature_c > 41


def test_the_clock_is_that_of_the_domain_nearest_its_top(course):
    cell, _ = course()

    assert cell.clock_cpus == (8,)
    assert not cell.is_pinned
    clocks = [state.frequency_khz for state in cell.states]
    assert clocks[0] == 2_914_000
    assert clocks[-1] == 1_457_000
    assert cell.slowed_down_at_s == pytest.approx(180, abs=0.1)


def test_the_clock_is_that_of_the_pinned_cores(course, make_run):
    _, record = course(duration_s=30, interval_s=1)
    record = msgspec.structs.replace(record, cpus=(2, 3))

    run = make_run({("android:1", "a"): []})
    (cell,) = summarize(sustained_run(run, record)).sustained

    assert cell.clock_cpus == (0, 1, 2, 3)
    assert cell.is_pinned


def test_what_the_readings_cost_the_program_is_reported(course):
    cell, _ = course(while_read=1.25)

    assert cell.reading_s == pytest.approx(0.3)
    assert cell.latency_while_read == pytest.approx(1.25, rel=0.02)


def test_a_slowdown_is_no_cost_of_reading(course):
    cell, _ = course()

    assert cell.latency_while_read == pytest.approx(1, abs=0.02)


def test_a_device_that_reports_nothing_has_latency_alone(course):
    cell, _ = course(is_watched=False)

    assert cell.states == ()
    assert cell.reading_s is None
    assert cell.latency_while_read is None
    assert cell.slowed_down_at_s is None
    assert cell.last_over_first > 1.5


def test_one_iteration_is_enough(course):
    cell, _ = course(duration_s=1, cool_ns=5_000_000_000, hot_from_s=None)

    assert cell.iterations_kept == 1
    assert cell.last_over_first == 1


def test_nothing_of_a_long_launch_is_judged(make_run):
    run = make_run({("android:1", "a"): [], ("android:1", "b"): []})
    records = [
        sustained("android:1", variant, model="net", duration_s=20, interval_s=1)
        for variant in ("a", "b")
    ]

    summary = summarize(sustained_run(run, *records))

    assert summary.cells == ()
    assert summary.comparisons == ()
    assert [cell.variant_id for cell in summary.sustained] == ["a", "b"]
    assert summary.gates_missing == ()


def test_a_whole_launch_stands_for_one_that_was_stopped_before(make_run):
    run = make_run({("android:1", "a"): []})
    stopped, whole, later = (
        sustained("android:1", "a", model="net", duration_s=s, was_stopped=is_stopped)
        for s, is_stopped in ((10, True), (20, False), (5, True))
    )

    for records in ((stopped, whole), (whole, later)):
        (cell,) = summarize(sustained_run(run, *records)).sustained
        assert not cell.was_stopped
        assert cell.duration_s == pytest.approx(20, abs=0.1)
