"""Ids carry their time, keep their order and, for steps, follow from the span."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import configure_mappers

from webapp.models import Base, id_time, new_id, step_id


def test_an_id_is_a_uuid7_of_now():
    before = datetime.now(UTC)
    made = new_id()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert before - timedelta(milliseconds=1) <= id_time(made) <= datetime.now(UTC)


def test_ids_of_one_process_are_unique_and_sort_as_they_were_made():
    ids = [new_id() for _ in range(50_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_ids_stay_unique_between_threads():
    made: list[UUID] = []
    threads = [threading.Thread(target=lambda: made.extend(new_id() for _ in range(5_000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({made_id.int >> 64 for made_id in made}) == len(made)


def test_ids_stay_in_order_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch):
    first = new_id()
    now = id_time(first).timestamp()
    monkeypatch.setattr("webapp.models.base.time.time_ns", lambda: int((now - 300) * 1_000_000_000))
    assert new_id() > first


@pytest.mark.parametrize(
    "at", ["2019-01-01T00:00:00+00:00", "2026-11-24T13:34:53.948+00:00", "2099-12-31T23:59:59.999Z"]
)
def test_an_id_carries_the_time_it_was_given_to_the_millisecond(at: str):
    moment = datetime.fromisoformat(at)
    assert id_time(new_id(moment)) == moment


def test_a_step_id_follows_from_execution_and_span_alone():
    execution, span = uuid4(), bytes(8)
    assert step_id(execution, span) == step_id(execution, span)
    assert step_id(execution, b"\1" * 8) != step_id(execution, span)
    assert step_id(uuid4(), span) != step_id(execution, span)
    assert (step_id(execution, span).version, step_id(execution, span).variant) == (8, "specified in RFC 4122")


def test_every_relationship_refuses_to_load_by_itself():
    """A forgotten eager load must raise, not crawl. Write lazy="raise_on_sql" and load with the query."""
    configure_mappers()
    relationships = [relation for mapper in Base.registry.mappers for relation in mapper.relationships]
    assert len(relationships) > 20
    assert [str(relation) for relation in relationships if relation.lazy != "raise_on_sql"] == []


def test_every_table_has_a_model_with_a_docstring():
    models = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}
    assert set(models) == set(Base.metadata.tables)
    assert [name for name, model in models.items() if not (model.__doc__ or "").strip().endswith(".")] == []


def test_times_carry_their_zone_and_money_is_never_a_float():
    for table in Base.metadata.tables.values():
        for column in table.columns:
            kind = column.type.compile()
            assert not kind.startswith("DATETIME") or column.type.timezone, column
            assert not (column.name.endswith("_usd") or "_usd_per_" in column.name) or kind.startswith("NUMERIC"), (
                column
            )
