from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest
from scipy import stats

from pocketbench.bench.judge.paired import paired_evidence


def ask(question: str, *lines: object) -> tuple[int, list[dict], str]:
    """Pipe lines through the plug: exit code, answers, standard error."""
    text = "\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines)
    done = subprocess.run(
        [sys.executable, "-m", "pocketbench.bench.judge", question],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return (
        done.returncode,
        [json.loads(line) for line in done.stdout.splitlines()],
        done.stderr,
    )


def launches(level: float, seed: int, count: int = 8) -> list[list[float]]:
    noise = random.Random(seed)
    return [[level * noise.gauss(1, 0.01)] * 3 for _ in range(count)]


def test_interleaved_launches_are_answered_by_the_code_of_the_reports():
    a, b = launches(10, 1), launches(11, 2)

    code, answers, errors = ask(
        "ab", {"id": "x", "a": a, "b": b, "design": "interleaved", "alpha": 0.05}
    )

    expected = paired_evidence([x[0] for x in a], [x[0] for x in b])
    assert (code, errors) == (0, "")
    assert answers == [
        {
            "id": "x",
            "verdict": "regression",
            "ratio": expected.estimate().point,
            "ci": [expected.estimate().low, expected.estimate().high],
            "p": expected.p_value,
            "drift_controlled": True,
        }
    ]


def test_sequential_launches_need_not_be_as_many():
    a, b = launches(10, 1), launches(10.01, 2, count=5)

    code, (answer,), _ = ask("ab", {"id": 1, "a": a, "b": b, "design": "sequential"})

    assert code == 0
    assert answer["verdict"] in ("no_change", "inconclusive")
    assert answer["drift_controlled"] is False
    assert answer["ci"][0] < answer["ratio"] < answer["ci"][1]


def test_what_being_second_does_is_removed_where_the_order_is_given():
    second = [True, False, False, True, True, False, True, False, False, True]
    a, b = launches(10, 1, 10), launches(10, 2, 10)
    for later, first, other in zip(second, a, b, strict=True):
        slowed = other if later else first
        slowed[:] = [1.1 * value for value in slowed]
    line = {"a": a, "b": b, "design": "interleaved"}

    code, (without, having, wrong), errors = ask(
        "ab",
        {"id": 0, **line},
        {"id": 1, "b_is_later": second, **line},
        {"id": 2, "b_is_later": second[:-1], **line},
    )

    widths = [answer["ci"][1] - answer["ci"][0] for answer in (without, having)]
    assert widths[1] < widths[0] / 3
    assert (code, wrong["error"]) == (2, "b_is_later has 9 values for 10 blocks")
    assert wrong["error"] in errors


def test_a_stricter_alpha_widens_the_interval():
    line = {"a": launches(10, 1), "b": launches(11, 2), "design": "interleaved"}

    _, (wide, narrow), _ = ask(
        "ab", {"id": 0, "alpha": 0.001, **line}, {"id": 1, "alpha": 0.1, **line}
    )

    assert wide["ci"][0] < narrow["ci"][0] < narrow["ci"][1] < wide["ci"][1]


def test_lines_of_a_family_are_corrected_together_and_stay_in_order():
    family = [
        {
            "id": number,
            "family": "f",
            "a": launches(10, 2 * number),
            "b": launches(10.06, 2 * number + 1),
            "design": "interleaved",
        }
        for number in range(5)
    ]
    alone = {**family[0], "id": "alone"}
    del alone["family"]

    code, answers, _ = ask("ab", family[0], alone, *family[1:])

    assert code == 0
    assert [answer["id"] for answer in answers] == [0, "alone", 1, 2, 3, 4]
    members = [answer for answer in answers if answer["id"] != "alone"]
    q_values = stats.false_discovery_control([answer["p"] for answer in members])
    assert [answer["q"] for answer in members] == pytest.approx(list(q_values))
    assert "q" not in answers[1]


def test_a_line_without_a_family_is_answered_before_the_next_is_read():
    line = {"id": 7, "a": [[1.0]], "b": [[2.0]], "design": "interleaved"}
    with subprocess.Popen(
        [sys.executable, "-m", "pocketbench.bench.judge", "ab"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait() == 0

    assert answer == {
        "id": 7,
        "verdict": "inconclusive",
        "ratio": pytest.approx(2),
        "ci": [None, None],
        "p": None,
        "drift_controlled": True,
    }


BAD = {
    "not json": "malformed",
    '{"id": 3}': "required field",
    '{"id": 3, "a": [], "b": [[1]], "design": "sequential"}': "length",
    '{"id": 3, "a": [[]], "b": [[1]], "design": "sequential"}': "length",
    '{"id": 3, "a": [[0]], "b": [[1]], "design": "sequential"}': "> 0",
    '{"id": 3, "a": [["x"]], "b": [[1]], "design": "sequential"}': "float",
    '{"id": 3, "a": [[1]], "b": [[1]], "design": "parallel"}': "enum",
    '{"id": 3, "a": [[1]], "b": [[1], [2]], "design": "interleaved"}': "a has 1",
    '{"id": 3, "a": [[1]], "b": [[1]], "design": "sequential", "alpha": 2}': "< 1",
}


def test_a_bad_line_is_answered_with_its_error_and_the_others_go_on():
    good = {"id": 4, "a": [[1], [2]], "b": [[1], [2]], "design": "sequential"}

    code, answers, errors = ask("ab", *BAD, good)

    assert code == 2
    assert len(answers) == len(errors.splitlines()) + 1 == len(BAD) + 1
    for answer, (line, word) in zip(answers, BAD.items(), strict=False):
        assert word in answer["error"]
        assert answer["id"] == (3 if "id" in line else None)
    assert (answers[-1]["id"], answers[-1]["verdict"]) == (4, "inconclusive")
    assert errors.startswith("question 1: JSON is malformed")


def test_a_history_is_answered_with_the_first_index_of_each_new_level():
    code, answers, _ = ask(
        "history",
        {"id": "step", "series": [10] * 12 + [12] * 10},
        {"id": "flat", "series": [10] * 20},
        {"id": "newest", "series": [10] * 20 + [12] * 2},
        {"id": "empty", "series": []},
    )

    assert code == 0
    assert answers == [
        {"id": "step", "change_points": [12], "suspects": [], "two_speeds": None},
        {"id": "flat", "change_points": [], "suspects": [], "two_speeds": None},
        {"id": "newest", "change_points": [], "suspects": [20], "two_speeds": None},
        {"id": "empty", "change_points": [], "suspects": [], "two_speeds": None},
    ]


def test_a_history_of_zeros_and_negative_values_is_answered():
    code, answers, _ = ask(
        "history",
        {"id": "up from nothing", "series": [0] * 20 + [5, 6] * 10},
        {"id": "negative", "series": [-3] * 20 + [-1] * 20},
        {"id": "zeros", "series": [0] * 40},
    )

    assert code == 0
    assert [answer["change_points"] for answer in answers] == [[20], [20], []]


def test_a_history_of_two_speeds_is_answered_with_both_and_no_change():
    _, (answer,), _ = ask("history", {"id": 1, "series": [10, 16, 10, 10, 16] * 12})

    assert answer["change_points"] == []
    assert answer["two_speeds"] == pytest.approx(
        {"low": 10, "high": 16, "high_share": 0.4}
    )


def test_a_history_with_a_hole_is_refused():
    code, answers, errors = ask("history", {"id": 1, "series": [1, None]})

    assert code == 2
    assert "null" in answers[0]["error"]
    assert "question 1" in errors


def test_an_unknown_question_is_a_usage_error():
    code, answers, errors = ask("compare")

    assert (code, answers) == (2, [])
    assert "invalid choice" in errors


def test_no_input_is_no_answer():
    assert ask("ab") == (0, [], "")
