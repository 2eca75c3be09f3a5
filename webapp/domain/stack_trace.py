"""Stack traces of Python and JavaScript read into frames, with runs of library frames folded away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_FRAMES = 400
_PYTHON_FRAME = re.compile(r'^\s*(?:\|\s*)*File "(?P<file>.+?)", line (?P<line>\d+)(?:, in (?P<name>.+))?$')
_JS_FRAME = re.compile(
    r"^\s*at (?:async )?(?:(?P<name>.+?) \()?(?P<file>(?:file://|node:|https?://|webpack[^:]*://|/|[A-Za-z]:\\|<|\w)[^()]*?)"
    r":(?P<line>\d+):\d+\)?$"
)
_JS_BARE = re.compile(r"^\s*at (?P<name>.+?) \((?P<file><anonymous>|native)\)$")
_LIBRARY = re.compile(
    r"site-packages|dist-packages|node_modules|node:|/lib/python\d|[\\/]Lib[\\/]|<frozen |<string>|<anonymous>|^native$"
    r"|/usr/(?:local/)?lib/|\.asdf/|\.pyenv/versions/[^/]+/lib|internal/process|webpack/runtime",
)
_PREFIX = re.compile(r".*?(?:site-packages|dist-packages|node_modules|/lib/python\d[\d.]*)/")


@dataclass(slots=True)
class Frame:
    """One place in code. ``code`` holds the source lines that the trace quotes."""

    file: str
    line: str
    name: str
    is_library: bool
    code: list[str] = field(default_factory=list)

    @property
    def short_file(self) -> str:
        """The part of the path that says something: inside its package, else the last three parts."""
        inside = _PREFIX.sub("", self.file)
        if inside != self.file:
            return inside
        parts = self.file.removeprefix("file://").replace("\\", "/").split("/")
        return "/".join(parts[-3:])


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a trace in its order: one frame of the application, a folded run of the library's, or plain text."""

    kind: str
    frames: Sequence[Frame] = ()
    text: str = ""


def read_stack(stack: str) -> list[Part]:
    """Split a stack into parts for display, in the order in which it was written.

    Neighbouring library frames become one part of kind ``library``; a frame outside libraries is ``app``; what is no
    frame (headings, messages of chained exceptions) is ``text``. Unknown formats come back as one ``text``.
    """
    parts: list[Part] = []
    frame: Frame | None = None
    for line in stack.splitlines()[: MOST_FRAMES * 4]:
        found = _read_frame(line)
        if found is not None:
            frame = found
            _append_frame(parts, frame)
        elif frame is not None and line.startswith((" ", "\t", "|")) and line.strip():
            if line.strip(" ~^|"):
                frame.code.append(line.strip())
        else:
            frame = None
            _append_text(parts, line)
    return [part for part in parts if part.frames or part.text.strip()]


def _read_frame(line: str) -> Frame | None:
    match = _PYTHON_FRAME.match(line) or _JS_FRAME.match(line) or _JS_BARE.match(line)
    if match is None:
        return None
    groups = match.groupdict()
    file = groups["file"].strip()
    return Frame(file, groups.get("line") or "", (groups["name"] or "").strip(), bool(_LIBRARY.search(file)))


def _append_frame(parts: list[Part], frame: Frame) -> None:
    if frame.is_library and parts and parts[-1].kind == "library":
        parts[-1] = Part("library", [*parts[-1].frames, frame])
    else:
        parts.append(Part("library" if frame.is_library else "app", [frame]))


def _append_text(parts: list[Part], line: str) -> None:
    if parts and parts[-1].kind == "text":
        parts[-1] = Part("text", text=f"{parts[-1].text}\n{line}")
    else:
        parts.append(Part("text", text=line))
