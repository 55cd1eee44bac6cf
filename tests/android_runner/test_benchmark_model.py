from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.android_runner.prebuilt.benchmark_model import BenchmarkModel
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason as Reason

HEAD = [
    "STARTING!",
    "Num threads: [2]",
    "Loaded model /data/m.tflite",
    "Initialized session in 3.3ms.",
    "Running benchmark for at least 4 iterations and at least 0.5 seconds",
]


def stream(value: float) -> str:
    return f"{value:g}"


def count_line(values: list[int], *, percentiles: bool = False) -> str:
    """The statistics of some runs, in whichever of the program's shapes applies."""
    if not values:
        return "count=0"
    text = f"count={len(values)}"
    if len(values) == 1:
        text += f" curr={values[0]}"
    elif len(set(values)) == 1:
        text += f" curr={values[0]}(all same)"
    else:
        text += (
            f" first={values[0]} curr={values[-1]} min={min(values)} max={max(values)}"
            f" avg={stream(statistics.fmean(values))}"
            f" std={int(statistics.pstdev(values))}"
        )
    if percentiles:
        ordered = sorted(values)
        text += (
            f" p5={ordered[0]} median={ordered[len(ordered) // 2]} p95={ordered[-1]}"
        )
    return text


def new_summary(init: int, warmup: list[int], main: list[int]) -> str:
    return (
        f"Inference timings in us: Init: {init}, First inference: {warmup[0]}, "
        f"Warmup (avg): {stream(statistics.fmean(warmup))}, "
        f"Inference (avg): {stream(statistics.fmean(main))}"
    )


def old_summary(init: int, warmup: list[int], main: list[int], word: str) -> str:
    return (
        f"Average inference timings in us: Warmup: {stream(statistics.fmean(warmup))}, "
        f"Init: {init}, {word}: {stream(statistics.fmean(main))}"
    )


def printed(warmup: list[int], main: list[int], form: str = "new") -> list[str]:
    counts = [count_line(x, percentiles=form == "newest") for x in (warmup, main)]
    if form in ("Inference", "no stats"):
        end = old_summary(3300, warmup, main, form)
    else:
        end = new_summary(3300, warmup, main)
    lines = [*HEAD, counts[0], "", counts[1], "", end]
    prefix = "INFO: " if form in ("INFO", "newest") else ""
    return [prefix + line if line else line for line in lines]


FORMS = ["new", "INFO", "newest", "Inference", "no stats"]


def ended(lines: list[str], *, code: int | None = 0, **other: object) -> CommandResult:
    facts = {"stderr": b""} | other
    text = "".join(line + "\n" for line in lines)
    return CommandResult(stdout=text.encode(), exit_code=code, **facts)


@pytest.fixture(scope="module")
def parse(model):
    return lambda result, request=None: BenchmarkModel().parse(result, model, request)


@pytest.mark.parametrize("form", FORMS)
def test_every_release_reports_load_first_inference_and_mean(parse, form):
    measured = parse(ended(printed([81913, 55000], [56576, 56300], form)))
    assert measured.load_ns == 3_300_000
    assert measured.first_latency_ns == 81_913_000
    assert measured.mean_latency_ns == 56_438_000
    assert measured.latencies_ns == ()
    assert measured.latency_resolution_ns == 100


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("main", [[56000], [56000, 56000], [55000, 57000]])
def test_every_shape_of_the_statistics_is_read(parse, form, main):
    measured = parse(ended(printed([81913], main, form)))
    assert measured.mean_latency_ns == 56_000_000
    assert measured.first_latency_ns == 81_913_000


def test_the_newest_reports_a_median_and_percentiles(parse):
    measured = parse(ended(printed([81913], [50000, 60000, 70000], "newest")))
    assert measured.latency_statistics_ns == {
        "min": 50_000_000,
        "p5": 50_000_000,
        "p50": 60_000_000,
        "p95": 70_000_000,
        "max": 70_000_000,
    }


@pytest.mark.parametrize("main", [[56000], [56000, 56000]])
def test_runs_that_took_the_same_time_have_a_median(parse, main):
    measured = parse(ended(printed([81913], main)))
    assert measured.latency_statistics_ns == {"p50": 56_000_000}


def test_older_releases_report_a_mean_without_a_median(parse):
    measured = parse(ended(printed([900], [700, 800])))
    assert "p50" not in measured.latency_statistics_ns


def test_percentiles_that_do_not_rise_are_refused(refused):
    lines = [x.replace("median=", "median=9") for x in printed([9], [7, 8], "newest")]
    assert "do not rise" in refused(ended(lines)).fact


