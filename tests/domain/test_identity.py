"""Addresses, zones, browsers and session tokens."""

import hashlib
from zoneinfo import ZoneInfo

import pytest

from webapp.domain.emails import is_email, tidy_email
from webapp.domain.session_tokens import new_token, token_hash
from webapp.domain.time_zones import zone_names
from webapp.domain.user_agents import describe_browser


def test_an_address_is_compared_without_case_and_blanks():
    assert tidy_email("  Minji@Hanbit.Example ") == "minji@hanbit.example"
    assert tidy_email(None) == ""


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "@b", "a b@c", "a@b\n", "a@b\r\nBcc: x@y", "a" * 250 + "@b.example", "a\0@b"]
)
def test_what_is_no_address(text):
    assert not is_email(text)


def test_every_zone_on_offer_exists():
    assert zone_names()[0] == "UTC" and "Asia/Seoul" in zone_names()
    for name in zone_names():
        ZoneInfo(name)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Safari/604.1", "Safari on iPhone"),
        ("<script>alert(1)</script>", "Unknown browser"),
        (None, "Unknown browser"),
    ],
)  # fmt: skip
def test_browsers_are_named_shortly(agent, name):
    assert describe_browser(agent) == name


def test_tokens_are_random_hashed_and_not_shown_by_accident():
    first, second = new_token(), new_token()
    assert first.text != second.text and len(first.text) == 43
    assert first.token_hash == token_hash(first.text) == hashlib.sha256(first.text.encode()).digest()
    assert first.text not in repr(first)
