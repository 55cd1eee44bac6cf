"""Every command of the example workflows, run in a repository of its own.

What reaches beyond the repository is a stand-in that notes its words: sudo, apt-get,
pip, gh, and python3 where it makes a virtual environment. pocketbench and git are real,
the remote is a bare repository. There is no phone here: where a workflow measures
phones, the host is measured instead, and only the slow test takes a simulated phone.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.standins.code_review import CodeReview

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
PROGRAM = Path(sys.executable).with_name("pocketbench")
NET = """\
from torch import nn


def net():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    )
"""
ACTION = yaml.safe_load((REPOSITORY / "action.yml").read_text())
GITHUB = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())
GITLAB = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())
STAND_IN = '#!/bin/sh\necho "$(basename "$0") $*" >> "$STAND_IN_LOG"\n'
VENV_STAND_IN = f"""{STAND_IN}mkdir -p "$3/bin"
cp "$(dirname "$0")/pip" "$3/bin/pip"
"""

pytestmark = [pytest.mark.needs("compiler"), pytest.mark.slow]


class Workflow:
    """Runs steps in one repository as a CI runner does."""

    def __init__(self, folder):
        self.folder = folder / "work"
        self.log = folder / "stand-ins.log"
        self.summary = folder / "summary.md"
        self.phones = False
        shims = folder / "shims"
        shims.mkdir()
        for name in ("sudo", "apt-get", "pip", "gh", "python3"):
            text = VENV_STAND_IN if name == "python3" else STAND_IN
            (shims / name).write_text(text)
            (shims / name).chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{shims}:{PROGRAM.parent}:{os.environ['PATH']}",
            "STAND_IN_LOG": str(self.log),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_PATH": str(folder / "path"),
            "POCKETBENCH": "pocketbench",
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
            "GIT_CONFIG_SYSTEM": os.devnull,
        }
        (folder / "gitconfig").write_text(
            "[user]\nname = somebody\nemail = somebody@example.org\n"
            "[init]\ndefaultBranch = main\n"
        )
        origin = folder / "origin.git"
        self.run(f"git init -q --bare {origin}", cwd=folder)
        self.run(f"git clone -q {origin} work", cwd=folder)
        shutil.copytree(EXAMPLES, self.folder / "examples")
        suite = (EXAMPLES / "performance.toml").read_text()
        suite = suite.replace("blocks = 10", "blocks = 2")
        self.commit(
            "performance.toml", suite.replace("iterations = 50", "iterations = 3")
        )
        self.commit(".gitignore", "runs/\n.performance-history/\n.pocketbench/\n")
        self.base = self.commit("nets.py", NET)
        self.commit("nets.py", (self.folder / "nets.py").read_text() + "# later\n")
        self.run("git push -q origin HEAD:main")

    def run(self, script, *, cwd=None, check=True, **environment):
        if not self.phones:
            script = script.replace(" --device simulated:pixel-8", "")
        script = script.replace("'android:*'", "host")
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=cwd or self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=280,
        )
        if check:
            assert done.returncode == 0, (script, done.stdout, done.stderr)
        return done

    def commit(self, name, text):
        (self.folder / name).write_text(text)
        self.run(f"git add --all && git commit -q -m 'Change {name}'")
        return self.run("git rev-parse HEAD").stdout.strip()

    def github(self, job, event):
        """Every step of a job that the event runs."""
        for step in GITHUB["jobs"][job]["steps"]:
            if "pocketbench@" in step.get("uses", ""):
                self.action(step["with"], event)
            elif "run" in step:
                self.run(step["run"])

    def action(self, given, event, *, only="", check=True):
        """Every step of our action that the event runs, or those of one name."""
        inputs = {
            name: given.get(name, asked.get("default"))
            for name, asked in ACTION["inputs"].items()
        }
        assert given.keys() <= inputs.keys()
        if not self.phones:
            inputs["devices"] = inputs["devices"].replace(" simulated:pixel-8", "")
        values = {f"inputs.{name}": value for name, value in inputs.items()} | {
            "github.action_path": str(REPOSITORY),
            "github.event.pull_request.base.sha": self.base,
            "inputs.token": "secret",
        }

        def value(found):
            return next(filter(None, (values[x] for x in found[1].split(" || "))), "")

        for step in ACTION["runs"]["steps"]:
            condition = step.get("if", "").removeprefix("always() && ")
            _, is_not, name = condition.rpartition("!= ")
            _, is_it, wanted = condition.rpartition("event_name == ")
            if (is_not and name == f"'{event}'") or (is_it and wanted != f"'{event}'"):
                continue
            if "run" in step and only in step["name"]:
                environment = {
                    name: re.sub(r"\$\{\{ (.+?) \}\}", value, text)
                    for name, text in step.get("env", {}).items()
                }
                done = self.run(step["run"], check=check, **environment)
        return done

    def gitlab(self, job):
        steps = GITLAB[job]
        script = "\n".join([*steps["before_script"], *steps["script"]])
        self.run(script, CI_MERGE_REQUEST_DIFF_BASE_SHA=self.base)

    @property
    def pushed(self):
        """Files on the history's branch at the remote."""
        return self.run(
            "git fetch -q origin performance-history && "
            "git ls-tree -r --name-only FETCH_HEAD"
        ).stdout.split()


