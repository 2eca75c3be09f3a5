"""The chain of events: numbered without gaps, closed by hashes, added to by many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.database.tenancy import organization_session
from webapp.features.events.operations import FIRST, AuthorId, record
from webapp.features.events.queries import get_first_broken
from webapp.models import Event, new_id


def add(app_engine, organization, count=1, user_id=None):
    for _ in range(count):
        with organization_session(app_engine, organization.id) as session:
            record(session, AuthorId(organization.id, user_id), "thing", new_id(), "thing.done", {"b": 1, "a": "한글"})


def first_broken(app_engine, organization):
    with organization_session(app_engine, organization.id) as session:
        return get_first_broken(session, organization.id)


def test_each_organization_counts_its_own(app_engine, organization, other_organization):
    add(app_engine, organization, 3)
    add(app_engine, other_organization, 2)
    with organization_session(app_engine, organization.id) as session:
        events = session.scalars(sa.select(Event).order_by(Event.sequence)).all()
        assert [e.sequence for e in events] == [1, 2, 3]
        assert [e.previous_hash for e in events] == [FIRST, events[0].hash, events[1].hash]
        assert {e.actor_kind for e in events} == {"system"}
    assert first_broken(app_engine, organization) is first_broken(app_engine, other_organization) is None


def test_writers_at_once_leave_no_gap(app_engine, organization):
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: add(app_engine, organization, 5), range(6)))
    with organization_session(app_engine, organization.id) as session:
        assert list(session.scalars(sa.select(Event.sequence).order_by(Event.sequence))) == list(range(1, 31))
    assert first_broken(app_engine, organization) is None


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE event_store SET payload = '{\"a\": 2}' WHERE sequence = 2",
        "UPDATE event_store SET actor_id = gen_random_uuid() WHERE sequence = 2",
        "UPDATE event_store SET occurred_at = occurred_at + interval '1 microsecond' WHERE sequence = 2",
        "DELETE FROM event_store WHERE sequence = 2",
    ],
)
def test_what_was_changed_behind_our_back_is_found(app_engine, owner_engine, organization, tampering):
    add(app_engine, organization, 3)
    with owner_engine.begin() as connection:
        connection.execute(sa.text(tampering))
    assert first_broken(app_engine, organization) == 2


@pytest.mark.parametrize("statement", ["UPDATE event_store SET payload = '{}'", "DELETE FROM event_store"])
def test_the_application_can_neither_change_nor_remove(app_engine, organization, statement):
    add(app_engine, organization)
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), Session(app_engine) as session:
        session.execute(sa.text(statement))
