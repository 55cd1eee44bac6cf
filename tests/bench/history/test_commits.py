"""Where a history's commits are shown, as the remote's address says."""

import subprocess

import pytest

from pocketbench.bench.history.commits import commit_url


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://token@github.com/a/b.git", "https://github.com/a/b/commit/{commit}"),
        ("ssh://git@host.org:22/a/b/c", "https://host.org/a/b/c/commit/{commit}"),
        ("/somewhere/else.git", None),
        ("../else", None),
    ],
)
def test_the_remote_says_where_commits_are_shown(tmp_path, remote, url):
    for words in (["init", "-q"], ["remote", "add", "origin", remote]):
        subprocess.run(["git", "-C", tmp_path, *words], check=True)
    assert commit_url(tmp_path) == url
