"""Put a job into the queue within the caller's transaction: it exists exactly if the caller's rows do."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

QUEUE = "default"

_DEFER = text("""
    SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[
        ROW(:queue, :task, :priority, NULL, :once, cast(:arguments AS jsonb), :not_before)
            ::procrastinate_job_to_defer_v1
    ]))
""")
_WAITING = text("SELECT id FROM procrastinate_jobs WHERE queueing_lock = :once AND status = 'todo'")


def enqueue(
    session: Session,
    task: str,
    /,
    *,
    once: str | None = None,
    not_before: datetime | None = None,
    priority: int = 0,
    **ids: str | int | UUID | None,
) -> int:
    """Queue one call of ``task`` and give the job's id.

    Arguments are ids, never payload: a job may be read by an operator and outlives what it speaks of. With ``once``
    nothing is added while a job of that key waits; that one's id is given. Cost: one or two statements.
    """
    if once is not None and (waiting := session.execute(_WAITING, {"once": once}).scalar()) is not None:
        return waiting
    arguments = json.dumps({name: str(value) if isinstance(value, UUID) else value for name, value in ids.items()})
    parameters = {"queue": QUEUE, "task": task, "priority": priority, "once": once}
    return session.execute(_DEFER, parameters | {"arguments": arguments, "not_before": not_before}).scalar_one()
