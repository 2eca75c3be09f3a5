"""Keys that programs come with, limits, and the credit account of an organization."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.accounts import User
from webapp.models.base import (
    BigInt,
    created_column,
    db,
    id_column,
    json_column,
    one_of,
    organization_column,
    updated_column,
)


class LimitScope(StrEnum):
    """What a limit counts by."""

    ORGANIZATION = "organization"
    USER = "user"
    API_KEY = "api_key"
    ROUTE = "route"


class CreditKind(StrEnum):
    """Why a credit balance moved."""

    GRANT = "grant"
    PURCHASE = "purchase"
    USAGE = "usage"
    REFUND = "refund"


class ApiKey(db.Model):
    """A program's key, `ab_<environment>_<key_id>_<secret>`, shown once; `secret_hash` is the secret's SHA-256."""

    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "organization_id", "created_at"),)

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(255))
    key_id: Mapped[str] = mapped_column(String(16), unique=True)
    secret_hash: Mapped[bytes]
    last_four: Mapped[str] = mapped_column(String(4))
    scopes: Mapped[list[Any]] = json_column("[]")
    environment: Mapped[str | None] = mapped_column(String(50))
    expires_at: Mapped[datetime | None]
    # Written at most once a minute.
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()

    user: Mapped[User | None] = relationship(lazy="raise_on_sql")


class RateLimitConfig(db.Model):
    """How much is allowed per window. Organization NULL = shipped, valid where an organization sets nothing."""

    __tablename__ = "rate_limit_configs"
    __table_args__ = (
        UniqueConstraint("organization_id", "scope", "subject", postgresql_nulls_not_distinct=True),
        one_of("scope", LimitScope),
        CheckConstraint("request_limit > 0 AND window_seconds > 0", name="positive"),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID | None] = organization_column()
    scope: Mapped[str] = mapped_column(String(20))
    # The user, key or route meant; NULL = each of its kind.
    subject: Mapped[str | None] = mapped_column(String(255))
    request_limit: Mapped[int]
    window_seconds: Mapped[int]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class Credit(db.Model):
    """One movement of an organization's credits with the balance after it. Only added to; never below zero."""

    __tablename__ = "credits"
    __table_args__ = (
        UniqueConstraint("organization_id", "sequence"),
        one_of("kind", CreditKind),
        CheckConstraint("balance >= 0", name="balance_not_negative"),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    # Counted per organization by the writer, without holes.
    sequence: Mapped[BigInt]
    kind: Mapped[str] = mapped_column(String(20))
    amount: Mapped[Decimal] = mapped_column(Numeric(20, 10))
    balance: Mapped[Decimal] = mapped_column(Numeric(20, 10))
    description: Mapped[str | None]
    reference_type: Mapped[str | None] = mapped_column(String(50))
    reference_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = created_column()


class LoginAttempt(db.Model):
    """Added table: one token bucket of password tries. `key` is a hash of whom or where from. UNLOGGED, since losing
    the counts in a crash costs nothing and writing them through the log would."""

    __tablename__ = "login_attempts"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    key: Mapped[bytes] = mapped_column(primary_key=True)
    tokens: Mapped[float]
    is_granted: Mapped[bool]
    updated_at: Mapped[datetime]
