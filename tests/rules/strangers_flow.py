"""The flow of organization one on whose pages a stranger tries the routes: drawn, with an automation and a link."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from tests.factories.flows import make_agentflow, make_flow_share, make_workflow
from webapp.database.tenancy import organization_session
from webapp.domain.flow_graph import FlowGraph, GraphBlock
from webapp.features.events.operations import AuthorId
from webapp.features.flows.operations_graph import create_flow

OBSERVED = UUID("00000000-0000-7000-8000-00000000f10a")
PAGES = (
    "automations", "add_automation", "blocks", "blocks_csv", "create_share", "delete", "duplicate", "executions",
    "export", "failures", "restore", "runs_as", "save_settings", "settings", "show",
)  # fmt: skip
AUTOMATION = ("change_automation", "pause_automation", "remove_automation", "resume_automation")
FLOW_ARGUMENTS = {
    **{(f"flow.{name}", "agentflow_id"): "flow" for name in (*PAGES, *AUTOMATION, "revoke_share")},
    **{(f"flow.{name}", "workflow_id"): "automation" for name in AUTOMATION},
    ("flow.revoke_share", "share_id"): "share",
    ("flow.join", "agentflow_id"): "flow_to_join",
    ("flow.shared", "token"): "=no-token",
    ("flows.bookmark", "agentflow_id"): "flow",
}
_AUTOMATION = {"name": "x", "trigger_kind": "webhook", "timezone": "UTC"}
FLOW_BODIES = {
    "flow.add_automation": _AUTOMATION,
    "flow.change_automation": _AUTOMATION,
    "flow.create_share": {"expiry": "7"},
    "flow.join": {"observed_id": str(OBSERVED)},
    "flow.runs_as": {"block": "one", "observed_block_id": ""},
    "flow.save_settings": {"name": "x", "pattern": "", "visibility": "organization", "layout": "auto", "team_id": ""},
}


def make_flows(engine: Engine, organization_id: Any, user_id: Any, canary: str) -> dict[str, Any]:
    """One drawn flow with what belongs to it, another to be joined, and the flow of traces that it is joined with."""
    graph = FlowGraph(canary, canary, blocks=(GraphBlock("one", "trigger", canary, config={"text": canary}),))
    with organization_session(engine, organization_id) as session:
        author = AuthorId(organization_id, user_id)
        flow, other = (create_flow(session, author, graph, now=datetime.now(UTC)) for _ in range(2))
    own = {"organization_id": organization_id}
    make_agentflow(id=OBSERVED, name=canary, source="discovered", **own)
    return {
        "flow": flow,
        "flow_to_join": other,
        "automation": make_workflow(agentflow_id=flow, name=canary, **own).id,
        "share": make_flow_share(agentflow_id=flow, **own).id,
    }
