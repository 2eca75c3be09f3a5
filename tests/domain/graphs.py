"""Graphs for tests: short to write, random ones, and a large one with everything in it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from webapp.domain.flow_graph import CredentialSlot, FlowGraph, GraphBlock, GraphEdge, GraphNote


def block(key: str, block_type: str = "action", **fields) -> GraphBlock:
    """A block that is named like its key."""
    return GraphBlock(key, block_type, fields.pop("name", key), **fields)


def edge(text: str, **fields) -> GraphEdge:
    """``a.true -> b`` is an edge from the handle ``true`` of a to b; ``m => a.attach:model`` attaches m to a;
    ``a <- b`` leads back from b to a."""
    for sign, kind in ((" -> ", "flow"), (" => ", "attach"), (" <- ", "loop_back")):
        if sign in text:
            source, target = text.split(sign) if kind != "loop_back" else reversed(text.split(sign))
            source, _, out = source.partition(".")
            target, _, into = target.partition(".")
            return GraphEdge(source, target, out or "out", into or "in", kind, **fields)
    raise ValueError(text)


def graph(blocks: str | list, edges: list, **fields) -> FlowGraph:
    """A graph of blocks, given as ``key:type key:type`` or ready made, and of edges in the words of ``edge``."""
    if isinstance(blocks, str):
        blocks = [block(*word.split(":")) for word in blocks.split()]
    edges = [edge(e) if isinstance(e, str) else e for e in edges]
    return FlowGraph("a flow", blocks=tuple(blocks), edges=tuple(edges), **fields)


TYPES = ("agent", "trigger", "action", "condition", "loop", "transform", "mystery")
HANDLES = ("out", "true", "false", "case:a", "else", "body", "done", "error")


@st.composite
def graphs(draw, most: int = 14, *, texts: bool = False) -> FlowGraph:
    """Any graph: cycles, self edges, several edges between two blocks, containers in containers, helpers, parts."""
    count = draw(st.integers(0, most))
    keys = [f"b{at}" for at in range(count)]
    some_key = st.sampled_from(keys) if keys else st.nothing()
    words = st.text("ab 한🙂\n", max_size=5) if texts else st.just("")
    blocks = []
    for at, key in enumerate(keys):
        parent = draw(st.one_of(st.none(), st.none(), some_key))
        parent = None if parent == key else parent
        place = draw(st.one_of(st.none(), st.tuples(st.integers(-999, 999), st.integers(-999, 999))))
        blocks.append(
            block(
                key,
                draw(st.sampled_from(TYPES)),
                name=f"{key}{draw(words)}",
                description=draw(words),
                x=None if place is None else float(place[0]),
                y=None if place is None else float(place[1]),
                config=draw(st.dictionaries(st.sampled_from(["model", "prompt", "limit"]), words, max_size=2)),
                parent_key=parent,
                credentials=(CredentialSlot("api"),) if at % 5 == 4 else (),
            )
        )
    drawn = st.builds(
        GraphEdge,
        some_key,
        some_key,
        st.sampled_from(HANDLES),
        st.just("in"),
        st.sampled_from(["flow", "flow", "flow", "loop_back"]),
        words,
    )
    attached = st.builds(
        GraphEdge,
        some_key,
        some_key,
        st.just("out"),
        st.sampled_from(["attach:model", "attach:tool"]),
        st.just("attach"),
    )
    edges = draw(st.lists(st.one_of(drawn, drawn, attached), max_size=2 * count)) if keys else []
    edges = list({e.identity: e for e in edges}.values())
    notes = draw(
        st.lists(
            st.builds(GraphNote, st.sampled_from(["n1", "n2", "n3"]), words.map("note {}".format)),
            unique_by=lambda n: n.key,
            max_size=3,
        )
    )
    return FlowGraph(
        draw(words) or "flow",
        description=draw(words),
        pattern=draw(st.sampled_from([None, "Parallel", "Reflection"])),
        config=draw(st.dictionaries(st.sampled_from(["a", "b"]), st.integers(0, 3))),
        blocks=tuple(draw(st.permutations(blocks))),
        edges=tuple(edges),
        notes=tuple(notes),
    )


def large(size: int = 1000, lines: int = 8) -> FlowGraph:
    """A made flow of about ``size`` blocks with all that occurs: a condition that chooses between long lines of work,
    branches that join, loops, containers, error ways, agents with shared and own helpers, two triggers."""
    blocks = [block("t0", "trigger", name="Receive webhook"), block("t1", "trigger", name="Every night")]
    blocks += [block("route", "condition", name="Which department?"), block("report", name="Write report")]
    blocks += [block("model", name="gpt-5-mini"), block("memory", name="Conversation memory")]
    edges = [edge("t0 -> route"), edge("t1 -> route")]
    ends = ["route"] * lines
    number = 0
    while len(blocks) < size - 8:
        s, line = f"s{number}", number % lines
        parts, ways = _section(s, number // lines + line)
        blocks += [replace(part, name=f"{part.name} {number}") for part in parts]
        handle = f".case:department {line}" if ends[line] == "route" else ""
        edges += [edge(f"{ends[line]}{handle} -> {s}-in"), *(edge(way) for way in ways)]
        if number % 9 == 8:
            edges.append(edge(f"{s}-in.error -> report"))
        ends[line] = f"{s}-out"
        number += 1
    edges += [edge(f"{end} -> report") for end in ends]
    return FlowGraph("large", blocks=tuple(blocks), edges=tuple(edges))


def _section(s: str, number: int) -> tuple[list[GraphBlock], list[str]]:
    first = block(f"{s}-in", "transform", name="Prepare")
    last = block(f"{s}-out", "transform", name="Join")
    agent = block(f"{s}-a", "agent", name="Extract fields")
    if number % 4 == 0:
        blocks = [first, block(f"{s}-c", "condition", name="Which kind of letter?"), agent, last]
        edges = [
            f"{s}-in -> {s}-c",
            f"{s}-c.case:invoice -> {s}-a",
            f"{s}-a -> {s}-out",
            f"model => {s}-a.attach:model",
        ]
        for at, word in enumerate(("order", "claim", "other")):
            blocks.append(block(f"{s}-{word}", name=f"Handle the {word} by hand and file it"))
            edges += [f"{s}-c.case:{word} -> {s}-{word}", f"{s}-{word} -> {s}-out"][: 2 - (at == 2)]
        return blocks, edges
    if number % 4 == 1:
        inside = [block(f"{s}-l{at}", name=f"각 문서 처리 {at}", parent_key=f"{s}-l") for at in range(4)]
        edges = [f"{s}-in -> {s}-l", f"{s}-l.body -> {s}-l0", f"{s}-l0 -> {s}-l1", f"{s}-l0 -> {s}-l2"]
        edges += [f"{s}-l1 -> {s}-l3", f"{s}-l2 -> {s}-l3", f"{s}-l <- {s}-l3", f"{s}-l.done -> {s}-out"]
        return [first, block(f"{s}-l", "loop", name="For each document"), *inside, last], edges
    if number % 4 == 2:
        judge = block(f"{s}-j", "condition", name="Good enough?")
        tools = [block(f"{s}-t{at}", name=f"Tool {at}") for at in range(3)]
        edges = [f"{s}-in -> {s}-a", f"{s}-a -> {s}-j", f"{s}-j.true -> {s}-out", f"{s}-j.false -> {s}-a"]
        edges += [f"{s}-t{at} => {s}-a.attach:tool" for at in range(3)] + [f"memory => {s}-a.attach:memory"]
        return [first, agent, judge, *tools, last], edges
    workers = [block(f"{s}-w{at}", "agent", name=f"Worker {at}") for at in range(6)]
    edges = [f"{s}-in -> {w.key}" for w in workers] + [f"{w.key} -> {s}-out" for w in workers]
    return [first, *workers, last], edges
