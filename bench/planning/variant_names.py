"""Which variants there are; no torch needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pocketbench.bench.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

USUAL = ("float32", "int8-dynamic", "int8-static")
"""What is made of a model whose program is known unless something is asked for."""
FLOAT16 = "float16"
CHANNELS_LAST = "channels-last"
PRUNED = "pruned-AMOUNT"
OTHERS = (FLOAT16, CHANNELS_LAST, PRUNED)
"""Made of such a model too, when they are asked for."""
DECODER = ("float32", "8da4w", "int8-dynamic")
"""What is made of a decoder: 8da4w has int4 weights, in groups of 32, and int8
activations quantized as they come."""
CUSTOM_OPS = "-custom-ops"
DECODER_OTHERS = tuple(f"{made}{CUSTOM_OPS}" for made in DECODER)
"""The same with the attention and cache of ExecuTorch's llama extension."""
AS_IS = "as-is"
"""The one variant of a ready file: nothing is rewritten."""

_PRUNED = re.compile(r"pruned-(.*)")


def pruned_share(made: str) -> float | None:
    """The share of the channels that `pruned-0.5` takes out; `None` for another.

    Raises:
        UsageError: It is not a share between 0 and 1.
    """
    match = _PRUNED.fullmatch(made)
    if match is None:
        return None
    share = float(match[1]) if re.fullmatch(r"0?\.\d+", match[1]) else 0.0
    if share <= 0:
        raise UsageError(
            made,
            "takes out no share of the channels between 0 and 1",
            "Write it as pruned-0.5",
        )
    return share


def check_made(made: str, usual: Sequence[str], *, model: str, asked: str) -> None:
    """Check that a model can be asked for a variant.

    Args:
        made: The variant without its engine.
        usual: What the model's source is made into; a ready file has `as-is` alone.
        model: For the message.
        asked: What the user wrote.

    Raises:
        UnknownNameError: It cannot; offers the near ones.
        UsageError: A share to prune that is none.
    """
    if made in usual:
        return
    others = {(AS_IS,): (), DECODER: DECODER_OTHERS}.get(tuple(usual), OTHERS)
    if made in others and made != PRUNED:
        return
    if PRUNED in others and pruned_share(made) is not None:
        return
    raise UnknownNameError(f"variant of {model}", asked, (*usual, *others))
