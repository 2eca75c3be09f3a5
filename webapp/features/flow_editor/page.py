"""What the editor shows: the drawing, the open panel, and everything that is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

from wtforms import Form
from wtforms.fields import SelectChoice

from webapp.domain.block_presets import grouped
from webapp.domain.block_settings import Setting, rest_of, settings_for, text_of, ways_out
from webapp.domain.flow_check import check_graph, say_handle
from webapp.domain.flow_edit import removal
from webapp.domain.flow_graph import BlockType, EdgeKind, FlowGraph, GraphBlock, GraphEdge, GraphNote
from webapp.domain.flow_problem import Problem
from webapp.domain.orchestration_patterns import PATTERNS, check_pattern
from webapp.features.flow_editor import forms
from webapp.features.flow_editor.queries import Edited, OtherDraft
from webapp.web.graph_view import BlockMark, GraphView, draw_graph

PANELS = ("flow", "block", "add", "notes", "save")
MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """Which panel is open, at which block, and what is to be told. ``form`` is one that was refused."""

    panel: str = "flow"
    key: str = ""
    told: str = ""
    said: str = ""
    form: Form | None = None
    settings: Mapping[str, str] | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One connection of the open block, from its side."""

    edge: GraphEdge
    other: str
    other_key: str
    words: str


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One block in the list beside the drawing."""

    block: GraphBlock
    leads_to: Sequence[tuple[str, str]]
    problems: int


class EditorPage:
    """Read by the templates; nothing is worked out that is not shown."""

    def __init__(self, edited: Edited, shown: Shown, agents: Mapping[str, str], others: Sequence[OtherDraft]):
        self.edited, self.agents, self.others = edited, agents, others
        self.graph: FlowGraph = edited.draft.graph
        self.block = self.graph.block(shown.key) if shown.panel == "block" else None
        is_gone = shown.panel == "block" and self.block is None
        self.shown = Shown(told=shown.told or "This block is not in the draft any more.") if is_gone else shown
        self.base = f"/flows/{edited.id}/edit"

    @property
    def panel(self) -> str:
        return self.shown.panel

    @property
    def revision(self) -> int:
        return self.edited.draft.revision

    def href(self, key: str) -> str:
        """Where the panel of a block is."""
        return f"{self.base}?block={quote(key)}"

    @cached_property
    def problems(self) -> list[Problem]:
        return check_graph(self.graph, agents=self.agents)

    @cached_property
    def problems_by_key(self) -> dict[str, list[Problem]]:
        found: dict[str, list[Problem]] = defaultdict(list)
        for problem in self.problems:
            if problem.block_key:
                found[problem.block_key].append(problem)
        return found

    @property
    def error_count(self) -> int:
        return sum(problem.is_error for problem in self.problems)

    @cached_property
    def names(self) -> dict[str, str]:
        return {block.key: block.name for block in self.graph.blocks}

    @cached_property
    def rows(self) -> list[BlockRow]:
        leads: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for edge in self.graph.edges:
            leads[edge.source].append((edge.target, edge_words(edge)))
        return [
            BlockRow(block, leads[block.key], len(self.problems_by_key.get(block.key, ())))
            for block in self.graph.blocks
        ]

    @property
    def is_manual(self) -> bool:
        return self.graph.config.get("layout") == "manual"

    @property
    def has_changes(self) -> bool:
        return self.edited.draft.revision > 0

    @property
    def presets(self) -> Any:
        return grouped()

    def form(self, panel: str, form_class: type[Form], data: Mapping[str, Any]) -> Any:
        """The form of the open panel: the refused one with what was typed, else one that shows the draft."""
        refused = self.shown.form
        if refused is not None and self.panel == panel and type(refused) is form_class:
            refused.revision.data = self.revision  # type: ignore[attr-defined]
            return refused
        return form_class(data={"revision": self.revision, **data})

    @cached_property
    def add_form(self) -> Any:
        form = self.form("add", forms.AddForm, {"after": self.shown.key})
        form.after.choices = [SelectChoice("", "Nothing yet"), *self._choices(self.graph.blocks)]
        return form

    @cached_property
    def flow_form(self) -> Any:
        graph = self.graph
        return self.form(
            "flow",
            forms.FlowForm,
            {
                "name": graph.name,
                "description": graph.description,
                "pattern": graph.pattern or "",
                "tags": ", ".join(graph.tags),
            },
        )

    @property
    def pattern(self) -> Any:
        """The chosen pattern with its demand."""
        return PATTERNS.get(self.graph.pattern or "")

    @property
    def patterns(self) -> Any:
        return PATTERNS.values()

    @cached_property
    def pattern_problems(self) -> list[Problem]:
        return check_pattern(self.graph)

    @cached_property
    def save_form(self) -> Any:
        form = self.form("save", forms.SaveForm, {})
        form.base_version.data = self.edited.draft.base_version
        return form

    @property
    def note_fields(self) -> list[GraphNote]:
        """The notes as their fields show them, with what was typed into a refused one, and an empty one."""
        form = self.shown.form
        typed = (form.key.data or "", form.text.data) if isinstance(form, forms.NoteForm) else None
        fields = [*self.graph.notes, GraphNote("", "")]
        return [replace(note, text=typed[1]) if typed and typed[0] == note.key else note for note in fields]

    @cached_property
    def view(self) -> GraphView:
        """The drawing, with the first problem of each block at its card."""
        marks = {key: BlockMark(problem=found[0].message) for key, found in self.problems_by_key.items()}
        key = self.block.key if self.block else None
        return draw_graph(self.graph, heats={}, href=self.href, current=key, marks=marks, is_manual=self.is_manual)

    @property
    def here(self) -> str:
        """The address that shows the editor like this again."""
        if self.block is not None:
            return self.href(self.block.key)
        return self.base if self.panel == "flow" else f"{self.base}?panel={self.panel}"

    @property
    def place(self) -> tuple[int, int]:
        """Where the open block is drawn."""
        card = self.view.layout.cards.get(self.shown.key)
        return (round(card.x), round(card.y)) if card else (0, 0)

    @property
    def may_draw(self) -> bool:
        """Whether traces may say what the flow does, so that a first drawing can be made of them."""
        return self.edited.is_observed and not self.has_changes and not self.graph.blocks

    @cached_property
    def block_form(self) -> Any:
        block = self.block
        assert block is not None
        form = self.form("block", forms.BlockForm, forms.block_data(block, rest_of(block), self.revision))
        form.allow_type(block.block_type)
        agents = [SelectChoice(id_, name) for id_, name in self.agents.items()]
        if block.agent and block.agent not in self.agents:
            agents.append(SelectChoice(block.agent, "An agent that is not there any more"))
        form.agent.choices = [SelectChoice("", "None: model and instructions below"), *agents]
        loops = [b for b in self.graph.blocks if b.block_type == BlockType.LOOP and b.key != block.key]
        inside = [SelectChoice("", "No loop"), *self._choices(loops)]
        if block.parent_key and all(loop.key != block.parent_key for loop in loops):
            inside.append(SelectChoice(block.parent_key, self.names.get(block.parent_key, block.parent_key)))
        form.parent_key.choices = inside
        return form

    @property
    def settings(self) -> list[tuple[Setting, str]]:
        """Fields of the open block with what they hold, or what was typed into them."""
        block = self.block
        assert block is not None
        typed = self.shown.settings or {}
        return [(s, typed.get(s.name, text_of(s, block.config))) for s in settings_for(block)]

    @cached_property
    def edge_form(self) -> Any:
        block = self.block
        assert block is not None
        form = self.form("block", forms.EdgeForm, {"source": block.key})
        form.target.choices = [
            SelectChoice("", "Choose a block"), *self._choices(b for b in self.graph.blocks if b.key != block.key)
        ]  # fmt: skip
        return form

    @property
    def ways(self) -> list[tuple[str, str]]:
        """Ways out of the open block with their words."""
        block = self.block
        assert block is not None
        used = [e.source_handle for e in self.graph.edges if e.source == block.key and e.kind != EdgeKind.ATTACH]
        return [(way, way_words(way)) for way in dict.fromkeys((*ways_out(block), *used))]

    @property
    def going(self) -> list[EdgeRow]:
        return [self._row(edge, edge.target) for edge in self.graph.edges if edge.source == self.shown.key]

    @property
    def coming(self) -> list[EdgeRow]:
        return [self._row(edge, edge.source) for edge in self.graph.edges if edge.target == self.shown.key]

    def _row(self, edge: GraphEdge, other: str) -> EdgeRow:
        return EdgeRow(edge, self.names.get(other, other), other, edge_words(edge))

    @property
    def removal(self) -> str:
        return removal(self.graph, self.shown.key)

    def _choices(self, blocks: Any) -> list[SelectChoice]:
        """Blocks by name; names that come twice are told apart by their key."""
        blocks = list(blocks)
        seen: dict[str, int] = defaultdict(int)
        for block in self.graph.blocks:
            seen[block.name] += 1
        return [SelectChoice(b.key, b.name if seen[b.name] == 1 else f"{b.name} ({b.key})") for b in blocks]


def way_words(handle: str) -> str:
    """A way out as people say it."""
    known = {"out": "Next step", "error": "When it fails", "body": "Body of the loop", "done": "After the loop"}
    return known.get(handle) or (say_handle(handle)[:1].upper() + say_handle(handle)[1:])


def edge_words(edge: GraphEdge) -> str:
    """What an edge means, in a word or two; empty for the plain next step."""
    if edge.kind == EdgeKind.ATTACH:
        return f"attached as {edge.target_handle.removeprefix('attach:')}"
    words = "" if edge.source_handle == "out" else way_words(edge.source_handle).lower()
    back = "back" if edge.kind == EdgeKind.LOOP_BACK else ""
    return ", ".join(word for word in (words, back, edge.label) if word)
