"""Flows that are drawn: versions, drafts, notes, imports, public links, and sums per block of what ran."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from webapp.database import ddl

revision = "20261124_1800"
down_revision = "20261124_1445"
branch_labels = None
depends_on = None

TABLES = (
    "agentflow_versions",
    "import_reports",
    "flow_shares",
    "flow_notes",
    "agentflow_drafts",
    "observed_edges",
    "block_rollups",
    "block_rollup_dirty",
)
# Before the organization is known: a token's hash finds the flow that it opens.
AUTH_FLOW_SHARE = """
CREATE FUNCTION public.auth_flow_share(token_hash bytea) RETURNS TABLE (
    share_id uuid, organization_id uuid, agentflow_id uuid, expires_at timestamptz, revoked_at timestamptz
) STABLE STRICT ROWS 1 LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT s.id, s.organization_id, s.agentflow_id, s.expires_at, s.revoked_at
    FROM public.flow_shares s
    WHERE s.token_hash = auth_flow_share.token_hash
$$
"""
# What ran before has no sums per block yet: the worker makes them, and until then pages read the steps.
COUNT_BLOCKS = """
    INSERT INTO block_rollup_dirty (organization_id, bucket, touched_at, first_touched_at)
    SELECT DISTINCT organization_id, date_trunc('hour', started_at, 'UTC'), now(), now()
    FROM flow_executions WHERE started_at IS NOT NULL
