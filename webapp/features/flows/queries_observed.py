"""The graph of a flow as it ran: which block followed or served which, from kept sums and the steps of what is new."""

# SQL is put together from constants; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.observed_edges import Edges, observe
from webapp.domain.observed_flow import ObservedBlock, ObservedGraph
from webapp.domain.observed_flow import observed_graph as draw
from webapp.features.rollups.queries_blocks import WINDOWS, parameters
from webapp.features.rollups.queries_steps import stream_steps

# Hours that are out of date are named together with the sums of all others. What of them is read afterwards may be
# newer, but nothing is counted twice.
EDGES = text(f"""
    WITH {WINDOWS}, counted AS (
        SELECT x.source_block_id, x.target_block_id, x.kind, CAST(sum(x.traversals) AS bigint) AS traversals,
               CAST(sum(x.executions) AS bigint) AS executions
        FROM windows w
        JOIN observed_edges x ON x.bucket >= w.first_hour AND x.bucket < w.last_hour
        WHERE x.organization_id = :organization_id AND x.agentflow_id = :agentflow_id
          AND NOT EXISTS (SELECT FROM stale WHERE stale.bucket = x.bucket)
        GROUP BY 1, 2, 3
    )
    SELECT s.starts, s.ends, c.* FROM slices s LEFT JOIN counted c ON true
""")
BLOCKS = text("""
    SELECT id, name, block_type, step_kind, agent_id FROM blocks
    WHERE organization_id = :organization_id AND agentflow_id = :agentflow_id AND source = 'discovered'
""")


def observed_graph(
    session: Session, organization_id: UUID, agentflow_id: UUID, since: datetime, until: datetime, *, name: str = ""
) -> ObservedGraph:
    """The graph of all executions started in ``[since, until)``; without executions it is empty.

    Exact at any moment. Cost: two statements, and one more over the steps of hours that are out of date.
    """
    values: dict[str, Any] = parameters(organization_id, [(since, until)], [agentflow_id])
    rows = session.execute(EDGES, values | {"agentflow_id": agentflow_id}).all()
    traversals: Edges = Counter()
    executions: Edges = Counter()
    for row in rows:
        if row.kind is not None:
            edge = (row.source_block_id, row.target_block_id, row.kind)
            traversals[edge] += row.traversals
            executions[edge] += row.executions
    slices = list(zip(rows[0].starts or (), rows[0].ends or (), strict=True))
    if slices:
        for _, steps in stream_steps(session, organization_id, slices, [agentflow_id]):
            found = observe(steps)
            traversals.update(found)
            executions.update(found.keys())
    blocks = session.execute(BLOCKS, {"organization_id": organization_id, "agentflow_id": agentflow_id})
    return draw(name, [ObservedBlock(*row) for row in blocks], traversals, executions)
