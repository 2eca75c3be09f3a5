"""From a form of the editor to the change of the graph that it asks for."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from wtforms import Form

from webapp.domain import flow_edit
from webapp.domain.block_presets import PRESETS
from webapp.domain.flow_edit import Edit
from webapp.domain.flow_graph import FlowGraph
from webapp.domain.flow_layout import layout_graph
from webapp.features.flow_editor import forms

Change = Callable[[FlowGraph], Edit]


def token() -> str:
    """What makes a new key differ from every other, also from those of another person's draft."""
    return secrets.token_hex(4)


def positions(graph: FlowGraph) -> dict[str, tuple[float, float]]:
    """Where every block is drawn at present."""
    layout = layout_graph(graph, is_manual=graph.config.get("layout") == "manual")
    return {key: (card.x, card.y) for key, card in layout.cards.items()}


def add(form: Any, settings: Mapping[str, str]) -> Change:
    preset, name = PRESETS[form.preset.data], form.name.data
    after, handle, place = form.after.data or None, form.handle.data, form.place
    return lambda graph: flow_edit.add_block(
        graph, preset, token=token(), name=name, after=after, handle=handle, place=place
    )


def configure(form: Any, settings: Mapping[str, str]) -> Change:
    def change(graph: FlowGraph) -> Edit:
        before = flow_edit.get_block(graph, form.key.data)
        return flow_edit.change_block(graph, form.block(before, settings))

    return change


def connect(form: Any, settings: Mapping[str, str]) -> Change:
    wanted = {"source_handle": form.source_handle.data, "slot": form.slot.data, "label": form.label.data}
    return lambda graph: flow_edit.connect(graph, form.source.data, form.target.data, **wanted)


def cut(form: Any, settings: Mapping[str, str]) -> Change:
    return lambda graph: flow_edit.disconnect(graph, form.identity)


def remove(form: Any, settings: Mapping[str, str]) -> Change:
    return lambda graph: flow_edit.remove_block(graph, form.key.data)


def move(form: Any, settings: Mapping[str, str]) -> Change:
    def change(graph: FlowGraph) -> Edit:
        key, drawn = form.key.data, positions(graph)
        x, y = drawn.get(key, (0.0, 0.0)) if form.is_by.data else (0.0, 0.0)
        return flow_edit.move_block(graph, key, x + form.x.data, y + form.y.data, drawn)

    return change


def arrange(form: Any, settings: Mapping[str, str]) -> Change:
    return flow_edit.arrange


def describe(form: Any, settings: Mapping[str, str]) -> Change:
    return lambda graph: flow_edit.change_flow(
        graph,
        name=form.name.data,
        description=form.description.data,
        pattern=form.pattern.data or None,
        tags=form.tag_list(),
    )


def note(form: Any, settings: Mapping[str, str]) -> Change:
    return lambda graph: flow_edit.change_note(graph, form.key.data or "", form.text.data, token=token())


CHANGES: dict[str, tuple[type[Form], Callable[[Any, Mapping[str, str]], Change], str]] = {
    "add": (forms.AddForm, add, "add"),
    "configure": (forms.BlockForm, configure, "block"),
    "connect": (forms.EdgeForm, connect, "block"),
    "cut": (forms.CutForm, cut, "block"),
    "remove": (forms.KeyForm, remove, "flow"),
    "move": (forms.MoveForm, move, "block"),
    "arrange": (forms.DraftForm, arrange, "flow"),
    "describe": (forms.FlowForm, describe, "flow"),
    "note": (forms.NoteForm, note, "notes"),
}
"""Form, change and the panel to which an answer belongs, by the last word of the address."""
