"""The zoo's table of names, readable without torch."""

from __future__ import annotations

from collections.abc import Mapping

from pocketbench.bench.planning.variant_names import DECODER, USUAL
from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.record import Value


class ZooEntry(Value, frozen=True, kw_only=True):
    """A model that needs no download.

    Unless it is trained here, its weights are random, of the export's seed: its error
    is then reported as SQNR against float32, never as accuracy.
    """

    source: str
    """`module:factory`, as any user could write it."""
    inputs: tuple[TensorSpec, ...]
    description: str
    """One line for a listing."""
    trained_on: str | None = None
    """What its weights were learned from; `None`: they are random."""
    needs: tuple[str, str] | None = None
    """A package that it cannot be made without, and the extra that brings it."""
    variants: tuple[str, ...] = USUAL
    """What is usually made of it."""

    @property
    def is_decoder(self) -> bool:
        """Whether it generates."""
        return self.variants == DECODER


_DECODE_STEP = (
    TensorSpec(shape=(1, 1), dtype="int64"),
    TensorSpec(shape=(1,), dtype="int64"),
)
"""One token and its position."""
_IMAGE = (TensorSpec(shape=(1, 3, 224, 224)),)

ZOO: Mapping[str, ZooEntry] = {
    "mobilenet_v2": ZooEntry(
        source="pocketbench.bench.models.zoo:mobilenet_v2",
        inputs=_IMAGE,
        description="MobileNetV2, 3.5 M parameters, depthwise convolutions",
    ),
    "resnet18": ZooEntry(
        source="pocketbench.bench.models.zoo:resnet18",
        inputs=_IMAGE,
        description="ResNet-18, 11.7 M parameters, plain 3x3 convolutions",
    ),
    "digits": ZooEntry(
        source="pocketbench.bench.models.zoo:digits",
        inputs=(TensorSpec(shape=(1, 1, 8, 8)),),
        description="small CNN of handwritten digits, 24 k parameters, trained here",
        trained_on="scikit-learn's digits",
        needs=("sklearn", "digits"),
    ),
    "text_encoder": ZooEntry(
        source="pocketbench.bench.models.zoo:text_encoder",
        inputs=(TensorSpec(shape=(1, 64), dtype="int64"),),
        description="transformer encoder, 1.4 M parameters, up to 512 token ids",
    ),
    "tiny_llama-15m": ZooEntry(
        source="pocketbench.bench.models.zoo:tiny_llama_15m",
        inputs=_DECODE_STEP,
        description="Llama-like decoder, 15 M parameters, context of 1280 tokens",
        needs=("executorch", "executorch"),
        variants=DECODER,
    ),
    "tiny_llama-110m": ZooEntry(
        source="pocketbench.bench.models.zoo:tiny_llama_110m",
        inputs=_DECODE_STEP,
        description="Llama-like decoder, 110 M parameters, context of 1280 tokens",
        needs=("executorch", "executorch"),
        variants=DECODER,
    ),
}
"""Names, not imports: listing the zoo costs nothing."""


def zoo_entry(source: str) -> ZooEntry | None:
    """The zoo's model of a source written as `module:factory`, if it is one."""
    return next((e for e in ZOO.values() if e.source == source), None)
