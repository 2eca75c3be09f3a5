"""Signing in and out: who gets in, what is told, how often one may try, and when a session ends."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.factories.accounts import make_organization, make_organization_member, make_user
from webapp.domain.session_tokens import token_hash
from webapp.features.accounts import queries_all_orgs
from webapp.features.accounts.password_hashes import hash_password
from webapp.models import BrowserSession, Event, User

PASSWORD = "seven boats on a quiet lake"
HASH = hash_password(PASSWORD)


@pytest.fixture
def minji(organization):
    """A member of organization one who can sign in by password."""
    user = make_user(email="minji@example.org", full_name="Minji Seo", password_hash=HASH)
    make_organization_member(organization_id=organization.id, user_id=user.id, role="member")
    return user


def sign_in(client, email="minji@example.org", password=PASSWORD, **more):
    return client.post("/sign-in", data={"email": email, "password": password, **more})


def cookie(response):
    return next((c for c in response.headers.getlist("Set-Cookie") if "ab_session=" in c), "")


def sessions_of(engine, user):
    with engine.connect() as connection:
        table = BrowserSession.__table__
        return connection.execute(sa.select(table).where(table.c.user_id == user.id).order_by(table.c.id)).all()


def test_the_right_password_opens_the_product(client, minji, owner_engine):
    answer = sign_in(client)
    assert (answer.status_code, answer.location) == (303, "/")
    (row,) = sessions_of(owner_engine, minji)
    token = cookie(answer).partition("=")[2].partition(";")[0]
    assert row.token_hash == token_hash(token) and len(token) == 43
    assert client.get("/profile").status_code == 200


def test_an_address_is_found_whatever_its_case(client, minji):
    assert sign_in(client, email="  MINJI@example.org ").status_code == 303


@pytest.mark.parametrize(
    ("email", "password"), [("minji@example.org", "seven boats on a quiet pond"), ("nobody@example.org", PASSWORD)]
)
def test_which_half_was_wrong_is_never_told(client, minji, email, password):
    answer = sign_in(client, email=email, password=password)
    assert answer.status_code == 422 and not cookie(answer)
    text = answer.text.replace(email, "")
    assert "The email or password is wrong. 4 tries left." in text
    assert password not in answer.text


def test_unknown_and_known_addresses_get_the_same_page(client, minji):
    known, unknown = (
        sign_in(client, password="wrong wrong wrong"),
        sign_in(client, "nobody@example.org", "wrong wrong wrong"),
    )
    assert known.text.replace("minji@", "nobody@") == unknown.text


def test_unknown_addresses_take_as_long_as_known_ones(client, minji):
    def seconds(email):
        started = time.perf_counter()
        sign_in(client, email=email, password="wrong wrong wrong")
        return time.perf_counter() - started

    sign_in(client, email="first@example.org", password="the hash of nobody is made once")
    known = min(seconds("minji@example.org") for _ in range(3))
    unknown = min(seconds(f"nobody{n}@example.org") for n in range(3))
    assert known / 2.5 < unknown < known * 2.5


@pytest.mark.parametrize("stored", ["!", "", "not a hash"])
def test_an_account_without_a_password_never_opens(client, organization, stored):
    user = make_user(email="sso@example.org", password_hash=stored)
    make_organization_member(organization_id=organization.id, user_id=user.id)
    for password in ("!", "not a hash", PASSWORD):
        assert sign_in(client, "sso@example.org", password).status_code == 422


def test_an_empty_password_is_not_tried(client, minji):
    answer = sign_in(client, password="")
    assert answer.status_code == 422 and "Enter your password." in answer.text


def test_a_deactivated_person_stays_outside_and_their_session_ends_at_once(client, minji, owner_engine):
    sign_in(client)
    with owner_engine.begin() as connection:
        connection.execute(sa.update(User.__table__).values(is_active=False))
    assert client.get("/profile").status_code == 303
    assert sign_in(client).status_code == 422


def test_somebody_without_an_organization_is_told_so_only_with_the_right_password(client, database):
    make_user(email="lone@example.org", password_hash=HASH)
    assert sign_in(client, "lone@example.org", "wrong wrong wrong").status_code == 422
    answer = sign_in(client, "lone@example.org")
    assert answer.status_code == 403 and "belongs to no organization" in answer.text and not cookie(answer)


def test_the_cookie_is_out_of_reach(client, minji):
    header = cookie(sign_in(client))
    assert "HttpOnly" in header and "SameSite=Lax" in header and "Path=/" in header and "Domain" not in header
    assert "Max-Age" not in header
    assert "Max-Age=5184000" in cookie(sign_in(client, remember="y"))


def test_behind_https_the_cookie_belongs_to_this_host_alone(database, tmp_path, minji):
    from webapp import create_app
    from webapp.extensions import db

    settings = replace(database, data_dir=tmp_path, database_owner_url="", public_url="https://builder.example.org")
    app = create_app(settings)
    try:
        client = app.test_client()
        answer = client.post(
            "/sign-in",
            data={"email": minji.email, "password": PASSWORD},
            base_url="https://builder.example.org",
            headers={"Sec-Fetch-Site": "same-origin"},
        )
    finally:
        with app.app_context():
            db.engine.dispose()
    header = cookie(answer)
    assert header.startswith("__Host-ab_session=") and "Secure" in header and "HttpOnly" in header
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_a_sign_in_makes_a_new_token_and_the_old_one_is_dead(client, minji, app):
    old = cookie(sign_in(client)).partition("=")[2].partition(";")[0]
    new = cookie(sign_in(client)).partition("=")[2].partition(";")[0]
    assert old != new
    thief = app.test_client()
    thief.set_cookie("ab_session", old)
    assert thief.get("/profile").status_code == 303
    assert client.get("/profile").status_code == 200


def test_a_token_that_came_with_the_request_is_never_adopted(client, minji):
    client.set_cookie("ab_session", "a" * 43)
    assert "a" * 43 not in cookie(sign_in(client))


def test_sign_out_ends_the_session_and_empties_the_browser(client, minji, app, owner_engine):
    token = cookie(sign_in(client)).partition("=")[2].partition(";")[0]
    answer = client.post("/sign-out")
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "ab_session=;" in cookie(answer)
    thief = app.test_client()
    thief.set_cookie("ab_session", token)
    assert thief.get("/profile").status_code == 303
    assert sessions_of(owner_engine, minji)[0].revoked_at is not None


def test_next_leads_back_but_never_away(client, minji):
    page = client.get("/sign-in?next=/profile")
    assert 'name="next" type="hidden" value="/profile"' in page.text
    assert sign_in(client, next="/profile").location == "/profile"
    for away in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/%2Fevil.example",
    ):
        assert 'value="/"' in client.get("/sign-in", query_string={"next": away}).text
        assert sign_in(client, next=away).location == "/"


def test_a_page_asks_to_sign_in_and_remembers_itself(client, minji):
    answer = client.get("/profile?done=password")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/profile?done%3Dpassword")
    part = client.get("/profile", headers={"HX-Request": "true", "HX-Target": "div#rows"})
    assert part.headers["HX-Redirect"].startswith("/sign-in") and part.status_code == 200


def test_the_sixth_wrong_try_waits_and_the_right_password_does_not_help(client, minji, app):
    for left in (4, 3, 2):
        assert f"{left} tries left" in sign_in(client, password="wrong wrong wrong").text
    assert "1 try left" in sign_in(client, password="wrong wrong wrong").text
    assert "0 tries left" in sign_in(client, password="wrong wrong wrong").text
    refused = sign_in(client)
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 60
    assert "Too many tries" in refused.text and not cookie(refused)


def test_an_unknown_address_is_limited_alike(client, minji):
    answers = [sign_in(client, "nobody@example.org", "wrong wrong wrong").status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]


def test_the_right_password_gives_the_tries_back(client, minji):
    for _ in range(4):
        sign_in(client, password="wrong wrong wrong")
    assert sign_in(client).status_code == 303
    assert "4 tries left" in sign_in(client, password="wrong wrong wrong").text


def test_an_account_is_limited_over_all_addresses_together(app, minji):
    codes = []
    for number in range(31):
        browser = app.test_client()
        browser.environ_base |= {"HTTP_SEC_FETCH_SITE": "same-origin", "REMOTE_ADDR": f"198.51.100.{number}"}
        codes.append(sign_in(browser, password="wrong wrong wrong").status_code)
    assert codes[:30] == [422] * 30 and codes[30] == 429


def test_a_forged_forwarded_address_gives_no_new_tries(client, minji):
    for number in range(5):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        client.post("/sign-in", data={"email": minji.email, "password": "wrong wrong wrong"}, headers=headers)
    assert sign_in(client).status_code == 429


def test_secrets_are_in_no_log(client, minji, caplog):
    caplog.set_level(logging.DEBUG)
    sign_in(client, password="canary wrong password")
    token = cookie(sign_in(client)).partition("=")[2].partition(";")[0]
    assert "sign-in refused" in caplog.text
    for secret in ("canary wrong password", PASSWORD, token):
        assert secret not in caplog.text


def test_a_line_break_in_the_address_makes_no_second_log_line(client, minji, caplog):
    sign_in(client, email="x@example.org\r\n2026 INFO all is well", password="wrong wrong wrong")
    assert "all is well" not in caplog.text


def test_a_sign_in_is_written_down(client, minji, organization, owner_engine):
    sign_in(client)
    client.post("/sign-out")
    with owner_engine.connect() as connection:
        rows = connection.execute(sa.select(Event.__table__).order_by(Event.__table__.c.sequence)).all()
    assert [(r.event_type, r.actor_id, r.organization_id) for r in rows] == [
        ("user.signed_in", minji.id, organization.id),
        ("user.signed_out", minji.id, organization.id),
    ]


def test_sessions_end_when_idle_and_in_any_case(client, minji, app):
    token = cookie(sign_in(client)).partition("=")[2].partition(";")[0]
    idle, now = timedelta(hours=336), datetime.now(UTC)

    def is_in(at, idle=idle):
        with app.app_context():
            from webapp.extensions import db

            found = queries_all_orgs.get_signed_in(db.session, token_hash(token), now=at, idle=idle)
            db.session.rollback()
            return found is not None

    assert is_in(now + idle - timedelta(minutes=1))
    assert not is_in(now + idle + timedelta(minutes=1))
    assert is_in(now + timedelta(days=59), idle=timedelta(days=900))
    assert not is_in(now + timedelta(days=60, minutes=1), idle=timedelta(days=900))


def test_the_organization_is_the_first_by_name_until_another_is_chosen(client, minji, organization, owner_engine):
    zebra = make_organization(name="Zebra")
    make_organization_member(organization_id=zebra.id, user_id=minji.id, role="viewer")
    sign_in(client)
    assert sessions_of(owner_engine, minji)[0].organization_id == organization.id
    assert client.post("/switch-organization", data={"organization_id": zebra.id}).location == "/"
    assert "Zebra" in client.get("/organization/").text
    foreign = make_organization(name="Globex")
    for wanted in (foreign.id, "nonsense", ""):
        assert client.post("/switch-organization", data={"organization_id": wanted}).status_code == 404
    assert "Globex" not in client.get("/organization/").text


def test_a_field_that_comes_twice_is_refused(client, minji):
    answer = client.post("/sign-in", data={"email": [minji.email, "b@example.org"], "password": PASSWORD})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "body", [{}, {"email": "x"}, {"email": "\0", "password": "\0" * 300}, {"email": "é" * 9_999, "password": "p"}]
)
def test_strange_input_is_refused_and_not_fatal(client, minji, body):
    assert client.post("/sign-in", data=body).status_code == 422


def test_other_fields_change_nothing(client, minji, owner_engine):
    sign_in(client, organization_id="1", role="owner", is_active="0", user_id="2")
    (row,) = sessions_of(owner_engine, minji)
    with owner_engine.connect() as connection:
        role = connection.scalar(sa.text("SELECT role FROM organization_members WHERE user_id = :id"), {"id": minji.id})
    assert role == "member" and row.user_id == minji.id


def test_before_the_first_run_the_page_leads_to_it(client, database):
    assert client.get("/sign-in").location == "/setup"
