"""What the specification's own DDL gives, the database has: tables, columns, defaults, keys and indexes."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import text

from webapp.models import Base

SHARED_DIR = Path(os.environ.get("SHARED_DIR") or Path(__file__).resolve().parents[3] / "shared")
SPECIFICATION = SHARED_DIR / "spec" / "schema.ko.md"

TABLES = [
    "users",
    "organizations",
    "teams",
    "user_settings",
    "sessions",
    "agents",
    "agent_versions",
    "agent_templates",
    "agent_tools",
    "agent_knowledgebases",
    "agent_executions",
    "agent_memories",
    "workflows",
    "agentflows",
    "agentflow_agents",
    "agentflow_edges",
    "blocks",
    "flow_executions",
    "tool_executions",
    "query_logs",
    "event_store",
    "feedback",
    "knowledge_bases",
    "documents",
    "knowledge_graphs",
    "prompt_templates",
    "conversations",
    "messages",
    "chatflows",
    "bookmarks",
    "conversation_shares",
    "plugin_registry",
    "plugin_configurations",
    "plugin_metrics",
    "plugin_dependencies",
    "plugin_audit_logs",
    "plugin_security_scans",
    "tools",
    "marketplace_purchases",
    "marketplace_reviews",
    "marketplace_revenue",
    "api_keys",
    "rate_limit_configs",
    "credits",
    "notifications",
    "migration_history",
    "alembic_version",
]

TYPES = {"UUID": "uuid", "BOOLEAN": "boolean", "INTEGER": "integer", "BIGINT": "bigint", "JSONB": "jsonb"}
TYPES |= {"TIMESTAMP": "timestamp with time zone", "FLOAT": "double precision", "TEXT": "text"}

# A key of a partitioned table, and one into it, also holds the month.
PARTITION_KEYS = {"flow_executions": ["id", "created_at"], "agent_executions": ["id", "flow_created_at"]}
COMPOSITE_KEYS = {
    ("agent_executions", "flow_execution_id"): ["flow_execution_id", "flow_created_at"],
}
# The one permitted loosening: a tool's name is unique within an organization.
LOOSER_UNIQUE = {("tools", "name"): ["organization_id", "name"]}


@dataclass
class SpecColumn:
    name: str
    type: str
    default: str | None = None
    is_primary: bool = False
    is_unique: bool = False
    is_required: bool = False
    references: tuple[str, str] | None = None
    on_delete: str = "a"


@dataclass
class SpecTable:
    name: str
    columns: list[SpecColumn] = field(default_factory=list)


def read_specification() -> str:
    if not SPECIFICATION.exists():
        pytest.skip(f"the specification is not at {SPECIFICATION}; set SHARED_DIR")
    return SPECIFICATION.read_text(encoding="utf-8")


def parse_tables(document: str) -> dict[str, SpecTable]:
    tables = {}
    for name, body in re.findall(r"CREATE TABLE (\w+) \(\n(.*?)\n\);", document, re.DOTALL):
        tables[name] = SpecTable(name, [parse_column(line) for line in column_lines(body)])
    return tables


def column_lines(body: str) -> list[str]:
    lines = (line.split("--")[0].strip().rstrip(",") for line in body.splitlines())
    return [line for line in lines if line]


def parse_column(line: str) -> SpecColumn:
    name, kind, rest = re.fullmatch(r"(\w+) (\w+(?:\([\d, ]+\))?)(.*)", line).groups()
    column = SpecColumn(name, type_name(kind))
    if default := re.search(r"DEFAULT ('[^']*'|[\w.]+(?:\(\))?)", rest):
        column.default = default[1]
    if key := re.search(r"REFERENCES (\w+)\((\w+)\)", rest):
        column.references = (key[1], key[2])
    column.on_delete = "c" if "ON DELETE CASCADE" in rest else "a"
    column.is_primary = "PRIMARY KEY" in rest
    column.is_unique = "UNIQUE" in rest
    column.is_required = "NOT NULL" in rest or column.is_primary
    return column


def type_name(kind: str) -> str:
    if kind.startswith("VARCHAR"):
        return "character varying" + kind[len("VARCHAR") :]
    if kind.startswith("DECIMAL"):
        return "numeric" + kind[len("DECIMAL") :].replace(" ", "")
    return TYPES[kind]


def plain_default(expression: str | None) -> str | None:
    if expression is None:
        return None
    return re.sub(r"::[\w ]+$", "", expression).strip("'")


COLUMNS = text("""
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid) AS value
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = CAST(:table AS regclass) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
""")
KEYS = text("""
    SELECT c.contype, c.confrelid::regclass::text AS target, c.confdeltype, ARRAY(
        SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, i)
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.i) AS columns
    FROM pg_constraint c WHERE c.conrelid = CAST(:table AS regclass) AND c.conparentid = 0
