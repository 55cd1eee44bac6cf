"""Make one variant of a decoder with ExecuTorch's own exporter of language models."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pocketbench.bench.errors import ExportError
from pocketbench.bench.models.accuracy.tokens import LogitsOf, compare_tokens
from pocketbench.bench.models.executorch.program import delegation_of, facts_of
from pocketbench.bench.models.exporting.cache import sha256_of, version_of
from pocketbench.bench.models.state import fresh
from pocketbench.bench.models.summarize_exception import summarize_exception
from pocketbench.bench.planning.variant_names import CUSTOM_OPS
from pocketbench.bench.records.artifact import (
    Artifact,
    Decoder,
    ExportFacts,
    TensorSpec,
)
from pocketbench.bench.records.engines import split_variant
from pocketbench.bench.units import format_size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from executorch.extension.llm.export.builder import LLMEdgeManager

    from pocketbench.bench.models.executorch.program import PteFacts
    from pocketbench.bench.models.exporting.export_messages import Order
    from pocketbench.bench.models.zoo.tiny_llama import LlamaDecoder
    from pocketbench.bench.records.artifact import TokenAgreement

GROUP = 32
"""Weights that share a scale in 8da4w."""
_QUANTIZED = {
    "8da4w": ("8da4w", GROUP, f"linear weights int4 in groups of {GROUP}"),
    "int8-dynamic": ("8da8w", 0, "linear weights int8 per channel"),
}
"""By variant: the exporter's mode and group size, and what it changes in words."""
_INPUTS = (
    TensorSpec(shape=(1, 1), dtype="int64"),
    TensorSpec(shape=(1,), dtype="int64"),
)
"""Of one decode step; more tokens may come at once."""


def make_decoder_variant(
    order: Order, original: LlamaDecoder, say: Callable[[str], None]
) -> Artifact:
    """Write a variant into the order's workspace, with all its facts.

    Raises:
        ExportError: It cannot be made.
    """
    name = f"{order.model} {order.variant}"
    made, engine = split_variant(order.variant)
    precision = made.removesuffix(CUSTOM_OPS)
    has_custom_ops = made != precision
    if engine.delegate != "xnnpack":
        raise ExportError(
            name,
            "decoders are made for ExecuTorch with XNNPACK alone",
            f"Take {made}+executorch",
        )
    path = Path(order.workspace) / "model.pte"
    say("exporting with ExecuTorch's exporter of language models")
    try:
        manager = export_decoder(original, precision, has_custom_ops=has_custom_ops)
        with path.open("wb") as file:
            manager.export_program.write_to_file(file)
    except Exception as error:
        raise ExportError(
            name,
            f"cannot be exported for ExecuTorch ({summarize_exception(error)})",
            "See the log",
        ) from error
    facts = facts_of(
        manager.export_program,
        delegation_of(manager.edge_manager.exported_program().graph_module),
    )
    say("comparing its tokens with the model's")
    sizes = original.arguments
    compared = compare_tokens(
        _eager(original), _loaded(path), vocabulary_size=sizes.vocab_size
    )
    sha256 = sha256_of(path)
    assert sha256 is not None
    return Artifact(
        model=order.model,
        variant=order.variant,
        source=order.source.spec,
        path=str(path),
        sha256=sha256,
        size_bytes=path.stat().st_size,
        format="pte",
        engine="executorch",
        precision="float32" if precision == "float32" else "int8",
        inputs=_INPUTS,
        bundled_input_count=0,
        operators=facts.operators,
        bytecode_version=None,
        export=ExportFacts(
            method=f"ExecuTorch's LLMEdgeManager, executorch "
            f"{version_of('executorch')}, "
            f"{format_size(facts.planned_memory_bytes)} planned for activations",
            changed=f"{_changed(precision)}; {_kept(compared.agreement)}; "
            f"{facts.in_words}",
            weights=f"random (seed {order.seed})",
            random_weights=True,
            seed=order.seed,
            torch_version=version_of("torch"),
        ),
        output_error=compared.error,
        delegation=facts.delegation,
        planned_memory_bytes=facts.planned_memory_bytes,
        decoder=Decoder(
            context_tokens=sizes.max_context_len,
            vocabulary_size=sizes.vocab_size,
            custom_ops=_custom_ops(facts),
            agreement=compared.agreement,
        ),
    )


