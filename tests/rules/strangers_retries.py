"""A failed execution of organization one that can be retried, its failure, and a batch of earlier attempts."""

from __future__ import annotations

from typing import Any

from tests.factories.executions import make_flow_execution
from tests.factories.failures import (
    make_failure_group,
    make_failure_occurrence,
    make_retry_attempt,
    make_retry_endpoint,
)
from tests.factories.flows import make_agentflow
from webapp.models import new_id

RETRY_ARGUMENTS = {
    **{
        (f"retries.{name}", "agentflow_id"): "flow"
        for name in ("endpoint", "save_endpoint", "test_endpoint", "delete_endpoint")
    },
    **{(f"retries.{name}", "execution_id"): "failed_run" for name in ("retry", "attempts", "curl")},
    ("retries.retry_failure", "failure_id"): "failure_to_retry",
    ("retries.batch", "batch_id"): "retry_batch",
}
RETRY_BODIES = {
    "retries.save_endpoint": {"url": "http://127.0.0.1:9/"},  # which the guard refuses before anything is sent
    "retries.retry": {"press": "press-of-a-button"},
    "retries.retry_failure": {"press": "press-of-a-button", "most": "1"},
}


def make_retries(organization_id: Any, canary: str) -> dict[str, Any]:
    """Two failed executions of one failure: one to be retried alone, one as a batch."""
    own = {"organization_id": organization_id}
    flow = make_agentflow(name=canary, **own).id
    make_retry_endpoint(agentflow_id=flow, secret=b"x", **own)
    group = make_failure_group(title=canary, **own).id
    values = {"agentflow_id": flow, "status": "failed", "input_data": {"text": canary}, **own}
    alone, another = make_flow_execution(**values), make_flow_execution(**values)
    make_failure_occurrence(
        flow_execution_id=another.id, flow_created_at=another.created_at, failure_group_id=group, agentflow_id=flow,
        occurred_at=another.started_at, **own,
    )  # fmt: skip
    batch = new_id()
    make_retry_attempt(
        root_execution_id=alone.id, root_created_at=alone.created_at, source_execution_id=alone.id, batch_id=batch,
        status="refused", attempt=1, reason=canary, idempotency_key="earlier", **own,
    )  # fmt: skip
    return {"failed_run": alone.id, "failure_to_retry": group, "retry_batch": batch}
