"""What the operators of a model took on a device, from a launch of its own."""

from __future__ import annotations

from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.record import Value

OTHER_NODES = "other operators"
"""The node of a looping model's operators past those that are reported one by one."""


class OperatorTime(Value, frozen=True, kw_only=True):
    """One operator of one node of the model, all its calls together."""

    name: str
    """As the runtime calls it: `quantized::conv2d_relu`, `add.out`."""
    calls: int
    """In all observed inferences."""
    self_ns: int
    """In all of them; what operators took that it called is theirs."""
    backend: str | None = None
    """The delegate that ran it: `XnnpackBackend`; `None`: the runtime itself."""
    dtype: str | None = None
    """Of its first tensor: `quint8`, `float32`; `None` where it is unknown."""
    node: str | None = None
    """Its place in the order of an inference, from 0, or what the runtime calls it
    (`[net/conv]:0`); `None`: not reported, and all nodes of the name are together."""


class OperatorTimes(Value, frozen=True, kw_only=True):
    """All operators of one launch, and what observing them cost."""

    operators: tuple[OperatorTime, ...]
    inferences: int
    """How many were observed."""
    latencies_ns: tuple[int, ...] = ()
    """Of the same launch while nobody observed; empty where the program cannot."""
    observed_latencies_ns: tuple[int, ...] = ()
    """Whole inferences while observed; empty where the program reports none."""


class OperatorProfile(
    Value, frozen=True, kw_only=True, tag_field="record", tag="operator_profile"
):
    """A launch that observed operators: no launch that counts."""

    device_id: str
    model: str
    variant_id: str
    artifact_sha256: str
    runner: str
    started_at: str
    block: int = 0
    """Variants are observed in turn, once in each block, as they are timed."""
    times: OperatorTimes


class ProfileFailure(
    Value, frozen=True, kw_only=True, tag_field="record", tag="profile_failure"
):
    """A variant whose operators could not be observed: no failure of its job."""

    device_id: str
    model: str
    variant_id: str
    artifact_sha256: str
    reason: FailureReason
    fact: str
    remedy: str
    started_at: str
