"""What a source string means, parsed without torch."""

import subprocess
import sys
import zipfile

import pytest

from pocketbench.bench.errors import UnknownNameError, UsageError
from pocketbench.bench.planning.sources import (
    format_of,
    known_variants,
    request_for,
    resolve,
)
from pocketbench.bench.records.artifact import TensorSpec


def archive(path, *names):
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(f"archive/{name}", b"")


def test_a_zoo_name_is_a_factory_with_inputs_of_its_own():
    source = resolve("mobilenet_v2")

    assert source.kind == "factory"
    assert source.spec == "pocketbench.bench.models.zoo:mobilenet_v2"
    assert source.inputs == (TensorSpec(shape=(1, 3, 224, 224)),)
    assert source.random_weights
    assert resolve(source.spec) == source


def test_a_factory_is_found_in_the_current_folder(nets):
    source = resolve("nets:tiny")

    assert source.kind == "factory"
    assert source.origin == str(nets / "nets.py")
    assert not source.random_weights
    assert source.name == "tiny"


def test_a_factory_is_found_in_a_package(nets):
    (nets / "mine").mkdir()
    (nets / "mine" / "__init__.py").write_text("raise SystemExit('imported')")
    (nets / "mine" / "net.py").write_text("def build(): ...")

    assert resolve("mine.net:build").origin == str(nets / "mine" / "net.py")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mobilnet_v2", "mobilnet_v2: unknown model. Did you mean mobilenet_v2?"),
        ("nets:tinny", "nets:tinny: unknown factory. Did you mean nets:tiny"),
        ("netts:tiny", "netts:tiny: unknown module. Did you mean nets:tiny"),
        ("nets.inner:tiny", "nets.inner:tiny: unknown module. Did you mean nets:tiny"),
        ("", "(empty): unknown model. Choose from "),
    ],
)
def test_an_unknown_name_is_reported_with_the_near_ones(nets, source, message):
    with pytest.raises(UnknownNameError) as caught:
        resolve(source)
    assert str(caught.value).startswith(message)


def test_a_module_that_makes_names_as_it_runs_is_believed(nets):
    (nets / "made.py").write_text("globals()['net'] = lambda: None\n")
    (nets / "starred.py").write_text("from nets import *\n")

    assert resolve("made:net").kind == "factory"
    assert resolve("starred:tiny").kind == "factory"


def test_a_missing_file_is_reported_with_the_near_ones(nets):
    (nets / "net one.ptl").write_bytes(b"")

    with pytest.raises(UnknownNameError, match=r"Did you mean net one\.ptl\?"):
        resolve("net on.ptl")
    with pytest.raises(UsageError, match="no such file"):
        resolve("nowhere/net.pt")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("bytecode.pkl", "constants.pkl", "data.pkl"), "ptl"),
        (("constants.pkl", "data.pkl"), "pt"),
    ],
)
def test_the_format_is_read_from_the_content_not_from_the_name(nets, names, found):
    archive(nets / "model.bin", *names)
    archive(nets / "model.ptl", *names)

    assert format_of("model.bin", "as-is") == format_of("model.ptl", "as-is") == found


@pytest.mark.parametrize(
    ("identifier", "found"),
    [(b"PTMF", "ptl"), (b"ET12", "pte"), (b"TFL3", "tflite"), (b"ORTM", "ort")],
)
def test_a_flatbuffer_is_known_by_its_identifier(nets, identifier, found):
    (nets / "model").write_bytes(b"\0\0\0\0" + identifier + b"\0" * 20)

    assert format_of("./model") == found


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("data.pkl",), "holds weights"),
        (("models/model.json",), "torch.export program"),
        (("readme.txt",), "without a model"),
    ],
)
def test_an_archive_that_is_no_program_is_refused(nets, names, words):
    archive(nets / "model.pt", *names)

    with pytest.raises(UsageError, match=words):
        resolve("model.pt")


def test_an_archive_that_unpacks_to_far_more_is_refused_unread(nets):
    with (
        zipfile.ZipFile(nets / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as file,
        file.open("net/constants.pkl", "w") as member,
    ):
        for _ in range(257):
            member.write(bytes(1 << 20))
    assert (nets / "bomb.pt").stat().st_size < 4 << 20

    with pytest.raises(UsageError, match="unpacks to 257 MiB"):
        resolve("bomb.pt")


def test_a_folder_and_another_file_are_refused(nets):
    with pytest.raises(UsageError, match="is a folder"):
        resolve(str(nets))
    (nets / "nets.yaml").write_text("not a model")
    with pytest.raises(UsageError, match="is no model file"):
        resolve("nets.yaml")


def test_a_script_can_be_made_into_variants_and_a_ready_file_is_one(nets):
    archive(nets / "net.pt", "constants.pkl")
    archive(nets / "net.ptl", "bytecode.pkl")

    assert known_variants("net.pt") == (
        *("float32", "int8-dynamic", "int8-static"),
        "as-is",
    )
    assert known_variants("net.ptl") == ("as-is",)
    assert format_of("net.pt", "int8-static") == "ptl"
    assert format_of("net.pt", "as-is") == "pt"


@pytest.mark.needs("executorch")
def test_a_decoder_of_the_zoo_has_the_variants_of_executorchs_exporter():
    assert known_variants("tiny_llama-15m") == ("float32", "8da4w", "int8-dynamic")


def test_a_request_survives_a_change_of_folder(nets, monkeypatch):
    archive(nets / "my; net.ptl", "bytecode.pkl")

    request = request_for("my; net.ptl")
    monkeypatch.chdir("/")
    assert request.name == "my; net"
    assert request.variants == ("as-is",)
    assert request.baseline == "as-is"
    assert resolve(request.source).name == "my; net"


def test_a_link_is_called_by_its_own_name(nets):
    archive(nets / "blob-17.ptl", "bytecode.pkl")
    (nets / "current.ptl").symlink_to("blob-17.ptl")

    assert request_for("current.ptl").name == "current"


def test_finding_sources_and_listing_the_zoo_imports_no_torch_and_no_user_code(nets):
    (nets / "loud.py").write_text("raise SystemExit('imported')\ndef net(): ...\n")
    code = (
        "import sys\n"
        "from pocketbench.bench.planning.zoo_names import ZOO\n"
        "from pocketbench.bench.models.exporting import library\n"
        "from pocketbench.bench.planning import sources\n"
        "sources.resolve('mobilenet_v2'), sources.resolve('loud:net')\n"
        "print('torch' in sys.modules, 'loud' in sys.modules, 'resnet18' in ZOO)\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert output == "False False True\n"


def test_a_file_is_a_module_and_its_only_function_the_factory(tmp_path):
    (tmp_path / "one.py").write_text("class Net: ...\n\n\ndef small(): ...\n")
    (tmp_path / "two.py").write_text("def small(): ...\n\n\ndef large(): ...\n")

    for typed in ("one.py", "./one.py", "one.py:small", "./one.py:small"):
        assert resolve(typed, tmp_path).spec == "one:small"
    assert resolve("two.py:large", tmp_path).spec == "two:large"
    with pytest.raises(UsageError, match=r"Name one: two\.py:large or two\.py:small"):
        resolve("two.py", tmp_path)
    with pytest.raises(UsageError, match="cannot be imported from this folder"):
        resolve(str(tmp_path / "one.py"), tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "source", ["n" * 5000, "~nobody-here/x", "a\0b", "n" * 5000 + "/x"]
)
def test_a_source_that_no_file_can_be_called_is_refused_like_any_other(nets, source):
    with pytest.raises(UsageError):
        resolve(source)
