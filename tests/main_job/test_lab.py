"""A lab of several hosts: adb servers, workers and a scheduler of its own each.

All on this computer: hosts differ in ports, folders and adb servers.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections import Counter

import pytest

from pocketbench.bench.records.blocks import whole_blocks
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.adb.private_server import private_server
from pocketbench.devices.android.adb.program import find_adb
from pocketbench.devices.simulated.running import running_phone
from tests.main_job.conftest import MODELS
from tests.main_job.kill_anywhere import CHANGEABLE
from tests.phones import Adb, wait_for
from tests.reliability.lab_faults import record_outcome

NET = ("nets:net", "--input", "1x3x16x16", "--engine", "executorch")
VARIANTS = ("--variant", "float32", "--variant", "int8-static")
IDS = ["float32+executorch", "int8-static+executorch"]
BLOCKS = 4
SOON = {
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "11s",
}
"""With which silence counts as absence after the shortest time that Dask allows."""
SHORT = ("--blocks", str(BLOCKS), "--iterations", "3", "--warmup", "1")
LONG = ("--min-duration", "500ms")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.needs("compiler", "namespaces", "mksh", "toybox", "executorch", "lab"),
]


class Host:
    """A computer of the lab: an adb server with phones, and a worker."""

    def __init__(self, name, adb, user, folder):
        self.name, self.adb, self._user, self.folder = name, adb, user, folder
        self.phones = []
        self.worker = None
        self._own = {
            "ANDROID_ADB_SERVER_PORT": str(adb.port),
            "POCKETBENCH_CACHE_DIR": str(folder / "cache"),
            "POCKETBENCH_STATE_DIR": str(folder / "state"),
        }

    def joins(self, address, **environment):
        """Start its worker, and wait until it has announced its phones."""
        line = self.starts_worker(address, **environment)
        assert self.phones[0].serial in line, line + self.worker.stderr.read()

    def starts_worker(self, address, **environment):
        """Start its worker; gives the first line that it prints."""
        self.worker = self._user.starts(
            *("lab", "worker", address, "--name", self.name),
            **(self._own | environment),
        )
        return self.worker.stdout.readline()

    def is_killed(self):
        self.worker.kill()
        self.worker.wait()

    def measures(self):
        """Whether a long launch runs on its first phone."""
        listed = self.adb(
            "shell", "pgrep -f min-duration-ms", serial=self.phones[0].serial
        )
        return bool(listed.stdout.strip())

    def settings(self):
        """All that a run may change on its first phone."""
        return self.adb("shell", CHANGEABLE, serial=self.phones[0].serial).stdout

    def holder(self):
        """What `pocketbench devices` says there of who uses its first phone."""
        listed = self._user.types("devices", "--json", **self._own)
        (found,) = [
            x for x in json.loads(listed.stdout) if x["id"] == self.phones[0].id
        ]
        return found.get("held_by")

    @property
    def files(self):
        return sorted(x.name for x in (self.folder / "cache/lab").glob("*/*"))


@pytest.fixture
def hosts(user, tmp_path_factory):
    """Make hosts with simulated phones: `hosts("left", right=["vivo-x100"])`."""
    with contextlib.ExitStack() as stack:

        def make(*names, **others):
            made = []
            alike = {name: ["pixel-8"] for name in names}
            for name, profiles in (alike | others).items():
                folder = tmp_path_factory.mktemp(name)
                server = stack.enter_context(private_server(find_adb(), folder / "adb"))
                host = Host(name, Adb(find_adb(), server), user, folder)
                for profile in profiles:
                    phone = stack.enter_context(
                        running_phone(profile, name=f"{name}-{uuid.uuid4().hex[:8]}")
                    )
                    host.adb.connect(phone)
                    host.phones.append(phone)
                    phone.id = f"android:{phone.serial}"
                made.append(host)
            return made

        yield make


@pytest.fixture
def scheduler(tmp_path):
    """Start a scheduler: its process and its address."""
    started = []

    def start(*argv, port=0, **environment):
        file = tmp_path / f"scheduler-{len(started)}.json"
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "distributed.cli.dask_scheduler"),
                *("--host", "127.0.0.1", "--port", str(port), "--no-dashboard"),
                *("--scheduler-file", str(file), *argv),
            ],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        return process, json.loads(file.read_text())["address"]

    yield start
    for process in started:
        process.kill()
        process.wait()


class Cable:
    """What connects a computer to the scheduler, and can be cut or fall silent."""

    def __init__(self, address):
        self._passes = threading.Event()
        self._passes.set()
        self._target = address.removeprefix("tcp://").split(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends = []
        self._serving = threading.Thread(target=self._serve, daemon=True)
        self._serving.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._ends += [near, far]
                for pair in ((near, far), (far, near)):
                    words = (*pair, self._passes)
                    threading.Thread(target=_copy, args=words, daemon=True).start()

    def silence(self):
        """Pass nothing on from now on, and close nothing."""
        self._passes.clear()

    def heal(self):
        self._passes.set()

    def cut(self):
        for end in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._serving.join()
        for end in (self._listener, *self._ends):
            end.close()
        self.heal()


def _copy(source, target, passes):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            passes.wait()
            target.sendall(data)
        passes.wait()
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cable_to():
    """Lay cables to a scheduler."""
    with contextlib.ExitStack() as stack:

        def lay(address):
            cable = Cable(address)
            stack.callback(cable.cut)
            return cable

        yield lay


def two_joined(hosts, address):
    """Two hosts that have announced their phones."""
    both = hosts("left", "right")
    for host in both:
        host.joins(address)
    return both


def whole_on(run, device_id):
    return sorted(
        whole_blocks(run.launches, device_id=device_id, model="net", variant_ids=IDS)
    )


def ends(process):
    """Wait for a command's end; its exit code, and what it printed to stderr."""
    _, stderr = process.communicate(timeout=300)
    return process.returncode, stderr


