from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.android_runner.prebuilt.executor_runner import (
    ExecutorRunner,
    QnnExecutorRunner,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason as Reason

START = ["Model file m.pte is loaded.", "Using method forward"]
PLANNED = "Setting up planned buffer 0, size 852992."


def host(lines: list[str]) -> str:
    """posix.cpp: level, clock, file and line."""
    return "".join(
        f"I 00:00:00.{1000 + 10 * at:06} executorch:executor_runner.cpp:{at + 70}] "
        f"{line}\n"
        for at, line in enumerate(lines)
    )


def minimal(lines: list[str]) -> str:
    return "".join(
        f"I executorch:executor_runner.cpp:{at}] {x}\n" for at, x in enumerate(lines)
    )


def threadtime(lines: list[str], pid: int = 4711, tag: str = "ExecuTorch") -> str:
    return "".join(f"07-19 14:10:10.844  {pid}  {pid} I {tag}: {x}\n" for x in lines)


def brief(lines: list[str]) -> str:
    return "".join(f"I/ETLOG   ( 4711): {line}\r\n" for line in lines)


def newest(values_ms: list[float], load_ms: float = 27.4) -> list[str]:
    count = len(values_ms)
    shown = [float(f"{value:f}") for value in values_ms]
    return [
        "Resetting threadpool with num threads = 2",
        *START,
        PLANNED.replace("up", "up CPU"),
        f"Model loaded in {load_ms:f} ms.",
        *(
            f"Iteration {at} of {count}: {value:f} ms"
            for at, value in enumerate(values_ms, 1)
        ),
        f"Model executed successfully {count} time(s) in {sum(shown):f} ms.",
        "1 outputs: ",
    ]


def middle(count: int, total_ms: float) -> list[str]:
    return [
        *START,
        PLANNED,
        "Method loaded.",
        f"Model executed successfully {count} time(s) in {total_ms:f} ms.",
        "1 outputs: ",
    ]


OLD = [
    *START,
    PLANNED,
    "Method loaded.",
    "Inputs prepared.",
    "Model executed successfully.",
    "1 outputs: ",
]


def ended(
    stderr: str = "",
    *,
    log: str = "",
    stdout: str = "OutputX 0: tensor(sizes=[1, 3], [\n  -0.5, 0.3, 12.\n])\n",
    code: int | None = 0,
    pid: int | None = None,
) -> CommandResult:
    return CommandResult(
        stdout=stdout.encode(),
        stderr=stderr.encode(),
        log=log.encode(),
        exit_code=code,
        pid=pid,
    )


@pytest.fixture(scope="module")
def parse(model):
    return lambda result, request=None: ExecutorRunner().parse(result, model, request)


def test_the_newest_reports_load_time_and_every_iteration(parse, asked):
    measured = parse(ended(host(newest([9.5, 2.0, 1.0, 1.25, 1.5]))), asked())
    assert measured.load_ns == 27_400_000
    assert measured.first_latency_ns == 9_500_000
    assert measured.warmup_latencies_ns == (9_500_000, 2_000_000)
    assert measured.latencies_ns == (1_000_000, 1_250_000, 1_500_000)
    assert measured.mean_latency_ns is None
    assert measured.threads == 2


@pytest.mark.parametrize(
    "result",
    [
        ended(minimal(newest([1.0, 2.0]))),
        ended(log=threadtime(newest([1.0, 2.0]))),
        ended(log=brief(newest([1.0, 2.0]))),
        ended(stdout=host(newest([1.0, 2.0]))),
        ended(
            log="--------- beginning of main\n"
            + threadtime(newest([7.0, 8.0]), pid=99)
            + threadtime(newest([1.0, 2.0])),
            pid=4711,
        ),
    ],
    ids=["minimal", "threadtime", "brief", "merged", "by pid"],
)
def test_every_dress_of_the_log_is_read(parse, result):
    assert parse(result).latencies_ns == (1_000_000, 2_000_000)


def test_a_total_gives_a_mean(parse, asked):
    measured = parse(ended(host(middle(5, 10.5))), asked())
    assert measured.mean_latency_ns == 2_100_000
    assert measured.latencies_ns == ()
    assert measured.first_latency_ns is None
    assert measured.load_ns is None


def test_the_oldest_is_timed_by_its_log_s_own_clock(parse):
    measured = parse(ended(host(OLD)))
    assert measured.latencies_ns == (10_000,)
    assert measured.first_latency_ns == 10_000
    assert measured.latency_resolution_ns == 1000


def test_the_oldest_without_a_clock_is_refused(refused):
    error = refused(ended(log=threadtime(OLD)))
    assert error.reason is Reason.BAD_OUTPUT
    assert "v0.6 or later" in error.fact


def test_lines_without_a_prefix_are_no_messages(refused):
    assert refused(ended("\n".join(newest([1.0])))).reason is Reason.BAD_OUTPUT


def test_a_log_of_several_processes_is_refused(refused):
    log = threadtime(newest([1.0]), pid=1) + threadtime(newest([1.0]), pid=2)
    assert "mixes processes" in refused(ended(log=log)).fact


@pytest.mark.parametrize(
    "lines",
    [
        [x for x in newest([1.0, 2.0, 3.0]) if "Iteration 2" not in x],
        [x for x in newest([1.0, 2.0, 3.0]) if "Iteration 3" not in x],
        newest([1.0, 2.0]) + newest([1.0, 2.0]),
        [x.replace("1.000000 ms", "1.0000x0 ms") for x in newest([1.0, 2.0])],
        [x.replace("1.000000 ms", "4.000000 ms") for x in newest([1.0, 2.0])],
        [x.replace("of 2", "of 7") for x in newest([1.0, 2.0])],
        newest([0.0]),
        middle(0, 0.0),
    ],
)
def test_a_log_with_a_gap_or_a_contradiction_is_refused(refused, lines):
    assert refused(ended(host(lines))).reason is Reason.BAD_OUTPUT


def test_another_number_of_executions_than_asked_for_is_refused(refused, asked):
    error = refused(ended(host(newest([1.0, 2.0]))), asked())
    assert "executed 2 times, 5 were asked for" in error.fact


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Missing operator: [3] aten::exp.out", Reason.MISSING_OPERATOR),
        ("kernel 'aten::exp.out' not found.", Reason.MISSING_OPERATOR),
        ("Backend XnnpackBackend is not registered.", Reason.MISSING_BACKEND),
        ("Loading of method forward failed with status 0x14", Reason.MISSING_OPERATOR),
        ("Init failed for backend XnnpackBackend: 0x1", Reason.MISSING_BACKEND),
        (
            "[Qnn ExecuTorch]: Failed to create device_handle for Backend ID 6\n"
            "Init failed for backend QnnBackend: 0x1",
            Reason.MISSING_BACKEND,
        ),
        (
            "Cannot Open QNN library libQnnHtp.so, with error: dlopen failed: library "
            '"libQnnHtp.so" not found\nInit failed for backend QnnBackend: 0x1',
            Reason.LINKER,
        ),
        (
            "Cannot find tensor a.weight in named data map: NotFound",
            Reason.NOT_LOADABLE,
        ),
        ("Program identifier 'XX12' != expected 'ET12'", Reason.NOT_LOADABLE),
        ("Failed to parse model file m.pte", Reason.NOT_LOADABLE),
        ("Memory allocation failed: 100B requested", Reason.OUT_OF_MEMORY),
        ("Execution of method forward failed with status 0x12", Reason.MODEL_RAISED),
        ("Extra commandline args: --foo", Reason.BAD_FLAGS),
    ],
)
@pytest.mark.parametrize("dress", [host, threadtime])
def test_a_failure_is_reported_by_what_was_logged(refused, line, reason, dress):
    cause, *others = line.split("\n")
    text = dress([*START, cause, *others])
    where = {"log": text} if dress is threadtime else {"stderr": text}
    error = refused(ended(**where, code=134))
    assert error.reason is reason
    assert cause.rstrip(".") in error.fact


