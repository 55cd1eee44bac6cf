"""Every fault in every phase of a run on a scripted device, and what came of it.

`python -m tests.reliability.matrix` writes docs/reliability.md from what it sees; with
the argument `lab`, from what it sees of the lab's faults too, which takes minutes.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from pocketbench.bench.errors import (
    Cancelled,
    DeviceLostError,
    DeviceUnavailableError,
    LaunchError,
    PocketbenchError,
    PushError,
)
from pocketbench.bench.measure import faults as phone_faults
from pocketbench.bench.measure.store import Store
from pocketbench.bench.records.blocks import whole_blocks
from pocketbench.bench.records.conditions import Conditions
from pocketbench.bench.records.failure import FailureReason as Reason
from tests import factories
from tests.bench.measure.test_session import (
    Bench,
    CountingRunner,
    ScriptedDevice,
    ScriptedDriver,
)
from tests.reliability.lab_faults import (
    DOCUMENT,
    REPOSITORY,
    outcomes_on_page,
    provoked_outcomes,
    section,
)

BLOCKS, VARIANTS = 3, ("float32", "int8-static")


def _device_error(kind: type, reason: Reason) -> Callable[[], Exception]:
    return lambda: kind("host", "scripted", "See the test", reason)


FAULTS: dict[str, Callable[[], BaseException]] = {
    "phone lost": _device_error(DeviceLostError, Reason.DEVICE_LOST),
    "adb server replaced": _device_error(DeviceLostError, Reason.ADB_SERVER_REPLACED),
    "phone offline": _device_error(DeviceUnavailableError, Reason.OFFLINE),
    "push interrupted": _device_error(PushError, Reason.PUSH_FAILED),
    "phone's disk full": _device_error(PushError, Reason.DISK_FULL),
    "program crashed": lambda: LaunchError(Reason.CRASHED, "host", "SIGSEGV"),
    "program timed out": lambda: LaunchError(Reason.TIMED_OUT, "host", "300 s"),
    "computer's disk full": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "computer's disk stays full": lambda: OSError(errno.ENOSPC, "still full"),
    "computer out of memory": MemoryError,
    "fault of pocketbench": lambda: KeyError("scripted"),
    "Ctrl-C": lambda: Cancelled("run", "stopped", ""),
}
PHASES = ("open", "push", "quiesce", "conditions", "launch", "parse", "store")
_FIRST_CALL = {"open": 1, "push": 1, "quiesce": 1}
"""The others strike at the fourth call: when one block is stored."""
STAYS = "computer's disk stays full"
"""From its phase on nothing can be stored, until the run is resumed."""


class Faults:
    """Raises one fault once, at a call of one phase."""

    def __init__(self, phase: str, fault: str) -> None:
        self._phase = phase
        self._fault = fault
        self._left = _FIRST_CALL.get(phase, 4)
        self.is_disk_full = False

    def at(self, phase: str) -> None:
        """Be called wherever a phase begins."""
        if phase == self._phase:
            self._left -= 1
            if self._left == 0:
                self.is_disk_full = self._fault == STAYS
                raise FAULTS[self._fault]()


class _Device(ScriptedDevice):
    faults: Faults
    is_restored = True

    def push(self, objects):
        self.faults.at("push")
        return super().push(objects)

    @contextlib.contextmanager
    def quiesced(self, screen="on"):
        try:
            self.is_restored = False
            self.faults.at("quiesce")
            yield ()
        finally:
            self.restore()

    def restore(self):
        self.is_restored = True
        return True


class _Driver(ScriptedDriver):
    def __init__(self, faults: Faults) -> None:
        super().__init__(lambda argv: faults.at("launch"))
        self.faults = faults
        self.devices = []

    @contextlib.contextmanager
    def open(self, info, *, cancel):
        self.faults.at("open")
        device = _Device(info, self.answer, self._conditions, cancel)
        device.faults = self.faults
        self.devices.append(device)
        yield device

    def _conditions(self):
        self.faults.at("conditions")
        return Conditions()


class _Runner(CountingRunner):
    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def parse(self, result, artifact, request):
        self._faults.at("parse")
        return super().parse(result, artifact, request)


def outcome(phase: str, fault: str, folder: Path) -> str:
    """Provoke one fault, resume, and say in words what the first run made of it.

    Raises:
        AssertionError: A stored launch was lost, one was measured twice, or settings
            stayed changed.
    """
    faults = Faults(phase, fault)
    bench = Bench(folder, factories)
    bench.driver = _Driver(faults)
    plan = factories.plan(*VARIANTS, blocks=BLOCKS)
    append, pwrite, back_off_s = Store.append, os.pwrite, phone_faults.BACK_OFF_S

    def faulty_append(store, record):
        if type(record).__name__ == "Launch":
            faults.at("store")
        append(store, record)

    def faulty_pwrite(descriptor, data, offset):
        if faults.is_disk_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return pwrite(descriptor, data, offset)

    Store.append, os.pwrite = faulty_append, faulty_pwrite
    phone_faults.BACK_OFF_S = 0.0
    ended = None
    try:
        bench.run(plan, runner=_Runner(faults))
    except (PocketbenchError, OSError, MemoryError, KeyError) as error:
        ended = error
    finally:
        Store.append, os.pwrite = append, pwrite
        phone_faults.BACK_OFF_S = back_off_s
    assert all(device.is_restored for device in bench.driver.devices), "settings"
    stored = (folder / "run.jsonl").read_bytes()
    bench.cancel = threading.Event()  # As in the process of its own that it is.
    resumed = bench.run(plan, runner=CountingRunner(), resume=True)
    assert (folder / "run.jsonl").read_bytes().startswith(stored), "a line was lost"
    whole = whole_blocks(
        resumed.launches, device_id="host", model="net", variant_ids=VARIANTS
    )
    assert sorted(whole) == list(range(BLOCKS)), "a block is missing"
    in_whole = [x for x in resumed.launches if whole[x.block] == x.attempt]
    assert len(in_whole) == BLOCKS * len(VARIANTS), "a launch was measured twice"
    if isinstance(ended, Cancelled):
        return "stopped"
    if ended is not None:
        return "ended"
    reasons = {failure.reason.value for failure in resumed.failures}
    is_whole = stored.count(b'"record":"launch"') >= BLOCKS * len(VARIANTS)
    if not reasons:
        return "not reached" if is_whole else "ended"
    words = ", ".join(sorted(reason.replace("_", " ") for reason in reasons))
    return f"{'retried' if is_whole else 'recorded'} ({words})"


def cases() -> list[tuple[str, str]]:
    """Every fault in every phase."""
    return [(phase, fault) for fault in FAULTS for phase in PHASES]


SHOWN_BY = {
    "Input without end": (
        "tests/devices/test_host.py::endless_output",
        "tests/devices/test_android_run.py::endless_output",
        "tests/android_runner/test_runner_protocol.py::count_beyond_reason",
        "tests/bench/models/test_sources.py::unpacks_to_far_more",
        "tests/devices/conditions/test_properties.py::linear_time",
    ),
    "Faults of phones": (
        "tests/main_job/test_phone_faults.py",
        "tests/main_job/test_soak.py",
        "tests/devices/test_device_lock.py",
        "tests/devices/test_android_lost.py",
    ),
    "Faults of the computer": (
        "tests/main_job/test_environment_faults.py",
        "tests/bench/measure/test_store.py::set_back",
        "tests/main_job/test_on_the_host.py::do_not_write_to_one_folder",
        "tests/bench/test_paths.py",
    ),
    "The run file": ("tests/bench/measure/test_run_log.py",),
    "Settings of phones": (
        "tests/bench/measure/test_changed_phones.py",
        "tests/main_job/test_phone_settings.py",
    ),
    "Programs that do not end": (
        "tests/devices/test_host.py::ends_the_program",
        "tests/devices/test_host.py::left_the_group",
        "tests/devices/test_host.py::session_of_its_own",
        "tests/devices/test_android_run.py::cancel",
        "tests/devices/test_android_run.py::never_answers",
        "tests/main_job/test_refusals.py::does_not_answer",
        "tests/devices/test_android_push.py::killed_verification",
    ),
    "Words of devices in reports": (
        "tests/reports/test_redact.py",
        "tests/bench/commands/test_progress.py",
        "tests/reports/test_ci_formats.py::escape",
    ),
    "Other users, foreign runs and hostile programs": (
        "tests/devices/simulated/test_local_trust.py",
        "tests/bench/commands/test_foreign_runs.py",
    ),
    "Programs and files of the cache": (
        "tests/android_runner/test_build.py::damaged",
        "tests/android_runner/test_wheels.py::damaged",
        "tests/bench/models/test_cache.py::damaged",
        "tests/bench/models/test_reference.py::damaged",
        "tests/bench/measure/test_preflight.py::damaged",
    ),
    "A lab of several hosts": ("tests/main_job/test_lab.py",),
    "A phone leased elsewhere": (
        "tests/main_job/test_stf.py",
        "tests/main_job/test_jumpstarter.py",
    ),
    "Kills": ("tests/main_job/test_kill_anywhere.py",),
    "Structured fuzzing": (
        "tests/fuzz/test_fuzz.py",
        "tests/fuzz/test_sync_service.py",
    ),
}
"""By heading, files of tests; `::` and a part of their names where only some count."""


def document(seen: dict[tuple[str, str], str], of_the_lab: dict[str, str]) -> str:
    """The page: what was seen, and which tests show the rest."""
    lines = [
        "# Reliability and security",
        "",
        "Written by `tests/reliability/matrix.py` from what its faults came to; a test",
        "holds the page to it. Do not edit it.",
        "",
        "## Faults in each phase of a run",
        "",
        f"{len(seen)} cases on a scripted device: {len(VARIANTS)} variants in {BLOCKS}",
        "blocks; the fault strikes once, or stays where it says so. *retried*: all",
        "was measured in the same run; *recorded*: the failure is in the run file,",
        "and `--resume` measured the rest; *stopped* and *ended*: the run ended there",
        "(with the fault as its error), and `--resume` measured the rest. In every",
        "case each stored launch was kept, none was measured twice, and settings of",
        "the device were put back.",
        "",
        f"| fault | {' | '.join(PHASES)} |",
        f"|{'---|' * (len(PHASES) + 1)}",
    ]
    for fault in FAULTS:
        row = " | ".join(seen[phase, fault] for phase in PHASES)
        lines.append(f"| {fault} | {row} |")
    lines += ["", *section(of_the_lab)]
    for title, files in SHOWN_BY.items():
        lines += ["", f"## {title}", "", "| shown by | what it shows |", "|---|---|"]
        for file in files:
            name = file.partition("::")[0]
            lines += [f"| `{name}` | {words} |" for words in _tests_of(file)]
    return "\n".join(lines) + "\n"


def _tests_of(file: str) -> list[str]:
    """The names of a file's tests, as sentences."""
    name, _, part = file.partition("::")
    tree = ast.parse((REPOSITORY / name).read_text("utf-8"))
    tests = [x.name for x in tree.body if isinstance(x, ast.FunctionDef)]
    found = [x for x in tests if x.startswith("test_") and part in x]
    assert found, f"{file}: no such test"
    return [x[5:].replace("_", " ") for x in found]


def main() -> None:
    """Provoke everything and write the page."""
    # Faults of pocketbench are logged with their traceback, as they should be.
    logging.disable(logging.ERROR)
    seen = {}
    for phase, fault in cases():
        with tempfile.TemporaryDirectory() as folder:
            os.environ["POCKETBENCH_STATE_DIR"] = f"{folder}/state"
            seen[phase, fault] = outcome(phase, fault, Path(folder) / "run")
    of_the_lab = provoked_outcomes() if "lab" in sys.argv else outcomes_on_page()
    DOCUMENT.write_text(document(seen, of_the_lab), "utf-8")


if __name__ == "__main__":
    main()
