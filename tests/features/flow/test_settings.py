"""Settings of a flow: who may change what, what it leaves in the record, and what it does to the drawing."""

from __future__ import annotations

import html
import re
from uuid import uuid4

import orjson
import pytest
import sqlalchemy as sa

from tests.factories.accounts import make_team, make_team_member
from tests.factories.agents import make_agent
from tests.features.flow.conftest import HOSTILE, graph_of
from webapp.domain.flow_graph import GraphBlock, from_document

FORM = {
    "name": "Invoices 한국", "description": "Takes them in", "tags": "finance, eu , finance", "team_id": "",
    "pattern": "", "visibility": "organization", "layout": "auto", "is_active": "y",
}  # fmt: skip


def main(text):
    return text[text.index("<main") : text.index("</main>")]


def test_a_member_changes_what_a_flow_says_of_itself(client_as, mia, drawn, read_flow, read_events):
    client = client_as(mia)
    answer = client.post(f"/flows/{drawn}/settings", data=FORM)
    assert answer.location == f"/flows/{drawn}/settings?done=saved"
    row = read_flow(drawn)
    assert (row.name, row.description, row.tags) == ("Invoices 한국", "Takes them in", ["finance", "eu"])
    assert row.version == 1 and row.updated_by_id == mia.id
    page = client.get(answer.location).text
    assert "Settings saved." in page and 'value="Invoices 한국"' in page and 'value="finance, eu"' in page
    kind, payload = read_events(drawn)[-1]
    assert kind == "agentflow.changed"
    assert payload["before"]["name"] == "invoice-intake" and payload["after"]["tags"] == ["finance", "eu"]
    assert set(payload["after"]) == {"name", "description", "tags"}


def test_saving_what_is_there_leaves_no_event(client_as, mia, drawn, read_events):
    client = client_as(mia)
    client.post(f"/flows/{drawn}/settings", data=FORM)
    count = len(read_events(drawn))
    assert client.post(f"/flows/{drawn}/settings", data=FORM).status_code == 303
    assert len(read_events(drawn)) == count


def test_a_pattern_is_checked_and_makes_a_version(client_as, mia, drawn, read_flow):
    client = client_as(mia)
    page = client.get(f"/flows/{drawn}/settings").text
    assert page.count('name="pattern"') == 11 and "A supervising agent hands out work" in page
    client.post(f"/flows/{drawn}/settings", data=FORM | {"pattern": "Reflection", "layout": "manual"})
    row = read_flow(drawn)
    assert row.version == 2 and row.orchestration_pattern == "Reflection" and row.config["layout"] == "manual"
    assert row.graph_definition["orchestration_pattern"] == "Reflection"
    assert "pattern_demand" in [problem["code"] for problem in row.problems]
    client.post(f"/flows/{drawn}/settings", data=FORM | {"pattern": "Reflection", "layout": "manual", "tags": ""})
    assert read_flow(drawn).version == 2 and read_flow(drawn).name == "Invoices 한국"


def test_what_is_wrong_is_said_at_its_field(client_as, mia, drawn, read_flow):
    client = client_as(mia)
    for wrong, said in (
        ({"name": " "}, "Name the flow."),
        ({"name": "x" * 256}, "255"),
        ({"tags": "x" * 60}, "at most 50"),
        ({"tags": ",".join(f"t{n}" for n in range(30))}, "at most 20"),
        ({"pattern": "Waterfall"}, "Not a valid choice"),
        ({"visibility": "everybody"}, "Not a valid choice"),
        ({"visibility": "team"}, "Choose the team"),
        ({"team_id": str(uuid4())}, "Not a valid choice"),
        ({"layout": "x"}, "Not a valid choice"),
    ):
        answer = client.post(f"/flows/{drawn}/settings", data=FORM | wrong)
        assert answer.status_code == 422 and said in answer.text, wrong
        assert 'role="alert"' in answer.text
    assert read_flow(drawn).name == "invoice-intake"


