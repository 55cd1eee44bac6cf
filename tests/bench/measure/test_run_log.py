"""The run file under every fault a disk or a kill can bring."""

import errno
import os

import msgspec
import pytest

from pocketbench.bench.errors import StorageError, StoreError
from pocketbench.bench.measure.run_log import RunLog, is_whole, read_lines, sealed

RECORDS = [msgspec.json.encode({"record": "x", "n": n}) for n in range(5)]


def numbers(path):
    return [msgspec.json.decode(line)["n"] for _, line in read_lines(path)]


def write(path, records):
    log = RunLog(path)
    for record in records:
        log.append(record)
    log.close()


def test_every_cut_of_the_last_line_keeps_all_lines_before_it(tmp_path):
    whole = b"".join(map(sealed, RECORDS[:3]))
    last = sealed(RECORDS[3])
    for cut in range(len(last) + 1):
        path = tmp_path / f"{cut}.jsonl"
        path.write_bytes(whole + last[:cut])
        kept = [0, 1, 2, 3] if cut >= len(last) - 1 else [0, 1, 2]

        assert numbers(path) == kept
        write(path, [RECORDS[4]])
        assert numbers(path) == [*kept, 4], "reader and writer see the same end"


def test_a_whole_last_record_without_its_newline_is_kept_on_resume(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_bytes(RECORDS[0] + b"\n" + RECORDS[1])  # as version 0.1 wrote it

    write(path, [RECORDS[2]])

    assert numbers(path) == [0, 1, 2]


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("at_byte", [0, 1, 20])
def test_a_failed_write_leaves_nothing_of_its_record(
    tmp_path, monkeypatch, fault, at_byte
):
    path = tmp_path / "run.jsonl"
    log = RunLog(path)
    log.append(RECORDS[0])
    real = os.pwrite
    left = [at_byte]

    def failing(descriptor, data, offset):
        if not left[0]:
            raise OSError(fault, os.strerror(fault))
        count = real(descriptor, data[: left[0]], offset)
        left[0] -= count
        return count

    monkeypatch.setattr(os, "pwrite", failing)
    with pytest.raises(StorageError, match="cannot be written") as caught:
        log.append(RECORDS[1])
    monkeypatch.setattr(os, "pwrite", real)
    log.append(RECORDS[2])
    log.close()

    assert caught.value.exit_code == 4
    assert numbers(path) == [0, 2]


def test_short_writes_are_completed(tmp_path, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:7], at))
    path = tmp_path / "run.jsonl"

    write(path, RECORDS)

    assert numbers(path) == [0, 1, 2, 3, 4]


def test_a_changed_byte_is_found_and_its_line_named(tmp_path):
    path = tmp_path / "run.jsonl"
    write(path, RECORDS)
    data = path.read_bytes()
    at = data.index(b'"n":2') + 4
    path.write_bytes(data[:at] + b"7" + data[at + 1 :])

    with pytest.raises(StoreError, match=r"run\.jsonl:3: does not match its checksum"):
        numbers(path)


def test_a_line_is_whole_only_with_its_checksum_or_as_an_object():
    assert is_whole(sealed(RECORDS[0])[:-1])
    assert is_whole(RECORDS[0])
    assert not is_whole(RECORDS[0][:-1])
    assert not is_whole(b"12")
    assert not is_whole(b'{"n":"\xff"')
    assert not is_whole(b"[" * 100_000)
