"""The bill of a trace: one line per billable call, with the price row that gave its cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from webapp.domain.pricing import Call, Cost, PriceBook, cost_of
from webapp.ingest.mapped import MappedStep

if TYPE_CHECKING:
    from webapp.ingest.batch import Entry

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DISPLAY_UNIT = Decimal("0.000001")
_LARGEST_DISPLAY = Decimal("9999.999999")


@dataclass(slots=True, frozen=True)
class Bill:
    """One billable call and its cost; ``is_unpriced`` where the cost should be known and is not."""

    occurred_us: int
    cost: Cost
    is_unpriced: bool


def bill(entry: Entry, book: PriceBook) -> None:
    """Price each billable call of a trace at the moment it was made."""
    entry.bills = {step.span_id: _bill(step, entry.us(step.started_ns), book) for step in entry.model_steps()}


def _bill(step: MappedStep, occurred_us: int, book: PriceBook) -> Bill:
    call = Call(
        step.provider,
        step.model_used,
        step.model_requested,
        _EPOCH + timedelta(microseconds=occurred_us),
        step.input_tokens,
        step.output_tokens,
        step.cached_input_tokens,
        step.cache_write_tokens,
        step.kind == "embedding",
    )
    cost = cost_of(book, call)
    # A call that failed before it used anything owes nothing that we could be missing.
    is_lost = step.status in ("failed", "cancelled") and step.input_tokens is None and step.output_tokens is None
    return Bill(occurred_us, cost, cost.usd is None and not is_lost)


def total_usd(entry: Entry) -> Decimal | None:
    """Return the execution's cost as shown, None when no call has a price."""
    known = [line.cost.usd for line in entry.bills.values() if line.cost.usd is not None]
    return shown_usd(sum(known, Decimal(0))) if known else None


def shown_usd(amount: Decimal | None) -> Decimal | None:
    """Return an amount in the six decimals of the display columns; their largest value stands for more."""
    return None if amount is None else min(amount.quantize(_DISPLAY_UNIT), _LARGEST_DISPLAY)


def ledger_rows(entry: Entry, organization_id, api_key_id, agent_ids: dict) -> list[tuple]:
    """Return the rows of usage_ledger, in the order of its stage."""
    trace, rows = entry.mapped, []
    for step in entry.model_steps():
        line = entry.bills[step.span_id]
        rows.append(
            (
                entry.ids[step.span_id],
                entry.created_us,
                organization_id,
                entry.execution_id,
                entry.agentflow_id,
                agent_ids.get(((step.service_name or "")[:255], (step.agent_name or "")[:255])),
                _cut(trace.user_ref, 255),
                api_key_id,
                _cut(trace.environment, 100),
                _cut(step.model_used or step.model_requested, 255),
                _cut(step.model_requested, 255),
                _cut(step.provider, 100),
                step.kind,
                line.occurred_us,
                step.input_tokens,
                step.output_tokens,
                step.cached_input_tokens,
                step.cache_write_tokens,
                None if line.cost.usd is None else str(line.cost.usd),
                None if step.reported_cost_usd is None else str(step.reported_cost_usd),
                line.cost.price.id if line.cost.price else None,
                step.status,
            )
        )
    return rows


def _cut(text: str | None, size: int) -> str | None:
    return text if text is None else text[:size]
