"""How a stranger walks: every route of the application with the records of another organization, and what shows a leak.

The routes come from the application itself, so that a new one is tried without anybody thinking of it: an argument
that the registry below does not know is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.factories.accounts import make_browser_session, make_saved_view
from tests.factories.base import made
from tests.factories.conversations import make_bookmark
from tests.factories.executions import make_feedback
from tests.factories.flows import make_import_report
from tests.factories.observability import make_ingest_rejection
from tests.factories.security import make_api_key
from tests.factories.system import make_notification
from tests.features.flow_imports.flow_files import n8n_file
from tests.rules.strangers_alerts import ALERT_ARGUMENTS, ALERT_BODIES, make_alerts
from tests.rules.strangers_catalogue import CATALOGUE_ARGUMENTS, CATALOGUE_BODIES, make_catalogue
from tests.rules.strangers_editor import EDITOR_ARGUMENTS, EDITOR_BODIES, make_drafts
from tests.rules.strangers_failures import FAILURE_ARGUMENTS, FAILURE_BODIES, make_failures
from tests.rules.strangers_flow import FLOW_ARGUMENTS, FLOW_BODIES, make_flows
from tests.rules.strangers_retries import RETRY_ARGUMENTS, RETRY_BODIES, make_retries
from webapp.domain.api_keys import Scope
from webapp.models import AlembicVersion, Base, FlowExecution, Organization, OrganizationMember, User

CANARY = "canary-of-organization-one"
CANARIES = (CANARY, "Order 4711 left our warehouse", "welcome-sample")
"""Words of organization one: what we write into names and errors, and what its trace's payloads and resource hold."""

# What stands for each argument of a route: the name of one of organization one's things, or a plain word.
ARGUMENTS = {
    ("accounts.revoke_session", "session_id"): "session",
    ("api.show_execution", "execution_id"): "execution",
    ("api_keys.revoke", "api_key_id"): "api_key",
    ("compare.choose", "execution_id"): "execution",
    ("compare.show", "after_id"): "execution",
    ("compare.show", "before_id"): "execution",
    ("executions.bookmark", "execution_id"): "execution",
    ("executions.delete_view", "view_id"): "view",
    ("executions.download_trace", "execution_id"): "execution",
    ("executions.give_feedback", "execution_id"): "execution",
    ("executions.show", "execution_id"): "execution",
    ("executions.text", "execution_id"): "execution",
    ("executions.text", "kind"): "=txt",
    ("executions.text", "part"): "=output",
    ("executions.withdraw_feedback", "execution_id"): "execution",
    ("flow_imports.apply", "report_id"): "import",
    ("flow_imports.file", "report_id"): "import",
    ("flow_imports.items", "report_id"): "import",
    ("flow_imports.show", "report_id"): "import",
    **FLOW_ARGUMENTS,
    **EDITOR_ARGUMENTS,
    **FAILURE_ARGUMENTS,
    ("ingest.nothing", "_signal"): "=logs",
    ("notifications.read", "notification_id"): "notification",
    **CATALOGUE_ARGUMENTS,
    **RETRY_ARGUMENTS,
    **ALERT_ARGUMENTS,
}
BODIES = {
    "executions.give_feedback": {"score": "1", "comment": "x"},
    **FLOW_BODIES,
    **EDITOR_BODIES,
    **FAILURE_BODIES,
    **CATALOGUE_BODIES,
    **RETRY_BODIES,
    **ALERT_BODIES,
}
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"HX-Request": "true", "HX-Target": "div#main"},
    {"X-Request-From": "internal", "X-Original-User": "alice@example.org", "X-Organization-Id": "1"},
)


@dataclass(frozen=True)
class Call:
    """One route with its arguments filled in from organization one."""

    endpoint: str
    method: str
    path: str
    is_for_keys: bool
    has_ids: bool


def calls(app: Flask, things: dict[str, Any]) -> Iterator[Call]:
    """Every route and method of the application.

    Raises:
        KeyError: an argument is not in the registry.
    """
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        words = {name: ARGUMENTS[rule.endpoint, name] for name in rule.arguments}
        values = {n: w[1:] if w.startswith("=") else str(things[w]) for n, w in words.items()}
        path = adapter.build(rule.endpoint, values)
        has_ids = any(not word.startswith("=") for word in words.values())
        is_for_keys = isinstance(getattr(app.view_functions[rule.endpoint], "permission", None), Scope)
        for method in sorted(rule.methods - {"OPTIONS"}):
            yield Call(rule.endpoint, method, path, is_for_keys, has_ids)


