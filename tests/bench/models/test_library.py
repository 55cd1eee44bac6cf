"""Exports in a child process, as runs make them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pocketbench.bench.errors import ExportError, UnknownNameError
from pocketbench.bench.models.exporting.child import export_process
from pocketbench.bench.models.exporting.library import export
from pocketbench.bench.planning.sources import request_for

EXPORT = """
import sys
from pocketbench.bench.models.exporting.library import export
from pocketbench.bench.planning.sources import request_for

artifact = export(request_for(sys.argv[1]), "float32", seed=0, progress=print)
print("sha256", artifact.sha256)
print("imported", [name for name in ("torch", "nets") if name in sys.modules])
"""

SLOW = """
import os, pathlib, time

def net():
    pathlib.Path("child.pid").write_text(str(os.getpid()))
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))


def export_quietly(source, variant="float32", **more):
    said = []
    artifact = export(
        request_for(source), variant, seed=0, progress=said.append, **more
    )
    return artifact, said


def settled(path):
    """Make a file older than any export that reads it from now on."""
    moment = time.time() - 10
    os.utime(path, (moment, moment))


def test_an_export_is_made_once_until_a_file_it_imported_changes(nets):
    (nets / "widths.py").write_text("WIDTH = 8\n")
    text = (nets / "nets.py").read_text()
    text = "import widths\n" + text.replace("Conv2d(3, 8", "Conv2d(3, widths.WIDTH")
    text = text.replace("Norm2d(8)", "Norm2d(widths.WIDTH)")
    (nets / "nets.py").write_text(text.replace("Linear(8, 5", "Linear(widths.WIDTH, 5"))
    for name in ("nets.py", "widths.py"):
        settled(nets / name)

    first, said = export_quietly("nets:tiny")
    assert said[0] == "tiny float32: exporting"
    again, said = export_quietly("nets:tiny")
    assert (again, said) == (first, [])
    (entry,) = Path(os.environ["POCKETBENCH_CACHE_DIR"]).rglob("entries/*.json")
    stored = json.loads(entry.read_text())
    assert {str(nets / "nets.py"), str(nets / "widths.py")} < {
        file["path"] for file in stored["files"]
    }

    (nets / "widths.py").write_text("WIDTH = 16\n")
    settled(nets / "widths.py")
    wider, said = export_quietly("nets:tiny")
    assert said
    assert wider.sha256 != first.sha256


def test_no_process_of_the_harness_imports_torch_and_the_bytes_are_the_same(nets):
    def run():
        output = subprocess.run(
            [sys.executable, "-P", "-c", EXPORT, "nets:tiny"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        return output[:-2], *output[-2:]

    settled(nets / "nets.py")
    said, sha256, imported = run()
    assert said[0] == "tiny float32: exporting"
    assert imported == "imported []"
    assert run() == ([], sha256, "imported []")

    # A folder named like ours must not hide ours in the child.
    (nets / "bench").mkdir()
    (nets / "bench" / "__init__.py").write_text("raise SystemExit('the wrong bench')")
    shutil.rmtree(os.environ["POCKETBENCH_CACHE_DIR"])
    said, made_again, imported = run()
    assert said
    assert made_again == sha256
    assert imported == "imported []"


def test_two_that_want_the_same_export_make_it_once(nets):
    settled(nets / "nets.py")
    first_said, second_said, made = [], [], []
    second_waits = threading.Event()

    def first_says(text):
        first_said.append(text)
        if len(first_said) == 1:
            second.start()
            assert second_waits.wait(60)

    def second_says(text):
        second_said.append(text)
        second_waits.set()

    def export_reporting(progress):
        made.append(
            export(request_for("nets:tiny"), "float32", seed=0, progress=progress)
        )

    second = threading.Thread(target=export_reporting, args=[second_says])
    export_reporting(first_says)
    second.join()

    assert made[0] == made[1]
    assert first_said[0] == "tiny float32: exporting"
    assert second_said == ["tiny float32: waiting for another export of it"]


def test_errors_come_back_as_they_were_raised(nets):
    with pytest.raises(ExportError) as caught:
        export_quietly("nets:raising")

    assert str(caught.value) == (
        "raising: nets:raising raised ValueError: width must be even. Try it alone: "
        'python -c "import nets; nets.raising()"'
    )
    assert list(Path(os.environ["POCKETBENCH_CACHE_DIR"]).rglob("*.json")) == []


def test_an_unknown_variant_is_reported_before_anything_runs(nets):
    with pytest.raises(UnknownNameError, match="Did you mean int8-static"):
        export_quietly("nets:tiny", "int8-statik")


def test_a_child_that_is_killed_is_reported_with_its_last_words(nets):
    (nets / "deadly.py").write_text(
        "import os, sys\n"
        "def net():\n"
        "    print('about to die', file=sys.stderr, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )

    with pytest.raises(ExportError, match=r"ended with signal 9: .*about to die"):
        export_quietly("deadly:net")


@pytest.mark.slow
def test_what_executorch_prints_of_a_kernel_is_the_reason(nets):
    pytest.importorskip("executorch")
    (nets / "deep.py").write_text(
        "import torch\n\ndef net():\n"
        "    return torch.nn.Conv3d(2, 4, 3), torch.randn(1, 2, 5, 5, 5)\n"
    )
    with pytest.raises(ExportError, match=r"says: .* 3-D or 4-D.* --engine lite"):
        export_quietly("deep:net", "float32+executorch")


@pytest.mark.skipif(sys.platform != "linux", reason="a fork for each, on Linux only")
def test_one_process_makes_several_exports_and_outlives_a_crash(nets):
    (nets / "mortal.py").write_text(
        "import os, sys, torch\n"
        "def net():\n"
        "    open('parents', 'a').write(f'{os.getppid()}\\n')\n"
        "    if os.environ['VARIANT'] == 'dies':\n"
        "        print('about to die', file=sys.stderr, flush=True)\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return torch.nn.Linear(4, 3), torch.ones(1, 4)\n"
        "def dies():\n"
        "    os.environ['VARIANT'] = 'dies'\n"
        "    return net()\n"
        "os.environ.setdefault('VARIANT', 'lives')\n"
    )
    with export_process() as process:
        first, _ = export_quietly("mortal:net", process=process)
        with pytest.raises(ExportError, match=r"signal 9: about to die\. Check"):
            export_quietly("mortal:dies", process=process)
        second, _ = export_quietly("mortal:net", "int8-dynamic", process=process)

    parents = (nets / "parents").read_text().split()
    assert len(parents) == 3
    assert len(set(parents)) == 1
    assert first.sha256 != second.sha256
    with pytest.raises(ProcessLookupError):
        os.kill(int(parents[0]), 0)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_the_child_ends_with_the_process_that_waits_for_it(nets, sent):
    (nets / "slow.py").write_text(SLOW)
    waiting = subprocess.Popen(
        [sys.executable, "-c", EXPORT, "slow:net"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    child = int(_wait_for(lambda: _text(nets / "child.pid")))
    waiting.send_signal(sent)
    waiting.wait(timeout=120)

    _wait_for(lambda: not _is_running(child))


def _text(path):
    return path.read_text() if path.exists() else ""


def _is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return _answers(pid) and not Path("/proc/self").exists()
    return state != "Z"


def _answers(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _wait_for(condition, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
