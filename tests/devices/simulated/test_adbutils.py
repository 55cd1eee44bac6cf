"""What adbutils does, which speaks the first version of everything."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["pixel-8", "nexus-5"])
def device(request, phone_factory, adb):
    phone = phone_factory(request.param)
    return adb.client().device(phone.serial)


def test_it_is_listed(device, adb):
    listed = adb.client().list(extended=True)
    found = next(x for x in listed if x.serial == device.serial)
    assert found.state == "device"
    assert found.tags["model"] in ("Pixel_8", "Nexus_5")


def test_shell_and_its_exit_code(device):
    assert device.shell("echo hello") == "hello"
    done = device.shell2("echo out; sh -c 'exit 6'")
    assert (done.returncode, done.output.strip()) == (6, "out")


def test_shell_v2_keeps_the_outputs_apart(phone, adb):
    device = adb.client().device(phone.serial)
    done = device.shell2("echo out; echo err >&2; exit 6", v2=True)
    assert (done.returncode, done.stdout, done.stderr) == (6, "out\n", "err\n")


def test_properties(device):
    assert device.getprop("ro.pocketbench.simulated") == "1"
    assert device.prop.get("ro.product.model") in ("Pixel 8", "Nexus 5")


def test_push_stat_list_and_pull(device, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 5000)
    device.sync.push(source, "/data/local/tmp/there", check=True)
    found = device.sync.stat("/data/local/tmp/there")
    assert found.size == 1_280_000
    listed = [entry.path for entry in device.sync.list("/data/local/tmp")]
    assert listed == [".", "..", "there"]
    back = tmp_path / "back"
    assert device.sync.pull("/data/local/tmp/there", back) == 1_280_000
    assert back.read_bytes() == source.read_bytes()
    assert device.sync.stat("/data/local/tmp/nothing").mode == 0
