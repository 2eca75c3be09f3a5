"""Every model has a factory that makes a row without being told anything."""

import pytest
import sqlalchemy
from sqlalchemy import Engine

import tests.factories  # noqa: F401 - registers them
from tests.factories.base import made
from webapp.models import AlembicVersion, Base

MODELS = sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda model: model.__name__)


@pytest.mark.parametrize("model", [model for model in MODELS if model is not AlembicVersion], ids=lambda m: m.__name__)
def test_makes_a_row_of_each_model(model: type, owner_engine: Engine) -> None:
    count = sqlalchemy.select(sqlalchemy.func.count()).select_from(model.__table__)
    with owner_engine.connect() as connection:
        before = connection.scalar(count)
    row = made(model)()
    with owner_engine.connect() as connection:
        assert connection.scalar(count) == before + 1
    assert sqlalchemy.inspect(row).detached


def test_gives_rows_of_one_test_the_same_organization(owner_engine: Engine) -> None:
    first, second = (tests.factories.make_flow_execution() for _ in range(2))
    assert first.organization_id == second.organization_id


def test_leaves_nothing_for_the_next_test(owner_engine: Engine) -> None:
    with owner_engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT count(*) FROM organizations")) == 0
