from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pocketbench.android_runner.auxiliary_output import read_capabilities
from pocketbench.android_runner.own import ExecutorchRunner
from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.artifact import Artifact, TensorSpec
from pocketbench.bench.records.failure import FailureReason as Reason
from tests.android_runner.launching import Launcher, calls_by_name

MAKE_MODELS = Path(__file__).parent / "native" / "make_executorch_models.py"
pytestmark = [pytest.mark.needs("compiler", "executorch"), pytest.mark.slow]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models with spaces, 'quotes' and ü")
    made = subprocess.run(
        [sys.executable, MAKE_MODELS, folder], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def executorch(model: Artifact) -> Launcher:
    return Launcher(ExecutorchRunner((), lambda text: None), model)


def failure(executorch: Launcher, path: Path, **asked: object) -> LaunchError:
    with pytest.raises(LaunchError) as caught:
        executorch.measure(path, **asked)
    return caught.value


def test_a_model_is_measured_with_as_many_samples_as_asked_for(
    executorch: Launcher, models: Path
) -> None:
    measured = executorch.measure(
        models / "delegated.pte", warmup=3, iterations=7, seed=5
    )
    assert len(measured.warmup_latencies_ns) == 3
    assert len(measured.latencies_ns) == 7
    assert measured.first_latency_ns == measured.warmup_latencies_ns[0]
    assert measured.load_ns is not None
    assert measured.load_ns > 0
    assert measured.seed == 5
    assert measured.runtime_version == executorch.program.version
    memory = measured.memory
    assert memory.rss_before_load_bytes is not None
    assert memory.peak_rss_bytes is not None
    assert 0 < memory.rss_before_load_bytes <= memory.peak_rss_bytes


def test_the_seed_makes_the_inputs_and_so_the_outputs(
    executorch: Launcher, models: Path
) -> None:
    def digest(seed: int) -> str | None:
        found = executorch.measure(models / "portable.pte", iterations=1, seed=seed)
        return found.output_digest

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)


def test_as_many_threads_as_asked_for_work(executorch: Launcher, models: Path) -> None:
    for threads in (1, 2):
        assert (
            executorch.measure(models / "delegated.pte", threads=threads).threads
            == threads
        )


def test_integers_several_inputs_and_several_outputs(
    executorch: Launcher, models: Path
) -> None:
    specs = (TensorSpec(shape=(1, 3), dtype="int64"), TensorSpec(shape=(4,)))
    reported = executorch.measure(models / "ids.pte", inputs=specs)
    # A program that knows its own inputs needs no options for them.
    assert (
        executorch.measure(models / "ids.pte").output_digest == reported.output_digest
    )


def test_what_the_program_can_load_is_known_before_a_model_is(
    executorch: Launcher,
) -> None:
    program = Path(executorch.program.executable.path)
    result = executorch.device.run([str(program), "--capabilities"], timeout_s=30)
    reported = read_capabilities(result, subject="executorch")
    assert "XnnpackBackend" in reported.backends
    assert "aten::convolution.out" in reported.operators
    assert "quantized_decomposed::dequantize_per_tensor.out" in reported.operators


def changed(path: Path, old: bytes, new: bytes) -> Path:
    """The same file with a name in it changed, as long as before."""
    content = path.read_bytes()
    assert old in content
    assert len(old) == len(new)
    target = path.with_name(f"changed-{path.name}")
    target.write_bytes(content.replace(old, new))
    return target


def test_an_operator_that_the_program_lacks_is_named(
    executorch: Launcher, models: Path
) -> None:
    path = changed(models / "portable.pte", b"aten::convolution", b"aten::convolutiom")
    error = failure(executorch, path)
    assert error.reason is Reason.MISSING_OPERATOR
    assert "aten::convolutiom.out" in error.fact


def test_a_delegate_that_the_program_lacks_is_named(
    executorch: Launcher, models: Path
) -> None:
    path = changed(models / "delegated.pte", b"XnnpackBackend", b"XnnpackBackenx")
    error = failure(executorch, path)
    assert error.reason is Reason.MISSING_BACKEND
    assert "XnnpackBackenx" in error.fact


