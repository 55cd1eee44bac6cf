"""What operators do, told from what three runtimes call them; pure."""

from __future__ import annotations

import re

CONVERSION = "float/integer conversion"
CALLS = "calls of delegates and kernels"

_KINDS = (
    (CALLS, r"(DELEGATE|OPERATOR)_CALL"),
    (CONVERSION, r"(?!.*(conv|linear)).*quantize.*|convert\b.*|choose_qparams.*"),
    ("attention", r".*(attention|sdpa).*"),
    (
        "convolution and linear",
        r".*conv.*|.*(linear|addmm|matmul|batch_matmul|fully.connected).*|b?mm|dot",
    ),
    ("embedding", r".*(embedding|gather).*"),
    ("normalization and softmax", r".*(norm|softmax).*"),
    ("pooling and reduction", r".*(pool|argm|cumsum).*|mean.*|sum.*|max|min|amax|amin"),
    (
        "activation",
        r".*(relu|hardtanh|clamp|sigmoid|tanh|silu|gelu|swish|elu|erf|logistic).*",
    ),
    (
        "moving data",
        r".*(flatten|reshape|view|permute|transpose|copy|cat|slice|select|clone|"
        r"contiguous|expand|split|stack|squeeze|pad|chunk|concatenate).*|to|t",
    ),
    ("arithmetic", r"(add|sub|mul|div|multiply|subtract|divide|rsub|pow|sqrt|exp)\b.*"),
)
"""Kinds in the order in which they are tried, by a whole operator's base name.

Convolutions and products of matrices are one: XNNPACK runs a 1x1 convolution as a
fully connected layer."""

_COMPILED = tuple((kind, re.compile(rule, re.IGNORECASE)) for kind, rule in _KINDS)
_INTEGER_TYPES = re.compile(r"\b(Q[DSUCP]\d|QC\d|Q[SU]8)", re.IGNORECASE)
_FLOAT_TYPES = re.compile(r"\bF(16|32)\b")


def base_name(name: str) -> str:
    """`conv2d_relu` of `quantized::conv2d_relu.new`; a delegate's words stay.

    >>> base_name("aten::add.Tensor"), base_name("Add (ND)"), base_name("erf.out")
    ('add', 'Add (ND)', 'erf')
    """
    if " " in name:
        return name
    return name.rpartition("::")[2].partition(".")[0].lstrip("_")


def kind_of(name: str) -> str:
    """What an operator does; its own base name where no kind is known.

    >>> kind_of("quantized::conv2d_relu"), kind_of("Fully Connected (NC, F32) GEMM")
    ('convolution and linear', 'convolution and linear')
    >>> kind_of("aten::dequantize"), kind_of("aten::frobnicate")
    ('float/integer conversion', 'frobnicate')
    """
    base = base_name(name)
    for kind, rule in _COMPILED:
        if rule.fullmatch(base):
            return kind
    return base


def is_conversion(name: str) -> bool:
    """Whether it only turns floats into integers or back."""
    return kind_of(name) == CONVERSION


def computes_in_float(name: str, dtype: str | None) -> bool:
    """Whether it takes and computes floats, as far as its name and input tell.

    A dynamically quantized operator takes floats and computes on integers.

    >>> computes_in_float("aten::erf", "float32")
    True
    >>> computes_in_float("quantized::linear_dynamic", "float32")
    False
    >>> computes_in_float("Fully Connected (NC, QD8, F32, QC8W) GEMM", None)
    False
    """
    if name.startswith("quantized::") or _INTEGER_TYPES.search(name):
        return False
    if dtype is not None:
        return dtype.startswith(("float", "bfloat"))
    return _FLOAT_TYPES.search(name) is not None


def takes_dynamic_range(name: str) -> bool:
    """Whether it takes integers whose scale was found for this very input."""
    return re.search(r"\bQD8\b|linear_dynamic", name) is not None
