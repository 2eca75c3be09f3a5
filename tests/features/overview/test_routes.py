"""The overview: one sentence, figures that equal the executions, and nothing for strangers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.factories.flows import make_agentflow
from tests.features.rollups.seed import insert_executions

HTMX = {"HX-Request": "true"}


@pytest.fixture
def seeded(owner_engine, organization):
    """One flow that runs well and one that began to fail an hour ago with a new version."""
    good = make_agentflow(name="support-triage")
    bad = make_agentflow(name="invoice-intake")
    now = datetime.now(UTC)
    rows = []
    for minutes in range(5, 2_800, 10):
        rows.append({"agentflow_id": good.id, "started_at": now - timedelta(minutes=minutes), "execution_time_ms": 900})
        is_late = minutes < 120
        rows.append(
            {
                "agentflow_id": bad.id,
                "started_at": now - timedelta(minutes=minutes),
                "status": "failed" if is_late else "completed",
                "error_type": "ToolTimeout" if is_late else None,
                "user_ref": f"user-{minutes % 3}" if is_late else None,
                "service_version": "48" if is_late else "47",
                "calls": [("m1", Decimal("0.25"))],
                "execution_time_ms": 4_000,
            }
        )
    insert_executions(owner_engine, organization.id, rows)
    return bad


def test_a_stranger_is_sent_to_sign_in_and_another_organization_sees_nothing(client, client_as, charlie, seeded):
    assert client.get("/").status_code == 303
    page = client_as(charlie).get("/").text
    assert "invoice-intake" not in page and "ToolTimeout" not in page and "No executions yet" in page
    details = client_as(charlie).get("/", headers=HTMX | {"HX-Target": "details"}).text
    assert "invoice-intake" not in details and "m1" not in details


def test_the_sentence_names_what_broke_since_when_and_after_which_version(
    client_as, bob, seeded, owner_engine, app_engine, organization
):
    from webapp.database.tenancy import organization_session
    from webapp.features.rollups.operations import rebuild

    with organization_session(app_engine, organization.id) as session:
        while rebuild(session, organization.id):
            pass
    page = client_as(bob).get("/").text
    note = page[page.index('class="note"') : page.index('class="tiles"')]
    assert "invoice-intake</strong>" not in note and "invoice-intake fails every time since" in note
    assert "12 of 12 runs since then failed with ToolTimeout." in note
    assert "It began when version 48 was first seen." in note
    assert "3 users hit and $3.00 spent on failed runs" in note
    assert f"flow={seeded.id}" in note and "status=failed" in note and "error_type=ToolTimeout" in note
