"""Sums per block by day, so that a month of one flow reads thirty rows per block; they stand for a flow's days too."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from webapp.database import ddl

revision = "20261124_1930"
down_revision = "20261124_1900"
branch_labels = None
depends_on = None

OF_EXECUTION = sa.text("block_id = '00000000-0000-0000-0000-000000000000'::uuid")
# The worker sums days with their hours; hours that were summed before are summed again for it.
SUM_AGAIN = """
    INSERT INTO block_rollup_dirty (organization_id, bucket, touched_at, first_touched_at)
    SELECT DISTINCT organization_id, bucket, now(), now() FROM block_rollups
    ON CONFLICT (organization_id, bucket) DO NOTHING
"""


def upgrade() -> None:
    op.create_table(
        "block_days",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("block_id", sa.Uuid(), nullable=False),
        sa.Column("service_version", sa.String(length=255), server_default="", nullable=False),
        sa.Column("executions", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column("inner_cost_usd", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("duration_histogram", postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failed_execution_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint(
            "organization_id", "agentflow_id", "bucket", "block_id", "service_version", name="pk_block_days"
        ),
    )
    op.create_index(
        "ix_block_days_flows",
        "block_days",
        ["organization_id", "bucket"],
        postgresql_where=OF_EXECUTION,
        postgresql_include=["agentflow_id", "executions", "completed", "failed", "cost_usd"],
    )
    ddl.grant(("block_days",))
    ddl.protect(("block_days",))
    op.drop_table("flow_days")
    op.execute(SUM_AGAIN)


def downgrade() -> None:
    op.create_table(
        "flow_days",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("executions", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column("duration_histogram", postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "bucket", "agentflow_id", name="pk_flow_days"),
    )
    ddl.grant(("flow_days",))
    ddl.protect(("flow_days",))
    op.drop_index("ix_block_days_flows", table_name="block_days")
    op.drop_table("block_days")
    op.execute(SUM_AGAIN)
