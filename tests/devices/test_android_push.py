"""The object store on a phone, through the real adb."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path

import pytest

from pocketbench.bench.errors import Cancelled, DeviceLostError, PushError
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason
from pocketbench.devices.android.push import objects
from pocketbench.devices.android.push.scripts import INCOMING, OBJECTS, parse_look_up
from pocketbench.devices.android.push.stored_objects import LIST_STORED
from pocketbench.devices.android.shell.shell import FOLDER
from tests.devices.conftest import opened
from tests.phones import as_soon_as, has_come, wait_for

pytestmark = pytest.mark.needs("namespaces")


@pytest.fixture
def device(phone, open_phone):
    return open_phone(phone)


def hashed(device, path):
    done = device.run(["sha256sum", path], timeout_s=30)
    return done.stdout.split()[0].decode()


def listed(device, folder):
    done = device.run(["ls", "-A", folder], timeout_s=60)
    return done.stdout.decode().split()


def test_what_is_sent_is_whole_named_and_executable(device, make_object):
    model = make_object("model.ptl", os.urandom(300_000))
    program = make_object("runner", b"#!/system/bin/sh\necho ran\n", executable=True)
    sent = device.push([model, program])
    assert [o.origin for o in sent] == ["sent", "sent"]
    assert [o.name for o in sent] == ["model.ptl", "runner"]
    assert sent[0].remote_path == f"{OBJECTS}/{model.sha256}/model.ptl"
    assert hashed(device, sent[0].remote_path) == model.sha256
    assert device.run([sent[1].remote_path], timeout_s=60).stdout == b"ran\n"
    assert listed(device, INCOMING) == []


def test_the_second_push_sends_nothing_and_is_one_stream(phone, device, make_object):
    objects = [make_object(f"lib{n}.so", os.urandom(1000 + n)) for n in range(9)]
    device.push(objects)
    phone.ask("reset_statistics")
    again = device.push(objects)
    assert [o.origin for o in again] == ["present"] * 9
    counted = phone.statistics()
    assert (counted["streams"], counted["received_bytes"]) == (1, 0)


def test_what_was_looked_up_before_a_push_is_not_looked_up_by_it(
    phone, device, make_object
):
    old, new = make_object("old", b"content"), make_object("new", b"few")
    device.push([old])
    phone.ask("reset_statistics")
    assert device.lacking([old]) == ()
    assert [o.origin for o in device.push([old])] == ["present"]
    assert phone.statistics()["streams"] == 1
    assert device.lacking([old, new]) == (new,)
    assert [o.origin for o in device.push([new, old])] == ["sent", "present"]


def test_what_was_removed_since_it_was_looked_up_is_sent_again(device, make_object):
    old = make_object("old", b"content")
    device.push([old])
    assert device.lacking([old]) == ()
    device.clean()
    assert [o.origin for o in device.push([old])] == ["sent"]


def test_only_what_is_missing_is_sent(phone, device, make_object):
    old, new = make_object("old", os.urandom(50_000)), make_object("new", b"few")
    device.push([old])
    phone.ask("reset_statistics")
    assert [o.origin for o in device.push([old, new])] == ["present", "sent"]
    assert phone.statistics()["received_bytes"] < 2000


def test_pushing_nothing_or_one_thing_twice_is_fine(device, make_object):
    wanted = make_object("twice", b"content")
    assert device.push([]) == ()
    assert [o.origin for o in device.push([wanted, wanted])] == ["sent", "sent"]


def test_one_content_under_two_names_is_two_files(device, make_object):
    first, second = make_object("a.ptl", b"same"), make_object("b.ptl", b"same")
    device.push([first])
    assert [o.origin for o in device.push([first, second])] == ["present", "sent"]
    assert hashed(device, f"{OBJECTS}/{first.sha256}/b.ptl") == first.sha256


@pytest.mark.parametrize(
    "name",
    [
        "my model.ptl",
        "it's.ptl",
        'a "b".ptl',
        "a;rm -rf x.ptl",
        "$(id)`id`.ptl",
        "-rf",
        "ünï 模型 🙂.ptl",
        "two\nlines",
        "*",
        "back\\slash",
    ],
)
def test_strange_names_arrive_as_they_are(device, make_object, name):
    wanted = make_object(name, name.encode() + b" content")
    (sent,) = device.push([wanted])
    assert sent.remote_path == f"{OBJECTS}/{wanted.sha256}/{name}"
    done = device.run(["cat", sent.remote_path], timeout_s=60)
    assert done.stdout == name.encode() + b" content"
    assert device.push([wanted])[0].origin == "present"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".verified", ".preinstalled"])
def test_a_name_that_cannot_be_a_file_is_refused(device, make_object, name):
    import msgspec

    wanted = msgspec.structs.replace(make_object("fine", b"content"), name=name)
    with pytest.raises(PushError, match="cannot be a file's name"):
        device.push([wanted])


def test_preinstalled_objects_are_reported_apart_and_not_sent(
    phone_factory, open_phone, make_object
):
    library = make_object("libtorch.so", os.urandom(5000))
    phone = phone_factory(preinstalled=[library])
    device = open_phone(phone)
    (found,) = device.push([library])
    assert found.origin == "preinstalled"
    assert hashed(device, found.remote_path) == library.sha256
    assert phone.statistics()["received_bytes"] == 0


def test_an_object_of_another_size_is_sent_again(device, make_object):
    wanted = make_object("model", os.urandom(5000))
    (sent,) = device.push([wanted])
    device.run(["truncate", "-s", "100", sent.remote_path], timeout_s=60)
    assert device.push([wanted])[0].origin == "sent"
    assert hashed(device, sent.remote_path) == wanted.sha256


def test_an_object_without_its_marker_is_sent_again(device, make_object):
    wanted = make_object("model", b"content")
    device.push([wanted])
    device.run(["rm", f"{OBJECTS}/{wanted.sha256}/.verified"], timeout_s=60)
    assert device.push([wanted])[0].origin == "sent"


def test_a_file_that_is_not_what_it_was_described_as_is_not_accepted(
    device, make_object
):
    wanted = make_object("model", b"what was hashed")
    with open(wanted.path, "wb") as file:
        file.write(b"what was mangled"[: wanted.size_bytes])
    with pytest.raises(PushError, match="did not arrive as it was sent"):
        device.push([wanted])
    assert listed(device, OBJECTS) == []
    assert listed(device, INCOMING) == []


def test_a_file_that_is_gone_is_named(device, make_object):
    wanted = make_object("model", b"content")
    os.unlink(wanted.path)
    with pytest.raises(PushError, match="No such file") as caught:
        device.push([wanted])
    assert caught.value.reason is FailureReason.NOT_FOUND
    assert wanted.path in str(caught.value)


def test_an_interrupted_push_leaves_nothing_that_counts_as_whole(
    phone, device, make_object
):
    wanted = make_object("model", os.urandom(150_000_000))
    with (
        as_soon_as(has_come(phone, 4_000_000), lambda: phone.ask("unplug")),
        pytest.raises(DeviceLostError) as caught,
    ):
        device.push([wanted])
    assert caught.value.retryable
    phone.ask("plug")
    assert device.wait_until_back(300)
    assert device.push([wanted])[0].origin == "sent"
    assert listed(device, INCOMING) == []
    assert hashed(device, f"{OBJECTS}/{wanted.sha256}/model") == wanted.sha256


def test_what_a_killed_push_left_is_removed_although_nothing_is_missing(
    device, make_object
):
    wanted = make_object("model", b"content")
    device.push([wanted])
    half = ["sh", "-c", f"cd {INCOMING} && echo half >0 && echo >end"]
    assert device.run(half, timeout_s=60).exit_code == 0
    assert listed(device, INCOMING) == ["0", "end"]

    assert device.push([wanted])[0].origin == "present"

    assert listed(device, INCOMING) == []


def test_a_full_disk_is_reported_apart_and_its_room_is_given_back(
    phone, device, make_object
):
    wanted = make_object("model", os.urandom(500_000))
    phone.ask("behave", disk_free_bytes=100_000)
    with pytest.raises(PushError, match="No space left on device") as caught:
        device.push([wanted])
    assert caught.value.reason is FailureReason.DISK_FULL
    assert listed(device, INCOMING) == []
    phone.ask("behave", disk_free_bytes=None)
    assert device.push([wanted])[0].origin == "sent"


def test_on_a_full_disk_what_was_not_used_for_longest_makes_room(
    adb, phone, open_phone, make_object
):
    old, older = (make_object(name, os.urandom(200_000)) for name in ("old", "older"))
    push_in_other_runs(adb, phone, {"2001": older, "2002": old})
    kept, wanted = (make_object(name, os.urandom(200_000)) for name in ("kept", "new"))
    said = []
    device = open_phone(phone, progress=said.append)
    device.push([kept])
    phone.ask("behave", storage_bytes=700_000)
    assert device.push([wanted])[0].origin == "sent"
    assert said[-2].endswith(
        "removed 195 KiB that earlier runs pushed and was not used for longest"
    )
    held = listed(device, OBJECTS)
    assert older.sha256 not in held
    assert {old.sha256, kept.sha256, wanted.sha256} <= set(held)

    with pytest.raises(PushError) as caught:
        device.push([make_object("huge", os.urandom(900_000))])
    assert caught.value.reason is FailureReason.DISK_FULL
    assert {kept.sha256, wanted.sha256} <= set(listed(device, OBJECTS))


def test_the_store_keeps_its_limit_and_what_is_used(
    adb, phone, open_phone, make_object, monkeypatch
):
    assert objects.STORE_LIMIT_BYTES == 2 << 30
    monkeypatch.setattr(objects, "STORE_LIMIT_BYTES", 500_000)
    first, second, third = (
        make_object(name, os.urandom(200_000)) for name in ("first", "second", "third")
    )
    push_in_other_runs(adb, phone, {"2001": first, "2002": second})
    device = open_phone(phone)
    assert device.push([first])[0].origin == "present"
    device.push([third])
    assert set(listed(device, OBJECTS)) == {first.sha256, third.sha256}
    assert device.clean() == 400_000
    assert device.run(["ls", FOLDER], timeout_s=60).exit_code != 0
    assert device.push([first])[0].origin == "sent"


class ReadOnlyShell:
    """Of a phone that lists one object and removes nothing."""

    command_limit_bytes = 4000

    def run(self, argv, **how):
        if argv[2] == LIST_STORED:
            line = f"1000000000 5 {'a' * 64}/model\n"
            return CommandResult(stdout=line.encode(), stderr=b"", exit_code=0)
        words = b"rm: /data/local/tmp: Read-only file system"
        return CommandResult(stdout=b"", stderr=words, exit_code=1)


@pytest.mark.parametrize(
    "act", [lambda store: store.clean(), lambda store: store.make_room(1, [])]
)
def test_what_cannot_be_removed_is_not_said_to_be(act):
    store = objects.PhoneObjects(
        ReadOnlyShell(), None, device_id="android:x", progress=None
    )
    with pytest.raises(PushError, match="Read-only file system"):
        act(store)


def push_in_other_runs(adb, phone, objects_by_year):
    """Push, and make the phone's marks as old as if it had been done in that year."""
    for year, wanted in objects_by_year.items():
        marks = f"{OBJECTS}/{wanted.sha256}"
        command = f"echo >{marks}/.used; touch -t {year}01010000 {marks}/.[uv]*"
        with opened(adb, phone) as device:
            device.push([wanted])
            assert device.run(["sh", "-c", command], timeout_s=60).exit_code == 0


