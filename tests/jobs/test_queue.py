"""A job exists exactly if the transaction that queued it was committed."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from webapp.jobs.queue import enqueue

WAITING = text("SELECT task_name, args, status::text, priority FROM procrastinate_jobs ORDER BY id")


def test_a_rollback_takes_the_job_with_it(app_engine: Engine, owner_engine: Engine) -> None:
    with Session(app_engine) as session:
        enqueue(session, "mail", user_id=UUID(int=7))
        session.rollback()
        enqueue(session, "mail", user_id=UUID(int=8), attempt=2)
        session.commit()
    with owner_engine.connect() as connection:
        assert connection.execute(WAITING).all() == [("mail", {"user_id": str(UUID(int=8)), "attempt": 2}, "todo", 0)]


def test_a_job_that_waits_already_is_not_queued_twice(app_engine: Engine, owner_engine: Engine) -> None:
    with Session(app_engine) as session, session.begin():
        first = enqueue(session, "remap", once="remap 1")
        assert enqueue(session, "remap", once="remap 1") == first
        assert enqueue(session, "remap", once="remap 2") != first
    with owner_engine.connect() as connection:
        assert len(connection.execute(WAITING).all()) == 2


def test_arguments_are_ids_and_no_payload(app_engine: Engine) -> None:
    with Session(app_engine) as session, pytest.raises(TypeError):
        enqueue(session, "mail", body={1, 2})  # type: ignore[arg-type]
