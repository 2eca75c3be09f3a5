"""Failures, what executions ran with, retries and links."""

from __future__ import annotations

import itertools
import secrets

from tests.factories.base import factory
from webapp.models import (
    Comment,
    ContextSighting,
    ContextValue,
    FailureFingerprint,
    FailureGroup,
    FailureOccurrence,
    FailureSplit,
    IncidentLink,
    RetryAttempt,
    RetryEndpoint,
    new_id,
)

_numbers = itertools.count(1)


def _hash(number: int) -> bytes:
    return secrets.token_bytes(16)


make_failure_group = factory(FailureGroup, number=lambda n: next(_numbers), title=lambda n: f"Failure {n}")
make_failure_fingerprint = factory(FailureFingerprint, version=1, fingerprint=_hash)
make_failure_split = factory(FailureSplit, version=1, fingerprint=_hash, dimension="environment")
make_failure_occurrence = factory(FailureOccurrence, version=1, fingerprint=_hash)
make_context_value = factory(ContextValue, dimension="model", hash=_hash)
make_context_sighting = factory(ContextSighting, dimension="model", hash=_hash, agentflow_id=lambda n: new_id())
make_comment = factory(Comment, record_type="failure")
make_incident_link = factory(IncidentLink)
make_retry_endpoint = factory(RetryEndpoint, url="https://agents.example.com/retry")
make_retry_attempt = factory(RetryAttempt, trace_id=lambda n: secrets.token_bytes(16))
