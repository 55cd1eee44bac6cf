"""Programs of ExecuTorch, as flatbuffers with what pocketbench reads of them."""

from __future__ import annotations

import flatbuffers

LONG, FLOAT = 4, 6
DECODER_INPUTS = ((LONG, (1, 17)), (LONG, (1,)))


def pte_program(
    inputs=DECODER_INPUTS, logits=(1, 512), numbers=(("get_max_context_len", 256),)
):
    """One whose `forward` takes such tensors, and methods that return a number."""
    writer = _Writer()
    values = [writer.tensor(*x) for x in inputs] + [writer.tensor(FLOAT, logits)]
    operator = writer.table(writer.text("llama::update_cache"), writer.text("out"))
    plans = [
        writer.plan("forward", values, range(len(inputs)), [len(inputs)], [operator])
    ]
    for name, number in numbers:
        plans.append(writer.plan(name, [writer.number(number)], [], [0], []))
    root = writer.table(None, writer.offsets(plans))
    writer.builder.Finish(root, file_identifier=b"ET12")
    return bytes(writer.builder.Output())


class _Writer:
    def __init__(self):
        self.builder = flatbuffers.Builder(1024)

    def text(self, words):
        return self.builder.CreateString(words)

    def table(self, *offsets, scalars=()):
        """Scalars are (place, kind, value)."""
        self.builder.StartObject(12)
        for place, offset in enumerate(offsets):
            if offset is not None:
                self.builder.PrependUOffsetTRelativeSlot(place, offset, 0)
        for place, kind, value in scalars:
            getattr(self.builder, f"Prepend{kind}Slot")(place, value, 0)
        return self.builder.EndObject()

    def offsets(self, items):
        return self._vector(items, self.builder.PrependUOffsetTRelative)

    def int32s(self, items):
        return self._vector(items, self.builder.PrependInt32)

    def _vector(self, items, prepend):
        items = list(items)
        self.builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            prepend(item)
        return self.builder.EndVector()

    def tensor(self, dtype, sizes):
        inner = self.table(None, None, self.int32s(sizes), scalars=[(0, "Int8", dtype)])
        return self.table(None, inner, scalars=[(0, "Uint8", 5)])

    def number(self, value):
        inner = self.table(scalars=[(0, "Int64", value)])
        return self.table(None, inner, scalars=[(0, "Uint8", 2)])

    def plan(self, name, values, inputs, outputs, operators):
        return self.table(
            self.text(name),
            None,
            self.offsets(values),
            self.int32s(inputs),
            self.int32s(outputs),
            None,
            self.offsets(operators),
        )
