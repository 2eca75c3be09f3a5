"""Pools are cut to what the server allows, and refused only below the smallest that works."""

from __future__ import annotations

import pytest

from webapp.config import Settings
from webapp.database.budget import JOB_CONNECTIONS, SMALLEST_POOL, SPARE, allowed_connections, fit
from webapp.database.errors import DatabaseProblem


def _total(settings: Settings) -> int:
    return settings.web_workers * (settings.pool_size + settings.max_overflow) + JOB_CONNECTIONS + SPARE


def test_leaves_pools_that_fit() -> None:
    assert fit(Settings(), 197).settings == Settings()
    assert fit(Settings(), 197).warning == ""


def test_lowers_the_overflow_first() -> None:
    budget = fit(Settings(), 97)
    assert budget.settings.pool_size == 20
    assert 0 < budget.settings.max_overflow < 40
    assert _total(budget.settings) <= 97
    assert "97" in budget.warning


def test_then_lowers_the_pool() -> None:
    budget = fit(Settings(), 30)
    assert (budget.settings.pool_size, budget.settings.max_overflow) == (8, 0)
    assert _total(budget.settings) <= 30


def test_refuses_below_the_smallest_pool() -> None:
    fewest = Settings().web_workers * SMALLEST_POOL + JOB_CONNECTIONS + SPARE
    assert fit(Settings(), fewest).settings.pool_size == SMALLEST_POOL
    with pytest.raises(DatabaseProblem, match="AGENTICBUILDER_WEB_WORKERS"):
        fit(Settings(), fewest - 1)


def test_asks_the_server_for_its_limit(database: Settings) -> None:
    assert allowed_connections(database.database_url) == 197
