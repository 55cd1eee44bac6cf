"""Who may import whom, read from the source."""

import ast
import functools
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ROOMS = ("bench", "devices", "android_runner", "ios_runner", "reports")
RESULTS = {"bench.judge", "bench.history"}
"""What the reports may read besides stored values: what was concluded from them."""
VALUES = {
    "bench",
    "bench.records",
    "bench.conditions",
    "bench.processes",
    "bench.services",
}
"""The loose modules of the core (errors, units, paths) and its innermost rooms."""
MAY_IMPORT = {
    "bench.records": {"bench"},
    "bench.conditions": VALUES,
    "bench.processes": {"bench", "bench.records"},
    "bench.services": {"bench"},
    "bench.planning": VALUES,
    "bench.models": VALUES | {"bench.planning"},
    "bench.judge": VALUES,
    "bench.history": VALUES | {"bench.judge"},
    "bench.measure": VALUES | {"bench.planning", "bench.models"},
    "bench.lab": VALUES | {"bench.planning", "bench.measure"},
    "bench.doctor": VALUES | {"bench.planning"},
    "bench.commands": {"bench.*"},
    "devices": VALUES | {"devices.conditions"},
    "devices.conditions": VALUES,
    "devices.android": VALUES | {"devices", "devices.conditions"},
    "devices.ios": VALUES | {"devices", "devices.conditions"},
    "devices.labs": VALUES | {"devices", "devices.android"},
    "devices.simulated": VALUES | {"devices", "devices.conditions", "devices.android"},
    "android_runner": VALUES | {"android_runner.*"},
    "android_runner.build": VALUES,
    "android_runner.failures": VALUES,
    "android_runner.prebuilt": VALUES
    | {"android_runner.build", "android_runner.failures"},
    "ios_runner": VALUES | {"ios_runner.build"},
    "ios_runner.build": VALUES,
    "reports": VALUES | RESULTS,
    "reports.text": VALUES | RESULTS | {"reports"},
    "reports.plots": VALUES | RESULTS | {"reports", "reports.text"},
    "reports.tables": VALUES | RESULTS | {"reports", "reports.text", "reports.plots"},
    "reports.formats": VALUES | RESULTS | {"reports.*"},
    "bench": {"bench.records"},
}
"""What each room may import besides itself; a room stands for its loose modules."""
MEETING_PLACES = ("bench/registry.py", "bench/cli.py", "bench/api.py")
"""Where modules of other rooms are named in strings; nowhere else may they be."""
MOST_LOOSE_MODULES = 6
HOMES = {
    "adbutils": ("devices/android/", "devices/simulated/"),
    "torch": ("bench/models/",),
    "pandas": ("reports/", "bench/judge/launch_table.py", "bench/api.py"),
    "matplotlib": ("reports/plots/",),
    "sklearn": ("bench/models/",),
    "scipy": ("bench/judge/",),
    "duckdb": ("bench/history/",),
    "distributed": ("bench/lab/",),
    "jumpstarter": ("devices/labs/jumpstarter_api.py",),
    "click": ("bench/cli.py", "bench/commands/"),
    "rich": ("bench/cli.py", "bench/commands/", "reports/formats/console"),
}
"""Each heavy dependency and where alone it may be imported."""


MODULES = [
    path.relative_to(REPOSITORY).as_posix()
    for room in ROOMS
    for path in sorted((REPOSITORY / room).rglob("*.py"))
]


