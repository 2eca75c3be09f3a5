"""A public link: its life, what it shows and what it never shows."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.features.flow.conftest import graph_of
from webapp.domain.session_tokens import token_hash
from webapp.models import FlowShare, Organization

SETTINGS = {"name": "Acme", "timezone": "UTC", "settle_after_minutes": "30", "retention_days": ""}


@pytest.fixture
def make_link(client_as):
    """``make_link(user, flow, expiry="7")``: the path of a new link, and the page that shows it."""

    def make(user, flow, expiry="7"):
        answer = client_as(user).post(f"/flows/{flow}/shares", data={"expiry": expiry})
        assert answer.status_code == 201, answer.text
        return re.search(r'id="share-link"[^>]*>[^<]*?(/s/flows/[\w-]+)<', answer.text)[1], answer

    return make


def read_share(engine):
    with Session(engine) as session:
        return session.scalars(sa.select(FlowShare)).one()


def test_a_link_is_off_until_a_member_makes_one_and_shown_once(
    client, client_as, mia, drawn, make_link, owner_engine, read_events, read_flow
):
    browser = client_as(mia)
    page = browser.get(f"/flows/{drawn}/settings").text
    assert "Create link" in page and "share-link" not in page and not read_flow(drawn).is_public
    path, shown = make_link(mia, drawn)
    assert shown.headers["Content-Encoding"] == "identity" and 'data-copy="http' in shown.text
    share = read_share(owner_engine)
    assert share.token_hash == token_hash(path.rsplit("/", 1)[1]) and share.created_by_id == mia.id
    assert read_flow(drawn).is_public
    later = browser.get(f"/flows/{drawn}/settings").text
    assert path not in later and "never opened" in later and "Works" in later
    assert client.get(path).status_code == 200
    assert "last seen" in browser.get(f"/flows/{drawn}/settings").text
    kind, payload = read_events(drawn)[-1]
    assert kind == "agentflow.link_created" and path.rsplit("/", 1)[1] not in str(payload)


def test_it_shows_the_drawing_and_nothing_of_the_organization(client, mia, draw_flow, make_link, organization):
    flow = draw_flow(mia, graph_of(name="Order <b>4711</b>"))
    path, _ = make_link(mia, flow)
    answer = client.get(path)
    page = answer.text
    for word in ("Receive webhook", "Extract fields", "Ask a person", "complete", html.escape("Order <b>4711</b>")):
        assert word in page, word
    for word in (
        "alert(1)", "temperature", "0.2", "key of finance", "openai", "note-text-of-the-canvas", "Reads the invoice",
        "Reads invoices", organization.name, str(organization.id), "Mia", "<b>4711", "odd", 'name="_organization"',
    ):  # fmt: skip
        assert word not in page, word
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Referrer-Policy"] == "no-referrer" and answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers and "unsafe" not in answer.headers["Content-Security-Policy"]


def test_wrong_revoked_expired_deleted_and_forbidden_are_the_same_404(
    client, client_as, alice, mia, drawn, draw_flow, make_link, owner_engine, now
):
    def refused(path):
        answer = client.get(path)
        assert answer.status_code == 404
        return re.sub(r"[0-9a-f]{12}", "", answer.text)

    path, _ = make_link(mia, drawn)
    same = refused("/s/flows/" + "x" * 43)
    share, browser = read_share(owner_engine), client_as(mia)

    with owner_engine.begin() as connection:
        connection.execute(sa.update(FlowShare).values(expires_at=now - timedelta(seconds=1)))
    assert refused(path) == same
    with owner_engine.begin() as connection:
        connection.execute(sa.update(FlowShare).values(expires_at=None))
    assert client.get(path).status_code == 200

    browser.post(f"/flows/{drawn}/delete")
    assert refused(path) == same
    browser.post(f"/flows/{drawn}/restore")
    assert client.get(path).status_code == 200

    assert client_as(alice).post("/organization/settings", data=SETTINGS).status_code == 303
    assert refused(path) == same
    page = browser.get(f"/flows/{drawn}/settings").text
    assert "forbids public links" in page and "Create link" not in page and "Forbidden" in page
    assert browser.post(f"/flows/{drawn}/shares", data={"expiry": "7"}).status_code == 409
    client_as(alice).post("/organization/settings", data=SETTINGS | {"public_links_allowed": "y"})
    assert client.get(path).status_code == 200

    assert browser.post(f"/flows/{drawn}/shares/{share.id}/revoke").status_code == 303
    assert refused(path) == same
    assert browser.post(f"/flows/{drawn}/shares/{share.id}/revoke").status_code == 409
    assert refused("/s/flows/%00") == same and refused("/s/flows/" + "y" * 5_000) == same


def test_revoking_the_last_link_makes_a_flow_not_public(client_as, mia, drawn, make_link, owner_engine, read_flow):
    make_link(mia, drawn)
    share = read_share(owner_engine)
    make_link(mia, drawn)
    browser = client_as(mia)
    browser.post(f"/flows/{drawn}/shares/{share.id}/revoke")
    assert read_flow(drawn).is_public
    with Session(owner_engine) as session:
        other = session.scalars(sa.select(FlowShare.id).where(FlowShare.revoked_at.is_(None))).one()
    browser.post(f"/flows/{drawn}/shares/{other}/revoke")
    assert not read_flow(drawn).is_public


def test_a_stranger_signed_in_elsewhere_sees_the_same(client_as, charlie, mia, drawn, make_link):
    path, _ = make_link(mia, drawn)
    page = client_as(charlie).get(path).text
    assert "Receive webhook" in page and "Globex" not in page and "Charlie" not in page
    assert client_as(charlie).get("/s/flows/" + "x" * 43).status_code == 404


def test_strangers_and_viewers_make_and_revoke_none(
    client_as, bob, charlie, mia, drawn, observed, make_link, owner_engine
):
    path, _ = make_link(mia, drawn)
    share = read_share(owner_engine)
    assert client_as(charlie).post(f"/flows/{drawn}/shares/{share.id}/revoke").status_code == 404
    assert client_as(mia).post(f"/flows/{observed}/shares/{share.id}/revoke").status_code == 404
    assert client_as(bob).post(f"/flows/{drawn}/shares/{share.id}/revoke").status_code == 403
    assert read_share(owner_engine).revoked_at is None
    assert client_as(mia).post(f"/flows/{observed}/shares", data={"expiry": "7"}).status_code == 409
    assert client_as(mia).post(f"/flows/{drawn}/shares", data={"expiry": "8"}).status_code == 422


def test_an_expiry_is_what_was_chosen(mia, drawn, make_link, owner_engine, now):
    make_link(mia, drawn, "90")
    assert abs(read_share(owner_engine).expires_at - now - timedelta(days=90)) < timedelta(minutes=1)


def test_looks_are_limited(client, mia, drawn, make_link):
    path, _ = make_link(mia, drawn)
    codes = [client.get(path).status_code for _ in range(70)]
    assert codes[:50] == [200] * 50 and 429 in codes
    answer = client.get(path)
    assert answer.status_code in (200, 429)


def test_an_organization_allows_links_unless_it_says_no(client_as, alice, owner_engine, organization):
    browser = client_as(alice)
    page = browser.get("/organization/settings").text
    assert re.search(r"<input checked [^>]*public_links_allowed", page)
    browser.post("/organization/settings", data=SETTINGS)
    with Session(owner_engine) as session:
        assert session.get(Organization, organization.id).settings["public_links_allowed"] is False
    assert not re.search(r"<input checked [^>]*public_links_allowed", browser.get("/organization/settings").text)
