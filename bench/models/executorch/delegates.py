"""Who takes parts of a program over in ExecuTorch, and how each wants it quantized."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from pocketbench.bench.errors import ExportError
from pocketbench.bench.planning.variant_names import FLOAT16

if TYPE_CHECKING:
    from executorch.exir.backend.partitioner import Partitioner

SOC_VARIABLE = "POCKETBENCH_QNN_SOC"
USUAL_SOC = "SM8650"
"""Snapdragon 8 Gen 3: QNN compiles for one SoC."""


def check_possible(delegate: str, made: str, *, name: str) -> None:
    """Refuse what a delegate cannot be given, before anything is computed.

    Raises:
        ExportError: Names what is missing.
    """
    if delegate == "qnn" and made != FLOAT16:
        raise ExportError(
            name,
            "QNN's HTP computes floats in float16 alone, and int8 for it would need "
            "Qualcomm's own quantizer, which is not driven yet",
            "Take float16+executorch-qnn",
        )
    if made == "int8-dynamic" and delegate == "coreml":
        raise ExportError(
            name,
            "Core ML's quantizer knows no activations quantized as they come",
            "Take int8-static+executorch-coreml, or int8-dynamic+executorch",
        )


def partitioners(delegate: str, *, is_rounded: bool) -> list[Partitioner]:
    """What chooses the parts; `is_rounded`: that are then computed in float16."""
    return _PARTITIONERS[delegate](is_rounded)


def quantizer(delegate: str, *, is_dynamic: bool) -> Any:
    """What writes a delegate's quantization into a graph, weights per channel."""
    if delegate == "coreml":
        return _coreml_quantizer()
    if delegate == "vulkan":
        return _vulkan_quantizer(is_dynamic)
    return _xnnpack_quantizer(is_dynamic)


def _xnnpack(is_rounded: bool) -> list[Partitioner]:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import (
        XnnpackPartitioner,
    )

    return [XnnpackPartitioner()]


def _vulkan(is_rounded: bool) -> list[Partitioner]:
    from executorch.backends.vulkan.partitioner.vulkan_partitioner import (
        VulkanPartitioner,
    )

    return [VulkanPartitioner({"force_fp16": True} if is_rounded else {})]


def _coreml(is_rounded: bool) -> list[Partitioner]:
    import coremltools
    from executorch.backends.apple.coreml.compiler import CoreMLBackend
    from executorch.backends.apple.coreml.partition import CoreMLPartitioner

    precision = coremltools.precision
    specs = CoreMLBackend.generate_compile_specs(
        compute_precision=precision.FLOAT16 if is_rounded else precision.FLOAT32,
        # The first whose programs may hold quantized activations.
        minimum_deployment_target=coremltools.target.iOS17,
    )
    return [CoreMLPartitioner(compile_specs=specs)]


def _qnn(is_rounded: bool) -> list[Partitioner]:
    from executorch.backends.qualcomm.partition.qnn_partitioner import QnnPartitioner
    from executorch.backends.qualcomm.serialization.qc_schema import QcomChipset
    from executorch.backends.qualcomm.utils.utils import (
        generate_htp_compiler_spec,
        generate_qnn_executorch_compiler_spec,
    )

    soc = os.environ.get(SOC_VARIABLE) or USUAL_SOC
    specs = generate_qnn_executorch_compiler_spec(
        soc_model=QcomChipset[soc],
        backend_options=generate_htp_compiler_spec(use_fp16=is_rounded),
    )
    return [QnnPartitioner(specs)]


def _portable(is_rounded: bool) -> list[Partitioner]:
    return []


_PARTITIONERS: Mapping[str, Callable[[bool], list[Partitioner]]] = {
    "xnnpack": _xnnpack,
    "portable": _portable,
    "coreml": _coreml,
    "vulkan": _vulkan,
    "qnn": _qnn,
}


def _xnnpack_quantizer(is_dynamic: bool) -> Any:
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY

    config = get_symmetric_quantization_config(
        is_per_channel=True, is_dynamic=is_dynamic
    )

    class WholeNumbersKept(XNNPACKQuantizer):  # type: ignore[misc]
        """Leaves the scalars beside whole numbers whole, which index tables later."""

        def transform_for_annotation(self, model: Any) -> Any:
            """Keep each scalar of the dtype of what it is added to."""
            model = super().transform_for_annotation(model)
            for node in model.graph.nodes:
                value = node.meta.get("val")
                if isinstance(value, torch.Tensor) and not value.is_floating_point():
                    _make_whole(model, node, value.dtype)
            return model

        def _annotate_for_quantization_config(self, model: Any) -> Any:
            """Let the filter hold for concatenations, too."""
            model = super()._annotate_for_quantization_config(model)
            for node in model.graph.nodes:
                is_cat = node.target is torch.ops.aten.cat.default
                if is_cat and self.filter_fn and not self.filter_fn(node):
                    node.meta.pop(Q_ANNOTATION_KEY, None)
            return model

    return WholeNumbersKept().set_global(config)


def _make_whole(model: Any, node: Any, dtype: torch.dtype) -> None:
    for given in node.args:
        if getattr(given, "op", None) != "get_attr":
            continue
        scalar: Any = getattr(model, given.target, None)
        is_scalar = isinstance(scalar, torch.Tensor) and scalar.dim() == 0
        if is_scalar and scalar.is_floating_point() and dtype != torch.bool:
            setattr(model, given.target, scalar.to(dtype))
            given.meta["val"] = given.meta["val"].to(dtype)


def _vulkan_quantizer(is_dynamic: bool) -> Any:
    from executorch.backends.vulkan.quantizer.vulkan_quantizer import (
        VulkanQuantizer,
        get_symmetric_quantization_config,
    )

    config = get_symmetric_quantization_config(is_dynamic=is_dynamic)
    return VulkanQuantizer().set_global(config)


def _coreml_quantizer() -> Any:
    import torch
    from coremltools.optimize.torch.quantization.quantization_config import (
        LinearQuantizerConfig,
        QuantizationScheme,
    )
    from executorch.backends.apple.coreml.quantizer import CoreMLQuantizer

    config = {
        "quantization_scheme": QuantizationScheme.symmetric,
        "activation_dtype": torch.quint8,
        "weight_dtype": torch.qint8,
        "weight_per_channel": True,
    }
    return CoreMLQuantizer(LinearQuantizerConfig.from_dict({"global_config": config}))
