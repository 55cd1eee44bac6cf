from __future__ import annotations

import time

import pytest

from pocketbench.android_runner.failures.classify import (
    classify,
    first_words,
    reason_of,
)
from pocketbench.bench.records.device import CommandResult
from pocketbench.bench.records.failure import FailureReason as Reason


def ended(
    stderr: str = "",
    *,
    code: int | None = 1,
    stdout: str = "",
    signal: int | None = None,
) -> CommandResult:
    return CommandResult(
        stdout=stdout.encode(), stderr=stderr.encode(), exit_code=code, signal=signal
    )


@pytest.mark.parametrize(
    ("stderr", "code", "reason"),
    [
        (
            'CANNOT LINK EXECUTABLE "./bench": library "libfoo.so" not found: '
            "needed by main executable",
            134,
            Reason.LINKER,
        ),
        (
            'CANNOT LINK EXECUTABLE DEPENDENCIES: library "liba.so" not found',
            1,
            Reason.LINKER,
        ),
        (
            'CANNOT LINK EXECUTABLE "b": cannot locate symbol "foo" referenced by "b"',
            134,
            Reason.LINKER,
        ),
        (
            'CANNOT LINK EXECUTABLE "./b": "/d/libx.so" program alignment (4096) '
            "cannot be smaller than system page size (16384)",
            134,
            Reason.WRONG_PAGE_SIZE,
        ),
        (
            'CANNOT LINK EXECUTABLE "./b": "libx.so" is for EM_X86_64 (62) instead of '
            "EM_AARCH64 (183)",
            134,
            Reason.WRONG_ABI,
        ),
        (
            "./b: error while loading shared libraries: libtorch.so: cannot open "
            "shared object file: No such file or directory",
            127,
            Reason.MISSING_LIBRARY,
        ),
        (
            "./b: error while loading shared libraries: /d/libx.so: failed to map "
            "segment from shared object: Operation not permitted",
            127,
            Reason.EXECUTION_DENIED,
        ),
        (
            'CANNOT LINK EXECUTABLE "./b": couldn\'t map "/d/libx.so" segment 1: '
            "Permission denied",
            1,
            Reason.EXECUTION_DENIED,
        ),
        (
            "/system/bin/sh: /data/local/tmp/pocketbench/b: can't execute: Permission "
            "denied",
            126,
            Reason.EXECUTION_DENIED,
        ),
        (
            "/system/bin/sh: /data/local/tmp/b: Operation not permitted",
            126,
            Reason.EXECUTION_DENIED,
        ),
        (
            f"sh: /data/local/tmp/pocketbench/objects/{'0a' * 32}/b: inaccessible or "
            "not found",
            127,
            Reason.MISSING_LOADER,
        ),
        (
            f"sh: 1: /data/local/tmp/pocketbench/objects/{'0a' * 32}/b: not found",
            127,
            Reason.MISSING_LOADER,
        ),
        (
            "qemu-aarch64: Could not open '/lib/ld-linux-aarch64.so.1': No such file "
            "or "
            "directory",
            255,
            Reason.MISSING_LOADER,
        ),
        (
            "bash: ./b: cannot execute: required file not found",
            127,
            Reason.MISSING_LOADER,
        ),
        ("FATAL: kernel too old", 127, Reason.KERNEL_TOO_OLD),
        ("FATAL: kernel too old\nAborted", 134, Reason.KERNEL_TOO_OLD),
        ("Bad system call", 159, Reason.BLOCKED_SYSTEM_CALL),
        ("", 159, Reason.BLOCKED_SYSTEM_CALL),
        (
            "xnnpack::convolution not available! Reason: the provided parameters are "
            "not supported by XNNPACK",
            134,
            Reason.MISSING_OPERATOR,
        ),
        ("RuntimeError: XNNPACK is not available", 134, Reason.MISSING_BACKEND),
        ("Vulkan backend is not available", 134, Reason.MISSING_BACKEND),
        ("Backend QnnBackend is not available.", 134, Reason.MISSING_BACKEND),
        ("/system/bin/sh: ./b: not executable: 64-bit ELF file", 126, Reason.WRONG_ABI),
        (
            "bash: ./b: cannot execute binary file: Exec format error",
            126,
            Reason.WRONG_ABI,
        ),
        ("sh: 1: ./b: Exec format error", 2, Reason.WRONG_ABI),
        ("/system/bin/sh: ./b: inaccessible or not found", 127, Reason.NOT_FOUND),
        ("/system/bin/sh: ./b: No such file or directory", 127, Reason.NOT_FOUND),
        (
            "/system/bin/sh: ./b: can't execute: Permission denied",
            126,
            Reason.NO_PERMISSION,
        ),
        ("", 127, Reason.NOT_FOUND),
        ("", 126, Reason.NO_PERMISSION),
        ("Killed", 137, Reason.OUT_OF_MEMORY),
        ("", 137, Reason.OUT_OF_MEMORY),
        ("Segmentation fault", 139, Reason.CRASHED),
        ("Illegal instruction", 132, Reason.CRASHED),
        (
            "terminate called after throwing an instance of 'std::bad_alloc'\n"
            "  what():  std::bad_alloc\nAborted",
            134,
            Reason.OUT_OF_MEMORY,
        ),
        (
            "PytorchStreamReader failed locating file bytecode.pkl: file not found ()",
            134,
            Reason.FULL_JIT_FILE,
        ),
        (
            "PytorchStreamReader failed reading zip archive: failed finding central "
            "directory",
            134,
            Reason.TRUNCATED_FILE,
        ),
        (
            "Following ops cannot be found {vision::roi_align, vision::nms, } ()",
            134,
            Reason.MISSING_OPERATOR,
        ),
        (
            "[enforce fail at nnapi_wrapper.cpp:344] handle. Failed to load "
            "libneuralnetworks.so libneuralnetworks.so: cannot open shared object file",
            134,
            Reason.MISSING_BACKEND,
        ),
        (
            "Didn't find engine for operation quantized::conv2d_prepack NoQEngine",
            134,
            Reason.NO_QUANTIZED_ENGINE,
        ),
        (
            "C10 flag: unrecognized commandline argument: --foo\n"
            "Failed to parse command line flags!",
            1,
            Reason.BAD_FLAGS,
        ),
        (
            "terminating with uncaught exception of type std::runtime_error: shapes "
            "cannot be multiplied\nAborted",
            134,
            Reason.MODEL_RAISED,
        ),
        (
            'CANNOT LINK EXECUTABLE "./b": "./libx.so": unexpected e_machine: 62',
            134,
            Reason.WRONG_ABI,
        ),
        ("/system/bin/sh: ./b: not executable: magic 7F45", 126, Reason.WRONG_ABI),
        ("Error relocating ./b: __foo: symbol not found", 127, Reason.LINKER),
        ('dlopen failed: library "libQnnHtp.so" not found', 1, Reason.LINKER),
        (
            'dlopen failed: library "libother.so" not found\nBackend Qnn is not '
            "registered",
            1,
            Reason.MISSING_BACKEND,
        ),
        (
            "Scudo ERROR: internal map failure (NO MEMORY) requesting 1048576KB",
            134,
            Reason.OUT_OF_MEMORY,
        ),
        ("something odd", 3, Reason.CRASHED),
        ("", 0, Reason.BAD_OUTPUT),
    ],
)
def test_every_known_way_to_end_has_its_reason(
    stderr: str, code: int, reason: Reason
) -> None:
    error = classify(ended(stderr, code=code), subject="tiny.ptl")
    assert error.reason is reason
    assert error.subject == "tiny.ptl"
    assert error.next_step