""")


def test_the_text_is_read_whole():
    tables = parse_tables(read_specification())
    assert len(tables) == 12
    assert sum(len(table.columns) for table in tables.values()) > 120


def test_all_47_tables_exist(shared):
    assert len(TABLES) == len(set(TABLES)) == 47
    with shared.owner.connect() as connection:
        existing = set(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
    assert set(TABLES) <= existing
    assert set(TABLES) <= set(Base.metadata.tables)


def test_the_47_names_are_those_of_the_text():
    tree = read_specification().split("핵심 도메인:")[1].split("```")[0]
    assert set(re.findall(r"[├└]── ([a-z_]+)$", tree, re.MULTILINE)) == set(TABLES)


def test_each_column_has_the_type_length_and_default_of_the_text(shared):
    wrong = []
    with shared.owner.connect() as connection:
        for table in parse_tables(read_specification()).values():
            actual = {row.attname: row for row in connection.execute(COLUMNS, {"table": table.name})}
            for column in table.columns:
                row = actual.get(column.name)
                found = row and (row.type, plain_default(row.value))
                if found != (column.type, plain_default(column.default)):
                    wrong.append((table.name, column, found))
                elif column.is_required and not row.attnotnull:
                    wrong.append((table.name, column, "may be null"))
    assert wrong == []


def test_the_columns_of_the_text_come_first_and_in_its_order(shared):
    with shared.owner.connect() as connection:
        for table in parse_tables(read_specification()).values():
            names = [row.attname for row in connection.execute(COLUMNS, {"table": table.name})]
            assert names[: len(table.columns)] == [column.name for column in table.columns], table.name


def test_nothing_that_the_text_leaves_open_is_required(shared):
    """Else a database made with the text's own DDL could not be taken over."""
    with shared.owner.connect() as connection:
        for table in parse_tables(read_specification()).values():
            rows = {row.attname: row for row in connection.execute(COLUMNS, {"table": table.name})}
            for column in table.columns:
                if not column.is_required and column.name not in PARTITION_KEYS.get(table.name, ()):
                    assert not rows[column.name].attnotnull, (table.name, column.name)


def test_each_key_of_the_text_exists(shared):
    missing = []
    with shared.owner.connect() as connection:
        for table in parse_tables(read_specification()).values():
            keys = [tuple(row) for row in connection.execute(KEYS, {"table": table.name})]
            for column in table.columns:
                place = (table.name, column.name)
                if column.is_primary:
                    wanted = ("p", "-", " ", PARTITION_KEYS.get(table.name, [column.name]))
                    missing += [] if wanted in keys else [wanted]
                if column.is_unique:
                    wanted = ("u", "-", " ", LOOSER_UNIQUE.get(place, [column.name]))
                    missing += [] if wanted in keys else [wanted]
                if column.references:
                    wanted = ("f", column.references[0], column.on_delete, COMPOSITE_KEYS.get(place, [column.name]))
                    missing += [] if wanted in keys else [(table.name, wanted)]
    assert missing == []


def test_each_index_of_the_text_exists_under_its_name(shared):
    wanted = re.findall(r"CREATE INDEX (\w+) ON (\w+)\((\w+)( DESC)?\);", read_specification())
    assert len(wanted) == 12
    with shared.owner.connect() as connection:
        rows = connection.execute(text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"))
        actual = {row.indexname: row.indexdef for row in rows}
    for name, table, column, direction in wanted:
        assert re.search(rf" ON (ONLY )?public\.{table} USING btree \({column}{direction}\)$", actual[name]), name


def test_months_are_named_and_bounded_as_in_the_text(shared):
    name, start, end = re.search(
        r"CREATE TABLE (\w+) \nPARTITION OF flow_executions\nFOR VALUES FROM \('([\d-]+)'\) TO \('([\d-]+)'\)",
        read_specification(),
    ).groups()
    with shared.owner.begin() as connection:
        connection.execute(text("SET LOCAL timezone = 'UTC'"))
        connection.execute(text("SELECT ensure_partitions('2026-01-15', '2026-01-15')"))
        bounds = connection.scalar(
            text("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = to_regclass(:name)"), {"name": name}
        )
        connection.rollback()
    assert bounds == f"FOR VALUES FROM ('{start} 00:00:00+00') TO ('{end} 00:00:00+00')"
