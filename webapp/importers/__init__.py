"""Reads flows that other builders exported. Nothing in a file is executed or fetched, and no secret of it is kept."""

from __future__ import annotations

from typing import Any

from webapp.importers import bounds, dify, flowise, langflow, n8n, own, zipped
from webapp.importers.imported import ImportedFlow, NotAFlow
from webapp.importers.parse import parse
from webapp.importers.secret_words import find_secrets

__all__ = ["ImportedFlow", "NotAFlow", "read_flows"]

FORMATS: tuple[Any, ...] = (own, dify, flowise, langflow, n8n)
"""Modules with ``looks_like(document) -> bool`` and ``read(document, file_name) -> list[ImportedFlow]``, asked in this
order."""


def read_flows(content: bytes, file_name: str = "") -> list[ImportedFlow]:
    """The flows of a file, at least one. The format is told from the content alone.

    Raises:
        NotAFlow: it is none that we read, it is broken, or it is past one of the bounds.
    """
    bounds.check_size(content)
    if not zipped.is_zip(content):
        return read_document(parse(content), _stem(file_name))
    flows = [flow for name, member in zipped.members(content) for flow in read_document(parse(member), _stem(name))]
    if len(flows) > bounds.FLOWS:
        raise NotAFlow(f"The zip file holds {len(flows):,} flows; at most {bounds.FLOWS} are read at once.")
    return flows


def read_document(document: Any, file_name: str = "") -> list[ImportedFlow]:
    """The flows of a file that is parsed already; a list of flows counts as one file."""
    bounds.check_value(document)
    if isinstance(document, list):
        return _read_list(document, file_name)
    for module in FORMATS:
        if isinstance(document, dict) and module.looks_like(document):
            return module.read(document, file_name)
    raise NotAFlow(
        "This is no flow of Dify, Flowise, Langflow, n8n or AgenticBuilder: the file holds none of their signs."
    )


def _read_list(rows: list[Any], file_name: str) -> list[ImportedFlow]:
    if not 0 < len(rows) <= bounds.FLOWS:
        raise NotAFlow(f"The file is a list of {len(rows):,} entries; a list of 1 to {bounds.FLOWS} flows can be read.")
    flows: list[ImportedFlow] = []
    for at, row in enumerate(rows):
        if not isinstance(row, dict):
            raise NotAFlow(f"[{at}]: expected a flow.")
        flows += read_document(row, file_name if len(rows) == 1 else f"{file_name} {at + 1}".strip())
    return flows


def _stem(file_name: str) -> str:
    """A file's name as the name of a flow: without folders and extension."""
    name = file_name.replace("\\", "/").rpartition("/")[2][:200]
    return find_secrets(bounds.storable(name.rpartition(".")[0] or name))[0]
