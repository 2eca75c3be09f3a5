"""Main set: errors in a team's own words, in several languages, with values of every kind in them; and Node's."""

from __future__ import annotations

import json
import subprocess
import traceback
from functools import cache

from tests.failures.causes import Causes
from tests.failures.main_python import LOAD, NOTICE_PARSE, PARSE, POST, TRIAGE_PARSE
from tests.failures.values import Values

CAUSES = Causes()


class ShopError(Exception):
    """Whatever the shop's programs complain about: the message alone tells one cause from another."""


class LedgerError(ShopError): ...


class GuardrailTripped(Exception): ...


class UsageLimitExceeded(Exception): ...


class McpError(Exception): ...


class OutputParserError(ValueError): ...


def _with_particle(text: str, pair: str) -> str:
    """Korean particles follow the sound of the word before them: the value decides which one is written."""
    with_final, without = pair
    if "가" <= text[-1] <= "힣":
        has_final = (ord(text[-1]) - ord("가")) % 28 > 0
    else:
        has_final = text[-1] in "013678LMNlmn"
    return text + (with_final if has_final else without)


@CAUSES.tool("team", "lookup_order", count=14)
def order_not_found_korean(v: Values, attempt: int) -> None:
    raise ShopError(f"주문 {_with_particle(v.order(), '을를')} 찾을 수 없습니다 (조회 시각 {v.date()})")


@CAUSES.tool("team", "lookup_order", count=14)
def order_cancelled_korean(v: Values, attempt: int) -> None:
    raise ShopError(f"주문 {_with_particle(v.order(), '은는')} 이미 취소되었습니다 (조회 시각 {v.date()})")


@CAUSES.step("team", POST, count=14)
def payment_over_limit_korean(v: Values, attempt: int) -> None:
    at = v.moment()
    raise ShopError(
        f"결제 금액 {v.amount()}원이 고객 한도 {v.amount()}원을 초과했습니다: "
        f"{at.year}년 {at.month}월 {at.day}일 {'오전' if at.hour < 12 else '오후'} {at.hour % 12 or 12}시 {at.minute}분"
    )


@CAUSES.step("team", POST)
def field_is_missing_korean(v: Values, attempt: int) -> None:
    raise ShopError(f"필수 항목 '금액'이 비어 있습니다: {json.dumps(v.document(), ensure_ascii=False)}")


@CAUSES.step("team", POST)
def other_field_is_missing_korean(v: Values, attempt: int) -> None:
    raise ShopError(f"필수 항목 '거래처'가 비어 있습니다: {json.dumps(v.document(), ensure_ascii=False)}")


@CAUSES.tool("team", "send_mail")
def recipient_unknown_korean(v: Values, attempt: int) -> None:
    raise ShopError(f'수신자 "{v.person()}" <{v.email()}>의 주소가 올바르지 않습니다')


@CAUSES.tool("team", "lookup_order")
def order_not_found_japanese(v: Values, attempt: int) -> None:
    at = v.moment()
    raise ShopError(f"注文番号「{v.order()}」が見つかりません（{at.year}年{at.month}月{at.day}日 {at:%H:%M}）")


@CAUSES.tool("team", "lookup_order")
def order_not_found_chinese(v: Values, attempt: int) -> None:
    raise ShopError(f"订单 {v.order()} 不存在，请检查后重试。（请求编号：{v.hex()}）")


@CAUSES.step("team", POST)
def supplier_unknown_german(v: Values, attempt: int) -> None:
    raise LedgerError(f"Lieferant „{v.city()}“ ist nicht angelegt (Beleg {v.order()}, {v.amount()} EUR)")


@CAUSES.tool("team", "lookup_order", count=14)
def ledger_does_not_know_order(v: Values, attempt: int) -> None:
    raise LedgerError(f"no entry for order {v.order()}, asked {v.number()} times")


@CAUSES.tool("team", "lookup_order", count=14)
def ledger_is_locked(v: Values, attempt: int) -> None:
    raise LedgerError(f"order {v.order()} is locked by {v.email()} since {v.date()} ({v.number()} s)")


@CAUSES.step("team", PARSE, TRIAGE_PARSE, count=12)
def answer_cannot_be_parsed(v: Values, attempt: int) -> None:
    raise OutputParserError(f"Could not parse LLM output: {v.rng.choice((v.words(8, 90), v.korean(8, 60), v.json()))}")


@CAUSES.step("team", PARSE, count=12)
def tool_name_is_unknown(v: Values, attempt: int) -> None:
    raise OutputParserError(f"Model asked for unknown tool 'lookup_ordr' with arguments {v.json()}")


@CAUSES.step("team", PARSE, count=12)
def other_tool_name_is_unknown(v: Values, attempt: int) -> None:
    raise OutputParserError(f"Model asked for unknown tool 'send_male' with arguments {v.json()}")


@CAUSES.step("team", LOAD)
def export_has_a_hole(v: Values, attempt: int) -> None:
    raise ShopError(f'{v.path("xlsx")}: row {v.number()} of {v.number()} has no amount (sheet "{v.city()}")')


@CAUSES.step("team", LOAD)
def export_is_too_large(v: Values, attempt: int) -> None:
    unit = v.rng.choice(("KB", "MB", "GiB", "bytes"))
    raise ShopError(f"{v.path('xlsx')} is {v.number() / 10} {unit}, more than 5 MB allowed")


@CAUSES.tool("team", "fetch_rate", count=14)
def rates_after_retries(v: Values, attempt: int) -> None:
    raise ShopError(
        f"Retrying ({attempt}/3): GET {v.url()} gave no rate for {v.date()} after {v.number(1, 900)}ms, "
        f"next try in {v.number(1, 60)}s"
    )