"""


def upgrade() -> None:
    _create_sums()
    _create_drafts()
    _create_reports()
    _add_columns()
    ddl.grant(TABLES)
    ddl.protect(TABLES)
    op.execute(AUTH_FLOW_SHARE)
    ddl.grant_functions(("auth_flow_share(bytea)",))
    op.execute(COUNT_BLOCKS)


def _create_sums() -> None:
    op.create_table(
        "block_rollup_dirty",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "bucket", name="pk_block_rollup_dirty"),
    )
    op.create_table(
        "block_rollups",
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
        sa.Column("duration_ms_sum", sa.BigInteger(), nullable=True),
        sa.Column("duration_histogram", postgresql.ARRAY(sa.Integer()), nullable=True),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint(
            "organization_id", "agentflow_id", "bucket", "block_id", "service_version", name="pk_block_rollups"
        ),
    )
    op.create_table(
        "observed_edges",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_block_id", sa.Uuid(), nullable=False),
        sa.Column("target_block_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("traversals", sa.Integer(), nullable=False),
        sa.Column("executions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "agentflow_id",
            "bucket",
            "source_block_id",
            "target_block_id",
            "kind",
            name="pk_observed_edges",
        ),
    )


def _create_drafts() -> None:
    op.create_table(
        "agentflow_drafts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("graph", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("undo_stack", postgresql.ARRAY(sa.LargeBinary()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["agentflow_id"], ["agentflows.id"], name="fk_agentflow_drafts_agentflow_id_agentflows", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agentflow_drafts_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_agentflow_drafts_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_agentflow_drafts"),
        sa.UniqueConstraint("agentflow_id", "user_id", name="uq_agentflow_drafts_agentflow_id_user_id"),
    )
    op.create_table(
        "flow_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("position_x", sa.Double(), nullable=True),
        sa.Column("position_y", sa.Double(), nullable=True),
        sa.Column("width", sa.Double(), nullable=True),
        sa.Column("height", sa.Double(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["agentflow_id"], ["agentflows.id"], name="fk_flow_notes_agentflow_id_agentflows", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_flow_notes_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_flow_notes"),
        sa.UniqueConstraint("agentflow_id", "key", name="uq_flow_notes_agentflow_id_key"),
    )
    op.create_table(
        "flow_shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["agentflow_id"], ["agentflows.id"], name="fk_flow_shares_agentflow_id_agentflows", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name="fk_flow_shares_created_by_id_users"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_flow_shares_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_flow_shares"),
        sa.UniqueConstraint("token_hash", name="uq_flow_shares_token_hash"),
    )
    op.create_index("ix_flow_shares_agentflow_id", "flow_shares", ["agentflow_id"])


def _create_reports() -> None:
    op.create_table(
        "import_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("agentflow_id", sa.Uuid(), nullable=True),
        sa.Column("agentflow_version", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("format", sa.String(length=30), nullable=True),
        sa.Column("format_version", sa.String(length=50), nullable=True),
        sa.Column("source_key", sa.String(length=255), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("nodes_seen", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("edges_seen", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("block_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("note_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("edge_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("items", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("secrets", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("requirements", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["agentflow_id"], ["agentflows.id"], name="fk_import_reports_agentflow_id_agentflows", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_import_reports_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_import_reports_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_import_reports"),
    )
    op.create_index(
        "ix_import_reports_organization_id_content_hash", "import_reports", ["organization_id", "content_hash"]
    )
    op.create_index("ix_import_reports_organization_id_created_at", "import_reports", ["organization_id", "created_at"])
    op.create_table(
        "agentflow_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=20), server_default="edit", nullable=False),
        sa.Column("graph", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("orchestration_pattern", sa.String(length=100), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("import_report_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint(
            "kind IN ('created', 'edit', 'import', 'restore', 'adopted')", name="ck_agentflow_versions_kind"
        ),
        sa.ForeignKeyConstraint(
            ["agentflow_id"],
            ["agentflows.id"],
            name="fk_agentflow_versions_agentflow_id_agentflows",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_agentflow_versions_author_id_users"),
        sa.ForeignKeyConstraint(
            ["import_report_id"],
            ["import_reports.id"],
            name="fk_agentflow_versions_import_report_id_import_reports",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agentflow_versions_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agentflow_versions"),
        sa.UniqueConstraint("agentflow_id", "version", name="uq_agentflow_versions_agentflow_id_version"),
    )


def _add_columns() -> None:
    op.add_column("agentflow_edges", sa.Column("label", sa.String(length=255), nullable=True))
    op.add_column(
        "agentflows", sa.Column("tags", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    )
    op.add_column("agentflows", sa.Column("is_template", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "agentflows", sa.Column("visibility", sa.String(length=20), server_default="organization", nullable=False)
    )
    op.add_column("agentflows", sa.Column("source_format", sa.String(length=30), nullable=True))
    op.add_column("agentflows", sa.Column("source_version", sa.String(length=50), nullable=True))
    op.add_column("agentflows", sa.Column("source_key", sa.String(length=255), nullable=True))
    op.add_column("agentflows", sa.Column("updated_by_id", sa.Uuid(), nullable=True))
    op.add_column("agentflows", sa.Column("deleted_by_id", sa.Uuid(), nullable=True))
    op.add_column(
        "agentflows", sa.Column("problems", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    )
    op.add_column("agentflows", sa.Column("block_count", sa.Integer(), nullable=True))
    op.create_foreign_key("fk_agentflows_updated_by_id_users", "agentflows", "users", ["updated_by_id"], ["id"])
    op.create_foreign_key("fk_agentflows_deleted_by_id_users", "agentflows", "users", ["deleted_by_id"], ["id"])
    op.add_column("agents", sa.Column("prompt_name", sa.String(length=255), nullable=True))
    op.add_column("agents", sa.Column("updated_by_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("fk_agents_updated_by_id_users", "agents", "users", ["updated_by_id"], ["id"])
    op.add_column("blocks", sa.Column("key", sa.String(length=100), nullable=True))
    op.add_column("blocks", sa.Column("parent_block_id", sa.Uuid(), nullable=True))
    op.add_column("blocks", sa.Column("needs_review", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "blocks", sa.Column("credentials", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)
    )
    op.add_column("blocks", sa.Column("source_id", sa.String(length=255), nullable=True))
    op.add_column("blocks", sa.Column("source_type", sa.String(length=255), nullable=True))
    op.add_column("blocks", sa.Column("observed_block_id", sa.Uuid(), nullable=True))
    op.add_column("blocks", sa.Column("tool_id", sa.Uuid(), nullable=True))
    op.create_index("ix_blocks_organization_id_tool_id", "blocks", ["organization_id", "tool_id"])
    op.create_index(
        "uq_blocks_key",
        "blocks",
        ["agentflow_id", "key"],
        unique=True,
        postgresql_where=sa.text("key IS NOT NULL AND removed_at IS NULL"),
    )
    op.create_foreign_key("fk_blocks_tool_id_tools", "blocks", "tools", ["tool_id"], ["id"])
    op.create_foreign_key(
        "fk_blocks_parent_block_id_blocks", "blocks", "blocks", ["parent_block_id"], ["id"], ondelete="SET NULL"
    )
    op.create_foreign_key(
        "fk_blocks_observed_block_id_blocks", "blocks", "blocks", ["observed_block_id"], ["id"], ondelete="SET NULL"
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION auth_flow_share(bytea)")
    op.drop_constraint("fk_blocks_observed_block_id_blocks", "blocks", type_="foreignkey")
    op.drop_constraint("fk_blocks_parent_block_id_blocks", "blocks", type_="foreignkey")
    op.drop_constraint("fk_blocks_tool_id_tools", "blocks", type_="foreignkey")
    op.drop_index(
        "uq_blocks_key", table_name="blocks", postgresql_where=sa.text("key IS NOT NULL AND removed_at IS NULL")
    )
    op.drop_index("ix_blocks_organization_id_tool_id", table_name="blocks")
    op.drop_column("blocks", "tool_id")
    op.drop_column("blocks", "observed_block_id")
    op.drop_column("blocks", "source_type")
    op.drop_column("blocks", "source_id")
    op.drop_column("blocks", "credentials")
    op.drop_column("blocks", "needs_review")
    op.drop_column("blocks", "parent_block_id")
    op.drop_column("blocks", "key")
    op.drop_constraint("fk_agents_updated_by_id_users", "agents", type_="foreignkey")
    op.drop_column("agents", "updated_by_id")
    op.drop_column("agents", "prompt_name")
    op.drop_constraint("fk_agentflows_deleted_by_id_users", "agentflows", type_="foreignkey")
    op.drop_constraint("fk_agentflows_updated_by_id_users", "agentflows", type_="foreignkey")
    op.drop_column("agentflows", "block_count")
    op.drop_column("agentflows", "problems")
    op.drop_column("agentflows", "deleted_by_id")
    op.drop_column("agentflows", "updated_by_id")
    op.drop_column("agentflows", "source_key")
    op.drop_column("agentflows", "source_version")
    op.drop_column("agentflows", "source_format")
    op.drop_column("agentflows", "visibility")
    op.drop_column("agentflows", "is_template")
    op.drop_column("agentflows", "tags")
    op.drop_column("agentflow_edges", "label")
    op.drop_table("agentflow_versions")
    op.drop_index("ix_import_reports_organization_id_created_at", table_name="import_reports")
    op.drop_index("ix_import_reports_organization_id_content_hash", table_name="import_reports")
    op.drop_table("import_reports")
    op.drop_index("ix_flow_shares_agentflow_id", table_name="flow_shares")
    op.drop_table("flow_shares")
    op.drop_table("flow_notes")
    op.drop_table("agentflow_drafts")
    op.drop_table("observed_edges")
    op.drop_table("block_rollups")
    op.drop_table("block_rollup_dirty")
