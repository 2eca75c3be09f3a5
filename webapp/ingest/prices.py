"""Price rows out of the database for ingest, and the shipped list into it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.orm import Session

from webapp.domain.pricing import LEDGER_UNIT, Price, PriceBook
from webapp.ingest.shipped_prices import RATES, SOURCE, ShippedPrice, shipped_prices, source_version
from webapp.models.base import new_id
from webapp.models.observability import ModelPrice

BOOK_SECONDS = 30.0
_COLUMNS = (
    "id, organization_id, provider, model_pattern, match_kind, input_usd_per_mtok, output_usd_per_mtok,"
    " cached_input_usd_per_mtok, cache_write_usd_per_mtok, valid_from, valid_until, conditions"
)
_STAMP = text(
    "SELECT count(*), max(created_at), count(valid_until), max(source_version)"
    " FROM model_prices WHERE organization_id IS NULL"
)
_SHIPPED = text(f"SELECT {_COLUMNS} FROM model_prices WHERE organization_id IS NULL")  # noqa: S608
_OWN = text(f"SELECT {_COLUMNS} FROM model_prices WHERE organization_id = :organization_id")  # noqa: S608

_shipped: tuple[tuple, list[Price]] | None = None
_books: dict[UUID, tuple[float, tuple, PriceBook]] = {}


def book_for(session: Session, organization_id: UUID) -> PriceBook:
    """Return the price rows that an organization's calls may be billed by, at most ``BOOK_SECONDS`` old.

    Cost: none while fresh, else two small statements; the shipped rows are read again only after they changed.
    """
    global _shipped
    now = time.monotonic()
    known = _books.get(organization_id)
    if known is not None and now - known[0] < BOOK_SECONDS:
        return known[2]
    stamp = tuple(session.execute(_STAMP).one())
    own = [_price(row) for row in session.execute(_OWN, {"organization_id": organization_id})]
    content = (stamp, tuple(repr(price) for price in own))
    if known is not None and known[1] == content:
        _books[organization_id] = (now, content, known[2])
        return known[2]
    if _shipped is None or _shipped[0] != stamp:
        _shipped = (stamp, [_price(row) for row in session.execute(_SHIPPED)])
    book = PriceBook([*_shipped[1], *own])
    _books[organization_id] = (now, content, book)
    return book


def forget_books() -> None:
    """Read all prices again at the next call (after prices were edited in this process, and in tests)."""
    _books.clear()


def _price(row: Any) -> Price:
    is_own = row.organization_id is not None
    return Price(row.id, row.provider, row.model_pattern, row.match_kind, *row[5:11], row.conditions or {}, is_own)


def seed_prices(session: Session, *, now: datetime | None = None) -> int:
    """Bring the shipped price list into ``model_prices`` and return how many rows were added or closed.

    The past keeps its prices: a rate that differs in a new release of the list ends the old row now and begins a new
    one, so that what was billed can be explained. Runs as the owner role (organization NULL); never commits.

    Cost: one statement when this release is already there.
    """
    release = source_version()
    is_there = select(ModelPrice.id).where(
        ModelPrice.organization_id.is_(None), ModelPrice.source == SOURCE, ModelPrice.source_version == release
    )
    if session.execute(is_there.limit(1)).first() is not None:
        return 0
    now = now or datetime.now(UTC)
    latest = _latest_rows(session)
    new_rows, closed, kept = [], [], []
    for price in shipped_prices():
        old = latest.pop(price.key, None)
        if old is None:
            new_rows.append(_row(price, release, price.valid_from))
        elif _rates(old) == _offered(price):
            kept.append({"row_id": old.id, "until": price.valid_until})
        elif price.valid_until is None or price.valid_until > now:
            closed.append(old.id)
            new_rows.append(_row(price, release, max(now, price.valid_from or now), listed_from=price.valid_from))
    closed += [row.id for row in latest.values() if row.valid_until is None or row.valid_until > now]
    _write(session, release, now, new_rows, closed, kept)
    return len(new_rows) + len(closed)


def _write(session: Session, release: str, now: datetime, new_rows: list, closed: list, kept: list) -> None:
    table = ModelPrice.__table__
    if closed:
        session.execute(update(table).where(table.c.id.in_(closed)).values(valid_until=now))
    if kept:
        statement = update(table).where(table.c.id == bindparam("row_id"))
        session.connection().execute(statement.values(source_version=release, valid_until=bindparam("until")), kept)
    if new_rows:
        session.execute(insert(table), new_rows)


def _latest_rows(session: Session) -> dict[tuple, ModelPrice]:
    """Return the row now in force of each listed price."""
    statement = select(ModelPrice).where(ModelPrice.organization_id.is_(None), ModelPrice.source == SOURCE)
    latest: dict[tuple, ModelPrice] = {}
    for row in session.scalars(statement):
        conditions = dict(row.conditions or {})
        begin = row.valid_from
        if "listed_from" in conditions:
            listed = conditions.pop("listed_from")
            begin = datetime.fromisoformat(listed) if listed else None
        price = ShippedPrice(
            row.provider, row.model_name, row.model_pattern, row.match_kind, {}, begin, None, conditions
        )
        other = latest.get(price.key)
        if other is None or _begin(row) > _begin(other):
            latest[price.key] = row
    return latest


def _begin(row: ModelPrice) -> float:
    return row.valid_from.timestamp() if row.valid_from else 0.0


def _rates(row: ModelPrice) -> tuple:
    return (*(getattr(row, name) for name in RATES), (row.conditions or {}).get("usd_per_request"))


def _offered(price: ShippedPrice) -> tuple:
    """Return the listed rates as the columns hold them: some have more decimals than ten."""
    rates = (None if rate is None else rate.quantize(LEDGER_UNIT) for rate in price.rates.values())
    return (*rates, price.conditions.get("usd_per_request"))


def _row(price: ShippedPrice, release: str, valid_from: datetime | None, **listed: datetime | None) -> dict[str, Any]:
    conditions = dict(price.conditions)
    if listed:
        begin = listed["listed_from"]
        conditions["listed_from"] = begin.isoformat() if begin else ""
    return {
        "id": new_id(), "organization_id": None, "provider": price.provider, "model_name": price.model,
        "model_pattern": price.pattern, "match_kind": price.match_kind, "conditions": conditions,
        "valid_from": valid_from, "valid_until": price.valid_until, "source": SOURCE, "source_version": release,
        **price.rates,
    }  # fmt: skip
