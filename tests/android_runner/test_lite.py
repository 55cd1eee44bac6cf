from __future__ import annotations

import hashlib
import json
import re
import statistics
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pocketbench.android_runner.auxiliary_output import read_capabilities
from pocketbench.android_runner.own import LiteRunner
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.artifact import Artifact, TensorSpec
from pocketbench.bench.records.failure import FailureReason as Reason
from tests.android_runner.launching import Launcher, calls_by_name

MAKE_MODELS = Path(__file__).parent / "native" / "make_lite_models.py"
IMAGE = TensorSpec(shape=(1, 3, 32, 32))
pytestmark = pytest.mark.needs("compiler")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models with spaces, 'quotes' and ü")
    subprocess.run([sys.executable, MAKE_MODELS, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def from_python(models: Path) -> dict[str, Any]:
    return json.loads((models / "outputs.json").read_text())


@pytest.fixture(scope="module")
def lite(model: Artifact) -> Launcher:
    return Launcher(LiteRunner((), lambda text: None), model)


def failure(lite: Launcher, path: Path, **asked: object) -> LaunchError:
    with pytest.raises(LaunchError) as caught:
        lite.measure(path, **asked)
    return caught.value


def test_a_model_is_measured_with_as_many_samples_as_asked_for(
    lite: Launcher, models: Path
) -> None:
    measured = lite.measure(models / "tiny.ptl", warmup=3, iterations=7, seed=5)
    assert len(measured.warmup_latencies_ns) == 3
    assert len(measured.latencies_ns) == 7
    assert all(x > 0 for x in measured.latencies_ns + measured.warmup_latencies_ns)
    assert measured.first_latency_ns == measured.warmup_latencies_ns[0]
    assert measured.load_ns is not None
    assert measured.load_ns > 0
    assert measured.seed == 5
    assert measured.runtime_version == lite.program.version


def test_what_it_prints_has_the_form_of_the_golden_output(
    lite: Launcher, models: Path
) -> None:
    def form(output: bytes) -> str:
        text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", output.decode())
        text = re.sub(r"torch [\d.]+(\+\w+)?", "torch VERSION", text)
        return re.sub(r"\b\d+\b", "N", text)

    golden = (Path(__file__).parent / "golden" / "lite.jsonl").read_bytes()
    result = lite.run(models / "tiny.ptl", warmup=2, iterations=3)
    assert form(result.stdout) == form(golden)


def test_timed_calls_fit_into_the_time_of_the_launch(
    lite: Launcher, models: Path
) -> None:
    result = lite.run(models / "heavy.ptl", warmup=2, iterations=10)
    measured = lite.parse(result)
    timed_ns = sum(measured.warmup_latencies_ns) + sum(measured.latencies_ns)
    assert measured.load_ns is not None
    assert timed_ns + measured.load_ns < result.duration_ns


def test_more_work_takes_longer(lite: Launcher, models: Path) -> None:
    tiny = lite.measure(models / "tiny.ptl", warmup=5, iterations=20)
    heavy = lite.measure(models / "heavy.ptl", warmup=5, iterations=20)
    assert statistics.median(heavy.latencies_ns) > 5 * statistics.median(
        tiny.latencies_ns
    )


def test_without_warm_up_the_first_inference_is_the_first_sample(
    lite: Launcher, models: Path
) -> None:
    measured = lite.measure(models / "tiny.ptl", warmup=0, iterations=2)
    assert measured.warmup_latencies_ns == ()
    assert measured.first_latency_ns == measured.latencies_ns[0]


def values_for_the_last_image(lite: Launcher, model: Path) -> tuple[float, ...]:
    images = model.parent / "images.bin"
    ((tensor,),) = lite.outputs(model, images, (IMAGE,))[-1:]
    return struct.unpack("<10f", tensor.data)


def test_it_computes_what_python_does_up_to_rounding(
    lite: Launcher, models: Path, from_python: dict[str, Any]
) -> None:
    # Sums of 7200 products of about 0.01: one in another order, as another processor,
    # number of threads or BLAS takes it, is off by 1e-6 at most.
    values = values_for_the_last_image(lite, models / "tiny.ptl")
    assert values == pytest.approx(from_python["tiny"], rel=0, abs=1e-5)


def test_int8_runs_with_qnnpack_and_is_a_step_off_python_at_most(
    lite: Launcher, models: Path, from_python: dict[str, Any]
) -> None:
    (path,) = models.glob("int8*.ptl")
    assert b'"quantized_engine": "qnnpack"' in lite.run(path).stdout
    step = 1.01 * from_python["int8_step"]
    values = values_for_the_last_image(lite, path)
    assert values == pytest.approx(from_python["int8"], rel=0, abs=step)


def test_of_several_bundled_inputs_the_first_one_gives_the_digest(
    lite: Launcher, models: Path
) -> None:
    result = lite.run(models / "two.ptl", iterations=5)
    digest = lite.parse(result).output_digest
    assert digest == lite.measure(models / "tiny.ptl").output_digest
    assert b'"inputs": "bundled", "input_count": 2' in result.stdout


def test_a_nested_answer_is_digested_part_by_part(lite: Launcher, models: Path) -> None:
    # Whole numbers, which every processor adds up alike.
    parts = [(0, 3, 1, 4, 2, 5), (1, 2, 3, 4, 5, 6), (2, 3, 4, 5, 6, 7)]
    data = b"".join(struct.pack("<6f", *part) for part in parts) + struct.pack("<q", 7)
    measured = lite.measure(models / "nested.ptl")
    assert measured.output_digest == hashlib.sha256(data).hexdigest()


def test_memory_grows_from_before_the_load_to_the_peak(
    lite: Launcher, models: Path
) -> None:
    memory = lite.measure(models / "tiny.ptl").memory
    assert memory.rss_before_load_bytes is not None
    assert memory.rss_after_load_bytes is not None
    assert memory.peak_rss_bytes is not None
    assert 1 << 20 < memory.rss_before_load_bytes <= memory.rss_after_load_bytes
    assert memory.rss_after_load_bytes <= memory.peak_rss_bytes
    assert memory.swap_bytes is not None


def test_one_thread_is_one_thread_of_the_system(lite: Launcher, models: Path) -> None:
    for name in ("heavy.ptl", next(models.glob("int8*.ptl")).name):
        result = lite.run(models / name, threads=1)
        assert lite.parse(result).threads == 1
        assert b'"os_threads": 1}' in result.stdout


def test_more_threads_are_what_torch_says(lite: Launcher, models: Path) -> None:
    result = lite.run(models / "heavy.ptl", threads=3)
    assert lite.parse(result).threads == 3
    found = re.search(rb'"os_threads": (\d+)', result.stdout)
    assert found is not None
    assert int(found[1]) >= 3


def test_generated_inputs_come_from_the_seed(lite: Launcher, models: Path) -> None:
    path = models / "plain.ptl"
    reported = [
        lite.measure(path, inputs=(IMAGE,), seed=seed).output_digest
        for seed in (1, 1, 2, 2**40, -1)
    ]
    assert reported[0] == reported[1]
    assert len(set(reported)) == 4


@pytest.mark.parametrize(
    "dtype",
    ["float32", "float64", "float16", "bfloat16", "uint8", "int8", "int16", "int32",
     "int64", "bool"],
)  # fmt: skip
def test_inputs_of_every_dtype_are_generated(
    lite: Launcher, models: Path, dtype: str
) -> None:
    inputs = (TensorSpec(shape=(3, 5), dtype=dtype), TensorSpec(shape=(), dtype=dtype))
    result = lite.run(models / "any.ptl", inputs=inputs)
    assert lite.parse(result).output_digest
    assert b'"inputs": "generated", "input_count": 1' in result.stdout


def test_an_unknown_dtype_is_named(lite: Launcher, models: Path) -> None:
    odd = TensorSpec(shape=(1,), dtype="complex3")
    error = failure(lite, models / "plain.ptl", inputs=(odd,))
    assert error.reason is Reason.MODEL_RAISED
    assert "complex3" in error.fact


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("missing.ptl", Reason.NOT_FOUND, "No such file"),
        ("truncated.ptl", Reason.TRUNCATED_FILE, "central directory"),
        ("empty.ptl", Reason.NOT_LOADABLE, "not a ZIP archive"),
        ("full.pt", Reason.FULL_JIT_FILE, "bytecode.pkl"),
        ("raises.ptl", Reason.MODEL_RAISED, "mat1 and mat2 shapes"),
        ("plain.ptl", Reason.MODEL_RAISED, "no bundled inputs"),
    ],
)
def test_a_launch_that_cannot_measure_says_why_in_torchs_words(
    lite: Launcher, models: Path, name: str, reason: Reason, words: str
) -> None:
    error = failure(lite, models / name)
    assert error.reason is reason
    assert words in error.fact
    assert "\n" not in error.fact
    assert "frame #" not in error.fact


