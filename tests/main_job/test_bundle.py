"""A bundle on a simulated phone, run by the phone's own shell alone."""

import subprocess

import msgspec
import pytest
from click.testing import CliRunner

from pocketbench.android_runner.build.toolchain import this_computer
from pocketbench.bench.commands.ingest import ingest
from pocketbench.bench.judge.summarize import summarize
from pocketbench.bench.measure.bundle import write_bundle
from pocketbench.bench.measure.prepare import equip, make_runners
from pocketbench.bench.measure.run_folder import read_run
from pocketbench.bench.measure.schedule import block_order
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.caveat import Caveat
from pocketbench.bench.records.device import DeviceInfo
from pocketbench.bench.records.failure import FailureReason
from pocketbench.bench.records.plan import (
    CooldownLimits,
    ModelRequest,
    Plan,
    RunnerChoice,
    Variant,
    Workload,
)
from tests import factories
from tests.main_job.on_a_phone import PRINTS_A_RESULT, model_file, script

ABI, _ = this_computer()
FOLDER = "/data/local/tmp"
SCRIPT = f"sh {FOLDER}/pocketbench-bundle/run.sh"
RESULTS = f"{FOLDER}/pocketbench-bundle/results.jsonl"

NO_COOLDOWN = CooldownLimits(is_on=False)
HEAT = {
    "warming_c_per_s": 0.0,
    "cooling_c_per_s": 0.0,
    "throttle_at_c": 20.0,
    "iteration_ms": 10.0,
    "period_ms": 1.0,
}
"""As hot as the test says at any time."""

pytestmark = pytest.mark.needs("namespaces", "mksh", "toybox")


def bundles(user, phone, *argv):
    """Make a bundle here, and unpack it on the phone by adb alone."""
    done = user.types("bundle", *argv, "--abi", ABI, "-o", "bundle.tar")
    assert done.returncode == 0, done.stderr
    assert phone.adb("push", str(user.folder / "bundle.tar"), FOLDER).returncode == 0
    unpacked = phone.shell(f"cd {FOLDER} && tar xf bundle.tar")
    assert unpacked.returncode == 0, unpacked.stdout
    return done


def ingests(user, phone, **more):
    pulled = phone.adb("pull", RESULTS, str(user.folder / "results.jsonl"))
    assert pulled.returncode == 0, pulled.stdout
    return user.types("ingest", "results.jsonl", **more)


