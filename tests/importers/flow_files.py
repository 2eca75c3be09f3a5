"""Reads flow files for tests: the real ones beside the checkout, and small ones of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.importers.conservation import FIXTURES, SHARED
from webapp.importers import ImportedFlow, read_flows


def real_file(format_name: str, name: str) -> Path:
    """One real file; the test is skipped where the files are not at hand."""
    path = SHARED / format_name / name
    if not path.is_file():
        pytest.skip(f"real flows not found at {SHARED}; set SHARED_DIR")
    return path


def read_one(path: Path) -> ImportedFlow:
    """The one flow of a file."""
    (flow,) = read_flows(path.read_bytes(), path.name)
    return flow


def read_value(document: Any, file_name: str = "flow.json") -> ImportedFlow:
    """The one flow of a document that is no file yet."""
    (flow,) = read_flows(json.dumps(document).encode(), file_name)
    return flow


def load(name: str) -> Any:
    """A fixture as values, to be changed and read."""
    return json.loads((FIXTURES / name).read_text())


def blocks(flow: ImportedFlow) -> dict[str, str]:
    """Block types by block name."""
    return {block.name: str(block.block_type) for block in flow.graph.blocks}


def edges(flow: ImportedFlow) -> set[tuple[str, str, str, str, str]]:
    """Edges as (source name, handle, target name, handle, kind)."""
    names = {block.key: block.name for block in flow.graph.blocks}
    return {(names[e.source], e.source_handle, names[e.target], e.target_handle, str(e.kind)) for e in flow.graph.edges}


def results(flow: ImportedFlow, subject: str, result: str) -> dict[str, str]:
    """Reasons of the items with a result, by their source."""
    return {item.source: item.reason for item in flow.items if (item.subject, item.result) == (subject, result)}
