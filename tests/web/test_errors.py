"""A refusal of the domain becomes its status, also where a feature has a refusal of its own kind."""

from __future__ import annotations

import pytest

from webapp.domain import errors
from webapp.features.flows.operations_graph import StaleVersion
from webapp.features.notifications import queries


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (errors.NotFound("No such thing."), 404),
        (errors.Forbidden("Not you."), 403),
        (errors.Conflict("Somebody was faster."), 409),
        (StaleVersion(3), 409),
        (errors.Invalid("Too long.", field="name"), 422),
        (errors.Overloaded("Later."), 503),
    ],
)
def test_each_refusal_has_its_status_and_its_sentence(client_as, alice, monkeypatch, refusal, status):
    def refuse(*args, **more):
        raise refusal

    monkeypatch.setattr(queries, "list_page", refuse)
    answer = client_as(alice).get("/notifications")
    assert answer.status_code == status and refusal.message in answer.text