def test_each_phone_measures_on_its_own_host_and_files_travel_once(
    user, hosts, scheduler
):
    _, address = scheduler()
    left, right = two_joined(hosts, address)

    listed = json.loads(user.types("lab", "status", address, "--json").stdout)
    assert {(x["host"], x["id"], x["part"]) for x in listed} == {
        (host.name, host.phones[0].id, None) for host in (left, right)
    }
    assert all(x["is_simulated"] for x in listed)
    done = user.types("run", *NET, *VARIANTS, *SHORT, "--lab", address)
    assert done.returncode == 0, done.stderr

    run = user.last_run()
    assert {x.device.id for x in run.devices} == {x["id"] for x in listed}
    for host in (left, right):
        assert whole_on(run, host.phones[0].id) == list(range(BLOCKS))
        assert f"to {host.name}" in done.stderr
    assert len(run.launches) == 2 * BLOCKS * len(IDS)
    assert left.files == right.files != []

    again = user.types("run", *NET, *VARIANTS, *SHORT, "--lab", address)
    assert again.returncode == 0
    assert "sent " not in again.stderr


def test_two_phones_of_a_host_share_one_transfer(user, hosts, scheduler):
    (left,) = hosts(left=["pixel-8", "pixel-8"])
    _, address = scheduler()
    left.joins(address)
    done = user.types("run", *NET, "--variant", "float32", *SHORT, "--lab", address)

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("sent ") == 1
    launches = Counter(x.device_id for x in user.last_run().launches)
    assert launches == {phone.id: BLOCKS for phone in left.phones}


def test_a_spare_phone_of_another_model_is_left_alone(user, hosts, scheduler):
    left, right = hosts("left", right=["vivo-x100"])
    _, address = scheduler()
    for host in (left, right):
        host.joins(address)
    (lost,), (other,) = left.phones, right.phones
    run = user.starts(
        *("run", *NET, *VARIANTS, *SHORT, *LONG, "--spread"),
        *("--lab", address, "--device", lost.id),
    )
    user.waits_for_launches(run, 1)
    left.is_killed()
    code, stderr = ends(run)

    assert code == 3, stderr
    stored = user.last_run()
    assert {x.device_id for x in stored.launches} == {lost.id}
    assert [x.reason for x in stored.failures] == [FailureReason.DEVICE_LOST]
    listed = right.adb("shell", "ls /data/local/tmp", serial=other.serial)
    assert (listed.returncode, listed.stdout) == (0, "")


