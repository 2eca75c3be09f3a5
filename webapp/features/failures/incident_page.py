"""What of a failure leaves the organization: its evidence as one JSON value, redacted by rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from webapp.domain.redaction import redact
from webapp.domain.suspect_words import Suspect, Suspects
from webapp.features.executions.detail_page import Shown
from webapp.features.executions.queries_detail import ExecutionDetail
from webapp.features.failures.evidence_page import CauseView, GoodBadView
from webapp.features.failures.queries_affected import Affected, Sample
from webapp.features.failures.queries_detail import FailureDetail

VERSION = 1
MOST_STACK = 8_000
NAMED = ("service_version", "model", "tool", "environment", "flow")
"""Dimensions whose values are told; users and keys are not."""


def make_bundle(
    failure: FailureDetail,
    cause: CauseView | None,
    good_bad: GoodBadView | None,
    affected: Affected,
    samples: Sequence[Sample],
    suspects: Suspects,
    now: datetime,
) -> dict[str, Any]:
    """The bundle as JSON, with names of users, keys, e-mail addresses and long numbers masked."""
    row = failure.row
    names = {one.user_ref for one in samples if one.user_ref}
    names |= {share.value for share in affected.shares["user"] if share.value}
    for execution in _executions(cause, good_bad):
        names |= {name for name in (execution.user_ref, execution.session_id) if name}
    told = {
        "title": row.title, "state": row.state, "flow": row.flow_name, "step": row.step_name,
        "error_type": row.error_type, "first_seen_version": failure.first_seen_version,
    }  # fmt: skip
    counts = {
        "number": row.number, "failed": row.failed, "users": row.users, "cost_usd": _text(row.lost_usd),
        "first_seen_at": _time(row.first_seen_at), "last_seen_at": _time(row.last_seen_at),
    }  # fmt: skip
    shares = {
        name: [{"value": redact(one.label, names), "count": one.count} for one in affected.shares[name]]
        for name in NAMED
        if any(one.value is not None for one in affected.shares[name])
    }
    return {
        "version": VERSION,
        "made_at": _time(now),
        "failure": counts | redact(told, names),
        "cause": redact(_cause(cause), names) if cause is not None else None,
        "changes": [redact(_change(one), names) | {"changed_at": _time(one.changed_at)} for one in suspects.items],
        "good_beside_bad": _good_bad(good_bad, names),
        "affected": shares,
    }


def _executions(cause: CauseView | None, good_bad: GoodBadView | None) -> list[ExecutionDetail]:
    found = [cause.cause.execution] if cause is not None else []
    if good_bad is not None:
        found += [one for one in (good_bad.both.good, good_bad.both.bad) if one is not None]
    return found


def _cause(view: CauseView) -> dict[str, Any]:
    cause, texts = view.cause, view.cause.texts
    return {
        "kind": view.failing.kind,
        "step": cause.step.name or "Unnamed",
        "model": cause.step.model,
        "error_type": texts.error_type or cause.execution.error_type,
        "error_message": (texts.error_message or cause.execution.error_message or "")[:4_000],
        "status_code": view.status_code,
        "stack": (texts.error_stack or "")[:MOST_STACK],
        "parents": [parent.name or "Unnamed" for parent in cause.parents[:20]],
        "steps": [
            {
                "name": one.step.name or "Unnamed",
                "kind": one.kind,
                "input": _part(one.input),
                "output": _part(one.output),
            }
            for one in view.steps
        ],
    }


def _change(suspect: Suspect) -> dict[str, Any]:
    """A change by its names; texts of prompts and definitions of tools stay here."""
    return {
        "what": suspect.words,
        "before": suspect.before.label if suspect.before is not None else None,
        "after": suspect.after.label if suspect.after is not None else suspect.label,
        "reason": suspect.reason(),
    }


def _part(value: Shown | None) -> str | None:
    return value.payload.text if value is not None else None


def _good_bad(view: GoodBadView | None, names: set[str]) -> dict[str, Any] | None:
    if view is None or view.both.good is None:
        return None
    steps = [
        {
            "name": pair.step.name or "Unnamed",
            "good": pair.before.status if pair.before is not None else "not run",
            "bad": pair.after.status if pair.after is not None else "not run",
            "differences": list(pair.differences),
        }
        for row in view.rows
        if (pair := row.pair) is not None
    ]
    return {"good": _run(view.both.good), "bad": _run(view.both.bad), "steps": redact(steps, names)}


def _run(execution: ExecutionDetail) -> dict[str, Any]:
    return {
        "started_at": _time(execution.started_at),
        "duration_ms": execution.execution_time_ms,
        "tokens": execution.tokens_used,
        "cost_usd": _text(execution.cost_usd),
        "version": execution.service_version,
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
