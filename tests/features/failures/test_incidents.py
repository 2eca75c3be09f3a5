"""A failure's bundle as a file and behind an expiring link, with what is private masked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.features.failures.test_detail import arrive, bad_trace, find_groups, good_trace
from webapp.models import IncidentLink, Organization

__all__ = ["arrive", "find_groups"]
PRIVATE = ("minji@hanbit.example", "sk-proj-abcdefghijklmnop1234", "4111 1111 1111 1111", "customer-77-nordkap")


@pytest.fixture
def shared(arrive, find_groups):
    """The address of a failure whose texts hold what must not leave."""
    arrive(good_trace(40), **{"service.version": "1.0"})
    spans = bad_trace(10, f"no order for {PRIVATE[3]} <b>x</b>")
    spans[0].attributes.add(key="user.id").value.string_value = PRIVATE[3]
    spans[2].attributes.add(key="gen_ai.tool.call.arguments").value.string_value = " ".join(PRIVATE)
    arrive(spans, **{"service.version": "1.1"})
    [group] = find_groups()
    return f"/failures/{group.id}"


def test_the_files_hold_the_evidence_and_nothing_private(as_bob, shared):
    page = as_bob.get(shared).text
    assert PRIVATE[0] in page
    text, value = as_bob.get(f"{shared}/bundle.md").text, as_bob.get(f"{shared}/bundle.json").get_json()
    for word in PRIVATE:
        assert word not in text and word not in str(value)
    assert "[e-mail]" in text and "[number]" in text and "[user]" in text
    assert value["cause"]["error_type"] == "LookupError" and value["cause"]["step"] == "find_order"
    assert value["good_beside_bad"]["good"]["version"] == "1.0" and value["good_beside_bad"]["bad"]["version"] == "1.1"
    assert "## What changed" in text and all(word not in str(value["changes"]) for word in PRIVATE)
    assert value["failure"]["failed"] == 1 and "# F-1 " in text and "## Last good beside first bad" in text
    answer = as_bob.get(f"{shared}/bundle.md")
    assert (
        answer.headers["Content-Disposition"].startswith("attachment; filename=")
        and "text/markdown" in answer.content_type
    )


def make_link(browser, address, days="7"):
    answer = browser.post(f"{address}/links", data={"days": days})
    assert answer.status_code == 201
    return re.search(r"/s/incidents/[\w-]+", answer.text)[0]


def test_a_link_lives_until_it_is_revoked_or_over(
    client, as_mia, as_bob, shared, owner_engine, read_events, find_groups
):
    path = make_link(as_mia, shared)
    answer = client.get(path)
    assert answer.status_code == 200 and "LookupError" in answer.text and answer.headers["Cache-Control"] == "no-store"
    assert all(word not in answer.text for word in PRIVATE) and "<b>" not in answer.text
    later = as_mia.get(f"{shared}/share").text
    assert path not in later and "Revoke" in later and "Revoke" not in as_bob.get(f"{shared}/share").text
    link = re.search(rf"{shared}/links/[\w-]+/revoke", later)[0]
    assert as_bob.post(link).status_code == 403 and as_mia.post(link).status_code == 303
    assert client.get(path).status_code == 404
    second = make_link(as_mia, shared)
    with owner_engine.begin() as owner:
        owner.execute(sa.update(IncidentLink).values(expires_at=IncidentLink.created_at - timedelta(days=1)))
    assert client.get(second).status_code == 404 and client.get("/s/incidents/nothing").status_code == 404
    kinds = [kind for kind, payload in read_events(find_groups()[0].id) if path.rsplit("/", 1)[1] not in str(payload)]
    assert kinds == ["failure.shared", "failure.share_revoked", "failure.shared"]


def test_an_organization_that_forbids_links_has_none(client, as_mia, shared, owner_engine):
    path = make_link(as_mia, shared)
    with Session(owner_engine) as session:
        session.execute(sa.update(Organization).values(settings={"public_links_allowed": False}))
        session.commit()
    assert client.get(path).status_code == 404
    assert as_mia.post(f"{shared}/links", data={"days": "7"}).status_code == 409


def test_invalid_days_readers_and_strangers(as_mia, as_bob, as_charlie, shared):
    assert as_mia.post(f"{shared}/links", data={"days": "900"}).status_code == 422
    assert as_bob.post(f"{shared}/links", data={"days": "7"}).status_code == 403
    for path in ("/share", "/bundle.md", "/bundle.json"):
        assert as_charlie.get(shared + path).status_code == 404
    assert as_charlie.post(f"{shared}/links", data={"days": "7"}).status_code == 404
