"""Agentflows: the graph of blocks and edges, the agents in it, and the automations that start it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.accounts import User
from webapp.models.agents import Agent
from webapp.models.base import (
    Source,
    created_column,
    db,
    id_column,
    json_column,
    one_of,
    organization_column,
    updated_column,
)


class TriggerKind(StrEnum):
    """What starts a workflow."""

    WEBHOOK = "webhook"
    SCHEDULE = "schedule"
    EVENT = "event"


class Visibility(StrEnum):
    """Who of an organization sees a flow. Its author and admins always do."""

    ORGANIZATION = "organization"
    TEAM = "team"
    PRIVATE = "private"


class VersionKind(StrEnum):
    """How a version came to be."""

    CREATED = "created"
    EDIT = "edit"
    IMPORT = "import"
    RESTORE = "restore"
    ADOPTED = "adopted"


class EdgeKind(StrEnum):
    """What an edge means: order of work, something attached to a block, or the way back of a loop."""

    FLOW = "flow"
    ATTACH = "attach"
    LOOP_BACK = "loop_back"


class Agentflow(db.Model):
    """A flow of agents: made by hand, imported, or seen in traces (then named by service and root)."""

    __tablename__ = "agentflows"
    __table_args__ = (
        Index("idx_agentflows_user", "user_id"),
        Index("idx_agentflows_active", "is_active"),
        Index(
            "uq_agentflows_discovered",
            "organization_id",
            "service_name",
            "name",
            unique=True,
            postgresql_where=text("source = 'discovered'"),
        ),
        Index(None, "organization_id", "name"),
        one_of("source", Source),
        one_of("visibility", Visibility),
    )

    id: Mapped[UUID] = id_column()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    graph_definition: Mapped[dict[str, Any] | None] = json_column()
    compiled_graph: Mapped[dict[str, Any] | None]
    orchestration_pattern: Mapped[str | None] = mapped_column(String(100))
    config: Mapped[dict[str, Any] | None] = json_column()
    is_active: Mapped[bool | None] = mapped_column(server_default=text("true"))
    is_public: Mapped[bool | None] = mapped_column(server_default=text("false"))
    version: Mapped[int | None] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime | None] = created_column()
    updated_at: Mapped[datetime | None] = updated_column()
    deleted_at: Mapped[datetime | None]
    # Added: the tenant.
    organization_id: Mapped[UUID] = organization_column()
    # Added: tells flows that someone made from those that ingest found.
    source: Mapped[str] = mapped_column(String(20), server_default="manual")
    # Added: with the name it tells two services' flows of one name apart.
    service_name: Mapped[str] = mapped_column(String(255), server_default="")
    # Added: a flow list sorts by it without touching executions.
    last_execution_at: Mapped[datetime | None]
    # Added: a flow may belong to a team.
    team_id: Mapped[UUID | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"))
    # Added: words to find and group flows by.
    tags: Mapped[list[Any]] = json_column("[]")
    # Added: a template is something to copy and never runs itself.
    is_template: Mapped[bool] = mapped_column(server_default=text("false"))
    # Added: a draft need not be seen by everybody.
    visibility: Mapped[str] = mapped_column(String(20), server_default=Visibility.ORGANIZATION)
    # Added: what it was imported from; importing the same again offers a new version of this flow.
    source_format: Mapped[str | None] = mapped_column(String(30))
    source_version: Mapped[str | None] = mapped_column(String(50))
    source_key: Mapped[str | None] = mapped_column(String(255))
    # Added: who changed and who deleted it, for the list and the way back.
    updated_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    deleted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    # Added: why `compiled_graph` is NULL: objects of code, severity, message and block key; empty = nothing is wrong.
    problems: Mapped[list[Any]] = json_column("[]")
    # Added: drawn blocks, so that a list counts none. NULL = nothing was drawn.
    block_count: Mapped[int | None]

    user: Mapped[User | None] = relationship(foreign_keys=[user_id], lazy="raise_on_sql")
    blocks: Mapped[list["Block"]] = relationship(back_populates="agentflow", lazy="raise_on_sql", passive_deletes=True)
    edges: Mapped[list["AgentflowEdge"]] = relationship(
        back_populates="agentflow", lazy="raise_on_sql", passive_deletes=True
    )
    agents: Mapped[list["AgentflowAgent"]] = relationship(
        back_populates="agentflow", lazy="raise_on_sql", passive_deletes=True
    )


class Block(db.Model):
    """One node of an agentflow."""

    __tablename__ = "blocks"
    __table_args__ = (
        Index("idx_blocks_agentflow", "agentflow_id"),
        Index("idx_blocks_agent", "agent_id"),
        Index(
            "uq_blocks_discovered",
            "agentflow_id",
            "step_kind",
            "name",
            unique=True,
            postgresql_where=text("source = 'discovered'"),
        ),
        Index(
            "uq_blocks_key",
            "agentflow_id",
            "key",
            unique=True,
            postgresql_where=text("key IS NOT NULL AND removed_at IS NULL"),
        ),
        Index(None, "organization_id", "tool_id"),
        one_of("source", Source),
    )

    id: Mapped[UUID] = id_column()
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    block_type: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    position_x: Mapped[float | None]
    position_y: Mapped[float | None]
    config: Mapped[dict[str, Any] | None] = json_column()
    inputs: Mapped[dict[str, Any] | None] = json_column()
    outputs: Mapped[dict[str, Any] | None] = json_column()
    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("agents.id"))
    created_at: Mapped[datetime | None] = created_column()
    # Added: the tenant.
    organization_id: Mapped[UUID] = organization_column()
    # Added: tells blocks that someone drew from those that ingest found.
    source: Mapped[str] = mapped_column(String(20), server_default="manual")
    # Added: what a discovered block does in a trace; a tool and an agent of one name stay two blocks.
    step_kind: Mapped[str | None] = mapped_column(String(30))
    # Added: blocks that ran are retired, never deleted.
    removed_at: Mapped[datetime | None]
    # Added: names a drawn block inside its flow from version to version; NULL for discovered blocks.
    key: Mapped[str | None] = mapped_column(String(100))
    # Added: the loop that contains it.
    parent_block_id: Mapped[UUID | None] = mapped_column(ForeignKey("blocks.id", ondelete="SET NULL"))
    # Added: an importer could not translate it.
    needs_review: Mapped[bool] = mapped_column(server_default=text("false"))
    # Added: secrets it needs, as objects of kind, name and is_filled; never a secret.
    credentials: Mapped[list[Any]] = json_column("[]")
    # Added: what the foreign file called it.
    source_id: Mapped[str | None] = mapped_column(String(255))
    source_type: Mapped[str | None] = mapped_column(String(255))
    # Added: the discovered block as which a drawn one runs, where the name does not tell.
    observed_block_id: Mapped[UUID | None] = mapped_column(ForeignKey("blocks.id", ondelete="SET NULL"))
    # Added: the tool that a discovered block calls, for sums per tool.
    tool_id: Mapped[UUID | None] = mapped_column(ForeignKey("tools.id"))

    agentflow: Mapped[Agentflow | None] = relationship(back_populates="blocks", lazy="raise_on_sql")
    agent: Mapped[Agent | None] = relationship(lazy="raise_on_sql")


class AgentflowEdge(db.Model):
    """One connection between two blocks."""

    __tablename__ = "agentflow_edges"
    __table_args__ = (
        Index(None, "agentflow_id"),
        Index(None, "source_block_id"),
        Index(None, "target_block_id"),
        one_of("kind", EdgeKind),
    )

    id: Mapped[UUID] = id_column()
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    source_block_id: Mapped[UUID | None] = mapped_column(ForeignKey("blocks.id", ondelete="CASCADE"))
    target_block_id: Mapped[UUID | None] = mapped_column(ForeignKey("blocks.id", ondelete="CASCADE"))
    source_handle: Mapped[str | None] = mapped_column(String(100))
    target_handle: Mapped[str | None] = mapped_column(String(100))
    config: Mapped[dict[str, Any] | None] = json_column()
    created_at: Mapped[datetime | None] = created_column()
    # Added: the tenant.
    organization_id: Mapped[UUID] = organization_column()
    # Added: a tool attached to an agent is no step in the order of work, and a loop's way back is drawn apart.
    kind: Mapped[str] = mapped_column(String(20), server_default="flow")
    # Added: what a branch is called on the drawing.
    label: Mapped[str | None] = mapped_column(String(255))

    agentflow: Mapped[Agentflow | None] = relationship(back_populates="edges", lazy="raise_on_sql")
    source_block: Mapped[Block | None] = relationship(foreign_keys=[source_block_id], lazy="raise_on_sql")
    target_block: Mapped[Block | None] = relationship(foreign_keys=[target_block_id], lazy="raise_on_sql")


class AgentflowAgent(db.Model):
    """An agent's part in a flow: its role and place in the orchestration pattern."""

    __tablename__ = "agentflow_agents"
    __table_args__ = (UniqueConstraint("agentflow_id", "agent_id"), Index(None, "agent_id"))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agentflow_id: Mapped[UUID] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id"))
    role: Mapped[str | None] = mapped_column(String(100))
    position: Mapped[int] = mapped_column(server_default=text("0"))
    config: Mapped[dict[str, Any]] = json_column()
    created_at: Mapped[datetime] = created_column()

    agentflow: Mapped[Agentflow] = relationship(back_populates="agents", lazy="raise_on_sql")
    agent: Mapped[Agent] = relationship(lazy="raise_on_sql")


