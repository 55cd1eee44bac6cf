"""Each reason why something cannot be measured, provoked on a simulated phone."""

import contextlib
import hashlib
import io
import json
import subprocess
import threading
import time
import zipfile

import pytest

from pocketbench.android_runner.own import LiteRunner
from pocketbench.bench.records.failure import FailureReason as Reason
from pocketbench.bench.records.plan import RunnerChoice
from pocketbench.devices.android.adb.private_server import private_server
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.android.driver import open_serial
from pocketbench.devices.host import HostDriver
from tests.bench.test_elf import elf
from tests.main_job.on_a_phone import ABI, PRINTS_A_RESULT, PhoneJob, model_file, script

pytestmark = pytest.mark.needs("compiler", "namespaces", "mksh", "toybox")

RUNNER = "speed_benchmark_torch"
"""Most programs here stand in for it: it cannot be asked what it loads."""


@pytest.fixture(scope="module")
def lite_libraries():
    """What every phone here holds from the start, built once."""
    (info,) = HostDriver().discover()
    return LiteRunner((), lambda text: None).program(info).libraries


@pytest.fixture
def phones(phone_factory, lite_libraries):
    """Phones that hold the libraries of our lite program."""

    def start(**more):
        return phone_factory(preinstalled=lite_libraries, **more)

    return start


@pytest.fixture
def job(tmp_path, adb):
    (tmp_path / "run").mkdir()
    return PhoneJob(tmp_path / "run", adb.port)


@pytest.fixture
def net(tmp_path):
    return model_file(tmp_path / "net.ptl", b"a model")


def the_failure(run, reason, remedy=None):
    """The one failure of a run, with its reason's remedy or one that says more."""
    (failure,) = {(x.reason, x.fact): x for x in run.failures}.values()
    assert failure.reason is reason
    assert failure.remedy == (remedy or reason.remedy)
    return failure


def is_on(phone, artifact):
    """Whether a model was sent to a phone."""
    folder = f"/data/local/tmp/pocketbench/objects/{artifact.sha256}"
    return phone.shell(f"ls {folder} 2>/dev/null").stdout != ""


# Files that the program does not load


def test_bytecode_that_is_too_new_for_the_program_is_refused_before_the_push(
    phones, job, tmp_path
):
    model = model_file(tmp_path / "new.ptl", b"new", bytecode_version=99)
    phone = phones()

    failure = the_failure(job.measures(phone, model), Reason.BYTECODE_TOO_NEW)

    assert "loads bytecode 4 to" in failure.fact
    assert "this is 99" in failure.fact
    assert not is_on(phone, model)


def test_bytecode_that_is_too_old_for_the_program_is_refused_before_the_push(
    phones, job, tmp_path
):
    model = model_file(tmp_path / "old.ptl", b"old", bytecode_version=2)
    phone = phones()

    failure = the_failure(job.measures(phone, model), Reason.BYTECODE_TOO_OLD)

    assert "this is 2" in failure.fact
    assert not is_on(phone, model)


def test_an_operator_that_the_program_lacks_is_refused_before_the_push(
    phones, job, tmp_path
):
    operators = ("aten::relu", "vision::nms")
    model = model_file(tmp_path / "vision.ptl", b"vision", operators=operators)
    phone = phones()

    failure = the_failure(job.measures(phone, model), Reason.MISSING_OPERATOR)

    assert failure.fact == "lite lacks vision::nms"
    assert not is_on(phone, model)


def test_a_program_without_a_quantized_engine_is_reported_before_the_push(
    phones, job, tmp_path
):
    model = model_file(tmp_path / "q.ptl", b"q", operators=("quantized::linear",))
    reported = [
        {"wire": 1, "runner": "lite", "runtime": "torch", "pid": 1},
        {"quantized_engines": [], "operators": ["quantized::linear"]},
    ]
    lines = [json.dumps(line) for line in reported]
    digest = hashlib.sha256("".join(f"{x}\n" for x in lines).encode()).hexdigest()
    lines.append(json.dumps({"end": True, "lines": 2, "sha256": digest}))
    program = script(tmp_path / "lite", *(f"echo '{line}'" for line in lines))
    phone = phones()

    run = job.measures(phone, model, lite=program)

    the_failure(run, Reason.NO_QUANTIZED_ENGINE)
    assert not is_on(phone, model)


