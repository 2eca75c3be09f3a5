"""Knowledge bases, their documents and graphs, and named prompts."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
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


class DocumentStatus(StrEnum):
    """How far a document is."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class KnowledgeBase(db.Model):
    """A set of documents that agents can search. Its counts are kept true by the operations that change them."""

    __tablename__ = "knowledge_bases"
    __table_args__ = (Index(None, "organization_id", "name"),)

    id: Mapped[UUID] = id_column()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    embedding_model: Mapped[str | None] = mapped_column(String(100))
    chunk_size: Mapped[int | None] = mapped_column(server_default=text("512"))
    chunk_overlap: Mapped[int | None] = mapped_column(server_default=text("50"))
    document_count: Mapped[int | None] = mapped_column(server_default=text("0"))
    total_chunks: Mapped[int | None] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime | None] = created_column()
    updated_at: Mapped[datetime | None] = updated_column()
    # Added: the tenant.
    organization_id: Mapped[UUID] = organization_column()

    documents: Mapped[list["Document"]] = relationship(back_populates="knowledge_base", lazy="raise_on_sql")


class Document(db.Model):
    """A file in a knowledge base and how far its processing is."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("idx_documents_kb", "knowledge_base_id"),
        Index("idx_documents_status", "status"),
        one_of("status", DocumentStatus),
    )

    id: Mapped[UUID] = id_column()
    knowledge_base_id: Mapped[UUID | None] = mapped_column(ForeignKey("knowledge_bases.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    filename: Mapped[str] = mapped_column(String(500))
    file_path: Mapped[str | None] = mapped_column(String(1000))
    file_size: Mapped[int | None]
    mime_type: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[str | None] = mapped_column(String(50), server_default="pending")
    metadata_: Mapped[dict[str, Any] | None] = json_column(name="metadata")
    created_at: Mapped[datetime | None] = created_column()
    updated_at: Mapped[datetime | None] = updated_column()
    # Added: the tenant.
    organization_id: Mapped[UUID] = organization_column()
    # Added: what a user waiting for it sees, and why it failed.
    progress: Mapped[int] = mapped_column(server_default=text("0"))
    error_message: Mapped[str | None]
    chunk_count: Mapped[int] = mapped_column(server_default=text("0"))

    knowledge_base: Mapped[KnowledgeBase | None] = relationship(back_populates="documents", lazy="raise_on_sql")


class KnowledgeGraph(db.Model):
    """Entities and relations found in a knowledge base, as of one reading of it."""

    __tablename__ = "knowledge_graphs"
    __table_args__ = (Index(None, "knowledge_base_id", "created_at"), one_of("status", DocumentStatus))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    knowledge_base_id: Mapped[UUID] = mapped_column(ForeignKey("knowledge_bases.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(50), server_default="pending")
    entities: Mapped[list[Any]] = json_column("[]")
    relations: Mapped[list[Any]] = json_column("[]")
    entity_count: Mapped[int] = mapped_column(server_default=text("0"))
    relation_count: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class PromptTemplate(db.Model):
    """One version of a named prompt with variables."""

    __tablename__ = "prompt_templates"
    __table_args__ = (UniqueConstraint("organization_id", "name", "version"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(255))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    description: Mapped[str | None]
    template: Mapped[str]
    variables: Mapped[list[Any]] = json_column("[]")
    tags: Mapped[list[Any]] = json_column("[]")
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()
