"""JSON Lines in, verdicts out: the statistics of the reports, for anyone to measure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import numpy as np

from pocketbench.bench.judge.history import assess
from pocketbench.bench.judge.intervals import Evidence, unpaired_ratio
from pocketbench.bench.judge.metrics import PRIMARY, reduced_latencies
from pocketbench.bench.judge.paired import paired_evidence
from pocketbench.bench.judge.positions import Positions
from pocketbench.bench.judge.verdicts import corrected, verdict
from pocketbench.bench.records.plan import DEFAULT_MIN_EFFECT
from pocketbench.bench.records.record import Value

Latencies = list[
    Annotated[list[Annotated[float, msgspec.Meta(gt=0)]], msgspec.Meta(min_length=1)]
]
Proportion = Annotated[float, msgspec.Meta(gt=0, lt=1)]


class AbLine(Value, frozen=True, kw_only=True):
    """Two sets of launches to compare."""

    id: Any
    a: Annotated[Latencies, msgspec.Meta(min_length=1)]
    """The baseline: latencies of each launch, in any unit."""
    b: Annotated[Latencies, msgspec.Meta(min_length=1)]
    """The candidate; with the interleaved design its launches pair with the baseline's
    one by one."""
    design: Literal["interleaved", "sequential"]
    alpha: Proportion = 0.05
    min_effect: Proportion = DEFAULT_MIN_EFFECT
    b_is_later: list[bool] | None = None
    """With the interleaved design, for each block whether its candidate was launched
    after its baseline: what being second does is then removed where it is there."""
    family: str | int | None = None
    """Lines that share it are corrected together."""


class HistoryLine(Value, frozen=True, kw_only=True):
    """One history to look for changes in."""

    id: Any
    series: list[float]
    min_effect: Proportion = DEFAULT_MIN_EFFECT


class Answered(NamedTuple):
    """One line of the answer, and what was wrong with the question, if anything."""

    line: bytes
    error: str | None = None


class Pending(NamedTuple):
    """One line whose verdict may wait for its family."""

    asked: AbLine
    evidence: Evidence


_ab = msgspec.json.Decoder(AbLine)
_history = msgspec.json.Decoder(HistoryLine)


def answer_ab(lines: Iterable[bytes]) -> Iterator[Answered]:
    """Answer each line in order: at once, until one of a family has to wait.

    A family is known in full only at the end, so from its first line on the answers
    come when the input has ended.
    """
    held: list[Pending | Answered] = []
    for line in lines:
        found = _judge_alone(line)
        if held or (isinstance(found, Pending) and found.asked.family is not None):
            held.append(found)
        elif isinstance(found, Pending):
            yield _ab_answer(found, found.evidence.p_value)
        else:
            yield found
    yield from _release(held)


def answer_history(lines: Iterable[bytes]) -> Iterator[Answered]:
    """Answer each line with the first places of its confirmed new levels."""
    for line in lines:
        try:
            asked = _history.decode(line)
            found = assess(asked.series, min_effect=asked.min_effect)
        except (msgspec.DecodeError, ValueError) as error:
            yield _refused(line, error)
            continue
        answer = {
            "id": asked.id,
            "change_points": [x.index for x in found.changes if not x.is_suspect],
            "suspects": [x.index for x in found.changes if x.is_suspect],
            "two_speeds": found.two_speeds,
        }
        yield Answered(msgspec.json.encode(answer))


def _judge_alone(line: bytes) -> Pending | Answered:
    try:
        asked = _ab.decode(line)
        return Pending(asked, _evidence(asked))
    except (msgspec.DecodeError, ValueError) as error:
        return _refused(line, error)


def _evidence(asked: AbLine) -> Evidence:
    """What the launches say about the candidate.

    Raises:
        ValueError: The launches cannot be paired.
    """
    first, second = _launch_values(asked.a), _launch_values(asked.b)
    if asked.design == "sequential":
        ratio = unpaired_ratio(first, second)
        found = ratio and ratio.evidence(asked.alpha)
    elif len(first) != len(second):
        raise ValueError(
            f"interleaved launches pair one by one, but a has {len(first)} and "
            f"b has {len(second)}"
        )
    else:
        found = paired_evidence(
            first, second, alpha=asked.alpha, positions=_positions(asked)
        )
    if found is None:
        raise ValueError("the launches have no ratio")
    return found


def _positions(asked: AbLine) -> Positions | None:
    """The places of each block's two launches, where they are given."""
    if asked.b_is_later is None:
        return None
    if len(asked.b_is_later) != len(asked.a):
        raise ValueError(
            f"b_is_later has {len(asked.b_is_later)} values for {len(asked.a)} blocks"
        )
    return [(1 - later, int(later)) for later in asked.b_is_later]


def _launch_values(launches: list[list[float]]) -> list[float]:
    """Each launch's value of the primary metric, in order."""
    by_length: defaultdict[int, list[int]] = defaultdict(list)
    for place, latencies in enumerate(launches):
        by_length[len(latencies)].append(place)
    values = [0.0] * len(launches)
    for places in by_length.values():
        rows = np.array([launches[place] for place in places], dtype=np.float64)
        for place, found in zip(places, reduced_latencies(rows), strict=True):
            values[place] = found.values[PRIMARY]
    return values


def _release(held: list[Pending | Answered]) -> Iterator[Answered]:
    """Answer the lines that waited, each family corrected together."""
    families: defaultdict[object, list[int]] = defaultdict(list)
    q_values: dict[int, float | None] = {}
    for place, found in enumerate(held):
        if isinstance(found, Pending):
            q_values[place] = found.evidence.p_value
            if found.asked.family is not None:
                families[found.asked.family].append(place)
    for places in families.values():
        q_values.update(
            zip(places, corrected([q_values[place] for place in places]), strict=True)
        )
    for place, found in enumerate(held):
        if isinstance(found, Pending):
            yield _ab_answer(found, q_values[place])
        else:
            yield found


def _ab_answer(judged: Pending, q_value: float | None) -> Answered:
    asked, evidence = judged
    ratio = evidence.estimate()
    answer = {
        "id": asked.id,
        "verdict": verdict(
            evidence, q_value, min_effect=asked.min_effect, alpha=asked.alpha
        ),
        "ratio": ratio.point,
        "ci": [ratio.low, ratio.high],
        "p": evidence.p_value,
        "drift_controlled": asked.design == "interleaved",
    }
    if asked.family is not None:
        answer["q"] = q_value
    return Answered(msgspec.json.encode(answer))


def _refused(line: bytes, error: Exception) -> Answered:
    """An answer that carries the error, under the id if that can be read."""
    try:
        whole = msgspec.json.decode(line)
    except msgspec.DecodeError:
        whole = None
    name = whole.get("id") if isinstance(whole, dict) else None
    message = str(error)
    return Answered(msgspec.json.encode({"id": name, "error": message}), message)
