"""Other users of this computer: a simulated phone lets none of them in."""

import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import pocketbench
from pocketbench.bench.paths import private_dir
from pocketbench.devices.simulated.daemon.authorization import (
    Authorization,
    PublicKey,
    parse_public_key,
)

pytestmark = pytest.mark.needs("namespaces", "mksh", "toybox")

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@pytest.fixture
def stranger(adb):
    """Runs adb with a server, a home and a key of somebody else."""
    home = Path(tempfile.mkdtemp(prefix="stranger-", dir="/tmp"))
    if os.geteuid() == 0:
        os.chown(home, NOBODY, NOBODY)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    keep = {"PATH": os.environ["PATH"], "HOME": str(home)}
    environment = keep | {"ADB_USB": "0", "ADB_EMU": "0", "ADB_MDNS": "0"}
    who = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
    program = shutil.copy2(adb.path, home / "adb")

    def run(*words):
        return subprocess.run(
            [program, "-P", port, *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=home,
            **who,
        )

    yield run
    run("kill-server")
    shutil.rmtree(home)


def test_an_adb_server_with_another_key_is_not_let_in(phone, stranger):
    stranger("connect", phone.serial)
    assert f"{phone.serial}\tunauthorized" in stranger("devices").stdout

    done = stranger("-s", phone.serial, "shell", "id")

    assert done.returncode != 0
    assert "uid=" not in done.stdout
    assert phone.shell("echo still ours").stdout == "still ours\n"


def test_no_stream_opens_before_the_key_was_shown(phone):
    def packet(command, argument, payload):
        number = int.from_bytes(command, "little")
        head = (number, argument, 1 << 20, len(payload), sum(payload))
        return struct.pack("<6I", *head, number ^ 0xFFFFFFFF) + payload

    hello = packet(b"CNXN", 0x01000000, b"host::\0")
    order = packet(b"OPEN", 1, b"shell:touch /data/local/tmp/was-here\0")
    with socket.create_connection(("127.0.0.1", phone.port), timeout=30) as link:
        link.sendall(hello + order + packet(b"AUTH", 2, bytes(256)) + order)
        answers = b""
        while answers.count(b"AUTH") < 2:
            data = link.recv(4096)
            assert data, answers
            answers += data
    assert b"OKAY" not in answers
    assert b"CNXN" not in answers
    assert "was-here" not in phone.shell("ls /data/local/tmp").stdout


def test_a_signature_counts_once():
    # An exponent of 1 makes the padded token its own signature.
    key = PublicKey(modulus=1 << 2047, exponent=1)
    sha1 = bytes.fromhex("3021300906052b0e03021a05000414")
    authorization = Authorization((key,))
    token = authorization.new_token()
    signature = b"\0\1" + b"\xff" * 218 + b"\0" + sha1 + token
    assert authorization.accepts(signature)
    assert not authorization.accepts(signature)
    authorization.new_token()
    assert not authorization.accepts(signature)


@pytest.mark.parametrize("text", ["", "AAAA me@here", "not base64!", "QUFB" * 175])
def test_what_is_no_public_key_is_passed_over(text):
    assert parse_public_key(text) is None


def test_nothing_on_the_phone_gains_rights(phone, tmp_path):
    program = tmp_path / "tool"
    program.write_text("#!/system/bin/sh\nid\n")
    program.chmod(0o6755)
    phone.adb("push", str(program), "/data/local/tmp/tool")
    kept = private_dir("simulated") / phone.name / "data/local/tmp/tool"
    assert stat.S_IMODE(kept.stat().st_mode) & 0o6000 == 0

    mounts = phone.shell("cat /proc/self/mountinfo").stdout.splitlines()
    options = {line.split()[4]: line.split()[5].split(",") for line in mounts}
    assert all("nosuid" in options[f"/data/{x}"] for x in ("local/tmp", "media/0"))


def test_chmod_on_the_phone_sets_no_bit_that_gives_rights(phone):
    phone.shell("cp /system/bin/sh /data/local/tmp/sh")
    kept = private_dir("simulated") / phone.name / "data/local/tmp/sh"
    for mode in ("4755", "2755", "u+s", "6777"):
        done = phone.shell(f"chmod {mode} /data/local/tmp/sh")
        assert "Operation not permitted" in done.stdout + done.stderr
        assert stat.S_IMODE(kept.stat().st_mode) & 0o6000 == 0
    assert phone.shell("chmod 750 /data/local/tmp/sh && echo done").stdout == "done\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o750


EVERY_WAY = """
import os, stat, sys
from pocketbench.devices.simulated.phone import linux, set_id_filter
linux.drop_capabilities()
linux.filter_calls(set_id_filter.program())
here = os.open(".", os.O_RDONLY)
made = os.open("plain", os.O_CREAT | os.O_RDWR, 0o755)
for way in (
    lambda: os.chmod("plain", 0o4755),
    lambda: os.fchmod(made, 0o2755),
    lambda: os.chmod("plain", 0o6755, dir_fd=here),
    lambda: os.open("new", os.O_CREAT | os.O_WRONLY, 0o4755),
    lambda: os.open("new", os.O_CREAT | os.O_WRONLY, 0o4755, dir_fd=here),
    lambda: os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o4755),
    lambda: os.mknod("new", stat.S_IFREG | 0o4755),
    lambda: os.mknod("new", stat.S_IFREG | 0o4755, dir_fd=here),
):
    try:
        way()
    except PermissionError:
        continue
    sys.exit(1)
os.chmod("plain", 0o700)
print(os.listdir("."))
"""


def test_no_system_call_makes_such_a_file(tmp_path):
    argv = [sys.executable, "-c", EVERY_WAY]
    place = {"PYTHONPATH": str(Path(pocketbench.__file__).parents[1])}
    done = subprocess.run(
        argv, cwd=tmp_path, env=os.environ | place, capture_output=True, text=True
    )
    assert done.stdout == "['plain']\n", done.stderr


def test_what_runs_on_the_phone_is_in_its_namespaces(phone):
    for kind in ("mnt", "user", "pid"):
        there = phone.shell(f"readlink /proc/self/ns/{kind}").stdout.strip()
        assert there.startswith(f"{kind}:[")
        assert there != os.readlink(f"/proc/self/ns/{kind}")


@as_root
def test_nobody_can_neither_read_nor_run_what_a_phone_keeps(phone):
    phone.shell("cp /system/bin/sh /data/local/tmp/sh; chmod 755 /data/local/tmp/sh")
    # As under a home that others may enter: only the phones' folder is closed.
    with tempfile.TemporaryDirectory(prefix="open-", dir="/tmp") as name:
        os.chmod(name, 0o755)
        place = Path(name) / "simulated"
        kept = private_dir("simulated") / phone.name
        shutil.copytree(kept, place / phone.name, symlinks=True)
        place.chmod(stat.S_IMODE(private_dir("simulated").stat().st_mode))
        program = place / phone.name / "data/local/tmp/sh"
        program.chmod(0o4755)
        for words in (["ls", str(place)], [str(program), "-c", "id"]):
            try:
                done = subprocess.run(words, user=NOBODY, group=NOBODY, timeout=30)
            except PermissionError:
                continue
            assert done.returncode != 0
