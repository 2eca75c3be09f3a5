"""What changed before a failure began: executions around its beginning, what they ran with, and what people did."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.suspect_words import Side, Suspect, Suspects
from webapp.domain.suspects import Change, Ranked, Ranking, Run, rank
from webapp.ingest.context_stamp import DIMENSIONS

MOST_RUNS = 1_000
"""Executions that are looked at before and after the beginning."""
MOST_RUNS_IN_LISTS = 100
MOST_DAYS = 30
_MOST_EVENTS = 100
_REMEMBERED_SECONDS = 60.0

BEGINNINGS = text("""
    SELECT o.failure_group_id, o.agentflow_id, coalesce(o.environment, ''), g.step_kind, count(*), min(o.occurred_at),
           date_bin('15 minutes', o.occurred_at, '2000-01-01') AS bucket
    FROM failure_occurrences o JOIN failure_groups g ON g.id = o.failure_group_id
    WHERE o.organization_id = :organization_id AND o.failure_group_id = ANY(:groups) AND o.agentflow_id IS NOT NULL
      AND o.occurred_at > CAST(:now AS timestamptz) - make_interval(days => :days)
      AND (g.regressed_at IS NULL OR o.occurred_at > g.regressed_at - interval '1 hour')
    GROUP BY 1, 2, 3, 4, 7 ORDER BY 1, 7, 2, 3
""")
# Failed executions with another cause are neither good nor bad here, so they are left out.
RUNS = text("""
    SELECT w.failure_group_id, e.started_at, e.status = 'failed' AS is_failed, e.context::text
    FROM unnest(CAST(:groups AS uuid[]), CAST(:flows AS uuid[]), CAST(:environments AS text[]),
                CAST(:anchors AS timestamptz[])) AS w(failure_group_id, agentflow_id, environment, anchor)
    CROSS JOIN LATERAL (
        (SELECT r.started_at, r.status, r.id, r.created_at, r.context FROM flow_executions r
         WHERE r.organization_id = :organization_id AND r.agentflow_id = w.agentflow_id
           AND coalesce(r.environment, '') = w.environment AND r.status IN ('completed', 'failed')
           AND r.created_at > w.anchor - make_interval(days => :days) AND r.started_at < w.anchor
         ORDER BY r.started_at DESC, r.id DESC LIMIT :most)
        UNION ALL
        (SELECT r.started_at, r.status, r.id, r.created_at, r.context FROM flow_executions r
         WHERE r.organization_id = :organization_id AND r.agentflow_id = w.agentflow_id
           AND coalesce(r.environment, '') = w.environment AND r.status IN ('completed', 'failed')
           AND r.created_at > w.anchor - make_interval(days => :days) AND r.started_at >= w.anchor
         ORDER BY r.started_at, r.id LIMIT :most)
    ) e
    WHERE e.status = 'completed' OR EXISTS (
        SELECT FROM failure_occurrences o WHERE o.flow_execution_id = e.id AND o.flow_created_at = e.created_at
          AND o.failure_group_id = w.failure_group_id)
    ORDER BY 1, 2, e.id
""")
VALUES = text("""
    SELECT dimension, encode(hash, 'hex'), label, content #>> '{}' FROM context_values
    WHERE organization_id = :organization_id
      AND (dimension, hash) IN (SELECT * FROM unnest(CAST(:dimensions AS text[]), CAST(:hashes AS bytea[])))
""")
# Only what the flow has: its own drawing, and the agents, tools and prompts that its blocks use.
EVENTS = text("""
    SELECT e.id, e.occurred_at, e.event_type, e.payload, coalesce(u.full_name, u.username),
           coalesce(e.payload ->> 'name', a.name, t.name)
    FROM event_store e
    LEFT JOIN users u ON u.id = e.actor_id
    LEFT JOIN agents a ON e.aggregate_type = 'agent' AND a.id = e.aggregate_id
         AND a.organization_id = e.organization_id
    LEFT JOIN tools t ON e.aggregate_type = 'tool' AND t.id = e.aggregate_id AND t.organization_id = e.organization_id
    WHERE e.organization_id = :organization_id AND e.occurred_at BETWEEN :start AND :end
      AND e.event_type IN ('agent.changed', 'agent.retired', 'prompt.changed', 'prompt.archived', 'tool.changed',
                           'tool.retired', 'agentflow.saved')
      AND (e.aggregate_id = :flow
           OR e.aggregate_id IN (SELECT b.agent_id FROM blocks b WHERE b.agentflow_id = :flow)
           OR e.aggregate_id IN (SELECT b.tool_id FROM blocks b WHERE b.agentflow_id = :flow)
           OR e.aggregate_type = 'prompt' AND e.payload ->> 'name' IN (
               SELECT x.prompt_name FROM agents x JOIN blocks b ON b.agent_id = x.id WHERE b.agentflow_id = :flow))
    ORDER BY e.occurred_at DESC LIMIT :most
