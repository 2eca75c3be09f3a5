"""Agents, agentflows, conversations, and what is logged beside them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_1332"
down_revision = "20261124_1331"
branch_labels = None
depends_on = None

TABLES = (
    "messages",
    "conversation_shares",
    "conversations",
    "agentflow_edges",
    "workflows",
    "chatflows",
    "blocks",
    "agentflow_agents",
    "query_logs",
    "agentflows",
    "agent_versions",
    "agent_tools",
    "agent_memories",
    "agent_knowledgebases",
    "feedback",
    "event_store",
    "bookmarks",
    "agents",
    "agent_templates",
)
"""In the order in which they can be dropped."""


def upgrade() -> None:
    op.create_table(
        "agent_templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid()),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("category", sa.String(100)),
        sa.Column("agent_type", sa.String(100)),
        sa.Column("system_prompt", sa.Text()),
        sa.Column("config", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agent_templates_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agent_templates"),
        sa.UniqueConstraint(
            "organization_id",
            "name",
            name="uq_agent_templates_organization_id_name",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "agents",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuid_generate_v4()"), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("agent_type", sa.String(100)),
        sa.Column("config", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb")),
        sa.Column("system_prompt", sa.Text()),
        sa.Column("model_provider", sa.String(100)),
        sa.Column("model_name", sa.String(100)),
        sa.Column("temperature", sa.Double(), server_default=sa.text("0.7")),
        sa.Column("max_tokens", sa.Integer()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true")),
        sa.Column("version", sa.Integer(), server_default=sa.text("1")),
        sa.Column("tags", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb")),
        sa.Column("metadata", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb")),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(20), server_default="manual", nullable=False),
        sa.Column("service_name", sa.String(255), server_default="", nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("source IN ('manual', 'discovered', 'imported')", name=op.f("ck_agents_source")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agents_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_agents_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_agents"),
    )
    op.create_index("ix_agents_organization_id_name", "agents", ["organization_id", "name"])
    op.create_index(
        "uq_agents_discovered",
        "agents",
        ["organization_id", "service_name", "name"],
        unique=True,
        postgresql_where=sa.text("source = 'discovered'"),
    )
    op.create_table(
        "bookmarks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("record_type", sa.String(50), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("record_created_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint(
            "record_type IN ('execution', 'agentflow', 'agent', 'conversation', 'document', 'plugin', 'failure')",
            name=op.f("ck_bookmarks_record_type"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_bookmarks_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_bookmarks_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_bookmarks"),
        sa.UniqueConstraint("user_id", "record_type", "record_id", name="uq_bookmarks_user_id_record_type_record_id"),
    )
    op.create_index(
        "ix_bookmarks_organization_id_user_id_created_at", "bookmarks", ["organization_id", "user_id", "created_at"]
    )
    op.create_table(
        "event_store",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column(
            "occurred_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("actor_kind", sa.String(20), nullable=False),
        sa.Column("aggregate_type", sa.String(50), nullable=False),
        sa.Column("aggregate_id", sa.Uuid()),
        sa.Column("event_type", sa.String(100), nullable=False),
        sa.Column("payload", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary()),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_event_store_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_event_store"),
        sa.UniqueConstraint("organization_id", "sequence", name="uq_event_store_organization_id_sequence"),
    )
    op.create_index(
        "ix_event_store_aggregate_type_aggregate_id_sequence",
        "event_store",
        ["aggregate_type", "aggregate_id", "sequence"],
    )
    op.create_index("ix_event_store_organization_id_occurred_at", "event_store", ["organization_id", "occurred_at"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("flow_execution_id", sa.Uuid()),
        sa.Column("flow_created_at", sa.DateTime(timezone=True)),
        sa.Column("message_id", sa.Uuid()),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("comment", sa.Text()),
        sa.Column("source", sa.String(50), server_default="page", nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint(
            "flow_execution_id IS NOT NULL OR message_id IS NOT NULL", name=op.f("ck_feedback_has_subject")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_feedback_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_feedback_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_feedback"),
    )
    op.create_index("ix_feedback_flow_execution_id", "feedback", ["flow_execution_id"])
    op.create_index("ix_feedback_organization_id_created_at", "feedback", ["organization_id", "created_at"])
    op.create_table(
        "agent_knowledgebases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("knowledge_base_id", sa.Uuid(), nullable=False),
        sa.Column("top_k", sa.Integer(), server_default=sa.text("5"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name="fk_agent_knowledgebases_agent_id_agents", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["knowledge_base_id"],
            ["knowledge_bases.id"],
            name="fk_agent_knowledgebases_knowledge_base_id_knowledge_bases",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agent_knowledgebases_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agent_knowledgebases"),
        sa.UniqueConstraint("agent_id", "knowledge_base_id", name="uq_agent_knowledgebases_agent_id_knowledge_base_id"),
    )
    op.create_index("ix_agent_knowledgebases_knowledge_base_id", "agent_knowledgebases", ["knowledge_base_id"])
    op.create_table(
        "agent_memories",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("term", sa.String(20), server_default="short", nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("importance", sa.Double(), server_default=sa.text("0.5"), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint("term IN ('short', 'long')", name=op.f("ck_agent_memories_term")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name="fk_agent_memories_agent_id_agents", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agent_memories_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agent_memories"),
    )
    op.create_index("ix_agent_memories_agent_id_created_at", "agent_memories", ["agent_id", "created_at"])
    op.create_table(
        "agent_tools",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("tool_id", sa.Uuid(), nullable=False),
        sa.Column("config", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_agent_tools_agent_id_agents", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agent_tools_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["tool_id"], ["tools.id"], name="fk_agent_tools_tool_id_tools"),
        sa.PrimaryKeyConstraint("id", name="pk_agent_tools"),
        sa.UniqueConstraint("agent_id", "tool_id", name="uq_agent_tools_agent_id_tool_id"),
    )
    op.create_index("ix_agent_tools_tool_id", "agent_tools", ["tool_id"])
    op.create_table(
        "agent_versions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Uuid()),
        sa.Column("note", sa.Text()),
        sa.Column("system_prompt", sa.Text()),
        sa.Column("model_provider", sa.String(100)),
        sa.Column("model_name", sa.String(100)),
        sa.Column("settings", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("tools", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("content_hash", sa.LargeBinary()),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_agent_versions_agent_id_agents"),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name="fk_agent_versions_author_id_users"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agent_versions_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agent_versions"),
        sa.UniqueConstraint("agent_id", "version", name="uq_agent_versions_agent_id_version"),
    )
    op.create_table(
        "agentflows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("graph_definition", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb")),
        sa.Column("compiled_graph", postgresql.JSONB()),
        sa.Column("orchestration_pattern", sa.String(100)),
        sa.Column("config", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb")),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true")),
        sa.Column("is_public", sa.Boolean(), server_default=sa.text("false")),
        sa.Column("version", sa.Integer(), server_default=sa.text("1")),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(20), server_default="manual", nullable=False),
        sa.Column("service_name", sa.String(255), server_default="", nullable=False),
        sa.Column("last_execution_at", sa.DateTime(timezone=True)),
        sa.Column("team_id", sa.Uuid()),
        sa.CheckConstraint("source IN ('manual', 'discovered', 'imported')", name=op.f("ck_agentflows_source")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agentflows_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_agentflows_team_id_teams", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_agentflows_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_agentflows"),
    )
    op.create_index("idx_agentflows_active", "agentflows", ["is_active"])
    op.create_index("idx_agentflows_user", "agentflows", ["user_id"])
    op.create_index("ix_agentflows_organization_id_name", "agentflows", ["organization_id", "name"])
    op.create_index(
        "uq_agentflows_discovered",
        "agentflows",
        ["organization_id", "service_name", "name"],
        unique=True,
        postgresql_where=sa.text("source = 'discovered'"),
    )
    op.create_table(
        "query_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("knowledge_base_id", sa.Uuid()),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("agent_id", sa.Uuid()),
        sa.Column("query_text", sa.Text(), nullable=False),
        sa.Column("hit_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("hits", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("execution_time_ms", sa.Integer()),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_query_logs_agent_id_agents"),
        sa.ForeignKeyConstraint(
            ["knowledge_base_id"],
            ["knowledge_bases.id"],
            name="fk_query_logs_knowledge_base_id_knowledge_bases",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_query_logs_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_query_logs_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_query_logs"),
    )
    op.create_index("ix_query_logs_knowledge_base_id_created_at", "query_logs", ["knowledge_base_id", "created_at"])
    op.create_index("ix_query_logs_organization_id_created_at", "query_logs", ["organization_id", "created_at"])
    op.create_table(
        "agentflow_agents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(100)),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("config", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_agentflow_agents_agent_id_agents"),
        sa.ForeignKeyConstraint(
            ["agentflow_id"], ["agentflows.id"], name="fk_agentflow_agents_agentflow_id_agentflows", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agentflow_agents_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agentflow_agents"),
        sa.UniqueConstraint("agentflow_id", "agent_id", name="uq_agentflow_agents_agentflow_id_agent_id"),
    )
    op.create_index("ix_agentflow_agents_agent_id", "agentflow_agents", ["agent_id"])
    op.create_table(
        "blocks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid()),
        sa.Column("block_type", sa.String(100), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("position_x", sa.Double()),
        sa.Column("position_y", sa.Double()),
        sa.Column("config", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb")),
        sa.Column("inputs", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb")),
        sa.Column("outputs", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb")),
        sa.Column("agent_id", sa.Uuid()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(20), server_default="manual", nullable=False),
        sa.Column("step_kind", sa.String(30)),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("source IN ('manual', 'discovered', 'imported')", name=op.f("ck_blocks_source")),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name="fk_blocks_agent_id_agents"),
        sa.ForeignKeyConstraint(
            ["agentflow_id"], ["agentflows.id"], name="fk_blocks_agentflow_id_agentflows", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_blocks_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_blocks"),
    )
    op.create_index("idx_blocks_agent", "blocks", ["agent_id"])
    op.create_index("idx_blocks_agentflow", "blocks", ["agentflow_id"])
    op.create_index(
        "uq_blocks_discovered",
        "blocks",
        ["agentflow_id", "step_kind", "name"],
        unique=True,
        postgresql_where=sa.text("source = 'discovered'"),
    )
    op.create_table(
        "chatflows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("agentflow_id", sa.Uuid()),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("greeting", sa.Text()),
        sa.Column("model_provider", sa.String(100)),
        sa.Column("model_name", sa.String(100)),
        sa.Column("config", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("is_shared", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(["agentflow_id"], ["agentflows.id"], name="fk_chatflows_agentflow_id_agentflows"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_chatflows_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_chatflows_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_chatflows"),
    )
    op.create_index("ix_chatflows_organization_id_name", "chatflows", ["organization_id", "name"])
    op.create_table(
        "workflows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("trigger_kind", sa.String(50), nullable=False),
        sa.Column("trigger_config", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("input_data", postgresql.JSONB()),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("last_started_at", sa.DateTime(timezone=True)),
        sa.Column("next_start_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint("trigger_kind IN ('webhook', 'schedule', 'event')", name=op.f("ck_workflows_trigger_kind")),
        sa.ForeignKeyConstraint(
            ["agentflow_id"], ["agentflows.id"], name="fk_workflows_agentflow_id_agentflows", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_workflows_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_workflows_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_workflows"),
    )
    op.create_index("ix_workflows_organization_id_agentflow_id", "workflows", ["organization_id", "agentflow_id"])
    op.create_table(
        "agentflow_edges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agentflow_id", sa.Uuid()),
        sa.Column("source_block_id", sa.Uuid()),
        sa.Column("target_block_id", sa.Uuid()),
        sa.Column("source_handle", sa.String(100)),
        sa.Column("target_handle", sa.String(100)),
        sa.Column("config", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb")),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP")),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(20), server_default="flow", nullable=False),
        sa.CheckConstraint("kind IN ('flow', 'attach', 'loop_back')", name=op.f("ck_agentflow_edges_kind")),
        sa.ForeignKeyConstraint(
            ["agentflow_id"], ["agentflows.id"], name="fk_agentflow_edges_agentflow_id_agentflows", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_agentflow_edges_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(
            ["source_block_id"], ["blocks.id"], name="fk_agentflow_edges_source_block_id_blocks", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["target_block_id"], ["blocks.id"], name="fk_agentflow_edges_target_block_id_blocks", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agentflow_edges"),
    )
    op.create_index("ix_agentflow_edges_agentflow_id", "agentflow_edges", ["agentflow_id"])
    op.create_index("ix_agentflow_edges_source_block_id", "agentflow_edges", ["source_block_id"])
    op.create_index("ix_agentflow_edges_target_block_id", "agentflow_edges", ["target_block_id"])
    op.create_table(
        "conversations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.String(255)),
        sa.Column("user_ref", sa.String(255)),
        sa.Column("title", sa.String(500)),
        sa.Column("agentflow_id", sa.Uuid()),
        sa.Column("chatflow_id", sa.Uuid()),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("message_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.ForeignKeyConstraint(["agentflow_id"], ["agentflows.id"], name="fk_conversations_agentflow_id_agentflows"),
        sa.ForeignKeyConstraint(["chatflow_id"], ["chatflows.id"], name="fk_conversations_chatflow_id_chatflows"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_conversations_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_conversations_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sa.UniqueConstraint("organization_id", "session_id", name="uq_conversations_organization_id_session_id"),
    )
    op.create_index(
        "ix_conversations_last_message",
        "conversations",
        ["organization_id", sa.text("last_message_at DESC"), sa.text("id DESC")],
    )
    op.create_table(
        "conversation_shares",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("view_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_conversation_shares_conversation_id_conversations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_conversation_shares_organization_id_organizations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_conversation_shares_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_conversation_shares"),
        sa.UniqueConstraint("token_hash", name="uq_conversation_shares_token_hash"),
    )
    op.create_index("ix_conversation_shares_conversation_id", "conversation_shares", ["conversation_id"])
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("content", sa.Text()),
        sa.Column("flow_execution_id", sa.Uuid()),
        sa.Column("flow_created_at", sa.DateTime(timezone=True)),
        sa.Column("span_id", sa.LargeBinary()),
        sa.Column("sequence", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tokens_used", sa.Integer()),
        sa.Column("cost_usd", sa.Numeric(10, 6)),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False
        ),
        sa.CheckConstraint("role IN ('system', 'user', 'assistant', 'tool')", name=op.f("ck_messages_role")),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_messages_conversation_id_conversations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_messages_organization_id_organizations"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
    )
    op.create_index(
        "ix_messages_conversation_id_created_at_sequence", "messages", ["conversation_id", "created_at", "sequence"]
    )
    op.create_index("ix_messages_flow_execution_id", "messages", ["flow_execution_id"])
    # ### end Alembic commands ###


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
