"""A drawing meets the traces of its runs: flows are joined, and a block is told as what it runs."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories.flows import make_agentflow, make_block, make_workflow
from webapp.models import AgentflowEdge, AgentflowVersion, Block, FlowNote, Workflow


def of_flow(engine, model, flow_id):
    with Session(engine) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model).where(model.agentflow_id == flow_id))


def test_the_drawing_moves_with_all_that_belongs_to_it(
    client_as, mia, drawn, observed, read_flow, read_events, owner_engine
):
    make_workflow(agentflow_id=drawn, name="nightly")
    make_block(agentflow_id=observed, source="discovered", step_kind="tool", name="ledger.post")
    client = client_as(mia)
    assert "support-triage (desk)" in client.get(f"/flows/{drawn}/settings").text
    answer = client.post(f"/flows/{drawn}/join", data={"observed_id": str(observed)})
    assert answer.status_code == 303 and str(observed) in answer.location
    now_drawn, gone = read_flow(observed), read_flow(drawn)
    assert now_drawn.name == "support-triage" and now_drawn.source == "discovered" and now_drawn.block_count == 5
    assert now_drawn.graph_definition["blocks"][0]["key"] == "start"
    assert gone.deleted_by_id == mia.id and gone.config == {"joined_into": str(observed)} and gone.block_count is None
    for model in (AgentflowEdge, AgentflowVersion, FlowNote, Workflow):
        assert of_flow(owner_engine, model, drawn) == 0 and of_flow(owner_engine, model, observed) > 0, model
    assert of_flow(owner_engine, Block, observed) == 6 and of_flow(owner_engine, Block, drawn) == 0
    page = client.get(answer.location).text
    assert "Receive webhook" in page
    assert [kind for kind, _ in read_events(observed)] == ["agentflow.joined"]
    assert read_events(observed)[0][1]["after"]["drawn_as"]["name"] == "invoice-intake"


def test_the_old_address_leads_to_the_new_one(client_as, mia, bob, charlie, drawn, observed):
    client_as(mia).post(f"/flows/{drawn}/join", data={"observed_id": str(observed)})
    for path in ("", "/settings", "/executions", "/blocks"):
        answer = client_as(bob).get(f"/flows/{drawn}{path}?period=7d")
        assert (answer.status_code, answer.location) == (302, f"/flows/{observed}{path}?period=7d")
    assert client_as(charlie).get(f"/flows/{drawn}").status_code == 404
    assert client_as(mia).post(f"/flows/{drawn}/restore").status_code == 409
    assert client_as(mia).post(f"/flows/{drawn}/duplicate").status_code == 409


def test_the_joined_flow_can_be_saved_on(client_as, mia, drawn, observed, read_flow):
    client = client_as(mia)
    client.post(f"/flows/{drawn}/join", data={"observed_id": str(observed)})
    form = {"pattern": "Sequential", "layout": "auto", "visibility": "organization", "is_active": "y", "team_id": ""}
    assert client.post(f"/flows/{observed}/settings", data=form).status_code == 303
    assert read_flow(observed).version == 2 and read_flow(observed).name == "support-triage"


def test_what_cannot_be_joined(client_as, mia, bob, charlie, drawn, draw_flow, observed, read_flow, other_organization):
    client = client_as(mia)
    strange = make_agentflow(organization_id=other_organization.id, source="discovered").id
    for other, code in ((strange, 404), ("nonsense", 404), (drawn, 409), (draw_flow(mia), 409)):
        assert client.post(f"/flows/{drawn}/join", data={"observed_id": str(other)}).status_code == code, other
    assert client.post(f"/flows/{observed}/join", data={"observed_id": str(drawn)}).status_code == 409
    assert client.post(f"/flows/{drawn}/join", data={"observed_id": str(observed)}).status_code == 303
    assert client.post(f"/flows/{draw_flow(mia)}/join", data={"observed_id": str(observed)}).status_code == 409


def test_a_block_is_told_as_what_it_runs(client_as, mia, bob, drawn, observed, owner_engine, read_events):
    client = client_as(mia)
    client.post(f"/flows/{drawn}/join", data={"observed_id": str(observed)})
    seen = make_block(agentflow_id=observed, source="discovered", step_kind="tool", name="ledger.post")
    foreign = make_block(agentflow_id=make_agentflow().id, source="discovered", step_kind="tool", name="x")
    form = {"block": "post", "observed_block_id": str(seen.id)}
    assert client_as(bob).post(f"/flows/{observed}/runs-as", data=form).status_code == 403
    assert client.post(f"/flows/{observed}/runs-as", data=form | {"block": "none"}).status_code == 404
    wrong = client.post(f"/flows/{observed}/runs-as", data=form | {"observed_block_id": str(foreign.id)})
    assert wrong.status_code == 422
    assert client.post(f"/flows/{observed}/runs-as", data=form).location == f"/flows/{observed}?block=post"

    def runs_as():
        with Session(owner_engine) as session:
            stmt = sa.select(Block.observed_block_id).where(Block.agentflow_id == observed, Block.key == "post")
            return session.scalar(stmt)

    assert runs_as() == seen.id
    client.post(f"/flows/{observed}/runs-as", data={"block": "post", "observed_block_id": ""})
    assert runs_as() is None
    kind, payload = read_events(observed)[-1]
    assert kind == "agentflow.block_matched"
    assert payload == {"block": "post", "before": {"runs_as": "ledger.post"}, "after": {"runs_as": None}}
