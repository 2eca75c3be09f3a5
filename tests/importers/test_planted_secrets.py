"""A secret planted in any place of any file is gone from all that an import hands over."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.importers.conservation import own_files
from webapp.domain.flow_graph import to_document
from webapp.importers import NotAFlow, read_flows
from webapp.importers.parse import parse

SECRET = "sk-planted0Secret1That2Nobody3May4See"
FORMS = (SECRET, f"Authorization: Bearer {SECRET}", f"https://user:{SECRET}@host.example/?api_key={SECRET}")
FILES = [path for path in own_files() if path.suffix in (".json", ".yml")]


def texts(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The paths of all texts in a document."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from texts(one, (*path, key))
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from texts(one, (*path, at))
    elif isinstance(value, str):
        yield path


def planted(document: Any, path: tuple, secret: str) -> Any:
    """A copy of the document with the secret added to one text."""
    document = copy.deepcopy(document)
    around = document
    for step in path[:-1]:
        around = around[step]
    around[path[-1]] = f"{around[path[-1]]} {secret}".strip()
    return document


def assert_gone(document: Any) -> None:
    try:
        flows = read_flows(json.dumps(document).encode(), "a file.json")
    except NotAFlow as refusal:
        assert SECRET not in refusal.reason
        return
    for flow in flows:
        assert SECRET not in repr(flow)
        assert SECRET not in json.dumps(to_document(flow.graph))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_secret_in_any_text_of_a_file_is_gone(path):
    document = parse(path.read_bytes())
    paths = list(texts(document))
    assert paths
    for at, place in enumerate(paths):
        assert_gone(planted(document, place, FORMS[at % len(FORMS)]))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_secret_as_the_name_of_a_field_is_gone(path):
    document = parse(path.read_bytes())
    for container in (document, *[value for value in document.values() if isinstance(value, dict)]):
        container[SECRET] = SECRET
        assert_gone(document)
        del container[SECRET]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_secret_in_the_name_of_the_file_is_gone(path):
    for flow in read_flows(path.read_bytes(), f"{SECRET}.json"):
        assert SECRET not in repr(flow)


def test_words_without_a_form_are_cut_by_the_names_of_their_fields():
    word = "opensesame"
    dify = {"kind": "app", "app": {"name": "A"}, "workflow": {"graph": {"nodes": [], "edges": []}}}
    dify["workflow"]["environment_variables"] = [{"name": "ANY", "value": word, "value_type": "secret"}]
    node = {"type": "http-request", "title": "Call", "headers": "X-Other: 1", "credential_id": word}
    node["authorization"] = {"type": "api-key", "config": {"type": "custom", "header": "X-Any", "api_key": word}}
    dify["workflow"]["graph"]["nodes"] = [{"id": "1", "type": "custom", "data": node}]
    (flow,) = read_flows(json.dumps(dify).encode())
    assert word not in repr(flow)
    assert {slot.name for slot in flow.graph.blocks[0].credentials} == {"X-Any of Call"}
    assert [one.name for one in flow.requirements if one.kind == "variable"] == ["ANY"]

    params = [
        {"name": "dsn", "type": "password"},
        {"name": "credential", "type": "credential", "credentialNames": ["x"]},
    ]
    data = {"name": "postgres", "category": "Tools", "inputParams": params, "credential": word}
    data["inputs"] = {"dsn": word, "credential": word, "table": "orders"}
    flowise = {"nodes": [{"id": "n", "type": "customNode", "data": data}], "edges": []}
    (flow,) = read_flows(json.dumps(flowise).encode())
    assert word not in repr(flow)
    assert flow.graph.block("n").config["table"] == "orders"
    assert [slot.kind for slot in flow.graph.block("n").credentials] == ["x"]
