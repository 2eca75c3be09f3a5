"""An entry as rows of the execution tables, each in the order of its stage's columns."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from webapp.ingest.batch import Entry, agent_key, block_key, cut, tool_key
from webapp.ingest.columns import array_literal
from webapp.ingest.context_stamp import hex_of
from webapp.ingest.ledger import shown_usd, total_usd
from webapp.ingest.mapped import MappedStep
from webapp.ingest.trace import MAPPING_VERSION

LARGEST_INT = 2**31 - 1
LARGEST_BIGINT = 2**63 - 1


def as_json(value: Any) -> str | None:
    """Return a payload as JSON text, None for nothing. Numbers that orjson cannot carry take the slower way."""
    if value is None:
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, ensure_ascii=False, default=str)


def as_text(amount: Decimal | None) -> str | None:
    """Return an amount as it travels."""
    return None if amount is None else str(amount)


def small(number: int | None) -> int | None:
    """Return a count that fits INTEGER."""
    return number if number is None or number <= LARGEST_INT else LARGEST_INT


def big(number: int | None) -> int | None:
    """Return a count that fits BIGINT."""
    return number if number is None or number <= LARGEST_BIGINT else LARGEST_BIGINT


def added(left: int | None, right: int | None) -> int | None:
    """Return the sum of what is known, None when neither is."""
    return None if left is None and right is None else small((left or 0) + (right or 0))


def span_rows(entry: Entry, organization_id: UUID, now_us: int) -> list[tuple]:
    """Return the arrived spans."""
    execution_id, created_us = entry.execution_id, entry.created_us
    return [
        (
            organization_id, span.trace_id, span.span_id, created_us, execution_id, span.raw, span.start_ns,
            span.end_ns, span.content_hash, now_us,
        )
        for span in entry.arrived.values()
    ]  # fmt: skip


def execution_row(entry: Entry, organization_id: UUID, user_id: UUID | None, key_id: UUID | None, now_us: int) -> tuple:
    """Return the execution."""
    trace, error = entry.mapped, entry.mapped.error
    is_open = trace.status in ("running", "pending")
    return (
        entry.execution_id, entry.created_us, organization_id, entry.agentflow_id, user_id, key_id, entry.trace_id,
        trace.status, cut(trace.trigger_type, 100), as_json(trace.input), as_json(trace.output),
        small(trace.execution_time_ms), added(trace.input_tokens, trace.output_tokens), as_text(total_usd(entry)),
        error and error.message, error and error.stack, entry.started_us,
        None if is_open else entry.us(trace.ended_ns), cut(trace.service_name, 255), cut(trace.service_version, 255),
        cut(trace.environment, 100), cut(trace.session_id, 255), entry.conversation_id, cut(trace.user_ref, 255),
        as_json(trace.tags or None), big(trace.input_tokens), big(trace.output_tokens), big(trace.cached_input_tokens),
        trace.model_call_count, trace.tool_call_count, trace.agent_count,
        sum(line.is_unpriced for line in entry.bills.values()), array_literal(trace.agents),
        array_literal(trace.models), array_literal(trace.tools), cut(error and error.type, 255),
        cut(error and error.raised_type, 255),
        error and error.raised_message, error and error.span_id, trace.is_root_seen, trace.span_count, now_us,
        entry.received_us or now_us, entry.settled_us, MAPPING_VERSION, entry.content_hash(),
        as_json(hex_of(entry.context)),
    )  # fmt: skip


def step_rows(
    entry: Entry, organization_id: UUID, now_us: int, agents: dict, tools: dict, blocks: dict
) -> tuple[list[tuple], list[tuple]]:
    """Return the steps and the tool calls; ``agents``, ``tools`` and ``blocks`` give the ids of what was discovered."""
    steps, calls = [], []
    for step in entry.mapped.steps:
        block_id = blocks.get(block_key(entry, step))
        place = _place(entry, step, organization_id, now_us, block_id)
        if step.is_tool:
            calls.append((*place, None if step.is_helper else tools.get(tool_key(step)), step.is_helper))
        else:
            steps.append((*place, *_call(entry, step, agents)))
    return steps, calls


def _place(entry: Entry, step: MappedStep, organization_id: UUID, now_us: int, block_id: UUID | None) -> tuple:
    is_open = step.status in ("running", "pending")
    return (
        entry.ids[step.span_id], entry.created_us, organization_id, entry.execution_id, step.span_id,
        step.parent_span_id, entry.ids.get(step.parent_step_id), step.sequence, step.depth, block_id,
        cut(step.agent_name, 255), cut(step.name, 500), step.status, as_json(step.input), as_json(step.output),
        small(step.execution_time_ms), cut(step.error_type, 255), step.error_message, step.error_stack,
        step.is_error_origin, entry.us(step.started_ns), None if is_open else entry.us(step.ended_ns), now_us,
        step.content_hash,
    )  # fmt: skip


def _call(entry: Entry, step: MappedStep, agents: dict) -> tuple:
    line = entry.bills.get(step.span_id)
    return (
        step.kind, agents.get(agent_key(step)),
        cut(step.model_used, 100), cut(step.model_requested, 255), cut(step.provider, 100),
        added(step.input_tokens, step.output_tokens), as_text(shown_usd(line.cost.usd)) if line else None,
        big(step.input_tokens), big(step.output_tokens), big(step.cached_input_tokens), big(step.cache_write_tokens),
        big(step.reasoning_tokens), step.is_billable, cut(step.finish_reason, 100), small(step.time_to_first_token_ms),
    )  # fmt: skip
