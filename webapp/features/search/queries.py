"""What the command palette finds: flows, agents, tools and prompts by name, executions by id, tail or trace, and what
was looked at last."""

# SQL is put together from constants; every value is a parameter.
# ruff: noqa: S608

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Text,
    Uuid,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Session

from webapp.actor import Actor
from webapp.domain.execution_filter import Search
from webapp.features.flows.visibility import visible_flows
from webapp.models import Agent, Agentflow, PromptTemplate, Tool
from webapp.models.base import id_time

MOST_FLOWS = 6
MOST_OTHERS = 4
MOST_EXECUTIONS = 5
TAIL_REACH = timedelta(days=35)
"""How far back eight digits are looked for; a whole id or a trace id is found at any age."""
LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class FoundThing:
    """A flow, agent, tool or prompt (``kind``), by name."""

    kind: str
    id: UUID
    name: str
    last_execution_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundExecution:
    """An execution, with what tells it from others."""

    id: UUID
    flow_name: str
    status: str
    started_at: datetime


def list_named(session: Session, actor: Actor, words: str) -> list[FoundThing]:
    """Flows, agents, tools and prompts whose name holds the words: of each sort those that begin with them first, flows
    then by their last run. Deleted and removed ones are left out.

    Words with ``%`` or ``_`` mean just these letters. Cost: one statement over the organization's names.
    """
    here = actor.organization_id
    shared = or_(Tool.organization_id == here, Tool.organization_id.is_(None))
    parts = [
        _named("flow", words, Agentflow.id, Agentflow.name, Agentflow.last_execution_at, MOST_FLOWS).where(
            visible_flows(actor), Agentflow.deleted_at.is_(None)
        ),
        _named("agent", words, Agent.id, Agent.name, null()).where(
            Agent.organization_id == here, Agent.removed_at.is_(None)
        ),
        _named("tool", words, Tool.id, Tool.name, null()).where(shared, Tool.is_active.is_not(False)),
        _named("prompt", words, func.min(cast(PromptTemplate.id, Text)).cast(Uuid), PromptTemplate.name, null())
        .where(PromptTemplate.organization_id == here, PromptTemplate.is_active)
        .group_by(PromptTemplate.name),
    ]
    return [FoundThing(*row) for row in session.execute(union_all(*(select(part.subquery()) for part in parts)))]


def _named(
    kind: str, words: str, id_: ColumnElement[UUID], name: Any, at: ColumnElement[Any], most: int = MOST_OTHERS
) -> Select[Any]:
    begins = name.istartswith(words, autoescape=True)
    return (
        select(
            literal(kind).label("kind"),
            id_.label("id"),
            name.label("name"),
            cast(at, DateTime(timezone=True)).label("last_execution_at"),
        )
        .where(name.icontains(words, autoescape=True))
        .order_by(begins.desc(), text("last_execution_at DESC NULLS LAST"), name, text("id"))
        .limit(most)
    )


FOUND = """
    SELECT f.id, coalesce(a.name, '') AS flow_name, f.status, f.started_at
    FROM flow_executions f LEFT JOIN agentflows a ON a.id = f.agentflow_id AND a.organization_id = f.organization_id
    WHERE f.organization_id = :organization_id AND """
BY_ID = text(f"{FOUND} f.id = :id AND f.created_at = :created_at")
BY_TRACE = text(
    f"""{FOUND} (f.id, f.created_at) IN (
        SELECT flow_execution_id, flow_created_at FROM trace_index
        WHERE organization_id = :organization_id AND trace_id = :trace_id)"""
)
BY_TAIL = text(
    f"""{FOUND} f.created_at >= :since AND right(CAST(f.id AS text), 8) = :tail
    ORDER BY f.started_at DESC, f.id DESC LIMIT :most"""
)
NEWEST = text(f"""{FOUND} f.started_at >= :since AND f.created_at >= :created_since AND f.started_at IS NOT NULL
    ORDER BY f.started_at DESC, f.id DESC LIMIT :most""")


def list_executions(session: Session, organization_id: UUID, search: Search, *, now: datetime) -> list[FoundExecution]:
    """Executions that an id, a trace id or the tail of an id stands for. Cost: one statement each."""
    found: dict[UUID, FoundExecution] = {}
    own = {"organization_id": organization_id}
    if search.execution_id is not None and search.execution_id.version == 7:
        at = id_time(search.execution_id)
        _collect(session, BY_ID, own | {"id": search.execution_id, "created_at": at}, found)
    if search.trace_id is not None:
        _collect(session, BY_TRACE, own | {"trace_id": search.trace_id}, found)
    if search.tail:
        parameters = own | {"tail": search.tail, "since": now - TAIL_REACH, "most": MOST_EXECUTIONS}
        _collect(session, BY_TAIL, parameters, found)
    return list(found.values())


def list_recent(session: Session, organization_id: UUID, *, now: datetime) -> list[FoundExecution]:
    """The newest executions of the last day, for an empty palette. Cost: one statement."""
    since = now - timedelta(days=1)
    found: dict[UUID, FoundExecution] = {}
    parameters = {"organization_id": organization_id, "since": since, "created_since": since - LATE, "most": 3}
    _collect(session, NEWEST, parameters, found)
    return list(found.values())


def _collect(session: Session, stmt: object, parameters: dict[str, object], found: dict[UUID, FoundExecution]) -> None:
    for row in session.execute(stmt, parameters):  # type: ignore[call-overload]
        found[row.id] = FoundExecution(*row)
