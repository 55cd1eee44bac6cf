"""`pocketbench comment` against a stand-in of GitHub and GitLab."""

import json
import os
import sys

import pytest
from click.testing import CliRunner

from pocketbench.bench.commands.code_review import find_review, post
from pocketbench.bench.commands.comment import comment
from pocketbench.bench.errors import ServiceError, ToolMissingError, UsageError
from tests.histories import HOST, PHONE, Runs
from tests.standins.code_review import GITHUB, GITLAB, CodeReview

BODY = "**2x faster**"


@pytest.fixture
def server():
    with CodeReview() as server:
        yield server


@pytest.fixture
def github(server):
    """What a job of GitHub Actions finds in its environment."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": server.url,
        "GITHUB_REPOSITORY": "owner/name",
        "GITHUB_REF": "refs/pull/7/merge",
        "GH_TOKEN": "secret",
    }


@pytest.fixture
def gitlab(server):
    return {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": server.url,
        "CI_PROJECT_ID": "group/name",
        "CI_MERGE_REQUEST_IID": "7",
        "GITLAB_TOKEN": "secret",
    }


def posted(environment, body=BODY, key="default"):
    review = find_review(None, None, environment)
    return post(review, body, key=key, environment=environment)


def test_the_second_run_updates_the_comment_of_the_first(server, github):
    first, second = posted(github), posted(github, "**3x faster**")

    assert (first.is_new, second.is_new) == (True, False)
    assert first.url == second.url == "https://example.org/7#1"
    (only,) = server.comments
    assert only["body"].startswith("**3x faster**\n")
    assert {path.partition("?")[0] for _, path, _ in server.requests[:2]} == {GITHUB}
    assert server.requests[0][2]["Authorization"] == "Bearer secret"


def test_gitlab_notes_are_found_and_updated_likewise(server, gitlab):
    posted(gitlab)
    posted(gitlab, "**3x faster**")

    (only,) = server.comments
    assert only["body"].startswith("**3x faster**\n")
    assert [method for method, *_ in server.requests] == ["GET", "POST", "GET", "PUT"]
    assert server.requests[1][1] == GITLAB
    assert server.requests[1][2]["Private-token"] == "secret"


def test_comments_of_others_and_of_other_jobs_stay_as_they_are(server, github):
    server.add("Nice! It answers <!-- pocketbench comment: default --> as quoted")
    server.add("copied\n\n<!-- pocketbench comment: default -->", others=True)
    before = [dict(comment) for comment in server.comments]

    assert posted(github).is_new
    assert posted(github, key="phones").is_new
    assert not posted(github, "**3x faster**").is_new

    assert server.comments[:2] == before
    assert [c["body"].split("\n")[0] for c in server.comments[2:]] == [
        "**3x faster**",
        BODY,
    ]


def test_a_comment_is_found_among_hundreds(server, github):
    for number in range(250):
        server.add(f"comment {number}")
    posted(github)
    for number in range(50):
        server.add(f"later {number}")

    assert not posted(github, "**3x faster**").is_new
    assert len(server.comments) == 301


@pytest.mark.parametrize(
    ("status", "step"), [(401, "still valid"), (403, "pull-requests: write")]
)
def test_a_refusal_says_what_the_token_lacks_and_does_not_show_it(
    server, github, status, step
):
    server.refuses_with = status
    with pytest.raises(ServiceError, match=step) as raised:
        posted(github)
    assert raised.value.exit_code == 4
    assert "secret" not in str(raised.value)


def test_a_token_follows_no_redirect(server, github):
    server.refuses_with = 302
    with pytest.raises(ServiceError, match="302"):
        posted(github)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("service", "program", "token"),
    [("github", "gh", "GH_TOKEN"), ("gitlab", "glab", "GITLAB_TOKEN")],
)
def test_without_a_token_the_services_program_is_used(
    server, service, program, token, tmp_path, request
):
    environment = request.getfixturevalue(service)
    tool = tmp_path / program
    tool.write_text(
        f"#!{sys.executable}\n"
        "import sys, urllib.request\n"
        "words = sys.argv[1:]\n"
        "body = sys.stdin.buffer.read() if '--input' in words else None\n"
        f"url = '{server.url}/' + words[3]\n"
        "ask = urllib.request.Request(url, method=words[2], data=body)\n"
        "print(urllib.request.urlopen(ask).read().decode())\n"
    )
    tool.chmod(0o755)
    del environment[token]
    environment["PATH"] = str(tmp_path)

    assert posted(environment).is_new
    assert not posted(environment, "**3x faster**").is_new
    (only,) = server.comments
    assert only["body"].startswith("**3x faster**\n")
    tool.write_text("#!/bin/sh\necho not JSON\n")
    with pytest.raises(ServiceError, match=f"Run `{program} auth status`"):
        posted(environment)
    environment["PATH"] = os.devnull
    with pytest.raises(ToolMissingError, match=f"Set {token}, or install {program}"):
        posted(environment)


def test_a_job_of_no_request_is_a_usage_error(github, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="--number"):
        find_review(None, None, {**github, "GITHUB_REF": "refs/heads/main"})
    with pytest.raises(UsageError, match="--repository OWNER/NAME"):
        find_review("name", 7, github)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"neither CI nor .* names a repository"):
        find_review(None, 7, {})


def test_a_stored_run_becomes_the_comment_with_a_link_to_its_job(
    server, github, tmp_path, monkeypatch
):
    runs = Runs(tmp_path)
    run = runs.stored(runs.run(devices=(HOST, PHONE), variants=("float32", "int8")))
    for name, value in github.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_RUN_ID", "12")

    done = CliRunner().invoke(comment, [run, "--runs", str(runs.runs)])

    assert done.output == "Posted: https://example.org/7#1\n", done.output
    (only,) = json.loads(json.dumps(server.comments))
    assert "Pixel 8" in only["body"]
    link = "[The whole report](https://github.com/owner/name/actions/runs/12)"
    assert link in only["body"]
    assert PHONE.id not in only["body"]
