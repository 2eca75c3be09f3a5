"""Our own format: comes back as it went, and is held to its document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.importers.conservation import FIXTURES, assert_consistent
from webapp.domain.flow_graph import to_document
from webapp.importers import NotAFlow, read_flows

DOCUMENT: dict[str, Any] = json.loads((FIXTURES / "own.json").read_bytes())


def read(document: dict[str, Any], name: str = ""):
    (flow,) = read_flows(json.dumps(document).encode(), name)
    return flow


def test_a_flow_comes_back_as_it_went():
    flow = read(DOCUMENT)
    assert read(to_document(flow.graph)).graph == flow.graph
    assert (flow.graph.name, flow.graph.pattern, flow.graph.tags) == ("Two steps", "Sequential", ("support",))
    assert flow.graph.notes[1].text == ""
    assert_consistent(flow)


def test_a_linked_credential_comes_back_as_a_slot_to_fill():
    flow = read(DOCUMENT)
    (slot,) = flow.graph.block("answer").credentials
    assert (slot.kind, slot.name, slot.is_filled) == ("openai", "Key of the team", False)
    assert [(one.kind, one.name) for one in flow.requirements] == [("credential", "Key of the team")]


def test_a_repeated_edge_is_merged_and_told():
    flow = read(DOCUMENT)
    assert (flow.edges_seen, len(flow.graph.edges), flow.count("edge", "merged")) == (7, 6, 1)


def test_a_flow_without_a_name_is_called_like_its_file():
    flow = read({key: value for key, value in DOCUMENT.items() if key != "name"}, "exports/night shift.json")
    assert (flow.graph.name, flow.source_key) == ("night shift", "night shift")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"format_version": 2}, "format_version"),
        ({"blocks": 3}, "blocks"),
        ({"blocks": [{"key": "a"}], "edges": []}, "blocks[0]"),
        ({"blocks": [{"key": "!", "block_type": "agent", "name": "A"}], "edges": []}, "blocks[0].key"),
        ({"edges": [{"source": "start", "target": "gone"}]}, "edges[0].target"),
        ({"edges": [{"source": "start", "target": "each", "kind": "sideways"}]}, "edges[0].kind"),
        ({"notes": ["x"]}, "notes[0]"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(change, place):
    with pytest.raises(NotAFlow) as refusal:
        read({**DOCUMENT, **change})
    assert place in refusal.value.reason


def test_the_documented_example_is_one():
    page = (FIXTURES.parents[2] / "docs" / "flow-format.md").read_text()
    example = page.partition("```json")[2].partition("```")[0]
    flow = read(json.loads(example))
    assert flow.graph.block("answer").parent_key == "each"
    assert read(to_document(flow.graph)).graph == flow.graph
