"""Every setting and every package that we stand on has its line where people look."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields

from sqlalchemy.orm import DeclarativeBase, Mapped, configure_mappers, mapped_column, relationship

from tests.rules.source import ROOT
from webapp.config import PREFIX, Settings
from webapp.models import Base

PLAIN = {"data_dir", "host", "port", "database_url", "database_owner_url"}
NOT_FOR_OPERATORS = {"testing"}


def undocumented_settings(text: str, names: list[str]) -> list[str]:
    """Settings that the page does not name."""
    env = [name.upper() if name in PLAIN else PREFIX + name.upper() for name in names]
    return [f"{name} is not in docs/configuration.md" for name in env if not re.search(rf"\b{name}\b", text)]


def undocumented_packages(text: str, dependencies: list[str]) -> list[str]:
    """Packages of pyproject.toml that the page does not name."""
    names = [re.split(r"[\[<>=!~ ]", dependency, maxsplit=1)[0] for dependency in dependencies]
    return [
        f"{name}: say in a line what it is for"
        for name in names
        if not re.search(rf"\b{re.escape(name)}\b", text, re.I)
    ]


def self_loading(base: type[DeclarativeBase]) -> list[str]:
    """Relationships that would ask the database by themselves, once per row."""
    return [
        f"{mapper.class_.__name__}.{r.key} is {r.lazy}: make it raise_on_sql and load it where it is needed"
        for mapper in base.registry.mappers
        for r in mapper.relationships
        if r.lazy != "raise_on_sql"
    ]


def test_every_setting_is_documented():
    names = [f.name for f in fields(Settings) if f.name not in NOT_FOR_OPERATORS]
    assert undocumented_settings((ROOT / "docs/configuration.md").read_text(), names) == []


def test_every_package_is_documented():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = "".join((ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md"))
    assert undocumented_packages(text, project["dependencies"]) == []


def test_no_relationship_loads_by_itself():
    assert self_loading(Base) == []


def test_an_undocumented_setting_is_found():
    assert undocumented_settings("PORT AGENTICBUILDER_LOG_LEVEL", ["port", "log_level"]) == []
    assert undocumented_settings("AGENTICBUILDER_PORTS", ["port", "log_level"]) == [
        "PORT is not in docs/configuration.md",
        "AGENTICBUILDER_LOG_LEVEL is not in docs/configuration.md",
    ]


def test_an_undocumented_package_is_found():
    assert undocumented_packages("Flask, psycopg", ["flask>=3", "psycopg[binary]>=3.3"]) == []
    assert len(undocumented_packages("Flask", ["flask>=3", "flask-migrate"])) == 1


def test_a_relationship_that_loads_by_itself_is_found():
    from sqlalchemy import ForeignKey

    class Broken(DeclarativeBase):
        pass

    class Parent(Broken):
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Child(Broken):
        __tablename__ = "child"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int] = mapped_column(ForeignKey("parent.id"))
        parent: Mapped[Parent] = relationship(Parent)

    configure_mappers()
    assert len(self_loading(Broken)) == 1