def test_the_wrong_number_of_inputs_is_no_crash(lite: Launcher, models: Path) -> None:
    error = failure(lite, models / "plain.ptl", inputs=(IMAGE, IMAGE))
    assert error.reason is Reason.MODEL_RAISED
    assert error.fact == "forward takes 1 inputs, but 2 were given"
    error = failure(lite, models / "any.ptl", inputs=(IMAGE,))
    assert error.reason is Reason.MODEL_RAISED


def test_an_input_larger_than_any_memory_is_reported_as_such(
    lite: Launcher, models: Path
) -> None:
    huge = TensorSpec(shape=(1_000_000, 1_000_000, 1_000))
    error = failure(lite, models / "plain.ptl", inputs=(huge,))
    assert error.reason is Reason.OUT_OF_MEMORY


def test_a_launch_past_its_deadline_is_ended_and_reported(
    lite: Launcher, models: Path
) -> None:
    error = failure(lite, models / "heavy.ptl", iterations=10_000_000, timeout_s=1)
    assert error.reason is Reason.TIMED_OUT


@pytest.mark.parametrize(
    "flags",
    [("--iterations", "0"), ("--threads", "x"), ("--seed", "1.5"), ("--what",), ()],
)
def test_flags_it_cannot_follow_are_reported_by_name(
    lite: Launcher, flags: tuple[str, ...]
) -> None:
    result = lite.device.run((lite.installed[0].remote_path, *flags), timeout_s=60)
    with pytest.raises(LaunchError) as caught:
        lite.parse(result)
    assert caught.value.reason is Reason.BAD_FLAGS
    assert (flags[0] if flags else "--model") in caught.value.fact
    assert result.exit_code == 2


