"""The worker runs what was queued, and gives stalled jobs back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import procrastinate
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from webapp.config import Settings
from webapp.jobs import worker
from webapp.jobs.queue import enqueue
from webapp.jobs.registry import TASKS, task


@pytest.fixture
def done(app_engine: Engine) -> Iterator[list[str]]:
    """A task that notes its argument; when it gets 'fail' it raises."""
    calls: list[str] = []

    @task("note", attempts=2)
    def note(engine: Engine, word: str) -> None:
        calls.append(word)
        if word == "fail":
            raise RuntimeError("as told")

    yield calls
    del TASKS["note"]


def _run(settings: Settings, engine: Engine) -> None:
    """Work off what waits, then end."""

    async def work() -> None:
        app: procrastinate.App = worker.build_queue(settings.database_url, engine)
        async with app.open_async():
            await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    asyncio.run(work())


def _jobs(engine: Engine) -> list[tuple[str, str]]:
    query = "SELECT args ->> 'word', status::text FROM procrastinate_jobs WHERE task_name = 'note' ORDER BY id"
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_runs_what_was_queued(database: Settings, app_engine: Engine, owner_engine: Engine, done: list[str]) -> None:
    with Session(app_engine) as session, session.begin():
        enqueue(session, "note", word="a")
        enqueue(session, "note", word="b")
    _run(database, app_engine)
    assert sorted(done) == ["a", "b"]
    assert {status for _, status in _jobs(owner_engine)} == {"succeeded"}


def test_a_failed_job_waits_for_its_next_attempt(
    database: Settings, app_engine: Engine, owner_engine: Engine, done: list[str]
) -> None:
    with Session(app_engine) as session, session.begin():
        enqueue(session, "note", word="fail")
    _run(database, app_engine)
    assert _jobs(owner_engine) == [("fail", "todo")]


def test_a_job_of_a_killed_worker_runs_again(
    database: Settings, app_engine: Engine, owner_engine: Engine, done: list[str]
) -> None:
    with Session(app_engine) as session, session.begin():
        enqueue(session, "note", word="a")
    with owner_engine.begin() as connection:  # what SIGKILL leaves behind: taken, and no heartbeat for a while
        long_ago = (
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 minutes') RETURNING id"
        )
        worker_id = connection.scalar(text(long_ago))
        taken = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker"
        connection.execute(text(taken), {"worker": worker_id})
    with Session(app_engine) as session, session.begin():
        enqueue(session, "rescue_stalled_jobs", timestamp=0)
    _run(database, app_engine)
    _run(database, app_engine)
    assert done == ["a"]
    assert _jobs(owner_engine) == [("a", "succeeded")]


def test_a_stalled_job_whose_successor_waits_is_given_up(
    database: Settings, app_engine: Engine, owner_engine: Engine, done: list[str]
) -> None:
    with Session(app_engine) as session, session.begin():
        enqueue(session, "note", once="note", word="old")
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    with Session(app_engine) as session, session.begin():
        enqueue(session, "note", once="note", word="new", not_before=datetime.now(UTC) + timedelta(hours=1))
        enqueue(session, "rescue_stalled_jobs", timestamp=0)
    _run(database, app_engine)
    assert done == []
    assert _jobs(owner_engine) == [("new", "todo")]
