"""ExecuTorch's own program on a phone, where it speaks to the system log alone."""

import pytest

from pocketbench.bench.records.failure import FailureReason as Reason
from tests.main_job.on_a_phone import PhoneJob, model_file, script

pytestmark = pytest.mark.needs("namespaces", "mksh", "toybox")

LOGS = (
    "# Takes num_executions, cpu_threads and print_output, as releases of 2026 do.",
    "say() {",
    "  echo \"$(date '+%m-%d %H:%M:%S.123') $$ $$ $1 ExecuTorch: $2\" "
    ">>/apex/pocketbench/run/log",
    "}",
    "log -t ExecuTorch 'Iteration 1 of 4: 99.0 ms'",
)
"""The last is another process's; the phone's own file stands in for logd's socket."""
MEASURES = (
    *LOGS,
    "say I 'Model loaded in 12.500000 ms.'",
    'for i in 1 2 3 4; do say I "Iteration $i of 4: $i.500000 ms"; done',
    "say I 'Model executed successfully 4 time(s) in 12.000000 ms.'",
    "echo 'OutputX 0: tensor(sizes=[1], [1.])'",
)


@pytest.fixture
def job(tmp_path, adb):
    (tmp_path / "run").mkdir()
    return PhoneJob(tmp_path / "run", adb.port)


@pytest.fixture
def pte(tmp_path):
    facts = {"format": "pte", "engine": "executorch", "bytecode_version": None}
    return model_file(tmp_path / "net.pte", b"a program", **facts)


@pytest.mark.parametrize("profile", ["pixel-8", "nexus-5"])
def test_what_it_logs_is_its_measurement(phone_factory, job, tmp_path, pte, profile):
    program = script(tmp_path / "executor_runner", *MEASURES)
    phone = phone_factory(profile)

    run = job.measures(phone, pte, blocks=3, executor_runner=program)

    assert run.failures == ()
    assert len(run.launches) == 3
    for launch in run.launches:
        measured = launch.measurement
        assert measured.load_ns == 12_500_000
        assert measured.warmup_latencies_ns == (1_500_000,)
        assert measured.latencies_ns == (2_500_000, 3_500_000, 4_500_000)


def test_a_further_launch_with_its_log_costs_two_round_trips(
    phone_factory, job, tmp_path, pte
):
    program = script(tmp_path / "executor_runner", *MEASURES)
    phone = phone_factory()
    job.measures(phone, pte, blocks=1, executor_runner=program)

    phone.ask("reset_statistics")
    job.measures(phone, pte, blocks=1, executor_runner=program)
    one = phone.statistics()["streams"]
    phone.ask("reset_statistics")
    job.measures(phone, pte, blocks=4, executor_runner=program)

    assert phone.statistics()["streams"] - one == 3 * 2


def test_what_it_logs_of_its_failure_is_reported_and_kept(
    phone_factory, job, tmp_path, pte
):
    fails = (*LOGS, "say E 'Missing operator: [3] vision::nms.out'", "exit 1")
    program = script(tmp_path / "executor_runner", *fails)

    run = job.measures(phone_factory(), pte, executor_runner=program)

    (failure,) = run.failures
    assert failure.reason is Reason.MISSING_OPERATOR
    assert "vision::nms.out" in failure.fact
    assert "vision::nms.out" in failure.log_tail
    assert failure.remedy == Reason.MISSING_OPERATOR.remedy
