"""Files that are broken on purpose: always a report that accounts for everything, or a refusal that says why."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.importers.conservation import assert_consistent, own_files, shared_files
from webapp.importers import NotAFlow, bounds, read_flows
from webapp.importers.parse import parse

DOCUMENTS = {
    f"{path.parent.name}/{path.name}": parse(path.read_bytes())
    for path in [*own_files(), *shared_files()]
    if path.suffix in (".json", ".yml") and path.stat().st_size < 30_000
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True),
    st.text(max_size=20),
    st.sampled_from(["", "a\x00b", "\ud800", "x" * 3_000, "../../etc/passwd", "{{#1.x#}}", "1002", "agentAgentflow_0"]),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=4),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=3), max_size=4),
)
NAMES = st.sampled_from(["id", "type", "data", "name", "nodes", "edges", "source", "parentId", "inputs", "position"])


@st.composite
def broken(draw: Callable) -> tuple[str, Any]:
    """A document with up to six things wrong in it."""
    name = draw(st.sampled_from(sorted(DOCUMENTS)))
    document = copy.deepcopy(DOCUMENTS[name])
    for _ in range(draw(st.integers(1, 6))):
        document = _break(draw, document)
    return name, document


def _break(draw: Callable, document: Any) -> Any:
    """Walk to some place by chance and remove, replace, repeat or add what is there."""
    around, here = None, document
    for _ in range(draw(st.integers(1, 9))):
        if isinstance(here, dict) and here:
            key: Any = draw(st.sampled_from(sorted(here)))
        elif isinstance(here, list) and here:
            key = draw(st.integers(0, len(here) - 1))
        else:
            break
        around, here, at = here, here[key], key
    if around is None:
        return document
    what = draw(st.sampled_from(["remove", "replace", "repeat", "add", "swap"]))
    if what == "remove":
        del around[at]
    elif what == "replace":
        around[at] = draw(ODD)
    elif what == "repeat" and isinstance(around, list):
        around.extend(copy.deepcopy([around[at]] * draw(st.integers(1, 3))))
    elif what == "add" and isinstance(here, dict):
        here[draw(NAMES)] = draw(ODD)
    elif what == "swap" and isinstance(here, list):
        here.append(draw(ODD))
    return document


def written(document: Any) -> bytes:
    """JSON as a careless program writes it, with NaN and halves of surrogate pairs."""
    return json.dumps(document).encode("utf-8", "surrogatepass")


def nodes_in(document: Any, format_name: str) -> int | None:
    """How many nodes the file lists, read from the file alone; None where that is not plain."""
    if format_name == "dify" and isinstance(document.get("workflow"), dict):
        return len(document["workflow"]["graph"]["nodes"])
    if format_name in ("flowise", "n8n") and isinstance(document.get("nodes"), list):
        return len(document["nodes"])
    if format_name == "agenticbuilder":
        return len(document.get("blocks") or []) + len(document.get("notes") or [])
    return None


def edges_in(document: Any, format_name: str) -> int | None:
    """The same for edges."""
    if format_name == "dify" and isinstance(document.get("workflow"), dict):
        return len(document["workflow"]["graph"].get("edges") or [])
    if format_name in ("flowise", "agenticbuilder") and "flowData" not in document and "nodes" in document:
        return len(document.get("edges") or [])
    return None


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(broken())
def test_a_broken_file_is_accounted_for_or_refused(case):
    name, document = case
    try:
        flows = read_flows(written(document), name)
    except NotAFlow as refusal:
        assert refusal.reason.strip()
        return
    for flow in flows:
        assert_consistent(flow)
        assert orjson.loads(flow.raw) is not None
    if isinstance(document, dict) and len(flows) == 1:
        nodes, edges = nodes_in(document, flows[0].format), edges_in(document, flows[0].format)
        assert nodes in (None, flows[0].nodes_seen)
        assert edges in (None, flows[0].edges_seen)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(content):
    try:
        read_flows(content)
    except NotAFlow as refusal:
        assert refusal.reason.strip()


def dify(nodes: list[Any], edges: list[Any] = ()) -> dict[str, Any]:
    return {"kind": "app", "app": {"name": "A"}, "workflow": {"graph": {"nodes": nodes, "edges": list(edges)}}}


def flowise(nodes: list[Any], edges: list[Any] = ()) -> dict[str, Any]:
    return {"nodes": nodes, "edges": list(edges)}


def llm(source: str, **more: Any) -> dict[str, Any]:
    return {"id": source, "type": "custom", "data": {"type": "llm", "title": source}, **more}


def custom(source: str, name: str = "llmChain", **inputs: Any) -> dict[str, Any]:
    return {"id": source, "type": "customNode", "data": {"name": name, "category": "Chains", "inputs": inputs}}


def loop(source: str, **more: Any) -> dict[str, Any]:
    return {"id": source, "type": "custom", "data": {"type": "loop", "title": source}, **more}


def own(count: int) -> dict[str, Any]:
    blocks = [{"key": f"b{at}", "block_type": "agent", "name": "B"} for at in range(count)]
    return {"format": "agenticbuilder/flow", "format_version": 1, "name": "A", "blocks": blocks}


def n8n(count: int) -> dict[str, Any]:
    nodes = [{"name": f"n{at}", "type": "n8n-nodes-base.set", "parameters": {}} for at in range(count)]
    links = {f"n{at}": {"main": [[{"node": f"n{at + 1}", "type": "main", "index": 0}]]} for at in range(count - 1)}
    return {"nodes": nodes, "connections": links}


def langflow(count: int) -> dict[str, Any]:
    nodes = [{"id": f"n{at}", "type": "genericNode", "data": {"type": "Prompt", "node": {}}} for at in range(count)]
    return {"name": "A", "data": {"nodes": nodes, "edges": []}}


@pytest.mark.parametrize("make", [own, n8n, langflow, lambda n: dify([llm(str(at)) for at in range(n)]),
                                  lambda n: flowise([custom(str(at)) for at in range(n)])],
                         ids=["own", "n8n", "langflow", "dify", "flowise"])  # fmt: skip
def test_two_thousand_nodes_are_read_and_ten_thousand_refused(make):
    (flow,) = read_flows(written(make(bounds.NODES)))
    assert flow.nodes_seen == bounds.NODES
    assert_consistent(flow)
    with pytest.raises(NotAFlow, match="10,000 nodes; at most 2,000"):
        read_flows(written(make(10_000)))


def test_circles_of_containers_and_edges_are_no_trap():
    nodes = [loop("a", parentId="b"), loop("b", parentId="c"), loop("c", parentId="a"), loop("d", parentId="d")]
    edges = [{"source": one, "target": two, "sourceHandle": "source"} for one in "abcd" for two in "abcd"]
    (flow,) = read_flows(written(dify(nodes, edges)))
    assert_consistent(flow)
    parents = {block.key: block.parent_key for block in flow.graph.blocks}
    assert (parents["d"], list(parents.values()).count(None)) == (None, 2)


def test_ids_that_repeat_make_blocks_of_their_own_and_edges_go_to_the_first():
    edges = [{"source": "a", "target": "b", "sourceHandle": "source"}]
    (flow,) = read_flows(written(dify([llm("a"), llm("a"), llm("a"), llm("b")], edges)))
    assert (flow.nodes_seen, len(flow.graph.blocks), flow.graph.edges[0].source) == (4, 4, "a")
    assert_consistent(flow)


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


def bomb() -> str:
    lines = ["a0: &a0 [" + ",".join("x" * 9) + "]"]
    lines += [f"a{at}: &a{at} [{','.join([f'*a{at - 1}'] * 9)}]" for at in range(1, 3_000)]
    return "\n".join(lines)


def texts(*many: Any) -> bytes:
    """A Dify file whose one node holds these values."""
    return written(dify([llm("1", x=list(many))]))


SIZE = bounds.FILE_BYTES - 200
HEAD = "kind: app\napp: {}\nworkflow:\n graph:\n  nodes:\n"
ROW = "  - {id: '1', data: {type: llm, title: A, x: [1, 2, 3]}}\n"
DASHES = "a" + "-" * 600
WORST: dict[str, Callable[[], bytes]] = {
    "aliases": lambda: bomb().encode(),
    "yaml": lambda: (HEAD + ROW * 60_000).encode(),
    "long yaml": lambda: (HEAD + ROW * 1_900 + "# " + "x" * 9_000_000).encode(),
    "brackets": lambda: b"[" * SIZE,
    "objects": lambda: b'{"nodes":[' + b"{}," * (SIZE // 3 - 10) + b"{}]}",
    "numbers": lambda: b'{"nodes":[' + b"1," * (SIZE // 2 - 10) + b"1]}",
    "values": lambda: texts(*["a"] * 240_000),
    "short texts": lambda: texts(*(f"token key {at}" for at in range(240_000))),
    "one text": lambda: texts("a" * 1_900_000),
    "keys": lambda: texts(*[("Ab1" * 20 + " ") * 3_000] * 50),
    "names": lambda: texts(*["token token_" * 15_000 + " api_key" * 9_000] * 30),
    "spaces": lambda: texts(*["password" + " " * 190_000, "Bearer" + " " * 190_000] * 20),
    "references": lambda: texts(
        *(
            {"api_key": one + f" {at}"}
            for at in range(1_200)
            for one in ("={{" + " " * 1_900, "{{" + "('a')" * 390, "$json" * 390)
        )
    ),
    "addresses": lambda: texts(*["a://" * 50_000 + "@", "a" * 190_000 + "://:@"] * 10),
    "secrets": lambda: texts(*({"password": f"word{at}"} for at in range(60_000))),
    "names that hold secrets": lambda: texts({f"sk-abcdefghijklmnop{at}": 1 for at in range(60_000)}),
    "depth": lambda: texts(deep(90)),
    "too deep": lambda: texts(deep(900)),
    "markup": lambda: written(flowise([custom("a", x=["<" * 190_000 + "</p>", "<p " * 60_000 + "</p>"] * 10)])),
    "containers": lambda: written(dify([loop(str(at), parentId=str(at + 1)) for at in range(bounds.NODES)])),
    "lost loops": lambda: written(
        flowise([custom(f"n{at}", "seqLoop", loopToName="no") for at in range(bounds.NODES)])
    ),
    "dashes": lambda: written(
        flowise([custom(f"a{at}", "loopAgentflow", loopBackToNode=DASHES) for at in range(bounds.NODES)])
    ),
    "same ids": lambda: written(dify([llm("same") for _ in range(bounds.NODES)])),
    "edges": lambda: written(
        dify(
            [llm("1"), llm("2")],
            [{"source": "1", "target": "2", "sourceHandle": f"{at}"} for at in range(bounds.EDGES)],
        )
    ),
}


PROBE = """
import re, sys, time
from webapp.importers import NotAFlow, read_flows

