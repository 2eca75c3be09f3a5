"""What stays of a message and what goes: examples of every rule, and values of every kind in any place."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domain.fingerprints_cause import cause_of
from webapp.domain.fingerprints_rules import EARLY, LATE
from webapp.domain.fingerprints_text import hashed, readable

# Message, what it reads as.
EXAMPLES = [
    ("cannot read data:image/png;base64,iVBORw0KGgo=", "cannot read <data>"),
    ("GET https://me:x@api.example.com:8443/v1/orders/4711?q=a&b=2 failed",
     "GET https://api.example.com/<path> failed"),
    ("Could not parse LLM output: " + "thanks for asking " * 5, "Could not parse LLM output: <text>"),
    ("Bad output: none", "Bad output: none"),
    ("mail to a.b+c@mail.example.com bounced", "mail to <e-mail> bounced"),
    ("HTTP 503 after 3 tries", "HTTP 503 after <n> tries"),
    ("Client error '404 Not Found' for url 'https://a.example/x/1'",
     "Client error 404 Not Found for url https://a.example/<path>"),
    ("[Errno 2] No such file or directory: '/srv/in/7/a b.csv'", "[Errno 2] No such file or directory: <text>"),
    ("MCP error -32602: gone", "MCP error -32602: gone"),
    ("exit status 137, signal 9", "exit status 137, signal 9"),
    ("cannot open /srv/in/7/a.csv or C:\\in\\b.PDF or in/c.json",
     "cannot open <path>.csv or <path>.pdf or <path>.json"),
    ("late since 2026-11-24T10:20:30.123+09:00, 24/11/2026, 10:20", "late since <date>, <date>, <date>"),
    ("2026년 11월 24일 오후 3시 5분에 끝남", "<date>에 끝남"),
    ("11月24日に終了", "<date>に終了"),
    ("expired Mon, 24 Nov 2026 10:20:30 GMT", "expired <date>"),
    ("job 3f2504e0-4f89-41d3-9a0c-0305e82c3301 lost", "job <id> lost"),
    ("in organization org-abc on tokens", "in organization <id> on tokens"),
    ("key sk-ab***********cd refused", "key <id> refused"),
    ("<shop.Order object at 0x7f00aa> at 0xdeadbeef", "<object> at <address>"),
    ("10.0.0.7:5432 and fe80:0:0:0:1:2:3:4 refuse", "<ip> and <ip> refuse"),
    ("req_011CZAau32Qz, ORD-4711, 01ARZ3NDEKTSV4RRFFQ69G5FAV, 5d5da49251613a15", "<id>, <id>, <id>, <id>"),
    ("gpt-4o at node-7 with utf-8", "gpt-<n>o at node-<n> with utf-<n>"),
    ("took 1.5s, 300 ms, 2 minutes, 12%, $3.50, 1,200원, 3 MB", "took <n>, <n>, <n>, <n>, <n>, <n>, <n>"),
    ("'dict' object has no attribute 'totl'", "'dict' object has no attribute 'totl'"),
    ("f() missing 1 required positional argument: 'currency'",
     "f() missing <n> required positional argument: 'currency'"),
    ('relation "ordres" does not exist\nLINE 1: SELECT', "relation 'ordres' does not exist"),
    ("unknown city 'Paris'", "unknown city <text>"),
    ("필수 항목 '금액'이 비어 있습니다", "필수 항목 '금액'이 비어 있습니다"),
    ("도시 '서울'은 없습니다", "도시 <text> 없습니다"),
    ("고객 김민지 님의 주문", "고객 <name>님의 주문"),
    ("unexpected {'id': 7, 'lines': [{'sku': 'A'}]} here", "unexpected {id, lines, sku} here"),
    ('HTTP 403: {"error": {"code": 40310, "message": "quota of 7 used"}}',
     "HTTP 403: {code: 40310, error, message: quota of <n> used}"),
    ("ids [1, 2, 3] and {4711: 2} and {name}", "ids [] and {} and {name}"),
    ("order is gone\nmore about it", "order is gone"),
    ("Failed:\n  order is gone\nmore", "Failed: order is gone"),
]  # fmt: skip

WORDS = "order {} was refused by the ledger"
VALUES = st.one_of(
    st.integers(0, 10**15).map(str),
    st.integers(10**4, 10**9).map("ORD-{}".format),
    st.uuids().map(str),
    st.uuids().map(lambda found: found.hex).filter(lambda text: not text.isalpha()),
    st.floats(0.01, 1e9).map("{:.2f}".format),
    st.datetimes().map(lambda at: at.isoformat(sep=" ", timespec="seconds")).filter(lambda text: text[0] in "12"),
    st.dates().map("{:%Y/%m/%d}".format).filter(lambda text: text[0] in "12"),
    st.emails(domains=st.just("mail.example")).filter(lambda text: not set(text) & set("'`{}|/*!#$%&=?^~")),
    st.ip_addresses(v=4).map(str),
    st.integers(16, 2**48).map("0x{:012x}".format),
    st.text(max_size=60).filter(lambda text: not set(text) & set("\"\\")).map('"no name {}"'.format),
)  # fmt: skip


def as_hashed(message: str, error_type: str = "ShopError") -> str:
    return hashed(readable(cause_of(error_type, message, None).message, error_type))


@pytest.mark.parametrize(("message", "expected"), EXAMPLES)
def test_examples(message, expected):
    assert readable(message, "ShopError") == expected


@pytest.mark.parametrize("rule", EARLY + LATE, ids=lambda rule: rule.name)
def test_every_rule_has_an_example_that_needs_it(rule):
    changed = [message for message, _ in EXAMPLES if rule.apply(message) != message]
    if rule.name == "status codes":
        changed = [message for message, _ in EXAMPLES if rule.pattern.search(message)]
    assert changed
    assert rule.says.endswith(".")


@given(VALUES, VALUES)
def test_values_never_change_the_hash(one, other):
    assert as_hashed(WORDS.format(one)) == as_hashed(WORDS.format(other)) == "order * was refused by the ledger"


@given(st.lists(VALUES, min_size=1, max_size=8), VALUES)
def test_lists_of_values_are_one_value(many, one):
    assert as_hashed(WORDS.format(", ".join(many))) == as_hashed(WORDS.format(one))


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{3,12}", fullmatch=True), st.integers() | st.text(max_size=20), min_size=1, max_size=8
    ),
    st.randoms(),
)
def test_order_of_keys_and_values_of_json_do_not_count(document, rng):
    keys = list(document)
    rng.shuffle(keys)
    other = {key: 7 if isinstance(document[key], int) else "another" for key in keys}
    named = {"error", "errors", "message", "msg", "detail", "exception", "fault"}
    if not named & set(document):
        assert as_hashed(f"bad payload {json.dumps(document)}") == as_hashed(f"bad payload {json.dumps(other)}")
    assert as_hashed(f"bad {json.dumps(document)}") != as_hashed(f"bad {json.dumps({**document, 'further': 1})}")


@given(st.text(), st.sampled_from(["ShopError", "KeyError", "JSONDecodeError", "ExceptionGroup", ""]))
def test_any_text_becomes_one_short_line(message, error_type):
    found = readable(message, error_type)
    assert found == readable(message, error_type)
    assert "\n" not in found
    assert len(found) <= 400
    assert not any("\ue000" <= character <= "\ue009" for character in found)
    assert len(hashed(found)) <= 1200


@pytest.mark.parametrize("names", [("을", "를"), ("은", "는"), ("이", "가"), ("과", "와"), ("으로", "로")])
def test_particles_follow_the_value_and_go_with_it(names):
    assert as_hashed(f"주문 4713{names[0]} 확인") == as_hashed(f"주문 4712{names[1]} 확인") == "주문 * 확인"


def test_one_character_is_one_however_it_is_written():
    assert as_hashed(unicodedata.normalize("NFD", "금액이 없음")) == as_hashed("금액이 없음")
    assert as_hashed("ｅｒｒｏｒ　１２") == as_hashed("error 34")
    assert as_hashed("Order  GONE ") == as_hashed("order gone")


@pytest.mark.parametrize(
    ("message", "error_type", "expected"),
    [
        ("'customer_id'", "KeyError", "'customer_id'"),
        ("'ORD-4711'", "KeyError", "<text>"),
        ("notice/delay.html", "TemplateNotFound", "'notice/delay.html'"),
        ("Expecting value: line 1 column 1 (char 0)", "JSONDecodeError", "no JSON at all"),
        ("Expecting ',' delimiter: line 3 column 7 (char 99)", "JSONDecodeError", "broken JSON"),
        ("Unexpected token '<', \"<html>\"... is not valid JSON", "SyntaxError", "broken JSON"),
        ("'utf-8' codec can't decode byte 0xe2 in position 7: bad", "UnicodeDecodeError", "'utf-8' codec can't decode"),
        (
            "2 validation errors for Invoice\nlines.3.count\n  Field required [type=missing, input_value={}]\nx\n  y",
            "ValidationError",
            "Invoice.lines.<n>.count: Field required",
        ),
        ("1 validation error for Reply\n  Invalid JSON: EOF [type=json_invalid, input_value='']", "",
         "Reply: broken JSON"),
        ("TimeoutError: ", "TimeoutError", ""),
        ("Retrying (2/3): no rate", "ShopError", "no rate"),
        ("litellm.InternalServerError: InternalServerError: OpenAIException - busy", "ShopError", "busy"),
        ("gone\nDuring task with name 'x' and id '1'", "ShopError", "gone"),
        (
            'worker died:\nTraceback (most recent call last):\n  File "a.py", line 1\nKeyError: 7\n',
            "ShopError",
            "worker died: KeyError: <n>",
        ),
        ("(psycopg.errors.X) gone\n[SQL: SELECT 1]\n[parameters: {'a': 1}]", "ShopError", "(psycopg.errors.X) gone"),
    ],
)  # fmt: skip
def test_what_libraries_wrap_around_a_message(message, error_type, expected):
    assert readable(cause_of(error_type, message, None).message, error_type) == expected
