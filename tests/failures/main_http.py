"""Main set: HTTP clients and the OpenAI SDK against a local server that answers as providers document it."""

from __future__ import annotations

import json
import urllib.request

import httpx2 as httpx
import openai

from tests.failures.causes import Causes
from tests.failures.server import BREAK, HANG, Server, closed_port, openai_error
from tests.failures.values import Values

CAUSES = Causes()
SERVER: Server = None  # set by the script while it runs


def _get(url: str, **more: object) -> None:
    with httpx.Client(**more) as client:
        client.get(url).raise_for_status()


def _page(v: Values) -> str:
    return f"/v1/{v.rng.choice(('orders', 'rates'))}/{v.order()}?at={v.number()}"


@CAUSES.tool("httpx", "lookup_order")
def api_says_404(v: Values, attempt: int) -> None:
    _get(SERVER.will(404, {"detail": "not found", "id": v.order()}) + _page(v))


@CAUSES.tool("httpx", "lookup_order")
def api_says_401(v: Values, attempt: int) -> None:
    _get(SERVER.will(401) + _page(v))


@CAUSES.tool("httpx", "lookup_order", "fetch_rate")
def api_says_503(v: Values, attempt: int) -> None:
    _get(SERVER.will(503, v.words()) + _page(v))


@CAUSES.tool("httpx", "search_web")
def api_is_down(v: Values, attempt: int) -> None:
    _get(f"http://127.0.0.1:{closed_port()}{_page(v)}")


@CAUSES.tool("httpx", "search_web", count=8)
def api_is_silent(v: Values, attempt: int) -> None:
    _get(SERVER.will(200, HANG) + _page(v), timeout=0.05)


@CAUSES.tool("httpx", "search_web", count=8)
def api_hangs_up(v: Values, attempt: int) -> None:
    _get(SERVER.will(200, BREAK) + _page(v))


@CAUSES.tool("urllib", "fetch_rate")
def rates_say_429(v: Values, attempt: int) -> None:
    urllib.request.urlopen(SERVER.will(429) + _page(v))


@CAUSES.tool("urllib", "fetch_rate")
def rates_are_down(v: Values, attempt: int) -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{closed_port()}{_page(v)}")


@CAUSES.tool("ssl", "fetch_rate", count=8)
def rates_speak_no_tls(v: Values, attempt: int) -> None:
    urllib.request.urlopen(SERVER.will(200).replace("http:", "https:") + _page(v))


@CAUSES.tool("team", "search_web", count=12)
def search_answers_an_error(v: Values, attempt: int) -> None:
    body = {"error": {"code": 40310, "message": "daily quota used up"}, "trace": v.hex(), "left": 0, "day": v.date()}
    raise RuntimeError(f"search failed with HTTP 403: {json.dumps(body)}")


@CAUSES.tool("team", "search_web", count=12)
def search_answers_another_error(v: Values, attempt: int) -> None:
    body = {"error": {"code": 40311, "message": "region not allowed"}, "trace": v.hex(), "left": v.number()}
    raise RuntimeError(f"search failed with HTTP 403: {json.dumps(body)}")


def _ask(status: int, body: object, v: Values, **more: object) -> None:
    url = more.pop("url", None) or SERVER.will(status, body)
    with openai.OpenAI(base_url=f"{url}/v1", api_key="placeholder", max_retries=0, **more) as client:
        client.chat.completions.create(
            model=v.rng.choice(("gpt-4o", "gpt-5.1")), messages=[{"role": "user", "content": v.words()}]
        )


@CAUSES.outage("openai", "openai", count=14)
def openai_tokens_per_minute(v: Values, attempt: int) -> None:
    message = (
        f"Rate limit reached for {v.rng.choice(('gpt-4o', 'gpt-4o-mini', 'o4-mini'))} in organization org-"
        f"{v.base62(23)}7 on tokens per min (TPM): Limit {v.number()}, Used {v.number()}, Requested {v.number()}. "
        f"Please try again in {v.number() / 1000}s. Visit https://platform.openai.com/account/rate-limits to learn "
        "more."
    )
    _ask(429, openai_error(v, message, "tokens", "rate_limit_exceeded"), v)


@CAUSES.outage("openai", "openai")
def openai_quota(v: Values, attempt: int) -> None:
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
    )
    _ask(429, openai_error(v, message, "insufficient_quota", "insufficient_quota"), v)


@CAUSES.outage("openai", "openai")
def openai_error_500(v: Values, attempt: int) -> None:
    message = (
        "The server had an error while processing your request. Sorry about that! You can retry your request, or "
        f"contact us through our help center at help.openai.com if the error persists. (Please include the request "
        f"ID {v.request_id()} in your message.)"
    )
    _ask(500, openai_error(v, message, "server_error", None), v)


@CAUSES.outage("openai", "openai", count=10)
def openai_overloaded(v: Values, attempt: int) -> None:
    message = "The engine is currently overloaded, please try again later"
    _ask(503, openai_error(v, message, "server_error", "service_unavailable"), v)


@CAUSES.outage("openai", "openai", count=10)
def openai_key(v: Values, attempt: int) -> None:
    message = (
        f"Incorrect API key provided: sk-{v.base62(4)}************************{v.base62(4)}. You can find your API "
        "key at https://platform.openai.com/account/api-keys."
    )
    _ask(401, openai_error(v, message, "invalid_request_error", "invalid_api_key"), v)


@CAUSES.outage("openai", "openai", count=10)
def openai_unreachable(v: Values, attempt: int) -> None:
    _ask(0, None, v, url=f"http://127.0.0.1:{closed_port()}")


@CAUSES.outage("openai", "openai", count=10)
def openai_silent(v: Values, attempt: int) -> None:
    _ask(200, HANG, v, timeout=0.05)


@CAUSES.request("openai", "openai", "researcher", "writer")
def prompt_too_long(v: Values, attempt: int) -> None:
    message = (
        f"This model's maximum context length is 128000 tokens. However, your messages resulted in {v.number(130_000)} "
        "tokens. Please reduce the length of the messages."
    )
    _ask(400, openai_error(v, message, "invalid_request_error", "context_length_exceeded", "messages"), v)


@CAUSES.request("openai", "openai", "triage")
def model_is_unknown(v: Values, attempt: int) -> None:
    message = "The model `gpt-6-imaginary` does not exist or you do not have access to it."
    _ask(404, openai_error(v, message, "invalid_request_error", "model_not_found"), v)


@CAUSES.request("openai", "openai", "triage")
def parameter_is_unknown(v: Values, attempt: int) -> None:
    message = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    _ask(400, openai_error(v, message, "invalid_request_error", "unsupported_parameter", "max_tokens"), v)


@CAUSES.request("openai", "openai", "triage")
def tool_call_without_answer(v: Values, attempt: int) -> None:
    message = (
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        f"The following tool_call_ids did not have response messages: {v.call_id()}"
    )
    at = v.rng.randint(1, 60)
    body = openai_error(v, message, "invalid_request_error", None, f"messages.[{at}].role")
    _ask(400, body, v)
