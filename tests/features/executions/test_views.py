"""Saved views: one's own, shared ones, and who may share."""

from __future__ import annotations

import re

from tests.factories.accounts import make_organization_member, make_saved_view, make_user


def save(browser, **values):
    return browser.post("/executions/views", data={"name": "Broken", "query": "?status=failed", **values})


def test_a_view_is_a_link_to_its_filter(as_bob):
    answer = save(as_bob)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/executions?status=failed")
    assert re.search(r'href="/executions\?status=failed"[^>]*><span>Broken</span>', as_bob.get("/executions").text)


def test_the_same_name_replaces_ones_own_view(as_bob):
    save(as_bob)
    save(as_bob, query="?status=running")
    text = as_bob.get("/executions").text
    assert text.count("<span>Broken</span>") == 1
    assert re.search(r'href="/executions\?status=running"[^>]*><span>Broken</span>', text)


def test_sharing_needs_the_right(as_alice, as_bob, as_charlie):
    assert save(as_bob, is_shared="y").status_code == 403
    assert save(as_alice, is_shared="y").status_code == 303
    assert "<span>Broken</span>" in as_bob.get("/executions").text
    assert "<span>Broken</span>" not in as_charlie.get("/executions").text
    assert "Share with the organization" not in as_bob.get("/executions").text


def test_private_views_stay_private(as_alice, as_bob):
    save(as_alice)
    assert "<span>Broken</span>" not in as_bob.get("/executions").text


def test_a_shared_name_is_taken(client_as, as_alice, organization):
    save(as_alice, is_shared="y")
    dora = make_user(email="dora@example.org", username="dora", full_name="Dora")
    make_organization_member(organization_id=organization.id, user_id=dora.id, role="member")
    assert save(client_as(dora), is_shared="y").status_code == 409


def test_only_ones_own_views_can_be_deleted(as_alice, as_bob, as_charlie, alice, organization):
    view = make_saved_view(organization_id=organization.id, user_id=alice.id, name="Mine", is_shared=True)
    for browser in (as_bob, as_charlie):
        assert browser.post(f"/executions/views/{view.id}/delete").status_code == 404
    assert as_alice.post(f"/executions/views/{view.id}/delete").status_code == 303
    assert "<span>Mine</span>" not in as_alice.get("/executions").text


def test_a_view_needs_a_name_and_leads_nowhere_else(as_bob):
    assert save(as_bob, name=" ").status_code == 422
    assert save(as_bob, query="https://evil.example/").headers["Location"].startswith("/executions?")
    assert save(as_bob, query="?" + "x" * 4_001).status_code == 422


def test_built_in_views_keep_the_time(as_bob):
    text = as_bob.get("/executions?time=7d").text
    assert 'href="/executions?time=7d&amp;status=failed"' in text
    assert 'href="/executions?time=7d&amp;status=running&amp;status=pending"' in text
