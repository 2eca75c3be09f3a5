"""Buying, judging and earning with plugins. Amounts are credits; sums always close."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.models.base import created_column, db, id_column, one_of, organization_column, updated_column


class PurchaseStatus(StrEnum):
    """Whether a purchase stands."""

    COMPLETED = "completed"
    REFUNDED = "refunded"


class RevenueKind(StrEnum):
    """Why an author's balance moved."""

    PURCHASE = "purchase"
    REFUND = "refund"
    PAYOUT = "payout"


class MarketplacePurchase(db.Model):
    """An organization bought a plugin with credits."""

    __tablename__ = "marketplace_purchases"
    __table_args__ = (Index(None, "organization_id", "created_at"), one_of("status", PurchaseStatus))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    plugin_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_registry.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    price_credits: Mapped[Decimal] = mapped_column(Numeric(20, 10))
    status: Mapped[str] = mapped_column(String(20), server_default="completed")
    created_at: Mapped[datetime] = created_column()
    refunded_at: Mapped[datetime | None]


class MarketplaceReview(db.Model):
    """What an organization that bought or installed a plugin says of it; one per plugin."""

    __tablename__ = "marketplace_reviews"
    __table_args__ = (
        UniqueConstraint("organization_id", "plugin_id"),
        Index(None, "plugin_id", "created_at"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
    )

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    plugin_id: Mapped[UUID] = mapped_column(ForeignKey("plugin_registry.id"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    rating: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str | None] = mapped_column(String(255))
    body: Mapped[str | None]
    created_at: Mapped[datetime] = created_column()
    updated_at: Mapped[datetime] = updated_column()


class MarketplaceRevenue(db.Model):
    """The author's share of a purchase, its return at a refund, or a payout. The organization is the publisher's."""

    __tablename__ = "marketplace_revenue"
    __table_args__ = (Index(None, "organization_id", "created_at"), one_of("kind", RevenueKind))

    id: Mapped[UUID] = id_column()
    organization_id: Mapped[UUID] = organization_column()
    plugin_id: Mapped[UUID | None] = mapped_column(ForeignKey("plugin_registry.id"))
    purchase_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace_purchases.id"))
    kind: Mapped[str] = mapped_column(String(20))
    amount_credits: Mapped[Decimal] = mapped_column(Numeric(20, 10))
    created_at: Mapped[datetime] = created_column()