@functools.cache
def _imports(module):
    """What a module imports, for types alone and within functions too."""
    found = []
    for node in ast.walk(ast.parse((REPOSITORY / module).read_text())):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            found += (f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _room(name):
    """The room of `bench.judge.steps` or `bench/judge/steps.py`; loose: the top one."""
    parts = name.removesuffix(".py").replace("/", ".").split(".")
    is_sub_room = len(parts) > 1 and (REPOSITORY / parts[0] / parts[1]).is_dir()
    return ".".join(parts[: 1 + is_sub_room])


def _allowed(room):
    for name in MAY_IMPORT[room]:
        top = name.removesuffix(".*")
        yield from (
            {top, *(r for r in MAY_IMPORT if r.startswith(f"{top}."))}
            if (name.endswith(".*"))
            else {name}
        )


@pytest.mark.parametrize("module", MODULES)
def test_imports_between_rooms_point_one_way(module):
    if module in MEETING_PLACES:
        return
    names = list(_imports(module))
    assert [x for x in names if x.split(".")[0] in ROOMS] == [], "not by its full name"

    ours = {
        x.removeprefix("pocketbench.") for x in names if x.startswith("pocketbench")
    }
    found = {_room(x) for x in ours if x.split(".")[0] in ROOMS}
    assert found <= {_room(module), *_allowed(_room(module))}


@pytest.mark.parametrize("module", MODULES)
def test_no_string_names_a_module_of_another_room(module):
    if module in MEETING_PLACES:
        return
    pattern = re.compile(rf"(pocketbench\.)?({'|'.join(ROOMS)})((\.[a-z_]\w*)+)(:\w+)?")
    for node in ast.walk(ast.parse((REPOSITORY / module).read_text())):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        found = pattern.fullmatch(node.value)
        if found:
            name = f"{found[2]}{found[3]}"
            allowed = {_room(module), *_allowed(_room(module)), "bench.models"}
            assert _room(name) in allowed, f"{module} names {node.value}"


def test_rooms_have_no_circles():
    graph = {
        room: {x for x in _allowed(room) if x not in (room, "bench")}
        for room in MAY_IMPORT
        if room != "bench"
    }
    # Raises CycleError where one room could reach itself.
    assert list(graphlib.TopologicalSorter(graph).static_order())


FOLDERS = sorted({str(Path(module).parent) for module in MODULES})


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_lies_in_a_folder_has_no_circles(folder):
    prefix = f"pocketbench/{folder}/".replace("/", ".")
    graph = {}
    for module in MODULES:
        if module.startswith(f"{folder}/") and module not in MEETING_PLACES:
            own = module.removeprefix(f"{folder}/").removesuffix(".py").split("/")[0]
            named = (x for x in _imports(module) if x.startswith(prefix))
            parts = {x.removeprefix(prefix).split(".")[0] for x in named}
            graph.setdefault(own, set()).update(parts - {own})
    if folder == "bench":
        # Errors carry a reason of `records.failure`, which imports nothing.
        graph["errors"].remove("records")
    # A module stands for itself here, a folder for all that is in it.
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_no_module_reaches_itself():
    by_name = {f"pocketbench.{m[:-3].replace('/', '.')}": m for m in MODULES}
    graph = {
        module: {by_name.get(x) or by_name.get(x.rpartition(".")[0]) for x in names}
        for module in MODULES
        if (names := _imports(module))
    }
    assert list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_has_many_loose_modules(room):
    loose = [p.name for p in (REPOSITORY / room).glob("*.py") if p.stem != "__init__"]
    assert len(loose) <= MOST_LOOSE_MODULES, sorted(loose)


@pytest.mark.parametrize("module", MODULES)
def test_each_heavy_dependency_stays_in_its_home(module):
    for name in _imports(module):
        homes = HOMES.get(name.split(".", 1)[0])
        if homes is not None:
            assert module.startswith(homes), f"{module} imports {name}"


@pytest.mark.parametrize(
    ("argv", "absent"),
    [
        (["--help"], {"torch", "adbutils", "pandas", "matplotlib", "scipy", "rich"}),
        (["run", "--help"], {"torch", "pandas", "matplotlib", "scipy", "distributed"}),
        (["lab", "--help"], {"torch", "adbutils", "pandas", "rich", "distributed"}),
        (["report", "--help"], {"torch", "adbutils", "pandas", "matplotlib"}),
        (["history", "--help"], {"torch", "pandas", "matplotlib", "scipy", "duckdb"}),
        (["compare", "--help"], {"torch", "pandas", "matplotlib", "scipy", "duckdb"}),
    ],
)
def test_help_imports_nothing_heavy(argv, absent):
    code = (
        "import sys\n"
        f"sys.argv = ['pocketbench', *{argv!r}]\n"
        "from pocketbench.bench.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\nLOADED', *sorted({m.split('.')[0] for m in sys.modules}))\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    loaded = set(output.rpartition("LOADED")[2].split())

    assert loaded & absent == set()


@pytest.mark.parametrize("module", MODULES)
def test_no_file_is_too_long_to_read_at_once(module):
    assert len((REPOSITORY / module).read_text().splitlines()) <= 400


STARTERS = {
    "bench/processes/child.py": "the runner itself",
    "bench/models/exporting/child.py": "a conversation; ends with its context",
    "devices/android/adb/private_server.py": "a server; ends with its context",
    "devices/android/adb/server.py": "the user's own adb server, which stays",
    "devices/simulated/running.py": "a phone; ends with its context",
}
"""Who starts programs by itself, and why; everybody else goes through the runner."""


def test_programs_are_started_by_the_one_runner_that_ends_all_they_start():
    found = {m for m in MODULES if "subprocess" in set(_imports(m))}
    assert found == set(STARTERS)