def test_capabilities_name_version_engines_bytecode_and_operators(
    lite: Launcher,
) -> None:
    program = lite.installed[0].remote_path
    result = lite.device.run((program, "--capabilities"), timeout_s=60)
    reported = read_capabilities(result, subject="pocketbench-lite")
    assert f'"runtime": "{lite.program.version}"' in result.stdout.decode()
    assert '"quantized_engine": "qnnpack"' in result.stdout.decode()
    assert "qnnpack" in reported.quantized_engines
    assert reported.bytecode_min is not None
    assert reported.bytecode_max is not None
    assert reported.bytecode_min <= 8 <= reported.bytecode_max
    assert {"aten::conv2d", "quantized::conv2d_relu.new"} <= set(reported.operators)


def test_the_program_brings_torchs_libraries_and_no_system_ones(
    lite: Launcher,
) -> None:
    names = {library.name for library in lite.program.libraries}
    assert {"libtorch_cpu.so", "libc10.so"} <= names
    assert not any(name.startswith(("libc.", "libm.", "libstdc++")) for name in names)
    for library in lite.program.objects:
        content = Path(library.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == library.sha256


def test_elsewhere_the_program_runs_with_its_libraries_and_no_path_of_ours(
    lite: Launcher, models: Path, tmp_path: Path
) -> None:
    from pocketbench.bench.records.device import DeviceFile

    installed = []
    for local in lite.program.objects:
        folder = tmp_path / local.sha256
        folder.mkdir()
        (folder / local.name).symlink_to(local.path)
        installed.append(
            DeviceFile(
                name=local.name,
                sha256=local.sha256,
                size_bytes=local.size_bytes,
                remote_path=str(folder / local.name),
                origin="sent",
            )
        )
    there = Launcher(lite.runner, lite.artifact)
    there.installed = tuple(installed)
    traced = there.device.run(
        (installed[0].remote_path, "--model", str(models / "tiny.ptl")),
        timeout_s=60,
        env={
            "LD_LIBRARY_PATH": ":".join(
                str(Path(each.remote_path).parent) for each in installed[1:]
            ),
            "LD_DEBUG": "libs",
        },
    )
    loaded = re.findall(rb"calling init: (\S+)", traced.stderr)
    assert str(tmp_path).encode() in next(x for x in loaded if b"libtorch_cpu" in x)
    here = lite.measure(models / "tiny.ptl")
    assert there.measure(models / "tiny.ptl").output_digest == here.output_digest


def test_it_reports_what_it_answers_to_each_of_the_inputs_it_is_given(
    lite: Launcher, models: Path
) -> None:
    answers = lite.outputs(models / "two.ptl", models / "images.bin", (IMAGE,))
    assert [len(tensors) for tensors in answers] == [1, 1, 1]
    (first,), (again,), (other,) = answers
    assert first.spec == TensorSpec(shape=(1, 10))
    assert first == again != other
    # `two.ptl` brings inputs of its own, the third of these first.
    measured = lite.measure(models / "two.ptl")
    assert hashlib.sha256(other.data).hexdigest() == measured.output_digest


def test_of_a_nested_answer_it_reports_every_tensor(
    lite: Launcher, models: Path
) -> None:
    specs = (TensorSpec(shape=(2, 3)),)
    ((turned, one, two),) = lite.outputs(
        models / "nested.ptl", models / "nested.bin", specs
    )
    assert turned.spec == TensorSpec(shape=(3, 2))
    assert struct.unpack("<6f", turned.data) == (0, 3, 1, 4, 2, 5)
    assert struct.unpack("<6f", one.data) == (1, 2, 3, 4, 5, 6)
    assert struct.unpack("<6f", two.data) == (2, 3, 4, 5, 6, 7)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes are no whole number of inputs of 12288 bytes"),
        (bytes(12289), "12289 bytes are no whole number"),
        (None, "cannot read"),
    ],
)
def test_values_that_do_not_fit_the_inputs_are_reported(
    lite: Launcher, models: Path, tmp_path: Path, data: bytes | None, words: str
) -> None:
    path = tmp_path / "values"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(LaunchError, match=words):
        lite.outputs(models / "tiny.ptl", path, (IMAGE,))


def test_the_operators_of_a_model_are_observed_each_with_its_own_time(
    lite: Launcher, models: Path
) -> None:
    times = lite.observe(models / "heavy.ptl", iterations=4)
    assert calls_by_name(times) == {"aten::matmul": 4 * 200, "aten::tanh": 4 * 200}
    assert {each.dtype for each in times.operators} == {"float32"}
    assert times.inferences == len(times.observed_latencies_ns) == 4
    assert len(times.latencies_ns) == 4
    # Together no more than the inferences they were in, and nearly all of them.
    total_ns = sum(each.self_ns for each in times.operators)
    assert 0.5 < total_ns / sum(times.observed_latencies_ns) <= 1


def test_every_operator_is_reported_with_what_it_computes_on(
    lite: Launcher, models: Path
) -> None:
    (path,) = models.glob("int8*.ptl")
    reported = {(each.name, each.dtype) for each in lite.observe(path).operators}
    assert ("quantized::conv2d", "quint8") in reported
    assert ("aten::dequantize", "quint8") in reported
    assert ("aten::relu", "float32") in reported
    assert ("aten::quantize_per_tensor", "float32") in reported
    assert ("quantized::linear", "quint8") in reported
