"""The published JSON Schemas: those of the types, and true of what is written."""

import json
import runpy
import tomllib
from pathlib import Path

import pytest

from pocketbench.bench.judge.summarize import summarize
from pocketbench.reports.formats.json import render as render_json
from pocketbench.reports.view import View
from tests.histories import HOST, PHONE, Runs
from tests.reports.conftest import CRASH, PROFILES, make_run

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "docs" / "schemas"
WRITER = runpy.run_path(str(REPOSITORY / "scripts" / "write_schemas"))


def test_every_published_schema_is_one_that_is_written():
    published = {path.name for path in (REPOSITORY / "docs").rglob("*.schema.json")}
    assert published == {f"{name}.schema.json" for name in WRITER["SCHEMAS"]}


@pytest.mark.parametrize("name", WRITER["SCHEMAS"])
def test_a_published_schema_is_that_of_the_types(name):
    published = (FOLDER / f"{name}.schema.json").read_text("utf-8")
    assert published == WRITER["schema_text"](name), (
        "Write it again: .venv/bin/python scripts/write_schemas"
    )


def test_the_lines_of_a_run_and_of_a_history_have_the_fields_of_their_schemas(tmp_path):
    runs = Runs(tmp_path)
    run = runs.run(devices=(HOST, PHONE))
    runs.stored(run)
    runs.add()

    lines = (runs.runs / run.started.run_id / "run.jsonl").read_text().splitlines()
    kinds = set()
    for line in map(json.loads, lines):
        kinds.add(line["record"])
        del line["crc32"]
        check(line, schema := published("run"), schema)
    assert {"run_started", "artifact", "device", "launch", "run_ended"} <= kinds
    (path,) = runs.history.rglob("*.jsonl")
    for line in map(json.loads, path.read_text().splitlines()):
        check(line, schema := published("history"), schema)


def test_the_example_suite_has_the_fields_of_its_schema():
    suite = tomllib.loads((REPOSITORY / "examples" / "performance.toml").read_text())
    check(suite, schema := published("suite"), schema)
    suite["model"][0]["sauce"] = "nets:net"
    with pytest.raises(AssertionError, match="sauce"):
        check(suite, schema, schema)


def test_the_report_of_a_run_has_the_fields_of_its_schema():
    run = make_run(failures=(CRASH, CRASH), profiles=PROFILES)
    report = json.loads(render_json(View(summarize(run))))
    check(report, schema := published("report"), schema)
    assert len(report["cells"]) == 18
    assert report["comparisons"]
    assert report["failures"]
    report["cels"] = []
    with pytest.raises(AssertionError, match="cels"):
        check(report, schema, schema)


def test_the_readme_leads_to_the_schemas():
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    assert "(docs/schemas)" in readme


def published(name):
    return json.loads((FOLDER / f"{name}.schema.json").read_text("utf-8"))


def check(value, schema, whole):
    """Hold objects, at any depth, to the properties of their schema."""
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if found := schema.get("discriminator"):
        reference = found["mapping"][value[found["propertyName"]]]
        schema = whole["$defs"][reference.rpartition("/")[2]]
    if isinstance(value, list) and "items" in schema:
        for item in value:
            check(item, schema["items"], whole)
    if isinstance(value, dict) and "properties" in schema:
        assert value.keys() <= schema["properties"].keys(), value.keys()
        assert set(schema.get("required", ())) <= value.keys()
        for name, item in value.items():
            check(item, schema["properties"][name], whole)
