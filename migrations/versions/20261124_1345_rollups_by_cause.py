"""Sums by cause of failure, sums over all flows, and when a version or model was first seen."""

import sqlalchemy as sa
from alembic import op

from webapp.database import ddl

revision = "20261124_1345"
down_revision = "20261124_1335"
branch_labels = None
depends_on = None

OLD_KEY = ["organization_id", "bucket", "agentflow_id", "environment", "trigger_type", "status"]


def upgrade() -> None:
    op.add_column("execution_rollups", sa.Column("error_type", sa.String(255), server_default="", nullable=False))
    op.drop_constraint("pk_execution_rollups", "execution_rollups", type_="primary")
    op.create_primary_key("pk_execution_rollups", "execution_rollups", [*OLD_KEY, "error_type"])
    op.create_index("ix_execution_rollups_flow", "execution_rollups", ["organization_id", "agentflow_id", "bucket"])
    op.create_index(
        "ix_execution_rollups_failed",
        "execution_rollups",
        ["organization_id", "bucket"],
        postgresql_where=sa.text("status = 'failed'"),
    )
    _create_totals()
    _create_sightings()
    ddl.grant(("execution_totals", "first_sightings"))
    ddl.protect(("execution_totals", "first_sightings"))
    _rebuild_everything()


def _create_totals() -> None:
    op.create_table(
        "execution_totals",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(50), nullable=False),
        sa.Column("executions", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(20, 10), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("cached_input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms_sum", sa.BigInteger(), nullable=True),
        sa.Column("duration_histogram", sa.ARRAY(sa.Integer()), nullable=True),
        sa.Column("unpriced_call_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "bucket", "status", name="pk_execution_totals"),
    )


def _create_sightings() -> None:
    op.create_table(
        "first_sightings",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.String(100), server_default="", nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('service_version', 'model')", name="ck_first_sightings_kind"),
        sa.PrimaryKeyConstraint(
            "organization_id", "agentflow_id", "environment", "kind", "name", name="pk_first_sightings"
        ),
    )
    op.create_index(
        "ix_first_sightings_organization_id_first_seen_at", "first_sightings", ["organization_id", "first_seen_at"]
    )


def _rebuild_everything() -> None:
    """What was summed before lacks the new key; the job sums it again, and until then pages read the rows."""
    op.execute("""
        INSERT INTO rollup_dirty (organization_id, bucket)
        SELECT DISTINCT organization_id, date_bin('15 minutes', started_at, 'epoch')
        FROM flow_executions WHERE started_at IS NOT NULL
    """)
    op.execute("DELETE FROM execution_rollups")
    op.execute("DELETE FROM usage_rollups")


def downgrade() -> None:
    op.drop_table("first_sightings")
    op.drop_table("execution_totals")
    op.execute("DELETE FROM execution_rollups")
    op.drop_index("ix_execution_rollups_failed", "execution_rollups")
    op.drop_index("ix_execution_rollups_flow", "execution_rollups")
    op.drop_constraint("pk_execution_rollups", "execution_rollups", type_="primary")
    op.drop_column("execution_rollups", "error_type")
    op.create_primary_key("pk_execution_rollups", "execution_rollups", OLD_KEY)
