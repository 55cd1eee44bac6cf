"""From names, options and suite files to a Plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.planning.budget_options import parse_budget
from pocketbench.bench.planning.build_options import refuse_build_options, with_builds
from pocketbench.bench.planning.cooldown_options import (
    cooldown_limits,
    parse_cooldown_limits,
)
from pocketbench.bench.planning.cores import check_cores
from pocketbench.bench.planning.durations import parse_duration
from pocketbench.bench.planning.generation_options import (
    parse_generation,
    refuse_what_never_generates,
)
from pocketbench.bench.planning.input_options import AskedInput, in_lengths, parse_input
from pocketbench.bench.planning.output_options import output_checks
from pocketbench.bench.planning.run_options import RunOptions, given
from pocketbench.bench.planning.runner_choices import parse_runner
from pocketbench.bench.planning.sources import (
    engine_of,
    format_of,
    known_variants,
    request_for,
)
from pocketbench.bench.planning.suite import Suite, read_suite
from pocketbench.bench.planning.sustained_options import parse_sustained
from pocketbench.bench.planning.variant_names import AS_IS, check_made
from pocketbench.bench.planning.workload_options import (
    check_workload,
    gates,
    until_settled,
)
from pocketbench.bench.records.engines import (
    DEFAULT_ENGINE,
    GENERATION_ENGINE,
    require_installed,
    split_variant,
    variant_for,
)
from pocketbench.bench.records.generation import Generation
from pocketbench.bench.records.plan import (
    DEFAULT_MIN_EFFECT,
    ModelRequest,
    Plan,
    Variant,
    Workload,
    depth_suffix,
)

QUICK = Workload(blocks=3, warmup_iterations=3, iterations=10)
"""A first look: enough for a picture, too few launches for a verdict."""


def make_plan(options: RunOptions) -> Plan:
    """Turn everything that was asked into a plan.

    Raises:
        UnknownNameError: No such model, variant, metric or limit; offers the near ones.
        UsageError: A number is out of range, or options contradict each other.
    """
    if options.candidates:
        if options.models:
            raise UsageError(
                " ".join(options.models), "stands beside --candidate", "Leave MODEL out"
            )
        return plan_builds(options)
    refuse_build_options(options)
    if options.self_check and options.baseline and not options.models:
        options = msgspec.structs.replace(
            options, models=(options.baseline,), baseline=None
        )
    if not options.models:
        generates = options.kind == "generate"
        command, model = (
            ("generate", "tiny_llama-15m") if generates else ("run", "mobilenet_v2")
        )
        raise UsageError(
            command,
            "no model was named",
            f"Try `pocketbench {command} {model} --quick`",
        )
    suites = [model for model in options.models if model.endswith(".toml")]
    if not suites:
        return plan_models(options)
    if len(options.models) > 1:
        raise UsageError(
            " ".join(options.models),
            "a suite file stands alone",
            "Run one suite file, or only models",
        )
    return plan_suite(read_suite(Path(suites[0])), suites[0], options)


def plan_models(options: RunOptions) -> Plan:
    """The plan of `pocketbench run MODEL...`.

    Raises:
        UnknownNameError: No such model, variant or baseline; offers the near ones.
        UsageError: A number is out of range.
    """
    inputs = [parse_input(text) for text in options.inputs]
    requests = [
        request
        for model in options.models
        for request in _in_lengths(request_for(model), inputs)
    ]
    return _plan(requests, options, options.blocks, origin="command line")


def plan_builds(options: RunOptions) -> Plan:
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
    requests = [
        with_builds(each, each.name.removeprefix(request.name), options)
        for each in _in_lengths(request, [parse_input(text) for text in options.inputs])
    ]
    return _plan(requests, options, options.blocks, origin="command line")


def plan_suite(suite: Suite, path: str, options: RunOptions) -> Plan:
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
    most_blocks = options.blocks
    if suite.workload.until_settled:
        most_blocks = given(most_blocks, suite.workload.blocks)
    if options.quick:
        # It says how many blocks and iterations, whatever the suite says.
        quick = msgspec.structs.replace(
            suite.workload, blocks=None, warmup_iterations=None, iterations=None
        )
        suite = msgspec.structs.replace(suite, workload=quick)
    return _plan(requests, suite.under(options), most_blocks, suite=suite, origin=path)


def _plan(
    requests: Sequence[ModelRequest],
    options: RunOptions,
    most_blocks: int | None,
    *,
    origin: str,
    suite: Suite | None = None,
) -> Plan:
    sustained = parse_sustained(options)
    workload = _workload(options, most_blocks, is_sustained=sustained is not None)
    if workload.generation is not None:
        refuse_what_never_generates(requests)
    threads = options.threads or (1,)
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
    min_effect = given(options.min_effect, DEFAULT_MIN_EFFECT)
    if not 0 < min_effect < 1:
        raise UsageError(
            f"minimum effect {min_effect}",
            "is not between 0 and 1",
            "Give a proportion, such as 0.02 for 2 %",
        )
    runners = [parse_runner(text, options.runner_options) for text in options.runners]
    return Plan(
        models=tuple(requests),
        variants=tuple(
            variant
            for request in requests
            for variant in _variants(request, threads, workload.generation)
        ),
        device_selectors=options.devices,
        workload=workload,
        runners=tuple(runners) or (suite.runner if suite else ()),
        min_effect=min_effect,
        self_check=options.self_check,
        gate_on=gates(options.gate_on, workload),
        cooldown=cooldown_limits(
            {
                **(suite.cooldown_limits if suite else {}),
                **parse_cooldown_limits(options.cooldown_limits),
            },
            max_temperature_c=options.max_temperature_c,
            is_on=options.cooldown,
        ),
        cores=None if options.cores is None else check_cores(options.cores),
        quiesce=options.quiesce,
        spread=options.spread,
        outputs=output_checks(options, suite.check if suite else None),
        allow_mismatch=options.allow_mismatch,
        sustained=sustained,
        screen=options.screen,
        libc=options.libc,
        profile=options.profile,
        budgets=tuple(map(parse_budget, suite.budget if suite else ())),
        origin=origin,
    )


def _workload(
    options: RunOptions, most_blocks: int | None, *, is_sustained: bool
) -> Workload:
    """What each launch does: as asked, else as usual.

    Raises:
        UsageError: A number of nothing, or a budget without looks.
    """
    usual = QUICK if options.quick else Workload()
    duration_s = options.min_duration_s
    if options.min_duration is not None:
        duration_s = parse_duration(options.min_duration, "--min-duration")
    workload = Workload(
        blocks=given(options.blocks, usual.blocks),
        warmup_iterations=given(options.warmup_iterations, usual.warmup_iterations),
        iterations=given(options.iterations, usual.iterations),
        min_duration_s=given(duration_s, usual.min_duration_s),
        heap=given(options.heap, usual.heap),
        seed=given(options.seed, usual.seed),
        timeout_s=given(options.timeout_s, usual.timeout_s),
        generation=parse_generation(options),
    )
    if is_sustained:
        # One process each; how long it runs is in the plan's `sustained`.
        workload = msgspec.structs.replace(workload, blocks=1, min_duration_s=0.0)
    check_workload(workload)
    return until_settled(
        workload,
        is_asked=bool(options.until_settled),
        most=most_blocks,
        budget=options.budget,
    )


def _in_lengths(
    request: ModelRequest, inputs: Sequence[AskedInput]
) -> list[ModelRequest]:
    """The model, or one for each length of its inputs: `net@16`, `net@64`."""
    return [
        msgspec.structs.replace(request, name=request.name + label, inputs=specs)
        for label, specs in in_lengths(inputs)
    ]


def _twice(request: ModelRequest, options: RunOptions) -> ModelRequest:
    """The baseline alone, as two variants that are the same file.

    Raises:
        UsageError: Something was asked for that says nothing about a device.
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


def _chosen(request: ModelRequest, options: RunOptions) -> ModelRequest:
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
    usual = DEFAULT_ENGINE if options.kind is None else GENERATION_ENGINE
    engines = (DEFAULT_ENGINE,) if ready else options.engines or (usual,)
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


def _variants(
    request: ModelRequest, threads: tuple[int, ...], generation: Generation | None
) -> list[Variant]:
    counts = tuple(dict.fromkeys(threads))
    depths = generation.kv_depths if generation else (None,)
    usual = f"+{GENERATION_ENGINE}"
    # The one engine that is usual need not be said of each.
    is_usual = generation and all(x.endswith(usual) for x in request.variants)
    return [
        Variant(
            id=(name.removesuffix(usual) if is_usual else name)
            + (f"@{count}t" if len(counts) > 1 else "")
            + (depth_suffix(depth) if len(depths) > 1 else ""),
            model=request.name,
            name=name,
            engine=engine_of(format_of(*request.origin(name))),
            delegate=split_variant(request.origin(name)[1]).engine.delegate,
            threads=count,
            kv_depth=depth,
            is_baseline=name == request.baseline,
        )
        for count in counts
        for depth in depths
        for name in request.variants
    ]
