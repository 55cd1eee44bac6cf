"""One comment on a pull or merge request, posted or updated by its own marker.

REST APIs: https://docs.github.com/en/rest/issues/comments and
https://docs.gitlab.com/api/notes/#merge-requests; with a token by HTTPS, else through
the programs `gh` and `glab`, which know who is logged in.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import urllib.error
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pocketbench.bench.errors import ServiceError, ToolMissingError, UsageError
from pocketbench.bench.history.commits import remote
from pocketbench.bench.processes.tool import run_to_end
from pocketbench.bench.services.ask_json import ask_json

_TIMEOUT_S = 30
_PAGE = 100
_MOST_PAGES = 50
Service = Literal["github", "gitlab"]


class Posted(NamedTuple):
    """Whether a comment was posted or updated, and where it is."""

    url: str
    is_new: bool


class Review(NamedTuple):
    """A pull or merge request."""

    service: Service
    api: str
    repository: str
    """`owner/name`, or GitLab's number of the project."""
    number: int

    @property
    def name(self) -> str:
        """`owner/name#7`."""
        return (
            f"{self.repository}{'#' if self.service == 'github' else '!'}{self.number}"
        )

    @property
    def comments(self) -> str:
        """Path of all comments on it."""
        if self.service == "github":
            return f"repos/{self.repository}/issues/{self.number}/comments"
        project = urllib.parse.quote(self.repository, safe="")
        return f"projects/{project}/merge_requests/{self.number}/notes"

    def comment(self, comment_id: int) -> str:
        """Path of one comment."""
        if self.service == "github":
            return f"repos/{self.repository}/issues/comments/{comment_id}"
        return f"{self.comments}/{comment_id}"


def find_review(
    repository: str | None, number: int | None, environment: Mapping[str, str]
) -> Review:
    """The request that CI's environment or the repository's remote names.

    Raises:
        UsageError: It is not known which one.
    """
    origin = remote(Path())
    if "GITLAB_CI" in environment or (
        "GITHUB_ACTIONS" not in environment and origin and "gitlab" in origin.host
    ):
        service: Service = "gitlab"
        host = origin.host if origin else "gitlab.com"
        api = environment.get("CI_API_V4_URL", f"https://{host}/api/v4")
        repository = repository or environment.get("CI_PROJECT_ID")
        number = number or _number(environment.get("CI_MERGE_REQUEST_IID"))
    else:
        service = "github"
        api = environment.get("GITHUB_API_URL", "https://api.github.com")
        repository = repository or environment.get("GITHUB_REPOSITORY")
        ref = re.fullmatch(r"refs/pull/(\d+)/.*", environment.get("GITHUB_REF", ""))
        number = number or _number(ref[1] if ref else None)
    repository = repository or (origin.path if origin else None)
    if repository is None or (service == "github" and repository.count("/") != 1):
        raise UsageError(
            "comment",
            f"{repository} names no repository"
            if repository
            else "neither CI nor a remote origin names a repository",
            "Give --repository OWNER/NAME",
        )
    if number is None:
        raise UsageError(
            "comment",
            "this is no run of a pull or merge request",
            "Give its number with --number",
        )
    return Review(service, api, repository, number)