@pytest.mark.parametrize(
    "fatal",
    [
        "F 00:00:00.000512 executorch:operator_registry.cpp:88] Re-registering "
        "aten::_adaptive_avg_pool2d.out",
        "F1128 10:00:00.000512 123 logging.cpp:61] Check failed: x == y",
    ],
)
def test_the_cause_of_a_crash_is_the_fatal_line_and_not_the_shells_word(
    fatal: str,
) -> None:
    said = f"I 00:00:00.000001 executorch:a.cpp:1] begun\n{fatal}\nAborted"
    error = classify(ended(said, code=134), subject="tiny.pte")
    assert error.reason is Reason.CRASHED
    assert error.fact == f"ended by SIGABRT: {fatal}"


@pytest.mark.parametrize(
    ("stderr", "reported"),
    [
        ("Missing operator: [3] aten::native_dropout.out", ".eval()"),
        ("Following ops cannot be found {aten::native_dropout, } ()", ".eval()"),
        (
            'CANNOT LINK EXECUTABLE "/d/b": cannot locate symbol "__write_chk" '
            "referenced"
            ' by "/data/local/tmp/b"...',
            "b needs the symbol __write_chk",
        ),
        ("./b: symbol lookup error: ./b: undefined symbol: needed", "symbol needed"),
        (
            "./b: /lib/libc.so.6: version `GLIBC_2.38' not found (required by ./b)",
            "older than GLIBC_2.38",
        ),
        (
            '"./b": error: Android 5.0 and later only support position-independent '
            "executables (-fPIE).",
            "-fPIE",
        ),
        ("error: only position independent executables (PIE) are supported.", "-fPIE"),
        ('CANNOT LINK EXECUTABLE "./b": "./b" has text relocations', "-fPIC"),
        (
            'error: "./b": executable\'s TLS segment is underaligned: alignment is 8, '
            "needs to be at least 64 for ARM64 Bionic",
            "thread-local storage",
        ),
        (
            'CANNOT LINK EXECUTABLE "./b": "./libx.so" is too small to be an ELF '
            "executable: only found 0 bytes",
            "damaged or cut off",
        ),
        (
            'CANNOT LINK EXECUTABLE "./b": empty/missing DT_HASH/DT_GNU_HASH in "./b" '
            "(new hash type from the future?)",
            "lower --api-level",
        ),
        (
            'CANNOT LINK EXECUTABLE "./b": library "libOpenCL.so" needed or dlopened '
            'by "/d/b" is not accessible for the namespace "(default)"',
            "keeps this library",
        ),
        ("Illegal instruction", "older architecture"),
    ],
)
def test_a_remedy_says_what_the_words_allow(stderr: str, reported: str) -> None:
    code = 132 if stderr == "Illegal instruction" else 134
    error = classify(ended(stderr, code=code), subject="x")
    assert reported in error.next_step
    assert "Push the library" not in error.next_step


