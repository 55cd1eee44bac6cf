"""What a source string means, without importing torch or the user's code."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Literal

import msgspec

from pocketbench.bench.errors import ToolMissingError, UnknownNameError, UsageError
from pocketbench.bench.planning.model_file import ENGINES, SUFFIXES, recognise
from pocketbench.bench.planning.module_path import locate, modules_in, names_in
from pocketbench.bench.planning.variant_names import AS_IS, DECODER, USUAL
from pocketbench.bench.planning.zoo_names import ZOO, ZooEntry, zoo_entry
from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.engines import Format, split_variant
from pocketbench.bench.records.plan import ModelRequest
from pocketbench.bench.records.record import Value

_FACTORY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


class Source(Value, frozen=True, kw_only=True):
    """A source that exists."""

    kind: Literal["factory", "file"]
    spec: str
    """`module:factory`, or an absolute path."""
    format: Format
    """Of the file itself; `ptl` for a factory, whose model becomes one."""
    name: str
    """What reports call it by default."""
    origin: str | None = None
    """The file that defines the factory's module, where it has one."""
    random_weights: bool = False
    trained_on: str | None = None
    """What a model of the zoo learned its weights from."""
    inputs: tuple[TensorSpec, ...] = ()
    """Empty: the factory, the file or the user gives them."""

    @property
    def variants(self) -> tuple[str, ...]:
        """What is usually made of it; see `variant_names` for what else can be."""
        if self.kind == "factory":
            entry = zoo_entry(self.spec)
            return entry.variants if entry else USUAL
        return (*USUAL, AS_IS) if self.format == "pt" else (AS_IS,)


def resolve(source: str, folder: Path | None = None) -> Source:
    """Find what a source stands for, seen from a folder (the current one).

    A name of the zoo, `module:factory`, or the path of a file. A file named like a
    model of the zoo is reached as `./name`.

    Raises:
        UnknownNameError: There is no such model, module, factory or file; offers
            the near ones.
        UsageError: It is a folder, or a file of another kind.
        ToolMissingError: A model of the zoo needs a package that is not installed.
    """
    folder = folder or Path.cwd()
    if source in ZOO:
        found = _resolve_factory(ZOO[source].source, folder)
        return msgspec.structs.replace(found, name=source)
    file, _, factory = source.partition(":")
    if file.endswith(".py") and os.path.isfile(folder / os.path.expanduser(file)):
        module = _as_module(Path(file).expanduser(), folder, source)
        name = factory or _only_factory(module, folder, file)
        return _resolve_factory(f"{module}:{name}", folder)
    path = folder / os.path.expanduser(source)
    if source and os.path.isfile(path):
        return _resolve_file(Path(os.path.abspath(path)))
    if source and os.path.isdir(path):
        raise UsageError(source, "is a folder", "Give a model file or module:factory")
    if _FACTORY.fullmatch(source):
        return _resolve_factory(_present_name(source), folder)
    if "/" in source or "\\" in source or path.suffix.lower() in SUFFIXES:
        raise _missing_file(source, path)
    raise UnknownNameError("model", source, [*ZOO, *_model_files(folder)])


def _as_module(file: Path, folder: Path, source: str) -> str:
    """The name under which Python started in the folder imports a file.

    Raises:
        UsageError: The file lies elsewhere, or its name is no module's.
    """
    path = Path(os.path.abspath(folder / file))
    try:
        parts = path.relative_to(os.path.abspath(folder)).with_suffix("").parts
    except ValueError:
        parts = ()
    if not parts or not all(part.isidentifier() for part in parts):
        raise UsageError(
            source,
            "cannot be imported from this folder",
            f"Start in {path.parent} and give {path.name}",
        )
    return ".".join(parts)


def _only_factory(module: str, folder: Path, file: str) -> str:
    """The one function of a file that can be its factory.

    Raises:
        UsageError: It has none, or several; names them.
    """
    spec = locate(module, folder)
    names = names_in(spec) if spec is not None else None
    known = sorted(x for x in (names.own if names else ()) if not x.startswith("_"))
    functions = [name for name in known if name.islower()] or known
    if len(functions) != 1:
        choice = " or ".join(f"{file}:{name}" for name in functions[:6])
        raise UsageError(
            file,
            "has several factories" if functions else "has no factory",
            f"Name one: {choice}" if functions else "Define a function in it",
        )
    return functions[0]


def _present_name(source: str) -> str:
    """The source of a zoo model under the name that old records have for it."""
    present = f"pocketbench.{source}"
    return present if zoo_entry(present) else source


def _resolve_factory(source: str, folder: Path) -> Source:
    module, _, factory = source.partition(":")
    spec = locate(module, folder)
    if spec is None:
        known = [f"{name}:{factory}" for name in modules_in(folder)]
        raise UnknownNameError("module", source, [*known, *ZOO])
    names = names_in(spec)
    if names is not None and factory not in names.all:
        known = [f"{module}:{name}" for name in names.own if not name.startswith("_")]
        raise UnknownNameError("factory", source, known)
    entry = zoo_entry(source)
    if entry is not None:
        _require_installed(entry)
    return Source(
        kind="factory",
        spec=source,
        format="ptl",
        name=factory,
        origin=spec.origin,
        random_weights=entry is not None and entry.trained_on is None,
        trained_on=entry.trained_on if entry else None,
        inputs=entry.inputs if entry else (),
    )


def _require_installed(entry: ZooEntry) -> None:
    if entry.needs is None:
        return
    package, extra = entry.needs
    if importlib.util.find_spec(package) is None:
        raise ToolMissingError(
            package,
            f"not installed, and {entry.source} is made with it",
            f"Install it: pip install 'pocketbench[{extra}]'",
        )


def _resolve_file(path: Path) -> Source:
    return Source(kind="file", spec=str(path), format=recognise(path), name=path.stem)


def _missing_file(source: str, path: Path) -> UsageError:
    beside = _model_files(path.parent)
    if beside:
        shown = Path(source).parent
        return UnknownNameError("file", source, [str(shown / name) for name in beside])
    return UsageError(source, "no such file", "Check the path")


def _model_files(folder: Path) -> list[str]:
    if not os.path.isdir(folder):
        return []
    return [x.name for x in folder.iterdir() if x.suffix.lower() in SUFFIXES]


def known_variants(source: str) -> tuple[str, ...]:
    """The variants that a source is usually made into.

    Raises:
        UsageError: There is no such source.
    """
    return resolve(source).variants


def format_of(source: str, variant: str | None = None) -> Format:
    """The format of the files that a source's variants are.

    Raises:
        UsageError: There is no such source.
    """
    found = resolve(source)
    if variant is None or variant == AS_IS:
        return found.format
    return split_variant(variant).engine.format


def engine_of(file_format: Format) -> str:
    """The engine that loads a format: `lite` for `ptl`."""
    return ENGINES[file_format]


def request_for(source: str, *, name: str | None = None) -> ModelRequest:
    """Ask for a model by its zoo name, `module:factory` or path.

    Raises:
        UsageError: There is no such source.
    """
    found = resolve(source)
    request = ModelRequest(name=name or found.name, source=found.spec)
    if found.variants in ((AS_IS,), DECODER):
        request = msgspec.structs.replace(
            request, variants=found.variants, baseline=found.variants[0]
        )
    return request
