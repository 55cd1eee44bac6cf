"""What a delegate or an execution provider ran, from the words of each runtime."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec

from pocketbench.bench.errors import LaunchError
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.launch import Delegation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SPELLINGS = {
    name.casefold(): name
    for name in (
        "NNAPI",
        "GPU",
        "XNNPACK",
        "Hexagon",
        "CoreML",
        "QNN",
        "NPU",
        "CPU",
        "TensorRT",
        "CUDA",
        "DirectML",
        "OpenVINO",
        "WebGPU",
        "EdgeTPU",
    )
} | {"dispatch": "NPU", "dispatchdelegate": "NPU"}

_LONGEST_LINE = 2000
_TELLING = re.compile(
    r"delegate|accelerat|will run on the|compiler plugin|partitions supported by"
    r"|placed on \[|Provider: \[|execution providers|to CPU|CPUExecution|SetupBackend"
    r"|not supported on this",
    re.IGNORECASE,
)

_IMPLICIT = frozenset({"XNNPACK", "Flex"})
"""Applied without being asked for: their own counts alone make no request."""

_APPLIED = r"pplied (?P<name>.{1,40}?) delegate, and the model(?: graph)? will be "
_BY_IT = r"executed (?:by|w/|with) the delegate"
_BY_GRAPH = (
    ("all", re.compile(rf"{_APPLIED}(?:completely )?{_BY_IT}")),
    ("part", re.compile(rf"{_APPLIED}partially {_BY_IT}")),
    (
        "none",
        re.compile(
            r"(?P<name>\b\S{1,40}) delegate is (?:explicitly )?applied, the model"
            rf"(?: graph)? will not be {_BY_IT}"
        ),
    ),
    (
        "none",
        re.compile(
            r"(?P<name>GPU|NNAPI|XNNPACK|Hexagon|Core ?ML|NPU) acceleration is "
            r"unsupported on this platform",
            re.IGNORECASE,
        ),
    ),
    (
        "none",
        re.compile(
            r"(?:Could not|Couldn't|Can't|Cannot|Failed to) create (?:an? |the )?"
            r"(?P<name>\w+) delegate",
            re.IGNORECASE,
        ),
    ),
)
"""LiteRT's benchmark_model, about delegates that were asked for; until TensorFlow 2.3
`Applied GPU delegate, and the model graph will be completely executed w/ the
delegate`."""

_BY_NODES = (
    re.compile(
        r"Replacing (?P<nodes>\d+) out of (?P<total>\d+) node\(s\) with delegate "
        r"\((?P<name>[^)]+)\) node"
    ),
    re.compile(
        r"(?P<name>\b\w[\w ]{0,38}?) ?[Dd]elegate: (?P<nodes>\d+) nodes "
        r"delegated out of (?P<total>\d+) nodes"
    ),
)
"""The same, by the delegate itself; also about those nobody asked for."""

_GPU_OPERATIONS = re.compile(
    r"(?P<nodes>\d+|No) operations will run on the GPU, and (?:the remaining|all) "
    r"(?P<rest>\d+) operations will run on the CPU"
)
_NOT_LOADED = re.compile(
    r"(?P<name>GPU|NPU) accelerator could not be loaded"
    r"|Failed to apply compiler plugins?|No (?:applicable )?compiler plugins? found",
    re.IGNORECASE,
)
"""LiteRT 2's, said of an accelerator whether or not it was asked for."""
_FULLY_ACCELERATED = re.compile(r"Fully accelerated: +(?P<yes>True|False|[01])", re.I)
_ANSWERS = {"true": "all", "1": "all", "false": "part", "0": "part"}

_PROVIDER_NODES = (
    re.compile(
        r"number of partitions supported by (?P<name>\w+)(?: EP)?: \d+,? +"
        r"number of nodes in the graph: (?P<total>\d+),? +"
        r"number of nodes supported by (?:\w+)(?: EP)?: (?P<nodes>\d+)",
        re.IGNORECASE,
    ),
)
_PLACED = re.compile(
    r"(?:All nodes|Node\(s\)) placed on \[(?P<name>\w+?)(?:ExecutionProvider)?\]\. "
    r"Number of nodes: (?P<nodes>\d+)"
)
_PLACED_BEFORE = re.compile(
    r"All nodes have been placed on \[(?P<all>\w+?)(?:ExecutionProvider)?\]"
    r"|Provider: \[(?P<some>\w+?)(?:ExecutionProvider)?\]: \["
)
"""Of releases before 1.14, without numbers."""
_SOME_NOT_ASSIGNED = re.compile(
    r"Some nodes were not assigned to the preferred execution providers"
)
_FELL_BACK = re.compile(
    r"All ops will fall ?back to CPU"
    r"|Falling back to \[?'?CPUExecutionProvider"
    r"|(?:QNN )?SetupBackend failed"
    r"|(?:NNAPI|CoreML|QNN|XNNPACK) (?:EP )?is not supported on this",
    re.IGNORECASE,
)
"""ONNX Runtime's."""