def test_a_killed_workers_blocks_are_redone_on_a_free_phone_of_its_model(
    user, hosts, scheduler
):
    _, address = scheduler()
    left, right = two_joined(hosts, address)
    lost, spare = left.phones[0].id, right.phones[0].id
    run = user.starts(
        *("run", *NET, *VARIANTS, *SHORT, *LONG, "--lab", address, "--device", lost)
    )
    user.waits_for_launches(run, 3)
    left.is_killed()
    code, stderr = ends(run)

    assert code == 0, stderr
    assert (
        f"lab host left went away; {len(_of(user, lost))} launches are kept" in stderr
    )
    stored = user.last_run()
    assert whole_on(stored, lost)
    assert whole_on(stored, spare)
    record_outcome("worker killed, another phone of its model is free", [lost], stored)


def test_a_resumed_run_counts_the_blocks_that_a_spare_phone_measured(
    user, hosts, scheduler
):
    process, address = scheduler()
    left, right = two_joined(hosts, address)
    lost, spare = left.phones[0].id, right.phones[0].id
    run = user.starts(
        *("run", *NET, *VARIANTS, *SHORT, *LONG, "--lab", address, "--device", lost)
    )
    user.waits_for_launches(run, 2, lost)
    left.is_killed()
    user.waits_for_launches(run, 2, spare)
    process.kill()
    code, stderr = ends(run)
    assert code == 3, stderr
    before = user.last_run()
    assert [x.instead_of for x in before.devices] == [None, lost]
    assert whole_on(before, spare)

    _, address = scheduler(port=address.rpartition(":")[2])
    left.joins(address)
    resumed = user.types("run", "--resume", "last", "--lab", address)
    assert resumed.returncode == 0, resumed.stderr
    after = user.last_run()
    assert whole_on(after, spare) == whole_on(before, spare)
    record_outcome("worker killed, then the scheduler", [lost], before, after)


CLOCK = """
import datetime, os

real = datetime.datetime

class SetBack(real):
    @classmethod
    def now(cls, tz=None):
        hours = 5 if os.path.exists(os.environ["SET_BACK"]) else 2
        return real.now(tz) - datetime.timedelta(hours=hours)

datetime.datetime = SetBack
"""
"""A `sitecustomize` with which a process sees its computer's clock behind."""


def test_a_host_whose_clock_is_behind_and_set_back_loses_no_launch_and_no_order(
    user, hosts, scheduler, tmp_path
):
    (left,) = hosts("left")
    process, address = scheduler()
    user.write("clock/sitecustomize.py", CLOCK)
    behind = {
        "PYTHONPATH": f"{user.folder / 'clock'}:{MODELS}",
        "SET_BACK": str(tmp_path / "set-back"),
    }
    left.joins(address, **behind)
    run = user.starts("run", *NET, *VARIANTS, *SHORT, *LONG, "--lab", address)
    user.waits_for_launches(run, 2)
    (tmp_path / "set-back").touch()
    user.waits_for_launches(run, 4)
    process.kill()
    code, stderr = ends(run)
    assert code == 3, stderr
    stored = user.last_run()
    assert left.worker.stdout.readline().startswith(address)

    _, address = scheduler(port=address.rpartition(":")[2])
    assert "left at" in left.worker.stdout.readline()
    resumed = user.types("run", "--resume", "last", "--lab", address)
    # The failure is made good by launches that really are later.
    assert resumed.returncode == 0, resumed.stderr
    run = user.last_run()
    fault = "host's clock behind and set back, then the scheduler gone"
    record_outcome(fault, [left.phones[0].id], stored, run)
    times = [x.started_at for x in run.launches]
    assert times == sorted(times)
    assert run.started.started_at < times[0]


def test_a_phone_that_is_lost_at_every_launch_is_quarantined_and_holds_no_other(
    user, hosts, scheduler
):
    _, address = scheduler()
    left, right = two_joined(hosts, address)
    lost = left.phones[0]
    rule = {"contains": "--model", "action": "unplug"}
    lost.ask("behave", rules=[rule], replug_s=0.1)
    done = user.types("run", *NET, *VARIANTS, *SHORT, "--lab", address)

    assert done.returncode == 3, done.stderr
    run = user.last_run()
    last = run.failures[-1]
    assert (last.device_id, last.reason) == (lost.id, FailureReason.QUARANTINED)
    assert whole_on(run, lost.id) == []
    assert whole_on(run, right.phones[0].id) == list(range(BLOCKS))

    lost.ask("behave", rules=[])
    resumed = user.types("run", "--resume", "last", "--lab", address)
    assert resumed.returncode == 0, resumed.stderr
    asked = [lost.id, right.phones[0].id]
    record_outcome("phone quarantined", asked, run, user.last_run())


