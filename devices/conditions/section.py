"""Split a probe's output into sections by command, and files within one."""

from __future__ import annotations

import re
from typing import NamedTuple

from pocketbench.devices.conditions.reading import clean

_REFUSED = re.compile(r"\s*(Permission Denial: |Can't find service: )")
"""What a dump prints on its standard output, and ends well."""
_END = re.compile(r"-(\S+) ([0-9]{1,3})")


class Section(NamedTuple):
    """What one part of the probe printed."""

    stdout: str
    stderr: str = ""
    exit_code: int | None = None
    """`None`: the output was cut off within this part."""

    @property
    def reason(self) -> str:
        """Why this part gave nothing, in the device's words where there are any."""
        if self.exit_code is None:
            return "the output was cut off"
        if words := clean(self.stderr):
            return words
        if self.exit_code:
            return clean(self.stdout) or f"exit code {self.exit_code}"
        if not self.stdout.strip():
            return "no output"
        return clean(self.stdout) if _REFUSED.match(self.stdout) else "not understood"


ABSENT = Section("", "the probe's output has no such part", 1)
"""For a part that the output lacks altogether."""


def split_sections(output: str, token: str) -> dict[str, Section]:
    """The parts by name; text outside every part is passed over.

    A part is `TOKEN+name`, its stdout, `TOKEN-name exit code`, its stderr. Of a part
    that was cut off, the last line is dropped: half a number is a wrong number.
    """
    sections: dict[str, Section] = {}
    pieces = output.replace("\r\n", "\n").split(f"\n{token}")
    if output.startswith(token):
        pieces[0] = pieces[0][len(token) :]
    name = ""
    for piece in pieces:
        head, _, body = piece.partition("\n")
        if head.startswith("+"):
            name = head[1:].strip()
            sections.setdefault(name, Section(body))
        elif (
            (end := _END.match(head))
            and end[1] == name
            and sections[name].exit_code is None
        ):
            sections[name] = Section(sections[name].stdout, body, int(end[2]))
    for name, section in sections.items():
        if section.exit_code is None:
            whole = section.stdout[: section.stdout.rfind("\n") + 1]
            sections[name] = Section(whole)
    return sections


class Files(NamedTuple):
    """Small files by path, and why some could not be read."""

    texts: dict[str, str]
    errors: dict[str, str]
    absence: str = "no such file"
    """Why the files are missing that no error speaks of."""

    def text(self, path: str) -> str | None:
        """The file's content without surrounding blanks; `None`: empty or absent."""
        return self.texts.get(path, "").strip() or None

    def reason(self, path: str) -> str:
        """Why a file gave nothing."""
        if path in self.errors:
            return self.errors[path]
        return self.absence if path not in self.texts else "the file is empty"


_WORDS = re.compile(r": ([^:\n]+)$")


def parse_files(section: Section) -> Files:
    """Lines `path=content`, and the shell's complaints on stderr by path.

    Shells word them differently (`can't open PATH: Permission denied`,
    `PATH: open: No such file or directory`); all name the path and end in the reason.
    """
    lines: dict[str, list[str]] = {}
    for line in section.stdout.split("\n"):
        path, equals, content = line.rstrip("\r").partition("=")
        if equals and path.startswith("/"):
            lines.setdefault(path, []).append(content)
    errors: dict[str, str] = {}
    for line in section.stderr.split("\n"):
        words = _WORDS.search(line.rstrip())
        for word in line.split():
            if words and word.startswith(("/sys/", "/proc/", "/data/")):
                errors.setdefault(word.rstrip(":"), clean(words[1]))
    absence = "no such file"
    if section.exit_code is None:
        # Of the last file perhaps not all lines came.
        if lines:
            lines.popitem()
        absence = section.reason
    elif section is ABSENT:
        absence = section.reason
    texts = {path: "\n".join(found) for path, found in lines.items()}
    return Files(texts, errors, absence)