def litert_delegations(
    lines: Iterable[str], requested: Iterable[str] = ()
) -> tuple[Delegation, ...]:
    """What each delegate took, as LiteRT's programs print it.

    The statement about the whole graph decides over the delegate's own count of nodes:
    NNAPI counts nodes that its driver refuses later.

    Args:
        lines: Of all its output.
        requested: Delegates that its flags asked for, as far as they are known.
    """
    asked = [_spelled(name) for name in requested]
    not_loaded: set[str] = set()
    stated: dict[str, Delegation] = {}
    by_form: list[dict[str, Delegation]] = [{} for _ in _BY_NODES]
    for line in _reporting(lines):
        for extent, form in _BY_GRAPH:
            if match := form.search(line):
                name = _spelled(match["name"])
                stated[name] = _delegation(name, extent)
        for node_form, counts in zip(_BY_NODES, by_form, strict=True):
            if match := node_form.search(line):
                name = _spelled(match["name"])
                counts[name] = _add(counts.get(name), name, match)
        if match := _GPU_OPERATIONS.search(line):
            nodes = 0 if match["nodes"] == "No" else int(match["nodes"])
            gpu = _of_nodes("GPU", nodes, nodes + int(match["rest"]))
            by_form[-1]["GPU"] = gpu
        if match := _NOT_LOADED.search(line):
            not_loaded.add(_spelled(match["name"] or "NPU"))
        if match := _FULLY_ACCELERATED.search(line):
            extent = _ANSWERS[match["yes"].lower()]
            stated["accelerator"] = _delegation("accelerator", extent)
    # Several forms count the nodes of the same graph.
    counted = {name: x for counts in reversed(by_form) for name, x in counts.items()}
    for name, found in counted.items():
        graph = stated.get(name)
        if graph is None:
            is_requested = name in asked or name not in _IMPLICIT
            stated[name] = msgspec.structs.replace(found, is_requested=is_requested)
        elif graph.extent == "part" and found.extent == "none":
            # Before TensorFlow 2.4 it says `partially` of nothing, too.
            stated[name] = found
        elif graph.extent != "none":
            stated[name] = msgspec.structs.replace(found, extent=graph.extent)
    on_cpu = counted.get("XNNPACK")
    for name in asked:
        is_left_out = name in not_loaded or (on_cpu and on_cpu.extent == "all")
        if name not in stated and is_left_out:
            stated[name] = _delegation(name, "none")
    return tuple(stated.values())


def provider_delegations(
    lines: Iterable[str], requested: str | None
) -> tuple[Delegation, ...]:
    """What an execution provider took, as ONNX Runtime logs it.

    Args:
        lines: Of all its output and of the device's log.
        requested: The provider that was asked for; `None` or `cpu`: none was.
    """
    asked = None if requested in (None, "", "cpu") else _spelled(requested or "")
    found: dict[str, Delegation] = {}
    placed: dict[str, int] = {}
    used: set[str] = set()
    is_partial = fell_back = False
    for line in _reporting(lines):
        for form in _PROVIDER_NODES:
            if match := form.search(line):
                name = _spelled(match["name"])
                found[name] = _add(found.get(name), name, match)
        if match := _PLACED.search(line):
            name = _spelled(match["name"])
            placed[name] = placed.get(name, 0) + int(match["nodes"])
        if match := _PLACED_BEFORE.search(line):
            used.add(_spelled(match["all"] or match["some"]))
        is_partial |= _SOME_NOT_ASSIGNED.search(line) is not None
        fell_back |= _FELL_BACK.search(line) is not None
    if placed:
        total = sum(placed.values())
        for name in {*placed, asked or "CPU"} - {"CPU"}:
            found[name] = _of_nodes(name, placed.get(name, 0), total)
    if used and not placed:
        is_partial |= len(used) > 1
        for name in {*used, asked or "CPU"} - {"CPU"}:
            extent = "none" if name not in used else "part" if is_partial else "all"
            found.setdefault(name, _delegation(name, extent))
    main = asked or next(iter(found), "execution provider")
    if fell_back:
        found[main] = _delegation(main, "none")
    elif is_partial and (asked or found) and not placed:
        known = found.get(main)
        if known is None or known.extent == "all":
            found[main] = _delegation(main, "part")
    return tuple(found.values())


def check_delegated(delegations: Iterable[Delegation], subject: str) -> None:
    """Refuse a launch whose delegate ran nothing: its time is the CPU's.

    Raises:
        LaunchError: Delegates were asked for, and none of them took a node.
    """
    asked = [x for x in delegations if x.is_requested]
    if asked and all(x.extent == "none" for x in asked):
        names = " and ".join(x.delegate for x in asked)
        raise LaunchError(
            FailureReason.MISSING_BACKEND,
            subject,
            f"{names} took no node of the model: it ran on the CPU, so this is not "
            f"{names}'s time",
            remedy="Leave the delegate out to measure the CPU, or export the model "
            "with operators, shapes and a precision that it supports",
        )


def _reporting(lines: Iterable[str]) -> Iterator[str]:
    """Lines that may be about a delegate; a program may print long ones of anything."""
    for line in lines:
        if len(line) <= _LONGEST_LINE and _TELLING.search(line):
            yield line


def _add(known: Delegation | None, name: str, match: re.Match[str]) -> Delegation:
    """One graph's count added to those of the graphs before it."""
    nodes, total = int(match["nodes"]), int(match["total"])
    if known is not None:
        nodes += known.node_count or 0
        total += known.total_node_count or 0
    return _of_nodes(name, nodes, total)


def _of_nodes(name: str, nodes: int, total: int) -> Delegation:
    extent: Literal["none", "part", "all"] = "part"
    if nodes == 0 or total == 0:
        extent = "none"
    elif nodes >= total:
        extent = "all"
    return Delegation(
        delegate=name, extent=extent, node_count=nodes, total_node_count=total
    )


def _delegation(name: str, extent: str) -> Delegation:
    return msgspec.convert({"delegate": name, "extent": extent}, Delegation)


def _spelled(name: str) -> str:
    """`TfLiteNnapiDelegate`, `nnapi` and `NNAPI` are one."""
    bare = re.sub(r"^TfLite|ExecutionProvider$|Delegate(?:V\d+)?$| ", "", name.strip())
    return _SPELLINGS.get(bare.casefold(), bare or name)
