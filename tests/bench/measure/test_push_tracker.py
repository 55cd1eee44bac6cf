from pocketbench.bench.measure.push_tracker import Sender
from pocketbench.bench.records.device import LocalFile
from tests import factories

PROGRAM, MODEL = (
    LocalFile(path=f"/{name}", name=name, sha256=name, size_bytes=1)
    for name in ("program", "model")
)


class Phone:
    """Tells of each call by itself, as devices do."""

    def __init__(self, *held):
        self.held = {item.sha256 for item in held}

    def push(self, objects):
        reported = tuple(
            factories.device_file(
                item, origin="present" if item.sha256 in self.held else "sent"
            )
            for item in objects
        )
        self.held |= {item.sha256 for item in objects}
        return reported


def origins(installed):
    return [item.origin for item in installed]


def test_what_was_sent_first_is_still_reported_as_sent_with_the_rest():
    phone, sender = Phone(), Sender()
    assert origins(sender.push(phone, [PROGRAM])) == ["sent"]
    assert origins(sender.push(phone, [PROGRAM, MODEL])) == ["sent", "sent"]


def test_what_the_device_held_before_is_present():
    phone, sender = Phone(PROGRAM), Sender()
    assert origins(sender.push(phone, [PROGRAM])) == ["present"]
    assert origins(sender.push(phone, [PROGRAM, MODEL])) == ["present", "sent"]
