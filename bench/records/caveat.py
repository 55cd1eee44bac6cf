"""The closed list of reasons to doubt a number: fact, likely cause, what to do."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

LOW_BATTERY = 0.3
"""Of a full one; below it many phones lower their clocks."""
FEWEST_LAUNCHES = 6
"""With fewer launches a cell carries the caveat too_few_launches."""
NOISY_VARIATION = 0.10
"""A coefficient of variation of launches above this is the caveat noisy."""


class Wording(NamedTuple):
    """The words of a caveat."""

    fact: str
    cause: str
    remedy: str


class Caveat(StrEnum):
    """One reason to doubt a launch or a cell; the value is what is stored."""

    SIMULATED = "simulated"
    EMULATED = "emulated"
    SIMULATOR = "simulator"
    REPLAYED = "replayed"
    THROTTLED = "throttled"
    THERMAL_UNSETTLED = "thermal_unsettled"
    CLOCKS_CAPPED = "clocks_capped"
    BATTERY_SAVER = "battery_saver"
    BATTERY_LOW = "battery_low"
    DOZING = "dozing"
    CHARGING = "charging"
    DEBUG_BUILD = "debug_build"
    NONDETERMINISTIC = "nondeterministic"
    RANDOM_WEIGHTS = "random_weights"
    TOO_FEW_LAUNCHES = "too_few_launches"
    NOISY = "noisy"
    NOT_PINNED = "not_pinned"
    OVERSUBSCRIBED = "oversubscribed"
    RUNNERS_DIFFER = "runners_differ"
    NOT_FULLY_DELEGATED = "not_fully_delegated"
    NO_MEMORY = "no_memory"
    FOREIGN_LIBC = "foreign_libc"
    FOREIGN_KERNELS = "foreign_kernels"
    FOREIGN_MEMORY = "foreign_memory"
    OUTPUT_DESTROYED = "output_destroyed"
    STATEFUL = "stateful"
    NOT_PREPACKED = "not_prepacked"
    ONE_STEP_OF_A_GENERATOR = "one_step_of_a_generator"
    OTHER_DEFINITION = "other_definition"

    @property
    def wording(self) -> Wording:
        """The one place where this caveat is worded."""
        return _WORDINGS[self]


_WORDINGS = {
    Caveat.SIMULATED: Wording(
        "a simulated phone",
        "its programs ran on this computer's CPU, not on a phone's",
        "measure on a real phone before deciding anything about phones",
    ),
    Caveat.EMULATED: Wording(
        "an emulator",
        "its programs ran on this computer's CPU, translated or virtualised",
        "measure on a real phone before deciding anything about phones",
    ),
    Caveat.SIMULATOR: Wording(
        "an iOS simulator",
        "its programs ran on the Mac's CPU, compiled for the Mac",
        "measure on a real iPhone before deciding anything about iPhones",
    ),
    Caveat.REPLAYED: Wording(
        "replayed",
        "a stand-in for the device's tools answered, as in pocketbench's own tests",
        "use the real tools; these figures say nothing about any device",
    ),
    Caveat.THROTTLED: Wording(
        "throttled while it was measured",
        "the device grew hot: its thermal status rose, a clock was capped or ran lower",
        "cool it, out of its case and off a charger, and run again with --resume",
    ),
    Caveat.THERMAL_UNSETTLED: Wording(
        "measured before the device had cooled down",
        "it did not settle within the longest wait, or cooldown was off",
        "cool it and run again, or wait longer: --cooldown-limit max_wait_s=900",
    ),
    Caveat.CLOCKS_CAPPED: Wording(
        "clocks capped from the start",
        "charging heat, a power mode or the vendor keeps them below the hardware's",
        "compare builds on this device, not with another of its kind",
    ),
    Caveat.BATTERY_SAVER: Wording(
        "battery saver was on",
        "it lowers clocks",
        "turn it off and run again",
    ),
    Caveat.BATTERY_LOW: Wording(
        f"battery below {100 * LOW_BATTERY:.0f} %",
        "many phones lower their clocks on a low battery",
        "charge it first",
    ),
    Caveat.DOZING: Wording(
        "the phone was dozing",
        "with its screen off for long, Android lets it sleep and lowers its clocks",
        "keep it awake: leave out --leave-settings, and --screen on",
    ),
    Caveat.CHARGING: Wording(
        "charging",
        "power over the cable heats the phone and hides what the launches used",
        "measure over Wi-Fi adb, or with charging switched off at the hub",
    ),
    Caveat.DEBUG_BUILD: Wording(
        "a debug build of Android",
        "userdebug and eng builds check what sold phones do not",
        "measure on a sold phone before deciding anything about its users",
    ),
    Caveat.NONDETERMINISTIC: Wording(
        "output bits differ between launches of the same file",
        "the model draws random numbers, or sums were rounded in another order: on "
        "other cores, by other threads, at other places in memory",
        "compare the values with --check outputs; seed the model, or run with "
        "--threads 1",
    ),
    Caveat.RANDOM_WEIGHTS: Wording(
        "random weights",
        "the zoo's models are not trained",
        "read the output error as SQNR against float32, never as accuracy",
    ),
    Caveat.TOO_FEW_LAUNCHES: Wording(
        f"fewer than {FEWEST_LAUNCHES} launches",
        "a quick look, or launches that failed",
        "run with --blocks 10 or more",
    ),
    Caveat.NOISY: Wording(
        f"launches differ by more than {100 * NOISY_VARIATION:.0f} % "
        "(coefficient of variation)",
        "other work on the device, heat, or clock changes",
        "quiet the device and run again, or add blocks",
    ),
    Caveat.NOT_PINNED: Wording(
        "not pinned to cores of its own",
        "this system cannot pin a process",
        "compare builds on this device, not with other devices",
    ),
    Caveat.OVERSUBSCRIBED: Wording(
        "more threads than cores",
        "the workload asks for more threads than this device has cores",
        "lower --threads",
    ),
    Caveat.RUNNERS_DIFFER: Wording(
        "measured with another program than the host",
        "a prebuilt program was given for this device's ABI",
        "compare builds on this device; do not read the ratio to the host",
    ),
    Caveat.NOT_FULLY_DELEGATED: Wording(
        "part of the model ran on the CPU, not on the delegate",
        "the delegate does not support some operators or their shapes",
        "export the model with operators that the delegate supports, or compare with "
        "a CPU variant",
    ),
    Caveat.NO_MEMORY: Wording(
        "no memory figures",
        "the measuring program reports none",
        "use pocketbench's own runner",
    ),
    Caveat.FOREIGN_LIBC: Wording(
        "run with Linux's C library, pushed along (no Android build of the runner)",
        "kernels and threads are those of the runtime's own Linux build; the compiler "
        "and malloc are not Android's",
        "compare builds and phones by it; for an app's number, build the runner with "
        "the NDK (docs/android.md)",
    ),
    Caveat.FOREIGN_KERNELS: Wording(
        "float32 layers ran on kernels of PyTorch's server build, not prepacked ones",
        "it computes with oneDNN and OpenBLAS where a mobile build has XNNPACK",
        "measure float32 with --engine executorch, or build the lite runner with the "
        "NDK",
    ),
    Caveat.FOREIGN_MEMORY: Wording(
        "memory shown as growth only: a whole server build of libtorch is loaded",
        "a mobile build is a tenth of its size",
        "compare model memory, or measure with --engine executorch",
    ),
    Caveat.OUTPUT_DESTROYED: Wording(
        "an output, or part of one, is no longer usable",
        "quantization gives values of unlike scale one range, or clips them",
        "export it to see which output; keep that part in float32, or scale it alike",
    ),
    Caveat.STATEFUL: Wording(
        "the model keeps a state between calls",
        "it changes buffers or attributes of its own in forward",
        "compare builds with equal warm-up and iterations",
    ),
    Caveat.NOT_PREPACKED: Wording(
        "float32 file not prepacked for XNNPACK",
        "the torch that exported it has no XNNPACK; an app's export would have it, and "
        "float32 would be faster on this device",
        "do not read int8 against this float32 as a speed-up on phones; export with a "
        "torch that has XNNPACK, or measure with --engine executorch",
    ),
    Caveat.ONE_STEP_OF_A_GENERATOR: Wording(
        "one step of a model that generates",
        "its forward call decodes at one position; a user waits for a prompt and many "
        "tokens",
        "measure it with `pocketbench generate`",
    ),
    Caveat.OTHER_DEFINITION: Wording(
        "tokens/s by the program's own definition",
        "it prints rates, and no figures that convert them (docs/generate.md)",
        "compare builds by it, not programs; use pocketbench's own runner for those",
    ),
}
