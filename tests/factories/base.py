"""Make rows for tests: say what the test is about, the rest is filled in.

Rows are written and committed by the owner role, so that requests, which use the application's role and their own
connections, see them. Made objects are detached: they show the row as it was written.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Column, Engine, inspect
from sqlalchemy.orm import Session

from webapp.models import FlowExecution, Organization, id_time, new_id

Model = TypeVar("Model")

_engine: Engine | None = None
_organization: Organization | None = None
_numbers = itertools.count(1)
_makers: dict[type, Callable[..., Any]] = {}


def bind(engine: Engine | None) -> None:
    """Write through this engine from now on, and begin with no default organization."""
    global _engine, _organization
    _engine, _organization = engine, None


def bound_engine() -> Engine:
    if _engine is None:
        raise AssertionError("no database is bound: let the test ask for the fixture `database`, `app` or `client`")
    return _engine


def default_organization() -> Organization:
    """The organization of rows for which the test names none: one for each test."""
    global _organization
    if _organization is None:
        _organization = make(Organization, name="Acme", slug="acme")
    return _organization


def factory(model: type[Model], **defaults: Any) -> Callable[..., Model]:
    """A function ``make_x(**overrides)``. A callable default is called with a running number."""

    def make_one(**overrides: Any) -> Model:
        number = next(_numbers)
        wanted = {name: value(number) if callable(value) else value for name, value in defaults.items()}
        return make(model, **wanted | overrides)

    make_one.__doc__ = f"Make one {model.__name__}; attributes by name."
    _makers[model] = make_one
    return make_one


def make(model: type[Model], **values: Any) -> Model:
    """Insert one row; columns that must have a value and have no default get a plain one, parents are made."""
    engine = bound_engine()
    _fill_parents(model, values)
    for attribute in inspect(model).column_attrs:
        column = attribute.columns[0]
        if attribute.key not in values and _must_be_given(column):
            values[attribute.key] = _plain_value(column)
    with Session(engine, expire_on_commit=False) as session:
        row = model(**values)
        session.add(row)
        session.commit()
        session.refresh(row)
        session.expunge_all()
    return row


def made(model: type[Model]) -> Callable[..., Model]:
    """The factory of a model; every model has one."""
    return _makers[model]


def _must_be_given(column: Column[Any]) -> bool:
    has_default = column.default is not None or column.server_default is not None or column.identity is not None
    return not column.nullable and not has_default and column.computed is None


def _fill_parents(model: type, values: dict[str, Any]) -> None:
    """Organization, execution and other parents that the row cannot do without."""
    columns = inspect(model).columns
    tenant = columns.get("organization_id")
    if tenant is not None and not tenant.nullable:
        values.setdefault("organization_id", None)
        values["organization_id"] = values["organization_id"] or default_organization().id
    if "flow_created_at" in columns and not columns["flow_created_at"].nullable and "flow_created_at" not in values:
        wanted = values.get("flow_execution_id")
        parent = made(FlowExecution)(organization_id=values["organization_id"]) if wanted is None else None
        values["flow_execution_id"] = wanted or parent.id
        values["flow_created_at"] = parent.created_at if parent else id_time(wanted)
    for column in columns:
        key = inspect(model).get_property_by_column(column).key
        if key in values or not _must_be_given(column) or not column.foreign_keys:
            continue
        parent_model = _model_of(next(iter(column.foreign_keys)).column.table.name, model)
        belongs = "organization_id" in values and "organization_id" in inspect(parent_model).columns
        extra = {"organization_id": values["organization_id"]} if belongs else {}
        values[key] = default_organization().id if parent_model is Organization else made(parent_model)(**extra).id


def _model_of(table: str, near: type) -> type:
    return next(mapper.class_ for mapper in inspect(near).registry.mappers if mapper.local_table.name == table)


def _plain_value(column: Column[Any]) -> Any:
    number = next(_numbers)
    kind = column.type.python_type
    if kind is bytes:
        return secrets.token_bytes(8 if "span" in column.name else 16)
    if kind is str:
        return f"{column.name} {number}"[: getattr(column.type, "length", None)]
    if kind in (datetime, date):
        return datetime.now(UTC) if kind is datetime else datetime.now(UTC).date()
    if kind in (dict, list):
        return kind()
    return {bool: False, int: 1, Decimal: Decimal(0), float: 0.0}[kind] if kind.__name__ != "UUID" else new_id()
