"""Conversations and their messages, chat fronts, marks and shared links."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, String, UniqueConstraint, desc, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import (
    created_column,
    db,
    id_column,
    json_column,
    one_of,
    organization_column,
    updated_column,
)

MESSAGE_ROLES = ("system", "user", "assistant", "tool")
BOOKMARKED_TYPES = ("execution", "agentflow", "agent", "conversation", "document", "plugin", "failure")


class Chatflow(db.Model):
    """A chat front on an agentflow: greeting, model, who may use it."""

    __tablename__ = "chatflows"
    __table_args__ = (Index(None, "organization_id", "name"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id"))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    greeting: Mapped[str | None]
    model_provider: Mapped[str | None] = mapped_column(String(100))
    model_name: Mapped[str | None] = mapped_column(String(100))
    config: Mapped[dict[str, Any]] = json_column()
    is_shared: Mapped[bool] = mapped_column(server_default=text("false"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class Conversation(db.Model):
    """A thread of messages: executions of one session id, or a chat."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("organization_id", "session_id"),
        Index("ix_conversations_last_message", "organization_id", desc("last_message_at"), desc("id")),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    session_id: Mapped[str | None] = mapped_column(String(255))
    user_ref: Mapped[str | None] = mapped_column(String(255))
    title: Mapped[str | None] = mapped_column(String(500))
    agentflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("agentflows.id"))
    chatflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("chatflows.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    message_count: Mapped[int] = mapped_column(server_default=text("0"))
    last_message_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()

    messages: Mapped[list["Message"]] = relationship(
        back_populates="conversation", lazy="raise_on_sql", passive_deletes=True, order_by="Message.created_at"
    )


class Message(db.Model):
    """One turn. Its id follows from execution and role where a trace brought it, so mapping again updates the row. It
    outlives the month of its execution, so it holds the execution's two keys without a foreign key."""

    __tablename__ = "messages"
    __table_args__ = (
        Index(None, "conversation_id", "created_at", "sequence"),
        Index(None, "flow_execution_id"),
        one_of("role", MESSAGE_ROLES),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(20))
    content: Mapped[str | None]
    flow_execution_id: Mapped[UUID | None]
    flow_created_at: Mapped[datetime | None]
    span_id: Mapped[bytes | None]
    sequence: Mapped[int] = mapped_column(server_default=text("0"))
    tokens_used: Mapped[int | None]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(10, 6))
    created_at: Mapped[datetime] = created_column()

    conversation: Mapped[Conversation] = relationship(back_populates="messages", lazy="raise_on_sql")


class Bookmark(db.Model):
    """A person's mark on any record. It may outlive the record, so it holds ids without a foreign key."""

    __tablename__ = "bookmarks"
    __table_args__ = (
        UniqueConstraint("user_id", "record_type", "record_id"),
        Index(None, "organization_id", "user_id", "created_at"),
        one_of("record_type", BOOKMARKED_TYPES),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    record_type: Mapped[str] = mapped_column(String(50))
    record_id: Mapped[UUID]
    record_created_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()


class ConversationShare(db.Model):
    """A link that lets its holder read one conversation until it expires or is revoked. Only its hash is kept."""

    __tablename__ = "conversation_shares"
    __table_args__ = (Index(None, "conversation_id"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    view_count: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = created_column()
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