@pytest.mark.slow
@pytest.mark.needs("compiler", "executorch")
def test_what_a_phone_measured_alone_is_a_run_with_verdicts(user, phone):
    net = ("nets:net", "--input", "1x3x16x16", "--engine", "executorch")
    variants = ("--variant", "float32", "--variant", "int8-static")
    short = ("--blocks", "4", "--iterations", "3", "--warmup", "1")
    bundles(user, phone, *net, *variants, *short)

    ran = phone.shell(SCRIPT, timeout_s=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    done = ingests(user, phone)

    assert done.returncode == 0, done.stderr
    assert "simulated" in done.stdout
    run = user.last_run()
    assert run.outcome == "finished"
    assert run.failures == ()
    ids = ["float32+executorch", "int8-static+executorch"]
    workload = run.started.plan.workload
    assert [(x.block, x.position, x.variant_id) for x in run.launches] == [
        (block, position, variant)
        for block in range(4)
        for position, variant in enumerate(block_order(ids, block, workload.seed))
    ]
    (ready,) = run.devices
    assert ready.device.is_simulated
    assert run.started.plan.device_selectors == (ready.device.id,)
    for launch in run.launches:
        assert len(launch.measurement.latencies_ns) == 3
        assert launch.measurement.memory.peak_rss_bytes > 0
        assert launch.wall_ns > 0
        for conditions in (launch.conditions_before, launch.conditions_after):
            assert conditions.thermal.status == 0
            assert conditions.battery.level is not None
    assert [x.verdict for x in summarize(run).comparisons if x.verdict]


@pytest.fixture
def scripted(tmp_path, phone):
    """A bundle of two models whose program is a shell script, unpacked on a phone."""

    def make(*program, timeout_s=60.0, cooldown=NO_COOLDOWN, phone=phone):
        path = script(tmp_path / "program", *program)
        models = [
            model_file(tmp_path / f"{name}.ptl", name.encode(), name=name)
            for name in ("good", "bad")
        ]
        plan = Plan(
            models=tuple(
                ModelRequest(name=x.model, source=x.path, variants=("as-is",))
                for x in models
            ),
            variants=tuple(
                Variant(id="as-is", model=x.model, name="as-is", is_baseline=True)
                for x in models
            ),
            device_selectors=(),
            workload=Workload(blocks=3, iterations=3, timeout_s=timeout_s),
            runners=(
                RunnerChoice(name="speed_benchmark_torch", path=str(path), abi=ABI),
            ),
            cooldown=cooldown,
        )
        info = DeviceInfo(
            id="android:x", family="android", name="x", abis=(ABI,), libc="bionic"
        )
        (prepared,) = equip(
            [SelectedDevice(None, info)],
            make_runners(plan.runners, lambda text: None),
            frozenset({"ptl"}),
        )
        artifacts = {(x.model, "as-is"): x for x in models}
        archive = tmp_path / "bundle.tar"
        write_bundle(archive, factories.started(plan), prepared, artifacts)
        phone.adb("push", str(archive), FOLDER)
        assert phone.shell(f"cd {FOLDER} && tar xf bundle.tar").returncode == 0
        return phone

    return make


def ingested(phone, tmp_path):
    phone.adb("pull", RESULTS, str(tmp_path / "results.jsonl"))
    done = CliRunner().invoke(
        ingest, [str(tmp_path / "results.jsonl"), "--runs", str(tmp_path / "runs")]
    )
    (folder,) = (tmp_path / "runs").iterdir()
    return read_run(folder), done


def test_a_variant_that_fails_twice_is_tried_no_more_and_the_others_go_on(
    scripted, tmp_path
):
    fails = 'case "$*" in *"$(echo -n bad | sha256sum | cut -c 1-64)"*) exit 9;; esac'
    phone = scripted(fails, *PRINTS_A_RESULT)

    assert phone.shell(SCRIPT).returncode == 0
    run, done = ingested(phone, tmp_path)

    assert done.exit_code == 3
    assert [(x.model, x.block) for x in run.launches] == [
        ("good", 0),
        ("good", 1),
        ("good", 2),
    ]
    assert [(x.model, x.block, x.attempt, x.exit_code) for x in run.failures] == [
        ("bad", 0, 0, 9),
        ("bad", 0, 1, 9),
    ]
    assert run.launches[0].measurement.mean_latency_ns == 2_000_000
    assert run.outcome == "finished"


@pytest.mark.slow
def test_a_program_that_hangs_is_ended_and_recorded_as_timed_out(scripted, tmp_path):
    hangs = 'case "$*" in *"$(echo -n bad | sha256sum | cut -c 1-64)"*) sleep 99;; esac'
    phone = scripted(hangs, *PRINTS_A_RESULT, timeout_s=1.0)

    assert phone.shell(SCRIPT).returncode == 0
    run, _ = ingested(phone, tmp_path)

    assert {x.reason for x in run.failures} == {FailureReason.TIMED_OUT}
    assert len(run.launches) == 3


@pytest.fixture
def hot_phone(phone_factory):
    """Its skin is warmer than a block may begin at, and it does not throttle yet."""
    phone = phone_factory(behaviour={"heat": HEAT})
    phone.ask("state", heat_c=9.5)
    return phone


def test_the_script_waits_until_the_phone_is_cool(scripted, hot_phone, tmp_path, adb):
    wait = CooldownLimits(first_wait_s=1, step_s=1, max_wait_s=600)
    scripted(*PRINTS_A_RESULT, cooldown=wait, phone=hot_phone)
    with subprocess.Popen(
        [adb.path, "-P", str(adb.port), "-s", hot_phone.serial, "shell", SCRIPT],
        stdout=subprocess.PIPE,
        text=True,
    ) as script_on_phone:
        lines = iter(script_on_phone.stdout)
        while not (line := next(lines)).startswith("cooling down"):
            assert "ended with" not in line
        hot_phone.ask("state", heat_c=0.0)
        assert line.startswith("cooling down for 1 s: skin at 38")
        assert "block 0: variant 0 ended with 0\n" in lines
        assert "cooling down" not in "".join(lines)
    run, done = ingested(hot_phone, tmp_path)

    assert done.exit_code == 0, done.output
    assert len(run.launches) == 6
    assert not any(Caveat.THERMAL_UNSETTLED in x.caveats for x in run.launches)


def test_a_phone_that_does_not_cool_in_time_is_measured_with_a_caveat(
    scripted, hot_phone, tmp_path
):
    wait = CooldownLimits(first_wait_s=1, step_s=1, max_wait_s=1)
    scripted(*PRINTS_A_RESULT, cooldown=wait, phone=hot_phone)

    ran = hot_phone.shell(SCRIPT)
    assert ran.returncode == 0, ran.stderr
    run, done = ingested(hot_phone, tmp_path)

    assert ran.stdout.count("cooling down") == len(run.launches) == 6
    assert all(Caveat.THERMAL_UNSETTLED in x.caveats for x in run.launches)
    assert Caveat.THERMAL_UNSETTLED.wording.fact in " ".join(done.output.split())


def test_a_script_that_was_killed_leaves_its_whole_launches(scripted, tmp_path):
    phone = scripted(*PRINTS_A_RESULT)
    phone.shell(SCRIPT)
    phone.adb("pull", RESULTS, str(tmp_path / "all.jsonl"))
    whole = (tmp_path / "all.jsonl").read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(b"".join(whole[:4]) + whole[4][:1000])

    done = CliRunner().invoke(ingest, [str(cut), "--runs", str(tmp_path / "runs")])

    assert done.exit_code == 0, done.output
    (folder,) = (tmp_path / "runs").iterdir()
    run = read_run(folder)
    assert (len(run.launches), run.outcome) == (2, "killed")


def test_results_that_are_there_already_are_not_written_over(scripted):
    phone = scripted(*PRINTS_A_RESULT)
    phone.shell(SCRIPT)

    again = phone.shell(SCRIPT)

    assert again.returncode == 2
    assert "results.jsonl is there already" in again.stderr


def test_a_damaged_object_is_named_before_anything_runs(scripted):
    phone = scripted(*PRINTS_A_RESULT)
    objects = f"{FOLDER}/pocketbench-bundle/objects"
    phone.shell(f"echo more >>$(ls {objects}/*/model.ptl | head -n 1)")

    done = phone.shell(SCRIPT)

    assert done.returncode == 1
    assert "is damaged or missing" in done.stderr


def test_results_without_a_launch_are_refused(scripted, tmp_path):
    phone = scripted(*PRINTS_A_RESULT)
    phone.shell(SCRIPT)
    phone.adb("pull", RESULTS, str(tmp_path / "all.jsonl"))
    (first, *_) = (tmp_path / "all.jsonl").read_bytes().splitlines(keepends=True)
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(first)
    runs = tmp_path / "runs"

    done = CliRunner().invoke(ingest, [str(empty), "--runs", str(runs)])

    assert "holds no launch" in str(done.exception)
    assert not runs.exists()


def test_results_of_a_newer_pocketbench_say_so(scripted, tmp_path):
    phone = scripted(*PRINTS_A_RESULT)
    phone.shell(SCRIPT)
    phone.adb("pull", RESULTS, str(tmp_path / "all.jsonl"))
    lines = (tmp_path / "all.jsonl").read_bytes().splitlines(keepends=True)
    first = msgspec.json.decode(lines[0])
    first["schema"] = 99
    newer = tmp_path / "newer.jsonl"
    newer.write_bytes(msgspec.json.encode(first) + b"\n" + b"".join(lines[1:]))

    done = CliRunner().invoke(ingest, [str(newer), "--runs", str(tmp_path / "runs")])

    assert "Update pocketbench" in str(done.exception)
