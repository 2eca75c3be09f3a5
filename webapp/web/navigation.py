"""The sidebar and what the command palette can jump to; an entry shows only to whom its page is open."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, request, url_for

from webapp.actor import Actor
from webapp.permissions import Permission


@dataclass(frozen=True, slots=True)
class Entry:
    """One page in the navigation. ``keys`` is the two-key jump, such as ``g e``; ``also`` are further blueprints whose
    pages belong to it; ``counts`` names what :class:`~webapp.web.shell.Shell` counts beside it."""

    label: str
    endpoint: str
    icon: str
    permission: Permission
    group: str = ""
    keys: str = ""
    also: tuple[str, ...] = ()
    counts: str = ""


ENTRIES = (
    Entry("Overview", "overview.index", "overview", Permission.EXECUTIONS_READ, keys="g o"),
    Entry("Executions", "executions.index", "executions", Permission.EXECUTIONS_READ, keys="g e"),
    Entry("Failures", "failures.index", "failures", Permission.FAILURES_READ, keys="g f", counts="for review"),
    Entry(
        "Flows",
        "flows.index",
        "flows",
        Permission.FLOWS_READ,
        keys="g w",
        also=("flow", "flow_editor", "flow_versions", "flow_imports"),
    ),
    Entry("Agents", "agents.index", "agent", Permission.AGENTS_READ, group="Build", keys="g a"),
    Entry("Tools", "tools.index", "tool", Permission.TOOLS_READ, group="Build", keys="g t"),
    Entry("Prompts", "prompts.index", "file", Permission.PROMPTS_READ, group="Build", keys="g p"),
    Entry("Alerts", "alerts.index", "bell", Permission.ALERTS_READ, group="Manage", keys="g l"),
    Entry("Ingest", "ingest_page.index", "download", Permission.INGEST_READ, group="Manage", keys="g i"),
    Entry("API keys", "api_keys.index", "key", Permission.API_KEYS_READ, group="Manage", keys="g k"),
    Entry("Organization", "organizations.index", "org", Permission.ORGANIZATION_READ, group="Manage", keys="g m"),
)


def entries_for(actor: Actor, app: Flask) -> list[Entry]:
    """The entries that this actor may open, in order."""
    return [e for e in ENTRIES if e.endpoint in app.view_functions and actor.may(e.permission)]


def is_current(entry: Entry) -> bool:
    """Whether the page shown belongs to the entry, for ``aria-current``."""
    return (request.blueprint or "") in (entry.endpoint.partition(".")[0], *entry.also)


def url_of(entry: Entry) -> str:
    """Where the entry leads."""
    return url_for(entry.endpoint)
