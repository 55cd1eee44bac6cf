"""Files to and from a simulated phone, by the real adb."""

from __future__ import annotations

import hashlib
import os

import pytest

NAMES = ["plain", "with space", "quote'", "semi;colon", "$(reboot)", "größe-模型"]


@pytest.fixture(scope="module")
def content():
    return os.urandom(3_000_001)


@pytest.fixture
def file(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("profile", ["pixel-8", "nexus-5"])
def test_a_file_comes_back_as_it_was_pushed(phone_factory, file, content, profile):
    phone = phone_factory(profile)
    pushed = phone.adb("push", str(file), "/data/local/tmp/new folder/file")
    assert pushed.returncode == 0
    assert "1 file pushed" in pushed.stdout + pushed.stderr
    summed = phone.shell("md5sum '/data/local/tmp/new folder/file'").stdout.split()[0]
    assert summed == hashlib.md5(content).hexdigest()
    back = file.with_name("back")
    assert (
        phone.adb("pull", "/data/local/tmp/new folder/file", str(back)).returncode == 0
    )
    assert back.read_bytes() == content


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name_is_pushed_listed_and_pulled(phone, tmp_path, name):
    source = tmp_path / name
    source.write_text("content")
    assert phone.adb("push", str(source), f"/data/local/tmp/{name}").returncode == 0
    assert name in phone.adb("ls", "/data/local/tmp").stdout
    back = tmp_path / "back"
    assert phone.adb("pull", f"/data/local/tmp/{name}", str(back)).returncode == 0
    assert back.read_text() == "content"


def test_mode_and_time_are_kept(phone, file):
    file.chmod(0o755)
    os.utime(file, (1_600_000_000, 1_600_000_000))
    phone.adb("push", str(file), "/data/local/tmp/program")
    found = phone.shell("stat -c '%a %Y %s' /data/local/tmp/program").stdout.split()
    assert found == ["777", "1600000000", "3000001"]


def test_a_folder_is_pushed_whole_and_not_again(phone, tmp_path):
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "one").write_text("1")
    (folder / "deep" / "two").write_text("22")
    (folder / "link").symlink_to("one")
    first = phone.adb("push", "--sync", str(folder), "/data/local/tmp/")
    second = phone.adb("push", "--sync", str(folder), "/data/local/tmp/")
    assert "3 files pushed, 0 skipped" in first.stdout + first.stderr
    assert "0 files pushed, 3 skipped" in second.stdout + second.stderr
    assert phone.shell("readlink /data/local/tmp/folder/link").stdout == "one\n"
    assert phone.shell("cat /data/local/tmp/folder/deep/two").stdout == "22"
    back = tmp_path / "back"
    assert phone.adb("pull", "/data/local/tmp/folder", str(back)).returncode == 0
    assert (back / "deep" / "two").read_text() == "22"


def test_the_phones_reason_is_reported(phone, file):
    done = phone.adb("push", str(file), "/data/nowhere/file")
    assert done.returncode == 1
    assert "remote secure_mkdirs() failed: Permission denied" in done.stderr
    for name in ("new", "toybox", "file"):
        done = phone.adb("push", str(file), f"/system/bin/{name}")
        assert "remote couldn't create file: Permission denied" in done.stderr
    done = phone.adb("pull", "/data/local/tmp/nothing", str(file))
    assert "No such file or directory" in done.stderr


def test_a_full_disk_is_reported_and_leaves_nothing(phone_factory, file):
    phone = phone_factory(behaviour={"disk_free_bytes": 1_000_000})
    done = phone.adb("push", str(file), "/data/local/tmp/file")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert phone.shell("ls /data/local/tmp").stdout == ""
    phone.ask("behave", disk_free_bytes=None)
    assert phone.adb("push", str(file), "/data/local/tmp/file").returncode == 0


def test_a_running_programs_file_can_be_replaced(phone, tmp_path):
    phone.shell("cp /system/bin/toybox /data/local/tmp/sleep")
    started = phone.shell("/data/local/tmp/sleep 30 >/dev/null 2>&1 & echo $!")
    other = tmp_path / "other"
    other.write_text("new")
    assert phone.adb("push", str(other), "/data/local/tmp/sleep").returncode == 0
    assert phone.shell("cat /data/local/tmp/sleep").stdout == "new"
    phone.shell(f"kill {started.stdout.strip()}")


def test_files_outlive_the_phone_by_its_name(phone_factory, file, content):
    first = phone_factory(name="kept")
    first.adb("push", str(file), "/data/local/tmp/file")
    first.stop()
    second = phone_factory(name="kept")
    assert second.shell("md5sum /data/local/tmp/file").stdout.startswith(
        hashlib.md5(content).hexdigest()
    )
    assert phone_factory().shell("ls /data/local/tmp").stdout == ""
