from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.android_runner.prebuilt.speed_benchmark_torch import (
    SpeedBenchmarkTorch,
)
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.device import CommandResult, DeviceFile
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.launch import Measurement, Memory
from pocketbench.bench.records.plan import RunnerChoice
from pocketbench.bench.records.runner import LaunchRequest
from tests import factories

BANNERS = ["Starting benchmark.", "Running warmup runs.", "Main runs."]

ARTIFACT = factories.artifact(
    model="tiny", sha256="0", inputs=(), bundled_input_count=0, operators=()
)


def stream(value: float) -> str:
    """A number as a C++ stream prints it: the same as C's %g."""
    return f"{value:g}"


def sample(value_us: float) -> str:
    return (
        'PyTorchObserver {"type": "NET", "unit": "us", "metric": "latency", '
        f'"value": "{stream(value_us)}"}}'
    )


def final(mean_us: float) -> str:
    return (
        f"Main run finished. Microseconds per iter: {stream(mean_us)}. "
        f"Iters per second: {stream(1e6 / mean_us)}"
    )


def printed(values_us: list[float], overhead_us: float = 0.4) -> list[str]:
    mean = sum(values_us) / len(values_us) + overhead_us
    return [*BANNERS, *map(sample, values_us), final(mean)]


def ended(
    stdout: list[str],
    stderr: str = "",
    *,
    code: int | None = 0,
    signal: int | None = None,
    newline: str = "\n",
) -> CommandResult:
    text = "".join(line + newline for line in stdout)
    return CommandResult(
        stdout=text.encode(), stderr=stderr.encode(), exit_code=code, signal=signal
    )


def request_for(
    program: str = "0", *, iterations: int = 3, **changed: object
) -> LaunchRequest:
    facts: dict[str, object] = {
        "program": DeviceFile(
            name="p",
            sha256=program,
            size_bytes=1,
            remote_path="/data/p",
            origin="sent",
        ),
        "libraries": (),
        "model_path": "/data/my model.ptl",
        "format": "ptl",
        "threads": 2,
        "warmup_iterations": 5,
        "iterations": iterations,
        "seed": 0,
        "inputs": (TensorSpec(shape=(1, 3, 224, 224)),),
        "bundled_input_count": 0,
    }
    return LaunchRequest(**(facts | changed))  # type: ignore[arg-type]


def parse(result: CommandResult, iterations: int | None = None) -> Measurement:
    asked = None if iterations is None else request_for(iterations=iterations)
    return SpeedBenchmarkTorch().parse(result, ARTIFACT, asked)


def refused(result: CommandResult, iterations: int | None = None) -> LaunchError:
    with pytest.raises(LaunchError) as caught:
        parse(result, iterations)
    return caught.value


def test_each_iteration_is_read_as_nanoseconds():
    measured = parse(ended(printed([599746, 570505, 583396])))
    assert measured.latencies_ns == (599_746_000, 570_505_000, 583_396_000)
    assert measured.latency_resolution_ns == 1000
    assert measured.mean_latency_ns is None


def test_what_the_program_does_not_report_stays_absent():
    measured = parse(ended(printed([1200, 1300])))
    assert measured.load_ns is None
    assert measured.first_latency_ns is None
    assert measured.warmup_latencies_ns == ()
    assert measured.memory == Memory()
    assert measured.threads is None


def test_from_one_second_up_a_number_has_six_digits_and_the_resolution_says_so():
    measured = parse(ended(printed([1234567.0, 999_999])))
    assert "1.23457e+06" in sample(1234567.0)
    assert measured.latencies_ns == (1_234_570_000, 999_999_000)
    assert measured.latency_resolution_ns == 10_000


def test_without_the_iterations_there_is_only_a_mean():
    measured = parse(ended([*BANNERS, final(6189.07)]))
    assert measured.latencies_ns == ()
    assert measured.mean_latency_ns == 6_189_070
    assert measured.latency_resolution_ns == 10


