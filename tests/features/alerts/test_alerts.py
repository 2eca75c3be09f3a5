"""Rules fire once per episode, and their messages arrive whatever the receiver goes through meanwhile."""

from __future__ import annotations

import email
import json
import re
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.policy import default

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories.accounts import make_organization_member, make_user
from tests.factories.alerts import make_alert, make_alert_channel, make_alert_rule, make_delivery
from tests.factories.executions import make_flow_execution
from tests.factories.failures import make_failure_group, make_failure_occurrence
from tests.factories.flows import make_agentflow
from tests.factories.observability import make_rollup_dirty, make_usage_ledger
from tests.features.alerts.mail_server import mail_server
from tests.outbound.receiver import receiving
from webapp.database.tenancy import organization_session
from webapp.domain.time_buckets import floor_quarter
from webapp.features.alerts.operations_evaluate import evaluate
from webapp.jobs import registry
from webapp.jobs.tasks import alerts as tasks
from webapp.models import Alert, AlertChannel, AlertRule, Delivery, Event, Notification
from webapp.models.base import new_id

RULE = {
    "name": "New failures",
    "kind": "new_failure",
    "window_minutes": "15",
    "least_executions": "2",
    "is_active": "y",
}


@pytest.fixture(autouse=True)
def settings(app, monkeypatch):
    opened = replace(app.config["SETTINGS"], outbound_allow="127.0.0.0/8", public_url="https://ab.example.com")
    monkeypatch.setattr(registry, "_SETTINGS", [opened])
    return opened


@pytest.fixture
def rows(owner_engine):
    def rows(model, order=None):
        with Session(owner_engine) as session:
            return session.scalars(sa.select(model).order_by(order if order is not None else model.id)).all()

    return rows


@pytest.fixture
def look(app_engine, organization):
    """Look at the rules at a moment; answers how many alerts are new."""

    def look(at=None):
        with organization_session(app_engine, organization.id) as session:
            return evaluate(session, organization.id, now=at or datetime.now(UTC))

    return look


@pytest.fixture
def make_due(owner_engine):
    def make_due():
        with owner_engine.begin() as connection:
            connection.execute(sa.text("UPDATE deliveries SET next_attempt_at = now() WHERE status = 'pending'"))

    return make_due


def add_channel(client, kind="webhook", target="", **more):
    answer = client.post("/alerts/channels", data={"name": f"to {kind}", "kind": kind, "target": target, **more})
    assert answer.status_code == 201, answer.text[:300]
    found = re.search(r'<code id="signing-secret"[^>]*>([^<]+)</code>', answer.text)
    return found[1] if found else None


def add_rule(client, rows, **more):
    channels = [str(one.id) for one in rows(AlertChannel)]
    answer = client.post("/alerts/rules", data=RULE | {"channel_ids": channels} | more)
    assert answer.status_code == 303, answer.text[:2000]


def run_some(flow, *, failed, fine, ms=100, minutes_ago=2, cost_usd=None):
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    for place in range(failed + fine):
        run = make_flow_execution(
            agentflow_id=flow.id, status="failed" if place < failed else "completed", started_at=at, completed_at=at,
            execution_time_ms=ms,
        )  # fmt: skip
        if cost_usd:
            make_usage_ledger(
                flow_execution_id=run.id, flow_created_at=run.created_at, agentflow_id=flow.id, occurred_at=at,
                cost_usd=cost_usd,
            )  # fmt: skip
    make_rollup_dirty(bucket=floor_quarter(at))


def test_a_new_failure_is_told_once_with_its_cause_and_link(client_as, alice, rows, look, app_engine):
    client = client_as(alice)
    with receiving() as receiver:
        assert add_channel(client, target=receiver.url).startswith("whsec_")
        add_rule(client, rows)
        flow = make_agentflow(name="orders")
        group = make_failure_group(title="LookupError: no such order", step_name="find_order", agentflow_id=flow.id)
        assert look() == 1 and look() == 0
        tasks.evaluate_alerts(app_engine)
        tasks.deliver_alerts(app_engine)
        tasks.deliver_alerts(app_engine)
    [(headers, body)] = receiver.seen
    said = json.loads(body)
    assert said["type"] == "alert.new_failure" and said["data"]["link"] == f"https://ab.example.com/failures/{group.id}"
    assert said["data"]["cause"] == "LookupError: no such order, in orders › find_order"
    [delivery] = rows(Delivery)
    assert (delivery.status, delivery.attempts) == ("sent", 1) and headers["webhook-id"] == f"msg_{delivery.id}"
    page = client.get("/alerts").text
    assert f'href="/failures/{group.id}"' in page and "no such order" in page and "1 arrived" in page