def archive(*names):
    """As `torch.save` makes it, with files of these names."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name in names:
            file.writestr(f"net/{name}", b"3\n" if name == "version" else b"\x80\x02).")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive("data.pkl", "constants.pkl", "version"), Reason.FULL_JIT_FILE),
        (archive("bytecode.pkl", "data.pkl", "version")[:100], Reason.TRUNCATED_FILE),
        (b"", Reason.NOT_LOADABLE),
    ],
    ids=["a full-JIT file", "a truncated file", "nothing at all"],
)
def test_a_file_of_another_kind_is_reported_by_the_lite_program(
    phones, job, tmp_path, content, reason
):
    model = model_file(tmp_path / "net.ptl", content)

    failure = the_failure(job.measures(phones(), model), reason)

    assert failure.exit_code != 0
    assert '"error": "load"' in failure.stdout_tail


# Programs that the phone does not run


def test_a_program_of_another_abi_is_refused_before_the_push(
    phones, job, net, tmp_path
):
    program = tmp_path / "for-arm"
    program.write_bytes(elf(183 if ABI == "x86_64" else 62))
    phone = phones()

    failure = the_failure(
        job.measures(phone, net, **{RUNNER: program}), Reason.WRONG_ABI
    )

    assert f"the device runs {ABI}" in failure.fact
    assert not is_on(phone, net)


def test_a_program_for_smaller_pages_is_refused_before_the_push(
    phones, job, net, tmp_path
):
    program = tmp_path / "for-4-kb"
    program.write_bytes(elf(62 if ABI == "x86_64" else 183, alignment=4096))
    phone = phones(changes=["memory.page_size_bytes=16384"])

    run = job.measures(phone, net, **{RUNNER: program})

    failure = the_failure(run, Reason.WRONG_PAGE_SIZE)
    assert "pages of 4096 bytes, the device has pages of 16384" in failure.fact
    assert not is_on(phone, net)


def test_a_program_for_a_newer_android_is_refused_before_the_push(
    phones, job, net, tmp_path
):
    program = tmp_path / "for-android-16"
    program.write_bytes(elf(62 if ABI == "x86_64" else 183, api_level=36))
    phone = phones()

    failure = the_failure(
        job.measures(phone, net, **{RUNNER: program}), Reason.ANDROID_TOO_OLD
    )

    assert "API level 36 and newer, the phone has 34" in failure.fact
    assert "--api-level" in failure.remedy
    assert not is_on(phone, net)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A program that crashes, one that needs a library, and two such libraries."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "crash.c").write_text("int main() { return *(volatile int*)0; }")
    (folder / "needs.c").write_text("int needed(); int main() { return needed(); }")
    (folder / "whole.c").write_text("int needed() { return 0; }")
    (folder / "empty.c").write_text("int other() { return 0; }")
    for words in (
        "crash.c -o crash",
        "-shared -fPIC whole.c -o libneeded.so -Wl,-soname,libneeded.so",
        "needs.c -o needs -L. -lneeded",
        "-shared -fPIC empty.c -o libneeded.so -Wl,-soname,libneeded.so",
    ):
        subprocess.run(["cc", *words.split()], cwd=folder, check=True)
    return folder


def test_a_library_that_is_missing_is_named(phones, job, net, compiled):
    run = job.measures(phones(), net, **{RUNNER: compiled / "needs"})

    failure = the_failure(run, Reason.MISSING_LIBRARY)
    assert "libneeded.so" in failure.fact


def test_a_symbol_that_is_missing_is_named(phones, job, net, compiled):
    library = ("library", str(compiled / "libneeded.so"))
    program = RunnerChoice(
        name=RUNNER, path=str(compiled / "needs"), abi=ABI, options=(library,)
    )

    failure = the_failure(
        job.measures(phones(), net, given=program),
        Reason.LINKER,
        "A library of another release lacks the symbol needed: give the libraries that "
        "the program was built with",
    )
    assert "undefined symbol: needed" in failure.fact


def test_a_place_where_nothing_may_be_run_is_named(phones, job, net, compiled):
    phone = phones(changes=["storage.no_exec=true"])

    run = job.measures(phone, net, **{RUNNER: compiled / "crash"})

    failure = the_failure(run, Reason.EXECUTION_DENIED)
    assert failure.exit_code == 126
    assert "Permission denied" in failure.stderr_tail


# Programs that end badly


def test_a_crash_names_its_signal_and_keeps_the_tombstone(phones, job, net, compiled):
    run = job.measures(phones(), net, **{RUNNER: compiled / "crash"})

    failure = the_failure(run, Reason.CRASHED)
    assert "SIGSEGV" in failure.fact
    assert failure.signal == 11
    assert "F DEBUG   : pid: " in failure.log_tail
    assert "name: crash  >>> crash <<<" in failure.log_tail


def test_a_program_that_the_phone_killed_for_memory_says_so(phones, job, net, tmp_path):
    program = script(tmp_path / "program", "exec sleep 3456")
    rule = {"contains": "--model", "action": "kill", "after_s": 1.0}
    phone = phones(behaviour={"rules": [rule]})

    failure = the_failure(
        job.measures(phone, net, **{RUNNER: program}), Reason.OUT_OF_MEMORY
    )

    assert "low-memory killer: low watermark is breached" in failure.fact
    assert "lowmemorykiller: Kill 'sleep'" in failure.log_tail


def test_a_program_that_does_not_end_is_ended(phones, job, net, tmp_path):
    program = script(tmp_path / "program", "echo begun", "exec sleep 4567")
    phone = phones()

    run = job.measures(phone, net, timeout_s=1.5, **{RUNNER: program})

    failure = the_failure(run, Reason.TIMED_OUT)
    assert failure.stdout_tail == "begun\n"
    assert phone.shell("pgrep -f '^sleep 4567$'").stdout == ""


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("echo hello", Reason.BAD_OUTPUT),
        (
            "echo 'C10 flag: unrecognized commandline argument: --x' >&2; exit 1",
            Reason.BAD_FLAGS,
        ),
        (
            "echo 'terminating with uncaught exception of type std::runtime_error: "
            "shapes cannot be multiplied' >&2; kill -ABRT $$",
            Reason.MODEL_RAISED,
        ),
    ],
)
def test_what_a_program_says_of_its_end_is_kept(
    phones, job, net, tmp_path, line, reason
):
    program = script(tmp_path / "program", line)

    failure = the_failure(job.measures(phones(), net, **{RUNNER: program}), reason)

    assert failure.stdout_tail + failure.stderr_tail != ""


def test_a_program_whose_interpreter_is_not_there_names_what_is_missing(
    phones, job, net, tmp_path
):
    program = tmp_path / "program"
    program.write_text("#!/nowhere/sh\n")

    run = job.measures(phones(), net, **{RUNNER: program})

    assert "No such file or directory" in the_failure(run, Reason.MISSING_LOADER).fact


# Phones


def test_a_phone_that_restarts_is_lost_and_measured_when_it_is_back(
    phones, job, net, tmp_path
):
    program = script(tmp_path / "program", *PRINTS_A_RESULT)
    rule = {"contains": "--model", "action": "reboot", "times": 1}
    phone = phones(behaviour={"rules": [rule], "reboot_s": 0.5})

    run = job.measures(phone, net, **{RUNNER: program})

    the_failure(run, Reason.DEVICE_LOST)
    assert len(run.launches) == 1


def test_an_adb_server_that_is_replaced_is_reported_apart_from_a_lost_phone(
    phones, net, tmp_path
):
    """Another adb program, say Android Studio's, starts a server of its own."""
    script(tmp_path / "program", "sleep 1", *PRINTS_A_RESULT)
    (tmp_path / "run").mkdir()
    phone = phones(connect=False)
    with contextlib.ExitStack() as stack:
        first = contextlib.ExitStack()
        stack.callback(first.close)
        server = start_server(first, tmp_path / "adb", phone)

        def replace():
            while "--model" not in str(phone.statistics()["services"]):
                time.sleep(0.02)
            first.close()
            start_server(stack, tmp_path / "adb", phone, port=server.port)

        other = threading.Thread(target=replace)
        other.start()
        job = PhoneJob(tmp_path / "run", server.port)
        run = job.measures(phone, net, **{RUNNER: tmp_path / "program"})
        other.join()

    the_failure(run, Reason.ADB_SERVER_REPLACED)
    assert len(run.launches) == 1