def litert_2(mean: str = "20.42", runs: int = 50, place: str = "") -> list[str]:
    """The report of LiteRT 2's program, after its banner."""

    def said(text: str, line: int) -> str:
        return f"INFO: [{place}benchmark_litert_model.h:{line}] {text}"

    return [
        "INFO: STARTING!",
        "",
        "========== BENCHMARK RESULTS ==========",
        said("Model initialization: 812.31 ms", 94),
        said("Warmup (first):       31.20 ms", 96),
        said("Warmup (avg):         22.51 ms (10 runs)", 98),
        said(f"Inference (avg):      {mean} ms ({runs} runs)", 100),
        said("Inference (min):      19.90 ms", 104),
        said("Inference (max):      24.84 ms", 106),
        said("Inference (std):      0.92", 108),
        said("Throughput:           27.46 MB/s", 115),
        said("Init footprint:       91.74 MB", 126),
        said("Peak memory:          93.50 MB", 130),
        "",
    ]


@pytest.mark.parametrize("place", ["", "./litert/tools/", ".\\litert/tools/"])
def test_the_report_of_litert_2_is_read(parse, place):
    measured = parse(ended(litert_2(place=place)))
    assert measured.load_ns == 812_310_000
    assert measured.first_latency_ns == 31_200_000
    assert measured.mean_latency_ns == 20_420_000
    assert measured.latency_statistics_ns == {"min": 19_900_000, "max": 24_840_000}
    assert measured.latency_resolution_ns == 10_000
    assert measured.memory.peak_rss_bytes == 93.5 * 2**20


def test_a_report_with_percentiles_gives_a_median(parse):
    lines = litert_2()
    at = next(i for i, line in enumerate(lines) if "(max)" in line)
    more = [f"Inference ({k}):  {v} ms" for k, v in (("median", 20.1), ("p95", 24.0))]
    lines[at:at] = more
    measured = parse(ended(lines))
    assert measured.latency_statistics_ns["p50"] == 20_100_000
    assert measured.latency_statistics_ns["p95"] == 24_000_000


def test_count_lines_beside_the_report_are_read_finer(parse):
    counts = [
        "INFO: count=10 first=31200 curr=22000 min=21000 max=31200 avg=22510 std=9",
        "INFO: count=50 first=20400 curr=20410 min=19903 max=24841 avg=20418.5 std=920 "
        "p5=19950 median=20301 p95=24000",
    ]
    measured = parse(ended([*counts, *litert_2()]))
    assert measured.mean_latency_ns == 20_418_500
    assert measured.latency_statistics_ns["p50"] == 20_301_000
    assert measured.latency_resolution_ns == 100


@pytest.mark.parametrize(
    "lines",
    [
        litert_2(mean="30.42"),
        litert_2(runs=0),
        [*litert_2(), *litert_2(mean="20.44")],
        [x.replace("20.42 ms (50 runs)", "20.4") for x in litert_2()],
        ["count=50 first=1 curr=2 min=1 max=2 avg=2 std=1", *litert_2()],
    ],
)
def test_a_report_that_contradicts_itself_is_refused(refused, lines):
    assert refused(ended(lines)).reason is Reason.BAD_OUTPUT


def test_a_report_of_too_few_runs_is_refused(refused, asked):
    error = refused(ended(litert_2(runs=2)), asked())
    assert "ran 2 iterations, 3 were asked for" in error.fact


def test_a_peak_that_is_cut_inside_its_number_is_not_believed(parse):
    peak = "Overall peak memory footprint (MB) via periodic monitoring: 13.5"
    text = "".join(f"{line}\n" for line in printed([900], [700, 800])) + peak
    cut = CommandResult(stdout=text.encode(), stderr=b"", exit_code=0)
    assert parse(cut).memory.peak_rss_bytes is None


def test_the_flags_of_litert_2_are_passed_on(command_of):
    argv = command_of(
        BenchmarkModel,
        ("use_npu", "true"),
        ("use_cpu", "false"),
        ("require_full_delegation", "true"),
        ("dispatch_library_path", "/data/local/tmp/npu"),
    ).argv
    assert argv[-4:] == (
        "--use_npu=true",
        "--use_cpu=false",
        "--require_full_delegation=true",
        "--dispatch_library_path=/data/local/tmp/npu",
    )


def test_what_a_profile_prints_besides_is_not_mistaken_for_the_runs(parse):
    profile = [
        "\t CONV_2D\t    0.000\t    4.269\t    4.269\t  0.107%\t[Relu6]",
        "Timings (microseconds): count=50 first=79449 curr=81350 min=77385 avg=79732",
        "Memory (bytes): count=0",
        "31 nodes observed",
    ]
    lines = printed([900], [700, 800])
    assert parse(ended([*lines[:-1], *profile, lines[-1]])) == parse(ended(lines))


def test_an_app_s_log_is_read(parse):
    lines = printed([900], [700, 800])
    log = "".join(f"07-19 14:10:10.844  79  79 I tflite  : {x}\n" for x in lines)
    assert parse(ended([], log=log.encode())) == parse(ended(lines))