@CAUSES.tool("team", "search_web")
def search_host_refused(v: Values, attempt: int) -> None:
    raise ConnectionError(f"{v.url('search.example.com')} refused the connection ({v.ip()}:{v.number(1024, 65535)})")


@CAUSES.tool("team", "search_web")
def other_host_refused(v: Values, attempt: int) -> None:
    raise ConnectionError(f"{v.url('mirror.example.org')} refused the connection ({v.ip()}:{v.number(1024, 65535)})")


@CAUSES.tool("team", "read_file")
def scan_is_no_picture(v: Values, attempt: int) -> None:
    raise ShopError(f"cannot identify picture in data:image/png;base64,{v.base64()}")


@CAUSES.tool("mcp", "lookup_order")
def mcp_refuses_arguments(v: Values, attempt: int) -> None:
    problems = [{"code": "invalid_type", "expected": "string", "received": "number", "path": ["order_id"]}]
    raise McpError(f"MCP error -32602: Invalid arguments for tool lookup_order: {json.dumps(problems, indent=2)}")


@CAUSES.tool("mcp", "lookup_order")
def mcp_is_gone(v: Values, attempt: int) -> None:
    raise McpError(f"MCP error -32000: Connection closed (session {v.uuid()})")


@CAUSES.tool("mcp", "lookup_order")
def mcp_waits_in_vain(v: Values, attempt: int) -> None:
    raise McpError(f"MCP error -32001: Request timed out after {v.number()} ms (session {v.uuid()})")


@CAUSES.agent("team", "triage", "writer")
def guardrail_trips(v: Values, attempt: int) -> None:
    raise GuardrailTripped(f"Guardrail 'no_refunds' tripped with score 0.{v.number()}: \"{v.words(3, 20)}\"")


@CAUSES.agent("team", "triage")
def other_guardrail_trips(v: Values, attempt: int) -> None:
    raise GuardrailTripped(f"Guardrail 'no_addresses' tripped with score 0.{v.number()}: \"{v.words(3, 20)}\"")


@CAUSES.agent("team", "researcher")
def token_limit(v: Values, attempt: int) -> None:
    raise UsageLimitExceeded(f"Exceeded the total_tokens_limit of 50000 (total_tokens={v.number(50_001)})")


@CAUSES.agent("team", "researcher")
def request_limit(v: Values, attempt: int) -> None:
    raise UsageLimitExceeded(f"The next request would exceed the request_limit of {v.rng.choice((10, 50))}")


@CAUSES.step("team", TRIAGE_PARSE, count=12)
def traceback_in_the_message(v: Values, attempt: int) -> None:
    try:
        raise LookupError(f"ticket {v.number()} has no queue, tried {v.rng.randint(2, 9)} queues")
    except LookupError:
        raise RuntimeError(f"worker {v.hex(12)} crashed:\n{traceback.format_exc()}") from None


@CAUSES.step("team", TRIAGE_PARSE, count=12)
def task_note_in_the_message(v: Values, attempt: int) -> None:
    raise ShopError(f"ticket {v.number()} is closed\nDuring task with name 'parse_answer' and id '{v.uuid()}'")


@CAUSES.step("team", NOTICE_PARSE)
def unexpected_payload(v: Values, attempt: int) -> None:
    raise ShopError(f"unexpected payload {v.document()!r} from queue {v.ulid()}")


@CAUSES.step("team", NOTICE_PARSE)
def answers_by_id(v: Values, attempt: int) -> None:
    answers = {v.order(): v.number() for _ in range(v.rng.randint(1, 6))}
    raise ShopError(f"conflicting answers: {answers}")


_SCRIPT = """
const cases = JSON.parse(process.argv[1]);
const raise = {
  reading: v => v.missing.total,
  call: v => v.id.toDate(),
  json: v => JSON.parse(v.text),
  url: v => new URL(v.text),
  date: v => new Date(v.text).toISOString(),
};
console.log(JSON.stringify(cases.map(([kind, v]) => {
  try { raise[kind](v); } catch (e) { return [e.name, e.message, e.stack]; }
})));
"""


@cache
def node(kind: str, values: str) -> tuple[str, str, str]:
    """Name, message and stack of what Node raises for these values."""
    done = subprocess.run(["node", "-e", _SCRIPT, f"[[{json.dumps(kind)}, {values}]]"], capture_output=True, check=True)
    return tuple(json.loads(done.stdout)[0])


def raise_as_node(kind: str, values: dict[str, object]) -> None:
    """Raise an exception of the name and message that Node gave."""
    name, message, _ = node(kind, json.dumps(values))
    raise type(name, (Exception,), {"__module__": "builtins"})(message)


@CAUSES.tool("node", "send_mail", count=8)
def node_reads_of_undefined(v: Values, attempt: int) -> None:
    raise_as_node("reading", {"id": v.order()})


@CAUSES.tool("node", "send_mail", count=8)
def node_calls_no_function(v: Values, attempt: int) -> None:
    raise_as_node("call", {"id": v.order()})


@CAUSES.tool("node", "send_mail", count=10)
def node_reads_no_json(v: Values, attempt: int) -> None:
    raise_as_node("json", {"text": v.rng.choice((v.words(), v.korean(), "<html>" + v.words()))})


@CAUSES.tool("node", "send_mail", count=8)
def node_reads_no_address(v: Values, attempt: int) -> None:
    raise_as_node("url", {"text": v.words(1, 5)})