def test_a_slow_mean_is_read_out_of_scientific_notation():
    assert parse(ended([*BANNERS, final(12.5e6)])).mean_latency_ns == 12_500_000_000


def test_carriage_returns_and_unknown_lines_change_nothing():
    lines = printed([1200, 1300])
    noise = ["WARNING: linker: p: unused DT entry: type 0x1 arg 7", "", "value: 77"]
    noisy = ended([*noise, *lines[:3], *noise, *lines[3:], *noise], newline="\r\n")
    assert parse(noisy) == parse(ended(lines))


@pytest.mark.parametrize(
    "words", ["inf. Iters per second: 0", "-nan. Iters per second: -nan"]
)
def test_zero_iterations_are_a_failure(words):
    last = f"Main run finished. Microseconds per iter: {words}"
    error = refused(ended([*BANNERS, last]))
    assert error.reason is Reason.BAD_FLAGS
    assert "no iteration was run" in error.fact


@pytest.mark.parametrize(
    ("lines", "phase"),
    [
        ([], "before the first run"),
        (BANNERS[:1], "in the warm-up runs"),
        (BANNERS[:2], "in the warm-up runs"),
        (BANNERS, "in the main runs"),
        ([*BANNERS, sample(5)], "while it printed its iterations"),
        (printed([5, 5]), "after its last line"),
    ],
)
@pytest.mark.parametrize(("code", "signal"), [(139, None), (None, 11)])
def test_a_crash_reports_how_far_the_program_came(lines, phase, code, signal):
    error = refused(ended(lines, code=code, signal=signal))
    assert error.reason is Reason.CRASHED
    assert "SIGSEGV" in error.fact
    assert phase in error.fact


def test_an_exception_of_the_runtime_is_classified_by_its_words():
    error = refused(
        ended(
            BANNERS[:2],
            "terminating with uncaught exception of type std::runtime_error: "
            "The following operation failed in the TorchScript interpreter.\n"
            "RuntimeError: shape '[2]' is invalid for input of size 3\n",
            code=134,
        )
    )
    assert error.reason is Reason.MODEL_RAISED
    assert "shape '[2]' is invalid" in error.fact
    assert "in the warm-up runs" in error.fact


def test_a_full_jit_file_given_to_a_lite_build_is_not_loadable():
    words = "PytorchStreamReader failed locating file bytecode.pkl: file not found ()"
    assert refused(ended([], words, code=134)).reason is Reason.FULL_JIT_FILE


def test_a_refused_flag_is_a_failure_of_the_flags():
    words = (
        "Parsing commandline arguments for c10.\n"
        "C10 flag: unrecognized commandline argument: --report_pep=true\n"
        "Failed to parse command line flags!\n"
    )
    error = refused(ended([], words, code=1))
    assert error.reason is Reason.BAD_FLAGS
    assert "--report_pep" in error.fact


def test_a_build_without_the_flag_for_threads_says_how_to_leave_it_out():
    words = "C10 flag: unrecognized commandline argument: --pthreadpool_size=1\n"
    error = refused(ended([], words, code=1))
    assert error.reason is Reason.BAD_FLAGS
    assert "--runner-option speed_benchmark_torch.pthreadpool_size=off" in error.fact


@pytest.mark.parametrize(
    "words",
    [
        "Model does not have bundled inputs.  Before saving,\nuse torch.utils ...\n",
        "Model has only 2 bundled inputs.\n",
    ],
)
def test_missing_bundled_inputs_are_a_matter_of_the_inputs(words):
    error = refused(ended([], words, code=1))
    assert error.reason is Reason.MODEL_RAISED
    assert error.fact in words


@pytest.mark.parametrize(
    "lines",
    [
        [],
        BANNERS,
        [*BANNERS, sample(5)],
        ["Arguments:", "    iter: (int, default 10) ..."],
    ],
)
def test_an_end_without_the_last_line_is_no_measurement(lines):
    assert refused(ended(lines)).reason is Reason.BAD_OUTPUT


