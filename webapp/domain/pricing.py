"""What one model call costs: the price row for a model at a moment, and the exact amount for its tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

MILLION = Decimal(1_000_000)
LEDGER_UNIT = Decimal("0.0000000001")

# Where another company's models are sold under the same prices, asked after the seller's own list.
FALLBACKS = {"azure": ("openai", "anthropic", "deepseek", "x-ai", "moonshotai"), "google": ("anthropic",)}
# Makers of models, asked by the model's name when the provider is unknown or itself a maker (whose client library many
# others speak to). Resellers are left out: their prices differ, and a model's name does not say who sold the call.
MAKERS = (
    "openai", "anthropic", "google", "mistral", "deepseek", "x-ai", "cohere", "moonshotai", "zhipuai", "minimax",
    "meta", "voyageai",
)  # fmt: skip
# First rule that matches the lower-case name wins, so the sellers of others' models come before the makers.
_PROVIDER_RULES = tuple(
    (re.compile(pattern), provider)
    for pattern, provider in (
        (r"azure|^az\.", "azure"),
        (r"bedrock|amazon|^aws", "aws"),
        (r"openrouter", "openrouter"),
        (r"github.?copilot", "github-copilot"),
        (r"google|vertex|gemini|^gcp", "google"),
        (r"anthropic|claude", "anthropic"),
        (r"openai", "openai"),
        (r"mistral", "mistral"),
        (r"deepseek", "deepseek"),
        (r"^x[-_. ]?ai|grok", "x-ai"),
        (r"groq", "groq"),
        (r"cohere", "cohere"),
        (r"moonshot|kimi", "moonshotai"),
        (r"together", "together"),
        (r"fireworks", "fireworks"),
        (r"perplexity", "perplexity"),
        (r"cerebras", "cerebras"),
        (r"voyage", "voyageai"),
        (r"cloudflare|workers.?ai", "cloudflare"),
        (r"zhipu", "zhipuai"),
        (r"minimax", "minimax"),
    )
)
_COMPACT_DATE = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


@dataclass(slots=True, frozen=True)
class Price:
    """One price row: what a million tokens of a model cost, between two moments and under its conditions.

    ``match_kind`` says how ``pattern`` (lower case) meets a model's name: exact, prefix or regex. ``conditions`` may
    hold ``input_tokens_above`` (the whole call is dearer past it), ``utc_from`` and ``utc_until`` (a part of the day),
    ``usd_per_request`` (a fee beside the tokens) and ``rank`` (order of asking within a provider). An empty provider
    fits any.
    """

    id: UUID | None
    provider: str
    pattern: str
    match_kind: str
    input_usd_per_mtok: Decimal | None
    output_usd_per_mtok: Decimal | None
    cached_input_usd_per_mtok: Decimal | None
    cache_write_usd_per_mtok: Decimal | None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    conditions: dict[str, Any] = field(default_factory=dict)
    is_own: bool = False

    def is_valid_at(self, moment: datetime) -> bool:
        """Return whether a call at that moment may be billed by this row (the first moment counts, the last not)."""
        if self.valid_from is not None and moment < self.valid_from:
            return False
        return self.valid_until is None or moment < self.valid_until

    def fits(self, moment: datetime, input_tokens: int) -> bool:
        """Return whether validity and all conditions hold; ``moment`` in UTC."""
        above = self.conditions.get("input_tokens_above")
        if above is not None and input_tokens <= above:
            return False
        if self.conditions.get("utc_from") and not self._is_in_hours(moment.time()):
            return False
        return self.is_valid_at(moment)

    def _is_in_hours(self, at: time) -> bool:
        start, end = (time.fromisoformat(self.conditions[name]) for name in ("utc_from", "utc_until"))
        return start <= at < end if start <= end else at >= start or at < end


@dataclass(slots=True, frozen=True)
class Call:
    """What is known of one billable call. ``input_tokens`` includes the cached and the newly cached ones."""

    provider: str | None
    model_used: str | None
    model_requested: str | None
    at: datetime
    input_tokens: int | None
    output_tokens: int | None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    is_embedding: bool = False


@dataclass(slots=True, frozen=True)
class Cost:
    """The exact amount, None when it cannot be known, and the price row that gave it."""

    usd: Decimal | None
    price: Price | None


class PriceBook:
    """All price rows that an organization's calls may be billed by; its own rows come before the shipped ones."""

    def __init__(self, prices: Iterable[Price]):
        self._own: list[_Model] = []
        self._shipped: dict[str, list[_Model]] = {}
        models: dict[tuple, _Model] = {}
        for price in sorted(prices, key=lambda row: (row.conditions.get("rank", 0), row.provider, row.pattern)):
            key = (price.is_own, price.provider, price.match_kind, price.pattern)
            model = models.get(key)
            if model is None:
                model = models[key] = _Model(price.provider, _matcher(price.match_kind, price.pattern), [])
                (self._own if price.is_own else self._shipped.setdefault(price.provider, [])).append(model)
            model.prices.append(price)
        self._found: dict[tuple[str | None, str], tuple[list[Price], list[Price]]] = {}

    def price_of(self, provider: str | None, model: str, at: datetime, input_tokens: int) -> Price | None:
        """Return the price row for a call of this model, or None when the book does not know it.

        An organization's own row beats a shipped one; then the row with the most special condition, then the latest.
        """
        for prices in self._candidates(provider, model):
            fitting = [price for price in prices if price.fits(at, input_tokens)]
            if fitting:
                return max(fitting, key=_speciality)
        return None

    def _candidates(self, provider: str | None, model: str) -> tuple[list[Price], list[Price]]:
        key = (provider, model)
        found = self._found.get(key)
        if found is None:
            if len(self._found) > 10_000:  # Names come from outside; the memory of them must not grow without end.
                self._found.clear()
            found = self._found[key] = self._look_up(provider, model)
        return found

    def _look_up(self, provider: str | None, model: str) -> tuple[list[Price], list[Price]]:
        names = list(_names(model))
        written = (provider or "").strip().lower()
        seller = written if written in self._shipped else canonical_provider(provider)
        own = [
            price
            for name in names
            for row in self._own
            if row.matches(name) and row.provider in ("", seller, written)
            for price in row.prices
        ]
        for asked in self._sellers(seller, names[0]):
            for name in names:
                for row in self._shipped.get(asked, ()):
                    if row.matches(name):
                        return own, row.prices
        return own, []

    def _sellers(self, seller: str | None, name: str) -> Iterator[str]:
        if seller in self._shipped:
            yield seller
            yield from FALLBACKS.get(seller, ())
            if seller not in MAKERS:
                return
        elif "/" in name and (prefixed := canonical_provider(name.split("/", 1)[0])) in self._shipped:
            yield prefixed
        yield from MAKERS


