"""Torch's announcements that what the lite interpreter needs is no longer developed.

pocketbench pins the torch it was checked with and says so in its documents; the same
words at every export would only hide other warnings.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_KNOWN = (
    (r"`torch\.jit\.\w+` is (deprecated|not supported in Python 3\.14\+)", None),
    (r"torch\.ao\.quantization is deprecated", None),
    (r"Lite Interpreter is deprecated", None),
    (r"torch\.quantize_per_tensor, .* are deprecated", UserWarning),
    # What comes of it is measured: outputs are compared, and the other way is tried.
    (r"All inputs of this cat operator must share", UserWarning),
)
"""Their words, and their category where it is not DeprecationWarning."""


@contextmanager
def known_deprecations() -> Iterator[None]:
    """Silence these announcements and no other warning."""
    with warnings.catch_warnings():
        for words, category in _KNOWN:
            warnings.filterwarnings("ignore", words, category or DeprecationWarning)
        yield
