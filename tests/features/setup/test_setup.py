"""The first run: once, from here or with the printed token, all in one transaction."""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.config import setup_token
from webapp.domain.api_keys import read_key
from webapp.domain.errors import Conflict, Invalid
from webapp.features.setup.access import is_from_this_machine, is_token
from webapp.features.setup.operations import create_first_admin
from webapp.models import ApiKey, BrowserSession, Event, Organization, OrganizationMember, User

FORM = {
    "full_name": "Minji Seo",
    "email": "Minji@Hanbit.Example",
    "password": "seven boats on a quiet lake",
    "organization_name": "한빛 Logistics",
    "timezone": "Asia/Seoul",
}
AWAY = {"REMOTE_ADDR": "198.51.100.7"}


def count(engine, model=User):
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(model.__table__))


def key_on(page):
    return re.search(r'<code id="api-key">(ab_live_\w{8}_[\w-]{43})</code>', page.text)[1]


def test_everything_else_leads_to_the_first_run(client):
    assert client.get("/sign-in").location == "/setup"
    assert client.get("/profile", follow_redirects=True).request.path == "/setup"


def test_one_form_makes_admin_organization_and_key(client, owner_engine):
    answer = client.post("/setup", data=FORM)
    assert answer.status_code == 201
    key = read_key(key_on(answer))
    with Session(owner_engine) as session:
        user, organization = session.scalars(sa.select(User)).one(), session.scalars(sa.select(Organization)).one()
        member, stored = session.scalars(sa.select(OrganizationMember)).one(), session.scalars(sa.select(ApiKey)).one()
        browser = session.scalars(sa.select(BrowserSession)).one()
        events = session.scalars(sa.select(Event.event_type).order_by(Event.sequence)).all()
    assert (user.email, user.full_name, user.role) == ("minji@hanbit.example", "Minji Seo", "admin")
    assert user.password_hash.startswith("$argon2id$")
    assert (organization.name, organization.timezone, organization.owner_id) == (
        "한빛 Logistics",
        "Asia/Seoul",
        user.id,
    )
    assert (member.user_id, member.organization_id, member.role) == (user.id, organization.id, "owner")
    assert stored.key_id == key.key_id and key.proves(stored.secret_hash)
    assert stored.scopes == ["ingest", "read", "flows:write"]
    assert (browser.user_id, browser.organization_id) == (user.id, organization.id)
    assert events == ["organization.created", "api_key.created", "user.signed_in"]


def test_the_key_is_shown_once_and_the_person_is_signed_in(client):
    answer = client.post("/setup", data=FORM)
    key = key_on(answer)
    later = client.get("/welcome")
    assert later.status_code == 200 and "한빛 Logistics" in later.text
    assert key not in later.text and read_key(key).secret not in later.text


def test_the_page_with_the_key_is_neither_compressed_nor_kept(client):
    answer = client.post("/setup", data=FORM, headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers.get("Content-Encoding", "identity") == "identity"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Location" not in answer.headers
    ordinary = client.get("/welcome", headers={"Accept-Encoding": "br, gzip"})
    assert ordinary.headers["Content-Encoding"] in ("br", "gzip")


def test_no_secret_reaches_a_log(client, caplog):
    caplog.set_level(logging.DEBUG)
    key = key_on(client.post("/setup", data=FORM))
    assert FORM["password"] not in caplog.text and read_key(key).secret not in caplog.text


def test_the_second_run_is_refused(client, app, owner_engine):
    client.post("/setup", data=FORM)
    stranger = app.test_client()
    stranger.environ_base |= {"HTTP_SEC_FETCH_SITE": "same-origin", "REMOTE_ADDR": "127.0.0.1"}
    assert stranger.get("/setup").location == "/sign-in"
    again = stranger.post("/setup", data=FORM | {"email": "evil@example.org"})
    assert again.status_code == 409 and "set up already" in again.text
    assert count(owner_engine) == 1


def test_the_same_form_again_by_reload_only_shows_the_page(client, owner_engine):
    client.post("/setup", data=FORM)
    assert client.post("/setup", data=FORM).location == "/welcome"
    assert client.get("/setup").location == "/welcome"
    assert count(owner_engine, Organization) == 1


def test_of_many_at_once_exactly_one_wins(app_engine, owner_engine):
    def run(number):
        try:
            with Session(app_engine) as session, session.begin():
                create_first_admin(session, f"p{number}@example.org", "seven boats on a quiet lake", f"Org {number}")
        except Conflict:
            return "refused"
        return "made"

    with ThreadPoolExecutor(4) as pool:
        results = sorted(pool.map(run, range(4)))
    assert results == ["made", "refused", "refused", "refused"]
    assert count(owner_engine) == count(owner_engine, Organization) == count(owner_engine, ApiKey) == 1


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"email": "nobody"}, "Enter an email address"),
        ({"password": "short"}, "Use at least 12 characters"),
        ({"password": "password1234"}, "guessed"),
        ({"password": "minji@hanbit.example"}, "may not be your email address"),
        ({"password": ""}, "Enter a password"),
        ({"organization_name": "  "}, "Name your organization"),
        ({"organization_name": "a\r\nb"}, "control characters"),
        ({"full_name": ""}, "Enter your name"),
        ({"timezone": "Mars/Olympus"}, "Not a valid choice"),
    ],
)
def test_wrong_input_is_told_and_nothing_is_made(client, owner_engine, wrong, sentence):
    answer = client.post("/setup", data=FORM | wrong)
    assert answer.status_code == 422 and sentence in answer.text
    assert FORM["password"] not in answer.text
    assert count(owner_engine) == count(owner_engine, Organization) == 0


