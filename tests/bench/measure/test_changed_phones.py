"""The list of phones whose settings a killed run has left changed."""

import contextlib
import multiprocessing

import pytest

from pocketbench.bench.errors import PocketbenchError
from pocketbench.bench.measure import changed_phones
from pocketbench.bench.paths import state_dir
from pocketbench.bench.planning.selection import SelectedDevice
from pocketbench.bench.records.device import DeviceInfo

ID = "android:R5/8 x"


class Phone:
    """Remembers whether its settings are changed; refuses to restore while asked."""

    def __init__(self):
        self.info = DeviceInfo(id=ID, family="android", name="phone")
        self.is_restored = False
        self.is_lost = False

    @contextlib.contextmanager
    def open(self, info, *, cancel):
        if self.is_lost:
            raise PocketbenchError(ID, "went away", "Replug it")
        yield self

    def quiesced(self, screen="on"):
        raise AssertionError("only restored here")

    def restore(self):
        self.is_restored = True
        return True


@pytest.fixture
def phone(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETBENCH_STATE_DIR", str(tmp_path))
    phone = Phone()
    monkeypatch.setattr(
        changed_phones, "select", lambda ids, make: (SelectedDevice(phone, phone.info),)
    )
    return phone


def left_over(phone):
    with changed_phones.listed(ID, phone):
        pass
    return state_dir() / changed_phones.FOLDER


def test_a_phone_that_was_restored_is_not_on_the_list(phone):
    phone.is_restored = True
    folder = left_over(phone)
    changed_phones.restore_listed(pytest.fail)
    assert not folder.exists()


def test_a_phone_left_changed_is_restored_by_the_next_command(phone):
    folder = left_over(phone)
    changed_phones.restore_listed(pytest.fail)
    assert phone.is_restored
    assert not folder.exists()


def test_a_phone_that_is_away_stays_on_the_list_and_is_named(phone):
    folder = left_over(phone)
    said = []
    phone.is_lost = True
    changed_phones.restore_listed(said.append)
    (text,) = said
    assert text.startswith(f"Note: {ID}: settings changed by an earlier run")
    assert "went away" in text

    phone.is_lost = False
    changed_phones.restore_listed(pytest.fail)
    assert phone.is_restored
    assert not folder.exists()


def test_a_phone_that_another_run_measures_now_is_left_alone(phone):
    with changed_phones.listed(ID, phone):
        other = multiprocessing.get_context("fork").Process(
            target=changed_phones.restore_listed, args=(pytest.fail,)
        )
        other.start()
        other.join()
        assert other.exitcode == 0
        assert list((state_dir() / changed_phones.FOLDER).iterdir())
