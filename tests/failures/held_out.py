"""First held-out set: other libraries, other words, written before any rule was measured on it.

Measured once, it gave precision 1.0000 and recall 0.9467 (52 of 56 causes exactly right). Two rules were made after
what it showed, so what it gives now says that they work and no more. Rules made after one set need another set.
"""

from __future__ import annotations

import ast
import asyncio
import configparser
import email.message
import http.client
import io
import json
import smtplib
import statistics
import struct
import tarfile
import tomllib
import xml.etree.ElementTree as ElementTree
import zlib
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import date
from zoneinfo import ZoneInfo

import aiohttp
import anthropic
import anyio
import click
import jsonschema
import requests
import tenacity
from argon2 import PasswordHasher
from croniter import croniter
from google.protobuf import json_format
from itsdangerous import URLSafeTimedSerializer
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.failures.causes import Causes
from tests.failures.main_team import raise_as_node
from tests.failures.server import BREAK, HANG, Server, anthropic_error, closed_port
from tests.failures.values import Values

CAUSES = Causes()
SERVER: Server = None  # set by the script while it runs
READ, CHECK, SEND = "contract-check/read", "contract-check/check", "contract-check/send"
KO_READ, KO_SEND = "반품 접수/read", "반품 접수/send"


def _ask(status: int, body: object, v: Values, **more: object) -> None:
    url = more.pop("url", None) or SERVER.will(status, body)
    with anthropic.Anthropic(base_url=url, api_key="placeholder", max_retries=0, **more) as client:
        client.messages.create(
            model="claude-sonnet-4-5", max_tokens=100, messages=[{"role": "user", "content": v.words()}]
        )


@CAUSES.outage("anthropic", "anthropic", count=10)
def anthropic_rate_limit(v: Values, attempt: int) -> None:
    message = (
        f"This request would exceed your organization's rate limit of {v.number():,} input tokens per minute "
        f"(org: {v.uuid()}, model: claude-sonnet-4-5-20250929). For details, refer to: https://docs.claude.com/en/api/"
        "rate-limits."
    )
    _ask(429, anthropic_error(v, message, "rate_limit_error"), v)


@CAUSES.outage("anthropic", "anthropic", count=8)
def anthropic_overloaded(v: Values, attempt: int) -> None:
    _ask(529, anthropic_error(v, "Overloaded", "overloaded_error"), v)


@CAUSES.outage("anthropic", "anthropic", count=8)
def anthropic_error_500(v: Values, attempt: int) -> None:
    _ask(500, anthropic_error(v, "Internal server error", "api_error"), v)


@CAUSES.outage("anthropic", "anthropic", count=8)
def anthropic_unreachable(v: Values, attempt: int) -> None:
    _ask(0, None, v, url=f"http://127.0.0.1:{closed_port()}")


@CAUSES.request("anthropic", "anthropic", "reader", "checker", count=8)
def anthropic_prompt_too_long(v: Values, attempt: int) -> None:
    message = f"prompt is too long: {v.number(200_001)} tokens > 200000 maximum"
    _ask(400, anthropic_error(v, message, "invalid_request_error"), v)


