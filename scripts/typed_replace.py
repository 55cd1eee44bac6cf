"""For mypy: `msgspec.structs.replace(x, field=...)` takes the fields of `x` alone."""

from collections.abc import Callable

from mypy.nodes import ARG_NAMED_OPT, ARG_POS
from mypy.plugin import FunctionSigContext, Plugin
from mypy.types import CallableType, FunctionLike, Instance, get_proper_type


def _signature(context: FunctionSigContext) -> FunctionLike:
    """The signature of the struct's constructor, with everything optional."""
    plain = context.default_signature
    struct = get_proper_type(context.api.get_expression_type(context.args[0][0]))
    if not isinstance(struct, Instance):
        return plain
    made = struct.type["__init__"].type
    assert isinstance(made, CallableType)
    return plain.copy_modified(
        arg_types=[plain.arg_types[0], *made.arg_types[1:]],
        arg_names=[None, *made.arg_names[1:]],
        arg_kinds=[ARG_POS, *([ARG_NAMED_OPT] * (len(made.arg_names) - 1))],
    )


class TypedReplace(Plugin):
    """Checks names and types of what `replace` changes."""

    def get_function_signature_hook(
        self, fullname: str
    ) -> Callable[[FunctionSigContext], FunctionLike] | None:
        """Stand in for the one function whose stub takes anything."""
        return _signature if fullname == "msgspec.structs.replace" else None


def plugin(version: str) -> type[Plugin]:
    """What mypy asks for."""
    return TypedReplace
