"""Variants of small models, really exported and run by the lite interpreter."""

import hashlib
import importlib.metadata
from pathlib import Path

import pytest
import torch
from torch.jit import mobile
from torch.utils.bundled_inputs import bundle_inputs

from pocketbench.bench.errors import ExportError, UnknownNameError, UsageError
from pocketbench.bench.models.inputs.bundle import bundle
from pocketbench.bench.models.lite.deprecations import known_deprecations
from pocketbench.bench.records.artifact import TensorSpec

IMAGE = TensorSpec(shape=(1, 3, 16, 16))


def lite(artifact):
    return mobile._load_for_lite_interpreter(artifact.path)


@pytest.fixture
def script(nets, monkeypatch):
    """A TorchScript program of the tiny net, without its Python source."""
    monkeypatch.syspath_prepend(str(nets))
    import nets as module

    with known_deprecations():
        return torch.jit.trace(module.Tiny().eval(), torch.randn(1, 3, 16, 16))


def save(program, path):
    with known_deprecations():
        program.save(str(path))


def save_lite(program, path):
    with known_deprecations():
        program._save_for_lite_interpreter(str(path))


def test_the_facts_are_those_of_the_file(export_here):
    artifact = export_here("nets:tiny")

    content = Path(artifact.path).read_bytes()
    assert artifact.sha256 == hashlib.sha256(content).hexdigest()
    assert artifact.size_bytes == len(content)
    assert (artifact.format, artifact.engine) == ("ptl", "lite")
    assert artifact.model == "tiny"
    assert artifact.source == "nets:tiny"
    assert artifact.inputs == (IMAGE,)
    assert {"aten::_convolution", "aten::linear"} < set(artifact.operators)
    assert artifact.operators == tuple(sorted(artifact.operators))
    assert artifact.bytecode_version == 8
    assert artifact.export.torch_version == importlib.metadata.version("torch")
    assert artifact.export.weights == "the source's own"
    assert not artifact.export.random_weights
    assert artifact.export.calibration is None
    assert artifact.export.changed == (
        "precision unchanged; 1 BatchNorm folded into convolutions"
    )


def test_the_method_reports_whether_this_torch_has_xnnpack(export_here):
    method = export_here("nets:tiny").export.method

    if torch.backends.xnnpack.enabled:
        assert method == "traced, optimize_for_mobile (XNNPACK)"
    else:
        assert method == (
            "traced, frozen, batch norm folded (this torch has no XNNPACK)"
        )


@pytest.mark.parametrize("variant", ["float32", "int8-dynamic", "int8-static"])
def test_the_bundled_inputs_are_real_and_run(export_here, variant):
    artifact = export_here("nets:tiny", variant)
    module = lite(artifact)

    sets = module.run_method("get_all_bundled_inputs")
    assert len(sets) == artifact.bundled_input_count == 4
    images = torch.cat([image for (image,) in sets])
    assert images.shape == (4, 3, 16, 16)
    assert abs(images.std() - 1) < 0.1
    assert not torch.equal(images[0], images[1])
    assert module(*sets[0]).shape == (1, 5)


def test_a_factory_that_takes_a_seed_gets_it(export_here):
    artifact = export_here("nets:seeded", seed=7)

    assert lite(artifact)(torch.zeros(1, 4)).shape == (1, 9)


@pytest.mark.parametrize(
    ("source", "variant", "changed", "precision"),
    [
        (
            *("nets:tiny", "int8-dynamic"),
            "1 of 2 convolution and linear layers quantized (linear)",
            "int8",
        ),
        (
            *("nets:tiny", "int8-static"),
            "2 of 2 convolution and linear layers quantized (convolution, linear)",
            "int8",
        ),
        (
            *("nets:only_convolutions", "int8-dynamic"),
            "0 of 1 convolution layers quantized: the same arithmetic as float32",
            "float32",
        ),
        (
            *("nets:only_linear", "int8-dynamic"),
            "1 of 1 linear layers quantized",
            "int8",
        ),
        (
            *("nets:words", "int8-dynamic"),
            "2 of 2 linear and recurrent layers quantized (recurrent, linear)",
            "int8",
        ),
        (
            *("nets:words", "int8-static"),
            "1 of 2 linear and recurrent layers quantized (linear)",
            "int8",
        ),
    ],
)
def test_a_variant_says_what_it_changed(
    export_here, source, variant, changed, precision
):
    artifact = export_here(source, variant)

    assert artifact.export.changed == changed
    assert artifact.precision == precision
    error = artifact.output_error
    assert error.sqnr_db is None or error.sqnr_db > 15


