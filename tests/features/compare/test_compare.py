"""Two executions side by side, and how the other one is chosen."""

from __future__ import annotations

import pytest

from tests.factories.executions import make_agent_execution, make_tool_execution

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def make_traced(make_run):
    """``make_traced(30, "failed", city="Ulsan")``: an execution of an agent, a model call and a tool."""

    def make(minutes_ago: float, status: str = "completed", *, city: str = "Seoul", tools: int = 1, **values):
        run = make_run(minutes_ago=minutes_ago, status=status, **values)
        keys = {"flow_execution_id": run.id, "organization_id": run.organization_id, "started_at": run.started_at}
        make_agent_execution(span_id=b"rootroot", kind="agent", name="triage", status=status, sequence=0, **keys)
        make_agent_execution(
            span_id=b"modelmod", name="chat", sequence=1, depth=1, model_used="gpt-5", input_tokens=9, output_tokens=1,
            input_data="the same words", **keys,
        )  # fmt: skip
        for at in range(tools):
            make_tool_execution(
                span_id=b"tool%04d" % at, name=f"lookup {HOSTILE}", sequence=2 + at, depth=1, status=status,
                input_data={"city": city, "country": "KR", "note": HOSTILE},
                error_type="TimeoutError" if status == "failed" else None, is_error_origin=status == "failed", **keys,
            )  # fmt: skip
        return run

    return make


def test_what_differs_is_shown_and_what_is_equal_folded(as_bob, make_traced):
    good, bad = make_traced(30, tools=1), make_traced(20, "failed", city="Ulsan")
    text = as_bob.get(f"/executions/{good.id}/compare/{bad.id}").text
    assert "2 of 3 steps differ" in text and "TimeoutError" in text
    removed, added = text.index("&#34;Seoul&#34;"), text.index("&#34;Ulsan&#34;")
    assert 'class="del"' in text[:removed] and 'class="ins"' in text[removed:added]
    assert "the same words" not in text and HOSTILE not in text and "&lt;script&gt;" in text


def test_a_pair_can_be_opened(as_bob, make_traced, owner_engine):
    good, bad = make_traced(30), make_traced(20, "failed", city="Ulsan")
    base = f"/executions/{good.id}/compare/{bad.id}"
    text = as_bob.get(f"{base}?all=1").text
    step = text.split(">chat</a>")[0].rsplit("?step=", 1)[1][:36]
    opened = as_bob.get(f"{base}?step={step}").text
    assert "Input: the same on both sides." in opened and "Seoul" not in opened
    assert "Seoul" in as_bob.get(f"{base}?step=nonsense").text


def test_the_same_execution_twice_differs_in_nothing(as_bob, make_traced):
    run = make_traced(5)
    assert "No step differs" in as_bob.get(f"/executions/{run.id}/compare/{run.id}").text


def test_as_many_statements_for_one_step_as_for_thirty(as_bob, make_traced, count_queries):
    counts = []
    for tools in (1, 30):
        good, bad = make_traced(30, tools=tools), make_traced(20, "failed", city="Ulsan", tools=tools)
        with count_queries() as statements:
            assert as_bob.get(f"/executions/{good.id}/compare/{bad.id}").status_code == 200
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 13, statements


def test_the_last_good_one_and_the_one_before_are_found(as_bob, make_traced):
    make_traced(60, environment="test")
    good = make_traced(50, environment="production")
    make_traced(45, "completed", flow="Another", environment="production")
    before = make_traced(40, "failed", environment="production")
    bad = make_traced(30, "failed", environment="production")
    make_traced(20, environment="production")
    page = as_bob.get(f"/executions/{bad.id}/compare").text
    assert f"/executions/{good.id}/compare/{bad.id}" in page and f"/executions/{before.id}/compare/{bad.id}" in page
    for word, other in (("good", good.id), ("previous", before.id), (good.id, good.id), (good.id.hex[-8:], good.id)):
        answer = as_bob.get(f"/executions/{bad.id}/compare?with={word}")
        assert answer.status_code == 302 and answer.location == f"/executions/{other}/compare/{bad.id}"
    assert f"/executions/{bad.id}/compare" in as_bob.get(f"/executions/{bad.id}").text


@pytest.mark.parametrize("typed", ["good", "nothing", "00000000-0000-7000-8000-000000000000", "%00", "x" * 500])
def test_what_is_not_found_is_said(as_bob, make_run, typed):
    run = make_run(agentflow_id=None)
    page = as_bob.get(f"/executions/{run.id}/compare?with={typed}", follow_redirects=True)
    assert page.status_code in (200, 404)


def test_strangers_get_404(as_charlie, make_traced):
    good, bad = make_traced(30), make_traced(20, "failed")
    for path in (f"/executions/{good.id}/compare/{bad.id}", f"/executions/{good.id}/compare"):
        assert as_charlie.get(path).status_code == 404