def peak():
    return int(re.search("VmHWM:\\\\s+([0-9]+)", open("/proc/self/status").read())[1])

content = sys.stdin.buffer.read()
before = peak()
start = time.process_time()
try:
    said = f"{read_flows(content, 'a file')[0].nodes_seen} nodes"
except NotAFlow as refusal:
    said = refusal.reason
spent = time.process_time() - start
print(spent, (peak() - before) / 1024, said[:100])
"""


@pytest.mark.parametrize("name", WORST)
def test_the_worst_files_take_two_seconds_and_two_hundred_megabytes_at_most(name):
    content = WORST[name]()
    assert len(content) <= bounds.FILE_BYTES
    seconds, megabytes, said = measured(content)
    if seconds >= 2:
        # A machine that does other work at the same time makes one measurement long, not each of three.
        seconds = min(seconds, measured(content)[0], measured(content)[0])
    assert seconds < 2, f"{seconds} s: {said}"
    assert megabytes < 200, f"{megabytes} MB: {said}"


def measured(content: bytes) -> tuple[float, float, str]:
    """Seconds of the processor and megabytes that reading takes in a process of its own, and what came of it."""
    command = [sys.executable, "-c", PROBE]
    done = subprocess.run(command, input=content, capture_output=True, check=True, cwd=Path(__file__).parents[2])
    seconds, megabytes, said = done.stdout.decode().strip().split(" ", 2)
    return float(seconds), float(megabytes), said


def test_a_file_past_the_size_is_refused_at_once():
    with pytest.raises(NotAFlow, match="10 MB"):
        read_flows(b"{" + b" " * bounds.FILE_BYTES)