def test_a_signal_31_is_a_system_call_that_a_filter_forbids() -> None:
    error = classify(ended(code=None, signal=31), subject="x")
    assert error.reason is Reason.BLOCKED_SYSTEM_CALL
    assert "SIGSYS" in error.fact
    assert "app" in error.next_step


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            "Lite Interpreter version number does not match. The model version must be "
            "between 3 and 7 but the model version is 8 ()",
            Reason.BYTECODE_TOO_NEW,
        ),
        (
            "Lite Interpreter verson number does not match. The model version must be "
            "between 3 and 5But the model version is 2",
            Reason.BYTECODE_TOO_OLD,
        ),
        ("anything else", None),
    ],
)
def test_bytecode_too_new_and_too_old_are_reported_apart_in_both_spellings(
    message: str, reason: Reason | None
) -> None:
    assert reason_of(message) is reason


def test_a_timeout_is_a_timeout_whatever_the_program_said() -> None:
    result = CommandResult(
        stdout=b"",
        stderr=b"Killed",
        exit_code=None,
        signal=9,
        timed_out=True,
        duration_ns=5_200_000_000,
    )
    error = classify(result, subject="tiny.ptl")
    assert error.reason is Reason.TIMED_OUT
    assert "5 s" in error.fact


@pytest.mark.parametrize(("number", "name"), [(11, "SIGSEGV"), (6, "SIGABRT")])
def test_a_crash_names_its_signal_however_it_was_reported(
    number: int, name: str
) -> None:
    by_signal = classify(ended(code=None, signal=number), subject="x")
    by_code = classify(ended(code=128 + number), subject="x")
    assert name in by_signal.fact
    assert name in by_code.fact
    assert by_signal.reason is by_code.reason is Reason.CRASHED


def test_not_found_in_a_programs_own_words_is_not_a_missing_program() -> None:
    error = classify(ended("label not found", code=1), subject="x")
    assert error.reason is Reason.CRASHED


def test_a_torchscript_traceback_is_reported_by_its_last_line() -> None:
    words = (
        "terminating with uncaught exception of type std::runtime_error: The following "
        "operation failed in the TorchScript interpreter.\n"
        "Traceback of TorchScript, serialized code (most recent call last):\n"
        '  File "code/m.py", line 3, in forward\n'
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x3 and 4x2)\n"
    )
    error = classify(ended(words, code=134), subject="x")
    assert error.reason is Reason.MODEL_RAISED
    assert error.fact == (
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x3 and 4x2)"
    )


def test_bytes_that_are_no_text_do_not_break_the_classification() -> None:
    result = CommandResult(stdout=b"\xff\xfe", stderr=b"\x80\x81", exit_code=139)
    assert classify(result, subject="x").reason is Reason.CRASHED


def test_long_messages_are_shortened_and_lose_their_backtrace() -> None:
    assert (
        first_words("bad thing\nException raised from f at g.cpp:3 (…") == "bad thing"
    )
    assert len(first_words("x" * 5000)) < 400


@pytest.mark.parametrize(
    "repeated",
    ["a", " ", "\n", "vers", "operator ", "terminate called ", "avc:  denied  { "],
)
def test_64_kb_of_any_output_are_classified_at_once(repeated):
    result = ended(stdout=(repeated * 65536)[:65536])
    started = time.process_time()

    assert classify(result, subject="net").reason is Reason.CRASHED
    assert time.process_time() - started < 2
