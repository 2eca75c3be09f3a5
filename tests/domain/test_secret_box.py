"""Stored secrets open again for their purpose, and for nothing else."""

from __future__ import annotations

import pytest

from webapp.domain.secret_box import SecretBox, SecretBroken

KEY = bytes(range(32))


def test_a_secret_opens_again_also_in_another_process_with_the_same_key():
    sealed = SecretBox(KEY).seal("whsec_한국어", "retry_endpoint:1")
    assert SecretBox(KEY).open(memoryview(sealed), "retry_endpoint:1") == "whsec_한국어"
    assert b"whsec" not in sealed and SecretBox(KEY).seal("whsec_한국어", "retry_endpoint:1") != sealed


def test_a_changed_byte_anywhere_opens_nothing():
    box = SecretBox(KEY)
    sealed = box.seal("secret", "a")
    for place in range(len(sealed)):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(SecretBroken):
            box.open(changed, "a")
    for short in (b"", sealed[:1], sealed[:12], sealed[:-1]):
        with pytest.raises(SecretBroken):
            box.open(short, "a")


def test_another_purpose_or_another_instance_opens_nothing():
    sealed = SecretBox(KEY).seal("secret", "retry_endpoint:1")
    with pytest.raises(SecretBroken):
        SecretBox(KEY).open(sealed, "retry_endpoint:2")
    with pytest.raises(SecretBroken):
        SecretBox(bytes(32)).open(sealed, "retry_endpoint:1")