def start_server(stack, home, phone, *, port=None):
    server = stack.enter_context(private_server(find_adb(), home, port=port))
    for words in (["connect", phone.serial], ["-s", phone.serial, "wait-for-device"]):
        subprocess.run(server.command(find_adb(), *words), check=True)
    return server


def test_a_phone_that_does_not_know_this_computer_is_unauthorized(
    phones, job, net, adb
):
    phone = phones(behaviour={"handshake": "unauthorized"}, connect=False)
    adb("connect", phone.serial)
    while adb.state(phone) != "unauthorized":
        time.sleep(0.02)

    failure = the_failure(job.measures(phone, net), Reason.UNAUTHORIZED)

    assert failure.model is None


def test_a_phone_that_does_not_answer_adb_is_offline(phones, job, net, adb):
    phone = phones()
    phone.ask("unplug")
    while adb.state(phone) != "offline":
        time.sleep(0.02)

    the_failure(job.measures(phone, net), Reason.OFFLINE)


def test_a_model_for_which_there_is_no_room_is_refused_and_the_others_go_on(
    phones, job, net, tmp_path
):
    program = script(tmp_path / "program", *PRINTS_A_RESULT)
    big = model_file(tmp_path / "big.ptl", bytes(3_000_000), name="big")
    phone = phones()
    phone.ask("state", free_storage_kb=2000)

    run = job.measures(phone, big, net, **{RUNNER: program})

    failure = the_failure(run, Reason.DISK_FULL)
    assert failure.model == "big"
    assert [launch.model for launch in run.launches] == ["net"]
    assert not is_on(phone, big)


def test_a_disk_that_fills_during_the_push_is_full(phones, job, tmp_path):
    program = script(tmp_path / "program", *PRINTS_A_RESULT)
    big = model_file(tmp_path / "big.ptl", bytes(3_000_000))
    phone = phones(behaviour={"disk_free_bytes": 1_000_000})

    run = job.measures(phone, big, **{RUNNER: program})

    failure = the_failure(run, Reason.DISK_FULL)
    assert "No space left on device" in failure.fact


def test_a_phone_that_is_measured_already_is_busy(phones, job, net, adb):
    phone = phones()
    with open_serial(
        phone.serial,
        adb_host="127.0.0.1",
        adb_port=adb.port,
        device_id="android:other",
        family="android",
        cancel=threading.Event(),
    ):
        run = job.measures(phone, net)

    the_failure(run, Reason.DEVICE_BUSY)
