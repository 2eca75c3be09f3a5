"""What organizations buy, review and earn."""

from tests.factories.base import factory
from webapp.models import MarketplacePurchase, MarketplaceRevenue, MarketplaceReview, RevenueKind

make_marketplace_purchase = factory(MarketplacePurchase)
make_marketplace_review = factory(MarketplaceReview)
make_marketplace_revenue = factory(MarketplaceRevenue, kind=list(RevenueKind)[0].value)