def test_peak_memory_is_taken_only_from_the_line_that_reports_it(parse):
    delta = "Memory footprint delta from the start of the tool (MB): init=2 overall=8"
    peak = "Overall peak memory footprint (MB) via periodic monitoring: 13.5"
    lines = printed([900], [700, 800])
    assert parse(ended([*lines, delta])).memory.peak_rss_bytes is None
    assert parse(ended([*lines, delta, peak])).memory.peak_rss_bytes == 13.5 * 2**20


@pytest.mark.parametrize(
    "lines",
    [
        [],
        HEAD,
        printed([900], [700, 800])[:-1],
        [*printed([900], [700, 800]), new_summary(1, [900], [700, 800])],
        [x.replace("avg=750", "avg=790") for x in printed([900], [700, 800])],
        [x.replace("(avg): 750", "(avg): 7500") for x in printed([900], [700, 800])],
        [x.replace("avg=750", "avg=7x0") for x in printed([900], [700, 800])],
        [x.replace("Init: 3300", "Init: -1") for x in printed([900], [700, 800])],
        [x for x in printed([900], [700, 800]) if "count=" not in x],
        [count_line([1]), *printed([900], [700, 800])],
    ],
)
def test_output_with_a_gap_or_a_contradiction_is_refused(refused, lines):
    assert refused(ended(lines)).reason is Reason.BAD_OUTPUT


def test_no_run_at_all_is_refused(refused):
    lines = printed([900], [1])
    lines[-3] = "count=0"
    lines[-1] = lines[-1].replace("(avg): 1", "(avg): 0")
    assert "no inference was run" in refused(ended(lines)).fact


def test_fewer_runs_than_asked_for_are_refused(refused, asked):
    error = refused(ended(printed([900], [700, 800])), asked())
    assert "ran 2 iterations, 3 were asked for" in error.fact


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ERROR: Didn't find op for builtin opcode 'X'", Reason.MISSING_OPERATOR),
        ("ERROR: Could not open '/data/m.tflite'.", Reason.NOT_FOUND),
        ("Failed to mmap model /data/m.tflite", Reason.NOT_LOADABLE),
        ("ERROR: Failed to initialize the interpreter", Reason.NOT_LOADABLE),
        ("Failed to allocate tensors!", Reason.MODEL_RAISED),
        ("Benchmarking failed.", Reason.CRASHED),
    ],
)
@pytest.mark.parametrize("stream_name", ["stdout", "stderr"])
def test_a_failure_is_reported_by_its_words(refused, line, reason, stream_name):
    if stream_name == "stdout":
        error = refused(ended([*HEAD, line], code=1))
    else:
        error = refused(ended(HEAD, stderr=line.encode(), code=1))
    assert error.reason is reason
    assert line.rstrip(".") in error.fact


def test_the_flags_ask_for_a_number_of_runs_and_not_for_a_time(command_of):
    command = command_of(BenchmarkModel, ("use_xnnpack", "false"))
    assert command.argv == (
        "/data/p",
        "--graph=/data/a model",
        "--num_threads=2",
        "--warmup_runs=2",
        "--warmup_min_secs=0",
        "--num_runs=3",
        "--min_secs=0",
        "--max_secs=86400",
        "--use_xnnpack=false",
    )


RUNS = st.lists(st.integers(1, 200_000_000), min_size=1, max_size=20)


@given(RUNS, RUNS, st.sampled_from(FORMS))
def test_every_printed_mean_is_read_back_to_its_six_digits(parse, warmup, main, form):
    measured = parse(ended(printed(warmup, main, form)))
    mean_ns = statistics.fmean(main) * 1000
    assert measured.mean_latency_ns == pytest.approx(mean_ns, rel=6e-6, abs=1)
    assert abs(measured.mean_latency_ns - mean_ns) <= measured.latency_resolution_ns
    assert measured.first_latency_ns == warmup[0] * 1000


@given(RUNS, RUNS, st.sampled_from(FORMS), st.data())
def test_damaged_output_never_yields_another_mean(parse, warmup, main, form, data):
    text = "".join(line + "\n" for line in printed(warmup, main, form))
    at = data.draw(st.integers(0, len(text) - 1))
    to = data.draw(st.integers(at, min(len(text), at + 60)))
    damage = data.draw(st.sampled_from(["", " ", "x", "\n", ".", "-"]))
    whole = parse(ended(text.splitlines()))
    try:
        read = parse(ended((text[:at] + damage + text[to:]).split("\n")))
    except LaunchError:
        return
    # The mean stands twice in the output, so no damage to one place can change it.
    assert read.mean_latency_ns == pytest.approx(whole.mean_latency_ns, rel=1.1e-5)