@pytest.mark.parametrize(
    "lines",
    [
        [final(1200.4)],
        [*printed([1200]), final(1200.4)],
        [*BANNERS, final(1200.4), sample(1200)],
        [sample(1200), *BANNERS, final(1200.4)],
        [*BANNERS, sample(1200)[:-1], final(1200.4)],
        [*BANNERS, f"x {sample(1200)}", final(1200.4)],
        [*BANNERS, sample(1200).replace('"us"', '"ms"'), final(1200.4)],
        [*BANNERS, sample(1200).replace("NET", "add_M64"), final(1200.4)],
        [*BANNERS, sample(1200).replace("1200", "0x10"), final(1200.4)],
        [*BANNERS, sample(1200).replace("1200", "-1200"), final(1200.4)],
        [*BANNERS, sample(1200).replace("1200", "1200.5"), final(1200.4)],
        [*BANNERS, sample(1200).replace("1200", "inf"), final(1200.4)],
        [*BANNERS, sample(0), final(0.4)],
        [*BANNERS, sample(1200), final(1190.0)],
        [*BANNERS, sample(1200), final(120000.0)],
        [*BANNERS, sample(1200), f"{final(1200.4)}e3"],
        [*BANNERS, sample(1200), f"{final(1200.4)} WARNING"],
        [*BANNERS, sample(1200), final(1200.4).replace("1200", "1300")],
        ["Loaded context.", *printed([1200])],
    ],
)
def test_output_that_is_not_exactly_this_program_s_is_refused(lines):
    assert refused(ended(lines)).reason is Reason.BAD_OUTPUT


def test_another_number_of_iterations_than_asked_for_is_refused():
    lines = printed([1200, 1201, 1202])
    assert len(parse(ended(lines), 3).latencies_ns) == 3
    error = refused(ended([*lines[:4], *lines[5:]]), 3)
    assert "printed 2 iterations, 3 were asked for" in error.fact


LATENCIES = st.lists(
    st.one_of(
        st.integers(1, 999_999),
        st.integers(1_000_000, 30_000_000),
    ),
    min_size=1,
    max_size=30,
)


@given(LATENCIES, st.sampled_from(["\n", "\r\n"]))
def test_every_printed_latency_is_read_back_to_its_digits(values, newline):
    measured = parse(ended(printed(values), newline=newline), len(values))
    shown = [round(float(stream(value))) for value in values]
    assert measured.latencies_ns == tuple(us * 1000 for us in shown)
    digits = len(str(max(shown)))
    assert measured.latency_resolution_ns == 1000 * 10 ** max(0, digits - 6)
    assert all(
        abs(us - value) * 1000 <= measured.latency_resolution_ns / 2
        for us, value in zip(shown, values, strict=True)
    )


@given(st.floats(0.5, 1e9))
def test_every_printed_mean_is_read_back_to_its_six_digits(mean_us):
    measured = parse(ended([*BANNERS, final(mean_us)]))
    assert measured.mean_latency_ns == pytest.approx(mean_us * 1000, rel=6e-6, abs=1)


DAMAGE = st.sampled_from(["", " ", "x", ".", "e", "-", '"', "\n", "\0", "\xff"])


@given(
    st.lists(st.integers(1000, 3_000_000), min_size=2, max_size=8),
    st.data(),
)
def test_damaged_output_never_yields_another_number(values, data):
    lines = printed(values)
    text = ended(lines).stdout.decode()
    at = data.draw(st.integers(0, len(text) - 1))
    to = data.draw(st.integers(at, min(len(text), at + 60)))
    damaged = text[:at] + data.draw(DAMAGE) + text[to:]
    whole = parse(ended(lines), len(values))
    mean = parse(ended([*BANNERS, lines[-1]]))
    try:
        read = parse(
            CommandResult(stdout=damaged.encode(), stderr=b"", exit_code=0), len(values)
        )
    except LaunchError:
        return
    if any(character.isdigit() for character in text[at:to]):
        # Digits lost inside one number leave a number: it is caught where it moves
        # the mean by more than may pass between the iterations.
        changed_ns = sum(whole.latencies_ns) - sum(read.latencies_ns)
        mean_ns = sum(whole.latencies_ns) / len(values)
        assert abs(changed_ns) / len(values) <= 20_100_000 + mean_ns / 20
    else:
        assert read in (whole, mean)