def test_a_quarantined_phone_of_a_spread_run_leaves_every_model_to_the_other_host(
    user, hosts, scheduler
):
    _, address = scheduler()
    left, right = two_joined(hosts, address)
    lost = left.phones[0]
    rule = {"contains": "--model", "action": "unplug"}
    lost.ask("behave", rules=[rule], replug_s=0.1)
    models = ("one", "two", "three")
    user.write("three.py", f"from nets import net\n{' = '.join(models)} = net\n")
    done = user.types(
        *("run", *(f"three:{name}" for name in models), *NET[1:], *VARIANTS[:2]),
        *(*SHORT, "--spread", "--lab", address),
        PYTHONPATH=f"{user.folder}:{MODELS}",
    )

    assert done.returncode == 0, done.stderr
    run = user.last_run()
    assert [x.reason for x in run.failures].count(FailureReason.QUARANTINED) == 1
    assert {x.device_id for x in run.launches} == {right.phones[0].id}
    asked = [lost.id, right.phones[0].id]
    record_outcome("phone quarantined, models spread over phones", asked, run)


def test_a_phone_that_another_run_of_the_lab_uses_is_waited_for_as_long_as_asked(
    user, hosts, scheduler, ctrl_c
):
    (left,) = hosts("left")
    _, address = scheduler()
    left.joins(address)
    one_variant = ("run", *NET, "--variant", "float32", "--lab", address)
    first = user.starts(*one_variant, "--blocks", "2", "--min-duration", "10m")

    wait_for(left.measures)
    run_id = user.last_run().started.run_id
    (listed,) = json.loads(user.types("lab", "status", address, "--json").stdout)
    assert listed["part"].startswith(f"{run_id}-")
    assert left.holder()["run_id"] == run_id

    second = user.types(*one_variant, *SHORT, "--wait", "1s")
    assert second.returncode == 3, second.stderr
    (failure,) = user.last_run().failures
    assert failure.reason is FailureReason.DEVICE_BUSY
    assert failure.fact == f"in use by run {run_id} of the lab, also after 1 s"

    ctrl_c(first)
    ends(first)
    third = user.types(*one_variant, *SHORT)
    assert third.returncode == 0, third.stderr
    assert len(user.last_run().launches) == BLOCKS


def test_a_lab_is_measured_until_all_is_settled(user, hosts, scheduler):
    (left,) = hosts("left")
    _, address = scheduler()
    left.joins(address)
    done = user.types(
        *("run", *NET, *VARIANTS, "--iterations", "3", "--warmup", "1"),
        *("--until-settled", "--blocks", "12", "--lab", address),
    )

    assert done.returncode == 0, done.stderr
    assert "look 1 of" in done.stderr
    run = user.last_run()
    whole = whole_on(run, left.phones[0].id)
    assert len(whole) in run.started.plan.workload.looks
    assert len(run.launches) == len(whole) * len(IDS)


def _of(user, device_id):
    return [x for x in user.last_run().launches if x.device_id == device_id]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_worker_that_is_stopped_says_that_alone(user, hosts, scheduler, number):
    (left,) = hosts("left")
    _, address = scheduler()
    left.joins(address)
    left.worker.send_signal(number)

    _, stderr = left.worker.communicate(timeout=120)
    assert stderr.strip() == "Stopped."
    assert left.worker.returncode == 130


def test_a_killed_workers_phone_is_reported_where_no_other_is_free(
    user, hosts, scheduler
):
    _, address = scheduler()
    left, right = two_joined(hosts, address)
    lost = left.phones[0].id
    run = user.starts("run", *NET, *VARIANTS, *SHORT, *LONG, "--lab", address)
    user.waits_for_launches(run, 2, lost)
    left.is_killed()
    code, stderr = ends(run)

    assert code == 3, stderr
    stored = user.last_run()
    (failure,) = stored.failures
    assert (failure.device_id, failure.reason) == (lost, FailureReason.DEVICE_LOST)
    assert failure.fact == "lab host left went away"
    assert whole_on(stored, right.phones[0].id) == list(range(BLOCKS))

    left.joins(address)
    resumed = user.types("run", "--resume", "last", "--lab", address)
    assert resumed.returncode == 0, resumed.stderr
    asked, fault = [lost, right.phones[0].id], "worker killed, no other phone is free"
    record_outcome(fault, asked, stored, user.last_run())


