"""The profile page: password, sessions, preferences, and nobody else's."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.factories.accounts import make_browser_session, make_organization_member, make_user
from webapp.features.accounts.password_hashes import hash_password, is_password
from webapp.models import BrowserSession, Event, User, UserSettings

PASSWORD = "seven boats on a quiet lake"
NEW = "eight cranes above the harbour"
HASH = hash_password(PASSWORD)


@pytest.fixture
def minji(organization):
    user = make_user(email="minji@example.org", full_name="Minji Seo", password_hash=HASH)
    make_organization_member(organization_id=organization.id, user_id=user.id, role="viewer")
    return user


def change(client, current=PASSWORD, new=NEW):
    return client.post("/profile/password", data={"current_password": current, "new_password": new})


def stored(engine, column, user):
    with engine.connect() as connection:
        return connection.scalar(sa.select(column).where(User.id == user.id))


def events(engine):
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(Event.event_type).order_by(Event.sequence)))


def test_a_new_password_ends_the_other_sessions_and_renews_this_one(client_as, minji, owner_engine):
    here, elsewhere = client_as(minji), client_as(minji)
    before = here.get_cookie("ab_session").value
    answer = change(here)
    assert (answer.status_code, answer.location) == (303, "/profile?done=password")
    assert here.get("/profile").status_code == 200
    assert elsewhere.get("/profile").status_code == 303
    assert here.get_cookie("ab_session").value != before
    assert is_password(NEW, stored(owner_engine, User.password_hash, minji))
    assert events(owner_engine) == ["user.password_changed"]
    here.set_cookie("ab_session", before)
    assert here.get("/profile").status_code == 303


@pytest.mark.parametrize(
    ("current", "new", "sentence"),
    [
        ("wrong wrong wrong", NEW, "This is not your current password."),
        ("", NEW, "Enter your current password."),
        (PASSWORD, "short", "Use at least 12 characters."),
        (PASSWORD, "password1234", "among the first that are guessed"),
        (PASSWORD, "minji@example.org", "may not be your email address"),
        (PASSWORD, PASSWORD, "The new password is the current one."),
        (PASSWORD, "x" * 257, "Use at most 256 characters."),
    ],
)
def test_a_refused_password_changes_nothing(client_as, minji, owner_engine, current, new, sentence):
    here, elsewhere = client_as(minji), client_as(minji)
    answer = change(here, current, new)
    assert answer.status_code == 422 and sentence in answer.text
    assert stored(owner_engine, User.password_hash, minji) == HASH
    assert elsewhere.get("/profile").status_code == 200 and events(owner_engine) == []


def test_guessing_the_current_password_is_limited(client_as, minji):
    here = client_as(minji)
    codes = [change(here, "wrong wrong wrong").status_code for _ in range(6)]
    assert codes == [422] * 5 + [429]
    assert change(here).status_code == 429


def test_one_session_is_ended_at_once(client_as, minji, owner_engine):
    here, elsewhere = client_as(minji), client_as(minji)
    other = make_browser_session(
        user_id=minji.id, user_agent="Mozilla/5.0 (X11; Linux) Firefox/130.0", ip_address="198.51.100.7"
    )
    page = here.get("/profile").text
    assert "Firefox on Linux" in page and "198.51.100.7" in page and page.count("This one") == 1
    assert here.post(f"/profile/sessions/{other.id}/revoke").location == "/profile?done=session"
    assert "Firefox on Linux" not in here.get("/profile").text
    assert here.post(f"/profile/sessions/{other.id}/revoke").status_code == 404
    assert elsewhere.get("/profile").status_code == 200
    assert events(owner_engine) == ["session.revoked"]


def test_all_others_are_ended_together(client_as, minji):
    here, first, second = client_as(minji), client_as(minji), client_as(minji)
    assert here.post("/profile/sessions/revoke-others").location == "/profile?done=sessions"
    assert [c.get("/profile").status_code for c in (here, first, second)] == [200, 303, 303]


def test_another_persons_session_is_out_of_reach(client_as, minji, alice, owner_engine):
    alices = client_as(alice)
    with owner_engine.connect() as connection:
        session_id = connection.scalar(sa.select(BrowserSession.id).where(BrowserSession.user_id == alice.id))
    assert client_as(minji).post(f"/profile/sessions/{session_id}/revoke").status_code == 404
    assert alices.get("/profile").status_code == 200


def test_preferences_are_kept_and_shown(client_as, minji, owner_engine):
    here = client_as(minji)
    form = {"full_name": "  서민지 ", "timezone": "Asia/Seoul", "theme": "dark"}
    assert here.post("/profile/preferences", data=form).location == "/profile?done=preferences"
    page = here.get("/profile?done=preferences").text
    assert 'data-theme="dark"' in page and "서민지" in page and "Preferences saved." in page
    assert '<option selected value="Asia/Seoul">' in page
    here.post("/profile/preferences", data=form | {"timezone": "", "theme": "system"})
    with owner_engine.connect() as connection:
        assert connection.execute(sa.select(UserSettings.timezone, UserSettings.theme)).one() == (None, "system")


@pytest.mark.parametrize(
    "wrong",
    [
        {"full_name": " "},
        {"full_name": "a\r\nb"},
        {"timezone": "Mars/Olympus"},
        {"theme": "neon"},
        {"full_name": "x" * 256},
    ],
)
def test_wrong_preferences_are_refused_and_kept_in_the_form(client_as, minji, owner_engine, wrong):
    form = {"full_name": "Minji", "timezone": "", "theme": "dark"} | wrong
    answer = client_as(minji).post("/profile/preferences", data=form)
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
    assert stored(owner_engine, User.full_name, minji) == "Minji Seo"


def test_the_theme_button_leads_back_to_its_page(client_as, minji):
    here = client_as(minji)
    back = here.post(
        "/profile/theme", data={"theme": "dark"}, headers={"Referer": "http://localhost/organization/?x=1"}
    )
    assert back.location == "/organization/?x=1"
    assert 'data-theme="dark"' in here.get("/profile").text
    for foreign in ("https://evil.example/x", "http://localhost//evil.example", ""):
        away = here.post("/profile/theme", data={"theme": "light"}, headers={"Referer": foreign})
        assert away.location in ("/profile", "/")
    assert here.post("/profile/theme", data={"theme": "neon"}).status_code == 422


def test_a_form_of_another_organization_writes_nothing(client_as, minji, other_organization, owner_engine):
    form = {"full_name": "X", "timezone": "", "theme": "dark", "_organization": str(other_organization.id)}
    assert client_as(minji).post("/profile/preferences", data=form).status_code == 409
    assert stored(owner_engine, User.full_name, minji) == "Minji Seo"


def test_other_fields_of_a_person_cannot_be_set(client_as, minji, owner_engine):
    form = {"full_name": "Minji", "timezone": "", "theme": "dark", "email": "x@example.org", "role": "admin", "id": "1"}
    assert client_as(minji).post("/profile/preferences", data=form).status_code == 303
    assert stored(owner_engine, User.email, minji) == "minji@example.org"
    assert stored(owner_engine, User.role, minji) == "user"


@pytest.mark.parametrize("others", [0, 29])
def test_the_page_asks_as_often_for_one_session_as_for_thirty(client_as, minji, count_queries, others):
    here = client_as(minji)
    for _ in range(others):
        make_browser_session(user_id=minji.id)
    with count_queries() as statements:
        assert here.get("/profile").status_code == 200
    assert len(statements) <= 5, str(statements)
