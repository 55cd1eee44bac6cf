"""What a bundle's script printed, as the records of a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from pocketbench.bench import registry
from pocketbench.bench.conditions.launch_caveats import (
    BlockHeat,
    cool_reference,
    core_caveats,
    state_caveats,
)
from pocketbench.bench.errors import LaunchError, StoreError
from pocketbench.bench.measure.cooldown_wait import needs_cooldown
from pocketbench.bench.measure.failure_records import Place, failure_of
from pocketbench.bench.records.artifact import Artifact
from pocketbench.bench.records.bundle import (
    BUNDLE_SCHEMA,
    Bundle,
    BundleEnded,
    BundleLaunch,
    BundleLine,
    BundlePhone,
)
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.device import (
    CommandResult,
    DeviceInfo,
    exit_of_shell,
)
from pocketbench.bench.records.launch import Failure, Launch
from pocketbench.bench.records.plan import Plan, Variant
from pocketbench.bench.records.run import ArtifactReady, Record, RunEnded, RunStarted
from pocketbench.bench.records.runner import Runner

_decoder = msgspec.json.Decoder(BundleLine)
_UPTIME_STEP_S = 0.01
"""/proc/uptime has two decimals: what took less did not take nothing."""


def is_bundle_result(path: Path) -> bool:
    """Whether a file begins as the results of a bundle do."""
    with path.open("rb") as file:
        return file.read(19) == b'{"record":"bundle",'


def read_results(path: Path) -> Iterator[Record]:
    """The records of a run: its start first, its end only where the script came to it.

    Raises:
        StoreError: It holds no launch, a damaged line, or a newer schema.
    """
    lines = _lines(path)
    match lines:
        case [Bundle() as bundle, BundlePhone() as phone, BundleLaunch(), *_]:
            yield from _Reader(bundle, phone).records(lines[2:])
        case _:
            raise StoreError(
                str(path),
                "holds no launch",
                "Look at what run.sh printed on the phone, and run it again",
            )


def _lines(path: Path) -> list[BundleLine]:
    found: list[BundleLine] = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if number == len(lines):
            # Empty, or torn where the script was ended.
            break
        try:
            found.append(_decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise StoreError(
                f"{path}:{number}",
                f"not a line of a bundle ({error})",
                "Pull the file again, or remove this line to lose only this launch",
            ) from error
    first = found[0] if found else None
    if isinstance(first, Bundle) and first.schema > BUNDLE_SCHEMA:
        raise StoreError(
            str(path),
            f"written with bundle schema {first.schema}, this pocketbench reads "
            f"{BUNDLE_SCHEMA}",
            "Update pocketbench",
        )
    return found


class _Reader:
    """Makes the records that a session with the phone attached would have stored."""

    def __init__(self, bundle: Bundle, phone: BundlePhone) -> None:
        part = registry.BUNDLES, "bundle part"
        read_phone: Callable[[bytes], DeviceInfo] = registry.load(*part, "phone")
        self._parse_conditions: Callable[[str, str], Conditions] = registry.load(
            *part, "conditions"
        )
        self._bundle = bundle
        self._info = read_phone(phone.identity)
        plan = bundle.started.plan
        self._plan: Plan = replace(plan, device_selectors=(self._info.id,))
        self._variants: Mapping[tuple[str, str], Variant] = {
            (v.model, v.id): v for v in plan.variants
        }
        self._artifacts: Mapping[tuple[str, str], Artifact] = {
            (x.model, x.variant): x for x in bundle.artifacts
        }
        self._runners: dict[str, Runner] = {}
        self._waits = needs_cooldown(self._info, plan.cooldown)
        self._heat: dict[tuple[str, int, int], BlockHeat] = {}
        self._baseline: Conditions | None = None
        self._launches: list[Launch] = []

    def records(self, lines: list[BundleLine]) -> Iterator[Record]:
        launches = [x for x in lines if isinstance(x, BundleLaunch)]
        started: RunStarted = replace(
            self._bundle.started,
            started_at=_instant(launches[0].started_s),
            plan=self._plan,
        )
        yield started
        for artifact in self._bundle.artifacts:
            yield ArtifactReady(artifact=artifact)
        yield replace(self._bundle.ready, device=self._info)
        for launch in launches:
            yield self._record(launch)
        if lines and isinstance(lines[-1], BundleEnded):
            yield RunEnded(ended_at=_instant(lines[-1].ended_s), outcome="finished")

    def _record(self, line: BundleLaunch) -> Launch | Failure:
        bundled = self._bundle.variants[line.variant]
        variant = self._variants[bundled.model, bundled.id]
        artifact = self._artifacts[variant.model, variant.name]
        result = self._result(line)
        try:
            measurement = self._runner(bundled.runner).parse(
                result, artifact, bundled.request
            )
        except LaunchError as error:
            return failure_of(
                error,
                device_id=self._info.id,
                reason=error.reason,
                variant=variant,
                place=Place(line.block, line.attempt, line.position),
                started_at=_instant(line.started_s),
                result=result,
            )
        before, after = self._conditions(line.before), self._conditions(line.after)
        self._baseline = self._baseline or before
        heat = self._heat.setdefault(
            (variant.model, line.block, line.attempt),
            BlockHeat(
                self._plan.cooldown, is_settled=line.is_settled if self._waits else None
            ),
        )
        reference = cool_reference(self._launches, variant.model, variant.id)
        launch = Launch(
            device_id=self._info.id,
            model=variant.model,
            variant_id=variant.id,
            artifact_sha256=artifact.sha256,
            runner=bundled.runner,
            block=line.block,
            attempt=line.attempt,
            position=line.position,
            started_at=_instant(line.started_s),
            wall_ns=result.duration_ns,
            caveats=(
                *core_caveats(
                    variant,
                    wanted=None,
                    pinned=(),
                    leased=(),
                    core_count=self._info.core_count,
                ),
                *heat.caveats(before, after, reference=reference),
                *state_caveats(
                    before, baseline=self._baseline if self._waits else None
                ),
            ),
            measurement=measurement,
            conditions_before=before,
            conditions_after=after,
        )
        self._launches.append(launch)
        return launch

    def _result(self, line: BundleLaunch) -> CommandResult:
        """As the phone's shell reported it; 129 to 159 is a signal."""
        took_s = max(0.0, line.ended_s - line.began_s)
        workload = self._plan.workload
        timed_out = (
            line.exit_code != 0
            and took_s >= workload.timeout_s + workload.min_duration_s
        )
        exit_code, signal = exit_of_shell(None if timed_out else line.exit_code)
        return CommandResult(
            stdout=line.stdout,
            stderr=line.stderr,
            exit_code=exit_code,
            signal=signal,
            timed_out=timed_out,
            duration_ns=round(max(took_s, _UPTIME_STEP_S) * 1e9),
        )

    def _conditions(self, output: bytes) -> Conditions:
        text = output.decode("utf-8", "replace")
        return self._parse_conditions(text, self._bundle.token)

    def _runner(self, name: str) -> Runner:
        if name not in self._runners:
            # Reading needs no program, and the one that was given may be elsewhere.
            given = tuple(
                x
                for x in self._plan.runners
                if x.name == name and os.path.isfile(x.path)
            )
            made = registry.load(registry.RUNNERS, "runner", name)
            self._runners[name] = made(given, lambda text: None)
        return self._runners[name]


def _instant(seconds: int) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return at.isoformat(timespec="milliseconds")