def _changed(precision: str) -> str:
    if precision not in _QUANTIZED:
        return "precision unchanged"
    return f"{_QUANTIZED[precision][2]}, activations int8 as they come"


def _kept(agreement: TokenAgreement) -> str:
    total = agreement.prompt_count * agreement.token_count
    return f"{agreement.equal_count} of {total} greedy tokens as the model's"


def _custom_ops(facts: PteFacts) -> tuple[str, ...]:
    return tuple(x for x in facts.operators if x.startswith("llama::"))


def export_decoder(
    original: LlamaDecoder, precision: str, *, has_custom_ops: bool
) -> LLMEdgeManager:
    """Lower it as `export_llama` does with XNNPACK and its extended operators.

    But float32 in fewer parts: its linear layers are not taken one by one first.
    """
    from executorch.extension.llm.export.builder import DType, LLMEdgeManager
    from executorch.extension.llm.export.partitioner_lib import get_xnnpack_partitioner

    # The builder's module prints the whole model at this level.
    logging.getLogger().setLevel(logging.WARNING)
    sizes = original.arguments
    manager = LLMEdgeManager(
        model=fresh(original.transformer),
        modelname="tiny_llama",
        max_seq_len=sizes.max_seq_len,
        use_kv_cache=True,
        example_inputs=(
            torch.tensor([[2, 3, 4] if sizes.enable_dynamic_shape else [1]]),
            {"input_pos": torch.tensor([0])},
        ),
        dtype=DType.fp32,
        enable_dynamic_shape=sizes.enable_dynamic_shape,
        metadata={
            "get_max_context_len": sizes.max_context_len,
            "get_n_layers": sizes.n_layers,
            "get_vocab_size": sizes.vocab_size,
            "use_kv_cache": True,
            "use_sdpa_with_kv_cache": has_custom_ops,
            "enable_dynamic_shape": sizes.enable_dynamic_shape,
            **({"get_eos_ids": original.end_tokens} if original.end_tokens else {}),
        },
    )
    manager.source_transform(_transforms(precision, has_custom_ops=has_custom_ops))
    manager.export()
    manager.run_canonical_optimizations()
    manager.pt2e_quantize(None)
    # The graph is decomposed again for each partitioner, which takes long; layers with
    # weights of few bits must come before what surrounds them, and float32 has none.
    of_layers = [True, False] if precision in _QUANTIZED else [False]
    manager.to_edge_transform_and_lower(
        [get_xnnpack_partitioner(dynamic_quant_only_partitioner=x) for x in of_layers]
    )
    return manager.to_executorch()


def _transforms(precision: str, *, has_custom_ops: bool) -> list[Any]:
    from executorch.examples.models.llama.source_transformation import (
        custom_kv_cache,
        quantize,
        sdpa,
    )

    chosen: list[Any] = []
    if precision in _QUANTIZED:
        mode, group, _ = _QUANTIZED[precision]
        chosen.append(
            quantize.get_quant_weight_transform(
                mode, group_size=group, quantize_with_hqq=False
            )
        )
    if has_custom_ops:
        chosen.append(sdpa.replace_sdpa_with_custom_op)
        chosen.append(custom_kv_cache.replace_kv_cache_with_custom_kv_cache)
    return chosen


def _eager(original: LlamaDecoder) -> LogitsOf:
    module = fresh(original)

    def logits_of(tokens: Sequence[int], position: int) -> torch.Tensor:
        with torch.no_grad():
            return module(torch.tensor([tokens]), torch.tensor([position]))[0]

    return logits_of


def _loaded(path: Path) -> LogitsOf:
    """The file as written, in the ExecuTorch of this Python."""
    from executorch.extension.llm.custom_ops import custom_ops  # noqa: F401  # registers
    from executorch.runtime import Runtime, Verification

    program = Runtime.get().load_program(path, verification=Verification.Minimal)
    forward = program.load_method("forward")
    assert forward is not None

    def logits_of(tokens: Sequence[int], position: int) -> torch.Tensor:
        return forward.execute([torch.tensor([tokens]), torch.tensor([position])])[0][0]

    return logits_of
