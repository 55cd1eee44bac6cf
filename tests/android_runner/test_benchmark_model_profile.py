from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.android_runner.prebuilt.benchmark_model import BenchmarkModel
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.runner import SupportsProfile
from tests.factories import launch_request

HEADING = "Operator-wise Profiling Info for Regular Benchmark Runs:"
RUNS = 50
FORMS = ("csv", "csv with start", "table", "table with start")

NODES = st.lists(
    st.tuples(
        st.sampled_from(
            ["CONV_2D", "SOFTMAX", "TfLiteXNNPackDelegate", "Convolution (NHWC, F32)"]
        ),
        st.integers(0, 10**6).map(lambda us: us / 1000),
        st.integers(1, 9),
    ),
    min_size=1,
)


def table(nodes: list[tuple[str, float, int]], form: str, title="Run Order"):
    """The nodes as the program prints them: type, average in ms, calls per run."""
    start = "with start" in form
    lines = [f"{'=' * 30} {title} {'=' * 30}"]
    if form.startswith("csv"):
        begin = "start, first" if start else "first"
        lines.append(f"node type, {begin}, avg_ms, %, cdf%, mem KB, times called, name")
    else:
        begin = "  [start]\t  [first]" if start else "  [first]"
        lines.append(
            f"\t{'[node type]':>24}\t{begin}\t [avg ms]\t     [%]\t  [cdf%]\t"
            "  [mem KB]\t[times called]\t[Name]"
        )
    for at, (node, ms, calls) in enumerate(nodes):
        name = f"[net/a\tb/{at}]:{at}" if form.startswith("csv") else f"[net/{at}]:{at}"
        cells = [node, *(["0.5"] if start else []), "9.75", f"{ms:.3f}", "1.5%"]
        cells += ["99.25%", "0", str(calls), name]
        csv = form.startswith("csv")
        lines.append(", ".join(cells) if csv else "\t" + "\t  ".join(cells))
    return [*lines, ""]


def printed(nodes, form="csv", runs=RUNS):
    """All that a launch with a profile says."""
    return [
        "STARTING!",
        "count=2 first=900 curr=800 min=800 max=900 avg=850 std=50",
        f"count={runs} first=700 curr=800 min=700 max=800 avg=750 std=50",
        "Profiling Info for Benchmark Initialization:",
        *table([("AllocateTensors", 99.0, 1)], form),
        "Number of nodes executed: 1",
        "Timings (microseconds): count=1 curr=29",
        HEADING,
        *table(nodes, form),
        *table(nodes[:10], form, "Top by Computation Time"),
        f"Number of nodes executed: {len(nodes)}",
        f"{'=' * 30} Summary by node type {'=' * 30}",
        "CONV_2D, 15, 1.406, 89.27%, 89.27%, 0, 1",
        f"Timings (microseconds): count={runs} first=79449 curr=81350 avg=79732",
        "Memory (bytes): count=0",
        "31 nodes observed",
        "Delegate internal: ",
        *table([("Inside (NHWC, F32)", 77.0, 1)], form),
        "Inference timings in us: Init: 3300, First inference: 900, "
        "Warmup (avg): 850, Inference (avg): 750",
    ]


def ended(lines, *, code=0) -> CommandResult:
    text = "".join(line + "\n" for line in lines)
    return CommandResult(stdout=b"", stderr=text.encode(), exit_code=code)


@pytest.fixture(scope="module")
def observe(model):
    return lambda result: BenchmarkModel().parse_profile(result, model)


@pytest.fixture(scope="module")
def refused(observe):
    def check(lines):
        with pytest.raises(LaunchError) as caught:
            observe(ended(lines))
        assert caught.value.reason is Reason.BAD_OUTPUT
        return caught.value.fact

    return check


