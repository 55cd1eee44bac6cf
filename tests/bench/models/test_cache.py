"""When an earlier export still counts."""

import os
import time

import msgspec
import pytest

from pocketbench.bench.models.exporting import cache
from pocketbench.bench.models.exporting.files_read import FilesRead
from pocketbench.bench.planning.sources import resolve
from pocketbench.bench.records.artifact import TensorSpec
from tests import factories


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def key(nets):
    return cache.key_for(resolve("nets:tiny"), "float32", (), 0)


@pytest.fixture
def keep(nets, key):
    """Keep a file of some content as the export of `key`."""

    def store(content=b"model", files=("nets.py",)):
        model = cache.workspace() / "model.ptl"
        model.write_bytes(content)
        return cache.keep(
            cache.Entry(
                key=key,
                artifact=_artifact(model),
                files=tuple(
                    cache.SourceFile(
                        path=str(nets / name), sha256=cache.sha256_of(nets / name)
                    )
                    for name in files
                ),
            )
        )

    return store


def _artifact(path):
    return factories.artifact(
        model="tiny",
        path=str(path),
        sha256=cache.sha256_of(path),
        size_bytes=path.stat().st_size,
    )


def test_nothing_is_found_at_first(key):
    assert cache.find(key) is None


def test_an_export_is_found_while_nothing_changed(key, keep):
    artifact = keep()

    assert cache.find(key) == artifact
    assert not list(cache.workspace().iterdir())


def test_a_changed_source_file_is_noticed(nets, key, keep):
    (nets / "layers.py").write_text("WIDTH = 8\n")
    keep(files=("nets.py", "layers.py"))
    assert cache.find(key) is not None

    (nets / "layers.py").write_text("WIDTH = 9\n")
    assert cache.find(key) is None
    (nets / "layers.py").write_text("WIDTH = 8\n")
    assert cache.find(key) is not None
    (nets / "layers.py").unlink()
    assert cache.find(key) is None


def test_a_damaged_model_file_is_noticed(key, keep):
    artifact = keep()

    with open(artifact.path, "r+b") as file:
        file.write(b"M")
    assert cache.find(key) is None
    os.unlink(artifact.path)
    assert cache.find(key) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"key": 1}'])
def test_an_unreadable_entry_is_no_entry(key, keep, content):
    keep()
    (entry,) = (cache.cache_dir() / "exports" / "entries").iterdir()
    entry.write_bytes(content)

    assert cache.find(key) is None


def test_the_file_of_an_earlier_commit_stays_for_the_run_that_pushes_it(key, keep):
    earlier, later = keep(b"one"), keep(b"two")

    assert cache.find(key) == later
    assert earlier.path != later.path
    with open(earlier.path, "rb") as file:
        assert file.read() == b"one"


def test_an_export_through_a_link_to_the_cache_outlives_the_link(
    key, keep, tmp_path, monkeypatch
):
    (tmp_path / "link").mkdir()
    link = tmp_path / "link" / "exports"
    cache.workspace()
    link.symlink_to(tmp_path / "cache" / "exports")
    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "link"))
    kept = keep()
    link.unlink()

    monkeypatch.setenv("POCKETBENCH_CACHE_DIR", str(tmp_path / "cache"))
    assert cache.find(key) == kept


def test_a_file_that_nobody_asked_for_in_a_month_is_deleted(key, keep):
    old, used = keep(b"old"), keep(b"used")
    long_ago = time.time() - cache.KEPT_S - 1
    for artifact in (old, used):
        os.utime(artifact.path, (long_ago, long_ago))

    assert cache.find(key) == used
    keep(b"new")
    assert os.path.exists(used.path)
    assert not os.path.exists(old.path)


def test_everything_that_was_asked_for_is_in_the_key(nets):
    source = resolve("nets:tiny")
    elsewhere = msgspec.structs.replace(source, origin="/elsewhere/nets.py")
    inputs = (TensorSpec(shape=(1,)),)

    keys = [
        cache.key_for(source, "float32", (), 0),
        cache.key_for(source, "int8-static", (), 0),
        cache.key_for(source, "float32", inputs, 0),
        cache.key_for(source, "float32", (), 1),
        cache.key_for(elsewhere, "float32", (), 0),
        msgspec.structs.replace(
            cache.key_for(source, "float32", (), 0), torch_version="2.14.0"
        ),
    ]
    assert len({key.digest for key in keys}) == len(keys)


def test_a_factory_depends_on_the_files_it_opens_and_not_on_those_it_writes(nets):
    (nets / "weights.bin").write_bytes(b"weights")
    (nets / "unread.bin").write_bytes(b"unread")
    files = FilesRead(started_ns=time.time_ns() + 10**9)

    with files.watching():
        (nets / "weights.bin").read_bytes()
        (nets / "scratch.bin").write_bytes(b"scratch")
        (nets / "scratch.bin").read_bytes()
        open(os.devnull).close()
    (nets / "unread.bin").read_bytes()
    found = {file.path: file.sha256 for file in files.hashed()}

    assert {path for path in found if path.startswith(str(nets))} == {
        str(nets / "weights.bin")
    }
    assert found[str(nets / "weights.bin")] == cache.sha256_of(nets / "weights.bin")


def test_an_export_depends_on_our_own_modules_and_not_on_installed_ones():
    names = {file.path for file in FilesRead(started_ns=time.time_ns()).hashed()}

    assert cache.__file__ in names
    assert msgspec.__file__ not in names
    assert os.__file__ not in names
    assert not any("site-packages" in name for name in names)


def test_a_file_that_changes_during_the_export_makes_its_entry_worthless(nets, key):
    started_ns = time.time_ns() - 10**9
    files = FilesRead(started_ns=started_ns)
    files.add(str(nets / "nets.py"))

    (sha256,) = {x.sha256 for x in files.hashed() if x.path == str(nets / "nets.py")}
    assert sha256 != cache.sha256_of(nets / "nets.py")
