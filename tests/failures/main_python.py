"""Main set: errors of Python itself and its standard library, raised in tools and in flows' own steps."""

from __future__ import annotations

import asyncio
import csv
import decimal
import io
import json
import socket
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path
from uuid import UUID

from tests.failures.causes import Causes
from tests.failures.server import closed_port
from tests.failures.values import Values

CAUSES = Causes()
LOAD, PARSE, POST = "nightly-invoices/load_rows", "nightly-invoices/parse_answer", "nightly-invoices/post_to_ledger"
TRIAGE_PARSE, NOTICE_PARSE = "support-triage/parse_answer", "배송 지연 안내/parse_answer"


@CAUSES.step("json", PARSE, TRIAGE_PARSE)
def answer_is_cut_short(v: Values, attempt: int) -> None:
    text = v.json()
    json.loads(text[: v.rng.randint(len(text) // 4, len(text) - 2)])


@CAUSES.tool("json", "fetch_rate")
def rate_answer_is_empty(v: Values, attempt: int) -> None:
    json.loads("" if v.rng.random() < 0.5 else "\n")


@CAUSES.step("python", LOAD)
def row_without_customer(v: Values, attempt: int) -> None:
    row = v.document()
    row["customer_id"]  # noqa: B018


@CAUSES.step("python", LOAD)
def row_without_total(v: Values, attempt: int) -> None:
    v.document()["lines"][0]["total"]  # noqa: B018


@CAUSES.step("python", LOAD)
def row_without_amount_in_korean(v: Values, attempt: int) -> None:
    {"거래처": v.person(), "날짜": v.date()}["금액"]  # noqa: B018


@CAUSES.tool("python", "lookup_order")
def order_not_in_cache(v: Values, attempt: int) -> None:
    {}[v.order()]  # noqa: B018


@CAUSES.step("python", POST, LOAD)
def nothing_to_strip(v: Values, attempt: int) -> None:
    v.rng.choice((None,)).strip()


class Order:
    def __init__(self, number: str):
        self.number = number


@CAUSES.step("python", POST)
def misspelt_total(v: Values, attempt: int) -> None:
    Order(v.order()).totl  # noqa: B018


@CAUSES.tool("python", "fetch_rate")
def rate_is_no_whole_number(v: Values, attempt: int) -> None:
    int(v.rng.choice((v.amount() + " EUR", v.words(1, 8), v.person(), "", v.date() + "!")))


@CAUSES.step("python", LOAD)
def amount_is_no_number(v: Values, attempt: int) -> None:
    float(v.rng.choice((f"약 {v.amount()}원", f"{v.amount()} KRW", v.city(), f"{v.number()}만원")))


@CAUSES.step("decimal", POST)
def amount_is_no_decimal(v: Values, attempt: int) -> None:
    decimal.Decimal(v.words(1, 3))


@CAUSES.step("python", POST)
def no_lines_to_average(v: Values, attempt: int) -> None:
    v.number() / len([])


@CAUSES.step("python", PARSE, NOTICE_PARSE)
def answer_without_second_part(v: Values, attempt: int) -> None:
    v.word().split("|")[1]


@CAUSES.step("python", NOTICE_PARSE)
def text_and_number_joined(v: Values, attempt: int) -> None:
    v.person() + v.number()


def _convert(amount: int, currency: str, *, at: str = "") -> None: ...


@CAUSES.tool("python", "fetch_rate")
def called_without_currency(v: Values, attempt: int) -> None:
    _convert(v.number())


@CAUSES.tool("python", "fetch_rate")
def called_with_unknown_argument(v: Values, attempt: int) -> None:
    _convert(v.number(), v.word(), region=v.city())


@CAUSES.tool("python", "read_file", count=12)
def file_is_gone(v: Values, attempt: int) -> None:
    Path(v.path("csv")).read_text()


@CAUSES.tool("python", "read_file", count=8)
def file_is_a_folder(v: Values, attempt: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="intake-"))
    try:
        folder.read_text()
    finally:
        folder.rmdir()


@CAUSES.tool("python", "read_file")
def file_is_not_utf8(v: Values, attempt: int) -> None:
    (v.words(1, 20).encode() + v.rng.choice((b"\xe2(", b"\xff", "고객".encode("cp949"))) + v.words().encode()).decode()


@CAUSES.tool("python", "send_mail")
def mail_is_not_ascii(v: Values, attempt: int) -> None:
    f"{v.words(1, 9)} {v.person()} {v.korean(1, 4)}".encode("ascii")


@CAUSES.step("csv", LOAD, count=8)
def field_is_too_long(v: Values, attempt: int) -> None:
    csv.field_size_limit(1000)
    list(csv.reader(io.StringIO(f'"{v.base64() * 10}"')))


@CAUSES.tool("zipfile", "read_file")
def upload_is_no_zip(v: Values, attempt: int) -> None:
    zipfile.ZipFile(io.BytesIO(v.words().encode()))


def _shop() -> sqlite3.Connection:
    shop = sqlite3.connect(":memory:")
    shop.executescript("CREATE TABLE orders (id TEXT PRIMARY KEY, email TEXT UNIQUE, total REAL NOT NULL)")
    return shop


@CAUSES.tool("sqlite3", "query_db")
def table_is_missing(v: Values, attempt: int) -> None:
    _shop().execute(f"SELECT * FROM ordrs WHERE id = '{v.order()}'")


@CAUSES.tool("sqlite3", "query_db")
def order_is_stored_already(v: Values, attempt: int) -> None:
    shop, order = _shop(), v.order()
    for _ in range(2):
        shop.execute("INSERT INTO orders VALUES (?, ?, ?)", (order, v.email(), v.number()))


@CAUSES.tool("sqlite3", "query_db")
def mail_is_stored_already(v: Values, attempt: int) -> None:
    shop, mail = _shop(), v.email()
    for at in range(2):
        shop.execute("INSERT INTO orders VALUES (?, ?, ?)", (f"{at}{v.order()}", mail, v.number()))


@CAUSES.tool("sqlite3", "query_db")
def order_without_total(v: Values, attempt: int) -> None:
    _shop().execute("INSERT INTO orders VALUES (?, ?, NULL)", (v.order(), v.email()))


@CAUSES.tool("socket", "lookup_order", "fetch_rate")
def nobody_listens(v: Values, attempt: int) -> None:
    socket.create_connection(("127.0.0.1", closed_port()))


@CAUSES.tool("socket", "fetch_rate")
def name_is_unknown(v: Values, attempt: int) -> None:
    socket.getaddrinfo(f"rates-{v.hex(6)}.invalid", 443)


@CAUSES.tool("socket", "lookup_order")
def no_answer_in_time(v: Values, attempt: int) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with socket.create_connection(listening.getsockname(), timeout=0.01) as waiting:
            waiting.recv(1)


@CAUSES.tool("asyncio", "search_web", "lookup_order")
def waited_too_long(v: Values, attempt: int) -> None:
    asyncio.run(asyncio.wait_for(asyncio.sleep(10), timeout=0.001))


@CAUSES.step("subprocess", LOAD, count=8)
def converter_fails(v: Values, attempt: int) -> None:
    subprocess.run([sys.executable, "-c", "raise SystemExit(3)", v.path("pdf"), v.path("txt")], check=True)


@CAUSES.step("subprocess", LOAD, count=8)
def converter_is_killed(v: Values, attempt: int) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", code, v.path("pdf")], check=True)


@CAUSES.step("datetime", LOAD, PARSE)
def date_in_another_form(v: Values, attempt: int) -> None:
    at = v.moment()
    datetime.strptime(v.rng.choice((at.strftime("%d.%m.%Y"), f"{at.year}년 {at.month}월", v.words(1, 2))), "%Y-%m-%d")  # noqa: DTZ007


@CAUSES.step("uuid", POST)
def reference_is_no_uuid(v: Values, attempt: int) -> None:
    UUID(v.rng.choice((v.order() + "x", v.hex(12))))


def _deeper(depth: int) -> int:
    return _deeper(depth + 1) + 1


@CAUSES.step("python", NOTICE_PARSE, count=6)
def never_ending_walk(v: Values, attempt: int) -> None:
    _deeper(0)


async def _together(*jobs) -> None:
    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(job)


async def _refused() -> None:
    await asyncio.open_connection("127.0.0.1", closed_port())


async def _out_of_stock(v: Values) -> None:
    raise ValueError(f"item {v.base62(8).upper()}0 is out of stock until {v.date()}")


@CAUSES.tool("asyncio", "search_web")
def one_of_many_was_refused(v: Values, attempt: int) -> None:
    asyncio.run(_together(*(asyncio.sleep(1) for _ in range(v.rng.randint(0, 3))), _refused()))


@CAUSES.tool("asyncio", "search_web")
def one_of_many_out_of_stock(v: Values, attempt: int) -> None:
    asyncio.run(_together(*(_out_of_stock(v) for _ in range(v.rng.randint(1, 3)))))