@pytest.mark.parametrize("form", FORMS)
@given(nodes=NODES)
def test_what_was_printed_is_read_in_every_form(observe, form, nodes):
    times = observe(ended(printed(nodes, form)))

    assert [(x.name, x.calls, x.self_ns) for x in times.operators] == [
        (node, calls * RUNS, round(ms * 1000) * 1000 * calls * RUNS)
        for node, ms, calls in nodes
    ]
    layer = "[net/a\tb/{0}]:{0}" if form.startswith("csv") else "[net/{0}]:{0}"
    assert [x.node for x in times.operators] == [
        layer.format(at) for at in range(len(nodes))
    ]
    assert times.inferences == RUNS
    assert {x.name for x in times.operators if x.backend is not None} == (
        {"TfLiteXNNPackDelegate"} & {node for node, *_ in nodes}
    )


def test_a_log_s_prefix_is_no_part_of_it(observe):
    lines = printed([("CONV_2D", 4.25, 1)])
    marked = ("STARTING!", HEADING)
    logged = [f"INFO: {line}" if line in marked else line for line in lines]
    assert observe(ended(logged)) == observe(ended(lines))


def test_releases_that_report_no_calls_ran_each_node_once(observe):
    times = observe(ended(printed([("CONV_2D", 4.25, 0)], "table with start")))
    (operator,) = times.operators
    assert (operator.calls, operator.self_ns) == (RUNS, 4_250_000 * RUNS)


def test_no_profile_is_not_an_empty_one(refused):
    lines = printed([("CONV_2D", 4.25, 1)])
    assert "no operator profile" in refused(lines[:3] + lines[-1:])
    assert "no operators" in refused(printed([]))


def test_a_profile_that_breaks_off_is_refused(refused):
    lines = printed([("CONV_2D", 4.25, 1)])
    at = lines.index(HEADING)
    summary = "Timings (microseconds): count=50 curr=1"
    assert "unreadable" in refused([*lines[: at + 4], summary, lines[-1]])
    assert "no table" in refused([*lines[: at + 1], summary, lines[-1]])
    assert "of how many runs" in refused([*lines[: at + 4], lines[-1]])


@pytest.mark.parametrize(
    "line", ["CONV_2D, 1, x, 1%, 1%, 0, 1, n", "CONV_2D", ", 1, 1, 1%, 1%, 0, 1, n"]
)
def test_a_line_that_is_not_understood_is_no_number(refused, line):
    lines = printed([("SOFTMAX", 1.5, 1)])
    at = lines.index(HEADING) + 3
    assert "unreadable line" in refused([*lines[:at], line, *lines[at:]])


def test_a_launch_that_failed_says_why_instead(observe):
    with pytest.raises(LaunchError) as caught:
        observe(ended(["ERROR: Failed to load model /m.tflite"], code=1))
    assert caught.value.reason is Reason.NOT_LOADABLE


@pytest.mark.parametrize(
    ("content", "flags"),
    [
        (b"op_profiling_output_mode", ("--op_profiling_output_mode=csv",)),
        (b"profiling_output_csv_file", ("--profiling_output_csv_file=/dev/stdout",)),
        (b"", ()),
    ],
)
def test_each_release_is_asked_with_the_flag_it_has(tmp_path, content, flags):
    from pocketbench.bench.records.plan import RunnerChoice

    file = tmp_path / "benchmark_model"
    file.write_bytes(b"program " + content)
    choice = RunnerChoice(name="benchmark_model", path=str(file), abi="arm64-v8a")
    runner = BenchmarkModel((choice,))
    sha256 = runner._programs._given[0].executable.sha256
    command = runner.profile_command(launch_request(sha256))

    at = command.argv.index("--enable_op_profiling=true")
    assert command.argv[at + 1 :] == flags
    assert command.log_tag == "tflite"


def test_the_runner_that_is_registered_can_observe():
    from pocketbench.bench import registry

    runner = registry.load(registry.RUNNERS, "runner", "benchmark_model")((), print)
    assert isinstance(runner, SupportsProfile)
    other = registry.load(registry.RUNNERS, "runner", "executor_runner")((), print)
    assert not isinstance(other, SupportsProfile)
