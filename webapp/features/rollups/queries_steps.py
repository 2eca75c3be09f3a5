"""The steps of executions as trees, one execution after the other, for what is read from their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from sqlalchemy.orm import Session

from webapp.domain.observed_edges import Step
from webapp.features.rollups.queries_blocks import Window

ROWS_AT_ONCE = 5_000
# By the driver's own cursor and in binary: a busy hour of an organization has a million steps.
STEPS = """
    SELECT execution_id, agentflow_id, id, parent_id, block_id, kind, name, started_at, ended_at, sequence
    FROM unnest(%s::timestamptz[], %s::timestamptz[]) AS w (since, until)
    CROSS JOIN LATERAL block_steps(%s, %s::uuid[], w.since, w.until)
"""


def stream_steps(
    session: Session, organization_id: UUID, windows: Sequence[Window], flows: Sequence[UUID] | None = None
) -> Iterator[tuple[UUID, list[Step]]]:
    """The flow and the steps of each execution started in the windows, of these flows (None = all that have one).

    Cost: one statement; without ``flows`` rows come a few thousand at a time.
    """
    connection = session.connection().connection.driver_connection
    starts, ends = [since for since, _ in windows], [until for _, until in windows]
    is_bounded = flows is not None
    with connection.cursor("" if is_bounded else "block_steps", binary=True) as cursor:
        if not is_bounded:
            cursor.itersize = ROWS_AT_ONCE
        cursor.execute(STEPS, (starts, ends, organization_id, list(flows) if is_bounded else None))
        for (_, flow), rows in groupby(cursor, itemgetter(0, 1)):
            yield flow, [Step(*row[2:]) for row in rows]
