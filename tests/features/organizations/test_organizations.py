"""The organization pages: members, settings, and another organization."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.factories.accounts import make_organization_member, make_user
from webapp.features.organizations.operations import make_slug
from webapp.models import Event, Organization, OrganizationMember

FORM = {
    "name": "Acme 한국", "timezone": "Asia/Seoul", "settle_after_minutes": "45", "retention_days": "90",
    "public_links_allowed": "y",
}  # fmt: skip


def read(engine, organization):
    with Session(engine) as session:
        return session.get(Organization, organization.id)


def test_members_are_listed_by_name(client_as, alice, bob, charlie):
    page = client_as(bob).get("/organization/").text
    page = page[page.index("<main") : page.index("</main>")]
    assert page.index("alice@example.org") < page.index("bob@example.org")
    assert "Owner" in page and "Viewer" in page and "charlie@example.org" not in page and "2 members" in page


@pytest.mark.parametrize("count", [1, 30])
def test_the_page_asks_as_often_for_one_member_as_for_thirty(client_as, alice, organization, count_queries, count):
    client = client_as(alice)
    for _ in range(count):
        make_organization_member(organization_id=organization.id, user_id=make_user().id)
    with count_queries() as statements:
        client.get("/organization/")
    assert len(statements) == 3, str(statements)


def test_an_admin_saves_settings_and_others_stay(client_as, alice, organization, owner_engine):
    with owner_engine.begin() as connection:
        connection.execute(sa.text("""UPDATE organizations SET settings = '{"currency": "KRW"}'"""))
    client = client_as(alice)
    assert client.post("/organization/settings", data=FORM).location == "/organization/settings?done=saved"
    row = read(owner_engine, organization)
    assert (row.name, row.timezone) == ("Acme 한국", "Asia/Seoul")
    assert row.settings == {
        "currency": "KRW",
        "settle_after_minutes": 45,
        "retention_days": 90,
        "public_links_allowed": True,
    }
    page = client.get("/organization/settings?done=saved").text
    assert "Settings saved." in page and 'value="45"' in page and 'value="90"' in page
    client.post("/organization/settings", data=FORM | {"retention_days": ""})
    assert read(owner_engine, organization).settings["retention_days"] is None
    with Session(owner_engine) as session:
        assert set(session.scalars(sa.select(Event.event_type))) == {"organization.settings_changed"}


def test_a_viewer_sees_settings_and_cannot_save(client_as, bob, organization, owner_engine):
    client = client_as(bob)
    page = client.get("/organization/settings")
    assert page.status_code == 200 and "disabled" in page.text and "Save settings" not in page.text
    assert client.post("/organization/settings", data=FORM).status_code == 403
    assert read(owner_engine, organization).name == "Acme"


@pytest.mark.parametrize(
    "wrong",
    [{"name": " "}, {"timezone": "x"}, {"settle_after_minutes": "4"}, {"settle_after_minutes": "10081"},
     {"settle_after_minutes": "soon"}, {"settle_after_minutes": "9" * 40}, {"settle_after_minutes": ""},
     {"retention_days": "6"}, {"retention_days": "-90"}, {"retention_days": "1e3"}],
)  # fmt: skip
def test_wrong_settings_are_refused(client_as, alice, organization, owner_engine, wrong):
    assert client_as(alice).post("/organization/settings", data=FORM | wrong).status_code == 422
    assert read(owner_engine, organization).name == "Acme"


def test_settings_reach_only_the_own_organization(client_as, alice, other_organization, owner_engine):
    extra = {
        "organization_id": str(other_organization.id),
        "id": str(other_organization.id),
        "owner_id": "x",
        "plan": "x",
    }
    assert client_as(alice).post("/organization/settings", data=FORM | extra).status_code == 303
    assert read(owner_engine, other_organization).name == "Globex"


def test_another_organization_is_made_and_looked_at(client_as, bob, organization, owner_engine):
    client = client_as(bob)
    assert client.get("/organization/new").status_code == 200
    answer = client.post("/organization/new", data={"name": "Sandbox", "timezone": "UTC"})
    assert (answer.status_code, answer.location) == (303, "/welcome")
    assert "Sandbox" in client.get("/welcome").text
    page = client.get("/organization/").text
    assert "1 member" in page and "alice" not in page
    with Session(owner_engine) as session:
        made = session.scalars(sa.select(Organization).where(Organization.name == "Sandbox")).one()
        assert session.get(OrganizationMember, (made.id, bob.id)).role == "owner"
        assert session.scalars(sa.select(Event.organization_id)).all() == [made.id]


def test_its_maker_is_still_a_viewer_in_the_old_one(client_as, bob, organization):
    client = client_as(bob)
    client.post("/organization/new", data={"name": "Sandbox", "timezone": "UTC"})
    client.post("/switch-organization", data={"organization_id": organization.id})
    assert client.post("/organization/settings", data=FORM).status_code == 403


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "\0"}, {"timezone": ""}])
def test_a_nameless_organization_is_not_made(client_as, bob, owner_engine, wrong):
    answer = client_as(bob).post("/organization/new", data={"name": "X", "timezone": "UTC"} | wrong)
    assert answer.status_code == 422
    with Session(owner_engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Organization)) == 1


@pytest.mark.parametrize(
    ("name", "start"),
    [("Hanbit Logistics GmbH & Co.", "hanbit-logistics-gmbh-co-"), ("한빛", "organization-"), ("é" * 90, "e" * 48)],
)
def test_slugs_are_readable_and_unique(name, start):
    slug = make_slug(name)
    assert slug.startswith(start) and len(slug) <= 64 and slug != make_slug(name)
