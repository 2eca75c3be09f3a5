"""The palette finds flows by name, executions by any form of their id, and pages; never another organization's."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.factories.agents import make_agent
from tests.factories.executions import make_flow_execution
from tests.factories.flows import make_agentflow
from tests.factories.knowledge import make_prompt_template
from tests.factories.observability import make_trace_index
from tests.factories.plugins import make_tool

PALETTE = {"HX-Request": "true", "HX-Target": "cmd-list"}
TRACE = bytes.fromhex("4bf92f3577b34da6a3ce929d0e0e4736")


@pytest.fixture
def execution(organization):
    flow = make_agentflow(name="Invoice_intake 100%")
    found = make_flow_execution(agentflow_id=flow.id, trace_id=TRACE, status="failed")
    make_trace_index(
        organization_id=organization.id, trace_id=TRACE, flow_execution_id=found.id, flow_created_at=found.created_at
    )
    return found


def forms(execution):
    return (
        str(execution.id), execution.id.hex, execution.id.hex[-8:], f"ex_{execution.id.hex[-8:].upper()}", TRACE.hex(),
        f"  {execution.id} ",
    )  # fmt: skip


def test_every_form_of_an_id_finds_the_execution(client_as, bob, execution):
    browser = client_as(bob)
    for typed in forms(execution):
        options = browser.get("/search", query_string={"q": typed}, headers=PALETTE).text
        assert f'href="/executions/{execution.id}"' in options, typed
        assert 'role="option"' in options and options.lstrip().startswith('<div class="menu-list" id="cmd-list"')


def test_a_stranger_finds_nothing(client, client_as, charlie, execution):
    assert client.get("/search").status_code == 303
    browser = client_as(charlie)
    for typed in (*forms(execution), "", "invoice"):
        text = browser.get("/search", query_string={"q": typed}, headers=PALETTE).text
        assert str(execution.id) not in text and "Invoice_intake" not in text, typed


def test_flows_are_found_by_part_of_a_name_and_signs_mean_themselves(client_as, bob, execution):
    browser = client_as(bob)
    make_agentflow(name="Unrelated")
    for typed in ("invoice", "intake 100%", "E_I"):
        text = browser.get("/search", query_string={"q": typed}, headers=PALETTE).text
        assert f'href="/flows/{execution.agentflow_id}"' in text and "Unrelated" not in text
    for typed in ("100%%", "x_y", "\\"):
        assert "/flows/" not in browser.get("/search", query_string={"q": typed}, headers=PALETTE).text


def test_agents_tools_and_prompts_are_found_too_and_what_is_gone_is_not(client_as, bob, charlie, organization):
    flow, agent = make_agentflow(name="billing desk"), make_agent(name="billing clerk")
    tool, prompt = (
        make_tool(name="billing_lookup", organization_id=organization.id),
        make_prompt_template(name="billing tone"),
    )
    make_prompt_template(name="billing tone", version=2)
    gone = [
        make_agentflow(name="billing old", deleted_at=datetime.now(UTC)),
        make_agent(name="billing left", removed_at=datetime.now(UTC)),
    ]
    private = make_agentflow(name="billing draft", visibility="private")
    text = client_as(bob).get("/search?q=billing", headers=PALETTE).text
    for kind, one in (("flows", flow), ("agents", agent), ("tools", tool)):
        assert f'href="/{kind}/{one.id}"' in text
    assert text.count('href="/prompts/') == 1 and "billing tone" in text and prompt.name == "billing tone"
    assert not [one for one in (*gone, private) if str(one.id) in text]
    assert "billing" not in client_as(charlie).get("/search?q=bill", headers=PALETTE).text


def test_nothing_typed_offers_the_newest_and_all_pages(client_as, bob, execution):
    text = client_as(bob).get("/search", headers=PALETTE).text
    assert str(execution.id) in text and "Overview" in text and "Executions" in text
    assert text.count("id=") == len({part.split('"')[1] for part in text.split("id=")[1:] if part.startswith(chr(34))})


def test_pages_by_name_and_an_unknown_id_says_so(client_as, bob):
    browser = client_as(bob)
    assert 'href="/"' in browser.get("/search?q=overv", headers=PALETTE).text
    assert "Nothing here has this ID" in browser.get("/search?q=ffffffff", headers=PALETTE).text


def test_without_javascript_it_is_a_page(client_as, bob, execution):
    page = client_as(bob).get("/search?q=invoice").text
    assert "<html" in page and f'href="/flows/{execution.agentflow_id}"' in page and 'value="invoice"' in page


@pytest.mark.parametrize("typed", ["<script>alert(1)</script>", "\x00", "a" * 5000, "'; DROP TABLE users", "％_"])
def test_hostile_text_is_only_text(typed, client_as, bob):
    answer = client_as(bob).get("/search", query_string={"q": typed})
    assert answer.status_code == 200 and "<script>alert" not in answer.text


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize(("typed", "statements"), [("", 2), ("flow", 2), ("ab12cd34", 3)])
def test_statements_do_not_grow(count, typed, statements, client_as, bob, organization, count_queries):
    for number in range(count):
        flow = make_agentflow(name=f"flow {number}", last_execution_at=datetime.now(UTC))
        make_flow_execution(agentflow_id=flow.id)
        make_agent(name=f"agent of flow {number}")
    browser = client_as(bob)
    with count_queries() as seen:
        browser.get("/search", query_string={"q": typed}, headers=PALETTE)
    assert len(seen) == statements, seen
