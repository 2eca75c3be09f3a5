"""The worker process: takes jobs from the queue and outlives restarts of the database.

The queue is Procrastinate; only this module and ``queue.py`` know it.
"""

from __future__ import annotations

import asyncio
import functools
import logging

import procrastinate
import sqlalchemy
from procrastinate import JobContext, exceptions
from procrastinate.jobs import Status

from webapp.config import Settings
from webapp.jobs.queue import QUEUE
from webapp.jobs.registry import TASKS, Task, use_settings

CONCURRENCY = 3
HEARTBEAT_SECONDS = 5
STALLED_SECONDS = 30  # without a heartbeat a worker counts as dead and its jobs are started again
SHUTDOWN_SECONDS = 4
RETRY_SECONDS = 1
FAILED_KEPT_HOURS = 14 * 24

log = logging.getLogger("agenticbuilder.worker")


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. A lost database is tried again each second; jobs in hand start anew later."""
    import webapp.jobs.tasks  # noqa: F401 - registers them

    use_settings(settings)
    engine = sqlalchemy.create_engine(
        settings.database_url,
        pool_size=CONCURRENCY + 1,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={
            "application_name": "agenticbuilder worker",
            "options": "-c statement_timeout=300000 -c idle_in_transaction_session_timeout=300000 -c timezone=UTC",
        },
    )
    asyncio.run(_run_for_ever(settings.database_url, engine))


async def _run_for_ever(url: str, engine: sqlalchemy.Engine) -> None:
    complained = False
    while True:
        app = build_queue(url, engine)
        try:
            async with app.open_async():
                complained = False
                await app.run_worker_async(
                    queues=[QUEUE],
                    name="agenticbuilder",
                    concurrency=CONCURRENCY,
                    delete_jobs="successful",
                    shutdown_graceful_timeout=SHUTDOWN_SECONDS,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=STALLED_SECONDS,
                    fetch_job_polling_interval=2,
                )
            return
        except (exceptions.ConnectorException, OSError) as error:
            if not complained:
                log.warning("database lost (%s); trying again", str(error.__cause__ or error).split("\n")[0])
            complained = True
            await asyncio.sleep(RETRY_SECONDS)


def build_queue(url: str, engine: sqlalchemy.Engine) -> procrastinate.App:
    """The queue with every registered task, and the rescue of jobs whose worker died."""
    pool = {"min_size": 1, "max_size": 3, "timeout": 5, "reconnect_timeout": 5}
    connector = procrastinate.PsycopgConnector(
        conninfo=url, kwargs={"application_name": "agenticbuilder queue"}, **pool
    )
    app = procrastinate.App(connector=connector)
    for each in TASKS.values():
        _register(app, each, engine)
    rescue = app.task(name="rescue_stalled_jobs", queue=QUEUE, pass_context=True, queueing_lock="rescue_stalled_jobs")
    app.periodic(cron="* * * * *")(rescue(_rescue_stalled_jobs))
    forget = app.task(name="forget_failed_jobs", queue=QUEUE, pass_context=True, queueing_lock="forget_failed_jobs")
    app.periodic(cron="23 4 * * *")(forget(_forget_failed_jobs))
    return app


def _register(app: procrastinate.App, each: Task, engine: sqlalchemy.Engine) -> None:
    @functools.wraps(each.function)
    def call(timestamp: int | None = None, **ids: object) -> None:
        each.function(engine, **ids)

    # One of a kind at a time, and none waits twice: a slow round must not pile up behind itself.
    alone = {"lock": each.name, "queueing_lock": each.name} if each.every else {}
    retry = (
        procrastinate.RetryStrategy(max_attempts=each.attempts - 1, exponential_wait=5) if each.attempts > 1 else False
    )
    registered = app.task(name=each.name, queue=QUEUE, retry=retry if each.attempts > 1 else False, **alone)(call)
    if each.every:
        app.periodic(cron=each.every)(registered)


async def _rescue_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Give jobs of dead workers back to the queue. This task itself takes no lock, so nothing can hold it up."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        if job.id is None or job.id == context.job.id:
            continue
        try:
            await manager.retry_job(job)
        except exceptions.UniqueViolation:  # its successor waits already
            await manager.finish_job_by_id_async(job_id=job.id, status=Status.ABORTED, delete_job=True)


async def _forget_failed_jobs(context: JobContext, timestamp: int) -> None:
    """Successful jobs go at once; failed ones stay for a while, so that an operator can read them."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=FAILED_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
