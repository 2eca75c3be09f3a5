"""A failed execution is sent again, once per press; what comes of it is recognised and shown."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories.accounts import make_organization_member, make_user
from tests.factories.executions import make_flow_execution
from tests.factories.failures import make_failure_group, make_failure_occurrence
from tests.factories.flows import make_agentflow
from tests.ingest.http import export, make_span, send
from tests.outbound.receiver import receiving
from webapp.database.tenancy import organization_session
from webapp.features.retries import operations_sending
from webapp.ingest.decode import PROTOBUF
from webapp.jobs import registry
from webapp.jobs.tasks import retries as tasks
from webapp.models import Event, RetryAttempt, RetryEndpoint, new_id


@pytest.fixture(autouse=True)
def settings(app, monkeypatch):
    """This machine may be asked, as an operator would allow it."""
    opened = replace(app.config["SETTINGS"], outbound_allow="127.0.0.0/8")
    monkeypatch.setitem(app.config, "SETTINGS", opened)
    monkeypatch.setattr(registry, "_SETTINGS", [opened])
    return opened


@pytest.fixture
def flow(organization):
    return make_agentflow(name="orders", service_name="shop", source="discovered")


@pytest.fixture
def mia(organization):
    user = make_user(email="mia@example.org", username="mia", full_name="Mia")
    make_organization_member(organization_id=organization.id, user_id=user.id, role="member")
    return user


def failed_run(flow, **values):
    values = {"input_data": {"order": 17, "name": "주문 '17'"}} | values
    return make_flow_execution(agentflow_id=flow.id, status="failed", error_message="no such order", **values)


@pytest.fixture
def attempts(owner_engine):
    def attempts():
        with Session(owner_engine) as session:
            return session.scalars(
                sa.select(RetryAttempt).order_by(RetryAttempt.is_canary.desc(), RetryAttempt.id)
            ).all()

    return attempts


@pytest.fixture
def jobs(owner_engine):
    """Arguments of jobs that wait, by task."""

    def jobs(name="send_retry"):
        with owner_engine.connect() as connection:
            query = "SELECT args FROM procrastinate_jobs WHERE task_name = :name AND status = 'todo' ORDER BY id"
            return list(connection.scalars(sa.text(query), {"name": name}))

    return jobs


@pytest.fixture
def work(owner_engine, app_engine, jobs):
    """Do what waits in the queue, whenever it is due."""

    def work():
        waiting = jobs()
        with owner_engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM procrastinate_jobs WHERE task_name = 'send_retry'"))
        for args in waiting:
            tasks.send_retry(app_engine, **args)
        return len(waiting)

    return work


def set_endpoint(client, flow, url):
    answer = client.post(f"/flows/{flow.id}/retry-endpoint", data={"url": url})
    assert answer.status_code == 201, answer.text[:500]
    found = re.search(r'<code id="signing-secret"[^>]*>([^<]+)</code>', answer.text)
    return found[1] if found else None


def press_of(page):
    return re.search(r'name="press" value="([^"]+)"', page)[1]


def press(client, run):
    page = client.get(f"/executions/{run.id}").text
    return client.post(f"/executions/{run.id}/retry", data={"press": press_of(page)})


def arrive(client, api_key, attempt, *, status=1):
    """The trace of an execution that began because of the attempt, as an instrumented receiver sends it."""
    span = make_span(
        name="orders", trace_id=attempt.trace_id, parent=attempt.trace_id[:8], start_ns=time.time_ns() - 10**9,
        attributes={"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "orders"},
    )  # fmt: skip
    span.status.code = status
    assert send(client, api_key.text, export([span]), PROTOBUF).status_code == 200


def test_a_retry_posts_the_input_and_its_trace_is_recognised(
    client, client_as, alice, mia, flow, api_key, attempts, work, app_engine, owner_engine
):
    run = failed_run(flow)
    with receiving() as receiver:
        assert set_endpoint(client_as(alice), flow, receiver.url).startswith("whsec_")
        answer = press(client_as(mia), run)
        assert answer.location == f"/executions/{run.id}#retries"
        assert "Sending" in client_as(mia).get(f"/executions/{run.id}").text
        assert work() == 1
    [(headers, body)] = receiver.seen
    assert body.decode() == '{"name": "주문 \'17\'", "order": 17}'
    [attempt] = attempts()
    assert headers["traceparent"] == f"00-{attempt.trace_id.hex()}-{attempt.trace_id[:8].hex()}-01"
    assert headers["idempotency-key"] == attempt.idempotency_key and headers["agenticbuilder-attempt"] == "1"
    assert headers["webhook-id"] == f"retry_{attempt.id}" and (attempt.status, attempt.http_status) == ("sent", 200)
    assert "Sent, waiting for its trace" in client_as(mia).get(f"/executions/{run.id}/retries").text
    tasks.watch_retries(app_engine)
    assert attempts()[0].status == "sent"
    arrive(client, api_key, attempt)
    tasks.watch_retries(app_engine)
    [attempt] = attempts()
    assert attempt.status == "seen" and attempt.flow_execution_id is not None
    page = client_as(mia).get(f"/executions/{run.id}").text
    assert f"/executions/{attempt.flow_execution_id}" in page and "Completed" in page and "Retry again" in page
    child = client_as(mia).get(f"/executions/{attempt.flow_execution_id}").text
    assert f'href="/executions/{run.id}">First run' in child and "outermost span" not in child
    with Session(owner_engine) as session:
        names = session.scalars(
            sa.select(Event.event_type).where(Event.aggregate_id == run.id).order_by(Event.sequence)
        )
        assert list(names) == ["execution.retry_requested", "execution.retry_ended"]


def test_a_double_click_makes_one(app, client_as, alice, sign_in, flow, attempts, jobs):
    run = failed_run(flow)
    set_endpoint(client_as(alice), flow, "https://agents.example.com/retry")
    key = press_of(client_as(alice).get(f"/executions/{run.id}").text)
    codes = []

    def click(browser):
        codes.append(browser.post(f"/executions/{run.id}/retry", data={"press": key}).status_code)

    threads = [threading.Thread(target=click, args=(client_as(alice),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [303] * 6 and len(attempts()) == 1 and len(jobs()) == 1


def test_two_people_at_once_make_one_as_well(client_as, alice, flow, attempts):
    run = failed_run(flow)
    set_endpoint(client_as(alice), flow, "https://agents.example.com/retry")
    browsers = [client_as(alice) for _ in range(4)]
    keys = [press_of(browser.get(f"/executions/{run.id}").text) for browser in browsers]
    codes = []
    threads = [
        threading.Thread(
            target=lambda b, k: codes.append(b.post(f"/executions/{run.id}/retry", data={"press": k}).status_code),
            args=pair,
        )
        for pair in zip(browsers, keys, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [303, 409, 409, 409] and len(attempts()) == 1


def test_a_receiver_that_is_down_is_tried_again_and_then_given_up(client_as, alice, flow, attempts, work):
    run = failed_run(flow)
    with receiving(answers=[503, 503, 200]) as receiver:
        set_endpoint(client_as(alice), flow, receiver.url)
        press(client_as(alice), run)
        assert work() == 1
        assert attempts()[0].status == "pending" and "Trying again" in attempts()[0].reason
        assert work() == 1 and work() == 1 and work() == 0
        assert attempts()[0].status == "sent"
        assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1
    other = failed_run(flow)
    press(client_as(alice), other)
    tries = 0
    while work():
        tries += 1
    last = attempts()[-1]
    assert tries == 5 and last.status == "failed" and "Given up after 5 tries" in last.reason
    assert "Given up after 5 tries" in client_as(alice).get(f"/executions/{other.id}").text


@pytest.mark.parametrize(("code", "words"), [(404, "Answered 404"), (302, "redirects are not followed")])
def test_a_refusal_is_final(client_as, alice, flow, attempts, work, code, words):
    run = failed_run(flow)
    with receiving(answers=[code]) as receiver:
        set_endpoint(client_as(alice), flow, receiver.url)
        press(client_as(alice), run)
        assert work() == 1 and work() == 0
    assert attempts()[0].status == "refused" and words in client_as(alice).get(f"/executions/{run.id}").text


def test_inside_addresses_are_not_asked(client_as, alice, flow, attempts, work, settings, monkeypatch):
    monkeypatch.setattr(registry, "_SETTINGS", [replace(settings, outbound_allow="")])
    run = failed_run(flow)
    with receiving() as receiver:
        set_endpoint(client_as(alice), flow, receiver.url)
        press(client_as(alice), run)
        work()
    assert receiver.seen == [] and attempts()[0].status == "failed" and "private network" in attempts()[0].reason


def test_sent_without_a_trace_says_so_and_is_still_recognised_later(
    client, client_as, alice, flow, attempts, work, api_key, app_engine, organization
):
    run = failed_run(flow)
    with receiving() as receiver:
        set_endpoint(client_as(alice), flow, receiver.url)
        press(client_as(alice), run)
        work()
    with organization_session(app_engine, organization.id) as session:
        operations_sending.watch(session, organization.id, now=datetime.now(UTC) + timedelta(minutes=11))
    assert attempts()[0].status == "no_trace"
    assert "Sent, no trace" in client_as(alice).get(f"/executions/{run.id}").text
    arrive(client, api_key, attempts()[0])
    tasks.watch_retries(app_engine)
    assert attempts()[0].status == "seen"


def test_without_an_input_or_an_endpoint_the_button_says_why(client_as, alice, mia, flow):
    run, empty = failed_run(flow), failed_run(flow, input_data=None)
    page = client_as(mia).get(f"/executions/{run.id}").text
    assert "Retry is not set up" in page and "Copy as curl" in page and "An admin can set one" in page
    assert "curl -X POST https://YOUR-ENDPOINT" in page and 'name="press"' not in page
    assert f"/flows/{flow.id}/settings#retry-endpoint" in client_as(alice).get(f"/executions/{run.id}").text
    text = client_as(mia).get(f"/executions/{run.id}/retry.sh").text
    assert "'\"'\"'17'\"'\"'" in text and "--data-binary" in text
    assert client_as(mia).post(f"/executions/{run.id}/retry", data={"press": "x" * 12}).status_code == 409
    set_endpoint(client_as(alice), flow, "https://agents.example.com/retry")
    page = client_as(mia).get(f"/executions/{empty.id}").text
    assert "Its input is not stored" in page and 'name="press"' not in page
    assert client_as(mia).post(f"/executions/{empty.id}/retry", data={"press": "x" * 12}).status_code == 409
    assert client_as(mia).post(f"/executions/{run.id}/retry", data={"press": "no"}).status_code == 422
    fine = make_flow_execution(agentflow_id=flow.id, status="completed", input_data={"a": 1})
    assert client_as(mia).post(f"/executions/{fine.id}/retry", data={"press": "x" * 12}).status_code == 409


def test_viewers_and_strangers(client_as, alice, bob, mia, charlie, flow, attempts):
    run = failed_run(flow)
    set_endpoint(client_as(alice), flow, "https://agents.example.com/retry")
    page = client_as(bob).get(f"/executions/{run.id}").text
    assert 'name="press"' not in page
    assert client_as(bob).post(f"/executions/{run.id}/retry", data={"press": "x" * 12}).status_code == 403
    assert client_as(charlie).post(f"/executions/{run.id}/retry", data={"press": "x" * 12}).status_code == 404
    for path in ("", "/test", "/delete"):
        for user, code in ((bob, 403), (mia, 403), (charlie, 404)):
            data = {"url": "https://x.example.com/"}
            assert client_as(user).post(f"/flows/{flow.id}/retry-endpoint{path}", data=data).status_code == code
    for path in (f"/executions/{run.id}/retries", f"/executions/{run.id}/retry.sh", f"/flows/{flow.id}/retry-endpoint"):
        assert client_as(charlie).get(path).status_code == 404 and client_as(bob).get(path).status_code == 200
    assert attempts() == []


def test_the_secret_is_shown_once_and_kept_encrypted(client_as, alice, bob, flow, owner_engine):
    client = client_as(alice)
    secret = set_endpoint(client, flow, "https://agents.example.com/retry")
    with Session(owner_engine) as session:
        row = session.scalars(sa.select(RetryEndpoint)).one()
        events = str(session.scalars(sa.select(Event.payload)).all())
    assert secret.encode() not in row.secret and secret not in events
    for path in ("settings", "retry-endpoint"):
        page = client.get(f"/flows/{flow.id}/{path}").text
        assert "https://agents.example.com/retry" in page and secret not in page
    assert "Save endpoint" not in client_as(bob).get(f"/flows/{flow.id}/settings").text
    assert set_endpoint(client, flow, "https://agents.example.com/other") is None
    moved = set_endpoint(client, flow, "https://elsewhere.example.com/")
    assert moved and moved != secret
    assert client.post(f"/flows/{flow.id}/retry-endpoint/delete").status_code == 303
    assert client.post(f"/flows/{flow.id}/retry-endpoint/delete").status_code == 409
    with Session(owner_engine) as session:
        assert session.scalars(sa.select(RetryEndpoint)).all() == []


@pytest.mark.parametrize("url", ["", "ftp://x.example.com/", "https://u:p@x.example.com/", "x" * 2001])
def test_wrong_addresses_are_refused(client_as, alice, flow, url):
    answer = client_as(alice).post(f"/flows/{flow.id}/retry-endpoint", data={"url": url})
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text


def test_a_test_says_what_came_back(client_as, alice, flow):
    with receiving(answers=[200, 500]) as receiver:
        set_endpoint(client_as(alice), flow, receiver.url)
        assert "The test arrived." in client_as(alice).post(f"/flows/{flow.id}/retry-endpoint/test").text
        assert "The test was not taken." in client_as(alice).post(f"/flows/{flow.id}/retry-endpoint/test").text
    assert receiver.seen[0][0]["agenticbuilder-test"] == "true" and "webhook-signature" in receiver.seen[0][0]


def test_an_endpoint_that_is_gone_skips_what_waits(client_as, alice, flow, attempts, work):
    run = failed_run(flow)
    set_endpoint(client_as(alice), flow, "https://agents.example.com/retry")
    press(client_as(alice), run)
    client_as(alice).post(f"/flows/{flow.id}/retry-endpoint/delete")
    work()
    assert attempts()[0].status == "skipped" and "taken away" in attempts()[0].reason


@pytest.fixture
def failure(flow, organization):
    """A failure with five executions, one of them without an input."""
    group = make_failure_group(title="no such order")
    runs = [failed_run(flow, input_data=None if place == 4 else {"order": place}) for place in range(5)]
    for place, run in enumerate(runs):
        make_failure_occurrence(
            flow_execution_id=run.id, flow_created_at=run.created_at, failure_group_id=group.id, agentflow_id=flow.id,
            occurred_at=run.started_at - timedelta(minutes=place),
        )  # fmt: skip
    return group


@pytest.mark.parametrize("is_good", [True, False])
def test_a_batch_goes_on_when_its_first_completed_and_stops_when_not(
    client, client_as, mia, alice, flow, failure, attempts, work, api_key, app_engine, is_good
):
    browser = client_as(mia)
    with receiving() as receiver:
        set_endpoint(client_as(alice), flow, receiver.url)
        answers = [
            browser.post(f"/failures/{failure.id}/retry", data={"press": "batch-press-1", "most": 3}) for _ in "12"
        ]
        assert answers[0].location == answers[1].location and len(attempts()) == 3
        other = browser.post(f"/failures/{failure.id}/retry", data={"press": "batch-press-2", "most": 3})
        assert other.status_code == 409
        assert work() == 1 and work() == 0 and len(receiver.seen) == 1
        tasks.watch_retries(app_engine)
        assert work() == 0
        arrive(client, api_key, attempts()[0], status=1 if is_good else 2)
        tasks.watch_retries(app_engine)
        tasks.watch_retries(app_engine)
        assert work() == (2 if is_good else 0)
    states = [attempt.status for attempt in attempts()]
    assert states == (["seen", "sent", "sent"] if is_good else ["seen", "skipped", "skipped"])
    page = browser.get(answers[0].location).text
    assert ("Not sent: the first of the batch did not complete." in page) is not is_good
    assert client_as(alice).get(answers[0].location).status_code == 200


def test_a_batch_belongs_to_the_organization(client_as, alice, bob, charlie, flow, failure, attempts):
    set_endpoint(client_as(alice), flow, "https://agents.example.com/retry")
    data = {"press": "batch-press-1", "most": 2}
    assert client_as(bob).post(f"/failures/{failure.id}/retry", data=data).status_code == 403
    assert client_as(charlie).post(f"/failures/{failure.id}/retry", data=data).status_code == 404
    for wrong in ({"most": 0}, {"most": 101}, {"most": "x"}, {"press": ""}):
        assert client_as(alice).post(f"/failures/{failure.id}/retry", data=data | wrong).status_code == 422
    where = client_as(alice).post(f"/failures/{failure.id}/retry", data=data).location
    assert client_as(charlie).get(where).status_code == 404 and client_as(bob).get(where).status_code == 200
    assert client_as(bob).get(f"/retries/{new_id()}").status_code == 404
    assert [one.attempt for one in attempts()] == [1, 1]
