"""Three minutes with a fault every few seconds; see soak.py for longer ones."""

import pytest

from tests.main_job.on_a_phone import PhoneJob
from tests.main_job.soak import soak


@pytest.mark.slow
@pytest.mark.needs("namespaces", "mksh", "toybox")
def test_every_launch_is_stored_once_or_reported(phone_factory, adb, tmp_path):
    phones = [phone_factory() for _ in range(3)]
    job = PhoneJob(tmp_path / "run", adb.port)

    run, struck, wrong = soak(job, phones, tmp_path, minutes=3, seed=16)

    assert wrong == []
    assert sum(struck.values()) > 20
    assert len(run.launches) > 100
