"""The closed list of reasons why something could not be measured, with remedies."""

from __future__ import annotations

from enum import StrEnum


class FailureReason(StrEnum):
    """Why a job could not be measured; the value is what is stored."""

    UNAUTHORIZED = "unauthorized"
    OFFLINE = "offline"
    DEVICE_LOST = "device_lost"
    DEVICE_BUSY = "device_busy"
    ADB_SERVER_REPLACED = "adb_server_replaced"
    QUARANTINED = "quarantined"
    LEASE_LOST = "lease_lost"
    LOCKED = "locked"
    NOT_PAIRED = "not_paired"
    DEVELOPER_MODE_OFF = "developer_mode_off"
    DEVELOPER_SERVICES = "developer_services"
    NOT_TRUSTED = "not_trusted"
    NOT_INSTALLED = "not_installed"
    NOT_BOOTED = "not_booted"
    PUSH_FAILED = "push_failed"
    DISK_FULL = "disk_full"
    NO_PERMISSION = "no_permission"
    WRONG_ABI = "wrong_abi"
    WRONG_PAGE_SIZE = "wrong_page_size"
    ANDROID_TOO_OLD = "android_too_old"
    LINKER = "linker"
    MISSING_LIBRARY = "missing_library"
    MISSING_LOADER = "missing_loader"
    EXECUTION_DENIED = "execution_denied"
    KERNEL_TOO_OLD = "kernel_too_old"
    BLOCKED_SYSTEM_CALL = "blocked_system_call"
    NOT_FOUND = "not_found"
    NOT_LOADABLE = "not_loadable"
    FULL_JIT_FILE = "full_jit_file"
    TRUNCATED_FILE = "truncated_file"
    BYTECODE_TOO_NEW = "bytecode_too_new"
    BYTECODE_TOO_OLD = "bytecode_too_old"
    MISSING_OPERATOR = "missing_operator"
    MISSING_BACKEND = "missing_backend"
    NO_QUANTIZED_ENGINE = "no_quantized_engine"
    MODEL_RAISED = "model_raised"
    BAD_FLAGS = "bad_flags"
    NO_OPERATOR_TIMES = "no_operator_times"
    NOT_GENERATING = "not_generating"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    BAD_OUTPUT = "bad_output"
    EXPORT_FAILED = "export_failed"
    INTERNAL = "internal"

    @property
    def remedy(self) -> str:
        """What to do about it, as one sentence without a final period."""
        return _REMEDIES[self]


