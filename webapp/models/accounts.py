"""People, the organizations they belong to, and how they sign in."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import (
    BigInt,
    created_column,
    db,
    id_column,
    json_column,
    new_id,
    one_of,
    organization_column,
    updated_column,
)


class UserRole(StrEnum):
    """Role of a person in the whole instance, not in an organization."""

    USER = "user"
    ADMIN = "admin"
    ENTERPRISE = "enterprise"


class MemberRole(StrEnum):
    """Role of a person inside one organization."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class User(db.Model):
    """A person. Deactivated and anonymised, never deleted: an organization's records keep their author."""

    __tablename__ = "users"
    __table_args__ = (
        Index("idx_users_email", "email"),
        Index("idx_users_username", "username"),
        one_of("role", UserRole),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, server_default=text("uuid_generate_v4()"))
    email: Mapped[str] = mapped_column(String(255), unique=True)
    username: Mapped[str] = mapped_column(String(100), unique=True)
    # '!' means that no password is set; it never verifies.
    password_hash: Mapped[str] = mapped_column(String(255))
    full_name: Mapped[str | None] = mapped_column(String(255))
    role: Mapped[str | None] = mapped_column(String(50), server_default="user")
    is_active: Mapped[bool | None] = mapped_column(server_default=text("true"))
    query_count: Mapped[int | None] = mapped_column(server_default=text("0"))
    storage_used_bytes: Mapped[BigInt | None] = mapped_column(server_default=text("0"))
    preferences: Mapped[dict[str, Any] | None] = json_column()
    created_at: Mapped[datetime | None] = created_column()
    updated_at: Mapped[datetime | None] = updated_column()
    last_login_at: Mapped[datetime | None]
    # Added: the zone in which this person reads times; NULL follows the organization.
    timezone: Mapped[str | None] = mapped_column(String(64))
    # Added: when the person was taken out; their rows stay.
    deactivated_at: Mapped[datetime | None]

    settings: Mapped["UserSettings | None"] = relationship(back_populates="user", lazy="raise_on_sql")
    memberships: Mapped[list["OrganizationMember"]] = relationship(back_populates="user", lazy="raise_on_sql")


class Organization(db.Model):
    """The tenant. `settings` holds settle_after_minutes (30 when absent), retention_days, currency, masking."""

    __tablename__ = "organizations"

    id: Mapped[UUID] = id_column()
    name: Mapped[str] = mapped_column(String(255))
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    plan: Mapped[str | None] = mapped_column(String(50), server_default="free")
    settings: Mapped[dict[str, Any] | None] = json_column()
    created_at: Mapped[datetime | None] = created_column()
    # Added: readable name in addresses and the switcher.
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    # Added: days on charts and in reports begin at midnight of this zone.
    timezone: Mapped[str] = mapped_column(String(64), server_default="UTC")
    # Added: shows that a setting was changed while a form was open.
    updated_at: Mapped[datetime] = updated_column()

    owner: Mapped[User | None] = relationship(lazy="raise_on_sql")
    members: Mapped[list["OrganizationMember"]] = relationship(back_populates="organization", lazy="raise_on_sql")


class OrganizationMember(db.Model):
    """Added table: who belongs to which organization, in which role."""

    __tablename__ = "organization_members"
    __table_args__ = (Index(None, "user_id"), one_of("role", MemberRole))

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organizations.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(50), server_default="member")
    created_at: Mapped[datetime] = created_column()

    organization: Mapped[Organization] = relationship(back_populates="members", lazy="raise_on_sql")
    user: Mapped[User] = relationship(back_populates="memberships", lazy="raise_on_sql")


class Invitation(db.Model):
    """Added table: an open invitation to an organization. Only the hash of its token is kept; it works once."""

    __tablename__ = "invitations"
    __table_args__ = (Index(None, "organization_id", "email"), one_of("role", MemberRole))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    email: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(50), server_default="member")
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    invited_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = created_column()
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    revoked_at: Mapped[datetime | None]


class Team(db.Model):
    """A group of people inside an organization; agentflows and budgets may belong to one."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()

    members: Mapped[list["TeamMember"]] = relationship(back_populates="team", lazy="raise_on_sql")


class TeamMember(db.Model):
    """Added table: who is in which team."""

    __tablename__ = "team_members"
    __table_args__ = (Index(None, "user_id"),)

    team_id: Mapped[UUID] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    organization_id: Mapped[UUID] = organization_column()
    is_lead: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = created_column()

    team: Mapped[Team] = relationship(back_populates="members", lazy="raise_on_sql")
    user: Mapped[User] = relationship(lazy="raise_on_sql")


class UserSettings(db.Model):
    """How one person wants to see the product, across all their organizations."""

    __tablename__ = "user_settings"
    __table_args__ = (one_of("theme", ("system", "light", "dark")),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    locale: Mapped[str | None] = mapped_column(String(16))
    timezone: Mapped[str | None] = mapped_column(String(64))
    theme: Mapped[str] = mapped_column(String(20), server_default="system")
    notification_preferences: Mapped[dict[str, Any]] = json_column()
    table_preferences: Mapped[dict[str, Any]] = json_column()
    updated_at: Mapped[datetime] = updated_column()

    user: Mapped[User] = relationship(back_populates="settings", lazy="raise_on_sql")


class BrowserSession(db.Model):
    """A signed-in browser. The cookie holds 256 random bits, this row only their SHA-256."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "user_id", "expires_at"),)

    id: Mapped[UUID] = id_column()
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    # The organization last looked at; membership is asked anew at each request.
    organization_id: Mapped[UUID | None] = mapped_column(ForeignKey("organizations.id"))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = created_column()
    last_seen_at: Mapped[datetime] = created_column()
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise_on_sql")


class SavedView(db.Model):
    """Added table: a filter that someone named, as the query string of its page; private or shared."""

    __tablename__ = "saved_views"
    __table_args__ = (
        Index(None, "organization_id", "page"),
        UniqueConstraint("user_id", "organization_id", "page", "name"),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    page: Mapped[str] = mapped_column(String(50))
    name: Mapped[str] = mapped_column(String(255))
    query: Mapped[str]
    is_shared: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = created_column()
