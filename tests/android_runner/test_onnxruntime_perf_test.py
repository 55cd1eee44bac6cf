from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.android_runner.prebuilt.onnxruntime_perf_test import (
    OnnxRuntimePerfTest,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason as Reason


def stream(value: float) -> str:
    return f"{value:g}"


def shown(values_s: list[float]) -> list[float]:
    return [float(stream(value)) for value in values_s]


def percentiles(values_s: list[float], form: str) -> list[str]:
    ordered = sorted(values_s)
    points = {"Min": 0, "Max": -1, "P50": len(ordered) // 2, "P999": -1}
    return [form.format(name, stream(ordered[at])) for name, at in points.items()]


def newest(values_s: list[float]) -> list[str]:
    total = sum(values_s)
    count = len(values_s)
    return [
        "Setting intra_op_num_threads to 1",
        "Session creation time cost: 0.217932 s",
        "First inference time cost: 196 ms",
        f"Total inference time cost: {stream(total)} s",
        f"Total inference requests: {count}",
        f"Average inference time cost total: {total / count * 1000:f} ms",
        f"Total inference run time: {stream(total * 1.001)} s",
        f"Number of inferences per second: {stream(count / total)}",
        "Avg CPU usage: 11 %",
        "Peak working set size: 271122432 bytes",
        "Avg CPU usage:11",
        "Peak working set size:271122432",
        f"Runs:{count}",
        *percentiles(values_s, "{} Latency: {} s"),
    ]


def middle(values_s: list[float], space: str = " ") -> list[str]:
    total = sum(values_s)
    count = len(values_s)
    return [
        f"Session creation time cost:{space}1.84149 s",
        f"Total inference time cost:{space}{stream(total)} s",
        f"Total inference requests:{space}{count}",
        f"Average inference time cost:{space}{stream(total / count * 1000)} ms",
        f"Total inference run time:{space}{stream(total * 1.001)} s",
    ]


def oldest(values_s: list[float]) -> list[str]:
    total = sum(values_s)
    count = len(values_s)
    return [
        f"Total time cost:{stream(total)}",
        f"Total iterations:{count}",
        f"Average time cost:{stream(total / count * 1000)} ms",
        f"Total run time:{stream(total * 1.001)} s",
        *percentiles(values_s, "{} Latency is {}sec"),
    ]


def spaced(values_s: list[float]) -> list[str]:
    lines = [
        line.replace(":", ": ").replace("sec", " sec") for line in oldest(values_s)
    ]
    return [line if " sec" in line else line.rstrip() for line in lines]


def narrow(values_s: list[float]) -> list[str]:
    return middle(values_s, "")


def wide(values_s: list[float]) -> list[str]:
    return [line.replace(":", " :  ") for line in newest(values_s)]


GENERATIONS = [newest, middle, narrow, oldest, spaced, wide]


def rows(values_s: list[float]) -> list[str]:
    return [
        f"my, model,{stream(value)},271122432,11,{at}"
        for at, value in enumerate(values_s)
    ]


def verbose(values_s: list[float]) -> list[str]:
    return [
        f"iteration:{at},time_cost:{stream(value)}"
        for at, value in enumerate(values_s, 1)
    ]


def ended(lines: list[str], stderr: str = "", *, code: int | None = 0) -> CommandResult:
    text = "".join(line + "\n" for line in lines)
    return CommandResult(stdout=text.encode(), stderr=stderr.encode(), exit_code=code)


@pytest.fixture(scope="module")
def parse(model):
    def read(result, request=None):
        return OnnxRuntimePerfTest().parse(result, model, request)

    return read


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_generation_reports_a_mean(parse, generation):
    measured = parse(ended(generation([0.1, 0.2, 0.15])))
    assert measured.mean_latency_ns == 150_000_000
    assert measured.latencies_ns == ()


def test_the_newest_reports_load_first_inference_and_peak_memory(parse):
    measured = parse(ended(newest([0.1])))
    assert measured.load_ns == 217_932_000
    assert measured.first_latency_ns == 196_000_000
    assert measured.memory.peak_rss_bytes == 271_122_432


def test_a_first_inference_of_0_ms_is_not_a_time(parse):
    lines = [x.replace("cost: 196 ms", "cost: 0 ms") for x in newest([0.0001])]
    assert parse(ended(lines)).first_latency_ns is None


@pytest.mark.parametrize("generation", [newest, oldest, spaced])
def test_the_median_and_the_extremes_are_used_as_printed(parse, generation):
    measured = parse(ended(generation([0.1, 0.2, 0.15])))
    assert measured.latency_statistics_ns == {
        "min": 100_000_000,
        "p50": 150_000_000,
        "max": 200_000_000,
    }


def test_a_percentile_of_too_few_runs_is_not_used(parse):
    more = ["P90 Latency: 0.2 s", "P99 Latency: 0.2 s"]
    few = parse(ended([*newest([0.1, 0.2, 0.15]), *more])).latency_statistics_ns
    many = parse(ended([*newest([0.1, 0.2, 0.15] * 4), *more])).latency_statistics_ns
    assert "p90" not in few
    assert many["p90"] == 200_000_000
    assert "p99" not in many


@pytest.mark.parametrize(
    "words",
    [
        "QNN is not supported in this build",
        "This session contains graph nodes that are assigned to the default CPU EP, "
        "but "
        "fallback to CPU EP has been explicitly disabled by the user.",
    ],
)
def test_a_provider_that_is_not_there_is_a_missing_backend(refused, words):
    assert refused(ended([], words, code=255)).reason is Reason.MISSING_BACKEND


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("samples", [rows, verbose])
def test_rows_give_the_single_iterations(parse, asked, generation, samples):
    values = [0.0958204, 0.101519, 0.0995086]
    lines = [*samples(values), *generation(values), "failed to open result file"]
    measured = parse(ended(lines), asked())
    assert measured.latencies_ns == (95_820_400, 101_519_000, 99_508_600)
    assert measured.mean_latency_ns is None
    assert measured.latency_resolution_ns == 1000


@pytest.mark.parametrize(
    "lines",
    [
        [],
        newest([0.1, 0.2])[:4],
        newest([0.1, 0.2]) + newest([0.1, 0.3]),
        [x.replace("requests: 2", "requests: 3") for x in middle([0.1, 0.2])],
        [x.replace("150 ms", "15 ms") for x in middle([0.1, 0.2])],
        [x.replace("cost: 150 ms", "cost: 1x0 ms") for x in middle([0.1, 0.2])],
        [x.replace("Max Latency: 0.2", "Max Latency: 0.1") for x in newest([0.1, 0.2])],
        [*rows([0.1, 0.2])[1:], *newest([0.1, 0.2])],
        [*rows([0.1, 0.4]), *newest([0.1, 0.2])],
        [*rows([0.1, 0.2, 0.15]), *newest([0.1, 0.2])],
    ],
)
def test_output_with_a_gap_or_a_contradiction_is_refused(refused, lines):
    assert refused(ended(lines)).reason is Reason.BAD_OUTPUT


def test_no_run_at_all_is_refused(refused):
    lines = [
        "Total inference time cost: 0 s",
        "Total inference requests: 0",
        "Average inference time cost: -nan ms",
    ]
    assert refused(ended(lines)).reason is Reason.BAD_OUTPUT


def test_another_number_of_runs_than_asked_for_is_refused(refused, asked):
    error = refused(ended(newest([0.1, 0.2])), asked())
    assert "ran 2 times, 3 were asked for" in error.fact


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("perf_test [options...] model_path [result_file]", Reason.BAD_FLAGS),
        (
            "NOT_IMPLEMENTED : Could not find an implementation for Foo(1)",
            Reason.MISSING_OPERATOR,
        ),
        ("Unsupported model IR version: 12, max 9", Reason.BYTECODE_TOO_NEW),
        ("Load model from m.onnx failed:Protobuf parsing failed", Reason.NOT_LOADABLE),
        ("there is no test data for model m", Reason.MODEL_RAISED),
        ("Non-zero status code returned while running Conv", Reason.MODEL_RAISED),
        ("something else", Reason.CRASHED),
    ],
)
def test_a_failure_is_reported_by_its_words(refused, words, reason):
    error = refused(ended([], words, code=255))
    assert error.reason is reason
    assert words in error.fact


