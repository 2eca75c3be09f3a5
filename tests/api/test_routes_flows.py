"""Programs import flows: the report accounts for the whole file, secrets are gone, bad files are refused with why."""

from __future__ import annotations

import io
import os
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.api.test_openapi import check
from tests.factories import make_agentflow
from tests.features.flow_imports.flow_files import SECRET, n8n_file
from webapp.database.tenancy import organization_session
from webapp.domain.api_keys import Scope
from webapp.features.api_keys.operations import add_key
from webapp.features.events.operations import AuthorId
from webapp.models import Agentflow, AgentflowVersion, Block, ImportReport

SHARED = Path(os.environ.get("SHARED_DIR") or Path(__file__).resolve().parents[3] / "shared")
FILES = sorted((SHARED / "flows").glob("*/*")) if (SHARED / "flows").exists() else []


@pytest.fixture
def key(organization, alice, app_engine):
    with organization_session(app_engine, organization.id) as session:
        author = AuthorId(organization.id, alice.id)
        return add_key(session, author, name="importer", scopes=(Scope.FLOWS_WRITE,)).text


@pytest.fixture
def send(client, key):
    def post(content: bytes, name: str = "flow.json", *, key: str = key, **fields):
        data = {"file": (io.BytesIO(content), name), **fields}
        headers = {"Authorization": f"Bearer {key}"}
        return client.post("/api/v1/flows/import", data=data, headers=headers, content_type="multipart/form-data")

    return post


def test_the_report_accounts_for_the_file(send, client, owner_engine):
    answer = send(n8n_file())
    assert answer.status_code == 201
    body = answer.json
    assert (body["format"], body["nodes_seen"], body["edges_seen"]) == ("n8n", 4, 3)
    assert (body["blocks"], body["notes"], body["edges"], body["edges_refused"]) == (3, 1, 2, 1)
    assert body["secrets_removed"] == len(body["secrets"]) >= 1 and SECRET not in answer.text
    assert {"source", "result", "reason"} <= set(body["items"][0])
    refused = [item for item in body["items"] if item["result"] == "refused"]
    assert len(refused) == 1 and refused[0]["reason"]
    with Session(owner_engine) as session:
        assert str(session.scalars(sa.select(Agentflow.id)).one()) == body["flow_id"]
        assert str(session.scalars(sa.select(ImportReport.id)).one()) == body["report_id"]
        assert len(session.scalars(sa.select(Block.id)).all()) == 3
    described = client.get("/api/v1/openapi.json").json
    schema = described["paths"]["/flows/import"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    check(body, schema, described)


def test_the_same_file_again_says_what_it_is_like_and_can_become_a_version(send, owner_engine):
    first = send(n8n_file()).json
    again = send(n8n_file(extra=True)).json
    assert again["flow_id"] != first["flow_id"] and again["same_as"] == [first["flow_id"]]
    version = send(n8n_file(extra=True), flow_id=first["flow_id"]).json
    assert (version["flow_id"], version["version"]) == (first["flow_id"], 2)
    with Session(owner_engine) as session:
        counted = session.execute(
            sa.select(AgentflowVersion.agentflow_id, sa.func.count()).group_by(AgentflowVersion.agentflow_id)
        )
        assert {str(id_): count for id_, count in counted} == {first["flow_id"]: 2, again["flow_id"]: 1}


@pytest.mark.parametrize("content", [b"", b"not a flow", b'{"a": 1}', b"[]", b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_flow_is_refused_with_a_reason_and_nothing_is_kept(send, owner_engine, content):
    answer = send(content)
    assert answer.status_code == 422
    assert answer.json["error"]["field"] == "file" and len(answer.json["error"]["message"]) > 10
    with Session(owner_engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ImportReport)) == 0


def test_a_missing_file_and_a_bad_flow_id_are_named(client, key, send):
    answer = client.post("/api/v1/flows/import", headers={"x-api-key": key})
    assert (answer.status_code, answer.json["error"]["field"]) == (422, "file")
    assert send(n8n_file(), flow_id="nothing").json["error"]["field"] == "flow_id"
    assert send(n8n_file(), flow_id=str(uuid4())).status_code == 404


def test_a_key_needs_the_scope(send, api_key):
    assert send(n8n_file(), key=api_key.text).status_code == 403
    assert send(n8n_file(), key="ab_live_AAAAAAAA_" + "x" * 43).status_code == 401


def test_a_flow_of_another_organization_is_not_found(send, other_organization):
    foreign = make_agentflow(organization_id=other_organization.id)
    assert send(n8n_file(), flow_id=str(foreign.id)).status_code == 404


@pytest.mark.skipif(not FILES, reason="no flow exports: set SHARED_DIR to the folder that holds flows/")
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_real_export_is_imported_and_accounted_for(send, owner_engine, file: Path):
    answer = send(file.read_bytes(), file.name)
    assert answer.status_code == 201, answer.text
    body = answer.json
    assert body["format"] == file.parent.name and body["others"] == []
    assert body["nodes_seen"] == body["blocks"] + body["notes"] + body["markers"] + body["unfolded"]
    assert body["edges_seen"] == body["edges"] + body["edges_merged"] + body["edges_refused"]
    assert all(item["reason"] for item in body["items"] if item["result"] == "refused")
    made = sum(item["result"] == "made" and item["subject"] == "node" for item in body["items"])
    with Session(owner_engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Block)) == body["blocks"] + made
