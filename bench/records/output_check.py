"""What a device answered to known inputs, beside what it should have answered."""

from __future__ import annotations

import math
import sys

from pocketbench.bench.records.artifact import TensorSpec
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.record import Count, Value


class OutputChecks(Value, frozen=True, kw_only=True):
    """What is asked of a device's answers; a limit that is missed fails the run."""

    min_sqnr_db: float | None = None
    min_top1_agreement: float | None = None
    """With the reference, as a proportion."""
    min_accuracy: float | None = None
    """On held-back inputs, as a proportion."""

    @property
    def has_limits(self) -> bool:
        """Whether anything can fail."""
        limits = (self.min_sqnr_db, self.min_top1_agreement, self.min_accuracy)
        return any(limit is not None for limit in limits)


class TensorDifference(Value, frozen=True, kw_only=True):
    """One tensor of all answers against the reference.

    Sums over all its values, from which every figure follows: the answers themselves
    can be large, and are not kept.
    """

    spec: TensorSpec
    name: str = ""
    """The author's; empty: none."""
    max_abs: float
    """The largest difference."""
    reference_power: float
    """Sum of the squares of the reference's values."""
    answer_power: float
    error_power: float
    """Sum of the squares of the differences."""
    product: float
    """Sum of reference times answer."""
    not_finite_count: Count = 0
    """Values that are NaN or infinite; they count as 0 in the sums."""
    row_count: Count | None = None
    """Rows of scores, for a tensor [n, classes]; `None` for any other."""
    agreeing_count: Count | None = None
    """Rows whose highest score is at the same place as in the reference."""
    value_count: Count | None = None
    equal_count: Count | None = None
    """Of whole numbers, whose differences mean nothing; `None` for reals."""
    worst_part: str | None = None
    """The channel or column of unlike scale with the lowest SQNR."""
    worst_part_sqnr_db: float | None = None
    constant_part: str | None = None
    """What has one value in all answers, where the reference's vary."""

    @property
    def equal_share(self) -> float | None:
        """The share of equal values; `None` for reals."""
        if self.equal_count is None or not self.value_count:
            return None
        return self.equal_count / self.value_count

    @property
    def sqnr_db(self) -> float | None:
        """Of the reference and the error; `None` for whole numbers too."""
        if self.equal_count is not None:
            return None
        return sqnr_db(self.reference_power, self.error_power)

    @property
    def cosine(self) -> float | None:
        """Of the angle between reference and answers; `None` where one is all 0."""
        norms = math.sqrt(self.reference_power) * math.sqrt(self.answer_power)
        return max(-1.0, min(1.0, self.product / norms)) if norms else None

    @property
    def top1_agreement(self) -> float | None:
        """The share of rows that agree."""
        if not self.row_count or self.agreeing_count is None:
            return None
        return self.agreeing_count / self.row_count


class OutputCheck(
    Value, frozen=True, kw_only=True, tag_field="record", tag="output_check"
):
    """A launch that measured no time: what a device answered, compared."""

    device_id: str
    model: str
    variant_id: str
    artifact_sha256: str
    runner: str
    started_at: str
    """ISO-8601, UTC."""
    reference: str
    """Whose answers it was compared with: `the float32 model`."""
    input_count: Count
    """Sets of inputs."""
    answers_sha256: str
    """Of the bytes of all answers."""
    tensors: tuple[TensorDifference, ...]
    label_count: Count | None = None
    """Held-back inputs whose right class is known; `None`: there are none."""
    correct_count: Count | None = None
    """Of these, answered rightly by the device."""
    reference_correct_count: Count | None = None
    """Answered rightly by the reference."""


class OutputCheckMissing(
    Value, frozen=True, kw_only=True, tag_field="record", tag="output_check_missing"
):
    """Why there is no check of a variant on a device."""

    device_id: str
    model: str
    variant_id: str
    artifact_sha256: str
    started_at: str
    fact: str
    remedy: str
    reason: FailureReason | None = None
    """`None`: nothing failed, this program or this file cannot be checked."""


def sqnr_db(signal_power: float, noise_power: float) -> float | None:
    """10 log10(signal / noise); `None` when nothing differs.

    Very low, but a number, for an original of zeros alone.
    """
    if noise_power == 0:
        return None
    return 10 * math.log10(max(signal_power, sys.float_info.min) / noise_power)
