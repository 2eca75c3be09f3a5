"""The price list that comes with the product (package genai-prices, its bundled data only), as rows of our table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import Any

SOURCE = "genai-prices"
RATES = {
    "input_usd_per_mtok": "input_mtok",
    "output_usd_per_mtok": "output_mtok",
    "cached_input_usd_per_mtok": "cache_read_mtok",
    "cache_write_usd_per_mtok": "cache_write_mtok",
}


@dataclass(slots=True, frozen=True)
class ShippedPrice:
    """One row to seed. ``valid_from`` is None for a price without a known start."""

    provider: str
    model: str
    pattern: str
    match_kind: str
    rates: dict[str, Decimal | None]
    valid_from: datetime | None
    valid_until: datetime | None
    conditions: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple:
        """What makes it the same price in the next release of the list, whatever its rates are then."""
        conditions = {name: value for name, value in self.conditions.items() if name not in ("rank", "usd_per_request")}
        return (
            self.provider,
            self.model,
            self.match_kind,
            self.pattern,
            self.valid_from,
            str(sorted(conditions.items())),
        )


def source_version() -> str:
    """Return the release of the price list."""
    return version(SOURCE)


def shipped_prices() -> Iterator[ShippedPrice]:
    """Yield every token price of the list: one row per model, period, part of the day and size of the input."""
    from genai_prices.data import providers  # Large: only whoever seeds pays for it.

    for provider in providers:
        for rank, model in enumerate(provider.models):
            kind, pattern = _pattern(model.match)
            for prices, valid_from, valid_until, conditions in _periods(model.prices):
                for above, rates in _tiers(prices):
                    extra = _fee(prices) | ({} if above is None else {"input_tokens_above": above})
                    yield ShippedPrice(
                        provider.id, model.id, pattern, kind, rates, valid_from, valid_until,
                        {"rank": rank} | conditions | extra,
                    )  # fmt: skip


def _periods(prices: Any) -> Iterator[tuple[Any, datetime | None, datetime | None, dict[str, str]]]:
    """Yield price, start, end and conditions. In the list a later entry that is active wins over the earlier ones."""
    if not isinstance(prices, list):
        yield prices, None, None, {}
        return
    starts = [getattr(entry.constraint, "start_date", None) for entry in prices]
    for place, entry in enumerate(prices):
        later = [_midnight(day) for day in starts[place + 1 :] if day is not None]
        hours = entry.constraint if hasattr(entry.constraint, "start_time") else None
        conditions = {"utc_from": _utc(hours.start_time), "utc_until": _utc(hours.end_time)} if hours else {}
        yield entry.prices, starts[place] and _midnight(starts[place]), min(later, default=None), conditions


def _tiers(prices: Any) -> Iterator[tuple[int | None, dict[str, Decimal | None]]]:
    """Yield the base rates and, for each size of input above which the whole call is dearer, the rates there."""
    found = {ours: getattr(prices, theirs, None) for ours, theirs in RATES.items()}
    if found["input_usd_per_mtok"] is None and found["output_usd_per_mtok"] is None:
        return
    steps = sorted({tier.start for price in found.values() for tier in getattr(price, "tiers", ())})
    yield None, {name: getattr(price, "base", price) for name, price in found.items()}
    for step in steps:
        yield step, {name: _rate_above(price, step) for name, price in found.items()}


def _fee(prices: Any) -> dict[str, str]:
    per_thousand = getattr(prices, "requests_kcount", None)
    return {} if per_thousand is None else {"usd_per_request": str(per_thousand / 1000)}


def _rate_above(price: Any, step: int) -> Decimal | None:
    rate = getattr(price, "base", price)
    for tier in getattr(price, "tiers", ()):
        if tier.start <= step:
            rate = tier.price
    return rate


def _pattern(match: Any) -> tuple[str, str]:
    """Return how and against what a model's lower-case name is compared."""
    if (text := getattr(match, "equals", None)) is not None:
        return "exact", text.lower()
    if (text := getattr(match, "starts_with", None)) is not None:
        return "prefix", text.lower()
    return "regex", _regex(match)


def _regex(match: Any) -> str:
    if (text := getattr(match, "regex", None)) is not None:
        return text
    if (text := getattr(match, "equals", None)) is not None:
        return f"^{re.escape(text.lower())}$"
    if (text := getattr(match, "starts_with", None)) is not None:
        return f"^{re.escape(text.lower())}"
    if (text := getattr(match, "ends_with", None)) is not None:
        return f"{re.escape(text.lower())}$"
    if (text := getattr(match, "contains", None)) is not None:
        return re.escape(text.lower())
    if (clauses := getattr(match, "or_", None)) is not None:
        return "|".join(f"(?:{_regex(clause)})" for clause in clauses)
    return "^" + "".join(f"(?=.*?(?:{_regex(clause)}))" for clause in match.and_)


def _midnight(day) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _utc(at: time) -> str:
    if at.tzinfo is not None:
        at = datetime(1970, 1, 2, at.hour, at.minute, at.second, tzinfo=at.tzinfo).astimezone(UTC).time()
    return at.isoformat(timespec="minutes")