def test_failures_from_before_the_rule_and_muted_ones_are_not_told(client_as, alice, rows, look):
    make_failure_group(title="old")
    add_rule(client_as(alice), rows)
    make_failure_group(title="muted", state="muted")
    assert look() == 0 and rows(Alert) == []


def test_filters_by_flow_and_environment_hold(client_as, alice, rows, look):
    flow, other = make_agentflow(name="a"), make_agentflow(name="b")
    add_rule(client_as(alice), rows, agentflow_id=str(flow.id), environment="production")
    for agentflow, environment in ((flow, "production"), (flow, "test"), (other, "production")):
        group = make_failure_group(agentflow_id=agentflow.id)
        run = make_flow_execution(agentflow_id=agentflow.id, status="failed")
        make_failure_occurrence(
            flow_execution_id=run.id, flow_created_at=run.created_at, failure_group_id=group.id,
            agentflow_id=agentflow.id, environment=environment, occurred_at=run.started_at,
        )  # fmt: skip
    assert look() == 1 and look() == 0


@pytest.mark.parametrize(("kind", "column"), [("regression", "regressed_at"), ("escalation", "escalating_since")])
def test_each_return_and_escalation_is_an_episode_of_its_own(client_as, alice, rows, look, owner_engine, kind, column):
    add_rule(client_as(alice), rows, kind=kind)
    make_failure_group()
    assert look() == 0
    for _ in range(2):
        with owner_engine.begin() as owner:
            owner.execute(sa.text(f"UPDATE failure_groups SET {column} = clock_timestamp()"))
        assert look() == 1 and look() == 0
    assert len(rows(Alert)) == 2


def test_a_failure_rate_is_told_once_per_episode_with_its_worst_failure(client_as, alice, rows, look):
    add_rule(client_as(alice), rows, kind="failure_rate", threshold="25", least_executions="4")
    flow = make_agentflow(name="orders")
    run_some(flow, failed=1, fine=1)
    assert look() == 0
    run_some(flow, failed=2, fine=1)
    group = make_failure_group(title="timeout of the ledger")
    for _ in range(2):
        run = make_flow_execution(agentflow_id=flow.id, status="failed")
        make_failure_occurrence(
            flow_execution_id=run.id, flow_created_at=run.created_at, failure_group_id=group.id, agentflow_id=flow.id,
            occurred_at=run.started_at,
        )  # fmt: skip
    now = datetime.now(UTC) + timedelta(seconds=1)
    make_rollup_dirty(bucket=floor_quarter(now))
    assert look(now) == 1 and look(now + timedelta(seconds=15)) == 0
    [alert] = rows(Alert)
    assert alert.failure_group_id == group.id and alert.payload["link"] == f"/failures/{group.id}"
    assert alert.payload["cause"].startswith("timeout of the ledger: 2 of") and alert.ended_at is None
    assert "still so" in client_as(alice).get("/alerts").text
    run_some(flow, failed=0, fine=40, minutes_ago=0)
    later = datetime.now(UTC) + timedelta(minutes=16)
    make_rollup_dirty(bucket=floor_quarter(later))
    run_at = later - timedelta(minutes=1)
    for _ in range(5):
        make_flow_execution(
            id=new_id(run_at), agentflow_id=flow.id, status="completed", started_at=run_at, execution_time_ms=1
        )
    make_rollup_dirty(bucket=floor_quarter(run_at))
    assert look(later) == 0
    assert rows(Alert)[0].ended_at == later


