from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAKE_DECODERS = Path(__file__).parents[1] / "android_runner/native/make_decoders.py"
POCKETBENCH = Path(sys.executable).with_name("pocketbench")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.needs(
    "compiler", "namespaces", "mksh", "toybox", "executorch", "qemu", "arm64 compiler"
)
def test_an_arm64_phone_without_glibc_generates_the_tokens_of_the_host(
    user, phone_factory, adb, tmp_path
):
    subprocess.run([sys.executable, MAKE_DECODERS, tmp_path, "dynamic"], check=True)
    phone_factory("pixel-8-arm64", root="android")
    done = subprocess.run(
        [
            *(POCKETBENCH, "generate", tmp_path / "dynamic.pte"),
            *("-d", "host", "-d", "android:*", "--blocks", "2", "--kv-depth", "0,8"),
            *("--prompt-tokens", "20", "--new-tokens", "16"),
        ],
        cwd=user.folder,
        env=os.environ | {"ANDROID_ADB_SERVER_PORT": str(adb.port)},
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert done.returncode == 0, done.stderr
    run = user.last_run()
    (phone,) = (x for x in run.devices if x.device.family != "host")
    assert (phone.program_libc, phone.loader) == ("glibc", "ld-linux-aarch64.so.1")
    tokens = {}
    for launch in run.launches:
        made = launch.measurement.generation
        assert len(made.token_ns) == len(made.token_ids) == 16
        assert made.context_tokens == 64
        tokens.setdefault(made.kv_depth, set()).add(made.token_ids)
    # Every launch of both devices: float32, and the likeliest token is far ahead.
    assert [len(tokens[depth]) for depth in (0, 8)] == [1, 1]
    assert tokens[0] != tokens[8]