@pytest.fixture
def workflow(tmp_path):
    return Workflow(tmp_path)


@pytest.fixture
def pull_request(workflow):
    """The comments of the pull request that the workflow runs for."""
    with CodeReview() as review:
        workflow.environment |= {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": review.url,
            "GITHUB_REPOSITORY": "owner/name",
            "GITHUB_REF": "refs/pull/7/merge",
        }
        yield review


def test_a_pull_request_is_measured_against_its_base_and_commented_on(
    workflow, pull_request
):
    workflow.github("without-phones", "push")
    workflow.run("git worktree remove --force .performance-history")
    shutil.rmtree(workflow.folder / "runs")

    workflow.github("without-phones", "pull_request")

    (report,) = workflow.folder.glob("runs/*/report.md")
    assert "| candidate |" in report.read_text()
    (comment,) = pull_request.comments
    assert "<!-- pocketbench comment: default -->" in comment["body"]
    head = workflow.run("git rev-parse HEAD").stdout
    commits = f"Baseline: commit {workflow.base[:10]}. Candidate: commit {head[:10]}."
    assert commits in comment["body"]
    # The history holds one push, so that the line of it is one bar.
    assert "| last 30 runs |" in comment["body"]
    assert re.search(r"\| candidate \|.*\| ▄ \|$", comment["body"], re.MULTILINE)
    assert report.read_text() in workflow.summary.read_text()
    assert f"pip install --quiet {REPOSITORY}" in workflow.log.read_text()
    assert list(workflow.folder.glob("runs/*/report.junit.xml"))

    # The base's tree is gone again; the history's stays.
    assert workflow.run("git worktree list").stdout.count("\n") == 2
    workflow.action({}, "pull_request", only="Comment")
    assert len(pull_request.comments) == 1


def test_each_push_adds_its_run_to_the_historys_branch(workflow):
    workflow.github("without-phones", "push")
    first = workflow.pushed
    assert len(first) == 1

    shutil.rmtree(workflow.folder / "runs")
    workflow.run("git worktree remove --force .performance-history")
    workflow.github("without-phones", "push")

    assert len(workflow.pushed) == 2
    assert set(first) < set(workflow.pushed)
    assert (workflow.folder / "runs" / "site" / "index.html").exists()
    assert "last 30 runs" in workflow.summary.read_text()


def test_a_job_that_is_overtaken_brings_its_run_up_to_date_and_pushes(workflow):
    workflow.run("pocketbench run performance.toml")
    workflow.run("examples/keep-history performance-history .performance-history")
    workflow.run("git clone -q -b performance-history ../origin.git ../other")
    other = workflow.folder.parent / "other"
    (other / "phone").mkdir()
    (other / "phone" / "of-another-job.jsonl").write_text("{}\n")
    workflow.run("git add --all && git commit -q -m 'Add another run'", cwd=other)
    # The other job pushes after this one has fetched: git is made to do it there.
    hook = workflow.folder / ".git" / "hooks" / "pre-push"
    hook.write_text(
        f"#!/bin/sh\nrm {hook}\nunset GIT_DIR\n"
        f"git -C {other} push -q origin HEAD:performance-history\n"
    )
    hook.chmod(0o755)
    shutil.rmtree(workflow.folder / "runs")
    workflow.run("git worktree remove --force .performance-history")
    workflow.run("pocketbench run performance.toml")

    workflow.run("examples/keep-history performance-history .performance-history")

    assert "phone/of-another-job.jsonl" in workflow.pushed
    assert len(workflow.pushed) == 3


def test_the_job_with_phones_does_all_its_commands(private_adb, workflow):
    workflow.github("with-phones", "push")

    assert len(workflow.pushed) == 1
    assert "python3 -m venv .pocketbench" in workflow.log.read_text()


@pytest.mark.parametrize("job", ["merge-request", "main", "phones"])
def test_each_gitlab_job_does_all_its_commands(private_adb, workflow, job):
    workflow.gitlab(job)

    assert list(workflow.folder.glob("runs/*/report.junit.xml"))
    if job != "merge-request":
        assert list(workflow.folder.glob("performance-history/*/*/*"))


def test_a_slower_pull_request_fails_after_its_report_was_written(workflow):
    slower = (workflow.folder / "nets.py").read_text()
    workflow.commit("nets.py", slower.replace("(3, 8, 3)", "(3, 256, 3)").replace(
        "nn.Conv2d(8, 8, 3)", "nn.Conv2d(256, 8, 3)"
    ))  # fmt: skip
    (step,) = [
        x for x in GITHUB["jobs"]["without-phones"]["steps"] if "OWNER" in x["uses"]
    ]

    done = workflow.action(step["with"], "pull_request", only="Measure", check=False)

    assert done.returncode == 1, done.stderr
    (comment,) = workflow.folder.glob("runs/*/report.md")
    assert "slower than" in comment.read_text()


@pytest.mark.needs("namespaces", "bubblewrap")
def test_the_job_without_phones_measures_a_simulated_one(private_adb, workflow):
    workflow.phones = True

    workflow.github("without-phones", "push")

    assert any("simulated-pixel-8" in path for path in workflow.pushed)
    assert "SIMULATED" in workflow.summary.read_text()