def left_behind(device):
    """Processes of a push, and what lies among the incoming."""
    # The brackets keep the words from finding themselves.
    found = device.run(["pgrep", "-f", "wait_a_[l]ittle|sha256[s]um"], timeout_s=60)
    return found.stdout.decode().split() + listed(device, INCOMING)


def when_some_has_come(phone, then):
    """Do something while a push goes on, and then let the rest come at full speed."""

    def act():
        then()
        phone.ask("behave", link_bytes_per_s=None)

    return as_soon_as(has_come(phone, 2_000_000), act)


@pytest.fixture
def slow_phone(phone):
    """One whose cable would take long for the files of these tests."""
    phone.ask("behave", link_bytes_per_s=1e6)
    phone.ask("reset_statistics")
    return phone


def test_a_file_is_hashed_while_it_is_still_being_sent(slow_phone, device, make_object):
    seen = []

    def look():
        seen.append(slow_phone.shell("pgrep -f 'sha256[s]um'").stdout.split())
        seen.append(slow_phone.statistics()["received_bytes"])

    wanted = make_object("model", os.urandom(30_000_000))
    with when_some_has_come(slow_phone, look):
        device.push([wanted])
    hashing, received_bytes = seen
    assert hashing
    assert received_bytes < wanted.size_bytes
    assert hashed(device, f"{OBJECTS}/{wanted.sha256}/model") == wanted.sha256
    assert left_behind(device) == []


