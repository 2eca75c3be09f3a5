"""Flows, agents, tools and blocks that traces name: looked up, or made when they are seen for the first time.

Ids that were committed are remembered per organization in the process, so that a request about known things asks
nothing. A remembered id may be gone after a restore; the foreign key then fails, ``forget`` is called and the request
is tried again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from psycopg import Cursor

from webapp.ingest.batch import Entry, agent_key, block_key, tool_key
from webapp.ingest.mapped import MappedStep
from webapp.ingest.roles import AGENT
from webapp.models.base import new_id

LARGEST_MEMORY = 50_000
# What a step's kind is called among the block types of a flow graph.
BLOCK_TYPES = {"agent": "agent", "tool": "action", "model_call": "action", "retrieval": "action", "embedding": "action"}

_known: dict[UUID, dict[tuple, UUID]] = {}


@dataclass(slots=True)
class Discovered:
    """The ids behind names: flows and agents by service and name, tools by name, blocks by flow, kind and name."""

    flows: dict[tuple[str, str], UUID] = field(default_factory=dict)
    agents: dict[tuple[str, str], UUID] = field(default_factory=dict)
    tools: dict[str, UUID] = field(default_factory=dict)
    blocks: dict[tuple[UUID, str, str], UUID] = field(default_factory=dict)
    fresh: dict[tuple, UUID] = field(default_factory=dict)


def forget(organization_id: UUID) -> None:
    """Look everything up again."""
    _known.pop(organization_id, None)


def is_remembered(organization_id: UUID, key: tuple) -> bool:
    """Return whether a request that has committed left this in ``fresh``."""
    return key in _known.get(organization_id, ())


def remember(organization_id: UUID, discovered: Discovered) -> None:
    """Keep the ids that a request looked up or made, once it has committed."""
    known = _known.setdefault(organization_id, {})
    if len(known) > LARGEST_MEMORY:
        known.clear()
    known.update(discovered.fresh)


def discover(cursor: Cursor, organization_id: UUID, entries: Iterable[Entry]) -> Discovered:
    """Return ids for all that the entries name, and set each entry's flow.

    Cost: two statements for each sort of thing that is not remembered. Sorts come in one order and names sorted, so
    that requests that meet do not block each other in a ring.
    """
    entries = list(entries)
    found = Discovered()
    _discover_flows(cursor, organization_id, entries, found)
    agents = {agent_key(step) for entry in entries for step in entry.mapped.steps if step.agent_name}
    found.agents = _ids(cursor, organization_id, "agent", {key: key for key in agents}, found)
    tools = {tool_key(step) for entry in entries for step in entry.mapped.steps if step.is_tool and not step.is_helper}
    found.tools = _ids(cursor, organization_id, "tool", {key: (key,) for key in tools}, found)
    blocks = {block_key(entry, step): step for entry in entries if entry.agentflow_id for step in entry.mapped.steps}
    links = {key: (_agent_of(step, found), _tool_of(step, found)) for key, step in blocks.items()}
    found.blocks = _ids(cursor, organization_id, "block", {key: key for key in blocks}, found, links=links)
    return found


def _agent_of(step: MappedStep, found: Discovered) -> UUID | None:
    """The agent that a block runs; steps that an agent makes are not its runs."""
    return found.agents.get(agent_key(step)) if step.kind == AGENT else None


def _tool_of(step: MappedStep, found: Discovered) -> UUID | None:
    return found.tools.get(tool_key(step)) if step.is_tool and not step.is_helper else None


def _discover_flows(cursor: Cursor, organization_id: UUID, entries: list[Entry], found: Discovered) -> None:
    names = {_flow_name(entry): _flow_name(entry) for entry in entries if entry.has_name}
    found.flows = _ids(cursor, organization_id, "flow", names, found)
    guesses = {_flow_name(e): _flow_name(e) for e in entries if not e.has_name and _flow_name(e) not in names}
    found.flows |= _ids(cursor, organization_id, "flow", guesses, found, is_making=False)
    for entry in entries:
        entry.agentflow_id = found.flows.get(_flow_name(entry))


def _flow_name(entry: Entry) -> tuple[str, str]:
    return ((entry.mapped.service_name or "")[:255], entry.mapped.flow_name[:255])


def _ids(
    cursor: Cursor,
    organization_id: UUID,
    sort: str,
    wanted: dict,
    found: Discovered,
    *,
    is_making: bool = True,
    links: dict[tuple, tuple] | None = None,
) -> dict:
    """Return the id of each wanted key; values are the columns that name the thing in its table.

    ``links`` are a new block's agent and tool, by the same columns.
    """
    known = _known.get(organization_id, {})
    ids = {key: known[(sort, key)] for key in wanted if (sort, key) in known}
    missing = sorted((columns, key) for key, columns in wanted.items() if key not in ids)
    if not missing:
        return ids
    rows = [columns for columns, _ in missing]
    there = {tuple(row[1:]): row[0] for row in _execute(cursor, _FIND[sort], organization_id, rows)}
    absent = [columns for columns in rows if columns not in there]
    if absent and is_making:
        ids_and_links = [new_id() for _ in absent], [links[columns] for columns in absent] if links else None
        made = _execute(cursor, _MAKE[sort], organization_id, absent, *ids_and_links)
        there |= {tuple(row[1:]): row[0] for row in made}
    fresh = {key: there[columns] for columns, key in missing if columns in there}
    found.fresh.update({(sort, key): id_ for key, id_ in fresh.items()})
    return ids | fresh


def _execute(
    cursor: Cursor,
    statement: str,
    organization_id: UUID,
    rows: list[tuple],
    ids: list | None = None,
    links: list[tuple] | None = None,
) -> list:
    columns = [list(column) for column in zip(*rows, strict=True)]
    values = {f"c{number}": column for number, column in enumerate(columns)} | {"organization_id": organization_id}
    if ids is not None:
        values["ids"] = ids
    if links is not None:
        values["types"] = [BLOCK_TYPES.get(kind, "transform") for kind in columns[1]]
        values["agents"], values["tools"] = (list(column) for column in zip(*links, strict=True))
    cursor.execute(statement, values)  # type: ignore[arg-type]
    return cursor.fetchall()


# On a conflict a column that no key holds is set to itself: that gives the id back without the lock on the key, which
# would make every export wait that only refers to the row.
_FIND_BY_SERVICE = (
    "SELECT t.id, t.service_name, t.name FROM {table} t"
    " JOIN unnest(%(c0)s::text[], %(c1)s::text[]) AS x(service_name, name) USING (service_name, name)"
    " WHERE t.organization_id = %(organization_id)s AND t.source = 'discovered'"
)
_MAKE_BY_SERVICE = (
    "INSERT INTO {table} AS t (id, organization_id, service_name, name, source)"
    " SELECT x.id, %(organization_id)s, x.service_name, x.name, 'discovered'"
    " FROM unnest(%(ids)s::uuid[], %(c0)s::text[], %(c1)s::text[]) AS x(id, service_name, name)"
    " ON CONFLICT (organization_id, service_name, name) WHERE source = 'discovered'"
    " DO UPDATE SET source = t.source RETURNING t.id, t.service_name, t.name"
)
_FIND = {
    "flow": _FIND_BY_SERVICE.format(table="agentflows"),
    "agent": _FIND_BY_SERVICE.format(table="agents"),
    "tool": "SELECT t.id, t.name FROM tools t"
    " WHERE t.organization_id = %(organization_id)s AND t.name = ANY(%(c0)s::text[])",
    "block": "SELECT t.id, t.agentflow_id, t.step_kind, t.name FROM blocks t"
    " JOIN unnest(%(c0)s::uuid[], %(c1)s::text[], %(c2)s::text[]) AS x(agentflow_id, step_kind, name)"
    " USING (agentflow_id, step_kind, name)"
    " WHERE t.organization_id = %(organization_id)s AND t.source = 'discovered'",
}
_MAKE = {
    "flow": _MAKE_BY_SERVICE.format(table="agentflows"),
    "agent": _MAKE_BY_SERVICE.format(table="agents"),
    "tool": "INSERT INTO tools AS t (id, organization_id, name, source)"
    " SELECT x.id, %(organization_id)s, x.name, 'discovered'"
    " FROM unnest(%(ids)s::uuid[], %(c0)s::text[]) AS x(id, name)"
    " ON CONFLICT (organization_id, name) DO UPDATE SET source = t.source RETURNING t.id, t.name",
    "block": "INSERT INTO blocks AS t (id, organization_id, agentflow_id, step_kind, name, block_type, agent_id,"
    " tool_id, source) SELECT x.id, %(organization_id)s, x.agentflow_id, x.step_kind, x.name, x.type, x.agent_id,"
    " x.tool_id, 'discovered' FROM unnest(%(ids)s::uuid[], %(c0)s::uuid[], %(c1)s::text[], %(c2)s::text[],"
    " %(types)s::text[], %(agents)s::uuid[], %(tools)s::uuid[])"
    " AS x(id, agentflow_id, step_kind, name, type, agent_id, tool_id)"
    " ON CONFLICT (agentflow_id, step_kind, name) WHERE source = 'discovered'"
    " DO UPDATE SET source = t.source RETURNING t.id, t.agentflow_id, t.step_kind, t.name",
}
