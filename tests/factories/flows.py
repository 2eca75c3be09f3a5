"""Agentflows and what they consist of."""

from tests.factories.base import factory
from webapp.models import (
    Agentflow,
    AgentflowAgent,
    AgentflowDraft,
    AgentflowEdge,
    AgentflowVersion,
    Block,
    FlowNote,
    FlowShare,
    ImportReport,
    TriggerKind,
    Workflow,
)

make_agentflow = factory(Agentflow, name=lambda n: f"flow {n}")
make_block = factory(Block, name=lambda n: f"block {n}")
make_agentflow_edge = factory(AgentflowEdge)
make_agentflow_agent = factory(AgentflowAgent)
make_workflow = factory(Workflow, name=lambda n: f"workflow {n}", trigger_kind=TriggerKind.SCHEDULE.value)
make_flow_note = factory(FlowNote)
make_agentflow_version = factory(AgentflowVersion)
make_agentflow_draft = factory(AgentflowDraft)
make_import_report = factory(ImportReport, file_name=lambda n: f"flow-{n}.json")
make_flow_share = factory(FlowShare)
