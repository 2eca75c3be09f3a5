"""One agent: its page, saving, two editors, versions, copies, retiring, and the record of it all."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories.agents import make_agent_memory
from tests.factories.flows import make_agentflow, make_block
from tests.factories.knowledge import make_prompt_template
from tests.factories.plugins import make_tool
from webapp.database.tenancy import organization_session
from webapp.features.events.queries import get_first_broken
from webapp.models import Agent, AgentTool, AgentVersion, Event

FORM = {
    "name": "Router", "description": "Sends requests on", "agent_type": "control", "model_provider": "openai",
    "model_name": "gpt-5", "temperature": "0.2", "max_tokens": "800", "system_prompt": "You route.\r\nNothing more.",
    "prompt_name": "", "tags": "triage, core", "is_active": "y", "note": "first", "base_version": "1",
}  # fmt: skip
KEY = "sk-proj-abcdefghijklmnop1234567890"


def made_id(answer) -> str:
    assert answer.status_code == 303, answer.text[-3000:]
    return re.search(r"/agents/([0-9a-f-]{36})", answer.location)[1]


def rows(engine, stmt):
    with Session(engine) as session:
        return session.scalars(stmt).all()


def events(engine, kind="agent"):
    found = rows(engine, sa.select(Event).where(Event.aggregate_type == kind).order_by(Event.sequence))
    return [(one.event_type, one.payload) for one in found]


@pytest.fixture
def router(as_alice) -> str:
    return made_id(as_alice.post("/agents", data=FORM))


def test_a_made_agent_is_shown_with_all_that_was_set(as_alice, as_bob, router, owner_engine):
    text = as_bob.get(f"/agents/{router}?done=created").text
    for words in (
        "Router",
        "gpt-5",
        "0.2",
        "800",
        "You route.",
        "triage",
        "Agent created.",
        "by Alice",
        "No flow draws",
    ):
        assert words in text
    version = rows(owner_engine, sa.select(AgentVersion))[0]
    assert (version.version, version.note, version.system_prompt) == (1, "first", "You route.\nNothing more.")
    kind, payload = events(owner_engine)[0]
    assert kind == "agent.created" and (payload["version"], payload["previous_version"]) == (1, 0)
    assert payload["after"]["system_prompt"] == {
        "characters": 24, "sha256": payload["after"]["system_prompt"]["sha256"], "version": 1,
    }  # fmt: skip
    assert "You route" not in str(payload) and payload["after"]["tags"] == ["triage", "core"]


def test_saving_makes_a_version_and_says_what_changed(as_alice, router, owner_engine, app_engine, organization):
    changed = FORM | {"temperature": "", "system_prompt": "You route.\nSay why.", "note": "say why"}
    assert as_alice.post(f"/agents/{router}", data=changed).location.endswith("done=saved")
    assert as_alice.post(f"/agents/{router}", data=changed | {"base_version": "2"}).location.endswith("done=same")
    assert [one.version for one in rows(owner_engine, sa.select(AgentVersion).order_by(AgentVersion.version))] == [1, 2]
    kind, payload = events(owner_engine)[-1]
    assert kind == "agent.changed" and payload["changed"] == ["system_prompt", "temperature"]
    assert (payload["version"], payload["previous_version"]) == (2, 1)
    assert (payload["before"]["temperature"], payload["after"]["temperature"]) == (0.2, None)
    assert payload["before"]["system_prompt"]["version"] == 1 and payload["after"]["system_prompt"]["version"] == 2
    assert len(events(owner_engine)) == 2
    history = as_alice.get(f"/agents/{router}/history").text
    assert "Temperature" in history and "0.2" in history and "Alice" in history and "version 2" in history
    with organization_session(app_engine, organization.id) as session:
        assert get_first_broken(session, organization.id) is None


def test_two_versions_are_shown_side_by_side(as_alice, as_bob, router):
    as_alice.post(
        f"/agents/{router}", data=FORM | {"system_prompt": "You route.\nSay why.", "model_name": "gpt-5-mini"}
    )
    text = as_bob.get(f"/agents/{router}/versions?before=1&after=2").text
    assert re.search(r'class="del">.*Nothing more\.', text) and re.search(r'class="ins">.*Say why\.', text)
    assert "gpt-5-mini" in text and "Version 1 against version 2" in text
    assert "Both versions are the same" in as_bob.get(f"/agents/{router}/versions?before=2&after=2").text
    assert as_bob.get(f"/agents/{router}/versions?before=1&after=9").status_code == 404


def test_a_second_editor_loses_nothing_and_sees_what_the_first_changed(as_alice, as_dana, router, owner_engine):
    as_dana.post(f"/agents/{router}", data=FORM | {"model_name": "gpt-5-mini", "description": "Dana's words"})
    mine = FORM | {"temperature": "0.9", "description": "Alice's words", "note": "mine"}
    answer = as_alice.post(f"/agents/{router}", data=mine)
    assert answer.status_code == 409
    assert "Version 2 was saved while you were editing" in answer.text and "gpt-5-mini" in answer.text
    assert "Dana&#39;s words" in answer.text and "holds yours: Description" in answer.text
    merged = form_values(answer.text)
    assert merged["model_name"] == "gpt-5-mini" and merged["temperature"] == "0.9" and merged["base_version"] == "2"
    assert merged["description"] == "Alice&#39;s words" and merged["note"] == "mine"
    assert rows(owner_engine, sa.select(Agent.version)) == [2]
    again = {name: value.replace("&#39;", "'") for name, value in merged.items()}
    assert as_alice.post(f"/agents/{router}", data=again | {"agent_type": "control"}).location.endswith("done=saved")
    agent = rows(owner_engine, sa.select(Agent))[0]
    assert (agent.version, agent.model_name, agent.temperature) == (3, "gpt-5-mini", 0.9)
    assert agent.description == "Alice's words"


def form_values(html: str) -> dict[str, str]:
    """What a browser would send again of the form on a page."""
    form = html[html.index('<form class="form narrow"') :]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and name[1] != "_organization" and not (' type="checkbox"' in tag and "checked" not in tag):
            found[name[1]] = value[1] if value else ""
    for name, value in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\s*([^<]*)</textarea>', form):
        found[name] = value
    return found


def test_an_old_version_comes_back_as_a_new_one(as_alice, router, organization, owner_engine):
    tool = make_tool(organization_id=organization.id, name="lookup")
    as_alice.post(f"/agents/{router}/tools", data={"tool_id": str(tool.id), "is_enabled": "y", "config": ""})
    as_alice.post(f"/agents/{router}", data=FORM | {"name": "Other", "base_version": "2"})
    assert as_alice.post(f"/agents/{router}/versions/2/restore").location.endswith("done=version")
    agent = rows(owner_engine, sa.select(Agent))[0]
    assert (agent.name, agent.version) == ("Router", 4) and len(rows(owner_engine, sa.select(AgentTool))) == 1
    assert as_alice.post(f"/agents/{router}/versions/1/restore").location.endswith("done=version")
    assert rows(owner_engine, sa.select(AgentTool)) == []
    assert as_alice.post(f"/agents/{router}/versions/77/restore").status_code == 404
    notes = rows(owner_engine, sa.select(AgentVersion.note).order_by(AgentVersion.version))
    assert notes[-2:] == ["Version 2 restored", "Version 1 restored"] and len(notes) == 5


def test_a_discovered_agent_keeps_its_name_and_what_it_was(as_alice, make_running, owner_engine):
    agent = make_running("resolver", completed=2, failed=1, service="support-api")
    form = FORM | {"name": "Renamed", "note": ""}
    assert as_alice.post(f"/agents/{agent.id}", data=form).location.endswith("done=saved")
    kept = rows(owner_engine, sa.select(Agent))[0]
    assert (kept.name, kept.service_name, kept.source, kept.model_name) == (
        "resolver",
        "support-api",
        "discovered",
        "gpt-5",
    )
    first, second = rows(owner_engine, sa.select(AgentVersion).order_by(AgentVersion.version))
    assert (first.version, first.author_id, first.model_name) == (1, None, None) and "first change" in first.note
    assert (second.version, second.model_name) == (2, "gpt-5")
    text = as_alice.get(f"/agents/{agent.id}").text
    assert "Observed" in text and "in support-api" in text and "33.3%" in text and "1</b> of 3 failed" in text
    assert "flow of resolver" in text and ">ran</span>" in text
    assert "/executions?agent=resolver&amp;status=failed" in text
    assert "Traces say this name" in as_alice.get(f"/agents/{agent.id}/edit").text


def test_a_private_flow_is_counted_and_not_named(as_alice, as_dana, alice, router, organization):
    for name, visibility in (("Open flow", "organization"), ("Secret flow", "private")):
        flow = make_agentflow(organization_id=organization.id, name=name, visibility=visibility, user_id=alice.id)
        make_block(organization_id=organization.id, agentflow_id=flow.id, key="a", block_type="agent", agent_id=router)
    assert "Secret flow" in as_alice.get(f"/agents/{router}").text
    text = as_dana.get(f"/agents/{router}").text
    assert "Open flow" in text and "Secret flow" not in text and "1 flow that you do not see" in text
    assert "It is used in 2 flows" in text


def test_a_copy_has_the_settings_and_not_the_memories(as_alice, router, organization, owner_engine):
    tool = make_tool(organization_id=organization.id, name="lookup")
    as_alice.post(f"/agents/{router}/tools", data={"tool_id": str(tool.id), "config": '{"most": 3}'})
    make_agent_memory(organization_id=organization.id, agent_id=router)
    copy = made_id(as_alice.post(f"/agents/{router}/duplicate"))
    text = as_alice.get(f"/agents/{copy}").text
    assert "Router (copy)" in text and "You route." in text and 'count">1' in text
    copied = rows(owner_engine, sa.select(AgentTool).where(AgentTool.agent_id == copy))
    assert [(one.config, one.is_enabled) for one in copied] == [({"most": 3}, False)]


def test_a_retired_agent_is_kept_and_comes_back(as_alice, router, owner_engine):
    assert as_alice.post(f"/agents/{router}/retire").location == "/agents?done=retired"
    assert router not in as_alice.get("/agents").text and router in as_alice.get("/agents?state=retired").text
    assert as_alice.post(f"/agents/{router}/retire").status_code == 409
    assert as_alice.post(f"/agents/{router}", data=FORM | {"name": "x"}).status_code == 409
    assert "Restore agent" in as_alice.get(f"/agents/{router}").text
    assert as_alice.post(f"/agents/{router}/restore").status_code == 303
    assert as_alice.post(f"/agents/{router}/restore").status_code == 409
    assert [kind for kind, _ in events(owner_engine)] == ["agent.created", "agent.retired", "agent.restored"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "Name the agent."),
        ({"name": "x" * 256}, "255"),
        ({"name": "a\nb"}, "Line breaks"),
        ({"temperature": "2.5"}, "Enter 0 to 2."),
        ({"temperature": "nan"}, "Enter 0 to 2."),
        ({"max_tokens": "0"}, "from 1 up"),
        ({"max_tokens": "99999999999"}, "from 1 up"),
        ({"prompt_name": "not there"}, "There is no prompt named"),
        ({"tags": "x" * 51}, "A tag has at most"),
        ({"description": "a\x00b"}, "cannot be kept"),
        ({"system_prompt": f"Use {KEY} to log in"}, "looks like it holds a secret"),
        ({"description": f"key {KEY}"}, "looks like it holds a secret"),
    ],
)
def test_wrong_input_is_said_at_its_field_and_changes_nothing(as_alice, router, owner_engine, wrong, words):
    answer = as_alice.post(f"/agents/{router}", data=FORM | wrong)
    assert answer.status_code == 422 and words in answer.text and "_organization" in answer.text
    assert as_alice.post("/agents", data=FORM | wrong).status_code == 422
    assert rows(owner_engine, sa.select(Agent.version)) == [1] and len(events(owner_engine)) == 1
    assert KEY not in str(events(owner_engine))


def test_instructions_come_from_a_named_prompt(as_alice, router, organization):
    make_prompt_template(organization_id=organization.id, name="route", version=1, template="Old words")
    prompt = make_prompt_template(organization_id=organization.id, name="route", version=2, template="Named words")
    assert as_alice.post(f"/agents/{router}", data=FORM | {"prompt_name": "route"}).status_code == 303
    text = as_alice.get(f"/agents/{router}").text
    assert "Named words" in text and "You route." not in text
    assert f"/agents/{router}" in as_alice.get(f"/prompts/{prompt.id}").text


def test_a_stranger_and_a_viewer_may_not(as_charlie, as_bob, router, organization):
    memory = make_agent_memory(organization_id=organization.id, agent_id=router)
    for path in ("", "/edit", "/tools", "/memories", "/versions", "/history", "/template", f"/memories/{memory.id}"):
        assert as_charlie.get(f"/agents/{router}{path}").status_code == 404, path
    for path in ("", "/duplicate", "/retire", "/restore", "/tools", "/memories", "/template", "/versions/1/restore"):
        assert as_charlie.post(f"/agents/{router}{path}", data=FORM).status_code == 404, path
        assert as_bob.post(f"/agents/{router}{path}", data=FORM).status_code == 403, path
    text = as_bob.get(f"/agents/{router}").text
    assert "Retire" not in text and "Edit" not in text and "Duplicate" not in text


@pytest.mark.parametrize("size", [1, 30])
def test_statements_of_a_page_do_not_grow(as_alice, router, organization, count_queries, size):
    for number in range(size):
        flow = make_agentflow(organization_id=organization.id)
        make_block(organization_id=organization.id, agentflow_id=flow.id, key="a", block_type="agent", agent_id=router)
        make_agent_memory(organization_id=organization.id, agent_id=router)
        as_alice.post(
            f"/agents/{router}", data=FORM | {"temperature": str(number / 100), "base_version": str(number + 1)}
        )
    counts = {}
    for path in ("", "/tools", "/memories", "/versions", "/history", "/edit"):
        with count_queries() as statements:
            assert as_alice.get(f"/agents/{router}{path}").status_code == 200
        counts[path] = len(statements)
    assert counts == {"": 6, "/tools": 6, "/memories": 4, "/versions": 4, "/history": 4, "/edit": 4}, counts


def test_the_models_that_traces_name_stand_beside_what_is_set(as_alice, api_key):
    assert as_alice.post("/welcome/sample").status_code == 303
    listed = as_alice.get("/agents?source=observed").text
    agent = re.search(r'class="main" href="/agents/([0-9a-f-]{36})"', listed)[1]
    assert "· observed</span>" in as_alice.get(f"/agents/{agent}").text
