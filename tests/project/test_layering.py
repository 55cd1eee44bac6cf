"""Who may import whom, read from the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ROOMS = ("bench", "devices", "android_runner", "ios_runner", "reports")
HOMES = {
    "adbutils": ("devices/",),
    "torch": ("bench/models/",),
    "pandas": ("reports/",),
    "matplotlib": ("reports/",),
    "sklearn": ("bench/models/",),
    "scipy": ("bench/judge/",),
    "duckdb": ("bench/history/",),
    "click": ("bench/cli.py", "bench/commands/"),
    "rich": ("bench/cli.py", "bench/commands/", "reports/console.py"),
}
"""Each heavy dependency and where alone it may be imported."""


MODULES = [
    path.relative_to(REPOSITORY).as_posix()
    for room in ROOMS
    for path in sorted((REPOSITORY / room).rglob("*.py"))
]


def _imports(module):
    for node in ast.walk(ast.parse((REPOSITORY / module).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_itself_and_the_core(module):
    room = module.split("/")[0]
    allowed = {room, "bench"}

    others = {name for name in _imports(module) if name.split(".")[0] in ROOMS}
    assert {name for name in others if name.split(".")[0] not in allowed} == set()


@pytest.mark.parametrize("module", MODULES)
def test_each_heavy_dependency_stays_in_its_home(module):
    for name in _imports(module):
        homes = HOMES.get(name.split(".")[0])
        if homes is not None:
            assert module.startswith(homes), f"{module} imports {name}"


@pytest.mark.parametrize(
    ("argv", "absent"),
    [
        (["--help"], {"torch", "adbutils", "pandas", "matplotlib", "scipy", "rich"}),
        (["run", "--help"], {"torch", "pandas", "matplotlib", "scipy"}),
        (["report", "--help"], {"torch", "adbutils", "pandas", "matplotlib"}),
        (["history", "--help"], {"torch", "pandas", "matplotlib", "scipy", "duckdb"}),
        (["compare", "--help"], {"torch", "pandas", "matplotlib", "scipy", "duckdb"}),
    ],
)
def test_help_imports_nothing_heavy(argv, absent):
    code = (
        "import sys\n"
        f"sys.argv = ['pocketbench', *{argv!r}]\n"
        "from bench.cli import main\n"
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
