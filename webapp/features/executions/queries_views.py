"""How one person has arranged the list: saved views and columns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, Text, Uuid, bindparam, cast, literal, null, or_, select, true, union_all
from sqlalchemy.orm import Session

from webapp.models import SavedView, UserSettings

PAGE = "executions"


@dataclass(frozen=True, slots=True)
class View:
    """A filter under a name. ``is_own`` views may be deleted by the reader."""

    id: UUID
    name: str
    query: str
    is_shared: bool
    is_own: bool


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Views in the order of their names, and the chosen columns (None: never chosen)."""

    views: list[View]
    columns: tuple[str, ...] | None


def get_arrangement(session: Session, organization_id: UUID, user_id: UUID) -> Arrangement:
    """Own views, views shared in the organization, and the reader's columns. Cost: one statement."""
    found: list[View] = []
    chosen: tuple[str, ...] | None = None
    for row in session.execute(_arrangement(), {"organization_id": organization_id, "user_id": user_id}):
        if row.id is not None:
            found.append(View(*row))
        elif row.query:
            chosen = _read_columns(row.query)
    return Arrangement(sorted(found, key=lambda view: view.name.casefold()), chosen)


@cache
def _arrangement() -> CompoundSelect[Any]:
    organization_id, user_id = bindparam("organization_id", type_=Uuid()), bindparam("user_id", type_=Uuid())
    views = select(
        SavedView.id,
        SavedView.name,
        SavedView.query,
        SavedView.is_shared,
        (SavedView.user_id == user_id).label("is_own"),
    ).where(
        SavedView.organization_id == organization_id,
        SavedView.page == PAGE,
        or_(SavedView.user_id == user_id, SavedView.is_shared),
    )
    columns = select(null(), literal(""), cast(UserSettings.table_preferences[PAGE], Text), true(), true()).where(
        UserSettings.user_id == user_id
    )
    return union_all(views, columns)


def _read_columns(text: str) -> tuple[str, ...] | None:
    value = json.loads(text)
    columns = value.get("columns") if isinstance(value, dict) else None
    return tuple(str(name) for name in columns) if isinstance(columns, list) else None
