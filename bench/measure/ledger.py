"""What one device has measured of a plan, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pocketbench.bench.records.blocks import (
    ended_variants,
    next_attempt,
    tainted_attempts,
    whole_blocks,
)
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.plan import Plan, Variant


class Ledger:
    """The records of one device in one run."""

    def __init__(
        self,
        device_id: str,
        plan: Plan,
        *,
        models: Mapping[str, tuple[Variant, ...]],
        exported: Collection[tuple[str, str]],
        launches: Iterable[Launch] = (),
        failures: Iterable[Failure] = (),
    ) -> None:
        """Begin with what an earlier part of the run stored.

        Args:
            device_id: Whose records are kept; others are passed over.
            plan: What is asked for.
            models: The variants to measure, by model.
            exported: (model, variant name) of every artifact there is.
            launches: Of the earlier part.
            failures: Of the earlier part.
        """
        self._device_id = device_id
        self._plan = plan
        self._models = models
        self._exported = exported
        self.launches = [x for x in launches if x.device_id == device_id]
        self.failures = [x for x in failures if x.device_id == device_id]

    def live(self, model: str) -> tuple[Variant, ...]:
        """The variants that have an artifact and have not failed for good."""
        ended = ended_variants(self.failures, self._device_id, model)
        return tuple(
            variant
            for variant in self._models[model]
            if variant.id not in ended
            and (variant.model, variant.name) in self._exported
        )

    def is_done(self, model: str, block: int, *, redos: int) -> bool:
        """Whether a block is whole, and clean or done again often enough.

        Args:
            model: Whose block.
            block: Its number.
            redos: How often a tainted block is done again.
        """
        live = self.live(model)
        if not live:
            return True
        mine = [x for x in self.launches if x.model == model and x.block == block]
        whole = whole_blocks(
            mine,
            device_id=self._device_id,
            model=model,
            variant_ids=[variant.id for variant in live],
        )
        if block not in whole:
            return False
        tainted = tainted_attempts(
            mine, device_id=self._device_id, model=model, block=block
        )
        return whole[block] not in tainted or len(tainted) > redos

    def next_attempt(self, model: str, block: int) -> int:
        """The number that the next attempt of a block gets."""
        return next_attempt(
            self.launches,
            self.failures,
            device_id=self._device_id,
            model=model,
            block=block,
        )

    def unfinished(self, *, redos: int) -> list[tuple[int, str]]:
        """(block, model) of all that is missing, in the order it will be done."""
        return [
            (block, model)
            for block in range(self._plan.workload.blocks)
            for model in self._models
            if not self.is_done(model, block, redos=redos)
        ]

    def pending_launches(self, *, redos: int) -> int:
        """How many launches are missing."""
        missing = self.unfinished(redos=redos)
        return sum(len(self.live(model)) for _, model in missing)