def test_identical_outputs_have_no_sqnr(export_here):
    error = export_here("nets:only_convolutions").output_error

    assert error.max_abs == 0
    assert error.sqnr_db is None


def test_clips_are_folded_or_left_in_float32_and_come_out_right(export_here):
    artifact = export_here("nets:clipped", "int8-static")

    assert artifact.export.changed == (
        "4 of 4 convolution layers quantized, 1 ReLU6 folded into them"
    )
    assert artifact.output_error.sqnr_db > 20


def test_integers_stay_within_the_examples_range(export_here):
    artifact = export_here("nets:words")

    sets = lite(artifact).run_method("get_all_bundled_inputs")
    words = torch.cat([words for (words,) in sets])
    assert artifact.inputs == (TensorSpec(shape=(1, 4), dtype="int64"),)
    assert 0 <= words.min() <= words.max() <= 49
    assert set(words.unique().tolist()) == {0, 3, 7, 49}


def test_inputs_that_the_author_gives_are_used_themselves(export_here):
    artifact = export_here("nets:only_linear", "int8-static")

    sets = lite(artifact).run_method("get_all_bundled_inputs")
    assert [float(x[0, 0]) for (x,) in sets] == [0, 1, 2, 3]
    assert artifact.export.calibration == "6 given inputs"


def test_inputs_that_the_user_asks_for_win(export_here):
    wanted = TensorSpec(shape=(2, 3, 8, 8))

    assert export_here("nets:tiny", inputs=[wanted]).inputs == (wanted,)
    assert export_here("nets:without_inputs", inputs=[wanted]).inputs == (wanted,)


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("nets:raising", ExportError, r"nets:raising raised ValueError: width must be"),
        ("nets:no_module", ExportError, r"returned int and no torch\.nn\.Module"),
        ("nets:no_tensors", ExportError, r"example inputs .* hold no tensor"),
        ("nets:without_inputs", UsageError, r"the shape of its inputs is not known"),
        ("nets:not_finite", ExportError, r"4 of 4 values in output 0 of the model are"),
        ("nets:branching", ExportError, r"traced, it computes something else"),
    ],
)
@pytest.mark.parametrize("variant", ["float32", "int8-dynamic"])
def test_a_model_that_cannot_be_exported_says_why(
    export_here, source, error, words, variant
):
    with pytest.raises(error, match=words):
        export_here(source, variant)


def test_a_model_that_throws_on_its_inputs_says_so_with_their_shape(export_here):
    with pytest.raises(ExportError, match=r"raised on inputs of shape \[1, 4\]"):
        export_here("nets:tiny", inputs=[TensorSpec(shape=(1, 4))])


def test_an_unknown_dtype_is_a_mistake_of_the_user(export_here):
    with pytest.raises(UnknownNameError, match="Did you mean float32"):
        export_here("nets:tiny", inputs=[TensorSpec(shape=(1,), dtype="float33")])


def test_what_torch_fx_cannot_follow_is_quantized_from_its_trace(export_here, nets):
    with (nets / "nets.py").open("a") as file:
        file.write(
            "class Counting(Tiny):\n"
            "    def forward(self, x):\n"
            "        return super().forward(x) if int(x.shape[0]) == 1 else x\n"
            "def counting(): return Counting(), torch.randn(1, 3, 16, 16)\n"
        )

    artifact = export_here("nets:counting", "int8-static")

    assert "quantized as a graph" in artifact.export.method
    assert artifact.export.changed.startswith("2 of 2 convolution and linear layers")


