"""Every fault in every phase, and the page that says what came of it."""

import pytest

from tests.reliability.lab_faults import DOCUMENT, outcomes_on_page
from tests.reliability.matrix import cases, document, outcome

seen = {}


@pytest.mark.parametrize(("phase", "fault"), cases())
def test_a_fault_loses_nothing_and_is_resumed(phase, fault, tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETBENCH_STATE_DIR", str(tmp_path / "state"))
    seen[phase, fault] = outcome(phase, fault, tmp_path / "run")


def test_the_page_says_what_was_seen(tmp_path, monkeypatch):
    for number, (phase, fault) in enumerate(cases()):
        if (phase, fault) not in seen:
            monkeypatch.setenv("POCKETBENCH_STATE_DIR", str(tmp_path / str(number)))
            seen[phase, fault] = outcome(phase, fault, tmp_path / f"run-{number}")
    assert DOCUMENT.read_text("utf-8") == document(seen, outcomes_on_page()), (
        "run python -m tests.reliability.matrix"
    )