def intrusions(app: Flask, things: dict[str, Any], client: FlaskClient, key: str) -> list[str]:
    """Calls of a stranger that were not answered by 404, or whose answer holds words of organization one."""
    problems = []
    for call in calls(app, things):
        if not call.has_ids:
            continue
        for extra in HEADERS:
            headers = extra | ({"Authorization": f"Bearer {key}"} if call.is_for_keys else {})
            answer = client.open(call.path, method=call.method, headers=headers, data=BODIES.get(call.endpoint))
            if answer.status_code != 404:
                problems.append(f"{call.method} {call.path} ({call.endpoint}) answers {answer.status_code}, not 404")
            if shown(answer.text):
                problems.append(f"{call.method} {call.path} ({call.endpoint}) shows words of another organization")
    return problems


def shown(text: str) -> list[str]:
    """Which words of organization one a text holds."""
    return [word for word in CANARIES if word in text]


def fingerprint(engine: Engine, organization_id: Any, user_id: Any) -> dict[str, str]:
    """One hash per table over the rows of an organization, and over one person's own rows."""
    found = {}
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            column, value = _owner(table, organization_id, user_id)
            if column not in table.c or table.name == "login_attempts":
                continue
            rows = connection.scalars(
                sa.text(f"SELECT t::text FROM {table.name} t WHERE {column} = :value ORDER BY 1"), {"value": value}
            )
            found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def _owner(table: sa.Table, organization_id: Any, user_id: Any) -> tuple[str, Any]:
    """Column and value by which the rows of a table are told to be ours."""
    if table.name == "organizations":
        return "id", organization_id
    if "organization_id" in table.c and table.name != "sessions":
        return "organization_id", organization_id
    return "user_id" if "user_id" in table.c else "id", user_id


def make_one_of_each(organization_id: Any) -> None:
    """A row of every model, of the organization wherever rows belong to one; the checksums are then of something."""
    for mapper in Base.registry.mappers:
        if mapper.class_ not in (AlembicVersion, Organization, OrganizationMember, User):
            has_owner = "organization_id" in mapper.columns
            made(mapper.class_)(**{"organization_id": organization_id} if has_owner else {})


@pytest.fixture
def things(client_as, alice, organization, api_key, owner_engine) -> dict[str, Any]:
    """One of each record that a route can name, all of organization one or of Alice."""
    assert client_as(alice).post("/welcome/sample").status_code == 303
    with owner_engine.begin() as connection:
        execution = connection.execute(sa.select(FlowExecution.id, FlowExecution.created_at)).one()
        connection.execute(sa.update(FlowExecution).values(error_message=CANARY, session_id=CANARY, user_ref=CANARY))
        connection.execute(sa.text("UPDATE agentflows SET name = :name"), {"name": CANARY})
        connection.execute(sa.update(User).where(User.id == alice.id).values(full_name=CANARY))
        connection.execute(sa.text("UPDATE api_keys SET name = :name"), {"name": CANARY})
    make_one_of_each(organization.id)
    own = {"organization_id": organization.id, "user_id": alice.id}
    make_bookmark(record_id=execution.id, record_created_at=execution.created_at, **own)
    make_feedback(flow_execution_id=execution.id, flow_created_at=execution.created_at, comment=CANARY, **own)
    make_ingest_rejection(organization_id=organization.id, http_status=400, reason=CANARY)
    return {
        "execution": execution.id,
        "api_key": api_key.row.id,
        "session": make_browser_session(user_id=alice.id, user_agent=CANARY).id,
        "view": make_saved_view(name=CANARY, is_shared=True, **own).id,
        "notification": make_notification(title=CANARY, **own).id,
        **make_flows(owner_engine, organization.id, alice.id, CANARY),
        **make_drafts(owner_engine, organization.id, alice.id, CANARY),
        **make_catalogue(organization.id, CANARY),
        **make_failures(organization.id, alice.id, CANARY),
        **make_retries(organization.id, CANARY),
        **make_alerts(organization.id, CANARY),
        "import": make_import_report(file_name=CANARY, content=n8n_file(CANARY), **own).id,
    }


@pytest.fixture
def strange_key(other_organization) -> str:
    """A key of organization two."""
    return make_api_key(organization_id=other_organization.id).text
