"""What the devices' answers come to: figures, intervals, and limits that are missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pocketbench.bench.records.output_check import (
    OutputCheck,
    OutputCheckMissing,
    OutputChecks,
)
from pocketbench.bench.records.record import Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pocketbench.bench.records.run import Run


class Proportion(Value, frozen=True, kw_only=True):
    """A share of independent trials and its 95 % interval."""

    point: float
    low: float
    high: float
    count: int
    """Trials."""


class TensorFigures(Value, frozen=True, kw_only=True):
    """One tensor of a device's answers against the reference."""

    name: str
    """`float32 [1, 1000]`."""
    max_abs: float
    sqnr_db: float | None
    """`None` when nothing differs."""
    cosine: float | None
    top1_agreement: float | None
    not_finite_count: int
    output_name: str = ""
    """The author's: `boxes`; empty: none."""
    equal_share: float | None = None
    """Of whole numbers."""
    worst_part: str | None = None
    worst_part_sqnr_db: float | None = None
    constant_part: str | None = None
    """What has one value in all answers, where the reference's vary."""

    @property
    def worst_sqnr_db(self) -> float | None:
        """Of the whole or its worst part; `None` when nothing differs."""
        figures = (self.sqnr_db, self.worst_part_sqnr_db)
        return min((x for x in figures if x is not None), default=None)


class JudgedOutputs(Value, frozen=True, kw_only=True):
    """One variant's answers on one device."""

    device_id: str
    model: str
    variant_id: str
    reference: str
    """Whose answers they are compared with: `the float32 model`."""
    input_count: int
    tensors: tuple[TensorFigures, ...]
    accuracy: Proportion | None
    """On held-back inputs; `None` for a model that nobody trained."""
    reference_accuracy: Proportion | None
    missed: tuple[str, ...]
    """The limits that it does not keep, in words; empty: it keeps all."""


def judged_outputs(run: Run) -> tuple[JudgedOutputs, ...]:
    """Every check of a run, in the plan's order of variants."""
    checks = run.started.plan.outputs or OutputChecks()
    order = {(v.model, v.id): n for n, v in enumerate(run.started.plan.variants)}
    found = [x for x in run.output_checks if isinstance(x, OutputCheck)]
    found.sort(key=lambda x: order.get((x.model, x.variant_id), len(order)))
    return tuple(_judged(check, checks) for check in found)


def unchecked_outputs(run: Run) -> tuple[OutputCheckMissing, ...]:
    """The variants whose answers could not be checked."""
    return tuple(x for x in run.output_checks if isinstance(x, OutputCheckMissing))


def _judged(check: OutputCheck, limits: OutputChecks) -> JudgedOutputs:
    accuracy = _proportion(check.correct_count, check.label_count)
    tensors = tuple(
        TensorFigures(
            name=f"{x.spec.dtype} [{', '.join(map(str, x.spec.shape))}]",
            output_name=x.name,
            max_abs=x.max_abs,
            sqnr_db=x.sqnr_db,
            cosine=x.cosine,
            top1_agreement=x.top1_agreement,
            not_finite_count=x.not_finite_count,
            equal_share=x.equal_share,
            worst_part_sqnr_db=x.worst_part_sqnr_db,
            worst_part=x.worst_part,
            constant_part=x.constant_part,
        )
        for x in check.tensors
    )
    return JudgedOutputs(
        device_id=check.device_id,
        model=check.model,
        variant_id=check.variant_id,
        reference=check.reference,
        input_count=check.input_count,
        tensors=tensors,
        accuracy=accuracy,
        reference_accuracy=_proportion(
            check.reference_correct_count, check.label_count
        ),
        missed=tuple(_missed(tensors, accuracy, limits)),
    )


def _missed(
    tensors: tuple[TensorFigures, ...],
    accuracy: Proportion | None,
    limits: OutputChecks,
) -> Iterator[str]:
    """A limit is about every tensor that has its figure, and one of them must."""
    for tensor in tensors:
        if limits.has_limits and tensor.not_finite_count:
            yield f"{tensor.not_finite_count} values are not finite"
        if _is_below(tensor.worst_sqnr_db, limits.min_sqnr_db):
            where = "" if tensor.worst_sqnr_db == tensor.sqnr_db else tensor.worst_part
            yield (
                f"SQNR {tensor.worst_sqnr_db:.1f} dB is below {limits.min_sqnr_db:g} dB"
                + (f" ({where})" if where else "")
            )
        if limits.min_sqnr_db is not None and tensor.constant_part:
            yield f"{tensor.constant_part} became constant"
        if _is_below(tensor.top1_agreement, limits.min_top1_agreement):
            yield (
                f"top-1 agreement {tensor.top1_agreement:.4g} is below "
                f"{limits.min_top1_agreement:g}"
            )
    scored = any(tensor.top1_agreement is not None for tensor in tensors)
    if limits.min_top1_agreement is not None and not scored:
        yield "answers no scores [n, classes] whose best could agree"
    if limits.min_accuracy is not None and accuracy is None:
        yield "has no accuracy, for no held-back inputs with labels came with it"
    if accuracy is not None and _is_below(accuracy.point, limits.min_accuracy):
        yield f"accuracy {accuracy.point:.4g} is below {limits.min_accuracy:g}"


def _is_below(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value < limit


def _proportion(successes: int | None, trials: int | None) -> Proportion | None:
    """Wilson's score interval (E. B. Wilson, JASA 22 (1927) 209-212)."""
    if successes is None or not trials:
        return None
    from scipy import stats

    interval = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    return Proportion(
        point=successes / trials,
        low=float(interval.low),
        high=float(interval.high),
        count=trials,
    )
