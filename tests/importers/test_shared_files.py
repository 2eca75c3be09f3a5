"""Every file that the project has or finds imports, loses nothing, and gives the same graph again."""

from __future__ import annotations

import orjson
import pytest

from tests.importers.conservation import SHARED, assert_consistent, assert_kept, own_files, shared_files
from webapp.domain.flow_graph import FORMAT, to_document
from webapp.importers import read_flows

FILES = [*own_files(), *shared_files()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_imports_and_nothing_is_lost(path):
    raw = path.read_bytes()
    flows = read_flows(raw, path.name)
    assert flows
    if flows[0].format == "agenticbuilder":
        assert_consistent(flows[0])
    else:
        assert_kept(raw, flows)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_gives_the_same_flows_again_also_from_what_is_kept_of_it(path):
    first = read_flows(path.read_bytes(), path.name)
    assert read_flows(path.read_bytes(), path.name) == first
    for flow in first:
        (again,) = read_flows(flow.raw, path.name)
        assert again.graph.blocks == flow.graph.blocks
        assert again.graph.edges == flow.graph.edges
        assert (again.items, again.secrets) == (flow.items, ())


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_exported_flow_comes_back_the_same(path):
    for flow in read_flows(path.read_bytes(), path.name):
        document = orjson.dumps(to_document(flow.graph))
        (again,) = read_flows(document, "other name.json")
        assert again.graph == flow.graph
        assert (again.format, again.secrets) == ("agenticbuilder", ())
        assert orjson.loads(document)["format"] == FORMAT


def test_the_real_files_are_there():
    if not SHARED.exists():
        pytest.skip(f"real exports not found at {SHARED}: set SHARED_DIR")
    assert {path.parent.name for path in shared_files()} == {"dify", "flowise", "langflow", "n8n"}
