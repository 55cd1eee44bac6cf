"""The kinds of operators, by the names that three runtimes give them; pure."""

from __future__ import annotations

import re

CONVERSION = "float/integer conversion"
CALLS = "calls of delegates and kernels"

_KINDS = (
    (CALLS, r"delegate_call|operator_call"),
    (CONVERSION, r"(de)?quantize|convert|qparams"),
    ("attention", r".*attention|sdpa"),
    (
        "convolution and linear",
        r"conv.*|linear|addmm|b?mm|matmul|i?gemm|connected|matrix",
    ),
    ("embedding", r"embedding|gather"),
    ("normalization and softmax", r".*norm|(log)?softmax"),
    ("pooling and reduction", r".*pool\w*|mean|sum|a?(max|min)|arg(max|min)|cumsum"),
    ("arithmetic", r"add|r?sub|subtract|mul|multiply|div|divide|pow|r?sqrt|exp|abs"),
    (
        "activation",
        r".*(relu\d?|sigmoid|tanh|silu|swish|elu)|clamp|erf|logistic|prelu",
    ),
    (
        "moving data",
        r"flatten|reshape|view|permute|transpose|copy|cat|concatenat.*|slice|select|"
        r"clone|contiguous|expand|split|stack|(un)?squeeze|pad|chunk|to|t",
    ),
)
"""Kinds in the order in which they are tried; one word of a name decides.

Convolutions and products of matrices are one: XNNPACK runs a 1x1 convolution as a
fully connected layer."""

_COMPILED = tuple((kind, re.compile(rule)) for kind, rule in _KINDS)
_INTEGER_TYPES = re.compile(r"\bQ[A-Z]{1,2}\d", re.IGNORECASE)
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
    words = [base.lower(), *re.split(r"[\W_]+", base.lower())]
    for kind, rule in _COMPILED:
        if any(rule.fullmatch(word) for word in words):
            return kind
    return base


def is_conversion(name: str) -> bool:
    """Whether it only turns floats into integers or back."""
    return kind_of(name) == CONVERSION


def computes_in_float(name: str, dtype: str | None) -> bool:
    """Whether it takes and computes floats, as far as its name and input show.

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
    return re.search(r"\bQDU?8\b|linear_dynamic", name) is not None
