"""From names, options and suite files to a Plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.planning.cooldown_options import heat_limits, parse_heat
from pocketbench.bench.planning.cores import check_cores
from pocketbench.bench.planning.input_options import AskedInput, in_lengths
from pocketbench.bench.planning.output_options import output_checks
from pocketbench.bench.planning.sources import (
    engine_of,
    format_of,
    known_variants,
    request_for,
)
from pocketbench.bench.planning.suite import Suite
from pocketbench.bench.planning.variant_names import AS_IS, check_made
from pocketbench.bench.planning.workload_options import (
    check_workload,
    gates,
    until_settled,
)
from pocketbench.bench.records.artifact import MemoryFormat
from pocketbench.bench.records.device import ScreenWish
from pocketbench.bench.records.engines import (
    DEFAULT_ENGINE,
    require_installed,
    split_variant,
    variant_for,
)
from pocketbench.bench.records.launch import Heap
from pocketbench.bench.records.plan import (
    ModelRequest,
    PhoneLibc,
    Plan,
    RunnerChoice,
    Variant,
    Workload,
)
from pocketbench.bench.records.sustained import Sustained

QUICK = {"blocks": 3, "warmup_iterations": 3, "iterations": 10}
"""A first look: enough for a picture, too few launches for a verdict."""


class Options(NamedTuple):
    """What the command line said; `None` where it was silent."""

    variants: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    baseline: str | None = None
    candidates: tuple[str, ...] = ()
    inputs: tuple[AskedInput, ...] = ()
    memory_format: MemoryFormat | None = None
    threads: tuple[int, ...] = ()
    blocks: int | None = None
    until_settled: bool = False
    budget: str | None = None
    self_check: bool = False
    warmup_iterations: int | None = None
    iterations: int | None = None
    min_duration_s: float | None = None
    sustained: Sustained | None = None
    heap: Heap | None = None
    seed: int | None = None
    timeout_s: float | None = None
    quick: bool = False
    runners: tuple[RunnerChoice, ...] = ()
    devices: tuple[str, ...] = ()
    heat: tuple[str, ...] = ()
    max_temperature_c: float | None = None
    gate: bool = True
    gate_on: tuple[str, ...] = ()
    anyway: bool = False
    cores: str | None = None
    quiet: bool = True
    screen: ScreenWish = "on"
    libc: PhoneLibc | None = None
    profile: Literal["ops"] | None = None
    check: tuple[str, ...] = ()
    min_sqnr_db: float | None = None
    min_top1_agreement: float | None = None
    min_accuracy: float | None = None


def parse_runner(text: str, options: Sequence[str] = ()) -> RunnerChoice:
    """Read `NAME=PATH` or `NAME=PATH@ABI`, with its `NAME.key=value` options.

    Raises:
        UsageError: Not of that form.
    """
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise UsageError(
            f"--runner {text}", "is not NAME=PATH[@ABI]", "See `pocketbench run --help`"
        )
    head, at, abi = path.rpartition("@")
    if at and re.fullmatch(r"[\w-]+", abi):
        path = head
    else:
        abi = ""
    return RunnerChoice(
        name=name, path=path, abi=abi or None, options=_runner_options(name, options)
    )


def _runner_options(name: str, options: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found = []
    for option in options:
        key, equals, value = option.partition("=")
        owner, dot, key = key.partition(".")
        if not (owner and dot and key and equals):
            raise UsageError(
                f"--runner-option {option}",
                "is not NAME.key=value",
                "See `pocketbench run --help`",
            )
        if owner == name:
            found.append((key, value))
    return tuple(found)


def plan_models(models: Sequence[str], options: Options) -> Plan:
    """The plan of `pocketbench run MODEL...`.

    Raises:
        UnknownNameError: No such model, variant or baseline; offers the near ones.
        UsageError: A number is out of range.
    """
    requests = [
        request
        for model in models
        for request in _in_lengths(request_for(model), options.inputs)
    ]
    return _plan(requests, Workload(), (1,), options, origin="command line")


def plan_builds(options: Options) -> Plan:
    """The plan of `pocketbench run --baseline FILE --candidate FILE`.

    The builds are variants of one model, `baseline` and `candidate`, and so measured
    in the same blocks; each is its source's first variant.

    Raises:
        UsageError: No baseline, no such source, or a variant was asked for.
    """
    if options.baseline is None:
        raise UsageError(
            "--candidate",
            "has nothing to be compared with",
            "Give --baseline FILE, too",
        )
    if options.variants or options.engines or options.memory_format:
        raise UsageError(
            "--candidate",
            "takes each file as it is, without --variant, --engine or --memory-format",
            "Leave them out",
        )
    names = ["baseline", "candidate"]
    names += [f"candidate-{n}" for n in range(2, len(options.candidates) + 1)]
    found = [request_for(x) for x in (options.baseline, *options.candidates)]
    request = msgspec.structs.replace(
        found[1],
        variants=tuple(names),
        baseline="baseline",
        origins={
            name: (made.source, made.variants[0])
            for name, made in zip(names, found, strict=True)
        },
    )
    requests = _in_lengths(request, options.inputs)
    return _plan(requests, Workload(), (1,), options, origin="command line")


def plan_suite(suite: Suite, path: str, options: Options) -> Plan:
    """The plan of a suite file; what the command line says wins over the file.

    Raises:
        UnknownNameError: No such model, variant or baseline; offers the near ones.
        UsageError: A number is out of range.
    """
    requests = []
    for model in suite.model:
        request = request_for(model.source, name=model.name)
        request = msgspec.structs.replace(request, memory_format=model.memory_format)
        if model.variants:
            request = msgspec.structs.replace(request, variants=model.variants)
        if model.baseline:
            request = msgspec.structs.replace(request, baseline=model.baseline)
        requests += _in_lengths(request, model.inputs)
    told = {
        key: value
        for key, value in msgspec.structs.asdict(suite.workload).items()
        if value is not None and key in Workload.__struct_fields__
    }
    options = options._replace(
        devices=options.devices or suite.devices.select,
        engines=options.engines or suite.workload.engines or (),
        runners=options.runners or suite.runner,
        gate_on=options.gate_on or suite.gate.on,
        profile=options.profile or suite.workload.profile,
        until_settled=options.until_settled or suite.workload.until_settled,
        budget=options.budget or suite.workload.budget,
        blocks=options.blocks
        or (suite.workload.blocks if suite.workload.until_settled else None),
    )
    return _plan(
        requests,
        Workload(**told),
        suite.workload.threads or (1,),
        options,
        heat=suite.heat,
        check=msgspec.structs.asdict(suite.check) if suite.check else None,
        origin=path,
    )


def _plan(
    requests: Sequence[ModelRequest],
    workload: Workload,
    threads: tuple[int, ...],
    options: Options,
    *,
    origin: str,
    heat: Mapping[str, object] | None = None,
    check: Mapping[str, float | None] | None = None,
) -> Plan:
    told = dict(QUICK) if options.quick else {}
    for key in Workload.__struct_fields__:
        value = getattr(options, key, None)
        if value is not None:
            told[key] = value
    workload = msgspec.structs.replace(workload, **told)
    if options.sustained:
        # One process each; what its length is says `sustained`.
        workload = msgspec.structs.replace(
            workload, blocks=1, looks=(), budget_s=None, min_duration_s=0.0
        )
    check_workload(workload)
    workload = until_settled(
        workload,
        is_asked=options.until_settled,
        most=options.blocks,
        budget=options.budget,
    )
    threads = options.threads or threads
    if any(count < 1 for count in threads):
        raise UsageError("--threads", "must be 1 or more", "Give a positive number")
    requests = _with_unique_names([_chosen(request, options) for request in requests])
    if options.self_check:
        requests = [_twice(request, options) for request in requests]
    if workload.looks and all(len(request.variants) < 2 for request in requests):
        raise UsageError(
            "--until-settled",
            "has nothing to settle: one variant is compared with nothing",
            "Give a second variant, or --blocks",
        )
    return Plan(
        models=tuple(requests),
        variants=tuple(
            variant for request in requests for variant in _variants(request, threads)
        ),
        device_selectors=options.devices,
        workload=workload,
        runners=options.runners,
        self_check=options.self_check,
        gate_on=gates(options.gate_on, workload),
        gate=heat_limits(
            {**(heat or {}), **parse_heat(options.heat)},
            max_temperature_c=options.max_temperature_c,
            is_on=options.gate,
        ),
        cores=None if options.cores is None else check_cores(options.cores),
        quiet=options.quiet,
        outputs=output_checks(options, check),
        anyway=options.anyway,
        sustained=options.sustained,
        screen=options.screen,
        libc=options.libc,
        profile=options.profile,
        origin=origin,
    )


def _in_lengths(
    request: ModelRequest, inputs: Sequence[AskedInput]
) -> list[ModelRequest]:
    """The model, or one for each length of its inputs: `net@16`, `net@64`."""
    return [
        msgspec.structs.replace(request, name=request.name + label, inputs=specs)
        for label, specs in in_lengths(inputs)
    ]


def _twice(request: ModelRequest, options: Options) -> ModelRequest:
    """The baseline alone, as two variants that are the same file.

    Raises:
        UsageError: Something was asked for that tells nothing about a device.
    """
    for asked, word in (
        (options.candidates, "--candidate"),
        (options.until_settled, "--until-settled"),
    ):
        if asked:
            raise UsageError(
                f"--self-check {word}",
                "says what so many blocks of one build can resolve",
                f"Leave {word} out; --blocks says how many",
            )
    names = request.baseline, f"{request.baseline}-again"
    origin = request.origin(request.baseline)
    return msgspec.structs.replace(
        request, variants=names, origins=dict.fromkeys(names, origin)
    )


def _chosen(request: ModelRequest, options: Options) -> ModelRequest:
    """Apply the variants, engines and baseline the command line asked for."""
    if request.origins:
        return request
    asked = options.variants or request.variants
    known = known_variants(request.source)
    ready = known == (AS_IS,)
    memory_format = options.memory_format or request.memory_format
    if ready and memory_format == "channels-last":
        raise UsageError(
            f"{request.name} channels-last",
            "is a ready file, whose inputs are what they are",
            "Leave the memory format out",
        )
    engines = (DEFAULT_ENGINE,) if ready or not options.engines else options.engines
    variants = tuple(
        dict.fromkeys(variant_for(name, word) for word in engines for name in asked)
    )
    for variant in variants:
        made, engine = split_variant(variant)
        check_made(made, known, model=request.name, asked=variant)
        require_installed(engine)
    asked_baseline = variant_for(options.baseline or request.baseline, engines[0])
    if options.baseline and asked_baseline not in variants:
        raise UnknownNameError(
            f"baseline of {request.name}", options.baseline, variants
        )
    baseline = asked_baseline if asked_baseline in variants else variants[0]
    return msgspec.structs.replace(
        request, variants=variants, baseline=baseline, memory_format=memory_format
    )


def _with_unique_names(requests: Sequence[ModelRequest]) -> list[ModelRequest]:
    seen: dict[str, int] = {}
    unique = []
    for request in requests:
        seen[request.name] = seen.get(request.name, 0) + 1
        count = seen[request.name]
        name = request.name if count == 1 else f"{request.name}-{count}"
        unique.append(msgspec.structs.replace(request, name=name))
    return unique


def _variants(request: ModelRequest, threads: tuple[int, ...]) -> list[Variant]:
    counts = tuple(dict.fromkeys(threads))
    return [
        Variant(
            id=name if len(counts) == 1 else f"{name}@{count}t",
            model=request.name,
            name=name,
            engine=engine_of(format_of(*request.origin(name))),
            delegate=split_variant(request.origin(name)[1]).engine.delegate,
            threads=count,
            is_baseline=name == request.baseline,
        )
        for count in counts
        for name in request.variants
    ]
