"""One model file and what is known of it."""

from __future__ import annotations

from typing import Literal

from pocketbench.bench.records.engines import Format
from pocketbench.bench.records.record import Count, Value

MemoryFormat = Literal["contiguous", "channels-last"]


class TensorSpec(Value, frozen=True, kw_only=True):
    """Shape and dtype of one input."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    """torch's name without the prefix: `float32`, `int64`, ..."""
    memory_format: MemoryFormat = "contiguous"
    """`channels-last`: an image [n, c, h, w] with the channels of a pixel together."""


class OutputFigures(Value, frozen=True, kw_only=True):
    """How far one output is from the float32 original's, over all calls."""

    name: str
    """The author's (`boxes`, `layers[0]`), or `output 1`."""
    dtype: str
    shape: tuple[int, ...]
    max_abs: float
    sqnr_db: float | None
    """Of all its values; `None`: identical, or whole numbers."""
    equal_share: float | None = None
    """Equal values, for whole numbers alone, whose differences mean nothing."""
    worst_part: str | None = None
    """The channel or column of unlike scale with the lowest SQNR."""
    worst_part_sqnr_db: float | None = None
    constant_part: str | None = None
    """What has one value in all calls, where the original's values vary."""
    other_shape_count: Count = 0
    """Calls in which it has another shape (a number of detections), not compared."""

    @property
    def worst_sqnr_db(self) -> float | None:
        """Of the whole, or of its worst part."""
        found = [x for x in (self.sqnr_db, self.worst_part_sqnr_db) if x is not None]
        return min(found, default=None)


class OutputError(Value, frozen=True, kw_only=True):
    """How far the artifact's outputs are from the float32 original's."""

    max_abs: float
    sqnr_db: float | None
    """10 log10(signal power / error power) over all real outputs together; `None`
    when they are identical."""
    outputs: tuple[OutputFigures, ...] = ()
    """Each by itself; empty in records of older versions."""

    @property
    def worst_sqnr_db(self) -> float | None:
        """Of the worst output or part of one: what the whole could hide."""
        found = [x.worst_sqnr_db for x in self.outputs if x.worst_sqnr_db is not None]
        return min(found) if found else self.sqnr_db


class KeptFile(Value, frozen=True, kw_only=True):
    """A file beside a model's."""

    path: str
    """Absolute path on the host at the time of the run."""
    sha256: str
    size_bytes: Count


class OutputReference(Value, frozen=True, kw_only=True):
    """What a model file should answer to stated inputs, for checking a device.

    Both files hold the bytes of set after set, each its tensors in order, contiguous
    and little-endian.
    """

    of: Literal["the float32 model", "the same file on the host"]
    """Whose answers they are; the latter for a ready file, which has no original."""
    set_count: Count
    inputs: KeptFile
    input_specs: tuple[TensorSpec, ...]
    """Of one set."""
    outputs: KeptFile
    output_specs: tuple[TensorSpec, ...]
    output_names: tuple[str, ...] = ()
    """The author's names of the outputs; empty: they have none."""
    labels: tuple[int, ...] = ()
    """The right class of each set: held-back inputs of a trained model. Empty: nobody
    knows what is right."""


class LayerOperator(Value, frozen=True, kw_only=True):
    """An operator of a program and the module that called it."""

    operator: str
    """`aten::conv2d`."""
    module: str
    """`features.0.0`; empty: the model itself."""


class ExportFacts(Value, frozen=True, kw_only=True):
    """How the artifact was made."""

    method: str
    """`optimize_for_mobile`, `traced, frozen, batch norm folded`, `ready file`, ..."""
    changed: str
    """What the variant really changed, for a person:
    `53 of 53 convolution and linear layers quantized`."""
    weights: str
    """`random (seed 0), batch norm calibrated` for the zoo; `the source's own`."""
    random_weights: bool
    seed: int
    torch_version: str
    calibration: str | None = None
    """`32 seeded inputs` for int8-static; `None` where nothing was calibrated."""
    is_prepacked: bool | None = None
    """For XNNPACK, by optimize_for_mobile; `None`: another engine, or not known."""
    compute_dtypes: tuple[str, ...] = ()
    """What the layers with weights really compute in, as seen while the file ran:
    `int8`, `float32`. Empty: not seen (no such layer, or no engine for it here)."""
    state: tuple[str, ...] = ()
    """What a call changes in the model and keeps for the next: buffers, attributes."""
    kept_float: tuple[str, ...] = ()
    """Layers with weights that an int8 build leaves in float32, where known."""
    layers: tuple[LayerOperator, ...] = ()
    """Each operator in the order of the program, where that is known."""


