"""Agents and what they know and use."""

from tests.factories.base import default_organization, factory
from webapp.models import Agent, AgentKnowledgeBase, AgentMemory, AgentTemplate, AgentTool, AgentVersion

make_agent = factory(Agent, name=lambda n: f"agent {n}")
make_agent_version = factory(AgentVersion)
make_agent_template = factory(
    AgentTemplate, name=lambda n: f"template {n}", organization_id=lambda n: default_organization().id
)
make_agent_tool = factory(AgentTool)
make_agent_knowledge_base = factory(AgentKnowledgeBase)
make_agent_memory = factory(AgentMemory)
