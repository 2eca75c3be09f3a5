"""Agentflows and what they consist of."""

from tests.factories.base import factory
from webapp.models import Agentflow, AgentflowAgent, AgentflowEdge, Block, TriggerKind, Workflow

make_agentflow = factory(Agentflow, name=lambda n: f"flow {n}")
make_block = factory(Block, name=lambda n: f"block {n}")
make_agentflow_edge = factory(AgentflowEdge)
make_agentflow_agent = factory(AgentflowAgent)
make_workflow = factory(Workflow, name=lambda n: f"workflow {n}", trigger_kind=TriggerKind.SCHEDULE.value)