class Workflow(db.Model):
    """An automation: a webhook, a schedule or an event that starts an agentflow."""

    __tablename__ = "workflows"
    __table_args__ = (Index(None, "organization_id", "agentflow_id"), one_of("trigger_kind", TriggerKind))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agentflow_id: Mapped[UUID] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    trigger_kind: Mapped[str] = mapped_column(String(50))
    trigger_config: Mapped[dict[str, Any]] = json_column()
    input_data: Mapped[dict[str, Any] | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    last_started_at: Mapped[datetime | None]
    next_start_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class FlowNote(db.Model):
    """A note on a flow's canvas; added because imported flows carry many and they are no blocks."""

    __tablename__ = "flow_notes"
    __table_args__ = (UniqueConstraint("agentflow_id", "key"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agentflow_id: Mapped[UUID] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(100))
    text: Mapped[str]
    position_x: Mapped[float | None]
    position_y: Mapped[float | None]
    width: Mapped[float | None]
    height: Mapped[float | None]
    created_at: Mapped[datetime] = created_column()


class AgentflowVersion(db.Model):
    """What a flow's drawing was at one save: never changed afterwards. `graph` is our export format."""

    __tablename__ = "agentflow_versions"
    __table_args__ = (UniqueConstraint("agentflow_id", "version"), one_of("kind", VersionKind))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agentflow_id: Mapped[UUID] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    version: Mapped[int]
    name: Mapped[str | None] = mapped_column(String(255))
    note: Mapped[str | None]
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(20), server_default=VersionKind.EDIT)
    graph: Mapped[dict[str, Any]] = json_column()
    orchestration_pattern: Mapped[str | None] = mapped_column(String(100))
    content_hash: Mapped[bytes]
    import_report_id: Mapped[UUID | None] = mapped_column(ForeignKey("import_reports.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = created_column()


class AgentflowDraft(db.Model):
    """What somebody is changing in a flow and has not saved: one per person and flow, so that nothing is lost.

    `undo_stack` holds the graphs before each change, compressed, newest last.
    """

    __tablename__ = "agentflow_drafts"
    __table_args__ = (UniqueConstraint("agentflow_id", "user_id"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agentflow_id: Mapped[UUID] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    base_version: Mapped[int]
    # Counts the changes, so that a form of an older page is noticed.
    revision: Mapped[int] = mapped_column(server_default=text("0"))
    graph: Mapped[dict[str, Any]] = json_column()
    undo_stack: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary), server_default=text("'{}'"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class ImportReport(db.Model):
    """What became of one imported file: kept, so that it can be linked and the import repeated by a better importer.

    `items`, `secrets` and `requirements` are lists of objects as `webapp/importers/imported.py` names them; `content`
    is the file after its secrets were cut. A refused file has a `reason` and no flow.
    """

    __tablename__ = "import_reports"
    __table_args__ = (
        Index(None, "organization_id", "created_at"),
        Index(None, "organization_id", "content_hash"),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id", ondelete="SET NULL"))
    agentflow_version: Mapped[int | None]
    file_name: Mapped[str] = mapped_column(String(255), server_default="")
    format: Mapped[str | None] = mapped_column(String(30))
    format_version: Mapped[str | None] = mapped_column(String(50))
    source_key: Mapped[str | None] = mapped_column(String(255))
    # SHA-256 of the file as it came.
    content_hash: Mapped[bytes]
    content: Mapped[bytes | None]
    nodes_seen: Mapped[int] = mapped_column(server_default=text("0"))
    edges_seen: Mapped[int] = mapped_column(server_default=text("0"))
    block_count: Mapped[int] = mapped_column(server_default=text("0"))
    note_count: Mapped[int] = mapped_column(server_default=text("0"))
    edge_count: Mapped[int] = mapped_column(server_default=text("0"))
    items: Mapped[list[Any]] = json_column("[]")
    secrets: Mapped[list[Any]] = json_column("[]")
    requirements: Mapped[list[Any]] = json_column("[]")
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = created_column()


class FlowShare(db.Model):
    """A public read-only link to a flow's drawing. Only the hash of its token is stored."""

    __tablename__ = "flow_shares"
    __table_args__ = (Index(None, "agentflow_id"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    agentflow_id: Mapped[UUID] = mapped_column(ForeignKey("agentflows.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()
