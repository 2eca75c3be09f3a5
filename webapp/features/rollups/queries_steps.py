"""The steps of executions as trees, one execution after the other, for what is read from their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.observed_edges import Step
from webapp.features.rollups.queries_blocks import Window

ROWS_AT_ONCE = 5_000
STEPS = text("SELECT * FROM block_steps(:organization_id, CAST(:flows AS uuid[]), :since, :until)")


def stream_steps(
    session: Session, organization_id: UUID, windows: Sequence[Window], flows: Sequence[UUID] | None = None
) -> Iterator[tuple[UUID, list[Step]]]:
    """The flow and the steps of each execution started in the windows, of these flows (None = all that have one).

    Cost: one statement per window; rows are fetched a few thousand at a time.
    """
    for since, until in windows:
        values = {
            "organization_id": organization_id,
            "flows": None if flows is None else list(flows),
            "since": since,
            "until": until,
        }
        rows = session.execute(STEPS, values, execution_options={"yield_per": ROWS_AT_ONCE})
        for _, group in groupby(rows, attrgetter("execution_id")):
            steps = list(group)
            yield (
                steps[0].agentflow_id,
                [
                    Step(
                        row.id,
                        row.parent_id,
                        row.block_id,
                        row.kind,
                        row.name,
                        row.started_at,
                        row.ended_at,
                        row.sequence,
                    )
                    for row in steps
                ],
            )
