"""Executions with all their steps, sent through the real ingest as the demo sends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.factories.security import make_api_key
from webapp.database.partitions import ensure_months
from webapp.database.tenancy import organization_session
from webapp.demo.causes import Moments
from webapp.demo.fill import Sender, send
from webapp.demo.plans import make_plans
from webapp.demo.schedule import schedule
from webapp.demo.traces import Trace, make_trace
from webapp.features.rollups.operations import rebuild
from webapp.features.rollups.operations_blocks import rebuild_blocks
from webapp.ingest.prices import seed_prices

ZONE = ZoneInfo("Europe/Berlin")


def make_traces(now: datetime, count: int, *, seed: int = 1, days: int = 3, flows: int = 4) -> list[Trace]:
    """Traces of the demo's flows over the last days, the same for the same seed."""
    local = now.astimezone(ZONE)
    planned = schedule(make_plans(flows, 1), number=count, days=days, now=local, seed=seed)
    return [make_trace(one, now=local, moments=Moments.before(local), seed=seed) for one in planned]


def make_sender(owner_engine: Engine, app_engine: Engine, organization_id: UUID, now: datetime) -> Sender:
    """A key to send with; prices and months are there afterwards."""
    with Session(owner_engine) as session, session.begin():
        seed_prices(session)
    ensure_months(app_engine, (now - timedelta(days=40)).date(), now.date())
    return Sender(make_api_key(organization_id=organization_id).row.id, organization_id)


def send_each(app_engine: Engine, sender: Sender, traces: Sequence[Trace]) -> None:
    """Each trace as an export of its own, at the time it tells of."""
    for trace in traces:
        send(app_engine, sender, [trace], now=datetime.fromtimestamp(trace.end_ns / 1e9, UTC))


def halves(trace: Trace) -> tuple[Trace, Trace]:
    """A trace in two exports, the root in the second."""
    *inner, root = trace.spans
    return replace(trace, spans=inner[::2]), replace(trace, spans=[*inner[1::2], root])


def sum_up(app_engine: Engine, organization_id: UUID, *, rounds: int = 1000) -> None:
    """Bring all sums up to date; with few rounds only some of the hours."""
    with organization_session(app_engine, organization_id) as session:
        while rebuild(session, organization_id):
            pass
    for _ in range(rounds):
        with organization_session(app_engine, organization_id) as session:
            if not rebuild_blocks(session, organization_id, is_patient=False):
                return
