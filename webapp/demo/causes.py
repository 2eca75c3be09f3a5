"""Why executions of the demo fail: a few causes that come back, some of them begun by a version."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.demo.plans import LONG_NAME

SITE = "/srv/app/.venv/lib/python3.12/site-packages"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: where it strikes (a tool by name, or None for a model call), how often, and since when.

    ``raised_as`` is what the flow's caller gets where the flow wraps the exception. ``recovers`` is the share of cases
    in which a second try helps, so that the execution completes in spite of it.
    """

    flows: tuple[str, ...]
    tool: str | None
    type: str
    message: str
    frames: tuple[tuple[str, int, str, str], ...]
    rate: float
    since: str = ""
    raised_as: tuple[str, str] | None = None
    recovers: float = 0.0
    seconds: float | None = None


_HTTPX = (f"{SITE}/httpx/_transports/default.py", 118, "map_httpcore_exceptions", "raise mapped_exc(message) from exc")
_OPENAI = (
    f"{SITE}/openai/_base_client.py",
    1047,
    "request",
    "raise self._make_status_error_from_response(err.response)",
)
_ANTHROPIC = (f"{SITE}/anthropic/_base_client.py", 1059, "request", "raise self._make_status_error_from_response(err)")
CAUSES = (
    Cause(
        ("refund-decision",),
        "issue_refund",
        "httpx.ReadTimeout",
        "POST /v2/refunds timed out after 8000 ms (payment {n})",
        (
            ("/srv/app/refunds/tools.py", 88, "issue_refund", "reply = client.post('/v2/refunds', json=body)"),
            (f"{SITE}/httpx/_client.py", 1144, "post", "return self.request('POST', url, json=json)"),
            _HTTPX,
        ),
        0.42,
        since="friday",
        raised_as=("refunds.errors.RefundNotIssued", "The refund could not be issued"),
        seconds=8.0,
    ),
    Cause(
        ("refund-decision",),
        "lookup_order",
        "refunds.errors.OrderNotFound",
        "no order with number R-{n}",
        (("/srv/app/refunds/tools.py", 41, "lookup_order", "raise OrderNotFound(number)"),),
        0.015,
    ),
    Cause(
        ("code-review",),
        "get_diff",
        "KeyError",
        "'diff_hunks'",
        (
            ("/srv/app/review/planner.py", 132, "plan", "diff = await get_diff(pull_request)"),
            ("/srv/app/review/github.py", 57, "get_diff", "return parse_hunks(reply['diff_hunks'])"),
        ),
        0.6,
        since="hours",
    ),
    Cause(
        ("invoice-extract",),
        "match_purchase_order",
        "pydantic_core.ValidationError",
        "1 validation error for PurchaseOrder\ntotal\n  Input should be a valid decimal"
        " [type=decimal_parsing, input_value='{n},00 EUR', input_type=str]",
        (
            ("/srv/app/billing/match.py", 73, "match", "order = PurchaseOrder.model_validate(found)"),
            (f"{SITE}/pydantic/main.py", 705, "model_validate", "return cls.__pydantic_validator__.validate_python("),
        ),
        0.045,
    ),
    Cause(
        ("contract-review", LONG_NAME),
        None,
        "anthropic.BadRequestError",
        "Error code: 400 - prompt is too long: {n} tokens > 200000 maximum",
        (("/srv/app/legal/reader.py", 140, "read", "reply = await client.messages.create(**call)"), _ANTHROPIC),
        0.08,
    ),
    Cause(
        ("고객 상담 요약",),
        "고객정보 조회",
        "counsel.errors.CustomerNotFound",
        "고객 정보를 찾을 수 없습니다. 고객 번호 {n}을(를) 확인해 주세요.",
        (("/srv/app/counsel/customers.py", 29, "find_customer", "raise CustomerNotFound(number)"),),
        0.06,
    ),
    Cause(
        ("lead-enrich",),
        "web_search",
        "httpx.ConnectTimeout",
        "timed out connecting to the search service after 5000 ms",
        (("/srv/app/growth/search.py", 33, "web_search", "reply = client.get('/search', params=query)"), _HTTPX),
        0.12,
        recovers=0.8,
        seconds=5.0,
    ),
    Cause(
        (),
        None,
        "openai.RateLimitError",
        "Error code: 429 - Rate limit reached on tokens per min (TPM): Limit 450000, Used {n}. Please try again in 2s.",
        (("/srv/app/agents/model.py", 64, "ask", "reply = client.chat.completions.create(**call)"), _OPENAI),
        0.012,
        recovers=0.55,
    ),
    Cause(
        (),
        None,
        "openai.APIConnectionError",
        "Connection error.",
        (("/srv/app/agents/model.py", 64, "ask", "reply = client.chat.completions.create(**call)"), _HTTPX),
        0.004,
    ),
)


@dataclass(frozen=True, slots=True)
class Moments:
    """The two moments at which something changed: the last Friday afternoon, and some hours ago."""

    friday: datetime
    hours: datetime

    @classmethod
    def before(cls, now: datetime) -> Moments:
        """The moments as seen from ``now``, in whose zone Friday is meant."""
        friday = now.replace(hour=14, minute=2, second=0, microsecond=0)
        friday -= timedelta(days=(now.weekday() - 4) % 7)
        return cls(
            friday if friday < now - timedelta(hours=12) else friday - timedelta(days=7), now - timedelta(hours=7)
        )

    def begun(self, since: str, at: datetime) -> bool:
        """Whether a cause that began at the named moment is there at ``at``."""
        return not since or at >= getattr(self, since)


def strike(rng: random.Random, flow: str, at: datetime, moments: Moments) -> Cause | None:
    """The cause that strikes this execution, None for most; a flow's own causes come before those of everybody."""
    for cause in CAUSES:
        is_meant = flow in cause.flows if cause.flows else True
        if is_meant and moments.begun(cause.since, at) and rng.random() < cause.rate:
            return cause
    return None


def stack(cause: Cause, message: str) -> str:
    """The traceback as Python writes it, our frames first and the library's last."""

    def lines() -> Iterator[str]:
        yield "Traceback (most recent call last):"
        yield '  File "/srv/app/agents/run.py", line 112, in run_step\n    result = await step(context)'
        for path, line, function, code in cause.frames:
            yield f'  File "{path}", line {line}, in {function}\n    {code}'
        yield f"{cause.type}: {message}"

    return "\n".join(lines())


VERSIONS = {
    "support-api": (("2.11.3", 400), ("2.12.0", 61), ("2.13.1", 24), ("2.14.0", "friday")),
    "dev-tools": (("1.8.0", 400), ("1.9.0", 33), ("1.9.2", "hours")),
    "billing-agents": (("5.2.1", 400), ("5.3.0", 45), ("5.3.1", 12)),
    "docs-assistant": (("0.31.0", 400), ("0.32.0", 50), ("0.33.0", 18), ("0.34.0", 5)),
    "support-kr": (("3.0.4", 400), ("3.1.0", 28)),
}


def version_of(service: str, at: datetime, now: datetime, moments: Moments) -> str:
    """The version of a service that ran at ``at``; days count back from ``now``."""
    current = "1.0.0"
    for version, start in VERSIONS.get(service, ()):
        begun = getattr(moments, start) if isinstance(start, str) else now - timedelta(days=start)
        if at >= begun:
            current = version
    return current
