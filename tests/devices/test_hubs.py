"""Phones on one USB hub take turns at being pushed to."""

import contextlib
import threading

import pytest

from pocketbench.bench.errors import Cancelled
from pocketbench.bench.records.device import Claim
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


def pushes(phone):
    """How often files were sent to a phone."""
    return phone.statistics()["services"].count("sync:")


@pytest.mark.needs("namespaces")
@pytest.mark.parametrize(
    ("claim", "at_once"),
    [(None, 2), (Claim(pushes_per_hub=1), 1), (Claim(pushes_per_hub=3), 3)],
    ids=["the default", "1", "3"],
)
def test_a_push_waits_while_its_hub_has_as_many_as_it_may(
    adb, phone, open_phone, make_object, monkeypatch, claim, at_once
):
    monkeypatch.setattr("pocketbench.devices.android.device.hub_of", lambda path: "9-9")
    cancel = threading.Event()
    device = open_phone(phone, cancel=cancel, claim=claim)
    wanted, early = make_object("model", b"content"), make_object("early", b"first")

    def other():
        hub, never = f"{adb.server}-9-9", threading.Event()
        return hub_turn(hub, at_once, device_id="other", cancel=never)

    with contextlib.ExitStack() as others:
        for _ in range(at_once - 1):
            others.enter_context(other())
        if at_once > 1:
            # There is room for one.
            assert device.push([early])[0].origin == "sent"
        others.enter_context(other())
        sent = pushes(phone)
        assert bool(sent) == (at_once > 1)
        threading.Timer(0.5, cancel.set).start()
        with pytest.raises(Cancelled, match="waited for its USB hub"):
            device.push([wanted])
        assert pushes(phone) == sent

    cancel.clear()
    assert device.push([wanted])[0].origin == "sent"
    assert pushes(phone) > sent
