"""The base of every value that is stored."""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Of things, bytes or tokens; more, every reader of JSON and every table would take for
another number, or for none."""


class Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A frozen, slotted value that goes through JSON unchanged.

    msgspec structs rather than dataclasses: the same guarantees (immutable, slots,
    no hand-written constructor), and msgspec can distinguish the members of a union
    such as `Launch | Failure` apart by their tag, which it cannot for dataclasses.
    They form no cycles, so the garbage collector need not know them: a large run is
    read and reported in a tenth less time.
    """