@pytest.mark.parametrize(("kind", "limit", "words"), [("duration_p95", "500", "p95 is"), ("cost", "0.5", "Cost is $")])
def test_durations_and_costs_are_told(client_as, alice, rows, look, kind, limit, words):
    add_rule(client_as(alice), rows, kind=kind, threshold=limit)
    flow = make_agentflow(name="orders")
    run_some(flow, failed=0, fine=4, ms=100, cost_usd=0.01)
    assert look() == 0
    run_some(flow, failed=0, fine=4, ms=9000, cost_usd=0.4)
    assert look() == 1 and look() == 0
    assert rows(Alert)[0].title.startswith(words)


def test_silence_is_told_where_that_is_wanted(client_as, alice, rows, look):
    add_rule(client_as(alice), rows, kind="failure_rate", threshold="5", is_no_data_alert="y")
    assert look() == 0
    later = datetime.now(UTC) + timedelta(minutes=20)
    assert look(later) == 1 and look(later + timedelta(minutes=1)) == 0
    assert rows(Alert)[0].payload["is_no_data"] is True


def test_evaluating_at_once_fires_once(client_as, alice, rows, app_engine):
    add_rule(client_as(alice), rows)
    make_failure_group()
    threads = [threading.Thread(target=tasks.evaluate_alerts, args=(app_engine,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(Alert)) == 1


def test_a_receiver_that_is_down_for_a_while_loses_nothing_and_gets_nothing_twice(
    client_as, alice, rows, look, app_engine, make_due, owner_engine
):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = client_as(alice)
    add_channel(client, target=f"http://127.0.0.1:{port}/hook")
    add_rule(client, rows)
    for place in range(3):
        make_failure_group(title=f"failure {place}")
    assert look() == 3
    for _ in range(3):
        tasks.deliver_alerts(app_engine)
        tasks.deliver_alerts(app_engine)
        assert {(one.status, one.attempts) for one in rows(Delivery)} == {("pending", rows(Delivery)[0].attempts)}
        make_due()
    assert [one.attempts for one in rows(Delivery)] == [3, 3, 3]
    assert "refused" in client.get("/alerts/deliveries").text
    with receiving(answers=[503, 200]) as receiver:
        with owner_engine.begin() as owner:
            owner.execute(sa.update(Delivery).values(target=receiver.url))
        tasks.deliver_alerts(app_engine)
        make_due()
        threads = [threading.Thread(target=tasks.deliver_alerts, args=(app_engine,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        make_due()
        tasks.deliver_alerts(app_engine)
    assert {one.status for one in rows(Delivery)} == {"sent"}
    taken = [headers["webhook-id"] for headers, _ in receiver.seen]
    assert len(set(taken)) == 3 and len(taken) == 4


def test_a_message_is_given_up_at_last_and_can_be_sent_again(
    client_as, alice, rows, look, app_engine, make_due, owner_engine
):
    client = client_as(alice)
    with receiving(answers=[500]) as receiver:
        add_channel(client, target=receiver.url)
        add_rule(client, rows)
        make_failure_group()
        look()
        for _ in range(12):
            tasks.deliver_alerts(app_engine)
            make_due()
        [delivery] = rows(Delivery)
        assert (delivery.status, delivery.attempts, len(receiver.seen)) == ("dead", 9, 9)
        page = client.get("/alerts/deliveries?status=dead").text
        assert "Given up" in page and "Answered 500" in page and "Send again" in page
        receiver.answers[:] = [200]
        assert client.post(f"/alerts/deliveries/{delivery.id}/resend").status_code == 303
        tasks.deliver_alerts(app_engine)
    assert rows(Delivery)[0].status == "sent"
    assert client.post(f"/alerts/deliveries/{delivery.id}/resend").status_code == 409
    assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1


def test_mail_names_the_cause_and_links(client_as, alice, rows, look, app_engine, settings, monkeypatch, make_due):
    client = client_as(alice)
    add_channel(client, kind="email", target="team@example.com")
    add_rule(client, rows)
    group = make_failure_group(title="Fehler: 결제\nBcc: x@evil.example")
    look()
    tasks.deliver_alerts(app_engine)
    assert rows(Delivery)[0].status == "dead" and "AGENTICBUILDER_SMTP_HOST" in client.get("/alerts/deliveries").text
    with mail_server(refusals=["451 later"]) as server:
        more = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_from": "ab@example.com", "smtp_tls": "none"}
        monkeypatch.setattr(registry, "_SETTINGS", [replace(settings, **more)])
        client.post(f"/alerts/deliveries/{rows(Delivery)[0].id}/resend")
        tasks.deliver_alerts(app_engine)
        assert rows(Delivery)[0].status == "pending" and "451" in rows(Delivery)[0].last_error
        make_due()
        tasks.deliver_alerts(app_engine)
        tasks.deliver_alerts(app_engine)
        monkeypatch.setattr(registry, "_SETTINGS", [replace(settings, **more | {"smtp_tls": "starttls"})])
        client.post(f"/alerts/channels/{rows(AlertChannel)[0].id}/test")
        tasks.deliver_alerts(app_engine)
    [mail] = server.mails
    read = email.message_from_string(mail, policy=default)
    assert read["To"] == "team@example.com" and read["Bcc"] is None and "결제" in read["Subject"]
    assert f"https://ab.example.com/failures/{group.id}" in read.get_content() and str(rows(Delivery)[0].id) in mail
    assert rows(Delivery)[0].status == "sent"
    assert rows(Delivery)[1].status == "pending" and "STARTTLS" in rows(Delivery)[1].last_error


def test_notifications_go_to_whom_the_channel_names(client_as, alice, bob, rows, look, app_engine):
    client = client_as(alice)
    add_channel(client, kind="notification", audience="admins")
    add_channel(client, kind="notification", audience="everybody")
    add_rule(client, rows)
    group = make_failure_group(title="boom")
    look()
    tasks.deliver_alerts(app_engine)
    tasks.deliver_alerts(app_engine)
    told = rows(Notification)
    assert sorted((one.user_id == alice.id, one.link) for one in told) == [
        (False, f"/failures/{group.id}"), (True, f"/failures/{group.id}"), (True, f"/failures/{group.id}"),
    ]  # fmt: skip
    assert "boom" in client_as(bob).get("/notifications").text


def test_the_test_button_sends_through_the_channel(client_as, alice, rows, app_engine):
    client = client_as(alice)
    with receiving() as receiver:
        add_channel(client, target=receiver.url)
        channel = rows(AlertChannel)[0]
        assert client.post(f"/alerts/channels/{channel.id}/test").location == "/alerts/deliveries?done=tested"
        tasks.deliver_alerts(app_engine)
    assert json.loads(receiver.seen[0][1])["type"] == "alert.test" and rows(Delivery)[0].is_test
    assert client.post(f"/alerts/channels/{channel.id}/delete").status_code == 303
    assert "A deleted channel" in client.get("/alerts/deliveries").text


def test_a_webhook_whose_channel_is_gone_is_not_sent_unsigned(client_as, alice, rows, app_engine):
    client = client_as(alice)
    with receiving() as receiver:
        add_channel(client, target=receiver.url)
        channel = rows(AlertChannel)[0]
        client.post(f"/alerts/channels/{channel.id}/test")
        client.post(f"/alerts/channels/{channel.id}/delete")
        tasks.deliver_alerts(app_engine)
    assert receiver.seen == [] and rows(Delivery)[0].status == "dead"


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_who_may_not_manage_reads_only(client_as, organization, rows, role):
    user = make_user()
    make_organization_member(organization_id=organization.id, user_id=user.id, role=role)
    rule, channel = make_alert_rule(name="r"), make_alert_channel(name="c")
    delivery = make_delivery(payload={"title": "t"})
    client = client_as(user)
    for path in ("", "/rules", f"/rules/{rule.id}", "/channels", "/deliveries"):
        page = client.get(f"/alerts{path}")
        assert page.status_code == 200
        for words in ("Create rule", "Create channel", "Save rule", "Send test", "Send again"):
            assert words not in page.text
    places = ["rules", f"rules/{rule.id}", f"rules/{rule.id}/delete", "channels", f"channels/{channel.id}/test"]
    for path in (*places, f"channels/{channel.id}/delete", f"deliveries/{delivery.id}/resend"):
        assert client.post(f"/alerts/{path}", data=RULE).status_code == 403


def test_strangers_find_nothing(client_as, charlie, rows):
    rule, channel = make_alert_rule(name="secret rule"), make_alert_channel(name="secret channel")
    alert = make_alert(alert_rule_id=rule.id, title="secret alert", dedupe_key="x", fired_at=datetime.now(UTC))
    delivery = make_delivery(payload={"title": "secret message"}, alert_id=alert.id)
    client = client_as(charlie)
    for path in ("", "/rules", "/channels", "/deliveries", "/alerts.csv", "/deliveries.csv"):
        assert "secret" not in client.get(f"/alerts{path}").text
    assert client.get(f"/alerts/rules/{rule.id}").status_code == 404
    for path in (f"rules/{rule.id}", f"rules/{rule.id}/delete", f"channels/{channel.id}/test",
                 f"channels/{channel.id}/delete", f"deliveries/{delivery.id}/resend"):  # fmt: skip
        assert client.post(f"/alerts/{path}", data=RULE).status_code == 404
    answer = client.post("/alerts/rules", data=RULE | {"channel_ids": [str(channel.id)]})
    assert answer.status_code == 422 and len(rows(AlertRule)) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"kind": "x"}, {"kind": "cost", "threshold": ""}, {"kind": "failure_rate", "threshold": "101"},
     {"window_minutes": "0"}, {"least_executions": "x"}, {"agentflow_id": "1"}, {"threshold": "-1", "kind": "cost"}],
)  # fmt: skip
def test_wrong_rules_are_refused(client_as, alice, rows, wrong):
    assert client_as(alice).post("/alerts/rules", data=RULE | wrong).status_code == 422
    assert rows(AlertRule) == []


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"kind": "email", "target": "nobody"}, {"kind": "webhook", "target": "ftp://x"}]
)
def test_wrong_channels_are_refused(client_as, alice, rows, wrong):
    data = {"name": "c", "kind": "webhook", "target": "https://x.example.com/", "audience": "admins"}
    assert client_as(alice).post("/alerts/channels", data=data | wrong).status_code == 422
    assert rows(AlertChannel) == []


