"""Failures as groups with a state and an owner, what executions ran with, retries, and alerts with their deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from webapp.database import ddl

revision = "20261124_1900"
down_revision = "20261124_1815"
branch_labels = None
depends_on = None

TABLES = (
    "deliveries",
    "retry_attempts",
    "incident_links",
    "failure_splits",
    "failure_occurrences",
    "failure_fingerprints",
    "alerts",
    "retry_endpoints",
    "failure_groups",
    "alert_rules",
    "comments",
    "alert_channels",
    "context_values",
    "context_sightings",
)
"""In the order in which they can be dropped."""
# Before the organization is known: a token's hash finds the bundle that it opens.
AUTH_INCIDENT = """
CREATE FUNCTION public.auth_incident(token_hash bytea) RETURNS TABLE (
    link_id uuid, organization_id uuid, failure_group_id uuid, expires_at timestamptz, revoked_at timestamptz
) STABLE STRICT ROWS 1 LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT l.id, l.organization_id, l.failure_group_id, l.expires_at, l.revoked_at
    FROM public.incident_links l
    WHERE l.token_hash = auth_incident.token_hash
$$
"""


def upgrade() -> None:
    op.add_column("flow_executions", sa.Column("context", postgresql.JSONB(), nullable=True))
    _create_failures()
    _create_retries()
    _create_alerts()
    ddl.grant(TABLES)
    ddl.protect(TABLES)
    op.execute(AUTH_INCIDENT)
    ddl.grant_functions(("auth_incident(bytea)",))


def _create_failures() -> None:
    op.create_table(
        "context_sightings",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("environment", sa.String(length=100), server_default="", nullable=False),
        sa.Column("dimension", sa.String(length=30), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_execution_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint(
            "organization_id", "agentflow_id", "environment", "dimension", "hash", name="pk_context_sightings"
        ),
    )
    op.create_index(
        "ix_context_sightings_organization_id_first_seen_at", "context_sightings", ["organization_id", "first_seen_at"]
    )
    op.create_table(
        "context_values",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("dimension", sa.String(length=30), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.String(length=255), server_default="", nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.PrimaryKeyConstraint("organization_id", "dimension", "hash", name="pk_context_values"),
    )
    op.create_table(
        "failure_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("error_type", sa.String(length=255), nullable=True),
        sa.Column("step_kind", sa.String(length=30), nullable=True),
        sa.Column("step_name", sa.String(length=500), nullable=True),
        sa.Column("agentflow_id", sa.Uuid(), nullable=True),
        sa.Column("parts", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("state", sa.String(length=20), server_default="open", nullable=False),
        sa.Column("is_reviewed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("muted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("muted_until_version", sa.String(length=255), nullable=True),
        sa.Column("is_muted_until_escalating", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_in_version", sa.String(length=255), nullable=True),
        sa.Column("regressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalating_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_seen_version", sa.String(length=255), nullable=True),
        sa.Column("merged_into_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint("state IN ('open', 'muted', 'resolved')", name="ck_failure_groups_state"),
        sa.ForeignKeyConstraint(["agentflow_id"], ["agentflows.id"], name="fk_failure_groups_agentflow_id_agentflows"),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["failure_groups.id"], name="fk_failure_groups_merged_into_id_failure_groups"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_failure_groups_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_failure_groups_owner_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_failure_groups"),
        sa.UniqueConstraint("organization_id", "number", name="uq_failure_groups_organization_id_number"),
    )
    op.create_index("ix_failure_groups_organization_id_state", "failure_groups", ["organization_id", "state"])
    op.create_table(
        "failure_fingerprints",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("failure_group_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["failure_group_id"],
            ["failure_groups.id"],
            name="fk_failure_fingerprints_failure_group_id_failure_groups",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "version", "fingerprint", name="pk_failure_fingerprints"),
    )
    op.create_index("ix_failure_fingerprints_failure_group_id", "failure_fingerprints", ["failure_group_id"])
    op.create_table(
        "failure_occurrences",
        sa.Column("flow_execution_id", sa.Uuid(), nullable=False),
        sa.Column("flow_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("failure_group_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=True),
        sa.Column("step_name", sa.String(length=500), nullable=True),
        sa.Column("tool_name", sa.String(length=500), nullable=True),
        sa.Column("model", sa.String(length=255), nullable=True),
        sa.Column("environment", sa.String(length=100), nullable=True),
        sa.Column("service_version", sa.String(length=255), nullable=True),
        sa.Column("user_ref", sa.String(length=255), nullable=True),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("cost_usd", sa.Numeric(precision=20, scale=10), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["failure_group_id"], ["failure_groups.id"], name="fk_failure_occurrences_failure_group_id_failure_groups"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_failure_occurrences_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("flow_execution_id", "flow_created_at", name="pk_failure_occurrences"),
    )
    op.create_index(
        "ix_failure_occurrences_group",
        "failure_occurrences",
        ["failure_group_id", sa.literal_column("occurred_at DESC")],
    )
    op.create_index(
        "ix_failure_occurrences_time", "failure_occurrences", ["organization_id", sa.literal_column("occurred_at DESC")]
    )
    op.create_table(
        "failure_splits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("dimension", sa.String(length=30), nullable=False),
        sa.Column("value", sa.String(length=500), nullable=False),
        sa.Column("failure_group_id", sa.Uuid(), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint(
            "dimension IN ('agentflow', 'environment', 'service_version', 'step', 'tool', 'model', 'message')",
            name="ck_failure_splits_dimension",
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name="fk_failure_splits_created_by_id_users"),
        sa.ForeignKeyConstraint(
            ["failure_group_id"],
            ["failure_groups.id"],
            name="fk_failure_splits_failure_group_id_failure_groups",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_failure_splits_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_failure_splits"),
        sa.UniqueConstraint(
            "organization_id",
            "version",
            "fingerprint",
            "dimension",
            "value",
            name="uq_failure_splits_key",
        ),
    )


def _create_retries() -> None:
    op.create_table(
        "comments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("record_type", sa.String(length=50), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("mentions", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_comments_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_comments_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_comments"),
    )
    op.create_index(
        "ix_comments_organization_id_record_type_record_id_created_at",
        "comments",
        ["organization_id", "record_type", "record_id", "created_at"],
    )
    op.create_table(
        "retry_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("updated_by_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["agentflow_id"], ["agentflows.id"], name="fk_retry_endpoints_agentflow_id_agentflows", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_retry_endpoints_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["updated_by_id"], ["users.id"], name="fk_retry_endpoints_updated_by_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_retry_endpoints"),
        sa.UniqueConstraint("agentflow_id", name="uq_retry_endpoints_agentflow_id"),
    )
    op.create_table(
        "incident_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("failure_group_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("bundle", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name="fk_incident_links_created_by_id_users"),
        sa.ForeignKeyConstraint(
            ["failure_group_id"],
            ["failure_groups.id"],
            name="fk_incident_links_failure_group_id_failure_groups",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_incident_links_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_incident_links"),
        sa.UniqueConstraint("token_hash", name="uq_incident_links_token_hash"),
    )
    op.create_index("ix_incident_links_failure_group_id", "incident_links", ["failure_group_id"])
    op.create_table(
        "retry_attempts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=True),
        sa.Column("failure_group_id", sa.Uuid(), nullable=True),
        sa.Column("root_execution_id", sa.Uuid(), nullable=False),
        sa.Column("root_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_execution_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("is_canary", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("idempotency_key", sa.String(length=100), nullable=False),
        sa.Column("trace_id", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="pending", nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requested_by_id", sa.Uuid(), nullable=True),
        sa.Column("flow_execution_id", sa.Uuid(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'seen', 'no_trace', 'refused', 'failed', 'skipped')",
            name="ck_retry_attempts_status",
        ),
        sa.ForeignKeyConstraint(["agentflow_id"], ["agentflows.id"], name="fk_retry_attempts_agentflow_id_agentflows"),
        sa.ForeignKeyConstraint(
            ["failure_group_id"],
            ["failure_groups.id"],
            name="fk_retry_attempts_failure_group_id_failure_groups",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_retry_attempts_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["requested_by_id"], ["users.id"], name="fk_retry_attempts_requested_by_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_retry_attempts"),
        sa.UniqueConstraint(
            "organization_id", "idempotency_key", name="uq_retry_attempts_organization_id_idempotency_key"
        ),
        sa.UniqueConstraint("organization_id", "trace_id", name="uq_retry_attempts_organization_id_trace_id"),
    )
    op.create_index(
        "ix_retry_attempts_organization_id_flow_execution_id",
        "retry_attempts",
        ["organization_id", "flow_execution_id"],
    )
    op.create_index(
        "ix_retry_attempts_organization_id_root_execution_id",
        "retry_attempts",
        ["organization_id", "root_execution_id"],
    )


def _create_alerts() -> None:
    op.create_table(
        "alert_channels",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=2000), server_default="", nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint("kind IN ('notification', 'email', 'webhook')", name="ck_alert_channels_kind"),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name="fk_alert_channels_created_by_id_users"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_alert_channels_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_alert_channels"),
    )
    op.create_index("ix_alert_channels_organization_id", "alert_channels", ["organization_id"])
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=True),
        sa.Column("environment", sa.String(length=100), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("window_minutes", sa.Integer(), server_default=sa.text("15"), nullable=False),
        sa.Column("least_executions", sa.Integer(), server_default=sa.text("10"), nullable=False),
        sa.Column("is_no_data_alert", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("channel_ids", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("config", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_by_id", sa.Uuid(), nullable=True),
        sa.Column("last_evaluated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint(
            "kind IN ('new_failure', 'regression', 'escalation', 'failure_rate', 'duration_p95', 'cost')",
            name="ck_alert_rules_kind",
        ),
        sa.ForeignKeyConstraint(
            ["agentflow_id"], ["agentflows.id"], name="fk_alert_rules_agentflow_id_agentflows", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name="fk_alert_rules_created_by_id_users"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_alert_rules_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_alert_rules"),
    )
    op.create_index("ix_alert_rules_organization_id", "alert_rules", ["organization_id"])
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("alert_rule_id", sa.Uuid(), nullable=False),
        sa.Column("failure_group_id", sa.Uuid(), nullable=True),
        sa.Column("dedupe_key", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("payload", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["alert_rule_id"], ["alert_rules.id"], name="fk_alerts_alert_rule_id_alert_rules", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["failure_group_id"],
            ["failure_groups.id"],
            name="fk_alerts_failure_group_id_failure_groups",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_alerts_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_organization_id_fired_at", "alerts", ["organization_id", "fired_at"])
    op.create_index("uq_alerts_dedupe", "alerts", ["organization_id", "alert_rule_id", "dedupe_key"], unique=True)
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("alert_channel_id", sa.Uuid(), nullable=True),
        sa.Column("alert_id", sa.Uuid(), nullable=True),
        sa.Column("channel_kind", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=2000), server_default="", nullable=False),
        sa.Column("payload", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("is_test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint("status IN ('pending', 'sent', 'dead')", name="ck_deliveries_status"),
        sa.ForeignKeyConstraint(
            ["alert_channel_id"],
            ["alert_channels.id"],
            name="fk_deliveries_alert_channel_id_alert_channels",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_deliveries_alert_id_alerts", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_deliveries_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["next_attempt_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("ix_deliveries_organization_id_created_at", "deliveries", ["organization_id", "created_at"])


def downgrade() -> None:
    op.execute("DROP FUNCTION auth_incident(bytea)")
    for table in TABLES:
        op.drop_table(table)
    op.drop_column("flow_executions", "context")
