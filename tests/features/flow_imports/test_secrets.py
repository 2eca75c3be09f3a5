"""Secrets in a file of any format are gone from the database, the pages, the export and the log."""

from __future__ import annotations

import copy
import io
import json
import logging
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.importers.conservation import own_files
from tests.importers.test_planted_secrets import FORMS, SECRET, texts
from webapp.importers.parse import parse

FILES = [path for path in own_files() if path.suffix in (".json", ".yml")]
FORMAT_WORDS = {
    "type", "mode", "kind", "format", "key", "parent_key", "block_type", "source", "target", "sourceHandle",
    "targetHandle", "id", "node",
}  # fmt: skip


def planted_everywhere(path: Path) -> bytes:
    """The file with a secret in each text that does not say what the thing is or where an edge ends."""
    document = copy.deepcopy(parse(path.read_bytes()))
    for at, place in enumerate(list(texts(document))):
        if any(word in FORMAT_WORDS for word in place[-1:]) or "connections" in place or "flowData" in place:
            continue
        around = document
        for step in place[:-1]:
            around = around[step]
        around[place[-1]] = f"{around[place[-1]]} {FORMS[at % len(FORMS)]}"
    return json.dumps(document).encode()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_secret_in_every_text_of_a_file_leaves_no_trace(client_as, alice, owner_engine, caplog, path):
    content = planted_everywhere(path)
    assert content.count(SECRET.encode()) >= 3
    client = client_as(alice)
    with caplog.at_level(logging.DEBUG):
        data = {"files": [(io.BytesIO(content), f"{SECRET}.json")], "text": ""}
        answer = client.post("/flows/import", data=data, content_type="multipart/form-data")
        assert answer.status_code == 303
        pages = [client.get(answer.location).text, client.get("/flows/imports").text, client.get("/flows").text]
        with owner_engine.connect() as connection:
            ids = connection.scalars(sa.text("SELECT id FROM agentflows")).all()
            tables = sa.inspect(connection).get_table_names()
            stored = {t: connection.scalar(sa.text(f"SELECT string_agg(t::text, ' ') FROM {t} t")) for t in tables}
            kept = connection.scalars(sa.text("SELECT convert_from(content, 'UTF8') FROM import_reports")).all()
        pages += [client.get(f"/flows/{id_}").text + client.get(f"/flows/{id_}/export.json").text for id_ in ids]
    assert ids, "the file was refused, so that nothing was tried"
    leaks = [table for table, rows in stored.items() if SECRET in (rows or "") or SECRET.encode().hex() in (rows or "")]
    assert leaks == []
    assert not any(SECRET in text for text in (*pages, *kept))
    assert SECRET not in caplog.text
