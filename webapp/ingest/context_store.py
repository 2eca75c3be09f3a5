"""What flows run with, written once per value: what a hash stands for, and since when a flow runs with it.

Known values are remembered like names (see ``discover``), so an export of known things asks nothing. A dimension that
differs with every run, such as a prompt with a name in it, must not fill the tables: of each flow and dimension only so
many values are kept within a day, and the executions keep the hashes of all.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from uuid import UUID

from psycopg import Cursor

from webapp.ingest import discover
from webapp.ingest.batch import Entry, cut, from_us
from webapp.ingest.context_stamp import Value

MOST_A_DAY = 40
_QUIET_SECONDS = 600.0
# Rows in one order, values before sightings: exports that bring the same new things do not wait for each other in a
# ring. What a flow has too many of is left out by both.
_STORE = """
    WITH x AS MATERIALIZED (
        SELECT * FROM unnest(%(flows)s::uuid[], %(environments)s::text[], %(dimensions)s::text[], %(hashes)s::bytea[],
            %(labels)s::text[], %(contents)s::text[], %(seen)s::timestamptz[], %(executions)s::uuid[])
            AS x(agentflow_id, environment, dimension, hash, label, content, seen_at, execution_id)
    ), crowded AS MATERIALIZED (
        SELECT p.agentflow_id, p.environment, p.dimension
        FROM (SELECT DISTINCT agentflow_id, environment, dimension FROM x) p
        CROSS JOIN LATERAL (
            SELECT count(*) AS held FROM context_sightings s
            WHERE s.organization_id = %(organization_id)s AND s.agentflow_id = p.agentflow_id
              AND s.environment = p.environment AND s.dimension = p.dimension
              AND s.first_seen_at > %(now)s - interval '1 day'
        ) c WHERE c.held >= %(most)s
    ), taken AS MATERIALIZED (
        SELECT x.* FROM x LEFT JOIN crowded c USING (agentflow_id, environment, dimension)
        WHERE c.agentflow_id IS NULL
    ), named AS (
        INSERT INTO context_values (organization_id, dimension, hash, label, content)
        SELECT DISTINCT ON (dimension, hash) %(organization_id)s, dimension, hash, label, to_jsonb(content)
        FROM taken ORDER BY dimension, hash
        ON CONFLICT (organization_id, dimension, hash) DO NOTHING RETURNING 1
    ), sighted AS (
        INSERT INTO context_sightings
            (organization_id, agentflow_id, environment, dimension, hash, first_seen_at, first_execution_id)
        SELECT %(organization_id)s, agentflow_id, environment, dimension, hash, seen_at, execution_id
        FROM taken WHERE (SELECT count(*) FROM named) >= 0
        ORDER BY agentflow_id, environment, dimension, hash
        ON CONFLICT (organization_id, agentflow_id, environment, dimension, hash) DO NOTHING RETURNING 1
    )
    SELECT agentflow_id, environment, dimension, (SELECT count(*) FROM sighted) FROM crowded
"""

Place = tuple[UUID, str, str]
# Of which flow, environment and dimension no more is written for a while.
_crowded: dict[tuple[UUID, Place], float] = {}


def store_contexts(
    cursor: Cursor,
    organization_id: UUID,
    entries: Iterable[Entry],
    found: discover.Discovered,
    *,
    most: int = MOST_A_DAY,
) -> None:
    """Write the values that a flow was never seen with. Cost: no statement where all is known, one otherwise."""
    fresh = _fresh(organization_id, entries)
    if not fresh:
        return
    keys = sorted(fresh)
    values = [fresh[key][0] for key in keys]
    firsts = [fresh[key][1] for key in keys]
    now = max(from_us(entry.created_us) for entry in firsts)
    columns = {
        "organization_id": organization_id, "now": now, "most": MOST_A_DAY,
        "flows": [key[0] for key in keys], "environments": [key[1] for key in keys],
        "dimensions": [key[2] for key in keys], "hashes": [key[3] for key in keys],
        "labels": [value.label for value in values], "contents": [value.content for value in values],
        "seen": [from_us(entry.created_us) for entry in firsts],
        "executions": [entry.execution_id for entry in firsts],
    }  # fmt: skip
    cursor.execute(_STORE, columns)
    for flow, environment, dimension, _ in cursor.fetchall():
        _crowd(organization_id, (flow, environment, dimension))
    found.fresh.update({("context", *key): fresh[key][1].execution_id for key in keys})


def _fresh(organization_id: UUID, entries: Iterable[Entry]) -> dict[tuple[UUID, str, str, bytes], tuple[Value, Entry]]:
    """Return each value that is not remembered with the first execution that has it, of one place not too many."""
    fresh: dict[tuple[UUID, str, str, bytes], tuple[Value, Entry]] = {}
    counts: dict[Place, int] = {}
    for entry in sorted(entries, key=_age):
        if entry.agentflow_id is None:
            continue
        environment = cut(entry.mapped.environment, 100) or ""
        for dimension, values in entry.context.items():
            place = (entry.agentflow_id, environment, dimension)
            for value in _unseen(organization_id, place, values):
                if (*place, value.hash) not in fresh and counts.get(place, 0) < MOST_A_DAY:
                    counts[place] = counts.get(place, 0) + 1
                    fresh[(*place, value.hash)] = (value, entry)
    return fresh


def _age(entry: Entry) -> tuple[int, int, bytes]:
    return entry.created_us, entry.started_us, entry.trace_id


def _unseen(organization_id: UUID, place: Place, values: Sequence[Value]) -> list[Value]:
    unseen = [value for value in values if not discover.is_remembered(organization_id, ("context", *place, value.hash))]
    if not unseen:
        return []
    until = _crowded.get((organization_id, place))
    return unseen if until is None or until < time.monotonic() else []


def _crowd(organization_id: UUID, place: Place) -> None:
    if len(_crowded) > 10_000:
        _crowded.clear()
    _crowded[(organization_id, place)] = time.monotonic() + _QUIET_SECONDS
