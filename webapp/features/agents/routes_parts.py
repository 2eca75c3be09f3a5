"""What an agent may use and what it remembers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, url_for
from wtforms import Form

from webapp.actor import Actor
from webapp.domain.errors import NotFound
from webapp.extensions import db
from webapp.features.agents import operations_parts, queries_detail, queries_state
from webapp.features.agents.forms import BaseForm, MemoryForm, ToolSettingsForm, config_text
from webapp.features.agents.routes import bp
from webapp.features.agents.routes_detail import head
from webapp.permissions import Permission
from webapp.web import htmx
from webapp.web.forms import posted
from webapp.web.render import render_page
from webapp.web.shell import now


@bp.get("/<uuid:agent_id>/tools", permission=Permission.AGENTS_READ)
def tools(actor: Actor, agent_id: UUID) -> Response:
    """Tools with their settings, and knowledge bases."""
    return _tools(actor, agent_id, ToolSettingsForm(data={"is_enabled": True}), BaseForm())


@bp.post("/<uuid:agent_id>/tools", permission=Permission.AGENTS_WRITE)
def attach_tool(actor: Actor, agent_id: UUID) -> Response:
    """Attach a tool, or change the settings of one that is."""
    form = posted(ToolSettingsForm)
    tool_id = _id(form.tool_id.data, "tool")
    if not form.validate():
        return _tools(actor, agent_id, form, BaseForm(), status=422)
    operations_parts.attach_tool(
        db.session, actor, agent_id, tool_id, is_enabled=form.is_enabled.data, config=form.settings(), now=now()
    )
    return htmx.redirect_to(url_for("agents.tools", agent_id=agent_id, done="attached"))


@bp.post("/<uuid:agent_id>/tools/<uuid:tool_id>/detach", permission=Permission.AGENTS_WRITE)
def detach_tool(actor: Actor, agent_id: UUID, tool_id: UUID) -> Response:
    operations_parts.detach_tool(db.session, actor, agent_id, tool_id, now=now())
    return htmx.redirect_to(url_for("agents.tools", agent_id=agent_id, done="attached"))


@bp.post("/<uuid:agent_id>/knowledge-bases", permission=Permission.AGENTS_WRITE)
def attach_base(actor: Actor, agent_id: UUID) -> Response:
    """Let the agent search a knowledge base, or change how many chunks it takes."""
    form = posted(BaseForm)
    base_id = _id(form.knowledge_base_id.data, "knowledge base")
    if not form.validate():
        return _tools(actor, agent_id, ToolSettingsForm(data={"is_enabled": True}), form, status=422)
    operations_parts.attach_base(db.session, actor, agent_id, base_id, top_k=form.top_k.data, now=now())
    return htmx.redirect_to(url_for("agents.tools", agent_id=agent_id, done="attached"))


@bp.post("/<uuid:agent_id>/knowledge-bases/<uuid:base_id>/detach", permission=Permission.AGENTS_WRITE)
def detach_base(actor: Actor, agent_id: UUID, base_id: UUID) -> Response:
    operations_parts.detach_base(db.session, actor, agent_id, base_id, now=now())
    return htmx.redirect_to(url_for("agents.tools", agent_id=agent_id, done="attached"))


def _id(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"There is no such {what} in this organization.") from None


def _tools(actor: Actor, agent_id: UUID, form: ToolSettingsForm, base_form: BaseForm, *, status: int = 200) -> Response:
    shown = head(actor, agent_id, "tools")
    return render_page(
        "agents/tools.html",
        status=status,
        **shown,
        form=form,
        base_form=base_form,
        tools=queries_state.list_tools(db.session, actor.organization_id, agent_id),
        free_tools=queries_detail.list_free_tools(db.session, actor.organization_id, agent_id),
        bases=queries_detail.list_bases(db.session, actor.organization_id, agent_id),
        config_text=config_text,
    )


@bp.get("/<uuid:agent_id>/memories", permission=Permission.AGENTS_READ)
def memories(actor: Actor, agent_id: UUID) -> Response:
    """What the agent remembers, the most important first."""
    return _memories(actor, agent_id, MemoryForm())


@bp.post("/<uuid:agent_id>/memories", permission=Permission.AGENTS_WRITE)
def add_memory(actor: Actor, agent_id: UUID) -> Response:
    form = posted(MemoryForm)
    if not form.validate():
        return _memories(actor, agent_id, form, status=422)
    operations_parts.add_memory(db.session, actor, agent_id, form.settings(actor.zone), now=now())
    return htmx.redirect_to(url_for("agents.memories", agent_id=agent_id, done="remembered"))


@bp.get("/<uuid:agent_id>/memories/<uuid:memory_id>", permission=Permission.AGENTS_WRITE)
def edit_memory(actor: Actor, agent_id: UUID, memory_id: UUID) -> Response:
    memory = queries_detail.get_memory(db.session, actor.organization_id, agent_id, memory_id)
    at = memory.expires_at.astimezone(actor.zone).replace(tzinfo=None) if memory.expires_at else None
    names = ("content", "term", "importance")
    form = MemoryForm(data={name: getattr(memory, name) for name in names} | {"expires_at": at})
    return _memory(actor, agent_id, memory_id, form)


@bp.post("/<uuid:agent_id>/memories/<uuid:memory_id>", permission=Permission.AGENTS_WRITE)
def change_memory(actor: Actor, agent_id: UUID, memory_id: UUID) -> Response:
    form = posted(MemoryForm)
    if not form.validate():
        return _memory(actor, agent_id, memory_id, form, status=422)
    wanted = form.settings(actor.zone)
    operations_parts.change_memory(db.session, actor, agent_id, memory_id, wanted, now=now())
    return htmx.redirect_to(url_for("agents.memories", agent_id=agent_id, done="remembered"))


@bp.post("/<uuid:agent_id>/memories/<uuid:memory_id>/delete", permission=Permission.AGENTS_WRITE)
def delete_memory(actor: Actor, agent_id: UUID, memory_id: UUID) -> Response:
    operations_parts.delete_memory(db.session, actor, agent_id, memory_id, now=now())
    return htmx.redirect_to(url_for("agents.memories", agent_id=agent_id, done="forgotten"))


def _memory(actor: Actor, agent_id: UUID, memory_id: UUID, form: Form, *, status: int = 200) -> Response:
    shown: dict[str, Any] = head(actor, agent_id, "memories")
    queries_detail.get_memory(db.session, actor.organization_id, agent_id, memory_id)
    return render_page("agents/memory.html", status=status, **shown, form=form, memory_id=memory_id)


def _memories(actor: Actor, agent_id: UUID, form: Form, *, status: int = 200) -> Response:
    shown: dict[str, Any] = head(actor, agent_id, "memories")
    search = request.args.get("q", "").replace("\x00", "").strip()[:200]
    rows = queries_detail.list_memories(db.session, actor.organization_id, agent_id, search=search)
    return render_page("agents/memories.html", status=status, **shown, form=form, rows=rows, search=search, at=now())
