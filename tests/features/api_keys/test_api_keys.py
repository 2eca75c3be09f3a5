"""The API keys page: made by admins, shown once, revoked for good."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories.accounts import make_organization_member, make_user
from tests.factories.security import make_api_key
from webapp.domain.api_keys import read_key
from webapp.models import ApiKey, Event

FORM = {"name": "Trace ingest, production", "environment": "production", "scopes": ["ingest"], "lifetime": "90"}


def shown_key(answer):
    found = re.search(r'<code id="api-key">([^<]+)</code>', answer.text)
    return found[1] if found else None


def member(organization, role):
    user = make_user()
    make_organization_member(organization_id=organization.id, user_id=user.id, role=role)
    return user


def test_a_key_is_shown_once_and_only_its_hash_is_kept(client_as, alice, owner_engine):
    client = client_as(alice)
    answer = client.post("/api-keys/", data=FORM, headers={"Accept-Encoding": "br, gzip"})
    assert answer.status_code == 201 and answer.headers.get("Content-Encoding", "identity") == "identity"
    text = shown_key(answer)
    assert text.startswith("ab_production_")
    key = read_key(text)
    with Session(owner_engine) as session:
        row = session.scalars(sa.select(ApiKey)).one()
    assert key.proves(row.secret_hash) and key.secret.encode() not in row.secret_hash
    assert (row.user_id, row.scopes, row.environment) == (alice.id, ["ingest"], "production")
    assert timedelta(days=89) < row.expires_at - datetime.now(UTC) < timedelta(days=91)
    page = client.get("/api-keys/").text
    assert key.secret not in page and key.secret[-4:] in page and "Alice" in page and "never" in page


def test_the_key_works_and_stops_when_revoked(client_as, client, alice, owner_engine):
    owner = client_as(alice)
    text = shown_key(owner.post("/api-keys/", data=FORM | {"scopes": ["ingest", "read"]}))
    headers = {"Authorization": f"Bearer {text}"}
    assert client.get("/api/v1/executions", headers=headers).status_code == 200
    with Session(owner_engine) as session:
        key_id = session.scalars(sa.select(ApiKey.id)).one()
    assert owner.post(f"/api-keys/{key_id}/revoke").location == "/api-keys/?done=revoked"
    assert client.get("/api/v1/executions", headers=headers).status_code == 401
    page = owner.get("/api-keys/?done=revoked").text
    assert "Key revoked." in page and "Revoked</span>" in page
    assert owner.post(f"/api-keys/{key_id}/revoke").status_code == 409
    with Session(owner_engine) as session:
        events = session.scalars(sa.select(Event.event_type).order_by(Event.sequence)).all()
        payloads = str(session.scalars(sa.select(Event.payload)).all())
    assert events == ["api_key.created", "api_key.revoked"] and read_key(text).secret not in payloads


@pytest.mark.parametrize(("role", "sees", "makes"), [("viewer", 403, 403), ("member", 200, 403), ("admin", 200, 201)])
def test_members_see_keys_and_admins_make_them(client_as, organization, api_key, owner_engine, role, sees, makes):
    client = client_as(member(organization, role))
    page = client.get("/api-keys/")
    assert page.status_code == sees
    assert ("Create key" in page.text) is (role == "admin")
    assert ("Revoke key" in page.text) is (role == "admin")
    assert client.post("/api-keys/", data=FORM).status_code == makes
    with Session(owner_engine) as session:
        key_id = session.scalars(sa.select(ApiKey.id).order_by(ApiKey.created_at)).first()
    assert client.post(f"/api-keys/{key_id}/revoke").status_code == (303 if role == "admin" else 403)


def test_another_organizations_key_is_not_there(client_as, charlie, api_key, owner_engine):
    stranger = client_as(charlie)
    with Session(owner_engine) as session:
        row = session.scalars(sa.select(ApiKey)).one()
    assert row.last_four not in stranger.get("/api-keys/").text and row.key_id not in stranger.get("/api-keys/").text
    assert stranger.post(f"/api-keys/{row.id}/revoke").status_code == 404
    with Session(owner_engine) as session:
        assert session.scalars(sa.select(ApiKey.revoked_at)).one() is None


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"name": "a\nb"}, {"name": "x" * 256}, {"environment": "Prod!"}, {"environment": "x" * 51},
     {"scopes": []}, {"scopes": ["ingest", "admin"]}, {"lifetime": "-1"}, {"lifetime": "99999999"}],
)  # fmt: skip
def test_wrong_input_makes_no_key(client_as, alice, owner_engine, wrong):
    answer = client_as(alice).post("/api-keys/", data=FORM | wrong)
    assert answer.status_code == 422 and shown_key(answer) is None
    with Session(owner_engine) as session:
        assert session.scalars(sa.select(ApiKey)).all() == []


def test_other_fields_of_a_key_cannot_be_set(client_as, alice, other_organization, organization, owner_engine):
    extra = {"organization_id": str(other_organization.id), "user_id": "1", "key_id": "AAAAAAAA", "secret_hash": "x"}
    client_as(alice).post("/api-keys/", data=FORM | extra)
    with Session(owner_engine) as session:
        row = session.scalars(sa.select(ApiKey)).one()
    assert row.organization_id == organization.id and row.key_id != "AAAAAAAA"


def test_an_expired_key_says_so(client_as, alice, organization):
    make_api_key(organization_id=organization.id, expires_at=datetime.now(UTC) - timedelta(days=1))
    assert "Expired</span>" in client_as(alice).get("/api-keys/").text


@pytest.mark.parametrize("count", [1, 30])
def test_the_page_asks_as_often_for_one_key_as_for_thirty(client_as, alice, organization, count_queries, count):
    client = client_as(alice)
    for _ in range(count):
        make_api_key(organization_id=organization.id)
    with count_queries() as statements:
        assert client.get("/api-keys/").status_code == 200
    assert len(statements) == 3, str(statements)
