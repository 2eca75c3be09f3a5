"""Costs are exact, chosen by model, seller, moment and size, and unknown rather than guessed."""

import random
import warnings
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from webapp.domain.pricing import Call, Price, PriceBook, canonical_provider, cost_of
from webapp.ingest.shipped_prices import shipped_prices

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def make_price(pattern="gpt-4o", *, provider="openai", rates=("2.5", "10", "1.25", None), **more) -> Price:
    amounts = [None if rate is None else Decimal(rate) for rate in rates]
    return Price(uuid4(), provider, pattern, more.pop("match_kind", "exact"), *amounts, **more)


def make_call(**more) -> Call:
    known = {"provider": "openai", "model_used": "gpt-4o", "model_requested": None, "at": NOON}
    return Call(**(known | {"input_tokens": 1_000, "output_tokens": 100} | more))


@pytest.fixture(scope="module")
def shipped() -> PriceBook:
    return PriceBook(
        Price(None, row.provider, row.pattern, row.match_kind, *row.rates.values(), row.valid_from, row.valid_until,
              row.conditions)
        for row in shipped_prices()
    )  # fmt: skip


def test_cached_and_newly_cached_tokens_are_part_of_the_input():
    book = PriceBook([make_price(rates=("3", "15", "0.3", "3.75"))])
    cost = cost_of(book, make_call(cached_input_tokens=400, cache_write_tokens=100))
    assert cost.usd == (500 * Decimal(3) + 400 * Decimal("0.3") + 100 * Decimal("3.75") + 1500) / 1_000_000


def test_more_cached_tokens_than_input_are_billed_beside_it():
    book = PriceBook([make_price(rates=("3", "15", "0.3", None))])
    assert cost_of(book, make_call(input_tokens=10, output_tokens=0, cached_input_tokens=1000)).usd == Decimal(
        "0.00033"
    )


def test_a_missing_cache_rate_means_the_input_rate():
    book = PriceBook([make_price(rates=("2", "0", None, None))])
    assert cost_of(book, make_call(cached_input_tokens=999)).usd == Decimal("0.002")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [((None, 5), None), ((5, None), None), ((None, None), None), ((0, 0), Decimal(0))],
)
def test_unknown_tokens_have_no_cost_and_known_zero_costs_nothing(tokens, expected):
    call = make_call(input_tokens=tokens[0], output_tokens=tokens[1])
    assert cost_of(PriceBook([make_price()]), call).usd == expected


def test_an_embedding_has_no_output_to_know():
    book = PriceBook([make_price("embed", rates=("0.02", None, None, None))])
    call = make_call(model_used="embed", output_tokens=None)
    assert cost_of(book, call).usd is None
    assert cost_of(book, make_call(model_used="embed", output_tokens=None, is_embedding=True)).usd == Decimal("0.00002")


def test_an_unknown_model_has_no_cost_and_no_price_row():
    cost = cost_of(PriceBook([make_price()]), make_call(model_used="house-model"))
    assert (cost.usd, cost.price) == (None, None)


def test_the_price_is_the_one_valid_when_the_call_was_made():
    change = datetime(2026, 6, 1, tzinfo=UTC)
    old = make_price(rates=("1", "1", None, None), valid_until=change)
    new = make_price(rates=("2", "2", None, None), valid_from=change)
    book = PriceBook([old, new])
    assert cost_of(book, make_call(at=change - timedelta(microseconds=1))).price is old
    assert cost_of(book, make_call(at=change)).price is new


def test_an_own_price_beats_the_shipped_one_and_ends_with_its_validity():
    own = make_price(rates=("1", "1", None, None), provider="", is_own=True, valid_until=NOON + timedelta(days=1))
    shipped_row = make_price()
    book = PriceBook([shipped_row, own])
    assert cost_of(book, make_call()).price is own
    assert cost_of(book, make_call(at=NOON + timedelta(days=2))).price is shipped_row


def test_the_requested_model_is_asked_when_the_answering_one_is_unknown():
    price = make_price()
    book = PriceBook([price])
    assert cost_of(book, make_call(model_used="gpt-4o-internal-7", model_requested="gpt-4o")).price is price


