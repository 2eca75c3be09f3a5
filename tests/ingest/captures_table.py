"""Print what each capture maps to beside its truth: ``python -m tests.ingest.captures_table``."""

import sys
from collections import defaultdict

from tests.ingest.truth import CAPTURES, NO_CAPTURES, Capture, Found, as_item, captures, differences, found_in
from webapp.ingest.decode import decode
from webapp.ingest.mapped import MappedTrace
from webapp.ingest.spans import Span, spans_of
from webapp.ingest.trace import map_trace

_HEAD = (
    "capture",
    "status",
    "in",
    "out",
    "cached",
    "calls",
    "tools",
    "agents",
    "models",
    "session",
    "error",
    "verdict",
)
_WIDTHS = (31, 9, 5, 4, 6, 5, 5, 36, 24, 14, 26, 0)


def spans_in(bodies: list[tuple[bytes, str]]) -> list[Span]:
    """Return all spans of some request bodies, none of which may be refused."""
    found = []
    for body, content_type in bodies:
        spans, rejected = spans_of(decode(body, content_type))
        assert not rejected, rejected
        found += spans
    return found


def map_spans(spans: list[Span], settled: bool = True) -> list[MappedTrace]:
    """Return one mapped trace per trace id, by start."""
    traces = defaultdict(list)
    for span in spans:
        traces[span.trace_id].append(span)
    return sorted((map_trace(group, settled) for group in traces.values()), key=lambda m: (m.started_ns, m.trace_id))


def executions(mapped: list[MappedTrace]) -> Found:
    """Return the traces that are executions taken together."""
    return found_in(as_item(trace) for trace in mapped if not trace.is_ignored)


def row(capture: Capture, found: Found) -> tuple[str, ...]:
    """Return a capture's line of the table."""
    error = found.errors[0] if found.errors else {"type": None, "message": None}
    wrong = differences(capture, found)
    return tuple(
        "-" if cell is None else str(cell)
        for cell in (
            capture.name,
            found.status,
            found.input_tokens,
            found.output_tokens,
            found.cached_input_tokens,
            found.model_calls,
            found.tool_calls,
            f"{found.agent_count} {','.join(sorted(found.agents))}",
            ",".join(sorted(found.models)),
            ",".join(sorted(found.sessions)),
            (error["type"] or "").rpartition(".")[2] or error["message"],
            "; ".join(wrong) or "ok",
        )
    )


def table() -> list[str]:
    """Return the table's lines, the heading first."""
    rows = [_HEAD] + [row(capture, executions(map_spans(spans_in(capture.bodies)))) for capture in captures()]
    return [
        " ".join(cell[:width].ljust(width) if width else cell for cell, width in zip(cells, _WIDTHS, strict=True))
        for cells in rows
    ]


def main() -> int:
    if not CAPTURES.is_dir():
        print(NO_CAPTURES)
        return 1
    lines = table()
    print("\n".join(lines))
    return 0 if all(line.endswith(" ok") for line in lines[1:]) else 1


if __name__ == "__main__":
    sys.exit(main())
