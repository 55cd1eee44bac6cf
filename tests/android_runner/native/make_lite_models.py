"""Save tiny models for the lite runner: `make_lite_models.py FOLDER`.

`outputs.json` holds what Python's own lite interpreter computes for the last image of
`images.bin`, for the float and the int8 model, and one step of the int8 output.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import torch
from torch.jit.mobile import _load_for_lite_interpreter
from torch.utils.bundled_inputs import (
    augment_model_with_bundled_inputs,
    bundle_large_tensor,
)

IMAGE = (1, 3, 32, 32)


class Convolved(torch.nn.Module):
    """A convolution and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, 8, 3)
        self.classifier = torch.nn.Linear(8 * 30 * 30, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.convolution(image))
        return self.classifier(hidden.flatten(1))


class Heavy(torch.nn.Module):
    """Work that takes far longer than the tiny model's, in many operators."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(200):
            x = torch.tanh(x @ x)
        return x


class Nested(torch.nn.Module):
    """Answers a tuple of a transposed tensor, a list and a number."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor], int]:
        return x.t(), [x + 1, x + 2], 7


class Raising(torch.nn.Module):
    """Cannot take the input that is bundled with it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ torch.ones(7, 7)


class Shapeless(torch.nn.Module):
    """Takes any number of any dtype; two inputs."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x.double().sum() + y.double().sum() * 3


def save(folder: Path) -> None:
    """Write every model, and what two of them compute."""
    torch.manual_seed(0)
    outputs = {}
    model = Convolved().eval()
    image = torch.randn(IMAGE)
    other = torch.randn(IMAGE)

    traced = torch.jit.trace(model, image)
    torch.jit.save(traced, str(folder / "full.pt"))
    traced._save_for_lite_interpreter(str(folder / "plain.ptl"))
    outputs["tiny"] = bundle(traced, folder / "tiny.ptl", image)
    two = torch.jit.trace(model, image)
    bundle_only(two, folder / "two.ptl", image, other)
    (folder / "images.bin").write_bytes(
        other.numpy().tobytes() * 2 + image.numpy().tobytes()
    )
    int8 = quantize(model, image)
    outputs["int8_step"] = int8.classifier.scale
    quantized = torch.jit.trace(int8, image)
    outputs["int8"] = bundle(quantized, folder / "int8 ü'$(x).ptl", image)
    heavy = torch.jit.script(Heavy())
    bundle_only(heavy, folder / "heavy.ptl", torch.randn(128, 128))

    nested = torch.jit.script(Nested())
    x = torch.arange(6.0).reshape(2, 3)
    bundle_only(nested, folder / "nested.ptl", x)
    (folder / "nested.bin").write_bytes(x.numpy().tobytes())

    bundle_only(torch.jit.script(Raising()), folder / "raises.ptl", torch.ones(2, 3))
    shapeless = torch.jit.script(Shapeless())
    shapeless._save_for_lite_interpreter(str(folder / "any.ptl"))
    whole = (folder / "tiny.ptl").read_bytes()
    (folder / "truncated.ptl").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.ptl").write_bytes(b"")
    (folder / "outputs.json").write_text(json.dumps(outputs))


def bundle_only(model: torch.jit.ScriptModule, path: Path, *inputs: torch.Tensor):
    """Save a model with its inputs."""
    augment_model_with_bundled_inputs(
        model, [(bundle_large_tensor(each),) for each in inputs]
    )
    model._save_for_lite_interpreter(str(path))


def bundle(
    model: torch.jit.ScriptModule, path: Path, image: torch.Tensor
) -> list[float]:
    """Save a model with its input; what it computes for it."""
    bundle_only(model, path, image)
    torch.backends.quantized.engine = "qnnpack"
    with torch.inference_mode():
        output = _load_for_lite_interpreter(str(path))(image)
    return output.flatten().tolist()


def quantize(model: torch.nn.Module, image: torch.Tensor) -> torch.nn.Module:
    """Statically, with QNNPACK's packing."""
    from torch.ao.quantization import get_default_qconfig_mapping, quantize_fx

    torch.backends.quantized.engine = "qnnpack"
    mapping = get_default_qconfig_mapping("qnnpack")
    prepared = quantize_fx.prepare_fx(model, mapping, (image,))
    prepared(image)
    return quantize_fx.convert_fx(prepared)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    save(Path(sys.argv[1]))
