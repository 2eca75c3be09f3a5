"""The OpenAPI document says what the API really answers: no field more, none less, each of the type it says."""

import re
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from tests.factories.executions import make_agent_execution, make_flow_execution, make_tool_execution
from tests.factories.flows import make_agentflow
from webapp.api.forms import PARAMETERS
from webapp.api.openapi import document
from webapp.api.routes import bp

TYPES = {"string": str, "integer": int, "array": list, "object": dict, "null": type(None)}


@pytest.fixture
def described(client):
    response = client.get("/api/v1/openapi.json")
    assert response.status_code == 200
    return response.json


@pytest.fixture
def get(client, api_key):
    return lambda path: client.get(f"/api/v1{path}", headers={"x-api-key": api_key.text})


def check(value, schema, described, place="answer"):
    """Fail where a value is not what its schema says; knows the words that the document uses."""
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:
        schema = {"type": "null"} if value is None else schema["oneOf"][0]
        return check(value, schema, described, place)
    types = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    assert not types or any(type(value) is TYPES[name] for name in types), f"{place} is {value!r}, not {types}"
    assert "enum" not in schema or value in schema["enum"], f"{place} is {value!r}"
    if isinstance(value, str) and "pattern" in schema:
        assert re.search(schema["pattern"], value), f"{place} is {value!r}"
    if isinstance(value, dict) and "properties" in schema:
        assert set(value) == set(schema["properties"]) == set(schema["required"]), f"{place} has {sorted(value)}"
        for name, inner in schema["properties"].items():
            assert inner["description"], f"{place}.{name} is not described"
            check(value[name], inner, described, f"{place}.{name}")
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            check(item, schema["items"], described, f"{place}[{number}]")
    return None


def answer_schema(described, path, status):
    return described["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"]


def make_full_execution():
    execution = make_flow_execution(
        agentflow_id=make_agentflow().id,
        status="failed",
        error_type="TimeoutError",
        error_message="late",
        error_raised_type="FlowError",
        cost_usd=Decimal("1.5"),
        input_tokens=1,
        output_tokens=2,
        models=["gpt-4o"],
        agents=["decider"],
    )
    key = {"flow_execution_id": execution.id, "flow_created_at": execution.created_at}
    step = make_agent_execution(**key, input_tokens=1, status="failed", error_type="TimeoutError", input_data=[1])
    make_tool_execution(**key, parent_id=step.id, sequence=1)
    return execution


def test_real_answers_have_exactly_the_documented_fields(get, described):
    full, bare = make_full_execution(), make_flow_execution(trace_id=None, completed_at=None)
    check(get("/executions").json, answer_schema(described, "/executions", "200"), described)
    for execution in (full, bare):
        schema = answer_schema(described, "/executions/{id}", "200")
        check(get(f"/executions/{execution.id}").json, schema, described)


def test_refusals_are_documented_too(get, client, described):
    refused = {
        "401": (client.get("/api/v1/executions"), "/executions"),
        "422": (get("/executions?limit=0"), "/executions"),
        "404": (get("/executions/none"), "/executions/{id}"),
    }
    for status, (response, path) in refused.items():
        assert str(response.status_code) == status
        check(response.json, answer_schema(described, path, status), described)


def test_every_route_of_the_api_is_documented(app, described):
    routes = {
        re.sub(r"<[^>]*?(\w+)>", lambda m: "{" + m[1].removeprefix("execution_") + "}", str(rule))
        for rule in app.url_map.iter_rules()
        if str(rule).startswith(f"{bp.url_prefix}/") and "openapi" not in str(rule)
    }
    assert routes == {"/api/v1" + path for path in described["paths"]}


def test_every_documented_parameter_is_taken(get, described):
    values = {"trace_id": "ab" * 16, "since": "2026-11-24", "until": "2026-11-25", "limit": "5", "status": "failed"}
    values |= {"trigger": "api", "cost_min": "0", "cost_max": "1", "duration_min_ms": "0", "duration_max_ms": "9"}
    named = {p["name"] for p in described["paths"]["/executions"]["get"]["parameters"]}
    assert named == {p.name for p in PARAMETERS}
    for name in named - {"cursor"}:
        assert get("/executions?" + urlencode({name: values.get(name, "x")})).status_code == 200, name


def test_the_document_needs_no_key_and_names_no_other_host(client, described):
    assert described == document(described["info"]["version"], "http://localhost/api/v1")
    assert client.get("/api/v1/openapi.json").headers["Content-Type"] == "application/json"
