"""Behind the bell: one's own notifications in the present organization, read one by one or all at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.factories.system import make_notification
from webapp.database.tenancy import organization_session
from webapp.domain.paging import Cursor
from webapp.features.notifications import operations, queries


def tell(user, count=1, **more):
    now = datetime.now(UTC)
    return [
        make_notification(
            user_id=user.id, title=f"Alert {n}", kind="alert", created_at=now - timedelta(minutes=n), **more
        )
        for n in range(count)
    ]


def test_unread_ones_are_shown_counted_and_marked(client_as, bob, organization):
    one, two = tell(bob, 2, link="/executions?status=failed", body="94 runs failed")
    browser = client_as(bob)
    page = browser.get("/notifications").text
    assert "Alert 0" in page and 'href="/executions?status=failed"' in page and "Notifications, 2 unread" in page
    assert browser.post(f"/notifications/{one.id}/read").status_code == 303
    page = browser.get("/notifications").text
    assert "Alert 0" not in page and "Alert 1" in page and "Notifications, 1 unread" in page
    assert browser.post("/notifications/read").status_code == 303
    page = browser.get("/notifications").text
    assert "Nothing unread" in page and 'aria-label="Notifications"' in page
    page = browser.get("/notifications?show=all").text
    assert "Alert 0" in page and "Alert 1" in page and page.count("(read)") == 2


def test_nobody_reads_or_marks_another_persons(client, client_as, alice, charlie, bob, owner_engine):
    (one,) = tell(bob)
    assert client.get("/notifications").status_code == 303
    for other in (alice, charlie):
        browser = client_as(other)
        assert "Alert 0" not in browser.get("/notifications?show=all").text
        assert browser.post(f"/notifications/{one.id}/read").status_code == 404
        browser.post("/notifications/read")
    with owner_engine.connect() as connection:
        assert connection.scalar(text("SELECT read_at FROM notifications")) is None


def test_pages_follow_each_other_without_gaps(app_engine, bob, organization):
    tell(bob, 120)
    titles, cursor = [], None
    with organization_session(app_engine, organization.id) as session:
        while True:
            page = queries.list_page(session, organization.id, bob.id, is_unread_only=False, cursor=cursor)
            titles += [row.title for row in page.rows]
            if page.older is None:
                break
            cursor = Cursor.decode(page.older)
        assert titles == [f"Alert {n}" for n in range(120)]
        back = queries.list_page(
            session, organization.id, bob.id, is_unread_only=False, cursor=Cursor.decode(page.newer)
        )
        assert [row.title for row in back.rows] == titles[50:100]
        assert queries.count_unread(session, organization.id, bob.id) == 100


@pytest.mark.parametrize("count", [1, 30])
def test_statements_do_not_grow(count, client_as, bob, count_queries, organization):
    tell(bob, count)
    browser = client_as(bob)
    with count_queries() as seen:
        browser.get("/notifications")
    assert len(seen) == 3, seen


def test_a_notification_links_inside_the_product_only(app_engine, bob, organization):
    with organization_session(app_engine, organization.id) as session:
        for link in ("https://evil.example", "//evil.example", "javascript:alert(1)", "/\\evil.example"):
            with pytest.raises(ValueError, match="inside the product"):
                operations.notify(session, organization.id, bob.id, kind="alert", title="x", link=link)
        operations.notify(session, organization.id, bob.id, kind="alert", title="x" * 400, link="/executions")
        assert queries.count_unread(session, organization.id, bob.id) == 1


def test_hostile_titles_stay_text_and_a_damaged_cursor_is_refused(client_as, bob):
    make_notification(user_id=bob.id, title="<b onclick=alert(1)>", body="<script>alert(1)</script>", kind="alert")
    browser = client_as(bob)
    page = browser.get("/notifications").text
    assert "<b onclick" not in page and "<script>alert" not in page
    assert browser.get("/notifications?cursor=!!").status_code == 422