@pytest.mark.parametrize("dress", [host, threadtime])
def test_the_cause_of_a_failed_resize_is_shown(refused, dress):
    cause = "Attempted to resize a static tensor to a new shape at dimension 0"
    status = "Execution of method forward failed with status 0x10"
    text = dress([*START, cause, status])
    error = refused(
        ended(**({"log": text} if dress is threadtime else {"stderr": text}), code=134)
    )
    assert error.reason is Reason.MODEL_RAISED
    assert cause in error.fact


@pytest.mark.parametrize("stdout", ["", "OutputX 0: tensor(sizes=[1], [2.])\n"])
def test_a_release_build_that_logs_nothing_is_named(refused, stdout):
    error = refused(ended(stdout=stdout))
    assert error.reason is Reason.BAD_OUTPUT
    assert "EXECUTORCH_ENABLE_LOGGING=ON" in error.next_step


def test_an_operator_of_training_says_to_call_eval(refused):
    text = host([*START, "Missing operator: [3] aten::native_dropout.out"])
    assert ".eval()" in refused(ended(text, code=134)).next_step


TOOK = "{} inference took {:f} ms, avg {:f} ms"


def test_qualcomms_runner_reports_a_mean_and_the_first_inference(parse, asked):
    lines = [*START, "Method loaded.", TOOK.format(1, 2.5, 2.5), TOOK.format(3, 6, 2)]
    measured = parse(ended(host(lines)), asked())
    assert measured.mean_latency_ns == 2_000_000
    assert measured.first_latency_ns == 2_500_000
    assert measured.latency_statistics_ns == {}


