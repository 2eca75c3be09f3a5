"""Executions by month, their spans, what calls cost, and arrivals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_1333"
down_revision = "20261124_1332"
branch_labels = None
depends_on = None

TABLES = (
    "tool_executions",
    "spans",
    "agent_executions",
    "flow_executions",
    "model_prices",
    "ingest_rejections",
    "usage_rollups",
    "usage_ledger",
    "trace_index",
    "rollup_dirty",
    "ingest_arrivals",
    "execution_rollups",
)
"""In the order in which they can be dropped."""


def upgrade() -> None:
    op.create_table(
        "execution_rollups",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.String(100), server_default="", nullable=False),
        sa.Column("trigger_type", sa.String(100), server_default="", nullable=False),
        sa.Column("status", sa.String(50), nullable=False),
        sa.Column("executions", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(20, 10)),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cached_input_tokens", sa.BigInteger()),
        sa.Column("duration_ms_sum", sa.BigInteger()),
        sa.Column("duration_histogram", postgresql.ARRAY(sa.Integer())),
        sa.Column("unpriced_call_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "bucket",
            "agentflow_id",
            "environment",
            "trigger_type",
            "status",
            name="pk_execution_rollups",
        ),
    )
    op.create_table(
        "ingest_arrivals",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("sdk", sa.String(255), server_default="", nullable=False),
        sa.Column("service_name", sa.String(255), server_default="", nullable=False),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requests", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("spans_accepted", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("spans_rejected", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_rejected_at", sa.DateTime(timezone=True)),
        sa.Column("last_reason", sa.Text()),
        sa.PrimaryKeyConstraint("organization_id", "api_key_id", "sdk", "service_name", name="pk_ingest_arrivals"),
    )
    op.create_table(
        "rollup_dirty",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rollup_dirty"),
    )
    op.create_index("ix_rollup_dirty_organization_id_bucket", "rollup_dirty", ["organization_id", "bucket"])
    op.create_table(
        "trace_index",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.Column("flow_execution_id", sa.Uuid(), nullable=False),
        sa.Column("flow_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "trace_id", name="pk_trace_index"),
    )
    op.create_index("ix_trace_index_flow_created_at", "trace_index", ["flow_created_at"])
    op.create_table(
        "usage_ledger",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("flow_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("flow_execution_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid()),
        sa.Column("agent_id", sa.Uuid()),
        sa.Column("user_ref", sa.String(255)),
        sa.Column("api_key_id", sa.Uuid()),
        sa.Column("environment", sa.String(100)),
        sa.Column("model", sa.String(255)),
        sa.Column("model_requested", sa.String(255)),
        sa.Column("provider", sa.String(100)),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cached_input_tokens", sa.BigInteger()),
        sa.Column("cache_write_tokens", sa.BigInteger()),
        sa.Column("cost_usd", sa.Numeric(20, 10)),
        sa.Column("reported_cost_usd", sa.Numeric(20, 10)),
        sa.Column("model_price_id", sa.Uuid()),
        sa.Column("status", sa.String(50)),
        sa.PrimaryKeyConstraint("id", "flow_created_at", name="pk_usage_ledger"),
        postgresql_partition_by="RANGE (flow_created_at)",
    )
    op.create_index("ix_usage_ledger_flow_execution_id", "usage_ledger", ["flow_execution_id"])
    op.create_index("ix_usage_ledger_organization_id_occurred_at", "usage_ledger", ["organization_id", "occurred_at"])
    op.create_table(
        "usage_rollups",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("model", sa.String(255), server_default="", nullable=False),
        sa.Column("provider", sa.String(100), server_default="", nullable=False),
        sa.Column("environment", sa.String(100), server_default="", nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cached_input_tokens", sa.BigInteger()),
        sa.Column("cache_write_tokens", sa.BigInteger()),
        sa.Column("cost_usd", sa.Numeric(20, 10)),
        sa.Column("unpriced_calls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint(
            "organization_id",
            "bucket",
            "agentflow_id",
            "agent_id",
            "model",
            "provider",
            "environment",
            name="pk_usage_rollups",
        ),
    )
    op.create_table(
        "ingest_rejections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("api_key_id", sa.Uuid()),
        sa.Column("sdk", sa.String(255)),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("http_status", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("span_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sample", postgresql.JSONB()),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_ingest_rejections_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_rejections"),
    )
    op.create_index(
        "ix_ingest_rejections_organization_id_received_at", "ingest_rejections", ["organization_id", "received_at"]
    )
    op.create_table(
        "model_prices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid()),
        sa.Column("provider", sa.String(100), nullable=False),
        sa.Column("model_name", sa.String(255), nullable=False),
        sa.Column("model_pattern", sa.Text(), nullable=False),
        sa.Column("match_kind", sa.String(20), server_default="exact", nullable=False),
        sa.Column("input_usd_per_mtok", sa.Numeric(20, 10)),
        sa.Column("output_usd_per_mtok", sa.Numeric(20, 10)),
        sa.Column("cached_input_usd_per_mtok", sa.Numeric(20, 10)),
        sa.Column("cache_write_usd_per_mtok", sa.Numeric(20, 10)),
        sa.Column("conditions", postgresql.JSONB()),
        sa.Column("valid_from", sa.DateTime(timezone=True)),
        sa.Column("valid_until", sa.DateTime(timezone=True)),
        sa.Column("source", sa.String(50), server_default="manual", nullable=False),
        sa.Column("source_version", sa.String(100)),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint(
            "match_kind IN ('exact', 'prefix', 'suffix', 'contains', 'regex')", name=op.f("ck_model_prices_match_kind")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_model_prices_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_model_prices"),
        sa.UniqueConstraint(
            "organization_id",
            "provider",
            "match_kind",
            "model_pattern",
            "conditions",
            "valid_from",
            name="uq_model_prices_key",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_model_prices_provider_valid_from", "model_prices", ["provider", "valid_from"])
    op.create_table(
        "flow_executions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid()),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("status", sa.String(50), server_default="pending"),
        sa.Column("trigger_type", sa.String(100)),
        sa.Column("input_data", postgresql.JSONB()),
        sa.Column("output_data", postgresql.JSONB()),
        sa.Column("execution_time_ms", sa.Integer()),
        sa.Column("tokens_used", sa.Integer()),
        sa.Column("cost_usd", sa.Numeric(10, 6)),
        sa.Column("error_message", sa.Text()),
        sa.Column("error_stack", sa.Text()),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("trace_id", sa.LargeBinary()),
        sa.Column("api_key_id", sa.Uuid()),
        sa.Column("service_name", sa.String(255)),
        sa.Column("service_version", sa.String(255)),
        sa.Column("environment", sa.String(100)),
        sa.Column("session_id", sa.String(255)),
        sa.Column("conversation_id", sa.Uuid()),
        sa.Column("user_ref", sa.String(255)),
        sa.Column("tags", postgresql.JSONB()),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cached_input_tokens", sa.BigInteger()),
        sa.Column("model_call_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tool_call_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("agent_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unpriced_call_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("agents", postgresql.ARRAY(sa.Text())),
        sa.Column("models", postgresql.ARRAY(sa.Text())),
        sa.Column("tools", postgresql.ARRAY(sa.Text())),
        sa.Column("error_type", sa.String(255)),
        sa.Column("error_raised_type", sa.String(255)),
        sa.Column("error_raised_message", sa.Text()),
        sa.Column("error_span_id", sa.LargeBinary()),
        sa.Column("is_root_seen", sa.Boolean()),
        sa.Column("span_count", sa.Integer()),
        sa.Column("first_received_at", sa.DateTime(timezone=True)),
        sa.Column("last_received_at", sa.DateTime(timezone=True)),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("mapping_version", sa.Integer()),
        sa.Column("content_hash", sa.LargeBinary()),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_flow_executions_status"),
        ),
        sa.CheckConstraint("created_at = id_time(id)", name=op.f("ck_flow_executions_created_at_is_id_time")),
        sa.ForeignKeyConstraint(["agentflow_id"], ["agentflows.id"], name="fk_flow_executions_agentflow_id_agentflows"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_flow_executions_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_flow_executions_user_id_users"),
        sa.PrimaryKeyConstraint("id", "created_at", name="pk_flow_executions"),
        postgresql_partition_by="RANGE (created_at)",
    )
    op.create_index("idx_flow_executions_agentflow", "flow_executions", ["agentflow_id"])
    op.create_index("idx_flow_executions_created", "flow_executions", [sa.text("created_at DESC")])
    op.create_index("idx_flow_executions_status", "flow_executions", ["status"])
    op.create_index("idx_flow_executions_user", "flow_executions", ["user_id"])
    op.create_index(
        "ix_flow_executions_error_trgm",
        "flow_executions",
        ["error_message"],
        postgresql_using="gin",
        postgresql_ops={"error_message": "gin_trgm_ops"},
        postgresql_where=sa.text("error_message IS NOT NULL"),
    )
    op.create_index(
        "ix_flow_executions_failed",
        "flow_executions",
        ["organization_id", sa.text("started_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.create_index(
        "ix_flow_executions_flow_started",
        "flow_executions",
        ["organization_id", "agentflow_id", sa.text("started_at DESC"), sa.text("id DESC")],
    )
    op.create_index(
        "ix_flow_executions_open",
        "flow_executions",
        ["organization_id", sa.text("started_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("status IN ('running', 'pending')"),
    )
    op.create_index("ix_flow_executions_session", "flow_executions", ["organization_id", "session_id"])
    op.create_index(
        "ix_flow_executions_started",
        "flow_executions",
        ["organization_id", sa.text("started_at DESC"), sa.text("id DESC")],
    )
    op.create_table(
        "agent_executions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("flow_execution_id", sa.Uuid()),
        sa.Column("agent_id", sa.Uuid()),
        sa.Column("block_id", sa.Uuid()),
        sa.Column("status", sa.String(50)),
        sa.Column("input_data", postgresql.JSONB()),
        sa.Column("output_data", postgresql.JSONB()),
        sa.Column("model_used", sa.String(100)),
        sa.Column("tokens_used", sa.Integer()),
        sa.Column("cost_usd", sa.Numeric(10, 6)),
        sa.Column("execution_time_ms", sa.Integer()),
        sa.Column("error_message", sa.Text()),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("flow_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("span_id", sa.LargeBinary()),
        sa.Column("parent_span_id", sa.LargeBinary()),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("sequence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("depth", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("kind", sa.String(30), server_default="step", nullable=False),
        sa.Column("name", sa.String(500)),
        sa.Column("agent_name", sa.String(255)),
        sa.Column("model_requested", sa.String(255)),
        sa.Column("provider", sa.String(100)),
        sa.Column("input_tokens", sa.BigInteger()),
        sa.Column("output_tokens", sa.BigInteger()),
        sa.Column("cached_input_tokens", sa.BigInteger()),
        sa.Column("cache_write_tokens", sa.BigInteger()),
        sa.Column("reasoning_tokens", sa.BigInteger()),
        sa.Column("is_billable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("finish_reason", sa.String(100)),
        sa.Column("time_to_first_token_ms", sa.Integer()),
        sa.Column("error_type", sa.String(255)),
        sa.Column("error_stack", sa.Text()),
        sa.Column("is_error_origin", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("content_hash", sa.LargeBinary()),
        sa.CheckConstraint(
            "kind IN ('agent', 'model_call', 'embedding', 'retrieval', 'step')", name=op.f("ck_agent_executions_kind")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_agent_executions_status"),
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_agent_executions_agent_id_agents"),
        sa.ForeignKeyConstraint(["block_id"], ["blocks.id"], name="fk_agent_executions_block_id_blocks"),
        sa.ForeignKeyConstraint(
            ["flow_execution_id", "flow_created_at"],
            ["flow_executions.id", "flow_executions.created_at"],
            name="fk_agent_executions_flow_execution_id_flow_executions",
        ),
        sa.PrimaryKeyConstraint("id", "flow_created_at", name="pk_agent_executions"),
        postgresql_partition_by="RANGE (flow_created_at)",
    )
    op.create_index("ix_agent_executions_flow_execution", "agent_executions", ["flow_execution_id", "sequence"])
    op.create_table(
        "spans",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.Column("span_id", sa.LargeBinary(), nullable=False),
        sa.Column("flow_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flow_execution_id", sa.Uuid(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("end_ns", sa.BigInteger()),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["flow_execution_id", "flow_created_at"],
            ["flow_executions.id", "flow_executions.created_at"],
            name="fk_spans_flow_execution_id_flow_executions",
        ),
        sa.PrimaryKeyConstraint("organization_id", "trace_id", "span_id", "flow_created_at", name="pk_spans"),
        postgresql_partition_by="RANGE (flow_created_at)",
    )
    op.create_index("ix_spans_flow_execution", "spans", ["flow_execution_id"])
    op.create_table(
        "tool_executions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("flow_execution_id", sa.Uuid(), nullable=False),
        sa.Column("flow_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("span_id", sa.LargeBinary()),
        sa.Column("parent_span_id", sa.LargeBinary()),
        sa.Column("parent_id", sa.Uuid()),
        sa.Column("sequence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("depth", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tool_id", sa.Uuid()),
        sa.Column("block_id", sa.Uuid()),
        sa.Column("agent_name", sa.String(255)),
        sa.Column("name", sa.String(500)),
        sa.Column("status", sa.String(50)),
        sa.Column("input_data", postgresql.JSONB()),
        sa.Column("output_data", postgresql.JSONB()),
        sa.Column("execution_time_ms", sa.Integer()),
        sa.Column("error_type", sa.String(255)),
        sa.Column("error_message", sa.Text()),
        sa.Column("error_stack", sa.Text()),
        sa.Column("is_helper", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_error_origin", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("content_hash", sa.LargeBinary()),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_tool_executions_status"),
        ),
        sa.ForeignKeyConstraint(["block_id"], ["blocks.id"], name="fk_tool_executions_block_id_blocks"),
        sa.ForeignKeyConstraint(
            ["flow_execution_id", "flow_created_at"],
            ["flow_executions.id", "flow_executions.created_at"],
            name="fk_tool_executions_flow_execution_id_flow_executions",
        ),
        sa.ForeignKeyConstraint(["tool_id"], ["tools.id"], name="fk_tool_executions_tool_id_tools"),
        sa.PrimaryKeyConstraint("id", "flow_created_at", name="pk_tool_executions"),
        postgresql_partition_by="RANGE (flow_created_at)",
    )
    op.create_index("ix_tool_executions_flow_execution", "tool_executions", ["flow_execution_id", "sequence"])
    # ### end Alembic commands ###


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