def test_a_cold_push_is_four_streams_however_many_files(phone, device, make_object):
    device.push([])
    phone.ask("reset_statistics")
    device.push([make_object(f"lib{n}.so", os.urandom(1000 + n)) for n in range(9)])
    services = [service.partition(",")[0] for service in phone.statistics()["services"]]
    # What is there, what comes, the files, and what the store holds after them.
    assert services == ["shell", "shell", "sync:", "shell"]


def test_an_empty_file_is_sent_and_verified(device, make_object):
    wanted = make_object("empty", b"")
    assert device.push([wanted])[0].origin == "sent"
    assert device.push([wanted])[0].origin == "present"


def test_what_is_wrong_does_not_spoil_what_came_before_it(device, make_object):
    right, wrong = make_object("right", b"as it was"), make_object("wrong", b"hashed")
    with open(wrong.path, "wb") as file:
        file.write(b"change")
    with pytest.raises(PushError, match="wrong did not arrive as it was sent"):
        device.push([right, wrong])
    assert listed(device, OBJECTS) == [right.sha256]
    assert device.push([right])[0].origin == "present"
    assert left_behind(device) == []


def test_a_file_that_is_replaced_while_it_is_sent_is_sent_again(
    slow_phone, device, make_object
):
    def replace():
        slow_phone.shell(f"cd {INCOMING} && echo other >new && mv -f new 0")

    wanted = make_object("model", os.urandom(12_000_000))
    with when_some_has_come(slow_phone, replace):
        (sent,) = device.push([wanted])
    assert hashed(device, sent.remote_path) == wanted.sha256
    assert left_behind(device) == []