@CAUSES.request("anthropic", "anthropic", "reader", count=8)
def anthropic_tool_use_unanswered(v: Values, attempt: int) -> None:
    message = (
        f"messages.{v.rng.randint(1, 70)}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"toolu_01{v.base62(22)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
        "message."
    )
    _ask(400, anthropic_error(v, message, "invalid_request_error"), v)


@CAUSES.tool("requests", "crm", "stock", count=8)
def requests_503(v: Values, attempt: int) -> None:
    requests.get(f"{SERVER.will(503)}/stock/{v.order()}?on={v.date()}", timeout=5).raise_for_status()


@CAUSES.tool("requests", "crm", count=8)
def requests_403(v: Values, attempt: int) -> None:
    requests.get(f"{SERVER.will(403)}/customers/{v.number()}/orders", timeout=5).raise_for_status()


@CAUSES.tool("requests", "stock", count=8)
def requests_refused(v: Values, attempt: int) -> None:
    requests.get(f"http://127.0.0.1:{closed_port()}/stock/{v.order()}", timeout=5)


@CAUSES.tool("requests", "stock", count=6)
def requests_silent(v: Values, attempt: int) -> None:
    requests.get(f"{SERVER.will(200, HANG)}/stock/{v.order()}", timeout=0.05)


@CAUSES.tool("requests", "crm", count=8)
def requests_no_json(v: Values, attempt: int) -> None:
    text = v.json()
    requests.get(SERVER.will(200, text[: len(text) // 2]), timeout=5).json()


async def _fetch(url: str, **more: object) -> None:
    async with aiohttp.ClientSession(**more) as session, session.get(url) as answer:
        answer.raise_for_status()
        await answer.json()


@CAUSES.tool("aiohttp", "stock", count=8)
def aiohttp_502(v: Values, attempt: int) -> None:
    asyncio.run(_fetch(f"{SERVER.will(502)}/stock/{v.order()}"))


@CAUSES.tool("aiohttp", "stock", count=8)
def aiohttp_wrong_type(v: Values, attempt: int) -> None:
    asyncio.run(_fetch(f"{SERVER.will(200, '<html>' + v.words(), 'text/html')}/stock/{v.order()}"))


@CAUSES.tool("aiohttp", "stock", count=8)
def aiohttp_refused(v: Values, attempt: int) -> None:
    asyncio.run(_fetch(f"http://127.0.0.1:{closed_port()}/stock/{v.order()}"))


@CAUSES.tool("http.client", "crm", count=6)
def server_hangs_up(v: Values, attempt: int) -> None:
    connection = http.client.HTTPConnection(SERVER.will(200, BREAK).removeprefix("http://"), timeout=5)
    connection.request("GET", f"/{v.order()}")
    connection.getresponse()


@CAUSES.tool("tenacity", "crm", count=8)
def given_up_after_retries(v: Values, attempt: int) -> None:
    @tenacity.retry(stop=tenacity.stop_after_attempt(v.rng.randint(2, 3)))
    def fetch() -> None:
        raise ConnectionError(f"crm node {v.ip()} is draining")

    fetch()


@CAUSES.tool("tenacity", "crm", count=8)
def given_up_after_other_retries(v: Values, attempt: int) -> None:
    @tenacity.retry(stop=tenacity.stop_after_attempt(2))
    def fetch() -> None:
        raise PermissionError(f"token {v.hex(20)} expired at {v.date()}")

    fetch()


_SCHEMA = {
    "type": "object",
    "required": ["party", "until"],
    "properties": {"party": {"type": "string"}, "until": {"type": "string"}, "kind": {"enum": ["lease", "sale"]}},
    "additionalProperties": False,
}


@CAUSES.step("jsonschema", CHECK, KO_READ, count=8)
def contract_without_until(v: Values, attempt: int) -> None:
    jsonschema.validate({"party": v.person()}, _SCHEMA)


@CAUSES.step("jsonschema", CHECK, count=8)
def contract_party_is_no_text(v: Values, attempt: int) -> None:
    jsonschema.validate({"party": v.rng.choice((v.number(), None, [v.person()])), "until": v.date()}, _SCHEMA)


@CAUSES.step("jsonschema", CHECK, count=8)
def contract_of_unknown_kind(v: Values, attempt: int) -> None:
    jsonschema.validate({"party": v.person(), "until": v.date(), "kind": v.word()}, _SCHEMA)


@CAUSES.step("xml", READ, count=8)
def contract_is_no_xml(v: Values, attempt: int) -> None:
    ElementTree.fromstring("<a>\n" + "<b/>\n" * v.rng.randint(0, 30) + f"<c>{v.word()}</d></a>")


@CAUSES.step("tomllib", READ, count=8)
def settings_are_no_toml(v: Values, attempt: int) -> None:
    tomllib.loads("\n" * v.rng.randint(0, 30) + f"key = {v.word()}\n")


@CAUSES.step("configparser", READ, count=8)
def settings_have_no_section(v: Values, attempt: int) -> None:
    configparser.ConfigParser().read_string(f"key_{v.number()} = {v.word()}\n", v.path("ini"))


@CAUSES.step("struct", READ, count=6)
def record_is_too_short(v: Values, attempt: int) -> None:
    struct.unpack_from("<IIQ", v.rng.randbytes(v.rng.randint(1, 15)))


@CAUSES.step("zlib", READ, count=6)
def block_is_damaged(v: Values, attempt: int) -> None:
    zlib.decompress(b"x" + v.rng.randbytes(30))


@CAUSES.tool("tarfile", "archive", count=6)
def archive_is_no_tar(v: Values, attempt: int) -> None:
    with tarfile.open(fileobj=io.BytesIO(v.words().encode())):
        pass


@CAUSES.step("statistics", CHECK, count=6)
def no_prices(v: Values, attempt: int) -> None:
    statistics.mean([])


@CAUSES.step("datetime", CHECK, KO_READ, count=8)
def date_is_no_iso_date(v: Values, attempt: int) -> None:
    at = v.moment()
    date.fromisoformat(v.rng.choice((at.strftime("%d.%m.%y"), f"{at.month}월 {at.day}일", v.words(1, 2))))


@CAUSES.step("ast", READ, count=8)
def answer_is_no_literal(v: Values, attempt: int) -> None:
    ast.literal_eval(v.rng.choice((f"f({v.number()})", f"{v.word()}.{v.word()}", f"{v.word()} + 1")))


@CAUSES.tool("zoneinfo", "calendar", count=6)
def zone_is_unknown(v: Values, attempt: int) -> None:
    ZoneInfo(v.rng.choice(("Asia/Soul", "Europe/Berlim", "GMT+99", "Korea")))


@CAUSES.tool("concurrent.futures", "archive", count=6)
def waited_too_long_for_thread(v: Values, attempt: int) -> None:
    with ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(__import__("time").sleep, 0.05).result(timeout=0.001)
        except FutureTimeout as error:
            raise FutureTimeout(f"page {v.number()} of {v.path('pdf')} took more than {v.number(1, 90)} s") from error


@CAUSES.tool("smtplib", "mailer", count=6)
def mail_server_is_down(v: Values, attempt: int) -> None:
    smtplib.SMTP("127.0.0.1", closed_port(), timeout=2).send_message(email.message.EmailMessage())


@CAUSES.tool("croniter", "calendar", count=6)
def schedule_is_wrong(v: Values, attempt: int) -> None:
    croniter(f"{v.rng.randint(61, 99)} * * * *")


@CAUSES.tool("protobuf", "stock", count=8)
def message_has_unknown_field(v: Values, attempt: int) -> None:
    json_format.ParseDict({"name": v.word(), "colour": v.word()}, Span())


@CAUSES.tool("itsdangerous", "crm", count=8)
def token_was_changed(v: Values, attempt: int) -> None:
    URLSafeTimedSerializer("secret").loads(f"{v.base62(12)}.{v.base62(6)}.{v.base62(27)}")


@CAUSES.tool("argon2", "crm", count=6)
def hash_is_none(v: Values, attempt: int) -> None:
    PasswordHasher().verify(v.base62(20), v.word())


@CAUSES.step("click", SEND, count=8)
def option_is_wrong(v: Values, attempt: int) -> None:
    @click.command()
    @click.option("--copies", type=int)
    def send(copies: int) -> None: ...

    send.main(["--copies", v.word()], standalone_mode=False)


async def _group(error: Exception) -> None:
    async def fail() -> None:
        raise error

    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(anyio.sleep, 1)
        group.start_soon(fail)


@CAUSES.tool("anyio", "mcp_search", count=8)
def group_of_tasks_lost_connection(v: Values, attempt: int) -> None:
    anyio.run(_group, ConnectionResetError(f"stream {v.number()} was reset by {v.ip()}"))


@CAUSES.tool("anyio", "mcp_search", count=8)
def group_of_tasks_got_bad_value(v: Values, attempt: int) -> None:
    anyio.run(_group, ValueError(f"result {v.number()} lacks 'snippet'"))


class ContractError(Exception): ...


@CAUSES.step("team", CHECK, count=10)
def clause_not_found(v: Values, attempt: int) -> None:
    raise ContractError(f"Clause {v.number(1, 90)}.{v.number(1, 9)} of contract {v.uuid()} refers to nothing")


@CAUSES.step("team", CHECK, count=10)
def clause_found_twice(v: Values, attempt: int) -> None:
    raise ContractError(f"Clause {v.number(1, 90)}.{v.number(1, 9)} of contract {v.uuid()} appears twice")


@CAUSES.step("team", KO_READ, count=10)
def return_period_over(v: Values, attempt: int) -> None:
    at = v.moment()
    raise ContractError(
        f"{v.person()} 고객님의 반품 기한({at:%Y.%m.%d})이 {v.number(1, 90)}일 지났습니다. 주문번호: {v.order()}"
    )


@CAUSES.step("team", KO_SEND, count=10)
def courier_refuses(v: Values, attempt: int) -> None:
    raise ContractError(
        f"택배사 응답 오류[{v.rng.choice(('E', 'W'))}{v.number(1000, 9999)}]: 송장 {v.number(10**9, 10**10)} 접수 거부"
    )


@CAUSES.step("team", KO_SEND, count=10)
def address_is_incomplete(v: Values, attempt: int) -> None:
    raise ContractError(f"배송지 주소가 불완전합니다 → '{v.city()} {v.person()} {v.number(1, 200)}번지'")


@CAUSES.step("team", SEND, count=10)
def french_mailbox_full(v: Values, attempt: int) -> None:
    raise ContractError(f"La boîte de « {v.email()} » est pleine depuis le {v.date()} ({v.number()} Ko)")


@CAUSES.step("team", SEND, count=10)
def spanish_file_unreadable(v: Values, attempt: int) -> None:
    raise ContractError(f"No se pudo leer {v.path('docx')}: {v.number()} de {v.number()} páginas dañadas")


@CAUSES.tool("team", "crm", count=10)
def crm_says_no(v: Values, attempt: int) -> None:
    body = {"status": "error", "errors": [{"code": "CUSTOMER_MERGED", "into": v.uuid()}], "took": v.number()}
    raise RuntimeError(f"CRM answered 409 {json.dumps(body)}")


@CAUSES.tool("team", "crm", count=10)
def crm_says_no_otherwise(v: Values, attempt: int) -> None:
    body = {"status": "error", "errors": [{"code": "CUSTOMER_LOCKED", "until": v.date()}], "took": v.number()}
    raise RuntimeError(f"CRM answered 409 {json.dumps(body)}")


@CAUSES.agent("team", "checker", count=8)
def too_many_turns(v: Values, attempt: int) -> None:
    raise RuntimeError(f"Max turns ({v.rng.choice((10, 15, 25))}) exceeded")


@CAUSES.agent("team", "checker", count=8)
def answer_refused(v: Values, attempt: int) -> None:
    raise RuntimeError(f"Model refused to answer: {v.words(10, 60)}")


@CAUSES.tool("node", "mailer", count=8)
def node_calls_undefined(v: Values, attempt: int) -> None:
    raise_as_node("call", {"id": v.number()})


@CAUSES.tool("node", "mailer", count=8)
def node_date_is_wrong(v: Values, attempt: int) -> None:
    raise_as_node("date", {"text": v.words()})
