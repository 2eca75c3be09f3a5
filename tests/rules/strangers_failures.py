"""Failures of organization one for the walks of :mod:`tests.rules.strangers`, one for each act that is done once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.factories.failures import (
    make_comment,
    make_failure_fingerprint,
    make_failure_group,
    make_failure_occurrence,
    make_incident_link,
)
from webapp.models import new_id

MERGED_NUMBER = 7_001
"""Number of the failure that another one is merged into."""
_FAILURE = {
    "show": "failure", "decide": "failure", "comment": "failure", "edit_comment": "failure",
    "delete_comment": "failure", "merge": "merging_failure", "unmerge": "merged_failure", "split": "mixed_failure",
}  # fmt: skip
FAILURE_ARGUMENTS = {(f"failures.{endpoint}", "failure_id"): thing for endpoint, thing in _FAILURE.items()} | {
    ("failures.edit_comment", "comment_id"): "comment",
    ("failures.delete_comment", "comment_id"): "leaving_comment",
    ("incidents.bundle", "failure_id"): "failure",
    ("incidents.bundle", "kind"): "=md",
    ("incidents.create_link", "failure_id"): "failure",
    ("incidents.revoke_link", "failure_id"): "failure",
    ("incidents.revoke_link", "link_id"): "incident_link",
    ("incidents.share", "failure_id"): "failure",
    ("incidents.shared", "token"): "=no-token",
}
FAILURE_BODIES = {
    "failures.decide": {"action": "review"},
    "incidents.create_link": {"days": "7"},
    "failures.comment": {"body": "x"},
    "failures.edit_comment": {"body": "y"},
    "failures.merge": {"into": f"F-{MERGED_NUMBER}"},
    "failures.split": {"part": "environment:staging"},
}


def make_failures(organization_id: Any, user_id: Any, word: str) -> dict[str, Any]:
    """One of each record, with the word in what it shows."""
    now = datetime.now(UTC)
    own = {"organization_id": organization_id}
    made = {"title": word, "first_seen_at": now, **own}
    target = make_failure_group(number=MERGED_NUMBER, **made)
    found: dict[str, Any] = {"merged_failure": make_failure_group(merged_into_id=target.id, **made).id}
    for name in sorted(set(_FAILURE.values()) - set(found)):
        group = make_failure_group(**made)
        mark = make_failure_fingerprint(failure_group_id=group.id, **own)
        for environment in ("staging", "production"):
            make_failure_occurrence(
                flow_execution_id=new_id(), flow_created_at=now, failure_group_id=group.id, occurred_at=now,
                fingerprint=mark.fingerprint, environment=environment, **own,
            )  # fmt: skip
        found[name] = group.id
    found["incident_link"] = make_incident_link(
        failure_group_id=found["failure"], token_hash=b"of-nobody", bundle={}, expires_at=now + timedelta(days=1),
        created_by_id=user_id, **own,
    ).id  # fmt: skip
    for name in ("comment", "leaving_comment"):
        found[name] = make_comment(record_id=found["failure"], user_id=user_id, body=word, **own).id
    return found
