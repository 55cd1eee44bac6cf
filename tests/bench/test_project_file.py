"""Defaults and device groups of a project, and the options that they stand in for."""

from __future__ import annotations

import pytest

from pocketbench.bench.cli import cli
from pocketbench.bench.commands import run_flow
from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.planning.project_file import read_project

GROUPS = """
[{0}groups]
flagships = ["android:model=Pixel 8", "android:model=SM-S921B"]
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """What `run` is asked by words, in a folder with these files."""
    given = []
    monkeypatch.setattr(run_flow, "run_main_job", given.append)
    monkeypatch.chdir(tmp_path)

    def run(*words, **files):
        for name, text in files.items():
            (tmp_path / f"{name}.toml").write_text(text)
        with pytest.raises(SystemExit):
            cli.main(["run", *words], standalone_mode=False)
        return given[-1]

    return run


@pytest.mark.parametrize(
    ("name", "prefix"), [("pocketbench", ""), ("pyproject", "tool.pocketbench.")]
)
def test_a_group_stands_for_its_selectors(tmp_path, name, prefix):
    (tmp_path / ".git").mkdir()
    (tmp_path / f"{name}.toml").write_text(GROUPS.format(prefix))
    below = tmp_path / "models"
    below.mkdir()
    project = read_project(below)
    assert project.expanded(["host", "@flagships", "host"]) == (
        "host",
        "android:model=Pixel 8",
        "android:model=SM-S921B",
    )
    with pytest.raises(UnknownNameError, match="Did you mean flagships"):
        project.expanded(["@flagship"])


def test_defaults_stand_in_where_an_option_is_not_given(asked):
    file = 'device = "host"\nblocks = 7\nfail-on = "budget"\n'
    assert (asked("net.ptl", pocketbench=file).devices, asked("net.ptl").blocks) == (
        ("host",),
        7,
    )
    assert asked("net.ptl").fail_on == "budget"
    typed = asked("net.ptl", "--device", "simulated:pixel-8", "--blocks", "3")
    assert (typed.devices, typed.blocks) == (("simulated:pixel-8",), 3)


@pytest.mark.parametrize(
    ("name", "heading"), [("pocketbench", ""), ("pyproject", "[tool.pocketbench]\n")]
)
def test_defaults_are_read_from_either_file(asked, name, heading):
    file = f'{heading}device = ["@here"]\nblocks = 7\nfail-on = "budget"\n'
    options = asked("net.ptl", **{name: file})
    assert (options.devices, options.blocks) == (("@here",), 7)
    assert options.fail_on == "budget"
    assert asked("net.ptl", "--blocks", "3").blocks == 3


def test_a_projects_own_file_wins_over_the_shared_one(asked):
    shared = '[tool.pocketbench]\nblocks = 7\ndevice = "host"\n'
    options = asked("net.ptl", pyproject=shared, pocketbench="blocks = 5\n")
    assert (options.blocks, options.devices) == (5, ())
    other = "[tool.another]\nblocks = 7\n"
    assert asked("net.ptl", pyproject=other).blocks == 5


def test_a_suite_wins_over_the_defaults_where_it_says_something(asked):
    suite = '[workload]\nblocks = 4\n[[model]]\nsource = "resnet18"\n'
    file = 'device = ["host"]\nblocks = 7\n'
    options = asked("suite.toml", pocketbench=file, suite=suite)
    assert (options.blocks, options.devices) == (None, ("host",))
    assert asked("suite.toml", "--blocks", "9").blocks == 9


def test_a_setting_that_no_command_has_is_refused(asked):
    with pytest.raises(UnknownNameError, match="Did you mean blocks"):
        asked("net.ptl", pocketbench="block = 7")
    with pytest.raises(UsageError, match="is no list of device selectors"):
        asked("net.ptl", pocketbench='[groups]\nmine = "host"\n')


def test_cores_given_twice_are_refused_and_not_the_last_one_taken(asked):
    assert asked("net.ptl", "--cores", "big").cores == "big"
    with pytest.raises(UsageError, match="--cores big --cores little"):
        asked("net.ptl", "--cores", "big", "--cores", "little")
