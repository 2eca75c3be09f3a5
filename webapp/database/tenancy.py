"""Whose rows a transaction may see: PostgreSQL's row-level security reads `app.organization_id`.

The setting is local to the transaction, so a connection goes back to the pool without it; a session that knows its
organization sets it again for each transaction that it begins. Without it no tenant's row is visible.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session, scoped_session

from webapp.models.base import db

KEY = "organization_id"
_SET = text("SELECT set_config('app.organization_id', :organization_id, true)")


def use_organization(session: Session | scoped_session[Session], organization_id: UUID) -> None:
    """Let this session see one organization, from its present transaction on."""
    session = _plain(session)
    session.info[KEY] = organization_id
    if session.in_transaction():
        session.execute(_SET, {"organization_id": str(organization_id)})


def forget_organization(session: Session | scoped_session[Session]) -> None:
    """Let this session see no organization any more."""
    session = _plain(session)
    session.info.pop(KEY, None)
    if session.in_transaction():
        session.execute(_SET, {"organization_id": ""})


@contextmanager
def organization_session(engine_or_app: Engine | Flask, organization_id: UUID) -> Iterator[Session]:
    """One transaction as one organization, outside of requests: committed at the end, rolled back on an exception."""
    with Session(_engine(engine_or_app), info={KEY: organization_id}) as session, session.begin():
        yield session


def set_organization(connection: Connection, organization_id: UUID) -> None:
    """Set the organization of a plain connection's present transaction."""
    connection.execute(_SET, {"organization_id": str(organization_id)})


@event.listens_for(Session, "after_begin")
def _set_again(session: Session, transaction: Any, connection: Connection) -> None:
    if (organization_id := session.info.get(KEY)) is not None:
        set_organization(connection, organization_id)


def _plain(session: Session | scoped_session[Session]) -> Session:
    """A scoped session passes only some methods on."""
    return session() if isinstance(session, scoped_session) else session


def _engine(engine_or_app: Engine | Flask) -> Engine:
    if isinstance(engine_or_app, Engine):
        return engine_or_app
    with engine_or_app.app_context():
        return db.engine
