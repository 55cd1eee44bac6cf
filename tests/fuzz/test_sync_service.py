"""Whatever an adb server asks of the sync service: an answer, and no error but FAIL."""

import asyncio
import errno
import os
import struct

from hypothesis import strategies as st

from pocketbench.devices.simulated.adb_packets import Command
from pocketbench.devices.simulated.daemon.stream import Stream
from pocketbench.devices.simulated.daemon.sync import SyncService
from tests.fuzz.mutations import attack

# All relative, without dots: however they are cut, they stay in the test's folder.
NAMES = st.sampled_from(
    [
        *(b"a", b"a", b"folder/b", b"folder", b"pipe", b"sealed/c", b"link", b""),
        *(b"x" * 1100, b"a\0b", b"\xff\xfe", "größe".encode(), b"folder/" + b"y" * 300),
    ]
)
MODES = st.sampled_from(
    [0o100644, 0o100644, 0o104755, 0o120777, 0o40755, 0, 0xFFFFFFFF]
)
NUMBERS = st.sampled_from([0, 1, 7, 1 << 16, (1 << 16) + 1, 1 << 31, 0xFFFFFFFF])
CONTENT = st.sampled_from([b"", b"content", b"a", b"a\0b", b"\xff" * 5000])
MOSTLY = st.integers(0, 9).map(lambda chance: chance > 0)


def request(name, payload, length=None):
    return (
        name + struct.pack("<I", len(payload) if length is None else length) + payload
    )


@st.composite
def frames(draw):
    """The content of a file that is sent, as it should be nine times of ten."""
    pieces = [request(b"DATA", piece) for piece in draw(st.lists(CONTENT, max_size=3))]
    if not draw(MOSTLY):
        pieces.append(request(draw(st.sampled_from([b"DATA", b"FAIL"])), b"", 70_000))
    return b"".join(pieces) + request(b"DONE", b"", draw(NUMBERS))


@st.composite
def orders(draw):
    """One request of a sync stream, nearly always a whole one."""
    path = draw(NAMES)
    length = None if draw(MOSTLY) else draw(NUMBERS)
    kind = draw(st.sampled_from(["look", "receive", "send", "send", "send_v2", "odd"]))
    if kind == "look":
        name = draw(st.sampled_from([b"STAT", b"STA2", b"LST2", b"LIST", b"LIS2"]))
        return request(name, path, length)
    if kind == "receive":
        if draw(st.booleans()):
            return request(b"RECV", path, length)
        flags = 0 if draw(MOSTLY) else draw(NUMBERS)
        return request(b"RCV2", path, length) + request(b"RCV2", b"", flags)
    if kind == "send":
        mode = draw(MODES.map(lambda found: b"%d" % found))
        if not draw(MOSTLY):
            mode = draw(st.sampled_from([b"", b"-1", b"x", b"9" * 400]))
        return request(b"SEND", path + b"," + mode, length) + draw(frames())
    if kind == "send_v2":
        flags = draw(st.sampled_from([0, 0, 0, 1, 0x80000000]))
        header = request(b"SND2", b"", draw(MODES)) + struct.pack("<I", flags)
        return request(b"SND2", path, length) + header + draw(frames())
    return request(draw(st.sampled_from([b"QUIT", b"ABCD", b"DATA"])), b"", length)


SESSIONS = st.tuples(
    st.lists(orders(), max_size=8).map(b"".join),
    st.integers(0, 200),
    st.integers(1, 5000),
    st.booleans(),
)
"""What comes, bytes of it that are missing at its end (mostly none), how much of it
comes at once, and whether the disk fills."""


class _Fed(Stream):
    """Ends when all that came has been read."""

    async def read_some(self, limit):
        if not self._chunks:
            self.end()
        return await super().read_some(limit)


async def serve(content, at_once, take_space):
    """What the service answers to all of it."""
    answers = bytearray()

    async def send(command, local_id, remote_id, payload):
        if command is Command.WRTE:
            answers.extend(payload)
            stream.acknowledged()

    stream = _Fed("sync:", 1, 1, 1 << 16, send)
    for begin in range(0, len(content), at_once):
        await stream.received(content[begin : begin + at_once])
    await asyncio.wait_for(SyncService(stream, take_space).serve(), 30)
    return bytes(answers)


def test_what_adb_servers_ask_of_the_sync_service(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "sealed").write_text("no folder")
    os.mkfifo(tmp_path / "pipe")
    seen = set()

    def full(count):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def ask(example):
        content, missing, at_once, fills = example
        content = content[: len(content) - max(0, missing - 150)]
        take_space = full if fills and missing > 100 else lambda count: None
        answer = asyncio.run(serve(content, at_once, take_space))
        seen.update(x for x in (b"OKAY", b"FAIL", b"DATA", b"DENT") if x in answer)
        assert len(answer) < 1 << 20

    attack(SESSIONS, ask)

    assert {b"OKAY", b"FAIL"} <= seen, "what is accepted has to be common"
