"""The JSON API over HTTP: who may ask, what comes back, page after page, and nothing of anybody else."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.factories.executions import make_agent_execution, make_flow_execution, make_tool_execution
from tests.factories.flows import make_agentflow
from tests.factories.observability import make_trace_index
from tests.factories.security import make_api_key
from webapp.models import new_id

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FAILED = {
    "status": "failed",
    "error_type": "httpx.ReadTimeout",
    "error_message": "timed out",
    "error_stack": "Traceback",
}


@pytest.fixture
def get(client, api_key):
    return lambda path, key=None: client.get(f"/api/v1{path}", headers={"x-api-key": key or api_key.text})


def ids(response):
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json["items"]]


def test_both_headers_are_taken(client, api_key):
    for headers in ({"Authorization": f"Bearer {api_key.text}"}, {"X-API-Key": api_key.text}):
        assert client.get("/api/v1/executions", headers=headers).json == {"items": [], "next_cursor": None}


def test_without_a_valid_key_nothing_is_told(client, api_key):
    wrong = api_key.text[:-1] + ("A" if api_key.text[-1] != "A" else "B")
    for headers in ({}, {"x-api-key": "nonsense"}, {"x-api-key": wrong}, {"Authorization": f"Basic {api_key.text}"}):
        response = client.get("/api/v1/executions", headers=headers)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].lower().startswith("bearer")
        assert response.json["error"]["message"]


@pytest.mark.parametrize(
    "values", [{"revoked_at": datetime.now(UTC)}, {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}]
)
def test_a_revoked_or_expired_key_is_refused(get, organization, values):
    key = make_api_key(organization_id=organization.id, **values)
    assert get("/executions", key.text).status_code == 401


def test_a_key_needs_the_scope_read(get, organization):
    key = make_api_key(organization_id=organization.id, scopes=["ingest"])
    response = get("/executions", key.text)
    assert response.status_code == 403
    assert "ingest" in response.json["error"]["message"]


def test_a_cookie_opens_nothing(client_as, alice):
    assert client_as(alice).get("/api/v1/executions").status_code == 401


def test_the_last_use_of_a_key_is_noted_once_a_minute(get, api_key, owner_engine):
    def last_used():
        with owner_engine.connect() as connection:
            return connection.exec_driver_sql("SELECT last_used_at FROM api_keys").scalar()

    get("/executions")
    first = last_used()
    get("/executions")
    assert first is not None and last_used() == first


def test_another_organization_sees_and_finds_nothing(get, other_organization):
    execution = make_flow_execution()
    make_trace_index(
        organization_id=execution.organization_id,
        trace_id=execution.trace_id,
        flow_execution_id=execution.id,
        flow_created_at=execution.created_at,
    )
    stranger = make_api_key(organization_id=other_organization.id).text
    trace = f"/executions?trace_id={execution.trace_id.hex()}"
    assert ids(get(trace)) == [str(execution.id)]
    assert ids(get("/executions", stranger)) == ids(get(trace, stranger)) == []
    assert get(f"/executions/{execution.id}", stranger).status_code == 404


def test_pages_are_newest_first_and_lose_nothing_between_equal_times(get):
    made = [make_flow_execution(started_at=NOON + timedelta(seconds=second // 3)) for second in range(9)]
    wanted = [str(e.id) for e in sorted(made, key=lambda e: (e.started_at, e.id), reverse=True)]
    seen, path = [], "/executions?limit=2"
    while path:
        answer = get(path)
        seen += ids(answer)
        cursor = answer.json["next_cursor"]
        path = f"/executions?limit=2&cursor={cursor}" if cursor else None
    assert seen == wanted


def test_each_filter_keeps_what_it_names(get):
    flow = make_agentflow(name="환불 결정")
    wanted = make_flow_execution(
        **FAILED,
        agentflow_id=flow.id,
        started_at=NOON,
        environment="staging",
        trigger_type="api",
        session_id="s-1",
        user_ref="u-1",
        models=["gpt-4o", "own"],
        agents=["요약 담당"],
        tools=["search"],
        cost_usd=Decimal("0.25"),
        execution_time_ms=9000,
    )
    make_flow_execution(started_at=NOON - timedelta(days=1), models=["other"], cost_usd=None)
    for query in (
        "status=failed,cancelled",
        f"flow={flow.id}",
        "flow=환불 결정",
        "since=2026-11-20T12:00:00Z",
        "since=2026-11-20T21:00:00%2B09:00",
        "environment=staging",
        "trigger=api",
        "session=s-1",
        "user=u-1",
        "model=own",
        "agent=요약 담당",
        "tool=search",
        "cost_min=0.25&cost_max=0.25",
        "duration_min_ms=9000",
        "error_type=httpx.ReadTimeout",
        "q=timed",
        f"q={wanted.id}",
    ):
        assert ids(get(f"/executions?{query}")) == [str(wanted.id)], query
    for query in (
        "until=2026-11-20T12:00:00Z",
        "flow=unknown",
        "model=gpt",
        f"flow={new_id()}",
        "trace_id=" + "0" * 32,
    ):
        assert str(wanted.id) not in ids(get(f"/executions?{query}")), query


def test_a_bad_parameter_is_named(get):
    response = get("/executions?limit=1000")
    assert response.status_code == 422
    assert response.json["error"]["field"] == "limit"


def test_unknown_is_null_and_money_is_an_exact_text(get):
    make_flow_execution(started_at=NOON, input_tokens=None, cost_usd=None, service_name="shop")
    make_flow_execution(started_at=NOON - timedelta(1), cost_usd=Decimal("0.000012"), tokens_used=0, input_tokens=0)
    unknown, known = get("/executions").json["items"]
    assert (unknown["cost_usd"], unknown["input_tokens"]) == (None, None)
    assert unknown["flow"] == {"id": None, "name": "shop"}
    assert (unknown["error"], unknown["failure_id"], unknown["agents"]) == (None, None, [])
    assert (known["cost_usd"], known["input_tokens"]) == ("0.000012", 0)


def test_an_error_says_its_cause_and_how_it_was_raised_only_where_that_differs(get):
    make_flow_execution(**FAILED, started_at=NOON)
    make_flow_execution(
        **FAILED, started_at=NOON - timedelta(1), error_raised_type="FlowError", error_raised_message="no refund"
    )
    make_flow_execution(status="failed", started_at=NOON - timedelta(2))
    same, wrapped, silent = (item["error"] for item in get("/executions").json["items"])
    assert same == {"type": "httpx.ReadTimeout", "message": "timed out", "stack": "Traceback", "raised_as": None}
    assert wrapped["raised_as"] == {"type": "FlowError", "message": "no refund"}
    assert silent == {"type": None, "message": None, "stack": None, "raised_as": None}


def test_one_execution_has_its_steps_as_a_tree(get):
    execution = make_flow_execution(input_data={"질문": "환불?"}, output_data="예")
    key = {"flow_execution_id": execution.id, "flow_created_at": execution.created_at}
    agent = make_agent_execution(**key, kind="agent", name="decider", sequence=0)
    make_tool_execution(**key, name="refund", sequence=2, parent_id=agent.id, status="failed", error_message="no")
    make_agent_execution(
        **key,
        name="chat",
        sequence=1,
        parent_id=agent.id,
        model_used="gpt-4o",
        input_tokens=3,
        output_tokens=4,
        cost_usd=Decimal("0.01"),
        input_data=["hi"],
    )
    answer = get(f"/executions/{execution.id}").json
    assert (answer["input"], answer["output"]) == ({"질문": "환불?"}, "예")
    (top,) = answer["steps"]
    chat, tool = top["steps"]
    assert (top["kind"], top["tokens"]) == ("agent", None)
    assert (chat["kind"], chat["model"], chat["cost_usd"]) == ("model_call", "gpt-4o", "0.010000")
    assert chat["tokens"] == {"input": 3, "output": 4, "cached_input": None}
    assert chat["input"] == ["hi"]
    assert (tool["kind"], tool["error"]) == ("tool", {"type": None, "message": "no", "stack": None})


@pytest.mark.parametrize(
    "execution_id",
    ["nothing", "01a20e06-18b9-79a5-abbb-17882e9cb029", "f" * 32, "ffffffff-ffff-7fff-bfff-ffffffffffff"],
)
def test_an_execution_that_is_not_there_is_404(get, execution_id):
    response = get(f"/executions/{execution_id}")
    assert response.status_code == 404
    assert response.json["error"]["field"] == "id"


@pytest.mark.parametrize("size", [1, 30])
def test_the_number_of_statements_does_not_grow(get, count_queries, size):
    execution = [make_flow_execution() for _ in range(size)][0]
    for _ in range(size):
        make_agent_execution(flow_execution_id=execution.id, flow_created_at=execution.created_at)
    get("/executions")
    with count_queries() as listing:
        get("/executions")
    with count_queries() as whole:
        get(f"/executions/{execution.id}")
    assert (len(listing), len(whole)) == (2, 4), f"{listing}\n{whole}"


def test_the_list_carries_no_payload(get, count_queries):
    make_flow_execution(input_data={"a": 1})
    with count_queries() as statements:
        get("/executions")
    assert "input_data" not in str(statements) and "output_data" not in str(statements)
