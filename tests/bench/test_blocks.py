from pocketbench.bench.records.blocks import ended_variants, next_attempt, whole_blocks
from pocketbench.bench.records.failure import FailureReason


def _whole(launches, *variants):
    return whole_blocks(launches, device_id="host", model="net", variant_ids=variants)


def test_a_block_is_whole_when_every_variant_has_a_launch_in_one_attempt(records):
    launches = [
        records.launch("a", block=0),
        records.launch("b", block=0),
        records.launch("a", block=1),
    ]

    assert _whole(launches, "a", "b") == {0: 0}


def test_launches_of_two_attempts_do_not_make_one_whole_block(records):
    launches = [
        records.launch("a", block=0, attempt=0),
        records.launch("b", block=0, attempt=1),
    ]

    assert _whole(launches, "a", "b") == {}


def test_the_last_whole_attempt_counts(records):
    launches = [
        records.launch(variant, block=0, attempt=attempt)
        for attempt in (0, 1)
        for variant in "ab"
    ]

    assert _whole(launches, "a", "b") == {0: 1}


def test_another_device_and_another_model_do_not_count(records):
    launches = [
        records.launch("a", device_id="android:1"),
        records.launch("a", model="other"),
    ]

    assert _whole(launches, "a") == {}


def test_one_certain_failure_ends_a_variant(records):
    failure = records.failure("a", reason=FailureReason.MISSING_OPERATOR)

    assert ended_variants([failure], "host", "net") == {"a"}


def test_a_crash_ends_a_variant_at_the_second_time(records):
    failure = records.failure("a", reason=FailureReason.CRASHED)

    assert ended_variants([failure], "host", "net") == set()
    assert ended_variants([failure, failure], "host", "net") == {"a"}


def test_a_lost_device_never_ends_a_variant(records):
    failure = records.failure("a", reason=FailureReason.DEVICE_LOST)

    assert ended_variants([failure] * 5, "host", "net") == set()


def test_the_next_attempt_comes_after_launches_and_failures_alike(records):
    place = {"device_id": "host", "model": "net", "block": 3}

    assert next_attempt([], [], **place) == 0
    assert next_attempt([records.launch(block=3)], [], **place) == 1
    assert next_attempt([], [records.failure(block=3, attempt=4)], **place) == 5
