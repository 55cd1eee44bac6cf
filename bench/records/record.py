"""The base of every value that is stored."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen, slotted value that goes through JSON unchanged.

    msgspec structs rather than dataclasses: the same guarantees (immutable, slots,
    no hand-written constructor), and msgspec can distinguish the members of a union
    such as `Launch | Failure` apart by their tag, which it cannot for dataclasses.
    """
