"""Phones on one USB hub take turns at being pushed to."""

import contextlib
import threading

import pytest

from pocketbench.bench.errors import Cancelled
from pocketbench.devices.android.push.hubs import hub_of, hub_turn


@pytest.mark.parametrize(
    ("usb_path", "hub"),
    [
        ("usb:1-1.4.1", "1-1.4"),
        ("3-1.2", "3-1"),
        ("usb:1-2", "1"),
        ("usb:336592896X", "336592896X"),
        (None, None),
    ],
)
def test_a_port_belongs_to_the_hub_before_its_last_number(usb_path, hub):
    assert hub_of(usb_path) == hub


@pytest.mark.needs("namespaces")
def test_a_push_waits_while_its_hub_has_as_many_as_it_may(
    adb, phone, open_phone, make_object, monkeypatch
):
    monkeypatch.setattr("pocketbench.devices.android.device.hub_of", lambda path: "9-9")
    cancel = threading.Event()
    device = open_phone(phone, cancel=cancel)
    wanted = make_object("model", b"content")

    with contextlib.ExitStack() as others:
        for _ in range(2):
            hub, never = f"{adb.server}-9-9", threading.Event()
            turn = hub_turn(hub, 2, device_id="other", cancel=never)
            others.enter_context(turn)
        threading.Timer(0.5, cancel.set).start()
        with pytest.raises(Cancelled, match="waited for its USB hub"):
            device.push([wanted])
        assert "sync:" not in phone.statistics()["services"]

    cancel.clear()
    assert device.push([wanted])[0].origin == "sent"
    assert "sync:" in phone.statistics()["services"]
