"""A simulated phone that slows down in the middle of a run, over the real adb."""

import contextlib
import hashlib
import subprocess
import threading
from pathlib import Path

import pytest

from pocketbench.android_runner.auxiliary_output import read_spin
from pocketbench.android_runner.runner_protocol import read_measurement
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.measure.context import RunContext
from pocketbench.bench.measure.device_job import DeviceJob
from pocketbench.bench.measure.execute import measure as execute
from pocketbench.bench.measure.execute import noting_the_end
from pocketbench.bench.measure.lease import CpuLease
from pocketbench.bench.measure.observer import Observer
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.runner_binding import RunnerBinding
from pocketbench.bench.measure.store import Store
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.device import describe_local_file
from pocketbench.bench.records.plan import (
    CooldownLimits,
    ModelRequest,
    Plan,
    Variant,
    Workload,
)
from pocketbench.bench.records.run import ArtifactReady
from pocketbench.bench.records.runner import Command
from pocketbench.bench.records.sustained import Sustained
from pocketbench.devices.android.driver import open_serial
from tests import factories

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("compiler", "namespaces", "mksh", "toybox"),
]

NATIVE = Path(__file__).parent.parent.parent / "android_runner" / "native"
ITERATION_MS = 15.0
HEAT = {
    "warming_c_per_s": 10.0,
    "cooling_c_per_s": 1.5,
    "throttle_at_c": 10.2,
    "recover_at_c": 3.0,
    "slowdown": 3.0,
    "iteration_ms": ITERATION_MS,
    "period_ms": 5.0,
}
"""The processor time of a block, which no other work here changes, warms it by some
4 C, so that one that begins after recovery does not throttle. At 10.1 C of heat the
Pixel's skin is at 39 C; the gate lets a block begin at 8.1 C."""
COOLDOWN = CooldownLimits(spin_ms=45, first_wait_s=0.5, step_s=0.25, max_wait_s=60.0)
SUSTAINED_HEAT = {
    **HEAT,
    "warming_c_per_s": 0.5,
    "throttle_at_c": 13.0,
    "recover_at_c": 6.0,
}
"""The work alone hardly warms it: the sun comes at a known time."""
THE_SUN = {"block": 2, "position": 1, "heat_c": 11.0}
"""In the middle of the run somebody draws the curtain."""


class SteadyRunner:
    """Drives a program whose times this computer's other work cannot touch."""

    name = "steady"
    formats = frozenset({"ptl"})
    needs_cpu = True
    can_last = True

    def command(self, request):
        words = [request.warmup_iterations, request.iterations]
        if request.min_duration_s:
            words.append(round(1000 * request.min_duration_s))
        return Command(argv=(request.program.remote_path, *map(str, words)))

    def parse(self, result, artifact, request):
        return read_measurement(result, runner=self.name, subject="steady")

    def spin_command(self, request, spin_ms):
        return Command(argv=(request.program.remote_path, "--spin-ms", str(spin_ms)))

    def parse_spin(self, result):
        return read_spin(result, subject="steady")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("steady") / "steady"
    source = Path(__file__).with_name("native") / "steady_program.cpp"
    subprocess.run(
        [
            *("c++", "-std=c++20", "-O1", "-static", "-I", str(NATIVE)),
            *(
                str(source),
                str(NATIVE / "runner_protocol.cpp"),
                str(NATIVE / "sha256.cpp"),
            ),
            *("-o", str(path)),
        ],
        check=True,
    )
    return path


class Driver:
    """Opens one phone that runs already."""

    def __init__(self, phone, port):
        self._phone, self._port = phone, port

    @contextlib.contextmanager
    def open(self, info, *, cancel):
        with open_serial(
            self._phone.serial,
            adb_host="127.0.0.1",
            adb_port=self._port,
            device_id=info.id,
            family=info.family,
            cancel=cancel,
        ) as device:
            yield device


class Notes(Observer):
    """Keeps what is noted, and lets the sun in once."""

    def __init__(self, phone, sun, sun_at_s=None):
        self.notes = []
        self._sun_at_s = sun_at_s
        self._phone = phone
        self._sun = sun
        self._block = self._position = None

    def block_started(self, info, model, block):
        self._block, self._position = block, -1

    def launch_started(self, info, model, variant_id):
        self._position += 1
        if self._sun == (self._block, self._position):
            self._sun = None
            self._phone.ask("state", heat_c=THE_SUN["heat_c"])

    def conditions_read(self, info, conditions, *, at_s, of_s):
        if self._sun_at_s is not None and at_s >= self._sun_at_s:
            self._sun_at_s = None
            self._phone.ask("state", heat_c=SUSTAINED_HEAT["throttle_at_c"] + 4)

    def note(self, subject, text):
        self.notes.append(text)


