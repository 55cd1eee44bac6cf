"""A field of the options that is renamed in one place only does not type-check."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ROOMS = ("bench", "devices", "android_runner", "ios_runner", "reports")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package and what mypy knows of it, to be changed."""
    folder = tmp_path_factory.mktemp("copy")
    for room in ROOMS:
        shutil.copytree(REPOSITORY / room, folder / room)
    shutil.copytree(REPOSITORY / "pocketbench", folder / "pocketbench", symlinks=True)
    for file in ("pyproject.toml", "scripts/typed_replace.py"):
        (folder / file).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / file, folder / file)
    return folder


def mypy(folder):
    return subprocess.run(
        [sys.executable, "-m", "mypy"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


RECORDS = {
    "bench/planning/run_options.py": ["WorkloadOptions", "RunOptions"],
    "bench/planning/suite.py": [
        "SuiteModel",
        "SuiteDevices",
        "SuiteGate",
        "SuiteCheck",
    ],
    "bench/planning/input_options.py": ["AskedInput"],
    "bench/planning/budget_options.py": ["AskedBudget"],
    "bench/records/plan.py": [
        *("Workload", "BuildOrigin", "ModelRequest", "Variant", "RunnerChoice"),
        *("CooldownLimits", "Budget"),
    ],
    "bench/records/generation.py": ["GenerationRequest", "Generation"],
    "bench/records/sustained.py": ["Sustained"],
    "bench/records/output_check.py": ["OutputChecks"],
    "bench/commands/history_options.py": [
        *("HistoryQuery", "ShowOptions", "ChangesOptions", "PlotOptions"),
        *("ConfirmOptions", "AcceptOptions", "SiteOptions"),
    ],
}
"""The records on the way from click to plan."""
WHOLES = {"bench/records/plan.py": ["Plan"], "bench/planning/suite.py": ["Suite"]}
"""What holds some of them: a whole without a type hides the fields of its parts."""

FOR_PEOPLE = {("Suite", "suite")}
"""What a suite file may say and no module asks for."""
INHERITED_BY = {"WorkloadOptions": "RunOptions", "HistoryQuery": "ConfirmOptions"}


def rename_fields(path, records):
    """Rename every field where it is defined; the records with their old names."""
    lines = path.read_text().splitlines(keepends=True)
    fields = {}
    for node in ast.parse("".join(lines)).body:
        if isinstance(node, ast.ClassDef) and node.name in records:
            found = [x.target for x in node.body if isinstance(x, ast.AnnAssign)]
            fields[node.name] = [x.id for x in found]
            for x in found:
                lines[x.lineno - 1] = lines[x.lineno - 1].replace(
                    x.id, f"new_{x.id}", 1
                )
    path.write_text("".join(lines))
    return fields


@pytest.mark.slow
@pytest.mark.parametrize("records", [RECORDS, WHOLES])
def test_a_field_renamed_where_it_is_defined_alone_does_not_type_check(copy, records):
    sources = {file: (copy / file).read_text() for file in records}
    fields = {}
    for file, names in records.items():
        fields |= rename_fields(copy / file, names)

    done = mypy(copy)

    for file, source in sources.items():
        (copy / file).write_text(source)
    assert done.returncode == 1, done.stderr
    assert set(fields) == {name for names in records.values() for name in names}
    noticed = set(
        re.findall(r'"(\w+)" has no attribute "(\w+)"', done.stdout)
        + [
            (record, field)
            for field, record in re.findall(
                r'Unexpected keyword argument "(\w+)" for "(\w+)"', done.stdout
            )
        ]
    )
    assert {
        (record, field)
        for record, names in fields.items()
        for field in names
        if not {(record, field), (INHERITED_BY.get(record), field)} & noticed
    } == FOR_PEOPLE.intersection((x, y) for x, names in fields.items() for y in names)