@pytest.mark.parametrize("name", ["openai/gpt-4o", "litellm_proxy/openai/gpt-4o", "GPT-4o ", "gpt-4o"])
def test_prefixes_and_case_do_not_hide_a_model(name):
    assert cost_of(PriceBook([make_price()]), make_call(model_used=name, provider=None)).usd is not None


def test_a_large_input_makes_the_whole_call_dearer():
    base = make_price(rates=("3", "15", None, None))
    large = make_price(rates=("6", "22.5", None, None), conditions={"input_tokens_above": 200_000})
    book = PriceBook([base, large])
    assert cost_of(book, make_call(input_tokens=200_000)).price is base
    assert cost_of(book, make_call(input_tokens=200_001)).price is large


@pytest.mark.parametrize(("hour", "is_night"), [(0, True), (16, False), (17, True), (23, True), (12, False)])
def test_hours_may_cross_midnight(hour, is_night):
    day = make_price()
    night = make_price(rates=("1", "1", None, None), conditions={"utc_from": "16:30", "utc_until": "00:30"})
    price = cost_of(PriceBook([day, night]), make_call(at=NOON.replace(hour=hour))).price
    assert (price is night) == is_night


def test_an_own_pattern_that_does_not_compile_matches_nothing():
    book = PriceBook([make_price("gpt-(", match_kind="regex", is_own=True), make_price()])
    assert cost_of(book, make_call()).price.match_kind == "exact"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("openai", "openai"), ("azure.ai.openai", "azure"), ("gcp.vertex_ai", "google"), ("aws.bedrock", "aws"),
        ("google.generative-ai", "google"), ("mistral_ai", "mistral"), ("xai", "x-ai"), ("groq", "groq"),
        ("Anthropic", "anthropic"), (None, None), ("our-gateway", "our-gateway"),
    ],
)  # fmt: skip
def test_providers_are_known_under_the_names_of_the_wire(written, canonical):
    assert canonical_provider(written) == canonical


@pytest.mark.parametrize(
    ("provider", "model", "seller"),
    [
        ("openai", "gpt-4o-mini-2024-07-18", "openai"),
        ("azure", "gpt-4o", "openai"),
        ("gcp.vertex_ai", "claude-sonnet-4-5", "google"),
        ("langchain", "claude-sonnet-4-5", "anthropic"),
        (None, "gemini-2.5-flash", "google"),
        ("meta", "llama-3.3-70b", None),
        ("groq", "gpt-4o", None),
    ],
)
def test_the_shipped_list_answers_by_seller_then_by_maker(shipped, provider, model, seller):
    price = cost_of(shipped, make_call(provider=provider, model_used=model)).price
    assert (price.provider if price else None) == seller


def test_shipped_costs_equal_those_of_the_list_itself(shipped):
    """Every token price of the list, at random moments and sizes, against the list's own calculation."""
    from genai_prices.data import providers
    from genai_prices.types import Usage

    rng, differing, compared = random.Random(7), [], 0
    for provider in providers:
        for model in provider.models:
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=rng.randrange(60 * 24 * 320))
            tokens = rng.choice([100, 150_000, 250_000, 600_000])
            cached, written = rng.choice([0, tokens // 3]), rng.choice([0, tokens // 4])
            usage = {"input_tokens": tokens, "cache_read_tokens": cached, "cache_write_tokens": written}
            found = provider.find_model(model.id)
            rates = found.get_prices(at) if found else None
            if rates is None or (rates.input_mtok is None and rates.output_mtok is None):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = found.calc_price(Usage(output_tokens=77, **usage), provider, genai_request_timestamp=at)
            ours = cost_of(shipped, Call(provider.id, model.id, None, at, tokens, 77, cached, written)).usd
            compared += 1
            if ours is None or abs(ours - theirs.total_price) > Decimal("0.0000000001"):
                differing.append((provider.id, model.id, at, usage, theirs.total_price, ours))
    assert compared > 2_000
    assert differing == []
