"""Executions to compare, as those of the execution page."""

from tests.features.executions.conftest import as_alice, as_bob, as_charlie, make_run

__all__ = ["as_alice", "as_bob", "as_charlie", "make_run"]
