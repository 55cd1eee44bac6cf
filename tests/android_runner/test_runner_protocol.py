from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pocketbench.android_runner.auxiliary_output import (
    read_capabilities,
    read_operator_times,
    read_outputs,
    read_prepacked,
    read_spin,
)
from pocketbench.android_runner.runner_protocol import read_measurement
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.launch import Measurement, Memory
from pocketbench.bench.records.operator_times import (
    OTHER_NODES,
    OperatorTime,
    OperatorTimes,
)
from pocketbench.bench.records.runner import RawTensor

GOLDEN = Path(__file__).with_name("golden") / "lite.jsonl"
WHOLE = GOLDEN.read_bytes()
MEASURED = Measurement(
    load_ns=13385102,
    first_latency_ns=5419462,
    warmup_latencies_ns=(5419462, 200728),
    latencies_ns=(37986, 37686, 36374),
    memory=Memory(
        rss_before_load_bytes=110022656,
        rss_after_load_bytes=113422336,
        peak_rss_bytes=118755328,
        swap_bytes=0,
        rss_end_bytes=118751232,
        pss_bytes=41234432,
        read_by="itself",
    ),
    threads=1,
    heap="steady",
    runtime_version="torch 2.13.0",
    seed=7,
    output_digest="74f7b5755b662e02eab0177cdf3cb7227703b23a159c1e4e35ea83fea7811aab",
)


def read(stdout: bytes, *, code: int | None = 0, **facts: object) -> Measurement:
    result = CommandResult(stdout=stdout, stderr=b"", exit_code=code, **facts)
    return read_measurement(result, runner="lite", subject="tiny")


