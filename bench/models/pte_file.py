"""What a file of ExecuTorch says of itself, without ExecuTorch.

It is a flatbuffer, see executorch/schema/program.fbs; its first methods are `forward`
and some that return one constant number.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pocketbench.bench.errors import ExportError
from pocketbench.bench.records.artifact import Decoder, TensorSpec

_HEADER_BYTES = 24
_LONG = 4
"""Of ExecuTorch's ScalarType."""
_INT, _TENSOR = 2, 5
"""Of the schema's KernelTypes."""


class PteFile(NamedTuple):
    """What is known of a file."""

    inputs: tuple[TensorSpec, ...] = ()
    """Of one decode step; only of a decoder."""
    decoder: Decoder | None = None


def read_pte_file(path: Path) -> PteFile:
    """Read whether a file is a decoder: tokens and their position in, logits out.

    Raises:
        ExportError: It is cut off or damaged.
    """
    try:
        return _read(_program_bytes(path))
    except (OSError, struct.error, ValueError) as error:
        raise ExportError(
            str(path), f"its program cannot be read ({error})", "Copy it again"
        ) from error


def _read(data: bytes) -> PteFile:
    methods = {plan.text(0): plan for plan in _root(data).tables(1)}
    forward = methods.get("forward")
    if forward is None:
        return PteFile()
    inputs, outputs = _values(forward, 3), _values(forward, 4)
    if len(inputs) != 2 or not outputs:
        return PteFile()
    tokens, position, logits = map(_tensor, (*inputs, outputs[0]))
    is_decoder = (
        (tokens.dtype, position.dtype) == (_LONG, _LONG)
        and (len(tokens.sizes), len(position.sizes)) == (2, 1)
        and tokens.sizes[0] == 1
        and len(logits.sizes) >= 2
    )
    if not is_decoder:
        return PteFile()
    operators = {f"{x.text(0)}.{x.text(1)}" for x in forward.tables(6)}
    context = _number(methods.get("get_max_context_len"))
    return PteFile(
        inputs=(
            TensorSpec(shape=(1, 1), dtype="int64"),
            TensorSpec(shape=(1,), dtype="int64"),
        ),
        decoder=Decoder(
            context_tokens=context or _number(methods.get("get_max_seq_len")),
            vocabulary_size=logits.sizes[-1],
            custom_ops=tuple(sorted(x for x in operators if x.startswith("llama::"))),
        ),
    )


class _Tensor(NamedTuple):
    dtype: int | None
    sizes: tuple[int, ...]


class _Table(NamedTuple):
    """A table of a flatbuffer; its fields by their place in the schema."""

    data: bytes
    at: int

    def scalar(self, field: int, form: str) -> int:
        """A number, or 0, the schema's default."""
        place = self._place(field)
        return _unpack(form, self.data, place) if place else 0

    def text(self, field: int) -> str:
        """A string, or the empty one."""
        place = self._place(field)
        if not place:
            return ""
        at = place + _unpack("I", self.data, place)
        length = _unpack("I", self.data, at)
        return self.data[at + 4 : at + 4 + length].decode("utf-8", "replace")

    def numbers(self, field: int) -> tuple[int, ...]:
        """A vector of 32-bit numbers."""
        return tuple(_unpack("i", self.data, at) for at in self._items(field))

    def tables(self, field: int) -> list[_Table]:
        """A vector of tables."""
        return [self._at(at) for at in self._items(field)]

    def table(self, field: int) -> _Table | None:
        """A table, or what a union holds."""
        place = self._place(field)
        return self._at(place) if place else None

    def _at(self, place: int) -> _Table:
        return _Table(self.data, place + _unpack("I", self.data, place))

    def _items(self, field: int) -> Iterator[int]:
        place = self._place(field)
        if not place:
            return
        at = place + _unpack("I", self.data, place)
        length = _unpack("I", self.data, at)
        if length > len(self.data) // 4:
            raise ValueError(f"a list of {length} items")
        for i in range(length):
            yield at + 4 + 4 * i

    def _place(self, field: int) -> int:
        """Where a field is; 0: nowhere."""
        fields = self.at - _unpack("i", self.data, self.at)
        if 4 + 2 * field >= _unpack("H", self.data, fields):
            return 0
        offset = _unpack("H", self.data, fields + 4 + 2 * field)
        return self.at + offset if offset else 0


def _unpack(form: str, data: bytes, at: int) -> int:
    if at < 0:
        raise ValueError("an offset before its begin")
    (value,) = struct.unpack_from(f"<{form}", data, at)
    return int(value)


def _root(data: bytes) -> _Table:
    return _Table(data, _unpack("I", data, 0))


def _values(plan: _Table, field: int) -> list[_Table]:
    """The values that a method takes or returns."""
    values = plan.tables(2)
    places = plan.numbers(field)
    if any(not 0 <= place < len(values) for place in places):
        raise ValueError("a value that is not there")
    return [values[place] for place in places]


def _tensor(value: _Table) -> _Tensor:
    tensor = value.table(1) if value.scalar(0, "B") == _TENSOR else None
    if tensor is None:
        return _Tensor(None, ())
    return _Tensor(tensor.scalar(0, "b"), tensor.numbers(2))


def _number(plan: _Table | None) -> int | None:
    """What a method returns whose output is a constant number."""
    outputs = _values(plan, 4) if plan else []
    if len(outputs) != 1 or outputs[0].scalar(0, "B") != _INT:
        return None
    number = outputs[0].table(1)
    return number.scalar(0, "q") if number else 0


def _program_bytes(path: Path) -> bytes:
    """The program without its weights, see executorch/schema/extended_header.h."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
        file.seek(0)
        if head[8:12] != b"eh00":
            return file.read()
        return file.read(int.from_bytes(head[16:24], "little"))
