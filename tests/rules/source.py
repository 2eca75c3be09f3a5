"""Our source as the rules read it: files, what they import, what they define."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file. ``name`` is its path below the root, such as ``webapp/web/origin.py``."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.name)

    @property
    def room(self) -> str:
        """``routes``, ``queries``, ``operations`` or ``forms`` for files of a feature or the API, else empty."""
        stem = Path(self.name).stem
        if not self.name.startswith(("webapp/features/", "webapp/api/")):
            return ""
        return next(
            (r for r in ("routes", "queries", "operations", "forms") if stem == r or stem.startswith(f"{r}_")), ""
        )

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of everything imported, also inside functions; ``from a import b`` gives ``a.b``."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method."""
        yield from (n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def read_tree(root: Path = ROOT, below: str = "webapp") -> list[Source]:
    """All Python files below a folder."""
    files = sorted((root / below).rglob("*.py"))
    return [Source(file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")) for file in files]


def is_within(name: str, packages: tuple[str, ...]) -> bool:
    """Whether an imported name is one of the packages or inside one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)
