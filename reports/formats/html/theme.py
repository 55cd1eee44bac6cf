"""The page's colours, light and dark: the charts' own and those of the text."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from pocketbench.reports.plots.style import LIGHT

PAGE_LIGHT = {
    **dict(LIGHT.values()),
    "link": "#005a92",
    "tag-wash": "#fffaeb",
}
PAGE_DARK = {
    "ink": "#e8eaed",
    "muted": "#a3abb5",
    "faint": "#343a42",
    "band": "#22272d",
    "paper": "#15181c",
    "tag-paper": "#43360f",
    "tag-stripe": "#66531c",
    "regression": "#ff8a4c",
    "improvement": "#5cb8ee",
    "unchanged": "#8d96a1",
    "baseline": "#a3abb5",
    "series-1": "#1fb98d",
    "series-2": "#d98fb9",
    "series-3": "#e8ab2e",
    "series-4": "#6cc0ee",
    "series-5": "#a996e6",
    "series-1-text": "#3fd0a6",
    "series-2-text": "#e6a6ca",
    "series-3-text": "#f0bd55",
    "series-4-text": "#8bcdf2",
    "series-5-text": "#beafee",
    "link": "#7cc4f5",
    "tag-ink": "#ffe6a3",
    "tag-wash": "#211d11",
}
"""The same hues, lighter: each text colour has at least 4.5:1 on its paper."""


def theme_css() -> str:
    """Variables for both, by the system's choice and by the reader's."""
    light, dark = _variables(PAGE_LIGHT), _variables(PAGE_DARK)
    dots = "".join(
        f'.dot[data-series="{name}"]{{background:var(--{name})}}'
        for name in PAGE_LIGHT
        if name == "baseline" or name.startswith("series-")
    )
    return (
        f":root{{color-scheme:light;{light}}}\n"
        "@media (prefers-color-scheme: dark){"
        f":root{{color-scheme:dark;{dark}}}}}\n"
        f':root[data-theme="light"]{{color-scheme:light;{light}}}\n'
        f':root[data-theme="dark"]{{color-scheme:dark;{dark}}}\n'
        f"@media print{{:root:root{{color-scheme:light;{light}}}}}\n"
        f"{dots}"
    )


def page_css() -> str:
    """The variables and the style that every page of ours has."""
    folder = resources.files("pocketbench.reports.formats.html") / "templates"
    return f"{theme_css()}\n{(folder / 'style.css').read_text('utf-8')}"


def _variables(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())