_REMEDIES = {
    FailureReason.UNAUTHORIZED: (
        "Unlock the phone and accept the 'Allow USB debugging' dialog"
    ),
    FailureReason.OFFLINE: (
        "Replug the cable or run `adb reconnect`; for Wi-Fi, `adb connect` again"
    ),
    FailureReason.DEVICE_LOST: (
        "Check the cable and that the phone did not reboot, then run with --resume"
    ),
    FailureReason.DEVICE_BUSY: (
        "Wait for the other pocketbench run (--wait 10m), or end it"
    ),
    FailureReason.ADB_SERVER_REPLACED: (
        "Another adb version restarted the server: use one adb binary, "
        "then run with --resume"
    ),
    FailureReason.QUARANTINED: (
        "Check the phone, its cable and its hub, then run with --resume; with several "
        "phones of the model, --spread moves the work to another"
    ),
    FailureReason.LEASE_LOST: (
        "Lease a phone again: run with --resume and the same --lab"
    ),
    FailureReason.LOCKED: (
        "Unlock the iPhone and let it stay so (Settings > Display & Brightness > "
        "Auto-Lock > Never), then run with --resume"
    ),
    FailureReason.NOT_PAIRED: (
        "Connect the iPhone by cable, unlock it and tap Trust, then enter its passcode"
    ),
    FailureReason.DEVELOPER_MODE_OFF: (
        "Turn on Settings > Privacy & Security > Developer Mode on the iPhone; "
        "it restarts"
    ),
    FailureReason.DEVELOPER_SERVICES: (
        "Open Xcode once with the iPhone connected and unlocked, until it has prepared "
        "it; an iOS newer than Xcode needs a newer Xcode"
    ),
    FailureReason.NOT_TRUSTED: (
        "Build the app with your own team (`pocketbench runner build --platform ios "
        "--team ID`) and trust it under Settings > General > VPN & Device Management"
    ),
    FailureReason.NOT_INSTALLED: "Run again: the app is installed at the start",
    FailureReason.NOT_BOOTED: (
        "See `xcrun simctl list`; boot the simulator, or run again and it is booted"
    ),
    FailureReason.PUSH_FAILED: "See the message of adb, then run with --resume",
    FailureReason.DISK_FULL: (
        "Free space on the phone; /data/local/tmp/pocketbench may be deleted"
    ),
    FailureReason.NO_PERMISSION: (
        "Check that /data/local/tmp is writable and not mounted noexec"
    ),
    FailureReason.WRONG_ABI: (
        "Give a program built for the phone's ABI, or build ours: "
        "`pocketbench runner build --engine ENGINE --abi ABI`"
    ),
    FailureReason.WRONG_PAGE_SIZE: (
        "Rebuild the runner and its libraries with 16 KB alignment "
        "(-Wl,-z,max-page-size=16384)"
    ),
    FailureReason.ANDROID_TOO_OLD: (
        "Build it and its runtime for this phone's Android (`pocketbench runner build "
        "--api-level`), or take the Linux build, which runs on all: --libc glibc"
    ),
    FailureReason.LINKER: (
        "Push the library the linker names, or build the runner against it"
    ),
    FailureReason.MISSING_LIBRARY: (
        "Give the library with --runner-option NAME.library=PATH, or link it statically"
    ),
    FailureReason.MISSING_LOADER: (
        "The program needs a dynamic loader that the device lacks: build it for the "
        "device's C library (Android's NDK for bionic), or link it statically"
    ),
    FailureReason.EXECUTION_DENIED: (
        "This system forbids running programs from /data/local/tmp (a hardened or "
        "managed phone): allow it in its settings, or measure on another phone"
    ),
    FailureReason.KERNEL_TOO_OLD: (
        "Use a program built with Android's NDK (`pocketbench runner build --ndk "
        "PATH`), or a phone with a newer kernel"
    ),
    FailureReason.BLOCKED_SYSTEM_CALL: (
        "Start it from adb's shell, which has no system call filter, and not inside an "
        "app; or use a program built with Android's NDK"
    ),
    FailureReason.NOT_FOUND: "Check the path of the program or the model",
    FailureReason.NOT_LOADABLE: (
        "Give a whole file of the kind that the program loads: .ptl (saved with "
        "_save_for_lite_interpreter) for the lite interpreter, .pte for ExecuTorch, "
        ".tflite for LiteRT, .onnx for ONNX Runtime, .gguf for llama.cpp, .litertlm "
        "for LiteRT-LM"
    ),
    FailureReason.FULL_JIT_FILE: (
        "Save it with _save_for_lite_interpreter, or give the .pt file to "
        "`pocketbench run`, which does so"
    ),
    FailureReason.TRUNCATED_FILE: (
        "Copy or export the file again: it is cut off, or no archive at all"
    ),
    FailureReason.BYTECODE_TOO_NEW: (
        "Export with an older torch, or build the runner against a newer one"
    ),
    FailureReason.BYTECODE_TOO_OLD: "Export the model again with a newer torch",
    FailureReason.MISSING_OPERATOR: (
        "Use a runner built with the operators the message names"
    ),
    FailureReason.MISSING_BACKEND: (
        "Measure it on a device that has what the message names, with a runner built "
        "with that delegate"
    ),
    FailureReason.NO_QUANTIZED_ENGINE: (
        "Use a runner built with QNNPACK or XNNPACK (USE_PYTORCH_QNNPACK=ON)"
    ),
    FailureReason.MODEL_RAISED: (
        "Check the model's inputs: give their shape and dtype with --input"
    ),
    FailureReason.BAD_FLAGS: (
        "Check that the program given with --runner is the one named"
    ),
    FailureReason.NO_OPERATOR_TIMES: (
        "Profile with a runner whose runtime reports its operators: ours for the lite "
        "interpreter, or ExecuTorch built with -DEXECUTORCH_ENABLE_EVENT_TRACER=ON "
        "-DEXECUTORCH_BUILD_DEVTOOLS=ON"
    ),
    FailureReason.NOT_GENERATING: (
        "Give a decoder with a KV cache (tokens and their position as its inputs), and "
        "a prompt, depth and new tokens that fit its context"
    ),
    FailureReason.OUT_OF_MEMORY: (
        "Close other apps, use a smaller model, or a phone with more memory"
    ),
    FailureReason.CRASHED: "See the output kept with the failure",
    FailureReason.TIMED_OUT: "Raise --timeout or lower --iterations",
    FailureReason.BAD_OUTPUT: (
        "Check that the program given with --runner is the one named"
    ),
    FailureReason.EXPORT_FAILED: "See the error of the export",
    FailureReason.INTERNAL: "Please report this with the run folder",
}