def test_inputs_that_are_bundled_are_used(tmp_path):
    argv = command_of(tmp_path, bundled_input_count=2).argv
    assert "--use_bundled_input=0" in argv
    assert not any(flag.startswith("--input_") for flag in argv)


def test_every_flag_has_a_value_and_the_path_is_unquoted(tmp_path):
    command = command_of(tmp_path)
    assert command.argv == (
        "/data/p",
        "--model=/data/my model.ptl",
        "--input_dims=1,3,224,224",
        "--input_type=float",
        "--warmup=5",
        "--iter=3",
        "--report_pep=true",
        "--pthreadpool_size=2",
    )
    assert command.env == {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}


def test_several_inputs_have_a_type_and_a_memory_format_each(tmp_path):
    inputs = (
        TensorSpec(shape=(1, 3, 8, 8), dtype="uint8"),
        TensorSpec(shape=(1, 77), dtype="int64"),
    )
    options = (("input_memory_format", "channels_last"),)
    argv = command_of(tmp_path, options, inputs=inputs).argv
    assert "--input_dims=1,3,8,8;1,77" in argv
    assert "--input_type=uint8_t;int64" in argv
    assert "--input_memory_format=channels_last;contiguous_format" in argv


def test_the_options_of_the_user_become_flags(tmp_path):
    options = (
        ("use_caching_allocator", "yes"),
        ("vulkan", "true"),
        ("report_pep", "false"),
        ("use_bundled_input", "3"),
        ("pthreadpool_size", "off"),
    )
    argv = command_of(tmp_path, options).argv
    assert "--use_bundled_input=3" in argv
    assert "--use_caching_allocator=true" in argv
    assert "--vulkan=true" in argv
    assert "--report_pep=false" in argv
    assert not any("pthreadpool_size" in flag for flag in argv)


def test_a_model_without_inputs_is_run_without(tmp_path):
    argv = command_of(tmp_path, (("no_inputs", "true"),), inputs=()).argv
    assert "--no_inputs=true" in argv
    assert not any(flag.startswith("--input_") for flag in argv)


@pytest.mark.parametrize(
    ("content", "passed"),
    [
        (b"pthreadpool_size\0unrecognized commandline argument", True),
        (b"unrecognized commandline argument", False),
        (b"unknown command line flag", False),
        (b"needs libtorch.so", True),
    ],
)
def test_the_thread_pool_s_flag_is_left_out_of_a_build_that_has_none(
    tmp_path, content, passed
):
    argv = command_of(tmp_path, content=content).argv
    assert ("--pthreadpool_size=2" in argv) is passed


@pytest.mark.parametrize(
    "inputs",
    [(), (TensorSpec(shape=()),), (TensorSpec(shape=(1,), dtype="float16"),)],
)
def test_inputs_the_program_cannot_make_are_refused(tmp_path, inputs):
    with pytest.raises(LaunchError) as caught:
        command_of(tmp_path, inputs=inputs)
    assert caught.value.reason is Reason.MODEL_RAISED


def command_of(
    folder: Path,
    options: tuple[tuple[str, str], ...] = (),
    *,
    content: bytes = b"program",
    **changed: object,
):
    file = folder / "speed_benchmark_torch"
    file.write_bytes(content)
    choice = RunnerChoice(
        name="speed_benchmark_torch", path=str(file), abi="arm64-v8a", options=options
    )
    runner = SpeedBenchmarkTorch((choice,))
    sha256 = runner._programs._given[0].executable.sha256
    return runner.command(request_for(sha256, **changed))


def test_a_program_that_was_not_given_is_refused():
    with pytest.raises(Exception, match="not one of the programs given"):
        SpeedBenchmarkTorch().command(request_for())