@pytest.mark.parametrize(
    ("variant", "changed"),
    [
        ("float32", "precision unchanged; 1 BatchNorm folded into convolutions"),
        ("int8-dynamic", "1 of 2 convolution and linear layers quantized"),
        ("int8-static", "2 of 2 convolution and linear layers quantized"),
    ],
)
def test_a_torchscript_file_is_made_into_every_variant(
    export_here, nets, script, variant, changed
):
    save(script, nets / "my net.pt")
    artifact = export_here("my net.pt", variant, inputs=[IMAGE])

    assert artifact.model == "my net"
    assert artifact.source == str(nets / "my net.pt")
    assert artifact.export.changed == changed
    assert artifact.output_error.sqnr_db > 20
    assert artifact.export.method.startswith("TorchScript")


def test_a_torchscript_file_brings_its_inputs(export_here, nets, script):
    images = [(torch.randn(1, 3, 16, 16),) for _ in range(2)]
    with known_deprecations():
        save(bundle(script, images), nets / "net.pt")
    artifact = export_here("net.pt")

    sets = lite(artifact).run_method("get_all_bundled_inputs")
    assert torch.equal(sets[1][0], images[1][0])


def test_a_frozen_torchscript_file_is_exported_too(export_here, nets, script):
    with known_deprecations():
        frozen = torch.jit.freeze(script)
    save(frozen, nets / "frozen.pt")

    artifact = export_here("frozen.pt", "int8-static", inputs=[IMAGE])
    assert artifact.export.changed == "2 of 2 convolution and linear layers quantized"


def test_a_script_whose_clips_torch_quantizes_wrongly_is_refused(export_here, nets):
    """Should this fail, torch was mended and `clipping` may go."""
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU6(), torch.nn.Conv2d(8, 4, 3)
    )
    with known_deprecations():
        save(torch.jit.trace(net.eval(), torch.randn(1, 3, 16, 16)), nets / "net.pt")

    with pytest.raises(ExportError, match="computes aten::hardtanh wrongly"):
        export_here("net.pt", "int8-static", inputs=[IMAGE])


def test_a_ready_file_is_described_and_not_rewritten(export_here, nets, script):
    images = [(torch.randn(1, 3, 16, 16),)]
    with known_deprecations():
        ready = bundle_inputs(torch.jit.freeze(script), images_of(images))
    save_lite(ready, nets / "ready ü.ptl")
    before = (nets / "ready ü.ptl").read_bytes()
    artifact = export_here("ready ü.ptl", "as-is")

    assert Path(artifact.path).read_bytes() == before
    assert artifact.path == str(nets / "ready ü.ptl")
    assert artifact.inputs == (IMAGE,)
    assert artifact.bundled_input_count == 1
    assert "aten::linear" in artifact.operators
    assert artifact.bytecode_version == 8
    assert artifact.export.method == "ready file"
    assert artifact.output_error is None
    assert export_here("ready ü.ptl", "as-is", inputs=[IMAGE]).inputs == (IMAGE,)
    larger = TensorSpec(shape=(1, 3, 32, 32))
    with pytest.raises(UsageError, match=r"inputs of its own \(1x3x16x16:float32\)"):
        export_here("ready ü.ptl", "as-is", inputs=[larger])


def images_of(sets):
    from torch.utils.bundled_inputs import InflatableArg

    return [tuple(InflatableArg(value=x, fmt="{}") for x in inputs) for inputs in sets]


def test_a_ready_file_without_inputs_takes_those_of_the_user(export_here, nets, script):
    save_lite(script, nets / "bare.ptl")

    assert export_here("bare.ptl", "as-is").inputs == ()
    artifact = export_here("bare.ptl", "as-is", inputs=[IMAGE])
    assert (artifact.inputs, artifact.bundled_input_count) == ((IMAGE,), 0)


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_damaged_ready_file_is_reported(export_here, nets, script, share):
    save_lite(script, nets / "whole.ptl")
    content = (nets / "whole.ptl").read_bytes()
    (nets / "net.ptl").write_bytes(content[: int(len(content) * share)])

    with pytest.raises(ExportError, match="is no lite-interpreter file"):
        export_here("net.ptl", "as-is")


def test_a_script_as_it_is_stays_a_script(export_here, nets, script):
    save(script, nets / "net.pt")
    artifact = export_here("net.pt", "as-is")

    assert (artifact.format, artifact.engine) == ("pt", "torchscript")
    assert artifact.bytecode_version is None
    assert "aten::linear" in artifact.operators