def job_url(environment: Mapping[str, str]) -> str | None:
    """Where the CI job is shown that this runs in."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (environment.get(name) for name in names)
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return environment.get("CI_JOB_URL")


def post(
    review: Review, body: str, *, key: str, environment: Mapping[str, str]
) -> Posted:
    """Replace the comment that ends in this key's marker; post one where none does.

    Raises:
        ServiceError: The service refused, or cannot be reached.
        ToolMissingError: There is neither a token nor the service's program.
    """
    marker = f"<!-- pocketbench comment: {key} -->"
    text = f"{body.rstrip()}\n\n{marker}\n"
    ask = _transport(review, environment)
    for comment in _comments(review, ask):
        if not comment["body"].rstrip().endswith(marker):
            continue
        method = "PATCH" if review.service == "github" else "PUT"
        try:
            updated = ask(method, review.comment(comment["id"]), {"body": text})
        except ServiceError as error:
            if error.status not in (403, 404):
                raise
            continue  # Somebody else's, or deleted meanwhile.
        return Posted(_url(review, updated), is_new=False)
    return Posted(_url(review, ask("POST", review.comments, {"body": text})), True)


def _comments(review: Review, ask: _Ask) -> Iterator[Any]:
    for page in range(1, _MOST_PAGES + 1):
        found = ask("GET", f"{review.comments}?per_page={_PAGE}&page={page}", None)
        yield from found
        if len(found) < _PAGE:
            return


def _url(review: Review, comment: Any) -> str:
    url: str = comment.get("html_url") or f"{review.name}, note {comment['id']}"
    return url


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


class _Ask:
    """Asks a service's API by HTTPS with a token."""

    def __init__(self, review: Review, token: str) -> None:
        self._review = review
        name, value = (
            ("Authorization", f"Bearer {token}")
            if review.service == "github"
            else ("PRIVATE-TOKEN", token)
        )
        self._headers = {name: value}

    def __call__(self, method: str, path: str, body: Any) -> Any:
        """Ask, and return what the answer's JSON says.

        Raises:
            ServiceError: The service refused, or cannot be reached.
        """
        try:
            return ask_json(
                f"{self._review.api}/{path}",
                method=method,
                headers=self._headers,
                body=body,
            )
        except urllib.error.HTTPError as error:
            raise _refused(self._review, error.code, error.reason) from error
        except (OSError, ValueError) as error:
            raise ServiceError(
                self._review.api,
                f"cannot be reached ({error})",
                "Try again, or post the run's report.md by hand",
            ) from error


class _AskByProgram(_Ask):
    """Asks through `gh api` or `glab api`, which know who is logged in."""

    def __init__(self, review: Review, program: str) -> None:
        self._review = review
        self._program = program

    def __call__(self, method: str, path: str, body: Any) -> Any:
        words = [self._program, "api", "--method", method, path]
        if body is not None:
            words += ["--header", "Content-Type: application/json", "--input", "-"]
        text = "" if body is None else json.dumps(body)
        done = run_to_end(*words, stdin=text, timeout_s=_TIMEOUT_S)
        try:
            if done.succeeded:
                return json.loads(done.stdout)
        except ValueError as error:
            raise ServiceError(
                self._program,
                f"failed ({error})",
                f"Run `{Path(self._program).name} auth status` to see why",
            ) from error
        status = re.search(r"HTTP (\d{3})", done.stderr)
        why = " ".join(done.stderr.split())[-200:]
        raise _refused(self._review, int(status[1]) if status else None, why)


def _refused(review: Review, status: int | None, why: str) -> ServiceError:
    step = {
        401: "Give a token that is still valid",
        403: "Give the token the right to write comments (in a workflow: "
        "`permissions: pull-requests: write`); a fork's token has none",
        404: "Check repository and number, and that the token may see them",
    }
    return ServiceError(
        review.name,
        f"{review.service} refused ({status or 'no status'}: {why})",
        step.get(status or 0, "Try again, or post the run's report.md by hand"),
        status=status,
    )


def _transport(review: Review, environment: Mapping[str, str]) -> _Ask:
    names, program = {
        "github": (("GH_TOKEN", "GITHUB_TOKEN"), "gh"),
        "gitlab": (("GITLAB_TOKEN",), "glab"),
    }[review.service]
    for name in names:
        if token := environment.get(name):
            return _Ask(review, token)
    if found := shutil.which(program, path=environment.get("PATH", os.defpath)):
        return _AskByProgram(review, found)
    raise ToolMissingError(
        "comment",
        f"there is neither a token nor {program}",
        f"Set {names[0]}, or install {program} and log in",
    )
