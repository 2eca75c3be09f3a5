"""The shipped list comes into the database once, keeps the past when it changes, and own rows go before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.factories.observability import make_model_price
from webapp.database.tenancy import organization_session
from webapp.domain.pricing import Call, cost_of
from webapp.ingest import prices
from webapp.ingest.shipped_prices import shipped_prices

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def session(owner_engine):
    """The owner's session; what a test does to the shipped rows is rolled back."""
    prices.forget_books()
    with Session(owner_engine) as session:
        yield session
        session.rollback()
    prices.forget_books()


def release(monkeypatch, version: str, rows) -> None:
    monkeypatch.setattr(prices, "source_version", lambda: version)
    monkeypatch.setattr(prices, "shipped_prices", lambda: iter(rows))


def shipped_rows(session, pattern: str) -> list:
    query = text(
        "SELECT input_usd_per_mtok, valid_from, valid_until, source_version FROM model_prices"
        " WHERE organization_id IS NULL AND model_name = :name AND provider = 'openai' ORDER BY valid_from NULLS FIRST"
    )
    return session.execute(query, {"name": pattern}).all()


def test_seeding_again_does_nothing(session):
    count = text("SELECT count(*) FROM model_prices WHERE organization_id IS NULL")
    before = session.scalar(count)
    assert before > 2_000
    assert prices.seed_prices(session) == 0
    assert session.scalar(count) == before


def test_an_equal_list_in_a_new_release_adds_no_row(session, monkeypatch):
    release(monkeypatch, "9.9.9", list(shipped_prices()))
    assert prices.seed_prices(session, now=NOW) == 0
    assert {row.source_version for row in shipped_rows(session, "gpt-4o")} == {"9.9.9"}


def test_a_changed_rate_ends_the_old_row_and_begins_a_new_one(session, monkeypatch):
    rows = list(shipped_prices())
    place = next(n for n, row in enumerate(rows) if (row.provider, row.model) == ("openai", "gpt-4o"))
    dearer = replace(rows[place], rates=rows[place].rates | {"input_usd_per_mtok": Decimal("99")})
    release(monkeypatch, "9.9.9", [*rows[:place], dearer, *rows[place + 1 :]])
    assert prices.seed_prices(session, now=NOW) == 2
    old, new = shipped_rows(session, "gpt-4o")
    assert (old.input_usd_per_mtok, old.valid_until) == (Decimal("2.5"), NOW)
    assert (new.input_usd_per_mtok, new.valid_from, new.valid_until) == (Decimal("99"), NOW, None)
    release(monkeypatch, "10.0.0", [*rows[:place], dearer, *rows[place + 1 :]])
    assert prices.seed_prices(session, now=NOW + timedelta(days=1)) == 0


def test_a_model_that_left_the_list_keeps_its_past(session, monkeypatch):
    release(
        monkeypatch, "9.9.9", [row for row in shipped_prices() if (row.provider, row.model) != ("openai", "gpt-4o")]
    )
    assert prices.seed_prices(session, now=NOW) == 1
    (row,) = shipped_rows(session, "gpt-4o")
    assert (row.input_usd_per_mtok, row.valid_until) == (Decimal("2.5"), NOW)


def test_own_prices_go_first_and_only_for_their_organization(
    organization, other_organization, app_engine, database, session
):
    make_model_price(
        organization_id=organization.id, provider="openai", model_name="gpt-4o", model_pattern="gpt-4o",
        match_kind="exact", input_usd_per_mtok=Decimal("1"), output_usd_per_mtok=Decimal("1"),
        valid_from=None, valid_until=None, conditions=None,
    )  # fmt: skip
    call = Call("openai", "gpt-4o", None, NOW, 1_000_000, 0)
    for organization_id, expected in ((organization.id, Decimal("1")), (other_organization.id, Decimal("2.5"))):
        with organization_session(app_engine, organization_id) as own:
            cost = cost_of(prices.book_for(own, organization_id), call)
        assert cost.usd == expected
        assert cost.price.id is not None
