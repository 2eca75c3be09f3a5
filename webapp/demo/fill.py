"""Send the demo's traces through the real ingest path, past months first, with the clock of the time they tell of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from webapp.database.partitions import ensure_months
from webapp.database.tenancy import organization_session
from webapp.demo.causes import Moments
from webapp.demo.flows import add_flows
from webapp.demo.plans import PLANS, make_plans
from webapp.demo.schedule import Planned, schedule
from webapp.demo.traces import Trace, make_trace, unfinished
from webapp.demo.wire import export
from webapp.domain.api_keys import Scope
from webapp.domain.errors import Conflict
from webapp.features.api_keys.operations import add_key
from webapp.features.events.operations import AuthorId
from webapp.features.rollups.operations import rebuild
from webapp.ingest.spans import spans_of
from webapp.ingest.store import ingest
from webapp.models import ApiKey, Organization

KEY_NAME = "Demo data"
BATCH_SPANS = 512
BATCH_TIME = timedelta(hours=3)
"""One export holds at most this much of the past, so that the time of arrival stays near the time of the work."""
PER_DAY = 75
RUNNING = 3
TRANSIT = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Demo:
    """What to make: about ``executions`` (None: 75 a day) of ``flows`` flows over ``days``, the same for a seed."""

    days: int = 90
    executions: int | None = None
    flows: int = len(PLANS)
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Filled:
    """What was stored."""

    executions: int
    spans: int


@dataclass(frozen=True, slots=True)
class Sender:
    """The key that the demo's exports come with."""

    id: UUID
    organization_id: UUID


def fill(
    engine: Engine, organization_id: UUID, user_id: UUID | None, demo: Demo, *, now: datetime, say: Callable[[str], Any]
) -> Filled:
    """Fill an organization; each export is its own transaction, as it would be over HTTP.

    Raises:
        Conflict: the organization has demo data already.
    """
    with organization_session(engine, organization_id) as session:
        sender = _make_sender(session, organization_id, user_id, now)
        zone = session.scalars(select(Organization.timezone).where(Organization.id == organization_id)).one()
    local = now.astimezone(ZoneInfo(zone))
    wanted = demo.executions or demo.days * PER_DAY
    planned = schedule(make_plans(demo.flows, demo.seed), number=wanted, days=demo.days, now=local, seed=demo.seed)
    first_day = (local - timedelta(days=demo.days + 1)).date()
    ensure_months(engine, first_day, now.astimezone(UTC).date())
    moments = Moments.before(local)
    traces = (make_trace(one, now=local, moments=moments, seed=demo.seed) for one in planned)
    done = spans = 0
    for batch in _batches(planned, traces):
        spans += send(engine, sender, batch, now=_arrival(batch, now))
        done += len(batch)
        if done % 500 < len(batch):
            say(f"{done:,} of {len(planned):,} executions, {spans:,} spans")
    running = _running(demo, local, moments)
    spans += send(engine, sender, running, now=now)
    _sum_up(engine, organization_id, say)
    add_flows(engine, organization_id, user_id, now=now)
    return Filled(done + len(running), spans)


def _sum_up(engine: Engine, organization_id: UUID, say: Callable[[str], Any]) -> None:
    """Bring the kept sums up to date, as the worker would do it bit by bit."""
    say("adding up")
    left = 1
    while left:
        with organization_session(engine, organization_id) as session:
            left = rebuild(session, organization_id)


def _make_sender(session: Session, organization_id: UUID, user_id: UUID | None, now: datetime) -> Sender:
    """The demo's key. Its text is thrown away and it expires at once: it names the data's origin and opens nothing."""
    same = select(ApiKey.created_at).where(ApiKey.organization_id == organization_id, ApiKey.name == KEY_NAME)
    if (made := session.scalars(same.limit(1)).first()) is not None:
        raise Conflict(f"This organization has demo data already, made on {made:%Y-%m-%d}. Nothing was added.")
    author = AuthorId(organization_id, user_id)
    key = add_key(session, author, name=KEY_NAME, scopes=(Scope.INGEST,), expires_at=now)
    return Sender(session.scalars(select(ApiKey.id).where(ApiKey.key_id == key.key_id)).one(), organization_id)


def send(engine: Engine, sender: Sender, traces: Sequence[Trace], *, now: datetime) -> int:
    """Ingest traces as one export and commit; returns how many spans were stored."""
    groups: dict[tuple[tuple[str, str], ...], list[Any]] = {}
    for trace in traces:
        groups.setdefault(trace.resource, []).extend(trace.spans)
    spans, rejected = spans_of(export(groups))
    with organization_session(engine, sender.organization_id) as session:
        result = ingest(session, sender, spans, now=now, rejected=rejected)
    result.committed()
    return result.spans


def _batches(planned: Sequence[Planned], traces: Iterator[Trace]) -> Iterator[list[Trace]]:
    batch: list[Trace] = []
    size, begun = 0, planned[0].at if planned else None
    for one, trace in zip(planned, traces, strict=True):
        if batch and (size >= BATCH_SPANS or one.at - begun > BATCH_TIME):
            yield batch
            batch, size = [], 0
        if not batch:
            begun = one.at
        batch.append(trace)
        size += len(trace.spans)
    if batch:
        yield batch


def _arrival(batch: Sequence[Trace], now: datetime) -> datetime:
    ended = datetime.fromtimestamp(max(trace.end_ns for trace in batch) / 1e9, UTC)
    return min(ended + TRANSIT, now)


def _running(demo: Demo, local: datetime, moments: Moments) -> list[Trace]:
    """A few executions whose flow has not ended: their first spans have arrived, the root has not."""
    found = []
    for number, plan in enumerate((*PLANS[5:6], *PLANS[3:4], *PLANS[12:13])[:RUNNING]):
        begun = local - timedelta(seconds=25 + 15 * number)
        planned = Planned(begun, 10_000_000 + number, plan, f"user-{number:04d}", None, 0)
        trace = make_trace(planned, now=local, moments=Moments(local, local), seed=demo.seed)
        begun_ns = int(begun.timestamp() * 1e9)
        found.append(unfinished(trace, plan, begun_ns + int((trace.end_ns - begun_ns) * 0.7)))
    return [trace for trace in found if trace.spans]