def test_a_line_that_sums_up_its_inputs_is_no_mean_of_an_iteration(parse, asked):
    lines = [TOOK.format(3, 6, 2), TOOK.format(3, 9, 3), TOOK.format(2, 15, 7.5)]
    measured = parse(ended(host([*START, *lines])), asked())
    assert measured.mean_latency_ns == 2_500_000
    assert measured.first_latency_ns is None


@pytest.mark.parametrize(
    "line",
    [
        TOOK.format(3, 6, 3),
        TOOK.format(0, 0, 0),
        "3 inference took 6.0",
        TOOK.format(1, 6, 6),
    ],
)
def test_qualcomms_lines_that_cannot_be_are_refused(refused, asked, line):
    assert refused(ended(host([*START, line])), asked()).reason is Reason.BAD_OUTPUT


def test_qualcomms_runner_gets_its_own_flags(command_of):
    command = command_of(
        QnnExecutorRunner,
        ("input_list_path", "/data/list"),
        content=b"iteration warm_up Perform %d inference for warming up",
    )
    assert command.argv[1:] == (
        "--model_path=/data/a model",
        "--input_list_path=/data/list",
        "--iteration=3",
        "--warm_up=2",
    )


def test_an_unknown_flag_is_a_failure_of_the_flags(refused):
    words = "ERROR: unknown command line flag 'print_output'\n"
    assert refused(ended(words, code=1)).reason is Reason.BAD_FLAGS


def test_a_crash_without_words_is_a_crash(refused):
    error = refused(ended(host(START), code=139))
    assert error.reason is Reason.CRASHED
    assert "SIGSEGV" in error.fact


def test_warm_ups_are_more_executions(command_of):
    content = b"num_executions\0cpu_threads\0print_output\0"
    command = command_of(ExecutorRunner, content=content)
    assert command.argv == (
        "/data/p",
        "--model_path=/data/a model",
        "--num_executions=5",
        "--cpu_threads=2",
        "--print_output=none",
    )
    assert command.log_tag == "ExecuTorch"


def test_flags_that_an_old_build_does_not_know_are_left_out(command_of):
    command = command_of(ExecutorRunner, ("method_name", "encode"), content=b"old")
    assert command.argv[1:] == ("--model_path=/data/a model", "--method_name=encode")


MILLISECONDS = st.floats(0.0005, 1e6)


@given(
    st.lists(MILLISECONDS, min_size=1, max_size=20),
    MILLISECONDS,
    st.sampled_from([host, minimal, threadtime, brief]),
)
def test_every_printed_iteration_is_read_back(parse, values_ms, load_ms, dress):
    measured = parse(ended(dress(newest(values_ms, load_ms))))
    # As it is printed: a product of floats may round half a nanosecond otherwise.
    assert measured.latencies_ns == tuple(
        int(f"{x:.6f}".replace(".", "")) for x in values_ms
    )
    assert measured.load_ns == int(f"{load_ms:.6f}".replace(".", ""))
    assert measured.latency_resolution_ns == 1


@given(st.integers(1, 1000), MILLISECONDS)
def test_every_printed_total_is_read_back(parse, count, total_ms):
    measured = parse(ended(host(middle(count, total_ms))))
    assert measured.mean_latency_ns == pytest.approx(total_ms * 1e6 / count, abs=1)


@given(st.data(), st.lists(st.floats(0.1, 100), min_size=2, max_size=6))
def test_a_damaged_log_never_yields_another_number(parse, data, values_ms):
    text = host(newest(values_ms))
    at = data.draw(st.integers(0, len(text) - 1))
    to = data.draw(st.integers(at, min(len(text), at + 90)))
    damage = data.draw(st.sampled_from(["", " ", "x", "\n", "1", "."]))
    whole = parse(ended(text))
    try:
        read = parse(ended(text[:at] + damage + text[to:]))
    except LaunchError:
        return
    # Every iteration is checked against the total, so none can change alone.
    assert read.latencies_ns == pytest.approx(whole.latencies_ns, abs=10)