@pytest.fixture
def measure(phone_factory, adb, program, tmp_path):
    """Measure two builds on a new phone; the summary, and what was waited for."""

    def run(name, *, heat, cooldown, blocks=6, sustained=None):
        phone = phone_factory("pixel-8", behaviour={"heat": heat} if heat else {})
        folder = tmp_path / name
        model = tmp_path / f"{name}.ptl"
        model.write_bytes(name.encode())
        executable = _object(program, executable=True)
        variants = tuple(
            Variant(id=v, model="net", name=v, is_baseline=v == "one")
            for v in ("one", "two")
        )
        plan = Plan(
            models=(ModelRequest(name="net", source="net", variants=("one", "two")),),
            variants=variants,
            device_selectors=("phone",),
            workload=Workload(blocks=blocks, warmup_iterations=1, iterations=9),
            cooldown=cooldown,
            sustained=sustained,
        )
        artifacts = {("net", v.name): _artifact(model, v.name) for v in variants}
        driver = Driver(phone, adb.port)
        with driver.open(_info(phone), cancel=threading.Event()) as device:
            info = device.info
        job = DeviceJob(
            SelectedDevice(driver, info),
            [
                RunnerBinding(
                    SteadyRunner(),
                    factories.program(
                        "steady", abi=info.abis[0], executable=executable
                    ),
                )
            ],
            models={"net": variants},
            artifacts=artifacts,
        )
        sun = (THE_SUN["block"], THE_SUN["position"]) if heat else None
        sun_at_s = sustained.duration_s * 0.45 if sustained else None
        notes = Notes(phone, None if sustained else sun, sun_at_s)
        with Store(folder) as store:
            store.append(factories.started(plan, run_id=name))
            for artifact in artifacts.values():
                store.append(ArtifactReady(artifact=artifact))
            lease = CpuLease(tmp_path / "lease")
            run = RunContext(plan, store, lease, notes, threading.Event())
            with noting_the_end(store):
                execute(run, [job])
        return summarize(read_run(folder)), notes.notes

    return run


def _info(phone):
    from pocketbench.bench.records.device import DeviceInfo

    return DeviceInfo(id=f"android:{phone.serial}", family="android", name="phone")


def _object(path, *, executable=False):
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return describe_local_file(path, sha256=sha256, executable=executable)


def _artifact(model, variant):
    found = _object(model)
    return factories.artifact(
        variant, path=found.path, sha256=found.sha256, size_bytes=found.size_bytes
    )


def _latency_ns(summary):
    """Of each variant."""
    return {c.variant_id: c.estimates["latency_ns"].point for c in summary.cells}


def test_throttled_blocks_are_redone_and_the_estimate_is_the_cool_phones(measure):
    cool, _ = measure("cool", heat=None, cooldown=COOLDOWN)
    gated, notes = measure("gated", heat=HEAT, cooldown=COOLDOWN)
    ungated, _ = measure("ungated", heat=HEAT, cooldown=CooldownLimits(is_on=False))

    for variant, truth_ns in _latency_ns(cool).items():
        assert truth_ns >= 3 * HEAT["period_ms"] * 1e6
        assert _latency_ns(gated)[variant] == pytest.approx(truth_ns, rel=0.03)
        assert _latency_ns(ungated)[variant] > 1.1 * truth_ns
    tainted = [x for x in gated.run.launches if Caveat.THROTTLED in x.caveats]
    assert tainted
    assert sum(cell.redone_launches for cell in gated.cells) == len(tainted)
    assert {c.grade.letter for c in gated.cells} <= {"A", "B"}
    assert {c.grade.letter for c in ungated.cells} == {"C"}
    assert any("cooling down" in note for note in notes)


def test_the_course_of_a_long_launch_shows_when_the_phone_slowed_down(measure):
    asked = Sustained(duration_s=6.0, interval_s=0.5)

    summary, notes = measure(
        "long", heat=SUSTAINED_HEAT, cooldown=COOLDOWN, blocks=1, sustained=asked
    )

    assert summary.run.launches == ()
    assert summary.comparisons == ()
    first, second = summary.run.sustained
    assert {first.launch.variant_id, second.launch.variant_id} == {"one", "two"}
    hot = next(x for x in summary.sustained if x.variant_id == first.launch.variant_id)
    assert hot.duration_s >= 5.9
    assert hot.first_ns == pytest.approx(ITERATION_MS * 1e6, rel=0.05)
    # A busy computer adds to what the phone's own clock takes.
    slowdown = HEAT["slowdown"]
    assert 0.75 * slowdown < hot.last_over_first < 2 * slowdown
    assert 0.3 * hot.duration_s < hot.slowed_down_at_s < 0.9 * hot.duration_s
    caps = [state.max_frequency_khz for state in hot.states]
    assert caps[-1] == pytest.approx(caps[0] / HEAT["slowdown"], rel=0.01)
    warm = [state.temperature_c for state in hot.states]
    assert warm[-1] > warm[0] + 3
    assert hot.reading_s > 0
    # The other variant began on a phone that had cooled down again.
    assert any("cooling down" in note for note in notes)
    cool = next(x for x in summary.sustained if x is not hot)
    assert cool.first_ns == pytest.approx(ITERATION_MS * 1e6, rel=0.05)
    assert Caveat.THROTTLED not in {*hot.caveats, *cool.caveats}
