import pytest

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.planning.make_plan import plan_models, plan_suite
from pocketbench.bench.planning.run_options import RunOptions
from pocketbench.bench.planning.suite import read_suite
from pocketbench.bench.records.metrics import GATES, METRICS, USUAL_GATE, parse_gates
from pocketbench.bench.records.plan import Budget


def test_every_metric_can_be_asked_for_by_a_word():
    assert list(GATES.values()) == [metric.name for metric in METRICS]


def test_words_and_names_may_come_together_or_apart():
    assert parse_gates(["latency,peak_memory", "load_ns", "latency"]) == (
        "latency_ns", "peak_rss_bytes", "load_ns",
    )  # fmt: skip


def test_an_unknown_word_offers_the_near_ones():
    with pytest.raises(UnknownNameError, match="peak_memory"):
        parse_gates(["memory"])


def test_a_plan_gates_on_latency_unless_reported_otherwise():
    usual = plan_models(RunOptions(models=("mobilenet_v2",)))
    asked = plan_models(RunOptions(models=("mobilenet_v2",), gate_on=("p90",)))

    assert (usual.gate_on, asked.gate_on) == (USUAL_GATE, ("p90_latency_ns",))


def test_a_tail_that_no_launch_will_show_is_refused():
    with pytest.raises(UsageError, match="--iterations 100 or more"):
        plan_models(
            RunOptions(models=("mobilenet_v2",), gate_on=("p99",), iterations=99)
        )


def test_a_suite_says_what_gates(tmp_path):
    path = tmp_path / "suite.toml"
    path.write_text('[[model]]\nsource = "resnet18"\n[gate]\non = ["peak_memory"]\n')

    plan = plan_suite(read_suite(path), str(path), RunOptions())
    assert plan.gate_on == ("peak_rss_bytes",)


def test_a_suite_says_what_metrics_may_be_at_most(tmp_path):
    path = tmp_path / "suite.toml"
    path.write_text(
        '[[model]]\nsource = "resnet18"\n'
        '[[budget]]\nmetric = "p90_latency"\ndevice = "Pixel 8"\nat_most = "20 ms"\n'
        '[[budget]]\nmetric = "peak_memory"\nmodel = "resnet18"\nat_most = "50 MiB"\n'
    )

    plan = plan_suite(read_suite(path), str(path), RunOptions())

    assert plan.budgets == (
        Budget(metric="p90_latency_ns", at_most=20e6, device="Pixel 8"),
        Budget(metric="peak_rss_bytes", at_most=50 * 2**20, model="resnet18"),
    )


def test_a_budget_of_a_suite_without_an_amount_is_refused(tmp_path):
    path = tmp_path / "suite.toml"
    path.write_text('[[model]]\nsource = "resnet18"\n[[budget]]\nmetric = "p90"\n')

    with pytest.raises(UsageError, match="at_most"):
        read_suite(path)


def test_a_suite_goes_on_until_it_is_settled_with_its_blocks_as_the_most(tmp_path):
    path = tmp_path / "suite.toml"
    text = '[[model]]\nsource = "resnet18"\n[workload]\nblocks = 10\n'
    path.write_text(f'{text}until_settled = true\nbudget = "5m"\n')
    plain = tmp_path / "plain.toml"
    plain.write_text(text)

    asked = plan_suite(read_suite(path), str(path), RunOptions())
    typed = plan_suite(read_suite(plain), str(plain), RunOptions(until_settled=True))

    assert asked.workload.looks == (6, 8, 10)
    assert asked.workload.budget_s == 300
    assert typed.workload.looks == (6, 8, 10, 14, 20)
