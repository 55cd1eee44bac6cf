"""The run file under every fault a disk or a kill can bring."""

import errno
import os

import msgspec
import pytest

from pocketbench.bench.errors import StorageError, StoreError
from pocketbench.bench.measure.store import (
    FILE_NAME,
    Store,
    is_whole,
    line_of,
    read_lines,
)

RECORDS = [{"record": "x", "n": n} for n in range(5)]


def numbers(folder):
    lines = read_lines(folder / FILE_NAME)
    return [msgspec.json.decode(line)["n"] for _, line in lines]


def write(folder, records):
    with Store(folder) as store:
        for record in records:
            store.append(record)


def test_every_cut_of_the_last_line_keeps_all_lines_before_it(tmp_path):
    whole = b"".join(map(line_of, RECORDS[:3]))
    last = line_of(RECORDS[3])
    for cut in range(len(last) + 1):
        (tmp_path / FILE_NAME).write_bytes(whole + last[:cut])
        kept = [0, 1, 2, 3] if cut >= len(last) - 1 else [0, 1, 2]

        assert numbers(tmp_path) == kept
        write(tmp_path, [RECORDS[4]])
        assert numbers(tmp_path) == [*kept, 4], "reader and writer see the same end"


def test_a_whole_last_record_without_its_newline_is_kept_on_resume(tmp_path):
    as_version_0_1 = b"\n".join(map(msgspec.json.encode, RECORDS[:2]))
    (tmp_path / FILE_NAME).write_bytes(as_version_0_1)

    write(tmp_path, [RECORDS[2]])

    assert numbers(tmp_path) == [0, 1, 2]


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("at_byte", [0, 1, 20])
def test_a_failed_write_leaves_nothing_of_its_record(
    tmp_path, monkeypatch, fault, at_byte
):
    store = Store(tmp_path)
    store.append(RECORDS[0])
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
        store.append(RECORDS[1])
    monkeypatch.setattr(os, "pwrite", real)
    store.append(RECORDS[2])
    store.close()

    assert caught.value.exit_code == 4
    assert numbers(tmp_path) == [0, 2]


def test_short_writes_are_completed(tmp_path, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:7], at))

    write(tmp_path, RECORDS)

    assert numbers(tmp_path) == [0, 1, 2, 3, 4]


def test_a_changed_byte_is_found_and_its_line_named(tmp_path):
    path = tmp_path / FILE_NAME
    write(tmp_path, RECORDS)
    data = path.read_bytes()
    at = data.index(b'"n":2') + 4
    path.write_bytes(data[:at] + b"7" + data[at + 1 :])

    with pytest.raises(StoreError, match=r"run\.jsonl:3: does not match its checksum"):
        numbers(tmp_path)


def test_a_line_is_whole_only_with_its_checksum_or_as_an_object():
    plain = msgspec.json.encode(RECORDS[0])
    assert is_whole(line_of(RECORDS[0])[:-1])
    assert is_whole(plain)
    assert not is_whole(plain[:-1])
    assert not is_whole(b"12")
    assert not is_whole(b'{"n":"\xff"')
    assert not is_whole(b"[" * 100_000)