def test_from_elsewhere_the_printed_token_is_needed(client, app, owner_engine):
    token = setup_token(app.config["SETTINGS"].data_dir)
    for given in ("", "wrong", token[:-1], token + "x", "é"):
        assert client.get("/setup", query_string={"token": given}, environ_base=AWAY).status_code == 403
        assert client.post("/setup", data=FORM | {"token": given}, environ_base=AWAY).status_code == 403
    assert count(owner_engine) == 0
    page = client.get("/setup", query_string={"token": token}, environ_base=AWAY)
    assert page.status_code == 200 and f'value="{token}"' in page.text
    assert client.post("/setup", data=FORM | {"token": token}, environ_base=AWAY).status_code == 201
    assert client.get("/setup", query_string={"token": token}, environ_base=AWAY).status_code == 303


@pytest.mark.parametrize("claim", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Host", "Via"])
def test_no_header_makes_a_request_local(client, claim):
    assert client.get("/setup", headers={claim: "127.0.0.1"}, environ_base=AWAY).status_code == 403
    assert client.get("/setup", headers={claim: "127.0.0.1"}).status_code == 403


@pytest.mark.parametrize(
    ("request_", "is_local"),
    [
        ({}, True),
        ({"remote": "::1", "host": "[::1]:8000"}, True),
        ({"remote": "::ffff:127.0.0.1"}, True),
        ({"host": "localhost"}, True),
        ({"remote": "10.0.0.9"}, False),
        ({"remote": None}, False),
        ({"remote": "unix:"}, False),
        ({"host": "builder.example.org"}, False),
        ({"host": "127.0.0.1.evil.example"}, False),
        ({"host": "[::1"}, False),
        ({"public_url": "https://builder.example.org"}, False),
        ({"headers": {"X-Forwarded-For": "203.0.113.9"}}, False),
    ],
)
def test_what_counts_as_this_machine(request_, is_local):
    usual = {"remote": "127.0.0.1", "host": "localhost:8000", "headers": {}, "public_url": ""}
    assert is_from_this_machine(**usual | request_) is is_local


def test_an_empty_token_is_never_right():
    assert not is_token("", "") and not is_token(None, "") and not is_token(None, "x") and is_token("x", "x")


def test_the_command_line_makes_the_same(app_engine, owner_engine):
    with Session(app_engine) as session, session.begin():
        first = create_first_admin(session, " Ops@Example.org ", "seven boats on a quiet lake", "Ops")
    assert read_key(first.api_key) and first.api_key not in repr(first)
    with Session(owner_engine) as session:
        assert session.scalars(sa.select(User.email)).one() == "ops@example.org"
        assert session.get(Organization, first.organization_id).timezone == "UTC"


@pytest.mark.parametrize(
    "wrong",
    [{"email": "x"}, {"password": "short"}, {"organization_name": ""}, {"organization_name": "a\nb"},
     {"organization_name": "x" * 256}, {"timezone": "Nowhere"}],
)  # fmt: skip
def test_the_operation_checks_for_itself(app_engine, owner_engine, wrong):
    good = {"email": "a@example.org", "password": "seven boats on a quiet lake", "organization_name": "A"}
    with pytest.raises(Invalid), Session(app_engine) as session, session.begin():
        create_first_admin(session, **good | wrong)
    assert count(owner_engine) == 0


def test_with_the_database_down_nothing_is_open(database, tmp_path):
    from webapp import create_app

    broken = "postgresql://nobody:x@127.0.0.1:9/none"
    app = create_app(replace(database, data_dir=tmp_path, database_url=broken, database_owner_url=""))
    client = app.test_client()
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    client.set_cookie("ab_session", "a" * 43)
    for answer in (
        client.get("/setup"),
        client.get("/profile"),
        client.post("/setup", data=FORM),
        client.get("/sign-in"),
    ):
        assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0
