"""Whose run is resumed decides whether its code is used without a question."""

import shutil

import msgspec
import pytest

from pocketbench.bench.commands.foreign_runs import SEAL, check_trusted, seal, used_code
from pocketbench.bench.errors import UsageError
from pocketbench.bench.measure.store import Store
from pocketbench.bench.records.plan import RunnerChoice


@pytest.fixture
def run(tmp_path, monkeypatch, records):
    monkeypatch.setenv("POCKETBENCH_STATE_DIR", str(tmp_path / "state"))
    plan = records.plan()
    model = msgspec.structs.replace(
        plan.models[0], source="their_nets:net", origins={"b": ("/x/b.ptl", "as-is")}
    )
    program = RunnerChoice(name="speed_benchmark_torch", path="/opt/theirs")
    plan = msgspec.structs.replace(plan, models=(model,), runners=(program,))
    with Store(tmp_path / "run") as store:
        store.append(records.started(plan))
    return tmp_path / "run", plan


def test_a_run_of_ours_needs_no_question(run):
    folder, plan = run
    seal(folder)
    check_trusted(folder, plan, trust=False)


def test_a_run_that_is_killed_as_soon_as_it_began_is_ours(run, records, tmp_path):
    _, plan = run
    started = records.started(plan)
    with Store(tmp_path / "new") as store:
        seal(store.folder, started)
        store.append(started)
    check_trusted(tmp_path / "new", plan, trust=False)


def test_a_foreign_run_names_all_that_it_would_use(run):
    folder, plan = run
    with pytest.raises(UsageError) as caught:
        check_trusted(folder, plan, trust=False)
    text = str(caught.value)
    assert "imports their_nets:net, loads /x/b.ptl, starts /opt/theirs" in text
    assert "--trust" in text


def test_a_foreign_run_is_ours_once_it_was_trusted(run):
    folder, plan = run
    check_trusted(folder, plan, trust=True)
    check_trusted(folder, plan, trust=False)


@pytest.mark.parametrize("change", ["plan", "seal", "binary", "another state"])
def test_a_seal_counts_for_one_first_line_and_one_user(
    run, monkeypatch, tmp_path, change
):
    folder, plan = run
    seal(folder)
    if change == "plan":
        file = folder / "run.jsonl"
        file.write_bytes(file.read_bytes().replace(b"their_nets", b"evil_nets_"))
        # With a checksum of its own, as whoever changes it would write.
        file.write_bytes(file.read_bytes().split(b',"crc32"')[0] + b"}\n")
    elif change == "seal":
        (folder / SEAL).write_text("0" * 64)
    elif change == "binary":
        (folder / SEAL).write_bytes(b"\xff" * 64)
    else:
        monkeypatch.setenv("POCKETBENCH_STATE_DIR", str(tmp_path / "other"))
        shutil.copytree(tmp_path / "state", tmp_path / "kept")
    with pytest.raises(UsageError):
        check_trusted(folder, plan, trust=False)


def test_what_pocketbench_brings_is_no_foreign_code(records):
    plan = records.plan()
    model = msgspec.structs.replace(
        plan.models[0], source="pocketbench.bench.models.zoo:mobilenet_v2"
    )
    assert used_code(msgspec.structs.replace(plan, models=(model,))) == []