def test_a_viewer_sees_settings_and_changes_nothing(client_as, bob, mia, drawn, read_flow):
    client = client_as(bob)
    page = main(client.get(f"/flows/{drawn}/settings").text)
    for word in ("Save settings", "Create link", "Delete flow", "Duplicate", "Edit"):
        assert word not in page, word
    for path in ("settings", "duplicate", "delete", "restore", "join", "runs-as", "shares", "automations"):
        assert client.post(f"/flows/{drawn}/{path}", data=FORM).status_code == 403, path
    assert read_flow(drawn).deleted_at is None


def test_a_stranger_finds_nothing(client_as, charlie, drawn):
    client = client_as(charlie)
    for path in ("", "/blocks", "/blocks.csv", "/executions", "/failures", "/automations", "/settings", "/export.json"):
        answer = client.get(f"/flows/{drawn}{path}")
        assert answer.status_code == 404 and "invoice" not in answer.text, path
    for path in ("settings", "duplicate", "delete", "restore", "join", "runs-as", "shares", "automations"):
        assert client.post(f"/flows/{drawn}/{path}", data=FORM).status_code == 404, path


def test_a_private_flow_is_for_its_author_and_admins(client_as, alice, bob, mia, drawn):
    answer = client_as(mia).post(f"/flows/{drawn}/settings", data=FORM | {"visibility": "private"})
    assert answer.status_code == 303
    assert client_as(bob).get(f"/flows/{drawn}").status_code == 404
    assert client_as(bob).get(f"/flows/{drawn}/export.json").status_code == 404
    assert client_as(mia).get(f"/flows/{drawn}").status_code == 200
    assert client_as(alice).get(f"/flows/{drawn}").status_code == 200


def test_a_team_flow_is_for_its_team(client_as, organization, bob, mia, drawn):
    team = make_team(organization_id=organization.id, name="Finance")
    form = FORM | {"visibility": "team", "team_id": str(team.id)}
    assert client_as(mia).post(f"/flows/{drawn}/settings", data=form).status_code == 303
    assert client_as(bob).get(f"/flows/{drawn}").status_code == 404
    make_team_member(organization_id=organization.id, team_id=team.id, user_id=bob.id)
    assert "Team Finance" in client_as(bob).get(f"/flows/{drawn}").text


def test_nobody_hides_a_flow_of_somebody_else_from_its_author(client_as, alice, mia, draw_flow, read_flow):
    flow = draw_flow(alice)
    answer = client_as(mia).post(f"/flows/{flow}/settings", data=FORM | {"visibility": "private"})
    assert answer.status_code == 422 and read_flow(flow).visibility == "organization"


def test_traces_name_a_discovered_flow(client_as, mia, observed, read_flow):
    client = client_as(mia)
    assert "cannot be changed here" in client.get(f"/flows/{observed}/settings").text
    assert client.post(f"/flows/{observed}/settings", data=FORM).status_code == 303
    row = read_flow(observed)
    assert row.name == "support-triage" and row.description == "Takes them in" and row.block_count is None


def test_deleting_keeps_and_restoring_brings_back(client_as, alice, mia, bob, drawn, read_flow, read_events):
    client = client_as(mia)
    assert "Delete flow" in client.get(f"/flows/{drawn}/settings").text
    client.post(f"/flows/{drawn}/delete")
    assert read_flow(drawn).deleted_by_id == mia.id
    page = client.get(f"/flows/{drawn}").text
    assert "This flow was deleted" in page and "by Mia" in page and "Restore flow" in page and "/edit" not in main(page)
    assert "Restore flow" not in client_as(bob).get(f"/flows/{drawn}").text
    for path in ("settings", "duplicate", "shares", "automations"):
        form = FORM | {"expiry": "7", "trigger_kind": "webhook", "timezone": "UTC"}
        assert client.post(f"/flows/{drawn}/{path}", data=form).status_code == 409, path
    assert client.post(f"/flows/{drawn}/restore").status_code == 303
    assert read_flow(drawn).deleted_at is None and "was deleted" not in client.get(f"/flows/{drawn}").text
    assert [kind for kind, _ in read_events(drawn)][-2:] == ["agentflow.deleted", "agentflow.restored"]