def cost_of(book: PriceBook, call: Call) -> Cost:
    """Return what a call costs, in US dollars rounded to the ledger's ten decimals.

    Unknown tokens or an unknown model give None, never 0; a call whose tokens are known to be 0 costs 0. Cached and
    newly cached tokens are part of the input; where a price row has no own rate for them they cost what input costs.
    """
    price = _find(book, call)
    tokens_in, tokens_out = call.input_tokens, call.output_tokens
    if tokens_out is None and call.is_embedding:
        tokens_out = 0
    if tokens_in is None or tokens_out is None:
        return Cost(None, None)
    if price is None:
        return Cost(Decimal(0) if tokens_in == tokens_out == 0 else None, None)
    cached, written = call.cached_input_tokens or 0, call.cache_write_tokens or 0
    # More cached tokens than input proves a sender that counts them apart from the input.
    plain = tokens_in - cached - written if cached + written <= tokens_in else tokens_in
    base = price.input_usd_per_mtok or Decimal(0)
    amount = plain * base + tokens_out * (price.output_usd_per_mtok or Decimal(0))
    amount += cached * (base if price.cached_input_usd_per_mtok is None else price.cached_input_usd_per_mtok)
    amount += written * (base if price.cache_write_usd_per_mtok is None else price.cache_write_usd_per_mtok)
    fee = Decimal(price.conditions.get("usd_per_request", 0))
    return Cost((amount / MILLION + fee).quantize(LEDGER_UNIT), price)


def canonical_provider(provider: str | None) -> str | None:
    """Return the price list's name for a provider as written on the wire, or the lower-case name itself."""
    if not provider:
        return None
    name = provider.strip().lower()
    for rule, canonical in _PROVIDER_RULES:
        if rule.search(name):
            return canonical
    return name


@dataclass(slots=True)
class _Model:
    provider: str
    matches: Any
    prices: list[Price]


def _find(book: PriceBook, call: Call) -> Price | None:
    for model in (call.model_used, call.model_requested):
        if model:
            price = book.price_of(call.provider, model, call.at, call.input_tokens or 0)
            if price is not None:
                return price
    return None


def _names(model: str) -> Iterator[str]:
    """Yield a model's name and then its shorter forms: without prefixes, with a dashed date."""
    name = model.strip().lower()
    while True:
        yield name
        dashed = _COMPACT_DATE.sub(r"-\1-\2-\3", name)
        if dashed != name:
            yield dashed
        if "/" not in name:
            return
        name = name.split("/", 1)[1]


def _matcher(kind: str, pattern: str):
    if kind == "regex":
        found: list[Any] = []

        def matches(name: str) -> bool:
            if not found:  # Thousands of patterns, a handful of models in use: compile when first asked.
                found.append(_compiled(pattern))
            return found[0] is not None and found[0].search(name) is not None

        return matches
    pattern = pattern.lower()
    if kind == "prefix":
        return lambda name: name.startswith(pattern)
    return pattern.__eq__


def _compiled(pattern: str) -> re.Pattern | None:
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _speciality(price: Price) -> tuple:
    conditions = price.conditions
    begin = price.valid_from.timestamp() if price.valid_from is not None else 0.0
    return (conditions.get("input_tokens_above", -1), "utc_from" in conditions, begin)
