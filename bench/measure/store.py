"""Write run files: whole lines only, each with its checksum, in order of time.

A line is a record's JSON with a last field `crc32` over all bytes before it. Files of
earlier versions have none. A kill can leave the last line without its end; reader and
writer find the same valid end, so what a report counts is what a resumed run keeps.
"""

from __future__ import annotations

import errno
import os
import re
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from pocketbench.bench.errors import StorageError, StoreError
from pocketbench.bench.records.run import Record

FILE_NAME = "run.jsonl"
_SEAL = re.compile(rb',"crc32":"([0-9a-f]{8})"\}\Z')
_SEAL_BYTES = len(',"crc32":"01234567"}')
_CHUNK_BYTES = 1 << 20

_encoder = msgspec.json.Encoder()


class Store:
    """Appends records to one run's file; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Make the folder and open the file; complete or cut an incomplete last line.

        Raises:
            StorageError: The folder or the file cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                str(folder), f"cannot be made ({error.strerror})", "Give another folder"
            ) from error
        self.folder = folder
        self._path = path = folder / FILE_NAME
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._descriptor = -1
        self._synced_bytes = -1
        try:
            self._descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666
            )
            self._end, has_newline = valid_end(path)
            os.ftruncate(self._descriptor, self._end)
        except OSError as error:
            raise _failed(path, error) from error
        if not has_newline:
            self._write(b"\n")

    def __enter__(self) -> Store:
        """Use as a context that closes the file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def append(self, record: Record) -> None:
        """Write one record as one whole line, or nothing of it.

        Raises:
            StorageError: The disk is full or fails; the file ends with the line before.
        """
        line = line_of(record)
        with self._lock:
            self._write(line)

    def sync(self) -> None:
        """Wait until everything written has reached the disk.

        Raises:
            StorageError: The disk fails.
        """
        # While the disk works for one device the others go on appending, and those
        # that come here meanwhile share the next turn.
        with self._lock:
            wanted = self._end
        with self._sync_lock:
            if self._synced_bytes >= wanted:
                return
            with self._lock:
                wanted = self._end
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                raise _failed(self._path, error) from error
            self._synced_bytes = wanted

    def close(self) -> None:
        """Sync and close; closing again does nothing."""
        with self._sync_lock, self._lock:
            if self._descriptor < 0:
                return
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                raise _failed(self._path, error) from error
            finally:
                os.close(self._descriptor)
                self._descriptor = -1

    def _write(self, line: bytes) -> None:
        done = 0
        try:
            while done < len(line):
                # One write is enough, except on a disk that is nearly full.
                count = os.pwrite(self._descriptor, line[done:], self._end + done)
                if count == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                done += count
        except BaseException as error:
            os.ftruncate(self._descriptor, self._end)
            if isinstance(error, OSError):
                raise _failed(self._path, error) from error
            raise
        self._end += len(line)


def line_of(record: Record) -> bytes:
    """Return the line of one record, newline included."""
    body = _encoder.encode(record)[:-1]
    return body + b',"crc32":"%08x"}\n' % zlib.crc32(body)


def is_whole(line: bytes) -> bool:
    """Return whether a line without its newline is a whole record."""
    seal = _seal(line)
    if seal is not None:
        return _matches(seal, line)
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _seal(line: bytes) -> re.Match[bytes] | None:
    return _SEAL.search(line, max(0, len(line) - _SEAL_BYTES))


def _matches(seal: re.Match[bytes], line: bytes) -> bool:
    return int(seal[1], 16) == zlib.crc32(memoryview(line)[: seal.start()])


def valid_end(path: Path) -> tuple[int, bool]:
    """Return where the last whole record ends, and whether its newline is there.

    Only the last line is looked at: a kill leaves no other line incomplete.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start, tail = size, b""
        while start > 0 and b"\n" not in tail[:-1]:
            step = min(_CHUNK_BYTES, start)
            start -= step
            file.seek(start)
            tail = file.read(step) + tail
    if tail.endswith(b"\n") or not tail:
        return size, True
    last = tail[tail.rfind(b"\n") + 1 :]
    if is_whole(last):
        return size, False
    return size - len(last), True


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the number and bytes of each line up to the valid end.

    Raises:
        StoreError: A line's checksum does not match: it was changed or damaged.
        OSError: The file cannot be read.
    """
    end, _ = valid_end(path)
    position = 0
    with path.open("rb", buffering=_CHUNK_BYTES) as file:
        for number, raw in enumerate(file, 1):
            position += len(raw)
            if position > end:
                return
            line = raw.rstrip(b"\r\n")
            if not line.strip():
                continue
            seal = _seal(line)
            if seal is not None and not _matches(seal, line):
                raise StoreError(
                    f"{path}:{number}",
                    "does not match its checksum: it was changed or damaged",
                    "Restore the file, or remove this line to lose only this record",
                )
            yield number, line


def _failed(path: Path, error: OSError) -> StorageError:
    return StorageError(
        str(path),
        f"cannot be written ({error.strerror or error})",
        "Make room or give another --runs, then continue with --resume",
    )


class _Clock:
    """This computer's clock, which goes on where it is set back.

    What made a failure good is known by its later time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = datetime.min.replace(tzinfo=UTC)
        self._set_back = timedelta(0)

    def now(self) -> datetime:
        with self._lock:
            now = datetime.now(UTC) + self._set_back
            if now < self._last:
                self._set_back += self._last - now
                now = self._last
            self._last = now
            return now


_clock = _Clock()


def utc_now() -> str:
    """This instant, ISO-8601 in UTC, to the millisecond; it never goes back."""
    return _clock.now().isoformat(timespec="milliseconds")
