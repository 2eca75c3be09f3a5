"""The way back and forth of a draft: graphs before each change, and those that were undone, in one list of bytes.

Steps that can be undone come first, the oldest of them first; steps that can be redone follow, the next of them first.
So one undo or redo rewrites one step: it holds the other side of the change.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from webapp.domain.flow_graph import FlowGraph, from_document, to_document

MOST_STEPS, MOST_BYTES = 50, 1_000_000
UNDO, REDO = b"U", b"R"
HEAD = struct.Struct(">cH")
LONGEST_HEAD = HEAD.size + 400


@dataclass(frozen=True, slots=True)
class StepNames:
    """What would be undone and redone next, None where nothing can be."""

    undo: str | None
    redo: str | None
    undo_count: int


def pack_step(kind: bytes, said: str, document: dict[str, object]) -> bytes:
    """A step with its sentence readable in front of the compressed graph."""
    name = said.encode("utf-8", "replace")[:400].decode("utf-8", "ignore").encode()
    return HEAD.pack(kind, len(name)) + name + zlib.compress(orjson.dumps(document), 1)


def read_names(heads: Sequence[bytes]) -> StepNames:
    """The names from the beginnings of all steps."""
    names = [(bytes(h[:1]), h[HEAD.size : HEAD.size + HEAD.unpack_from(h)[1]].decode()) for h in map(bytes, heads)]
    undone = [name for kind, name in names if kind == UNDO]
    redone = [name for kind, name in names if kind == REDO]
    return StepNames(undone[-1] if undone else None, redone[0] if redone else None, len(undone))


def with_step(steps: Sequence[bytes], said: str, before: FlowGraph) -> list[bytes]:
    """The steps after one more change: what was undone cannot be redone any more, the oldest steps are forgotten."""
    kept = [step for step in steps if step[:1] == UNDO]
    kept.append(pack_step(UNDO, said, to_document(before)))
    size = sum(map(len, kept))
    while len(kept) > 1 and (len(kept) > MOST_STEPS or size > MOST_BYTES):
        size -= len(kept.pop(0))
    return kept


def step_back(steps: Sequence[bytes], now: FlowGraph) -> tuple[list[bytes], FlowGraph, str] | None:
    """Steps, graph and sentence after an undo; None when there is nothing to undo."""
    last = sum(step[:1] == UNDO for step in steps) - 1
    return _turn(steps, last, REDO, now) if last >= 0 else None


def step_forth(steps: Sequence[bytes], now: FlowGraph) -> tuple[list[bytes], FlowGraph, str] | None:
    """Steps, graph and sentence after a redo; None when there is nothing to redo."""
    first = sum(step[:1] == UNDO for step in steps)
    return _turn(steps, first, UNDO, now) if first < len(steps) else None


def _turn(steps: Sequence[bytes], at: int, kind: bytes, now: FlowGraph) -> tuple[list[bytes], FlowGraph, str]:
    step = steps[at]
    end = HEAD.size + HEAD.unpack_from(step)[1]
    said = step[HEAD.size : end].decode()
    graph = from_document(orjson.loads(zlib.decompress(step[end:])))
    return [*steps[:at], pack_step(kind, said, to_document(now)), *steps[at + 1 :]], graph, said
