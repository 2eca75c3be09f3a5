"""Measure the drawing of a flow of a thousand blocks: ``python -m tests.bench.layout [BLOCKS]``.

Everything is compared with a JSON round trip of the same graph, measured in between in the same process, so that
figures of a busy machine can be read too. Times are those of the processor, the best of all rounds and their median.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable

from tests.domain.graphs import large
from tests.web.graph_page import draw_page
from webapp.domain.flow_compile import compile_graph
from webapp.domain.flow_graph import from_document, to_document
from webapp.domain.flow_layout import layout_graph
from webapp.web.graph_view import BlockHeat, draw_graph

ROUNDS = 15


def main() -> int:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    graph = large(size)
    heats = {block.key: BlockHeat(561, 31, 0.055) for block in graph.blocks}
    view = draw_graph(graph, heats=heats, href="?block={}".format, current=None)
    stages: dict[str, Callable[[], object]] = {
        "json round trip": lambda: from_document(json.loads(json.dumps(to_document(graph)))),
        "layout": lambda: layout_graph(graph),
        "layout and view": lambda: draw_graph(graph, heats=heats, href="?block={}".format, current=None),
        "template": lambda: draw_page(view),
        "check and compile": lambda: compile_graph(graph),
    }
    times: dict[str, list[float]] = {name: [] for name in stages}
    gc.freeze()
    for _ in range(ROUNDS):
        for name, run in stages.items():
            begun = time.process_time()
            run()
            times[name].append((time.process_time() - begun) * 1000)
    base = min(times["json round trip"])
    print(f"{len(graph.blocks)} blocks, {len(graph.edges)} edges, {len(draw_page(view)):,} bytes of page")
    for name, row in times.items():
        best, median = min(row), statistics.median(row)
        print(f"{name:20} best {best:7.1f} ms   median {median:7.1f} ms   {best / base:5.1f} x json")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
