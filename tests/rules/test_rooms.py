"""A file's name says what its lines may touch, and a feature enters another one only by its listed doors."""

from __future__ import annotations

import re

import pytest

from tests.rules.source import Source, is_within, read_tree

ROOMS = {
    "routes": ("sqlalchemy", "webapp.models"),
    "queries": ("flask", "wtforms", "webapp.web", "webapp.extensions"),
    "operations": ("flask", "wtforms", "webapp.web", "webapp.extensions"),
    "forms": ("flask", "sqlalchemy", "webapp.models", "webapp.extensions"),
}
FOLDERS = {
    "webapp/models/": ("flask", "wtforms", "webapp.web", "webapp.features", "webapp.ingest", "webapp.domain"),
    "webapp/domain/": ("flask", "sqlalchemy", "wtforms", "webapp.models", "webapp.features", "webapp.web"),
}
EDGES = ("webapp/ingest/", "webapp/jobs/", "webapp/cli/", "webapp/runner/")

# importing feature -> features whose queries, operations or plain modules it may use. A new pair is a new dependency.
CROSSINGS: dict[str, set[str]] = {
    "accounts": {"events"},
    "api_keys": {"events"},
    "compare": {"executions"},
    "executions": {"retries", "rollups"},
    "alerts": {"events", "flows", "notifications", "rollups"},
    "agents": {"events", "flows", "rollups"},
    "failures": {"compare", "events", "executions", "flow", "flows", "notifications", "retries"},
    "flow": {"events", "executions", "flows", "retries", "rollups"},
    "flow_editor": {"flows"},
    "flow_imports": {"events", "flows"},
    "flow_versions": {"events", "flow", "flows", "rollups"},
    "flows": {"events", "rollups"},
    "organizations": {"events"},
    "overview": {"rollups"},
    "prompts": {"events", "rollups"},
    "retries": {"events", "flows"},
    "search": {"flows"},
    "setup": {"accounts", "api_keys", "events", "organizations", "welcome"},
    "tools": {"events", "flows", "rollups"},
    "welcome": {"api_keys"},
}


def strays(sources: list[Source]) -> list[str]:
    """Imports that a room may not have."""
    problems = []
    for source in sources:
        folder = next((banned for start, banned in FOLDERS.items() if source.name.startswith(start)), ())
        for line, name in source.imports():
            if is_within(name, ROOMS.get(source.room, ()) + folder):
                problems.append(f"{source.name}:{line} imports {name}: move this line to the room that may")
            if (
                source.name.startswith(EDGES)
                and name.startswith("webapp.features.")
                and _door(name) in ("routes", "forms")
            ):
                problems.append(f"{source.name}:{line} imports {name}: an edge calls queries and operations")
    return problems


def commits(sources: list[Source]) -> list[str]:
    """Operations and queries that end the transaction, which is the edge's."""
    return [
        f"{source.name}: calls {word}: the request, job or command ends the transaction"
        for source in sources
        if source.room in ("queries", "operations")
        for word in (".commit()", ".rollback()")
        if word in source.text
    ]


def crossings(sources: list[Source], allowed: dict[str, set[str]]) -> list[str]:
    """Imports from one feature into another that are not on the list, or that go through routes or forms."""
    problems = []
    for source in sources:
        here = source.name.split("/")[2] if source.name.startswith("webapp/features/") else None
        for line, name in source.imports():
            there = name.split(".")[2] if name.startswith("webapp.features.") else None
            if here is None or there is None or here == there:
                continue
            if _door(name) in ("routes", "forms"):
                problems.append(f"{source.name}:{line} imports {name}: routes and forms are private to their feature")
            elif there not in allowed.get(here, set()):
                problems.append(
                    f"{source.name}:{line} imports {name}: add {here} -> {there} to CROSSINGS if that is meant"
                )
    return problems


def _door(name: str) -> str:
    parts = name.split(".")
    return parts[3].split("_")[0] if len(parts) > 3 else ""


def test_every_file_keeps_to_its_room():
    assert strays(read_tree()) == []


def test_only_edges_end_a_transaction():
    assert commits(read_tree()) == []


def test_features_meet_where_it_is_listed():
    assert crossings(read_tree(), CROSSINGS) == []


def test_the_list_of_crossings_holds_no_door_that_nobody_uses():
    listed = {(a, b) for a, names in CROSSINGS.items() for b in names}
    used = {re.search(r": add (\w+) -> (\w+) ", problem).groups() for problem in crossings(read_tree(), {})}
    assert listed - used == set()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("webapp/features/x/routes.py", "from sqlalchemy import select"),
        ("webapp/features/x/routes_more.py", "def f():\n    from webapp.models import User"),
        ("webapp/features/x/queries.py", "from flask import g"),
        ("webapp/features/x/queries_all_orgs.py", "import flask"),
        ("webapp/features/x/operations.py", "from webapp.web import htmx"),
        ("webapp/features/x/forms.py", "import sqlalchemy as sa"),
        ("webapp/api/queries_keys.py", "from webapp.extensions import db"),
        ("webapp/domain/x.py", "from webapp.models import User"),
        ("webapp/models/x.py", "from webapp.features.x import queries"),
        ("webapp/jobs/x.py", "from webapp.features.x.routes import bp"),
        ("webapp/cli/x.py", "from webapp.features.x import forms"),
    ],
)
def test_a_stray_import_is_found(name, line):
    assert len(strays([Source(name, line)])) == 1


def test_a_commit_in_an_operation_is_found():
    assert commits([Source("webapp/features/x/operations.py", "def f(s):\n    s.commit()\n")])
    assert not commits([Source("webapp/web/blueprint.py", "s.commit()")])


def test_a_new_crossing_is_found():
    source = Source("webapp/features/x/queries.py", "from webapp.features.y.queries import f")
    assert crossings([source], {}) and not crossings([source], {"x": {"y"}})
    private = Source("webapp/features/x/queries.py", "from webapp.features.y import routes")
    assert crossings([private], {"x": {"y"}})
