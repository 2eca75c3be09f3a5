"""What the page shows on which two people's changes of one flow meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webapp.domain.flow_diff import diff_graphs
from webapp.domain.flow_graph import FlowGraph
from webapp.domain.flow_merge import Conflict, merge_graphs
from webapp.domain.flow_resolve import MINE, THEIRS
from webapp.features.flow_editor.queries import Edited
from webapp.web.graph_diff import DiffView, diff_view, edge_words

MOST_CONFLICTS = 200
CHOICE = "choice-"
"""Begins the names of the fields that decide one conflict each."""


@dataclass(frozen=True, slots=True)
class Question:
    """One conflict as it is asked: where, and what each of the two would leave there."""

    name: str
    title: str
    field: str
    mine: str
    theirs: str


class JoinPage:
    """Both changes since the version that the draft began with, and what has to be decided."""

    def __init__(self, edited: Edited, base: FlowGraph, theirs: FlowGraph, form: Any, told: str):
        mine = edited.draft.graph
        self.edited, self.form, self.told = edited, form, told
        self.theirs: DiffView = diff_view(diff_graphs(base, theirs), base, theirs)
        self.mine: DiffView = diff_view(diff_graphs(base, mine), base, mine)
        merge = merge_graphs(base, mine, theirs)
        names = {block.key: block.name for graph in (base, theirs, mine) for block in graph.blocks}
        self.conflict_count = len(merge.conflicts)
        self.questions = [_question(at, one, names) for at, one in enumerate(merge.conflicts[:MOST_CONFLICTS])]

    def value(self, name: str) -> str:
        """What was typed on the page before, so that it is not lost."""
        field = getattr(self.form, name, None) if self.form is not None else None
        return (field.data or "") if field is not None else ""


def _question(at: int, conflict: Conflict, names: Mapping[str, str]) -> Question:
    where = names.get(conflict.place, "A note" if conflict.place else "The flow itself")
    if conflict.edge is not None:
        where = edge_words(conflict.edge, names)[0]
    if conflict.kind == "field":
        return Question(
            f"{CHOICE}{at}", where, conflict.field, conflict.mine or "nothing", conflict.theirs or "nothing"
        )
    was = {"block": "Changed and kept", "connection": "Still needed, kept", "edge": "Kept", "note": "Kept"}
    kept = was.get(conflict.field, "Kept")
    if conflict.kind == "removed_by_me":
        return Question(f"{CHOICE}{at}", where, conflict.field, "Removed", kept)
    return Question(f"{CHOICE}{at}", where, conflict.field, kept, "Removed")


def read_choices(values: Mapping[str, str]) -> tuple[str, ...]:
    """The decisions in the order of the conflicts; mine where none was sent."""
    chosen = {name: text for name, text in values.items() if name.startswith(CHOICE)}
    places = [int(name.removeprefix(CHOICE)) for name in chosen if name.removeprefix(CHOICE).isdecimal()]
    most = min(max(places, default=-1) + 1, MOST_CONFLICTS)
    return tuple(THEIRS if chosen.get(f"{CHOICE}{at}") == THEIRS else MINE for at in range(most))
