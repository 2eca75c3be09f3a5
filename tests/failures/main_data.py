"""Main set: databases, templates, YAML, models of answers."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Literal

import jinja2
import orjson
import psycopg
import pydantic
import sqlalchemy as sa
import yaml
from werkzeug.datastructures import ImmutableMultiDict

from tests.failures.causes import Causes
from tests.failures.main_python import LOAD, NOTICE_PARSE, PARSE, POST, TRIAGE_PARSE
from tests.failures.server import closed_port
from tests.failures.values import Values

CAUSES = Causes()
URL: str = ""  # of the tests' PostgreSQL, set by the script while it runs
_TABLES = """
CREATE TEMP TABLE customers (id bigint PRIMARY KEY, email text CONSTRAINT customers_email_key UNIQUE);
CREATE TEMP TABLE orders (
    id text CONSTRAINT orders_pkey PRIMARY KEY, customer_id bigint REFERENCES customers, code varchar(20),
    total numeric(8, 2) NOT NULL, note text)
"""


def _run(statement: str, *values: object) -> None:
    with psycopg.connect(URL) as connection:
        connection.execute(_TABLES)
        connection.execute("INSERT INTO customers VALUES (1, 'first@example.com')")
        connection.execute(statement, values)


@CAUSES.tool("psycopg", "query_db")
def customer_mail_is_taken(v: Values, attempt: int) -> None:
    mail = v.email()
    _run("INSERT INTO customers VALUES (%s, %s), (%s, %s)", v.number() + 2, mail, v.number() + 20_000_000, mail)


@CAUSES.tool("psycopg", "query_db")
def order_number_is_taken(v: Values, attempt: int) -> None:
    order = v.order()
    _run("INSERT INTO orders VALUES (%s, 1, '', 1), (%s, 1, '', 2)", order, order)


@CAUSES.tool("psycopg", "query_db")
def customer_is_missing(v: Values, attempt: int) -> None:
    _run("INSERT INTO orders VALUES (%s, %s, '', 1)", v.order(), v.number() + 2)


@CAUSES.tool("psycopg", "query_db")
def total_is_null(v: Values, attempt: int) -> None:
    _run("INSERT INTO orders VALUES (%s, 1, %s, NULL, %s)", v.order(), v.word(), v.korean())


@CAUSES.tool("psycopg", "query_db")
def no_such_relation(v: Values, attempt: int) -> None:
    _run(f"SELECT '{v.order()}', total FROM ordres WHERE id = %s", v.order())


@CAUSES.tool("psycopg", "query_db")
def no_such_column(v: Values, attempt: int) -> None:
    _run(f"SELECT '{v.order()}', amout FROM orders WHERE id = %s", v.order())


@CAUSES.tool("psycopg", "query_db")
def number_expected_by_database(v: Values, attempt: int) -> None:
    _run("SELECT CAST(%s AS integer)", v.rng.choice((v.word(), v.person(), v.order() + "x")))


@CAUSES.tool("psycopg", "query_db")
def code_is_too_long(v: Values, attempt: int) -> None:
    _run("INSERT INTO orders VALUES (%s, 1, %s, 1)", v.order(), v.base62(30))


@CAUSES.tool("psycopg", "query_db")
def total_is_too_large(v: Values, attempt: int) -> None:
    _run("INSERT INTO orders VALUES (%s, 1, '', %s)", v.order(), Decimal(v.number() + 10_000_000))


@CAUSES.tool("psycopg", "query_db", count=6)
def statement_takes_too_long(v: Values, attempt: int) -> None:
    with psycopg.connect(URL, options="-c statement_timeout=5") as connection:
        connection.execute("SELECT pg_sleep(1), %s", (v.order(),))


@CAUSES.tool("psycopg", "query_db", count=8)
def database_is_down(v: Values, attempt: int) -> None:
    psycopg.connect(host="127.0.0.1", port=closed_port(), dbname=v.word().lower(), connect_timeout=2)


def _metadata() -> tuple[sa.Engine, sa.Table]:
    table = sa.Table("ledger", sa.MetaData(), sa.Column("id", sa.String, primary_key=True), sa.Column("total", sa.Text))
    return sa.create_engine(URL.replace("postgresql://", "postgresql+psycopg://")), table


@CAUSES.step("sqlalchemy", POST)
def ledger_row_twice(v: Values, attempt: int) -> None:
    engine, table = _metadata()
    rows = [{"id": v.uuid(), "total": v.amount()} for _ in range(v.rng.randint(1, 30))]
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TEMP TABLE ledger (id text PRIMARY KEY, total text)"))
        try:
            connection.execute(table.insert().values([*rows, rows[0]]))
        finally:
            connection.invalidate()


@CAUSES.step("sqlalchemy", POST)
def ledger_is_missing(v: Values, attempt: int) -> None:
    engine, table = _metadata()
    with engine.begin() as connection:
        connection.execute(sa.select(table).where(table.c.id.in_([v.order() for _ in range(v.rng.randint(1, 5))])))


@CAUSES.step("sqlalchemy", POST)
def no_row_for_order(v: Values, attempt: int) -> None:
    engine, _ = _metadata()
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 1 WHERE :order = ''"), {"order": v.order()}).one()


class Line(pydantic.BaseModel):
    sku: str
    count: int
    price: Decimal


class Invoice(pydantic.BaseModel):
    number: str
    total: Decimal
    currency: Literal["EUR", "KRW", "USD"]
    lines: list[Line] = []


class Reply(pydantic.BaseModel):
    text: str
    total: Decimal


def _invoice(v: Values, **other: object) -> dict[str, object]:
    found = {"number": v.order(), "total": str(v.number()), "currency": "EUR", "note": v.words(), **other}
    return {key: value for key, value in found.items() if value is not ...}


@CAUSES.step("pydantic", PARSE, TRIAGE_PARSE)
def invoice_without_total(v: Values, attempt: int) -> None:
    Invoice.model_validate(_invoice(v, total=...))


@CAUSES.step("pydantic", PARSE)
def invoice_total_is_text(v: Values, attempt: int) -> None:
    Invoice.model_validate(_invoice(v, total=v.rng.choice((v.amount() + " EUR", v.person(), v.words(1, 30)))))


@CAUSES.step("pydantic", PARSE)
def invoice_in_unknown_currency(v: Values, attempt: int) -> None:
    Invoice.model_validate(_invoice(v, currency=v.rng.choice(("원", "euro", "CHF", None, v.word()))))


@CAUSES.step("pydantic", PARSE)
def line_without_count(v: Values, attempt: int) -> None:
    lines = [{"sku": v.base62(8), "count": 1, "price": 2} for _ in range(v.rng.randint(0, 7))]
    Invoice.model_validate(_invoice(v, lines=[*lines, {"sku": v.base62(8), "price": v.number()}]))


@CAUSES.step("pydantic", PARSE)
def reply_without_total(v: Values, attempt: int) -> None:
    Reply.model_validate({"text": v.korean(), "order": v.order()})


@CAUSES.step("pydantic", NOTICE_PARSE)
def reply_is_no_json(v: Values, attempt: int) -> None:
    text = json.dumps({"text": v.korean(), "total": v.number()}, ensure_ascii=False)
    Reply.model_validate_json(v.rng.choice((text[: v.rng.randint(2, len(text) - 1)], v.korean(), v.words())))


@CAUSES.tool("orjson", "fetch_rate")
def rates_are_no_json(v: Values, attempt: int) -> None:
    text = v.json()
    orjson.loads(text[: v.rng.randint(len(text) // 3, len(text) - 2)])


@CAUSES.tool("orjson", "send_mail", count=6)
def mail_is_not_serializable(v: Values, attempt: int) -> None:
    orjson.dumps({"to": v.email(), "price": Decimal(v.number())})


@CAUSES.step("yaml", LOAD)
def settings_are_no_yaml(v: Values, attempt: int) -> None:
    yaml.safe_load("".join(f"{v.word()}_{at}: {v.number()}\n" for at in range(v.rng.randint(1, 9))) + "rates: [1, 2\n")


@CAUSES.tool("jinja2", "send_mail")
def mail_without_customer(v: Values, attempt: int) -> None:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)
    environment.from_string("Dear {{ customer.name }}").render(order=v.order())


@CAUSES.tool("jinja2", "send_mail")
def mail_without_order(v: Values, attempt: int) -> None:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=True)
    environment.from_string("Order {{ order.total }}").render(order={"id": v.order()})


@CAUSES.tool("jinja2", "send_mail")
def mail_template_is_gone(v: Values, attempt: int) -> None:
    jinja2.Environment(loader=jinja2.DictLoader({}), autoescape=True).get_template("notice/delay.html")


@CAUSES.tool("jinja2", "send_mail", count=6)
def mail_template_is_broken(v: Values, attempt: int) -> None:
    jinja2.Environment(autoescape=True).from_string("\n" * v.rng.randint(0, 9) + "{{ order | curency }}")


@CAUSES.step("werkzeug", NOTICE_PARSE, count=6)
def form_without_order(v: Values, attempt: int) -> None:
    ImmutableMultiDict({"mail": v.email()})["order"]  # noqa: B018