def sealed(*lines: dict[str, object]) -> bytes:
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    seal = {
        "end": True,
        "lines": len(lines),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    return body + json.dumps(seal).encode() + b"\n"


def golden_lines() -> list[dict[str, object]]:
    return [json.loads(line) for line in WHOLE.splitlines()[:-1]]


def reason_of(stdout: bytes, **facts: object) -> Reason:
    with pytest.raises(LaunchError) as caught:
        read(stdout, **facts)
    return caught.value.reason


def test_the_golden_output_is_read_whole() -> None:
    assert read(WHOLE) == MEASURED


def test_a_terminal_of_an_old_phone_and_words_in_between_change_nothing() -> None:
    lines = WHOLE.replace(b"\n", b"\r\n").splitlines(keepends=True)
    noisy = b"WARNING: linker: unused DT entry\r\n" + b"[W] deprecated\r\n".join(lines)
    assert read(noisy) == MEASURED


@given(cut=st.integers(0, len(WHOLE) - 2))
def test_a_truncated_output_is_never_a_measurement(cut: int) -> None:
    assert reason_of(WHOLE[:cut]) is Reason.BAD_OUTPUT


@given(
    at=st.integers(0, len(WHOLE) - 1),
    taken=st.integers(0, 200),
    put=st.binary(max_size=40) | st.sampled_from([b"\n", b"\r\n", b"0", b"{", b","]),
)
def test_a_garbled_output_is_never_another_measurement(
    at: int, taken: int, put: bytes
) -> None:
    garbled = WHOLE[:at] + put + WHOLE[at + taken :]
    with contextlib.suppress(LaunchError):
        assert read(garbled) == MEASURED


@given(st.permutations(WHOLE.splitlines(keepends=True)))
def test_lines_in_another_order_are_never_another_measurement(
    lines: list[bytes],
) -> None:
    if b"".join(lines) != WHOLE:
        assert reason_of(b"".join(lines)) is Reason.BAD_OUTPUT


def test_an_output_twice_is_no_measurement() -> None:
    assert reason_of(WHOLE + WHOLE) is Reason.BAD_OUTPUT


@pytest.mark.parametrize("missing", range(len(golden_lines())))
def test_every_line_is_needed_even_under_a_seal_of_its_own(missing: int) -> None:
    lines = golden_lines()
    del lines[missing]
    reported = sealed(*lines)
    assert reason_of(reported) is Reason.BAD_OUTPUT


@pytest.mark.parametrize(
    "wrong",
    [
        {"latencies_ns": []},
        {"latencies_ns": [1, -1]},
        {"latencies_ns": [1.5]},
        {"latencies_ns": "many"},
        {"load_ns": None},
        {"peak_rss_bytes": 0},
        {"threads": 0},
        {"threads": 1 << 61},
        {"load_ns": 10**40},
        {"output_digest": "abc"},
    ],
)
def test_values_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    lines = [
        line | {k: wrong[k] for k in line.keys() & wrong} for line in golden_lines()
    ]
    assert reason_of(sealed(*lines)) is Reason.BAD_OUTPUT


def test_memory_that_the_system_does_not_report_is_none() -> None:
    absent = {
        *("rss_before_load_bytes", "peak_rss_bytes"),
        *("swap_bytes", "rss_bytes", "pss_bytes"),
    }
    lines = [line | dict.fromkeys(line.keys() & absent) for line in golden_lines()]
    memory = read(sealed(*lines)).memory
    assert memory == Memory(rss_after_load_bytes=113422336, read_by="itself")
    assert memory.peak_bytes is None


def test_the_peak_counts_what_was_swapped_out() -> None:
    memory = Memory(peak_rss_bytes=100, rss_end_bytes=80, swap_bytes=50)
    assert memory.peak_bytes == 130
    assert Memory(peak_rss_bytes=100, rss_end_bytes=80).peak_bytes == 100


def test_a_spin_is_read_and_a_broken_one_refused() -> None:
    header = {"wire": 1, "runner": "lite", "runtime": "torch 2.13.0", "pid": 1}
    spun = {"spin_rounds": 20, "spin_elapsed_ns": 250_000_000}
    result = CommandResult(stdout=sealed(header, spun), stderr=b"", exit_code=0)
    assert read_spin(result, subject="tiny") == 12_500_000
    with pytest.raises(LaunchError):
        read_spin(
            CommandResult(stdout=sealed(header), stderr=b"", exit_code=0),
            subject="tiny",
        )


def test_a_prepacked_model_is_read_with_how_its_answers_differ() -> None:
    header = {"wire": 1, "runner": "lite", "runtime": "torch 2.9.1", "pid": 1}
    made = {"prepacked": "AAH/", "prepacked_operators": ["aten::add"], "sqnr_db": None}
    for sqnr_db in (121, None):
        printed = sealed(header, made | {"sqnr_db": sqnr_db})
        result = CommandResult(stdout=printed, stderr=b"", exit_code=0)
        found = read_prepacked(result, subject="tiny")
        assert (found.file, found.operators) == (b"\0\1\xff", ("aten::add",))
        assert found.sqnr_db == sqnr_db
    for broken in (header, header | made | {"prepacked": "no base64"}):
        result = CommandResult(stdout=sealed(broken), stderr=b"", exit_code=0)
        with pytest.raises(LaunchError):
            read_prepacked(result, subject="tiny")


def test_a_field_of_a_newer_program_is_no_trouble() -> None:
    assert read(sealed(*golden_lines(), {"energy_uj": 12})) == MEASURED


def test_a_field_reported_twice_is_refused() -> None:
    assert reason_of(sealed(*golden_lines(), {"load_ns": 1})) is Reason.BAD_OUTPUT


def test_another_wire_or_another_runner_is_reported_by_name() -> None:
    header, *rest = golden_lines()
    with pytest.raises(LaunchError, match="speaks protocol 2"):
        read(sealed(header | {"wire": 2}, *rest))
    with pytest.raises(LaunchError, match="'null' answered, not 'lite'"):
        read(sealed(header | {"runner": "null"}, *rest))


@pytest.mark.parametrize(
    ("phase", "message", "reason"),
    [
        ("flags", "--foo: no such flag", Reason.BAD_FLAGS),
        ("load", "something new", Reason.NOT_LOADABLE),
        (
            "load",
            "PytorchStreamReader failed locating file bytecode.pkl: file not "
            "found. This is an internal miniz error. If you",
            Reason.FULL_JIT_FILE,
        ),
        (
            "load",
            "open file failed because of errno 2 on fopen: No such file or "
            "directory, file path: /x",
            Reason.NOT_FOUND,
        ),
        (
            "load",
            "Following ops cannot be found. Please check if the operator library "
            "is included in the build.\nvision::nms, ",
            Reason.MISSING_OPERATOR,
        ),
        (
            "load",
            "Lite Interpreter version number does not match. The model version "
            "must be between 4 and 9 but the model version is 10",
            Reason.BYTECODE_TOO_NEW,
        ),
        (
            "load",
            "Didn't find engine for operation quantized::conv2d_prepack NoQEngine",
            Reason.NO_QUANTIZED_ENGINE,
        ),
        ("inputs", "the model has no bundled inputs", Reason.MODEL_RAISED),
        (
            "forward",
            "mat1 and mat2 shapes cannot be multiplied\n  \n  Debug info for "
            "handle(s): debug_handles:{-1}, was not found.\n",
            Reason.MODEL_RAISED,
        ),
        ("forward", "label PytorchStreamReader failed", Reason.MODEL_RAISED),
        ("profile", "the runtime was built without", Reason.NO_OPERATOR_TIMES),
        (
            "forward",
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
            Reason.OUT_OF_MEMORY,
        ),
    ],
)
def test_an_error_line_is_classified_by_its_phase_and_words(
    phase: str, message: str, reason: Reason
) -> None:
    reported = sealed(golden_lines()[0], {"error": phase, "message": message})
    with pytest.raises(LaunchError) as caught:
        read(reported, code=10)
    assert caught.value.reason is reason
    assert caught.value.fact
    assert "internal miniz" not in caught.value.fact
    assert "Debug info" not in caught.value.fact


def test_a_crash_after_half_the_lines_is_a_crash() -> None:
    half = b"".join(WHOLE.splitlines(keepends=True)[:3])
    assert reason_of(half, code=139) is Reason.CRASHED
    assert reason_of(half, code=None, signal=9) is Reason.OUT_OF_MEMORY


def test_a_whole_output_of_a_program_that_ended_badly_is_not_believed() -> None:
    assert reason_of(WHOLE, code=134) is Reason.CRASHED
    assert reason_of(WHOLE, code=None, timed_out=True) is Reason.TIMED_OUT


def test_capabilities_are_read() -> None:
    reported = sealed(
        {"wire": 1, "runner": "lite", "runtime": "torch 2.13.0", "pid": 1},
        {"bytecode_min": 4, "bytecode_max": 9, "operators": ["aten::add.Tensor"]},
    )
    result = CommandResult(stdout=reported, stderr=b"", exit_code=0)
    capabilities = read_capabilities(result, subject="pocketbench-lite")
    assert capabilities.bytecode_max == 9
    assert capabilities.operators == ("aten::add.Tensor",)


def answered(*outputs: object, count: int | None = None) -> CommandResult:
    head = {"wire": 1, "runner": "lite", "runtime": "torch", "pid": 1}
    counted = {"input_count": len(outputs) if count is None else count}
    lines = [{f"output_{index}": reported} for index, reported in enumerate(outputs)]
    return CommandResult(stdout=sealed(head, counted, *lines), stderr=b"", exit_code=0)


TENSORS = st.builds(
    RawTensor,
    spec=st.builds(
        TensorSpec,
        shape=st.lists(st.integers(0, 2**31 - 1), max_size=4).map(tuple),
        dtype=st.sampled_from(["float32", "int64", "bool"]),
    ),
    data=st.binary(max_size=40),
)


@given(answers=st.lists(st.lists(TENSORS, max_size=3).map(tuple), min_size=1))
def test_outputs_that_were_reported_are_read_back(
    answers: list[tuple[RawTensor, ...]],
) -> None:
    reported = [
        [
            f"{x.spec.dtype}:{'x'.join(map(str, x.spec.shape))}:"
            f"{base64.b64encode(x.data).decode()}"
            for x in tensors
        ]
        for tensors in answers
    ]
    assert read_outputs(answered(*reported), subject="tiny") == tuple(answers)


@pytest.mark.parametrize(
    "outputs",
    [
        ["float32:1x2"],
        ["float32:1xa:AAAA"],
        ["float32::?"],
        [7],
        7,
        None,
    ],
)
def test_an_output_of_another_form_is_no_output(outputs: object) -> None:
    with pytest.raises(LaunchError, match="unreadable output"):
        read_outputs(answered(outputs), subject="tiny")


def test_an_output_that_is_missing_is_reported() -> None:
    with pytest.raises(LaunchError, match="printed no output_1"):
        read_outputs(answered(["float32:1:AAAAAA=="], count=2), subject="tiny")


def test_a_count_beyond_reason_costs_nothing() -> None:
    with pytest.raises(LaunchError, match="printed no output_1"):
        read_outputs(answered(["float32:1:AAAAAA=="], count=1 << 60), subject="tiny")


OBSERVED: dict[str, object] = {
    "operator_names": ["DELEGATE_CALL", "add.out"],
    "operator_backends": ["XnnpackBackend", ""],
    "operator_dtypes": ["", "float32"],
    "operator_calls": [2, 4],
    "operator_self_ns": [70, 20],
    "operator_nodes": [0, -1],
}


def observed(**changed: object) -> OperatorTimes:
    profiled = {"profiled_latencies_ns": [60, 50]}
    output = sealed(*golden_lines(), profiled, {**OBSERVED, **changed})
    result = CommandResult(stdout=output, stderr=b"", exit_code=0)
    return read_operator_times(result, runner="lite", subject="tiny")


def test_operator_times_are_read_with_what_observing_cost() -> None:
    assert observed() == OperatorTimes(
        operators=(
            OperatorTime(
                name="DELEGATE_CALL",
                backend="XnnpackBackend",
                calls=2,
                self_ns=70,
                node="0",
            ),
            OperatorTime(
                name="add.out",
                dtype="float32",
                calls=4,
                self_ns=20,
                node=OTHER_NODES,
            ),
        ),
        inferences=2,
        latencies_ns=MEASURED.latencies_ns,
        observed_latencies_ns=(60, 50),
    )


def test_a_program_of_before_reports_no_nodes() -> None:
    assert [x.node for x in observed(operator_nodes=None).operators] == [None, None]


@pytest.mark.parametrize(
    "changed",
    [
        {"operator_calls": [2]},
        {"operator_nodes": [2]},
        {"operator_self_ns": [70, -1]},
        {"operator_calls": [2, 0]},
        {key: [] for key in OBSERVED},
    ],
)
def test_operators_that_are_not_whole_are_no_times(changed: dict[str, object]) -> None:
    with pytest.raises(LaunchError) as caught:
        observed(**changed)
    assert caught.value.reason is Reason.BAD_OUTPUT


def test_a_measurement_without_operators_is_no_profile() -> None:
    result = CommandResult(stdout=WHOLE, stderr=b"", exit_code=0)
    with pytest.raises(LaunchError) as caught:
        read_operator_times(result, runner="lite", subject="tiny")
    assert caught.value.reason is Reason.BAD_OUTPUT
    assert "profiled_latencies_ns" in caught.value.fact