""")

_FIELDS = {
    "system_prompt": "prompt", "prompt_name": "prompt", "model_name": "model", "model_provider": "model",
    "temperature": "model_settings", "max_tokens": "model_settings", "tools": "tools",
}  # fmt: skip
_DIMENSION_OF = {"agent": "agent", "prompt": "prompt", "tool": "tools", "agentflow": "flow_version"}


@dataclass(frozen=True, slots=True)
class _Window:
    """Where a failure is looked at: the flow and environment that it hits most, and when it began there."""

    flow_id: UUID
    environment: str
    anchor: datetime
    step_kind: str | None
    flow_count: int


@dataclass(frozen=True, slots=True)
class _Event:
    id: UUID
    at: datetime
    type: str
    dimension: str
    author: str | None
    name: str | None


def find_suspects(session: Session, organization_id: UUID, failure_group_id: UUID, *, now: datetime) -> Suspects:
    """What may have caused a failure, and what is not known. Cost: at most four statements, 2,000 executions."""
    windows = _windows(session, organization_id, [failure_group_id], now)
    window = windows.get(failure_group_id)
    if window is None:
        return Suspects()
    runs = _runs(session, organization_id, windows, MOST_RUNS).get(failure_group_id, [])
    events = _events(session, organization_id, window, runs)
    changes = [Change(event.at, event.dimension, str(event.id)) for event in events]
    ranking = rank(runs, changes, dimensions=DIMENSIONS, step_kind=window.step_kind)
    sides = _sides(session, organization_id, ranking.items)
    by_id = {str(event.id): event for event in events}
    items = tuple(_suspect(item, sides, by_id) for item in ranking.items)
    return _suspects(ranking, items, runs, window)


def top_suspects(
    session: Session, organization_id: UUID, group_ids: Iterable[UUID], *, now: datetime
) -> dict[UUID, Suspect | None]:
    """The likeliest suspect of each failure, None where there is none; from fewer executions than the failure's page,
    without events, and up to a minute old. Cost: three statements, whatever the number of failures.
    """
    wanted = list(dict.fromkeys(group_ids))
    tick = time.monotonic()
    found: dict[UUID, Suspect | None] = {}
    for group in wanted:
        kept = _remembered.get((organization_id, group))
        if kept is not None and tick - kept[0] < _REMEMBERED_SECONDS:
            found[group] = kept[1]
    missing = [group for group in wanted if group not in found]
    if not missing:
        return found
    windows = _windows(session, organization_id, missing, now)
    runs = _runs(session, organization_id, windows, MOST_RUNS_IN_LISTS) if windows else {}
    tops: dict[UUID, Ranked] = {}
    for group, window in windows.items():
        ranking = rank(runs.get(group, []), (), dimensions=DIMENSIONS, step_kind=window.step_kind)
        if ranking.items:
            tops[group] = ranking.items[0]
    sides = _sides(session, organization_id, tops.values())
    if len(_remembered) > 5_000:
        _remembered.clear()
    for group in missing:
        found[group] = _suspect(tops[group], sides, {}) if group in tops else None
        _remembered[(organization_id, group)] = (tick, found[group])
    return found


_remembered: dict[tuple[UUID, UUID], tuple[float, Suspect | None]] = {}


def _windows(
    session: Session, organization_id: UUID, groups: Sequence[UUID], now: datetime
) -> dict[UUID, _Window]:  # fmt: skip
    values = {"organization_id": organization_id, "groups": list(groups), "now": now, "days": MOST_DAYS}
    rows: dict[UUID, list[Any]] = {}
    for row in session.execute(BEGINNINGS, values):
        rows.setdefault(row[0], []).append(row)
    return {group: _window(found, now) for group, found in rows.items()}


def _window(rows: Sequence[Any], now: datetime) -> _Window:
    places: dict[tuple[UUID, str], int] = {}
    for row in rows:
        places[(row[1], row[2])] = places.get((row[1], row[2]), 0) + row[4]
    flow, environment = max(places, key=lambda place: (places[place], str(place)))
    mine = [(row[5], row[4]) for row in rows if (row[1], row[2]) == (flow, environment)]
    return _Window(flow, environment, _beginning(mine, now), rows[0][3], len({place[0] for place in places}))


def _beginning(buckets: Sequence[tuple[datetime, int]], now: datetime) -> datetime:
    """When occurrences became as many as they are: where one rate before and one after fit best."""
    total = sum(count for _, count in buckets)
    begin = buckets[0][0] - timedelta(days=1)
    span = max((now - begin).total_seconds(), 1.0)
    best, best_at, before = float("-inf"), buckets[0][0], 0
    for at, count in buckets:
        earlier = max((at - begin).total_seconds(), 1.0)
        later = max(span - earlier, 900.0)
        rates = [(before, earlier), (total - before, later)]
        likelihood = sum(n * log(n / seconds) for n, seconds in rates if n)
        if likelihood > best and (total - before) * earlier >= before * later:
            best, best_at = likelihood, at
        before += count
    return best_at


def _runs(
    session: Session, organization_id: UUID, windows: Mapping[UUID, _Window], most: int
) -> dict[UUID, list[Run]]:  # fmt: skip
    values = {
        "organization_id": organization_id, "groups": list(windows), "most": most, "days": MOST_DAYS,
        "flows": [window.flow_id for window in windows.values()],
        "environments": [window.environment for window in windows.values()],
        "anchors": [window.anchor for window in windows.values()],
    }  # fmt: skip
    found: dict[UUID, list[Run]] = {}
    contexts: dict[str | None, Mapping[str, Any]] = {None: {}}
    for group, at, is_failed, context in session.execute(RUNS, values):
        if context not in contexts:
            contexts[context] = orjson.loads(context)
        found.setdefault(group, []).append(Run(at, is_failed, contexts[context]))
    return found


def _events(session: Session, organization_id: UUID, window: _Window, runs: Sequence[Run]) -> list[_Event]:
    if not runs:
        return []
    values = {
        "organization_id": organization_id, "flow": window.flow_id, "start": runs[0].at, "end": runs[-1].at,
        "most": _MOST_EVENTS,
    }  # fmt: skip
    return [
        _Event(row[0], row[1], row[2], _dimension(row[2], row[3]), row[4], row[5])
        for row in session.execute(EVENTS, values)
    ]


def _dimension(event_type: str, payload: Mapping[str, Any]) -> str:
    """Which dimension an event touches; a change of an agent touches what was changed in it."""
    kind = event_type.partition(".")[0]
    changed = payload.get("changed")
    if kind == "agent" and isinstance(changed, list):
        touched = {_FIELDS[name] for name in changed if name in _FIELDS}
        if len(touched) == 1:
            return touched.pop()
    return _DIMENSION_OF[kind]


def _sides(session: Session, organization_id: UUID, items: Iterable[Ranked]) -> dict[tuple[str, str], Side]:
    wanted = sorted({(item.dimension, value) for item in items for value in (item.value, item.before) if value})
    if not wanted:
        return {}
    values = {
        "organization_id": organization_id,
        "dimensions": [dimension for dimension, _ in wanted],
        "hashes": [bytes.fromhex(value) for _, value in wanted],
    }
    return {(row[0], row[1]): Side(row[2], row[3]) for row in session.execute(VALUES, values)}


def _suspect(item: Ranked, sides: Mapping[tuple[str, str], Side], events: Mapping[str, _Event]) -> Suspect:
    event = events.get(item.change.event_id) if item.change is not None else None
    after = sides.get((item.dimension, item.value), Side("a new value")) if item.value else None
    before = sides.get((item.dimension, item.before)) if item.before else None
    done = f"{event.name or 'the flow'} {event.type.partition('.')[2]}" if event is not None else ""
    return Suspect(
        item.dimension, after.label if after is not None else done, before, after, item.changed_at, item.counts,
        item.score, item.is_share, event and event.type, event and event.id, event and event.author,
    )  # fmt: skip


def _suspects(ranking: Ranking, items: tuple[Suspect, ...], runs: Sequence[Run], window: _Window) -> Suspects:
    return Suspects(
        items, ranking.unknown, ranking.varying, ranking.first_bad, ranking.last_good,
        runs[0].at if runs else None, runs[-1].at if runs else None, ranking.run_count, ranking.failed_count,
        window.flow_count,
    )  # fmt: skip
