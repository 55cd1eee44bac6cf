"""Stored runs of a model that generates, made by hand: seeded token stamps."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from pocketbench.bench.records.artifact import Decoder
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.generation import GeneratedTokens, Generation
from pocketbench.bench.records.launch import Launch, Measurement, Memory
from pocketbench.bench.records.metrics import GENERATION_GATE
from pocketbench.bench.records.plan import ModelRequest, Plan, Variant
from pocketbench.bench.records.run import Run
from tests import factories

MS = 1_000_000
PER_TOKEN_MS = {"float32": 12.0, "8da4w": 5.0}
"""At depth 0; a thousand tokens in the cache make it half as slow again."""


def tokens(
    *, first_ms: float, each_ms: float, count: int = 64, **changes: Any
) -> GeneratedTokens:
    """Evenly spaced stamps, of whole nanoseconds."""
    stamps = tuple(round((first_ms + i * each_ms) * MS) for i in range(count))
    facts = {"prompt_tokens": 128, "token_ns": stamps, "token_ids": tuple(range(count))}
    return GeneratedTokens(**(facts | changes))


def measured(found: GeneratedTokens, **changes: Any) -> Measurement:
    """What a launch reports besides."""
    memory = Memory(
        rss_before_load_bytes=9 << 20,
        rss_after_load_bytes=70 << 20,
        peak_rss_bytes=(80 << 20) + 4096 * found.kv_depth,
        read_by="itself",
    )
    facts = {"load_ns": 30 * MS, "memory": memory, "threads": 1, "generation": found}
    return Measurement(**(facts | changes))


def generated_run(
    *,
    devices: tuple[DeviceInfo, ...] = (factories.device(),),
    depths: tuple[int, ...] = (0,),
    per_token_ms: Mapping[str, float] = PER_TOKEN_MS,
    blocks: int = 6,
    new_tokens: int = 64,
    made: Mapping[str, int] = {},
    gate_on: tuple[str, ...] = GENERATION_GATE,
) -> Run:
    """A run of `tiny_llama`; the first variant is the baseline.

    Args:
        devices: Each twice as slow as the one before.
        depths: Of the KV cache.
        per_token_ms: By variant.
        blocks: Launches of each.
        new_tokens: Asked for.
        made: Of a variant that stops early, how many tokens it makes.
        gate_on: Metrics that get verdicts.
    """
    names = tuple(per_token_ms)
    variants = tuple(
        Variant(
            id=name if len(depths) == 1 else f"{name}@d{depth}",
            model="tiny_llama",
            name=name,
            engine="executorch",
            kv_depth=depth,
            is_baseline=name == names[0],
        )
        for depth in depths
        for name in names
    )
    asked = Generation(new_tokens=new_tokens, kv_depths=depths)
    plan = factories.plan(*names, blocks=blocks, generation=asked)
    plan = replace(
        plan,
        models=(ModelRequest(name="tiny_llama", source="zoo", variants=names),),
        variants=variants,
        gate_on=gate_on,
    )
    return Run(
        folder="runs/generated",
        started=factories.started(plan, command=("pocketbench", "generate", "tiny")),
        artifacts=tuple(
            factories.artifact(
                name,
                model="tiny_llama",
                format="pte",
                engine="executorch",
                size_bytes=60_000_000 if name == "float32" else 20_000_000,
                decoder=Decoder(context_tokens=2048, vocabulary_size=512),
            )
            for name in names
        ),
        devices=tuple(
            factories.device_ready(info, runner="executorch") for info in devices
        ),
        launches=tuple(_launches(plan, devices, per_token_ms, made)),
        outcome="finished",
    )


def _launches(
    plan: Plan,
    devices: tuple[DeviceInfo, ...],
    per_token_ms: Mapping[str, float],
    made: Mapping[str, int],
) -> list[Launch]:
    random_ms = random.Random(7)
    generation = plan.workload.generation
    assert generation is not None
    found = []
    each = itertools.product(enumerate(devices), range(plan.workload.blocks))
    for (place, info), block in each:
        for position, variant in enumerate(plan.variants):
            depth = variant.kv_depth or 0
            slower = 2**place * (1 + depth / 2000) * random_ms.gauss(1, 0.004)
            each_ms = per_token_ms[variant.name] * slower
            count = made.get(variant.name, generation.new_tokens)
            generated = tokens(
                first_ms=20 * each_ms,
                each_ms=each_ms,
                count=count,
                kv_depth=depth,
                stopped_early=count < generation.new_tokens,
            )
            found.append(
                factories.launch(
                    variant.id,
                    block=block,
                    position=position,
                    device_id=info.id,
                    model="tiny_llama",
                    artifact_sha256=factories.artifact(
                        variant.name, model="tiny_llama"
                    ).sha256,
                    runner="executorch",
                    measurement=measured(generated),
                )
            )
    return found
