"""What agents may use and remember, and templates to make them from."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories.agents import make_agent, make_agent_memory
from tests.factories.knowledge import make_knowledge_base
from tests.factories.plugins import make_tool
from tests.features.agents.test_detail import FORM, KEY, events, made_id, rows
from webapp.features.agents.shipped_templates import SHIPPED, seed_templates
from webapp.models import Agent, AgentKnowledgeBase, AgentMemory, AgentTemplate, AgentTool, AgentVersion


@pytest.fixture
def agent(organization):
    return make_agent(organization_id=organization.id, name="Router", system_prompt="You route.")


def test_a_tool_is_attached_set_and_detached_each_as_a_version(as_alice, agent, organization, owner_engine):
    tool = make_tool(organization_id=organization.id, name="lookup")
    base = f"/agents/{agent.id}/tools"
    assert as_alice.post(base, data={"tool_id": tool.id, "is_enabled": "y", "config": '{"most": 3}'}).status_code == 303
    text = as_alice.get(base).text
    assert "lookup" in text and "&#34;most&#34;: 3" in text and f'<option value="{tool.id}"' not in text
    assert as_alice.post(base, data={"tool_id": tool.id, "config": ""}).status_code == 303
    kept = rows(owner_engine, sa.select(AgentTool))[0]
    assert (kept.is_enabled, kept.config) == (False, {})
    assert as_alice.post(f"{base}/{tool.id}/detach").status_code == 303
    assert as_alice.post(f"{base}/{tool.id}/detach").status_code == 404
    assert rows(owner_engine, sa.select(AgentTool)) == []
    assert rows(owner_engine, sa.select(AgentVersion.version).order_by(AgentVersion.version)) == [1, 2, 3, 4]
    changed = [payload for kind, payload in events(owner_engine) if kind == "agent.changed"]
    assert [one["changed"] for one in changed] == [["tools"]] * 3
    assert changed[0]["after"]["tools"] == [
        {"id": str(tool.id), "name": "lookup", "is_enabled": True, "config": {"most": 3}}
    ]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('{"a": 1,\n "b" 2}', "Line 2, column"),
        ("[1]", "Line 1: begin with {"),
        ('{"a": "\\u0000"}', "cannot be kept"),
        ('{"a": "\\ud800"}', "cannot be kept"),
        ("{" * 60, "Line 1"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ('{"a": 1, "a": 2}', "comes twice"),
        ('{"api_key": "' + KEY + '"}', "“api_key”"),
        ('{"deep": {"password": "hunter2hunter2"}}', "“deep.password”"),
    ],
)
def test_settings_that_cannot_be_kept_are_refused_with_their_place(
    as_alice, agent, organization, owner_engine, config, words
):
    tool = make_tool(organization_id=organization.id, name="lookup")
    answer = as_alice.post(f"/agents/{agent.id}/tools", data={"tool_id": tool.id, "config": config})
    assert answer.status_code == 422 and words in answer.text.replace("&#34;", '"')
    assert rows(owner_engine, sa.select(AgentTool)) == [] and KEY not in str(events(owner_engine))


def test_tools_and_bases_of_others_cannot_be_attached(as_alice, agent, other_organization):
    tool = make_tool(organization_id=other_organization.id, name="secret-tool")
    base = make_knowledge_base(organization_id=other_organization.id, name="secret-base")
    text = as_alice.get(f"/agents/{agent.id}/tools").text
    assert "secret-tool" not in text and "secret-base" not in text and "No knowledge bases yet" in text
    assert as_alice.post(f"/agents/{agent.id}/tools", data={"tool_id": tool.id}).status_code == 404
    body = {"knowledge_base_id": base.id, "top_k": "3"}
    assert as_alice.post(f"/agents/{agent.id}/knowledge-bases", data=body).status_code == 404
    assert as_alice.post(f"/agents/{agent.id}/tools", data={"tool_id": "x"}).status_code == 404


def test_a_knowledge_base_is_attached_with_its_chunks(as_alice, agent, organization, owner_engine):
    base = make_knowledge_base(organization_id=organization.id, name="Handbook")
    address = f"/agents/{agent.id}/knowledge-bases"
    assert as_alice.post(address, data={"knowledge_base_id": base.id, "top_k": "500"}).status_code == 422
    assert as_alice.post(address, data={"knowledge_base_id": base.id, "top_k": "7"}).status_code == 303
    assert rows(owner_engine, sa.select(AgentKnowledgeBase.top_k)) == [7]
    assert "Handbook" in as_alice.get(f"/agents/{agent.id}/tools").text
    assert as_alice.post(f"{address}/{base.id}/detach").status_code == 303
    assert rows(owner_engine, sa.select(AgentKnowledgeBase)) == []


def test_memories_are_added_changed_found_and_deleted(as_alice, as_bob, agent, owner_engine):
    base = f"/agents/{agent.id}/memories"
    body = {"content": "Order 4711 is urgent", "term": "long", "importance": "0.8", "expires_at": "2030-01-02T03:04"}
    assert as_alice.post(base, data=body).status_code == 303
    memory = rows(owner_engine, sa.select(AgentMemory))[0]
    assert (memory.importance, memory.expires_at) == (0.8, datetime(2030, 1, 2, 3, 4, tzinfo=UTC))
    assert "2030-01-02T03:04" in as_alice.get(f"{base}/{memory.id}").text
    assert as_alice.post(f"{base}/{memory.id}", data=body | {"importance": "0.1", "expires_at": ""}).status_code == 303
    assert as_alice.post(f"{base}/{memory.id}", data=body | {"importance": "0.1", "expires_at": ""}).status_code == 303
    assert "Order 4711" in as_bob.get(f"{base}?q=4711").text and "Order 4711" not in as_bob.get(f"{base}?q=%25").text
    assert "Delete fact" not in as_bob.get(base).text and "Delete fact" in as_alice.get(base).text
    assert as_alice.post(f"{base}/{memory.id}/delete").status_code == 303
    assert rows(owner_engine, sa.select(AgentMemory)) == []
    found = events(owner_engine)
    assert [kind for kind, _ in found] == ["agent.memory_added", "agent.memory_changed", "agent.memory_deleted"]
    assert found[1][1]["changed"] == ["importance", "expires_at"] and "4711 is urgent" not in str(found)


def test_an_expired_memory_is_marked(as_bob, agent, organization):
    past = datetime.now(UTC) - timedelta(hours=1)
    make_agent_memory(organization_id=organization.id, agent_id=agent.id, content="old fact", expires_at=past)
    assert re.search(r"old fact <span[^>]*>Expired</span>", as_bob.get(f"/agents/{agent.id}/memories").text)


@pytest.mark.parametrize(
    "wrong",
    [{"content": " "}, {"importance": "1.1"}, {"importance": "nan"}, {"importance": ""}, {"term": "ever"},
     {"expires_at": "soon"}, {"expires_at": "9999-01-01T00:00"}, {"content": f"it is {KEY}"}],
)  # fmt: skip
def test_wrong_memories_are_refused(as_alice, agent, owner_engine, wrong):
    body = {"content": "A fact", "term": "long", "importance": "0.5", "expires_at": ""} | wrong
    assert as_alice.post(f"/agents/{agent.id}/memories", data=body).status_code == 422
    assert rows(owner_engine, sa.select(AgentMemory)) == []


def test_the_templates_that_come_along_are_there_once(as_bob, owner_engine):
    with Session(owner_engine) as session, session.begin():
        assert seed_templates(session) == 0
    text = as_bob.get("/agents/templates").text
    assert len(SHIPPED) == 8 and all(one.name in text for one in SHIPPED) and "Use<span" not in text
    assert "Web search" not in as_bob.get("/agents/templates?q=triage").text


def test_a_changed_release_of_the_templates_is_brought_in(owner_engine):
    with Session(owner_engine) as session:
        session.execute(sa.update(AgentTemplate).where(AgentTemplate.name == "Triage").values(system_prompt="old"))
        session.add(AgentTemplate(name="Gone", organization_id=None))
        session.flush()
        assert seed_templates(session) == 2
        text = sa.select(AgentTemplate.system_prompt).where(AgentTemplate.name == "Triage")
        assert session.scalar(text) != "old"
        assert session.scalar(sa.select(AgentTemplate.is_active).where(AgentTemplate.name == "Gone")) is False
        session.rollback()


def test_an_agent_is_made_from_a_template(as_alice, owner_engine):
    template = rows(owner_engine, sa.select(AgentTemplate).where(AgentTemplate.name == "Reviewer"))[0]
    text = as_alice.get(f"/agents/new?template={template.id}").text
    assert "You review work against these criteria" in text and "From the template Reviewer" in text
    made = made_id(as_alice.post("/agents", data=FORM | {"template_id": str(template.id)}))
    assert "from the template Reviewer" in as_alice.get(f"/agents/{made}").text
    assert as_alice.post(f"/agents/templates/{template.id}", data=FORM).status_code == 403
    assert as_alice.post(f"/agents/templates/{template.id}/delete").status_code == 403
    assert "Save template" not in as_alice.get(f"/agents/templates/{template.id}").text


def test_a_template_of_ones_own_is_made_changed_and_deleted(as_alice, as_charlie, agent, owner_engine):
    body = {"name": "Our router", "description": "Ours", "category": "Control"}
    made = as_alice.post(f"/agents/{agent.id}/template", data=body)
    template_id = re.search(r"templates/([0-9a-f-]{36})", made.location)[1]
    assert "Our router" in as_alice.get("/agents/templates").text
    assert as_alice.post(f"/agents/{agent.id}/template", data=body | {"name": "our ROUTER"}).status_code == 422
    address = f"/agents/templates/{template_id}"
    changed = FORM | {"name": "Our router", "category": "Control", "system_prompt": "You route well."}
    assert as_alice.post(address, data=changed).status_code == 303
    assert "You route well." in as_alice.get(address).text
    assert "Our router" not in as_charlie.get("/agents/templates").text
    assert [as_charlie.get(address).status_code, as_charlie.post(address, data=changed).status_code] == [404, 404]
    assert as_charlie.post(f"{address}/delete").status_code == 404
    assert as_charlie.get(f"/agents/new?template={template_id}").status_code == 404
    assert as_alice.post(f"{address}/delete").location == "/agents/templates?done=deleted"
    kinds = [kind for kind, _ in events(owner_engine, "agent_template")]
    assert kinds == ["agent_template.created", "agent_template.changed", "agent_template.deleted"]
    assert "You route" not in str(events(owner_engine, "agent_template"))
    assert rows(owner_engine, sa.select(Agent.name)) == ["Router"]
