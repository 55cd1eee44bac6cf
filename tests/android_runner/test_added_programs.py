"""Programs of others: taken by their content, remembered by name and ABI."""

from __future__ import annotations

import hashlib
import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pocketbench.android_runner.build.added_programs import (
    AddedProgram,
    add_program,
    added_choices,
    added_programs,
)
from pocketbench.bench.cli import cli
from pocketbench.bench.errors import ToolMissingError, UsageError
from pocketbench.bench.measure.prepare import make_runners
from tests.bench.test_elf import elf

CONTENT = elf(183, interpreter="/system/bin/linker64")
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKETBENCH_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "android_aarch64_benchmark_model"
    file.write_bytes(CONTENT)
    return file


def add(source: object, **changed: str | None) -> AddedProgram:
    options = {"name": "benchmark_model", "abi": None, "sha256": None, **changed}
    return add_program(str(source), **options, progress=lambda text: None)  # type: ignore[arg-type]


def test_a_program_is_kept_after_its_file_is_gone(program: Path) -> None:
    added = add(program, sha256=SHA256.upper(), abi="arm64-v8a")
    program.unlink()
    assert Path(added.path).read_bytes() == CONTENT
    assert added_programs() == (added,)
    (choice,) = added_choices()
    assert (choice.name, choice.abi) == ("benchmark_model", "arm64-v8a")


def test_a_later_one_of_the_same_name_and_abi_replaces_it(program: Path) -> None:
    add(program)
    program.write_bytes(CONTENT + b"newer")
    added = add(program)
    assert added_programs() == (added,)
    assert Path(added.path).read_bytes().endswith(b"newer")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sha256": "0" * 64}, "has the sha256"),
        ({"abi": "x86_64"}, "is built for arm64-v8a, not x86_64"),
    ],
)
def test_what_is_not_what_was_meant_is_refused_and_not_kept(
    program: Path, changed: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        add(program, **changed)
    assert added_programs() == ()


@pytest.mark.parametrize(
    ("address", "sha256"),
    [("https://example.org/program", None), ("http://example.org/program", SHA256)],
)
def test_nothing_is_fetched_without_https_and_its_sha256(
    program: Path, address: str, sha256: str | None
) -> None:
    with pytest.raises(UsageError, match="only over https and by its sha256"):
        add(address, sha256=sha256)


class Published(http.server.SimpleHTTPRequestHandler):
    """Gives the program under every path."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this computer alone, made by openssl; its key lies beside it."""
    folder = tmp_path_factory.mktemp("certificate")
    words = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-keyout key.pem -out certificate.pem -subj /CN=127.0.0.1 "
        "-addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        ["openssl", *words.split()], cwd=folder, check=True, capture_output=True
    )
    return folder / "certificate.pem"


@pytest.fixture
def address(certificate: Path) -> Iterator[str]:
    """Of a program on a real https server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Published) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}/android_aarch64_benchmark_model"
        server.shutdown()
        thread.join()


def adds(address: str, sha256: str) -> Result:
    words = ["--name", "benchmark_model", "--abi", "arm64-v8a", "--sha256", sha256]
    return CliRunner().invoke(cli, ["runner", "add", address, *words])


@pytest.mark.needs("openssl")
def test_a_published_program_is_fetched_over_https_and_only_with_the_right_sha256(
    program: Path, address: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    refused = adds(address, "0" * 64)
    assert isinstance(refused.exception, UsageError)
    assert f"has the sha256 {SHA256}, not {'0' * 64}" in str(refused.exception)
    assert added_programs() == ()
    done = adds(address, SHA256)
    assert done.exit_code == 0, done.output
    (added,) = added_programs()
    assert (added.source, added.path) == (address, done.stdout.strip())
    assert Path(added.path).read_bytes() == CONTENT
    assert f"fetching {address} ..." in done.stderr


@pytest.mark.needs("openssl")
def test_a_server_that_nobody_vouches_for_is_refused(
    program: Path, address: str
) -> None:
    refused = adds(address, SHA256)
    assert isinstance(refused.exception, ToolMissingError)
    assert "certificate verify failed" in str(refused.exception)
    assert added_programs() == ()


def test_a_run_uses_it_after_our_own_runners(program: Path) -> None:
    add(program)
    names = [runner.name for runner in make_runners((), print)]
    assert names[:2] == ["lite", "executorch"]
    assert names[-1] == "benchmark_model"