class DelegateShare(Value, frozen=True, kw_only=True):
    """What one delegate took over."""

    name: str
    """`XnnpackBackend`."""
    operator_count: Count
    segment_count: Count
    """Parts of the graph that it runs as a whole; between two of them data goes back
    to the runtime."""


class Delegation(Value, frozen=True, kw_only=True):
    """Who runs a program's operators."""

    taken: tuple[DelegateShare, ...]
    left_count: Count
    """Operators that the runtime's own kernels run, one by one."""

    @property
    def operator_count(self) -> int:
        """All of them."""
        return self.left_count + sum(share.operator_count for share in self.taken)


class TokenAgreement(Value, frozen=True, kw_only=True):
    """How a build's greedy tokens agree with the float32 original's on same prompts.

    Both see the prompt and then the original's tokens, so that one difference does not
    make the next.
    """

    prompt_count: Count
    prompt_tokens: int
    token_count: Count
    """Generated per prompt."""
    equal_count: Count
    """Tokens that are the original's, of all prompts together."""
    first_divergences: tuple[int | None, ...]
    """Per prompt the first token that differs, from 0; `None`: none does."""
    perplexity: float
    """Of the build on the original's tokens."""
    original_perplexity: float


class Decoder(Value, frozen=True, kw_only=True):
    """What makes a model one that generates: tokens and a position in, logits out."""

    context_tokens: int | None = None
    """The most its KV cache holds; `None`: the file does not report it."""
    vocabulary_size: int | None = None
    custom_ops: tuple[str, ...] = ()
    """Operators of ExecuTorch's llama extension: `llama::update_cache.out`."""
    agreement: TokenAgreement | None = None
    """`None`: there is no original, or nothing here that runs the file."""


class Artifact(Value, frozen=True, kw_only=True):
    """One model file. Facts come from the export or the file, never from its name."""

    model: str
    variant: str
    """`float32`, `int8-static`, ... or `as-is` for a ready file."""
    source: str
    """`bench.models.zoo:mobilenet_v2` or the path of the file it was made from."""
    path: str
    """Absolute path on the host at the time of the run."""
    sha256: str
    size_bytes: Count
    format: Format
    engine: str
    """The engine that loads it: `lite`."""
    precision: str
    """`float32`, `float16` or `int8`."""
    inputs: tuple[TensorSpec, ...]
    """Empty when the file does not report it (a ready file without bundled inputs)."""
    bundled_input_count: Count
    operators: tuple[str, ...]
    """Root operators, sorted: `aten::conv2d`, `quantized::conv2d_relu.new`, ... In a
    `.pte` those that no delegate took."""
    bytecode_version: int | None
    """`None` for a format that has none (a full-JIT `.pt`)."""
    export: ExportFacts
    output_error: OutputError | None
    """`None` when there is no float32 original to compare with, or nothing on this
    computer that runs the file."""
    reference: OutputReference | None = None
    """`None` where none can be made: a ready file without inputs of its own or for
    another engine, inputs that are no tensors or not all of the same shapes."""
    delegation: Delegation | None = None
    """`None` for an engine without delegates, and for a ready file."""
    decoder: Decoder | None = None
    """`None`: it generates no tokens, or nothing says that it does."""
    planned_memory_bytes: int | None = None
    """For activations, as planned ahead by ExecuTorch; what a delegate takes for
    itself comes on top. `None` where nothing is planned."""