def test_a_rule_is_changed_and_deleted_with_events(client_as, alice, rows):
    client = client_as(alice)
    add_rule(client, rows, kind="failure_rate", threshold="12.5")
    rule = rows(AlertRule)[0]
    assert rule.threshold == 0.125 and 'value="12.5"' in client.get(f"/alerts/rules/{rule.id}").text
    assert client.post(f"/alerts/rules/{rule.id}", data=RULE | {"name": "Other"}).status_code == 303
    assert rows(AlertRule)[0].name == "Other" and "Other" in client.get("/alerts/rules?q=oth").text
    assert client.post(f"/alerts/rules/{rule.id}/delete").status_code == 303
    assert rows(AlertRule) == []
    names = [one.event_type for one in rows(Event, Event.sequence)]
    assert names == ["alert_rule.saved", "alert_rule.saved", "alert_rule.deleted"]


def test_lists_are_files_too(client_as, alice):
    rule = make_alert_rule(name="r")
    make_alert(
        alert_rule_id=rule.id,
        title="=1+1",
        dedupe_key="x",
        fired_at=datetime.now(UTC),
        payload={"cause": "c", "link": "/"},
    )
    make_delivery(payload={"title": "hello"}, target="team@example.com")
    client = client_as(alice)
    assert "'=1+1" in client.get("/alerts/alerts.csv").text
    assert "hello" in client.get("/alerts/deliveries.csv?q=hello").text
    assert "hello" not in client.get("/alerts/deliveries.csv?q=other").text


@pytest.mark.parametrize("count", [1, 30])
def test_statements_do_not_grow(client_as, alice, count_queries, count):
    for place in range(count):
        rule = make_alert_rule(name="r")
        make_alert(alert_rule_id=rule.id, title="a", dedupe_key=str(place), fired_at=datetime.now(UTC))
        make_alert_channel(name="c")
        make_delivery(payload={"title": "t"})
    client = client_as(alice)
    counts = []
    for path in ("", "/rules", "/channels", "/deliveries"):
        with count_queries() as statements:
            assert client.get(f"/alerts{path}").status_code == 200
        counts.append(len(statements))
    assert counts == COUNTS


COUNTS = [3, 5, 3, 3]
