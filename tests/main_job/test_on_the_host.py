"""The main job on this computer alone, typed as a user types it."""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.main_job.conftest import User

SHORT = ("--iterations", "3", "--warmup", "1", "--blocks", "2")
NET = ("nets:net", "--input", "1x3x16x16")

pytestmark = pytest.mark.needs("compiler")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A user who has measured three variants; for tests that only look at what came."""
    user = User(tmp_path_factory.mktemp("measured"))
    user.done = user.types("run", *NET, "--device", "host", *SHORT, "--json")
    assert user.done.returncode == 0, user.done.stderr
    return user


def test_every_sample_is_stored_and_a_report_is_written(measured):
    run = measured.last_run()

    assert run.outcome == "finished"
    assert len(run.launches) == 2 * 3
    for launch in run.launches:
        measurement = launch.measurement
        assert len(measurement.latencies_ns) == 3
        assert min(measurement.latencies_ns) > 0
        assert measurement.load_ns > 0
        assert measurement.memory.peak_rss_bytes > 10_000_000
        assert measurement.threads == 1
    (report,) = measured.runs.glob("*/report.html")
    assert "net" in report.read_text()


def heaps(user):
    """The heaps of the last run, and whether its report speaks of Stabilizer."""
    (report,) = user.runs.glob("*/report.html")
    found = {launch.measurement.heap for launch in user.last_run().launches}
    return found, "Stabilizer" in report.read_text()


def test_where_tensors_lie_favours_no_build_unless_asked_to_be_left_alone(
    user, measured
):
    user.measures(*NET, "--device", "host", "--variant", "float32", "--heap", "system")

    assert heaps(measured) == ({"steady"}, True)
    assert heaps(user) == ({"system"}, False)


def test_outputs_are_the_same_in_every_launch_of_a_variant(measured):
    digests = {}
    for launch in measured.last_run().launches:
        digests.setdefault(launch.variant_id, set()).add(
            launch.measurement.output_digest
        )
    assert all(len(found) == 1 for found in digests.values())
    assert len(digests["float32"] | digests["int8-static"]) == 2


def test_json_on_stdout_is_one_document_and_nothing_else(measured):
    json.loads(measured.done.stdout)


def test_a_stored_run_is_reported_again_from_its_file_alone(measured):
    (report,) = measured.runs.glob("*/report.html")
    first = report.read_text()
    report.unlink()

    done = measured.types("report", "last")

    assert done.returncode == 0, done.stderr
    assert report.read_text() == first
    assert measured.last_run().started.run_id in done.stdout + first


def test_two_runs_do_not_write_to_one_folder(measured):
    (folder,) = measured.runs.iterdir()
    from filelock import FileLock

    with FileLock(folder / ".lock"):
        done = measured.types("run", "--resume", "last")

    assert done.returncode == 2
    assert "another pocketbench is writing" in done.stderr


def test_a_launch_goes_on_until_its_least_time_is_reached_too(user):
    run = user.measures(
        *(*NET, "--device", "host", "--variant", "float32", "--min-duration", "400ms")
    )

    assert run.started.plan.workload.min_duration_s == 0.4
    for launch in run.launches:
        assert len(launch.measurement.latencies_ns) > 3
        assert launch.wall_ns > 0.4e9
        assert launch.measurement.gaps_ns == ()


def test_a_program_that_only_counts_iterations_is_not_asked_for_a_time(user):
    given = f"speed_benchmark_torch={shutil.which('true')}"

    done = user.types(
        *("run", *NET, "--device", "host", "--runner", given, "--min-duration", "1s")
    )

    assert done.returncode == 2
    assert "speed_benchmark_torch on" in done.stderr
    assert "cannot go on for a stated time" in done.stderr
    assert not user.runs.exists()


def test_a_sustained_run_stores_one_process_of_each_variant_and_its_course(user):
    done = user.types(
        *("run", *NET, "--device", "host", "--sustained", "1s"),
        *(
            "--sample-every",
            "500ms",
            "--variant",
            "float32",
            "--variant",
            "int8-static",
        ),
        *("--report", "json", "--report", "markdown"),
    )

    assert done.returncode == 0, done.stderr
    run = user.last_run()
    assert run.launches == ()
    assert {x.launch.variant_id for x in run.sustained} == {"float32", "int8-static"}
    for record in run.sustained:
        measured = record.launch.measurement
        lasted_ns = sum(measured.latencies_ns) + sum(measured.gaps_ns)
        assert lasted_ns > 0.9e9
        assert len(measured.gaps_ns) == len(measured.latencies_ns)
        assert record.readings
    assert "no interval, so no verdict" in " ".join(done.stdout.split())
    (report,) = user.runs.glob("*/report.html")
    assert 'id="sustained-table"' in report.read_text()
    again = user.types("report", "last")
    assert again.stdout == done.stdout
    compared = user.types("compare", "last", "last")
    assert compared.returncode == 2
    assert "sustained run" in compared.stderr


def test_ctrl_c_keeps_what_a_sustained_run_had_measured(user, ctrl_c):
    seconds = 40_000 + os.getpid() % 40_000
    process = user.starts(
        *("run", *NET, "--device", "host", "--variant", "float32"),
        *("--sustained", f"{seconds}s"),
    )
    wait_for_program(process, f"{seconds}000")
    ctrl_c(process)
    stdout, stderr = process.communicate(timeout=120)

    assert process.returncode == 130, stderr
    assert "--resume" in stderr
    run = user.last_run()
    assert run.outcome == "interrupted"
    (record,) = run.sustained
    assert record.launch.measurement.was_stopped
    assert record.launch.measurement.latencies_ns
    assert "kept its pace" in stdout or "times as long" in stdout


def wait_for_program(process, duration_ms):
    """Until a program with this duration measures: it then heeds SIGTERM."""
    wanted = f"--min-duration-ms\0{duration_ms}\0".encode()
    while True:
        assert process.poll() is None, process.stderr.read()
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes()
                status = (folder / "status").read_text()
                caught = int(status.partition("SigCgt:\t")[2][:16] or "0", 16)
                if wanted in words and caught & 1 << (signal.SIGTERM - 1):
                    return
        time.sleep(0.05)


def test_a_path_with_hostile_characters_is_only_a_name(user):
    folder = user.folder / "a b'c;d $(touch owned) ü"
    exported = user.types("export", "nets:net", "--input", "1x3x16x16", "-o", folder)
    assert exported.returncode == 0, exported.stderr
    (model,) = folder.glob("*float32.ptl")
    hostile = model.rename(folder / 'm"o`d;e l$(reboot)é.ptl')

    run = user.measures(str(hostile), "--device", "host")

    assert len(run.launches) == 2
    assert not list(user.folder.rglob("owned"))


def test_a_file_that_is_no_model_is_a_row_and_the_other_model_goes_on(user):
    bad = user.folder / "broken.ptl"
    bad.write_bytes(b"not a model at all")

    done = user.types("run", str(bad), *NET, "--device", "host", *SHORT)

    assert done.returncode == 3, done.stderr
    run = user.last_run()
    assert {launch.model for launch in run.launches} == {"net"}
    (failure,) = run.failures
    assert failure.model == "broken"
    (report,) = user.runs.glob("*/report.html")
    assert failure.remedy in report.read_text()


def test_a_model_that_throws_on_its_inputs_is_reported_with_the_reason(user):
    user.write(
        "bad.py",
        """
        from torch import nn

        def throws():
            return nn.Linear(4, 2)
        """,
    )
    done = user.types(
        *("run", "bad:throws", "--input", "1x3x16x16", "--variant", "float32"),
        *("--device", "host", *SHORT),
    )

    assert done.returncode == 3
    assert "bad:throws" in done.stderr or "throws" in done.stderr


@pytest.mark.parametrize(
    ("argv", "reported"),
    [
        (("run", "mobilenet_v3"), "Did you mean mobilenet_v2"),
        (("run", "mobilenet_v2", "--variant", "int8-statik"), "int8-static"),
        (("run", "mobilenet_v2", "--device", "hots"), "Did you mean host"),
        (("run", "mobilenet_v2", "--device", "simulated:pixel-88"), "pixel-8"),
        (("run", "mobilenet_v2", "--device", "pixel-8"), "simulated:pixel-8"),
        (("run", "missing.ptl"), "missing.ptl"),
        (("run",), "no model was named"),
        (("run", "mobilenet_v2", "--blocks", "0"), "must be 1 or more"),
        (("run", "mobilenet_v2", "--input", "3xx"), "is not a shape"),
        (("run", "mobilenet_v2", "--min-duration", "soon"), "Write it as 10m"),
        (("run", "mobilenet_v2", "--min-duration", "2d"), "Write it as 10m"),
        (("run", "mobilenet_v2", "--sustained", "0.5s"), "is less than 1 s"),
        (("run", "mobilenet_v2", "--sustained", "25h"), "more than a day"),
        (("run", "mobilenet_v2", "--sample-every", "5s"), "Say --sustained"),
        (
            ("run", "mobilenet_v2", "--sustained", "1m", "--blocks", "3"),
            "Leave --blocks out",
        ),
        (
            ("run", "mobilenet_v2", "--sustained", "1m", "--fail-on", "regression"),
            "one process gives no verdict",
        ),
        (("run", "--resume", "nope"), "no such run"),
        (("run", "--resume", "last", "--iterations", "5"), "Leave it out"),
        (("run", "--resume", "last", "-d", "host"), "--device: is that of the stored"),
        (("report", "nope"), "no such run"),
        (("rnu",), "Did you mean run"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_way_out(user, argv, reported):
    done = user.types(*argv)

    assert done.returncode == 2
    assert reported in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "prefix"), [("pocketbench", ""), ("pyproject", "tool.pocketbench.")]
)
def test_a_group_of_the_projects_file_is_measured_by_its_name(user, name, prefix):
    user.write(f"{name}.toml", f'[{prefix}groups]\nhere = ["host"]\n')

    done = user.types("run", *NET, "--device", "@here", "--variant", "float32", *SHORT)

    assert done.returncode == 0, done.stderr
    run = user.last_run()
    assert [ready.device.id for ready in run.devices] == ["host"]
    assert len(run.launches) == 2
    unknown = user.types("run", *NET, "--device", "@hree")
    assert unknown.returncode == 2
    assert "Did you mean here" in unknown.stderr


def test_a_killed_run_goes_on_where_it_was(user):
    process = user.starts(
        "run", *NET, "--device", "host", "--blocks", "6", "--iterations", "3"
    )
    user.waits_for_launches(process, 4)
    process.kill()
    process.communicate()
    before = user.last_run()
    assert before.outcome == "killed"

    done = user.types("run", "--resume", "last")

    assert done.returncode == 0, done.stderr
    after = user.last_run()
    assert after.outcome == "finished"
    assert after.launches[: len(before.launches)] == before.launches
    kept = len(before.launches) - len(before.launches) % 3
    assert len(after.launches) == len(before.launches) + 18 - kept


def test_ctrl_c_leaves_a_readable_run_and_no_process(user, ctrl_c):
    process = user.starts(
        "run", *NET, "--device", "host", "--blocks", "50", "--iterations", "3"
    )
    user.waits_for_launches(process, 1)
    ctrl_c(process)
    _, stderr = process.communicate(timeout=120)

    assert process.returncode == 130
    assert "--resume" in stderr
    run = user.last_run()
    assert run.outcome == "interrupted"
    assert len(run.launches) < 150


def test_ctrl_c_is_heard_also_where_the_kernel_gives_it_to_another_thread(user):
    process = user.starts(
        "run", *NET, "--device", "host", "--blocks", "50", "--iterations", "3"
    )
    user.waits_for_launches(process, 1)
    threads = {int(x.name) for x in Path(f"/proc/{process.pid}/task").iterdir()}
    other = min(threads - {process.pid})
    assert ctypes.CDLL(None).tgkill(process.pid, other, signal.SIGINT) == 0
    process.communicate(timeout=120)

    assert process.returncode == 130
    assert len(user.last_run().launches) < 150


def test_a_second_run_exports_nothing_again_and_shows_a_changed_source(user):
    nets = user.write(
        "mine.py",
        """
        from torch import nn

        def net():
            return nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
        """,
    )
    mine = ("mine:net", "--input", "1x12", "--device", "host", "--variant", "float32")
    first = user.measures(*mine)
    again = user.measures(*mine)
    nets.write_text(nets.read_text().replace("12, 3", "12, 4"))
    changed = user.measures(*mine)

    shas = [
        {artifact.sha256 for artifact in run.artifacts}
        for run in (first, again, changed)
    ]
    assert shas[0] == shas[1]
    assert not shas[0] & shas[2]


def test_a_suite_file_says_all_of_it(user):
    user.write(
        "suite.toml",
        """
        [suite]
        name = "tiny"

        [workload]
        blocks = 2
        warmup_iterations = 1
        iterations = 3
        min_duration_s = 0.05
        threads = [1, 2]
        heap = "system"

        [[model]]
        name = "tiny net"
        source = "nets:net"
        inputs = [{ shape = [1, 3, 16, 16] }]
        variants = ["float32", "int8-static"]

        [devices]
        select = ["host"]

        [gate]
        min_effect = 0.05

        [[budget]]  # of memory, whose interval two launches do not make wide
        metric = "peak_memory"
        variant = "float32@2t"
        at_most = "1 MiB"
        """,
    )
    done = user.types("run", "suite.toml")

    assert done.returncode == 0, done.stderr
    judged = user.types("report", "last", "--fail-on", "budget")
    assert judged.returncode == 1, judged.stderr
    assert "over budget" in judged.stdout
    run = user.last_run()
    assert run.started.plan.min_effect == 0.05
    assert run.started.plan.workload.min_duration_s == 0.05
    assert {launch.measurement.heap for launch in run.launches} == {"system"}
    assert {launch.variant_id for launch in run.launches} == {
        "float32@1t",
        "float32@2t",
        "int8-static@1t",
        "int8-static@2t",
    }
    assert {
        launch.measurement.threads
        for launch in run.launches
        if launch.variant_id.endswith("@2t")
    } == {2}


def test_a_suite_file_with_an_unknown_key_names_it(user):
    user.write("suite.toml", '[[model]]\nsource = "nets:net"\nvariant = ["float32"]\n')

    done = user.types("run", "suite.toml")

    assert done.returncode == 2
    assert "variant" in done.stderr
