"""Notices to people, and the record of what was done to the database itself."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, desc
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import created_column, db, id_column, one_of, organization_column


class MigrationResult(StrEnum):
    """How a migration ended."""

    COMPLETED = "completed"
    FAILED = "failed"


class Notification(db.Model):
    """Something that a person should see, behind the bell."""

    __tablename__ = "notifications"
    __table_args__ = (Index("ix_notifications_user", "organization_id", "user_id", desc("created_at")),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str] = mapped_column(String(50))
    title: Mapped[str] = mapped_column(String(255))
    body: Mapped[str | None]
    link: Mapped[str | None] = mapped_column(String(1000))
    read_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()


class MigrationHistory(db.Model):
    """One revision that a migration run applied, took back, or failed at. Written by the run itself."""

    __tablename__ = "migration_history"
    __table_args__ = (
        Index(None, "started_at"),
        one_of("result", MigrationResult),
        one_of("direction", ("upgrade", "downgrade")),
    )

    id: Mapped[UUID] = id_column()
    revision: Mapped[str] = mapped_column(String(64))
    direction: Mapped[str] = mapped_column(String(20))
    app_version: Mapped[str] = mapped_column(String(50))
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    result: Mapped[str] = mapped_column(String(20))
    error_message: Mapped[str | None]


class AlembicVersion(db.Model):
    """The revision that the database is at. Alembic makes and writes this table; we only read it."""

    __tablename__ = "alembic_version"

    version_num: Mapped[str] = mapped_column(String(32), primary_key=True)
