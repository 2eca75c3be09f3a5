"""What is taken out of a text before it leaves, what stays, and a bundle that no text can break."""

from __future__ import annotations

import pytest

from webapp.domain.incident_text import fenced, plain
from webapp.domain.redaction import redact, redact_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to Minji.Seo+x@hanbit.example now", "write to [e-mail] now"),
        ("call +82 10-1234-5678.", "call [number]."),
        ("card 4111 1111 1111 1111", "card [number]"),
        ("order 4711 took 38.4 s", "order 4711 took 38.4 s"),
        ("for Nordkap-AS and nordkap-as", "for [user] and [user]"),
        ("안녕하세요 4711", "안녕하세요 4711"),
    ],
)
def test_what_goes_and_what_stays(text, expected):
    assert redact_text(text, {"nordkap-as", "x"}) == expected


def test_keys_go_out_of_any_json():
    value = {"a": [{"b": "Bearer sk-proj-abcdefghijklmnop1234"}], "n": 12345678901, "none": None}
    found = redact(value)
    assert "abcdefghijklmnop" not in str(found) and found["n"] == 12345678901 and found["none"] is None


def test_a_hostile_text_stays_a_text():
    assert plain("a\n# b [x](y) <script>") == r"a \# b \[x\](y) \<script\>"
    [block] = fenced("x\n````\n# out")
    assert block.startswith("\n`````\n") and block.endswith("\n`````")
