"""A page cannot write, whatever its code tries, and its statements stay prepared from one request to the next."""

from __future__ import annotations

from sqlalchemy import text

from tests.factories.system import make_notification
from webapp.features.notifications import queries


def test_a_get_that_tries_to_write_fails_and_changes_nothing(client_as, bob, owner_engine, monkeypatch):
    make_notification(user_id=bob.id, title="stays", kind="alert")
    real = queries.list_page

    def careless(session, *args, **more):
        session.execute(text("DELETE FROM notifications"))
        return real(session, *args, **more)

    monkeypatch.setattr(queries, "list_page", careless)
    assert client_as(bob).get("/notifications").status_code == 500
    with owner_engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM notifications")) == 1


def test_a_write_after_a_read_on_the_same_connection_still_works(client_as, bob):
    make_notification(user_id=bob.id, title="one", kind="alert")
    browser = client_as(bob)
    for _ in range(3):
        assert browser.get("/notifications").status_code == 200
        assert browser.post("/notifications/read").status_code == 303
    assert "Nothing unread" in browser.get("/notifications").text


def test_statements_of_a_page_are_planned_once_and_not_for_each_request(client_as, bob, app_engine):
    app_engine.dispose()
    browser = client_as(bob)
    for _ in range(8):
        browser.get("/notifications")
    with app_engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_prepared_statements")) >= 3
