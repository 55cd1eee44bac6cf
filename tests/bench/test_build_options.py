"""What `run --candidate` is given about its files."""

import pytest

from pocketbench.bench.errors import UsageError
from pocketbench.bench.planning.make_plan import make_plan
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.records.plan import BuildOrigin


def plan_of(*candidates, **options):
    return make_plan(
        RunOptions(
            baseline="resnet18", candidates=candidates or ("mobilenet_v2",), **options
        )
    )


def test_builds_have_their_commits_and_what_they_were_exported_as():
    plan = plan_of(
        "mobilenet_v2",
        "text_encoder",
        build_of="net:float32+executorch",
        baseline_commit="aaa",
        candidate_commits=("bbb", "ccc"),
    )

    (request,) = plan.models
    assert request.builds == {
        name: BuildOrigin(commit=commit, model="net", variant="float32+executorch")
        for name, commit in (
            ("baseline", "aaa"), ("candidate", "bbb"), ("candidate-2", "ccc"),
        )
    }  # fmt: skip


def test_a_commit_that_is_not_given_is_not_known():
    (request,) = plan_of(candidate_commits=("bbb",)).models

    assert request.builds == {"candidate": BuildOrigin(commit="bbb")}
    assert request.build("baseline") == BuildOrigin()


def test_builds_of_several_lengths_belong_to_the_models_of_these_lengths():
    plan = plan_of(build_of="net:float32", inputs=("1x16,64",))

    found = [request.build("candidate").model for request in plan.models]
    assert found == ["net@16", "net@64"]


@pytest.mark.parametrize("name", ["net", "net:", ":float32", ""])
def test_half_a_name_is_refused(name):
    with pytest.raises(UsageError, match="such as net:float32"):
        plan_of(build_of=name)


def test_more_commits_than_candidates_are_refused():
    with pytest.raises(UsageError, match="is given 2 times for 1 candidates"):
        plan_of(candidate_commits=("bbb", "ccc"))


@pytest.mark.parametrize(
    ("option", "word"),
    [
        ({"build_of": "net:float32"}, "--build-of"),
        ({"baseline_commit": "aaa"}, "--baseline-commit"),
        ({"candidate_commits": ("bbb",)}, "--candidate-commit"),
    ],
)
def test_without_a_candidate_there_is_no_build_to_describe(option, word):
    with pytest.raises(UsageError, match=word):
        make_plan(RunOptions(models=("resnet18",), **option))
