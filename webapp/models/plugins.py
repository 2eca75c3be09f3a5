"""The catalogue of plugins, what is installed where, and the tools that agents call."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Date, ForeignKey, Index, Numeric, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import (
    BigInt,
    Source,
    created_column,
    db,
    id_column,
    json_column,
    one_of,
    organization_column,
    updated_column,
)


class InstallationStatus(StrEnum):
    """Where an installed plugin stands."""

    PENDING = "pending"
    ACTIVE = "active"
    DISABLED = "disabled"
    REMOVED = "removed"


class ScanSeverity(StrEnum):
    """The worst that a scan found."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Plugin(db.Model):
    """A plugin in the catalogue of this instance; every organization sees the same."""

    __tablename__ = "plugin_registry"

    id: Mapped[UUID] = id_column()
    name: Mapped[str] = mapped_column(String(255), unique=True)
    display_name: Mapped[str | None] = mapped_column(String(255))
    description: Mapped[str | None]
    version: Mapped[str] = mapped_column(String(50))
    category: Mapped[str | None] = mapped_column(String(100))
    author: Mapped[str | None] = mapped_column(String(255))
    repository_url: Mapped[str | None] = mapped_column(String(500))
    config_schema: Mapped[dict[str, Any] | None]
    capabilities: Mapped[list[Any] | None] = json_column("[]")
    is_active: Mapped[bool | None] = mapped_column(server_default=text("true"))
    is_verified: Mapped[bool | None] = mapped_column(server_default=text("false"))
    install_count: Mapped[int | None] = mapped_column(server_default=text("0"))
    rating: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    created_at: Mapped[datetime | None] = created_column()
    updated_at: Mapped[datetime | None] = updated_column()

    dependencies: Mapped[list["PluginDependency"]] = relationship(
        back_populates="plugin", lazy="raise_on_sql", passive_deletes=True
    )


class PluginConfiguration(db.Model):
    """A plugin installed in an organization. `secrets` holds only encrypted values."""

    __tablename__ = "plugin_configurations"
    __table_args__ = (UniqueConstraint("organization_id", "plugin_id"), one_of("status", InstallationStatus))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    plugin_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_registry.id"))
    version: Mapped[str] = mapped_column(String(50))
    status: Mapped[str] = mapped_column(String(20), server_default="pending")
    settings: Mapped[dict[str, Any]] = json_column()
    secrets: Mapped[dict[str, Any]] = json_column()
    installed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()

    plugin: Mapped[Plugin] = relationship(lazy="raise_on_sql")


class PluginMetric(db.Model):
    """Calls, errors and latency of one installation on one day."""

    __tablename__ = "plugin_metrics"
    __table_args__ = (UniqueConstraint("plugin_configuration_id", "measured_on"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    plugin_configuration_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_configurations.id", ondelete="CASCADE"))
    measured_on: Mapped[date] = mapped_column(Date)
    call_count: Mapped[int] = mapped_column(server_default=text("0"))
    error_count: Mapped[int] = mapped_column(server_default=text("0"))
    execution_time_ms_sum: Mapped[BigInt] = mapped_column(server_default=text("0"))
    execution_time_ms_max: Mapped[int | None]


class PluginDependency(db.Model):
    """Another plugin that a plugin needs, and in which versions."""

    __tablename__ = "plugin_dependencies"
    __table_args__ = (UniqueConstraint("plugin_id", "name"),)

    id: Mapped[UUID] = id_column()
    plugin_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_registry.id", ondelete="CASCADE"))
    # By name: what is needed may not be in the catalogue yet.
    name: Mapped[str] = mapped_column(String(255))
    version_range: Mapped[str] = mapped_column(String(100), server_default="*")
    is_optional: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = created_column()

    plugin: Mapped[Plugin] = relationship(back_populates="dependencies", lazy="raise_on_sql")


class PluginAuditLog(db.Model):
    """What was done to a plugin in an organization, by whom, before and after. Only added to."""

    __tablename__ = "plugin_audit_logs"
    __table_args__ = (Index(None, "organization_id", "plugin_id", "created_at"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    plugin_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_registry.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(String(50))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = created_column()


class PluginSecurityScan(db.Model):
    """One scan of one version of a plugin; findings carry rule, severity and evidence."""

    __tablename__ = "plugin_security_scans"
    __table_args__ = (Index(None, "plugin_id", "version", "scanned_at"), one_of("severity", ScanSeverity))

    id: Mapped[UUID] = id_column()
    plugin_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_registry.id", ondelete="CASCADE"))
    version: Mapped[str] = mapped_column(String(50))
    scanner_version: Mapped[str] = mapped_column(String(50))
    severity: Mapped[str] = mapped_column(String(20), server_default="none")
    findings: Mapped[list[Any]] = json_column("[]")
    content_hash: Mapped[bytes | None]
    scanned_at: Mapped[datetime] = created_column()


class Tool(db.Model):
    """A tool that agents call: from a plugin, made by hand, or seen in a trace. Organization NULL = shipped."""

    __tablename__ = "tools"
    __table_args__ = (
        # The text's UNIQUE (name), loosened to one name per organization.
        UniqueConstraint("organization_id", "name", postgresql_nulls_not_distinct=True),
        one_of("source", Source),
    )

    id: Mapped[UUID] = id_column()
    name: Mapped[str] = mapped_column(String(255))
    display_name: Mapped[str | None] = mapped_column(String(255))
    description: Mapped[str | None]
    category: Mapped[str | None] = mapped_column(String(100))
    tool_type: Mapped[str | None] = mapped_column(String(100))
    config_schema: Mapped[dict[str, Any] | None]
    input_schema: Mapped[dict[str, Any] | None]
    output_schema: Mapped[dict[str, Any] | None]
    execution_mode: Mapped[str | None] = mapped_column(String(50))
    timeout_seconds: Mapped[int | None] = mapped_column(server_default=text("30"))
    is_active: Mapped[bool | None] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime | None] = created_column()
    # Added: the tenant; NULL = shipped, readable by all.
    organization_id: Mapped[UUID | None] = organization_column()
    # Added: tells tools that someone made from those that ingest found.
    source: Mapped[str] = mapped_column(String(20), server_default="manual")
    # Added: the plugin that brought it.
    plugin_id: Mapped[UUID | None] = mapped_column(ForeignKey("plugin_registry.id"))

    plugin: Mapped[Plugin | None] = relationship(lazy="raise_on_sql")