def test_the_flags_ask_for_a_number_of_runs_on_made_inputs(command_of):
    command = command_of(OnnxRuntimePerfTest)
    assert command.argv == (
        *("/data/p", "-m", "times", "-r", "3", "-s", "-x", "2", "-y", "1"),
        *("-e", "cpu", "-I", "/data/a model", "/proc/self/fd/1"),
    )


def test_the_options_of_the_user_become_flags(command_of):
    argv = command_of(
        OnnxRuntimePerfTest,
        ("execution_provider", "xnnpack"),
        ("generate_inputs", "no"),
        ("verbose", "yes"),
        ("spin", "no"),
    ).argv
    assert argv[10:] == (*("-e", "xnnpack"), "-v", "-Z", *argv[-2:])


SECONDS = st.lists(st.floats(1e-6, 100), min_size=1, max_size=20)


@given(SECONDS, st.sampled_from(GENERATIONS))
def test_every_printed_mean_is_read_back(parse, values_s, generation):
    measured = parse(ended(generation(values_s)))
    mean_ns = sum(values_s) / len(values_s) * 1e9
    assert measured.mean_latency_ns == pytest.approx(mean_ns, rel=6e-6, abs=1)


@given(SECONDS, st.sampled_from(GENERATIONS), st.sampled_from([rows, verbose]))
def test_every_printed_row_is_read_back(parse, values_s, generation, samples):
    measured = parse(ended([*samples(values_s), *generation(values_s)]))
    assert measured.latencies_ns == pytest.approx(
        [value * 1e9 for value in shown(values_s)], abs=1
    )


@given(
    st.lists(st.floats(1e-3, 1), min_size=2, max_size=8),
    st.sampled_from(GENERATIONS),
    st.data(),
)
def test_damaged_output_never_yields_another_mean(parse, values_s, generation, data):
    text = "".join(line + "\n" for line in generation(values_s))
    at = data.draw(st.integers(0, len(text) - 1))
    to = data.draw(st.integers(at, min(len(text), at + 60)))
    damage = data.draw(st.sampled_from(["", " ", "x", "\n", "-"]))
    whole = parse(ended(text.splitlines()))
    try:
        read = parse(ended((text[:at] + damage + text[to:]).split("\n")))
    except LaunchError:
        return
    # Total, requests and mean are checked against each other.
    assert read.mean_latency_ns == pytest.approx(whole.mean_latency_ns, rel=2e-5)
