"""The drafts and versions of organization one on whose pages a stranger tries the routes: one flow for each write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine

from tests.factories.flows import make_agentflow_draft
from webapp.database.tenancy import organization_session
from webapp.domain.flow_graph import FlowGraph, GraphBlock, to_document
from webapp.domain.undo_steps import with_step
from webapp.features.events.operations import AuthorId
from webapp.features.flows.operations_graph import create_flow, save_graph
from webapp.models import FlowExecution

READ = ("show", "show_join", "discard")
WRITTEN = {"change": "edited_change", "turn": "edited_turn", "save": "edited_save", "join": "edited_join"}
EDITOR_ARGUMENTS = {
    **{(f"flow_editor.{name}", "agentflow_id"): "edited_turn" for name in READ[:2]},
    **{(f"flow_editor.{name}", "agentflow_id"): thing for name, thing in WRITTEN.items()},
    ("flow_editor.adopt", "agentflow_id"): "edited_seen",
    ("flow_editor.discard", "agentflow_id"): "edited_discard",
    ("flow_editor.change", "action"): "=arrange",
    ("flow_editor.turn", "way"): "=undo",
    **{
        (f"flow_versions.{name}", "agentflow_id"): "edited_two"
        for name in ("index", "export_csv", "show", "diff", "rename", "restore")
    },
    **{(f"flow_versions.{name}", "version"): "=1" for name in ("show", "rename", "restore")},
}
_DRAFT = {"revision": "1", "base_version": "1"}
EDITOR_BODIES = {
    "flow_editor.change": _DRAFT,
    "flow_editor.turn": _DRAFT,
    "flow_editor.save": _DRAFT,
    "flow_editor.join": {**_DRAFT, "theirs": "1", "how": "mine"},
    "flow_editor.adopt": {"revision": "0"},
    "flow_versions.rename": {"name": "x"},
    "flow_versions.restore": {"base_version": "2"},
}


def make_drafts(engine: Engine, organization_id: Any, user_id: Any, canary: str) -> dict[str, Any]:
    """A flow with a draft of the person for each route that changes it, one with two versions, and one that ran."""
    author, at = AuthorId(organization_id, user_id), datetime.now(UTC)
    before = FlowGraph(canary, canary, blocks=(GraphBlock("one", "trigger", canary),))
    after = replace(before, blocks=(*before.blocks, GraphBlock("two", "action", canary, config={"text": canary})))
    names = (*WRITTEN.values(), "edited_discard", "edited_two")
    with organization_session(engine, organization_id) as session:
        flows = {name: create_flow(session, author, before, now=at) for name in names}
        save_graph(session, author, flows["edited_two"], after, base_version=1, now=at, note=canary)
        seen = session.scalar(sa.select(FlowExecution.agentflow_id).where(FlowExecution.trace_id.is_not(None)).limit(1))
    for name in names[:-1]:
        make_agentflow_draft(
            organization_id=organization_id, agentflow_id=flows[name], user_id=user_id, base_version=1, revision=1,
            graph=to_document(after), undo_stack=with_step((), canary, before),
        )  # fmt: skip
    return {**flows, "edited_seen": seen}