def test_a_phone_lost_while_it_hashes_keeps_nothing_running(
    slow_phone, device, make_object
):
    wanted = make_object("model", os.urandom(12_000_000))
    with (
        when_some_has_come(slow_phone, lambda: slow_phone.ask("unplug")),
        pytest.raises(DeviceLostError),
    ):
        device.push([wanted])
    slow_phone.ask("plug")
    assert device.wait_until_back(300)
    # The phone's shell is not notified: it learns of it when it next prints a dot.
    looks = ["pgrep", "-f", "wait_a_[l]ittle"]
    wait_for(lambda: not device.run(looks, timeout_s=60).stdout)
    assert listed(device, OBJECTS) == []
    assert device.push([wanted])[0].origin == "sent"
    assert left_behind(device) == []


def test_a_disk_that_fills_in_the_middle_leaves_nothing_behind(
    slow_phone, device, make_object
):
    first = make_object("first", os.urandom(1_000_000))
    wanted = make_object("model", os.urandom(12_000_000))
    slow_phone.ask("behave", link_bytes_per_s=20e6, disk_free_bytes=5_000_000)
    with pytest.raises(PushError) as caught:
        device.push([first, wanted])
    assert caught.value.reason is FailureReason.DISK_FULL
    assert left_behind(device) == []
    slow_phone.ask("behave", link_bytes_per_s=None, disk_free_bytes=None)
    assert device.push([first, wanted])[1].origin == "sent"


