"""What people say about failures: once, escaped, with mentions that tell members and nobody else."""

from __future__ import annotations

import sqlalchemy as sa

from tests.factories.accounts import make_organization_member, make_user

HOSTILE = "<img src=x onerror=alert(1)> {{ 7*7 }}\nsecond line 한국어"


def comments(owner_engine):
    with owner_engine.connect() as connection:
        stmt = "SELECT id, body, mentions, deleted_at IS NOT NULL FROM comments ORDER BY created_at, id"
        return [tuple(row) for row in connection.execute(sa.text(stmt))]


def test_said_once_and_shown_as_text(as_mia, as_bob, make_failure, owner_engine, read_events):
    one = make_failure()
    for _ in range(2):
        answer = as_mia.post(f"/failures/{one}/comments", data={"body": HOSTILE})
        assert answer.status_code == 303 and answer.location == f"/failures/{one}#comments"
    assert len(comments(owner_engine)) == 1
    page = as_bob.get(f"/failures/{one}").text
    assert "<img" not in page and "&lt;img src=x" in page and "{{ 7*7 }}" in page and "Mia Kang" in page
    [(name, payload)] = read_events(one)
    assert name == "failure.commented" and "img" not in str(payload)


def test_mentions_tell_members_once(as_mia, make_failure, alice, mia, bob, charlie, told, owner_engine):
    one = make_failure(owner_id=bob.id)
    as_mia.post(f"/failures/{one}/comments", data={"body": "@alice@example.org and @Alice, see @charlie@example.org"})
    assert [title.split(" in F-")[0] for title in told(alice)] == ["Mia Kang mentioned you"]
    assert told(charlie) == [] and told(mia) == []
    assert "commented on F-" in told(bob)[0]
    [(id_, _, mentions, _)] = comments(owner_engine)
    assert mentions == [str(alice.id)]
    as_mia.post(f"/failures/{one}/comments/{id_}", data={"body": "now @bob too, @alice"})
    assert len(told(alice)) == 1 and "mentioned you" in told(bob)[-1]


def test_a_name_that_two_have_tells_nobody(as_mia, make_failure, organization, alice, told):
    twin = make_user(email="alice2@example.org", username="alice2", full_name="Alice")
    make_organization_member(organization_id=organization.id, user_id=twin.id, role="member")
    as_mia.post(f"/failures/{make_failure()}/comments", data={"body": "hello @Alice2 and write to x@alice.example"})
    assert len(told(twin)) == 1 and told(alice) == []


def test_only_its_author_changes_and_deletes_it(as_mia, as_alice, as_charlie, as_bob, make_failure, owner_engine):
    one = make_failure()
    as_mia.post(f"/failures/{one}/comments", data={"body": "first words"})
    [(id_, *_)] = comments(owner_engine)
    for path, data in ((f"{id_}", {"body": "changed"}), (f"{id_}/delete", {})):
        assert as_alice.post(f"/failures/{one}/comments/{path}", data=data).status_code == 403
        assert as_bob.post(f"/failures/{one}/comments/{path}", data=data).status_code == 403
        assert as_charlie.post(f"/failures/{one}/comments/{path}", data=data).status_code == 404
        assert as_mia.post(f"/failures/{make_failure()}/comments/{path}", data=data).status_code == 404
    as_mia.post(f"/failures/{one}/comments/{id_}", data={"body": "changed"})
    assert ", changed" in as_alice.get(f"/failures/{one}").text
    assert as_mia.post(f"/failures/{one}/comments/{id_}/delete").status_code == 303
    assert comments(owner_engine) == [(id_, "", [], True)]
    assert "changed</p>" not in as_alice.get(f"/failures/{one}").text


def test_what_cannot_be_said(as_mia, make_failure):
    one = make_failure()
    assert as_mia.post(f"/failures/{one}/comments", data={"body": " "}).status_code == 422
    answer = as_mia.post(f"/failures/{one}/comments", data={"body": "x" * 10_001})
    assert answer.status_code == 422 and "longer than 10,000" in answer.text and "x" * 10_001 in answer.text
