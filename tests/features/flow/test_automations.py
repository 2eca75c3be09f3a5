"""Automations: kept, checked, shown with their next times; nothing is started."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories.flows import make_workflow
from webapp.models import Workflow

SCHEDULE = {
    "name": "Every morning", "trigger_kind": "schedule", "cron": "0 9 * * 1-5", "timezone": "Asia/Seoul",
    "input_data": '{"region": "EU"}',
}  # fmt: skip


@pytest.fixture
def stored(owner_engine):
    def read():
        with Session(owner_engine) as session:
            return session.scalars(sa.select(Workflow).order_by(Workflow.name)).all()

    return read


def test_a_schedule_is_kept_and_its_next_times_shown(client_as, mia, drawn, stored, read_events, owner_engine):
    with owner_engine.begin() as connection:
        connection.execute(sa.text("UPDATE organizations SET timezone = 'Europe/Berlin'"))
    client = client_as(mia)
    answer = client.post(f"/flows/{drawn}/automations", data=SCHEDULE)
    assert answer.status_code == 303
    (row,) = stored()
    assert row.trigger_config == {"cron": "0 9 * * 1-5", "timezone": "Asia/Seoul"}
    assert row.input_data == {"region": "EU"} and row.user_id == mia.id and row.is_active
    page = client.get(answer.location).text
    assert "Automation added." in page and "this version starts nothing" in page and "Europe/Berlin" in page
    times = [datetime.fromisoformat(at) for at in re.findall(r'<time datetime="([^"]+)">\w{3} \d', page)]
    assert len(times) == 3 and all((at.hour, at.minute) == (0, 0) for at in times) and times == sorted(times)
    assert "Automations <span" in page.replace("\n", "") and '<span class="count">1</span>' in page
    ((kind, payload),) = read_events(row.id)
    assert kind == "automation.created" and payload["after"]["trigger_config"]["cron"] == "0 9 * * 1-5"
    assert "EU" not in str(payload)


def test_each_kind_keeps_only_its_own_fields(client_as, mia, drawn, stored):
    client = client_as(mia)
    client.post(f"/flows/{drawn}/automations", data=SCHEDULE | {"name": "a", "trigger_kind": "webhook"})
    client.post(
        f"/flows/{drawn}/automations", data=SCHEDULE | {"name": "b", "trigger_kind": "event", "event": "order.created"}
    )
    assert [row.trigger_config for row in stored()] == [{}, {"event": "order.created"}]
    page = client.get(f"/flows/{drawn}/automations").text
    assert "order.created" in page and "Webhook" in page


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Name the automation."),
        ({"cron": "0 9 * *"}, "Write five fields"),
        ({"cron": "0 25 * * *"}, "out of its range"),
        ({"cron": "0 0 31 2 *"}, "No day ever matches"),
        ({"timezone": "Mars/Base"}, "Not a valid choice"),
        ({"trigger_kind": "moon"}, "Not a valid choice"),
        ({"trigger_kind": "event", "event": "a b"}, "such as order.created"),
        ({"input_data": "{"}, "This is no JSON"),
        ({"input_data": "[1]"}, "in braces"),
        ({"input_data": "[" * 9_000}, "This is no JSON"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client_as, mia, drawn, stored, wrong, said):
    answer = client_as(mia).post(f"/flows/{drawn}/automations", data=SCHEDULE | wrong)
    assert answer.status_code == 422 and said in answer.text and 'role="alert"' in answer.text
    assert stored() == []


def test_an_automation_is_changed_paused_resumed_and_removed(client_as, mia, drawn, stored, read_events):
    client = client_as(mia)
    client.post(f"/flows/{drawn}/automations", data=SCHEDULE)
    (row,) = stored()
    base = f"/flows/{drawn}/automations/{row.id}"
    form = client.get(f"/flows/{drawn}/automations?edit={row.id}").text
    assert 'value="0 9 * * 1-5"' in form and "&#34;region&#34;: &#34;EU&#34;" in form and "Save automation" in form
    assert client.post(base, data=SCHEDULE | {"cron": "30 6 * * *", "input_data": ""}).status_code == 303
    assert stored()[0].trigger_config["cron"] == "30 6 * * *" and stored()[0].input_data is None
    assert client.post(f"{base}/pause").status_code == 303 and not stored()[0].is_active
    page = client.get(f"/flows/{drawn}/automations").text
    assert "Paused" in page and "<time datetime" not in page[page.index("<tbody>") : page.index("</tbody>")]
    assert client.post(f"{base}/resume").status_code == 303 and stored()[0].is_active
    assert client.post(f"{base}/delete").status_code == 303 and stored() == []
    kinds = [kind for kind, _ in read_events(row.id)]
    assert kinds == ["automation.created", *["automation.changed"] * 3, "automation.removed"]
    assert read_events(row.id)[1][1]["before"]["trigger_config"]["cron"] == "0 9 * * 1-5"


def test_wrong_input_keeps_what_was_typed(client_as, mia, drawn, stored):
    client = client_as(mia)
    client.post(f"/flows/{drawn}/automations", data=SCHEDULE)
    (row,) = stored()
    answer = client.post(f"/flows/{drawn}/automations/{row.id}", data=SCHEDULE | {"cron": "soon"})
    assert answer.status_code == 422 and 'value="soon"' in answer.text and "Save automation" in answer.text
    assert stored()[0].trigger_config["cron"] == "0 9 * * 1-5"


def test_an_automation_of_another_flow_or_organization_is_not_found(client_as, mia, drawn, observed, charlie, stored):
    client_as(mia).post(f"/flows/{drawn}/automations", data=SCHEDULE)
    (row,) = stored()
    for flow, user in ((observed, mia), (drawn, charlie)):
        client = client_as(user)
        base = f"/flows/{flow}/automations"
        assert client.get(f"{base}?edit={row.id}").status_code == 404
        for path in (f"/{row.id}", f"/{row.id}/pause", f"/{row.id}/resume", f"/{row.id}/delete"):
            assert client.post(base + path, data=SCHEDULE).status_code == 404, (path, user)
    assert client_as(mia).post(f"/flows/{drawn}/automations/{uuid4()}/pause").status_code == 404
    assert stored()[0].is_active


def test_a_viewer_reads_automations(client_as, bob, mia, drawn, stored):
    client_as(mia).post(f"/flows/{drawn}/automations", data=SCHEDULE)
    client, (row,) = client_as(bob), stored()
    page = client.get(f"/flows/{drawn}/automations").text
    page = page[page.index("<main") :]
    assert "Every morning" in page and "Pause" not in page and "Add automation" not in page
    for path in ("", "/pause", "/resume", "/delete"):
        assert client.post(f"/flows/{drawn}/automations/{row.id}{path}", data=SCHEDULE).status_code == 403


def test_a_stored_schedule_that_cannot_be_read_breaks_no_page(client_as, bob, drawn):
    for config in ({}, {"cron": "x"}, {"cron": "* * * * *", "timezone": "Nowhere"}):
        make_workflow(agentflow_id=drawn, trigger_config=config)
    assert client_as(bob).get(f"/flows/{drawn}/automations").status_code == 200


@pytest.mark.parametrize("count", [1, 30])
def test_statements_do_not_grow(client_as, mia, drawn, count_queries, count):
    for _ in range(count):
        make_workflow(agentflow_id=drawn, trigger_config={"cron": "*/5 * * * *", "timezone": "UTC"})
    client = client_as(mia)
    with count_queries() as statements:
        assert client.get(f"/flows/{drawn}/automations").status_code == 200
    assert len(statements) == 4, str(statements)