def test_a_member_does_not_delete_what_is_not_theirs(client_as, alice, mia, draw_flow, read_flow):
    flow = draw_flow(alice)
    client = client_as(mia)
    assert "Delete flow" not in client.get(f"/flows/{flow}/settings").text
    assert client.post(f"/flows/{flow}/delete").status_code == 403
    assert read_flow(flow).deleted_at is None


def test_a_copy_has_the_drawing_and_no_figures(client_as, mia, drawn, read_flow):
    client = client_as(mia)
    answer = client.post(f"/flows/{drawn}/duplicate")
    copy_id = re.search(r"/flows/([0-9a-f-]{36})/", answer.location)[1]
    assert copy_id != str(drawn)
    copy, row = read_flow(copy_id), read_flow(drawn)
    assert copy.name == "Copy of invoice-intake" and copy.block_count == row.block_count and copy.version == 1
    assert copy.last_execution_at is None and "This is the copy" in client.get(answer.location).text


def test_nothing_drawn_is_nothing_to_copy_or_export(client_as, mia, observed):
    client = client_as(mia)
    assert client.post(f"/flows/{observed}/duplicate").status_code == 409
    assert client.get(f"/flows/{observed}/export.json").status_code == 404


def test_an_export_gives_the_same_graph_without_what_is_ours(client_as, mia, draw_flow, organization):
    agent = make_agent(organization_id=organization.id, name="Reader")
    graph = graph_of()
    named = GraphBlock("named", "agent", "Named", agent=str(agent.id))
    lost = GraphBlock("lost", "agent", "Lost", agent=str(uuid4()))
    flow = draw_flow(
        mia, type(graph)(graph.name, graph.description, blocks=(*graph.blocks, named, lost), edges=graph.edges)
    )
    answer = client_as(mia).get(f"/flows/{flow}/export.json")
    assert "attachment" in answer.headers["Content-Disposition"] and answer.mimetype == "application/json"
    out = from_document(orjson.loads(answer.data))
    assert [block.key for block in out.blocks] == [*[b.key for b in graph.blocks], "named", "lost"]
    assert out.edges == graph.edges
    assert out.block("named").agent == "Reader" and out.block("lost").agent is None
    assert str(agent.id) not in answer.text and not out.block("extract").credentials[0].is_filled
    assert out.block("extract").config == graph.block("extract").config


def test_hostile_names_stay_text(client_as, mia, drawn):
    client = client_as(mia)
    client.post(f"/flows/{drawn}/settings", data=FORM | {"name": HOSTILE, "tags": HOSTILE, "description": HOSTILE})
    for path in ("", "/blocks", "/executions", "/failures", "/automations", "/settings"):
        page = client.get(f"/flows/{drawn}{path}").text
        assert "<script>alert" not in page and html.escape("<script>alert(1)</script>") in page, path


@pytest.mark.parametrize("count", [1, 30])
def test_statements_do_not_grow(client_as, mia, drawn, organization, count_queries, count):
    for _ in range(count):
        make_team(organization_id=organization.id)
    client = client_as(mia)
    with count_queries() as statements:
        assert client.get(f"/flows/{drawn}/settings").status_code == 200
    assert len(statements) == 7, str(statements)


def test_the_organization_of_the_page_must_be_the_current_one(client_as, mia, drawn, read_flow):
    answer = client_as(mia).post(f"/flows/{drawn}/settings", data=FORM | {"_organization": str(uuid4())})
    assert answer.status_code == 409 and read_flow(drawn).name == "invoice-intake"


def test_an_unknown_flow_is_not_found(client_as, mia, owner_engine):
    assert client_as(mia).get(f"/flows/{uuid4()}").status_code == 404
    with owner_engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM event_store")) == 0
