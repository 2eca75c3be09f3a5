"""Ingest reads conventions: no line of it names a framework, so the next framework needs no line either."""

from __future__ import annotations

import re
from pathlib import Path

INGEST = Path(__file__).parents[2] / "webapp" / "ingest"
FRAMEWORKS = re.compile(
    r"pydantic[_-]?ai|langgraph|langchain|llama[_-]?index|smolagents|openai[_-]agents|dspy|crewai|autogen|agno|google[_-]adk",
    re.IGNORECASE,
)


def framework_names(folder: Path) -> list[str]:
    """Every line of the folder's Python that names a framework."""
    return [
        f"{path.name}:{number}: read the convention's attributes instead of the framework's name: {line.strip()}"
        for path in sorted(folder.rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if FRAMEWORKS.search(line)
    ]


def test_ingest_names_no_framework():
    assert framework_names(INGEST) == []


def test_a_framework_in_ingest_is_caught(tmp_path):
    (tmp_path / "trace.py").write_text("if scope == 'openinference.instrumentation.smolagents':\n    pass\n")
    assert len(framework_names(tmp_path)) == 1
