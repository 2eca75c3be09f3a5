"""Plugins, tools, marketplace, knowledge bases and prompts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_1331"
down_revision = "20261124_1330"
branch_labels = None
depends_on = None

TABLES = (
    "plugin_metrics",
    "marketplace_revenue",
    "knowledge_graphs",
    "documents",
    "tools",
    "prompt_templates",
    "plugin_configurations",
    "plugin_audit_logs",
    "marketplace_reviews",
    "marketplace_purchases",
    "knowledge_bases",
    "plugin_security_scans",
    "plugin_dependencies",
    "plugin_registry",
)
"""In the order in which they can be dropped."""


def upgrade() -> None:
    op.create_table(
        "plugin_registry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("display_name", sa.String(255)),
        sa.Column("description", sa.Text()),
        sa.Column("version", sa.String(50), nullable=False),
        sa.Column("category", sa.String(100)),
        sa.Column("author", sa.String(255)),
        sa.Column("repository_url", sa.String(500)),
        sa.Column("config_schema", postgresql.JSONB()),
        sa.Column("capabilities", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb")),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true")),
        sa.Column("is_verified", sa.Boolean(), server_default=sa.text("false")),
        sa.Column("install_count", sa.Integer(), server_default=sa.text("0")),
        sa.Column("rating", sa.Numeric(3, 2)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.PrimaryKeyConstraint("id", name="pk_plugin_registry"),
        sa.UniqueConstraint("name", name="uq_plugin_registry_name"),
    )
    op.create_table(
        "plugin_dependencies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plugin_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version_range", sa.String(100), server_default="*", nullable=False),
        sa.Column("is_optional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["plugin_id"],
            ["plugin_registry.id"],
            name="fk_plugin_dependencies_plugin_id_plugin_registry",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plugin_dependencies"),
        sa.UniqueConstraint("plugin_id", "name", name="uq_plugin_dependencies_plugin_id_name"),
    )
    op.create_table(
        "plugin_security_scans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plugin_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(50), nullable=False),
        sa.Column("scanner_version", sa.String(50), nullable=False),
        sa.Column("severity", sa.String(20), server_default="none", nullable=False),
        sa.Column("findings", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("content_hash", sa.LargeBinary()),
        sa.Column(
            "scanned_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint(
            "severity IN ('none', 'low', 'medium', 'high', 'critical')", name=op.f("ck_plugin_security_scans_severity")
        ),
        sa.ForeignKeyConstraint(
            ["plugin_id"],
            ["plugin_registry.id"],
            name="fk_plugin_security_scans_plugin_id_plugin_registry",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plugin_security_scans"),
    )
    op.create_index(
        "ix_plugin_security_scans_plugin_id_version_scanned_at",
        "plugin_security_scans",
        ["plugin_id", "version", "scanned_at"],
    )
    op.create_table(
        "knowledge_bases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("embedding_model", sa.String(100)),
        sa.Column("chunk_size", sa.Integer(), server_default=sa.text("512")),
        sa.Column("chunk_overlap", sa.Integer(), server_default=sa.text("50")),
        sa.Column("document_count", sa.Integer(), server_default=sa.text("0")),
        sa.Column("total_chunks", sa.Integer(), server_default=sa.text("0")),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_knowledge_bases_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_knowledge_bases_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_knowledge_bases"),
    )
    op.create_index("ix_knowledge_bases_organization_id_name", "knowledge_bases", ["organization_id", "name"])
    op.create_table(
        "marketplace_purchases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plugin_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("price_credits", sa.Numeric(20, 10), nullable=False),
        sa.Column("status", sa.String(20), server_default="completed", nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("refunded_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("status IN ('completed', 'refunded')", name=op.f("ck_marketplace_purchases_status")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_marketplace_purchases_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["plugin_id"], ["plugin_registry.id"], name="fk_marketplace_purchases_plugin_id_plugin_registry"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_marketplace_purchases_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_purchases"),
    )
    op.create_index(
        "ix_marketplace_purchases_organization_id_created_at",
        "marketplace_purchases",
        ["organization_id", "created_at"],
    )
    op.create_table(
        "marketplace_reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plugin_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("rating", sa.SmallInteger(), nullable=False),
        sa.Column("title", sa.String(255)),
        sa.Column("body", sa.Text()),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_marketplace_reviews_rating")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_marketplace_reviews_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["plugin_id"], ["plugin_registry.id"], name="fk_marketplace_reviews_plugin_id_plugin_registry"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_marketplace_reviews_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_reviews"),
        sa.UniqueConstraint("organization_id", "plugin_id", name="uq_marketplace_reviews_organization_id_plugin_id"),
    )
    op.create_index("ix_marketplace_reviews_plugin_id_created_at", "marketplace_reviews", ["plugin_id", "created_at"])
    op.create_table(
        "plugin_audit_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plugin_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("action", sa.String(50), nullable=False),
        sa.Column("before", postgresql.JSONB()),
        sa.Column("after", postgresql.JSONB()),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_plugin_audit_logs_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["plugin_id"], ["plugin_registry.id"], name="fk_plugin_audit_logs_plugin_id_plugin_registry"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_plugin_audit_logs_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_plugin_audit_logs"),
    )
    op.create_index(
        "ix_plugin_audit_logs_organization_id_plugin_id_created_at",
        "plugin_audit_logs",
        ["organization_id", "plugin_id", "created_at"],
    )
    op.create_table(
        "plugin_configurations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plugin_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(50), nullable=False),
        sa.Column("status", sa.String(20), server_default="pending", nullable=False),
        sa.Column("settings", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("secrets", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("installed_by_id", sa.Uuid()),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'disabled', 'removed')", name=op.f("ck_plugin_configurations_status")
        ),
        sa.ForeignKeyConstraint(
            ["installed_by_id"], ["users.id"], name="fk_plugin_configurations_installed_by_id_users"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_plugin_configurations_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["plugin_id"], ["plugin_registry.id"], name="fk_plugin_configurations_plugin_id_plugin_registry"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plugin_configurations"),
        sa.UniqueConstraint("organization_id", "plugin_id", name="uq_plugin_configurations_organization_id_plugin_id"),
    )
    op.create_table(
        "prompt_templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("variables", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("tags", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_prompt_templates_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_prompt_templates_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_prompt_templates"),
        sa.UniqueConstraint(
            "organization_id", "name", "version", name="uq_prompt_templates_organization_id_name_version"
        ),
    )
    op.create_table(
        "tools",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("display_name", sa.String(255)),
        sa.Column("description", sa.Text()),
        sa.Column("category", sa.String(100)),
        sa.Column("tool_type", sa.String(100)),
        sa.Column("config_schema", postgresql.JSONB()),
        sa.Column("input_schema", postgresql.JSONB()),
        sa.Column("output_schema", postgresql.JSONB()),
        sa.Column("execution_mode", sa.String(50)),
        sa.Column("timeout_seconds", sa.Integer(), server_default=sa.text("30")),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true")),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("organization_id", sa.Uuid()),
        sa.Column("source", sa.String(20), server_default="manual", nullable=False),
        sa.Column("plugin_id", sa.Uuid()),
        sa.CheckConstraint("source IN ('manual', 'discovered', 'imported')", name=op.f("ck_tools_source")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_tools_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["plugin_id"], ["plugin_registry.id"], name="fk_tools_plugin_id_plugin_registry"),
        sa.PrimaryKeyConstraint("id", name="pk_tools"),
        sa.UniqueConstraint(
            "organization_id", "name", name="uq_tools_organization_id_name", postgresql_nulls_not_distinct=True
        ),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("knowledge_base_id", sa.Uuid()),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("filename", sa.String(500), nullable=False),
        sa.Column("file_path", sa.String(1000)),
        sa.Column("file_size", sa.Integer()),
        sa.Column("mime_type", sa.String(100)),
        sa.Column("status", sa.String(50), server_default="pending"),
        sa.Column("metadata", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb")),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("progress", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_message", sa.Text()),
        sa.Column("chunk_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'completed', 'failed')", name=op.f("ck_documents_status")
        ),
        sa.ForeignKeyConstraint(
            ["knowledge_base_id"], ["knowledge_bases.id"], name="fk_documents_knowledge_base_id_knowledge_bases"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_documents_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_documents_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
    )
    op.create_index("idx_documents_kb", "documents", ["knowledge_base_id"])
    op.create_index("idx_documents_status", "documents", ["status"])
    op.create_table(
        "knowledge_graphs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("knowledge_base_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("status", sa.String(50), server_default="pending", nullable=False),
        sa.Column("entities", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("relations", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("entity_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("relation_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'completed', 'failed')", name=op.f("ck_knowledge_graphs_status")
        ),
        sa.ForeignKeyConstraint(
            ["knowledge_base_id"],
            ["knowledge_bases.id"],
            name="fk_knowledge_graphs_knowledge_base_id_knowledge_bases",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_knowledge_graphs_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_knowledge_graphs"),
    )
    op.create_index(
        "ix_knowledge_graphs_knowledge_base_id_created_at", "knowledge_graphs", ["knowledge_base_id", "created_at"]
    )
    op.create_table(
        "marketplace_revenue",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plugin_id", sa.Uuid()),
        sa.Column("purchase_id", sa.Uuid()),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("amount_credits", sa.Numeric(20, 10), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint("kind IN ('purchase', 'refund', 'payout')", name=op.f("ck_marketplace_revenue_kind")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_marketplace_revenue_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["plugin_id"], ["plugin_registry.id"], name="fk_marketplace_revenue_plugin_id_plugin_registry"
        ),
        sa.ForeignKeyConstraint(
            ["purchase_id"],
            ["marketplace_purchases.id"],
            name="fk_marketplace_revenue_purchase_id_marketplace_purchases",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_marketplace_revenue"),
    )
    op.create_index(
        "ix_marketplace_revenue_organization_id_created_at", "marketplace_revenue", ["organization_id", "created_at"]
    )
    op.create_table(
        "plugin_metrics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("plugin_configuration_id", sa.Uuid(), nullable=False),
        sa.Column("measured_on", sa.Date(), nullable=False),
        sa.Column("call_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("execution_time_ms_sum", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("execution_time_ms_max", sa.Integer()),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_plugin_metrics_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["plugin_configuration_id"],
            ["plugin_configurations.id"],
            name="fk_plugin_metrics_plugin_configuration_id_plugin_configurations",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plugin_metrics"),
        sa.UniqueConstraint(
            "plugin_configuration_id", "measured_on", name="uq_plugin_metrics_plugin_configuration_id_measured_on"
        ),
    )
    # ### end Alembic commands ###


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
