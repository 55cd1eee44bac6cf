"""How much room a phone has, in the words of every df."""

import pytest

from pocketbench.bench.records.conditions import Missing
from pocketbench.devices.android.push.free_space import parse_free_space

TOYBOX = (
    "Filesystem       1K-blocks     Used Available Use% Mounted on\n"
    "/dev/block/dm-52 113246208 41943040  71303168  38% /data\n"
)
WRAPPED = (
    "Filesystem     1K-blocks    Used Available Use% Mounted on\n"
    "/dev/block/by name/userdata 100 40 60 40% /data\n"
)
TOOLBOX = (
    "Filesystem               Size     Used     Free   Blksize\n"
    "/data                   12.5G     4.5G     8.0G   4096\n"
)


@pytest.mark.parametrize(
    ("text", "free"),
    [(TOYBOX, 71303168 * 1024), (WRAPPED, 60 * 1024), (TOOLBOX, 8 * 2**30)],
)
def test_every_table_is_read_from_the_right(text, free):
    assert parse_free_space(text) == free


@pytest.mark.parametrize(
    "text",
    [
        "df: /data/local/tmp: Permission denied\n",
        "",
        TOYBOX[:90],
        TOYBOX.replace("71303168", "-5"),
        "Dateisystem 1K-Blöcke Benutzt Verfügbar\n/data 1 2 3 4% /data\n",
    ],
)
def test_what_is_not_understood_gives_the_reason(text):
    found = parse_free_space(text)
    assert isinstance(found, Missing)
    assert found.reason


@pytest.mark.needs("namespaces", "mksh", "toybox")
def test_a_phone_reports_it(phone_factory, open_phone):
    phone = phone_factory("pixel-8")
    phone.ask("state", free_storage_kb=1_000_000)
    assert open_phone(phone).free_bytes() == 1_000_000 * 1024