def test_cancel_in_the_middle_of_a_file_leaves_nothing_behind(
    slow_phone, open_phone, make_object
):
    cancel = threading.Event()
    device = open_phone(slow_phone, cancel=cancel)
    slow_phone.ask("reset_statistics")
    with when_some_has_come(slow_phone, cancel.set), pytest.raises(Cancelled):
        device.push([make_object("model", os.urandom(12_000_000))])
    cancel.clear()
    assert left_behind(device) == []
    assert listed(device, OBJECTS) == []


def test_an_adb_program_that_is_killed_is_started_once_more(
    slow_phone, device, make_object, adb
):
    def kill_it():
        wanted = f"-s {slow_phone.serial} push"
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = (
                    process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                if wanted in words and f"-P {adb.port}" in words:
                    os.kill(int(process.parent.name), signal.SIGKILL)

    with when_some_has_come(slow_phone, kill_it):
        (sent,) = device.push([make_object("model", os.urandom(12_000_000))])
    assert hashed(device, sent.remote_path) == sent.sha256
    assert left_behind(device) == []


def test_a_killed_verification_is_done_again(phone, device, make_object):
    killed_once = {"contains": "renice -n 10", "action": "kill", "times": 1}
    phone.ask("behave", rules=[killed_once])
    (sent,) = device.push([make_object("model", os.urandom(3_000_000))])
    assert hashed(device, sent.remote_path) == sent.sha256


def test_a_folder_that_may_not_be_written_is_reported_apart(device, make_object):
    device.run(["mkdir", "-p", "/data/local/tmp/pocketbench"], timeout_s=60)
    device.run(["chmod", "555", "/data/local/tmp/pocketbench"], timeout_s=60)
    try:
        with pytest.raises(PushError, match="Permission denied") as caught:
            device.push([make_object("model", b"content")])
    finally:
        device.run(["chmod", "755", "/data/local/tmp/pocketbench"], timeout_s=60)
    assert caught.value.reason is FailureReason.NO_PERMISSION


def test_cancel_ends_a_push(phone, open_phone, make_object):
    cancel = threading.Event()
    device = open_phone(phone, cancel=cancel, progress=lambda _: cancel.set())
    with pytest.raises(Cancelled):
        device.push([make_object("model", b"content")])


def test_a_push_that_takes_long_is_announced_and_a_cached_one_is_not(
    phone, open_phone, make_object
):
    reported = []
    device = open_phone(phone, progress=reported.append)
    wanted = make_object("model", bytes(2 * 2**20))
    device.push([wanted])
    device.push([wanted])
    assert reported == [f"{device.info.id}: pushing 1 file, 2.00 MiB"]


def test_sizes_reported_by_stat_and_by_wc_are_read():
    wanted = [(10, False), (20, True), (30, True), (40, False)]
    lines = "present -\nmissing -\npresent x\npreinstalled -\n"
    expected = ["present", "missing", "present", "preinstalled"]
    assert parse_look_up(lines + "10\n30\n40\n", wanted) == expected
    by_wc = "10 a/b\n30 c/d\n40 e/f\n80 total\n"
    assert parse_look_up(lines + by_wc, wanted) == expected
    assert parse_look_up("sh: stat: not found\n", wanted) is None