def test_a_run_whose_scheduler_is_gone_keeps_what_it_has_and_is_resumed(
    user, hosts, scheduler
):
    (left,) = hosts("left")
    process, address = scheduler()
    left.joins(address)
    phone = left.phones[0]
    run = user.starts("run", *NET, *VARIANTS, *SHORT, *LONG, "--lab", address)
    user.waits_for_launches(run, 2)
    process.kill()
    process.wait()
    code, stderr = ends(run)

    assert code == 3, stderr
    stored = user.last_run()
    assert stored.launches
    assert "scheduler of the lab went away" in stored.failures[-1].fact
    # The worker ends what nobody waits for, and waits for a scheduler.
    assert left.worker.stdout.readline().startswith(address)

    _, address = scheduler(port=address.rpartition(":")[2])
    assert "left at" in left.worker.stdout.readline()
    resumed = user.types("run", "--resume", "last", "--lab", address)
    assert resumed.returncode == 0, resumed.stderr
    record_outcome("scheduler gone", [phone.id], stored, user.last_run())


def test_a_network_that_is_cut_costs_no_launch_and_ends_what_is_cut_off(
    user, hosts, scheduler, cable_to
):
    left, right = hosts("left", "right")
    _, address = scheduler()
    cable = cable_to(address)
    left.joins(cable.address)
    right.joins(address)
    lost, spare = left.phones[0].id, right.phones[0].id
    run = user.starts(
        *("run", *NET, *VARIANTS, *SHORT, *LONG, "--lab", address, "--device", lost)
    )
    user.waits_for_launches(run, 3)
    cable.cut()
    code, stderr = ends(run)

    assert code == 0, stderr
    stored = user.last_run()
    assert whole_on(stored, lost)
    assert whole_on(stored, spare)
    record_outcome("network cut between a host and the scheduler", [lost], stored)
    assert "went away" in left.worker.stdout.readline()


def test_a_host_behind_a_silent_network_loses_no_launch_and_stops_and_joins_again(
    user, hosts, scheduler, cable_to
):
    left, right = hosts("left", "right")
    _, address = scheduler(**SOON)
    cable = cable_to(address)
    left.joins(cable.address, **SOON)
    right.joins(address)
    before = left.settings()
    lost, spare = left.phones[0].id, right.phones[0].id
    run = user.starts(
        *("run", *NET, *VARIANTS, *SHORT, "--min-duration", "3s"),
        *("--lab", address, "--device", lost),
    )
    user.waits_for_launches(run, 3)
    assert left.settings() != before
    cable.silence()

    assert left.worker.stdout.readline() == f"{cable.address} went away; trying again\n"
    assert left.settings() == before
    code, stderr = ends(run)
    assert code == 0, stderr
    stored = user.last_run()
    assert whole_on(stored, lost)
    assert whole_on(stored, spare)
    record_outcome("network silent between a host and the scheduler", [lost], stored)
    cable.heal()
    assert "left at" in left.worker.stdout.readline()


def test_a_host_that_hangs_is_left_out_and_holds_up_no_other(user, hosts, scheduler):
    _, address = scheduler()
    left, _ = two_joined(hosts, address)
    left.worker.send_signal(signal.SIGSTOP)
    try:
        listed = user.types("lab", "status", address, "--json", **SOON)
    finally:
        left.worker.send_signal(signal.SIGCONT)
    assert [x["host"] for x in json.loads(listed.stdout)] == ["right"]


