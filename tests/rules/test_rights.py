"""A right cannot be forgotten: every view states its permission, and what is open to all is listed here."""

from __future__ import annotations

import ast
import inspect

import pytest
from flask import Flask

from tests.rules.source import Source, read_tree
from webapp.api.blueprint import ApiBlueprint
from webapp.domain.api_keys import Scope
from webapp.permissions import ROLE_PERMISSIONS, Permission, Public, Role, public
from webapp.web.blueprint import GuardedBlueprint
from webapp.web.origin import KEY_BLUEPRINTS

PUBLIC = {
    "accounts.check_sign_in",
    "accounts.sign_in",
    "api.openapi",
    "flow.shared",
    "health.healthz",
    "health.readyz",
    "incidents.shared",
    "ingest.nothing",
    "setup.create",
    "setup.show",
}


def unguarded(app: Flask) -> list[str]:
    """Views without a permission or a scope of ours."""
    return [
        f"{rule.rule} ({rule.endpoint}) states no permission: use GuardedBlueprint or ApiBlueprint"
        for rule in app.url_map.iter_rules()
        if not isinstance(permission_of(app, rule.endpoint), Permission | Public | Scope)
    ]


def mixed_doors(app: Flask) -> list[str]:
    """Views that would take a key where cookies are read, or a cookie where the origin is not checked."""
    problems = []
    for rule in app.url_map.iter_rules():
        permission, is_for_keys = permission_of(app, rule.endpoint), rule.endpoint.split(".")[0] in KEY_BLUEPRINTS
        if isinstance(permission, Permission) and is_for_keys or isinstance(permission, Scope) and not is_for_keys:
            problems.append(f"{rule.rule}: people use GuardedBlueprint, programs a blueprint of KEY_BLUEPRINTS")
    return problems


def permission_of(app: Flask, endpoint: str) -> object:
    return getattr(app.view_functions[endpoint], "permission", None)


def loose_signatures(sources: list[Source]) -> list[str]:
    """Public functions of queries and operations whose second parameter does not say for whom they act."""
    problems = []
    for source in sources:
        if source.room not in ("queries", "operations") or "all_orgs" in source.name:
            continue
        for function in source.tree.body:
            if not isinstance(function, ast.FunctionDef) or function.name.startswith("_"):
                continue
            names = [a.arg for a in function.args.posonlyargs + function.args.args]
            is_bound = len(names) > 1 and names[1] in BOUND[source.room]
            if names[:1] == ["session"] and not is_bound and function.name not in UNBOUND:
                wanted = " or ".join(sorted(BOUND[source.room]))
                problems.append(f"{source.name}:{function.lineno} {function.name}: second parameter must be {wanted}")
    return problems


BOUND = {
    # A rollup scope holds the organization, since it is what the sums are of.
    "queries": {"organization_id", "user_id", "actor", "scope"},
    # The author of an event may be nobody yet; a person adds an organization before they act in one.
    "operations": {"actor", "author", "organization_id", "user_id"},
}
UNBOUND = {"create_first_admin": "there is no organization and nobody to ask before it"}


def test_every_view_states_who_may_use_it(app):
    assert unguarded(app) == []


def test_people_and_programs_use_different_doors(app):
    assert mixed_doors(app) == []


def test_what_is_open_to_all_is_listed_here(app):
    found = {rule.endpoint: permission_of(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    reasons = {endpoint: p.reason for endpoint, p in found.items() if isinstance(p, Public)}
    print("\n".join(f"{endpoint}: {reason}" for endpoint, reason in sorted(reasons.items())))
    assert set(reasons) == PUBLIC
    assert all(len(reason) > 15 for reason in reasons.values())


def test_queries_and_operations_say_for_whom():
    assert loose_signatures(read_tree()) == []


def test_each_role_may_what_the_weaker_one_may():
    roles = list(Role)
    for weaker, stronger in zip(roles, roles[1:], strict=False):
        assert ROLE_PERMISSIONS[weaker] <= ROLE_PERMISSIONS[stronger]
    assert set().union(*ROLE_PERMISSIONS.values()) == set(Permission)
    assert not any(p.value.endswith(":manage") for p in ROLE_PERMISSIONS[Role.MEMBER])


def test_a_route_past_the_guard_is_found():
    app = Flask("broken", static_folder=None)
    app.add_url_rule("/open", "open", lambda: "x")
    assert len(unguarded(app)) == 1
    guarded = Flask("guarded", static_folder=None)
    bp = GuardedBlueprint("people", __name__)
    bp.get("/", permission=Permission.SELF)(lambda actor: "x")
    guarded.register_blueprint(bp)
    assert unguarded(guarded) == []


@pytest.mark.parametrize("blueprint", [GuardedBlueprint, ApiBlueprint])
def test_a_guarded_route_without_its_right_cannot_be_written(blueprint):
    bp = blueprint("broken", __name__)
    with pytest.raises(TypeError, match="permission|scope"):
        bp.get("/")(lambda: "x")
    parameter = inspect.signature(blueprint.add_url_rule).parameters
    assert any(
        parameter[name].default is inspect.Parameter.empty for name in ("permission", "scope") if name in parameter
    )


def test_a_mixed_door_is_found():
    app = Flask("broken", static_folder=None)
    people = GuardedBlueprint("api", __name__)
    people.get("/", permission=Permission.SELF)(lambda actor: "x")
    app.register_blueprint(people)
    programs = ApiBlueprint("pages", __name__)
    programs.get("/x", scope=Scope.READ)(lambda key: "x")
    programs.get("/y", scope=public("says why"), endpoint="y")(lambda: "y")
    app.register_blueprint(programs)
    assert len(mixed_doors(app)) == 2


def test_a_loose_signature_is_found():
    def source(room, text):
        return [Source(f"webapp/features/x/{room}.py", text)]

    assert loose_signatures(source("queries", "def list_all(session): pass"))
    assert loose_signatures(source("queries", "def get_one(session, key_id): pass"))
    assert loose_signatures(source("operations", "def wipe(session, name): pass"))
    assert not loose_signatures(source("queries", "def list_all(session, organization_id): pass"))
    assert not loose_signatures(source("queries_all_orgs", "def list_all(session): pass"))
    assert not loose_signatures(source("operations", "def wipe(session, actor, name): pass"))
