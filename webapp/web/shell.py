"""What every page of the app shell needs: the actor, navigation, unread notifications, and time filters in the
reader's zone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g

from webapp.extensions import db
from webapp.features.failures.queries_list import count_waiting
from webapp.web import formats, navigation

UTC_ZONE = ZoneInfo("UTC")


def now() -> datetime:
    """One instant for the whole request, so that two times on a page never disagree."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    return g.now


def zone() -> ZoneInfo:
    """The reader's zone, UTC for somebody not signed in."""
    actor = g.get("actor")
    return actor.zone if actor else UTC_ZONE


def _clock(at: datetime | None) -> Any:
    return formats.clock(at, zone=zone(), now=now())


def _ago(at: datetime | None) -> Any:
    return formats.ago_time(at, zone=zone(), now=now())


def _full_time(at: datetime | None) -> str:
    return formats.NOTHING if at is None else formats.full_time(at, zone())


def init_app(app: Flask) -> None:
    """Register filters and the context of the layouts."""
    app.jinja_env.filters.update(formats.FILTERS, clock=_clock, ago=_ago, full_time=_full_time)
    app.jinja_env.globals.update(
        now=now, reader_zone=zone, nav_current=navigation.is_current, nav_url=navigation.url_of
    )

    @app.context_processor
    def shell() -> dict[str, Any]:
        actor = g.get("actor")
        return {"actor": actor, "shell": Shell(app, actor) if actor else None}


class Shell:
    """Read by ``layouts/app.html`` only, so that a fragment does not pay for it."""

    def __init__(self, app: Flask, actor: Any):
        self._app, self._actor = app, actor

    @cached_property
    def entries(self) -> list[navigation.Entry]:
        return navigation.entries_for(self._actor, self._app)

    @cached_property
    def counts(self) -> dict[str, int]:
        """What waits for the reader, in the words of the navigation's entries. Cost: one statement."""
        unread, failures = count_waiting(db.session, self._actor.organization_id, self._actor.user_id)
        return {"unread": unread, "for review": failures}

    @property
    def unread_count(self) -> int:
        """Unread notifications of the reader."""
        return self.counts["unread"]