@pytest.mark.parametrize("fault", ["cut", "silent"])
def test_a_run_that_is_cut_off_from_its_lab_keeps_what_it_has_and_is_resumed(
    user, hosts, scheduler, cable_to, fault
):
    (left,) = hosts("left")
    _, address = scheduler()
    cable = cable_to(address)
    left.joins(address)
    before = left.settings()
    run = user.starts(
        *("run", *NET, *VARIANTS, *SHORT, *LONG, "--lab", cable.address), **SOON
    )
    user.waits_for_launches(run, 2)
    cable.cut() if fault == "cut" else cable.silence()
    code, stderr = ends(run)

    assert code == 3, stderr
    stored = user.last_run()
    assert "scheduler of the lab went away" in stored.failures[-1].fact
    resumed = user.types("run", "--resume", "last", "--lab", address)
    assert resumed.returncode == 0, resumed.stderr
    asked, name = (
        [left.phones[0].id],
        f"network {fault} between a run and the scheduler",
    )
    record_outcome(name, asked, stored, user.last_run())
    assert left.settings() == before


def test_the_phones_of_a_run_whose_computer_dies_get_their_settings_back(
    user, hosts, scheduler
):
    _, address = scheduler()
    both = two_joined(hosts, address)
    before = [host.settings() for host in both]
    run = user.starts("run", *NET, *VARIANTS, *SHORT, *LONG, "--lab", address)
    asked = [host.phones[0].id for host in both]
    for device_id in asked:
        user.waits_for_launches(run, 1, device_id)
    assert all(host.settings() != x for host, x in zip(both, before, strict=True))
    run.kill()
    run.wait()

    wait_for(lambda: [host.settings() for host in both] == before)
    stored = user.last_run()
    resumed = user.types("run", "--resume", "last", "--lab", address)
    assert resumed.returncode == 0, resumed.stderr
    record_outcome("computer of the run dies", asked, stored, user.last_run())
    assert [host.settings() for host in both] == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_phone_of_a_worker_that_ends_gets_its_settings_back(
    user, hosts, scheduler, number
):
    (left,) = hosts("left")
    _, address = scheduler()
    left.joins(address)
    before = left.settings()
    run = user.starts("run", *NET, "--variant", "float32", *LONG, "--lab", address)
    user.waits_for_launches(run, 1)
    assert left.settings() != before
    left.worker.send_signal(number)
    left.worker.wait()

    if number == signal.SIGKILL:
        assert left.settings() != before
        # As each command there does, so that `--resume` finds the phone as it was.
        left.joins(address)
    assert left.settings() == before


def test_ctrl_c_ends_what_runs_on_the_other_host(user, hosts, scheduler, ctrl_c):
    (left,) = hosts("left")
    _, address = scheduler()
    left.joins(address)
    run = user.starts(
        *("run", *NET, "--variant", "float32", "--blocks", "2"),
        *("--min-duration", "10m", "--lab", address),
    )

    wait_for(left.measures)
    ctrl_c(run)
    code, stderr = ends(run)

    assert code != 0
    assert "--resume" in stderr
    wait_for(lambda: not left.measures())


def test_only_who_has_a_certificate_joins_a_lab_with_tls(
    user, hosts, scheduler, tmp_path
):
    import trustme

    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, issuer in (("own", authority), ("strange", stranger)):
        issued = issuer.issue_cert("127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / f"{name}.pem")

    def tls(certificate):
        files = {"CA_FILE": tmp_path / "ca.pem"}
        for role in ("SCHEDULER", "WORKER", "CLIENT"):
            files[f"{role}__CERT"] = files[f"{role}__KEY"] = tmp_path / certificate
        return {
            f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(file)
            for name, file in files.items()
        }

    settings = tls("own.pem")
    (left,) = hosts("left")
    _, address = scheduler("--protocol", "tls", **settings)
    assert address.startswith("tls://")
    left.joins(address, **settings)

    run = ("run", *NET, "--variant", "float32", *SHORT, "--lab", address)
    for others in ({}, tls("strange.pem")):
        refused = user.types(*run, **others)
        assert refused.returncode == 2
        assert "no scheduler answers" in refused.stderr
    (right,) = hosts("right")
    line = right.starts_worker(address, **tls("strange.pem"))
    assert line.startswith(f"{address}: no scheduler answers")
    done = user.types(*run, **settings)
    assert done.returncode == 0, done.stderr
    launches = user.last_run().launches
    assert [x.device_id for x in launches] == [left.phones[0].id] * BLOCKS


def test_a_lab_that_does_not_answer_is_named(user):
    done = user.types("run", *NET, "--lab", "tcp://127.0.0.1:9", timeout_s=120)

    assert done.returncode == 2
    assert "lab tcp://127.0.0.1:9: no scheduler answers" in done.stderr
