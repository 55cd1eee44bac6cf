"""What cannot work on a phone, refused before the push by the whole main job."""

import zipfile

import pytest

from pocketbench.bench.records.failure import FailureReason as Reason

pytestmark = pytest.mark.needs("compiler", "namespaces", "mksh", "toybox")

NET = ("nets:net", "--input", "1x3x16x16", "--variant", "float32")
SHORT = ("--iterations", "3", "--warmup", "1", "--blocks", "2")


def from_the_future(old, new):
    """The same file with a bytecode version that no runtime loads yet."""
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(new, "w") as target:
        for item in source.infolist():
            content = source.read(item)
            if item.filename.endswith("/bytecode.pkl"):
                content = content.replace(b"K\x08", b"K\x63", 1)
            target.writestr(item.filename, content)


@pytest.mark.slow
def test_a_file_the_runner_cannot_load_is_a_row_and_the_others_are_measured(user):
    assert user.types("export", *NET).returncode == 0
    good = user.folder / "net-float32.ptl"
    from_the_future(good, user.folder / "newer.ptl")

    done = user.types(
        *("run", "newer.ptl", good.name, "--device", "simulated:pixel-8"),
        *(*SHORT, "--details"),
    )

    assert done.returncode == 3, done.stderr
    run = user.last_run()
    (failure,) = run.failures
    assert failure.reason is Reason.BYTECODE_TOO_NEW
    assert failure.model == "newer"
    assert failure.block is None
    assert {launch.model for launch in run.launches} == {"net-float32"}
    (ready,) = run.devices
    sent = [item.sha256 for item in ready.objects if item.name == "model.ptl"]
    assert sent == [x.sha256 for x in run.artifacts if x.model == "net-float32"]
    (report,) = user.runs.glob("*/report.html")
    assert 'data-failure="bytecode_too_new"' in report.read_text()
    assert Reason.BYTECODE_TOO_NEW.remedy in " ".join(done.stdout.split())

    again = user.types("run", "--resume", "last")

    # It is looked at again, for another runner may be there now.
    assert again.returncode == 3, again.stderr
    assert len(user.last_run().failures) == 2
    assert len(user.last_run().launches) == len(run.launches)


@pytest.mark.slow
def test_a_phone_that_does_not_answer_is_named_and_not_the_given_program(
    user, phone_factory, adb
):
    phone = phone_factory(connect=False, behaviour={"handshake": "unauthorized"})
    adb("connect", phone.serial)
    program = user.write("program", "#!/system/bin/sh\n")

    done = user.types(
        *("run", *NET),
        *("--device", f"android:{phone.serial}"),
        *("--runner", f"speed_benchmark_torch={program}@x86_64"),
        ANDROID_ADB_SERVER_PORT=str(adb.port),
    )

    assert done.returncode == 3, done.stderr
    assert "fits none" not in done.stderr
    (failure,) = user.last_run().failures
    assert failure.reason is Reason.UNAUTHORIZED