def test_a_file_that_is_no_program_or_not_all_of_one_is_not_loadable(
    executorch: Launcher, models: Path
) -> None:
    other = models / "other.pte"
    other.write_bytes(b"PK\3\4" + bytes(2000))
    cut = models / "cut.pte"
    cut.write_bytes((models / "delegated.pte").read_bytes()[:1500])
    for path in (other, cut):
        assert failure(executorch, path).reason is Reason.NOT_LOADABLE


def test_a_file_that_is_not_there_is_not_found(
    executorch: Launcher, models: Path
) -> None:
    assert failure(executorch, models / "none.pte").reason is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("specs", "words"),
    [
        ((TensorSpec(shape=(1, 3, 8, 8)),), "Expected shape (1, 3, 12, 12)"),
        ((TensorSpec(shape=(1, 3, 12, 12), dtype="int64"),), "is float32, but int64"),
        ((TensorSpec(shape=(1,)), TensorSpec(shape=(1,))), "takes 1 inputs, but 2"),
    ],
)
def test_inputs_that_the_model_does_not_take_are_reported(
    executorch: Launcher,
    models: Path,
    specs: tuple[TensorSpec, ...],
    words: str,
) -> None:
    error = failure(executorch, models / "delegated.pte", inputs=specs)
    assert error.reason is Reason.MODEL_RAISED
    assert words in error.fact


def test_it_reports_what_it_answers_to_each_of_the_inputs_it_is_given(
    executorch: Launcher, models: Path
) -> None:
    specs = (TensorSpec(shape=(1, 3), dtype="int64"), TensorSpec(shape=(4,)))
    answers = executorch.outputs(models / "ids.pte", models / "ids.inputs", specs)
    reported = b"".join(tensor.data for tensors in answers for tensor in tensors)
    expected = (models / "ids.outputs").read_bytes()
    assert [tensor.spec.shape for tensor in answers[0]] == [(1, 3, 4), ()]
    assert len(answers) == 2
    assert answers[0] != answers[1]
    assert np.frombuffer(reported, "<f4") == pytest.approx(
        np.frombuffer(expected, "<f4")
    )


def test_images_are_given_in_the_order_that_the_program_takes_them_in(
    executorch: Launcher, models: Path
) -> None:
    specs = (TensorSpec(shape=(1, 3, 4, 5)),)
    answers = executorch.outputs(models / "nhwc.pte", models / "nhwc.inputs", specs)
    expected = np.frombuffer((models / "nhwc.outputs").read_bytes(), "<f4")
    reported = np.frombuffer(answers[0][0].data, "<f4")
    assert reported == pytest.approx(expected, abs=1e-5)


def test_the_operators_of_a_delegate_are_observed_within_its_call(
    executorch: Launcher, models: Path
) -> None:
    times = executorch.observe(models / "delegated.pte", iterations=4)
    calls = calls_by_name(times)
    assert calls.pop("DELEGATE_CALL") == 4
    assert sum(n for name, n in calls.items() if "Convolution" in name) == 4 * 2
    assert {each.backend for each in times.operators} == {"XnnpackBackend"}
    total_ns = sum(each.self_ns for each in times.operators)
    assert 0 < total_ns / sum(times.observed_latencies_ns) <= 1
    assert len(times.latencies_ns) == 4


def test_kernels_that_no_delegate_took_are_observed_by_name(
    executorch: Launcher, models: Path
) -> None:
    times = executorch.observe(models / "portable.pte", iterations=4)
    calls = calls_by_name(times)
    assert calls == {"convolution.out": 8, "relu.out": 4, "OPERATOR_CALL": 12}
    assert {each.backend for each in times.operators} == {None}
    total_ns = sum(each.self_ns for each in times.operators)
    assert 0.5 < total_ns / sum(times.observed_latencies_ns) <= 1


def test_every_set_of_inputs_is_observed_after_the_second_load(
    executorch: Launcher, models: Path
) -> None:
    specs = (TensorSpec(shape=(1, 3), dtype="int64"), TensorSpec(shape=(4,)))
    times = executorch.observe(models / "ids.pte", inputs=specs)
    assert "embedding.out" in {each.name for each in times.operators}
