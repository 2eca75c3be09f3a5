"""Secrets that we must be able to read again, encrypted before they are stored.

A box authenticates: a changed byte, another instance's key, or a secret moved to another purpose opens nothing.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = b"\x01"
NONCE_BYTES = 12


class SecretBroken(ValueError):
    """A stored secret cannot be opened: it was changed, or it was sealed by another instance."""


class SecretBox:
    """Seals and opens with a key derived from the instance's, so that a dump of the database alone tells nothing."""

    def __init__(self, instance_key: bytes):
        derive = HKDF(SHA256(), 32, salt=None, info=b"agenticbuilder stored secrets 1")
        self._cipher = AESGCM(derive.derive(instance_key))

    def seal(self, secret: str, purpose: str) -> bytes:
        """``purpose`` names the record that the secret belongs to; only there it opens again."""
        nonce = os.urandom(NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, secret.encode(), VERSION + purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> str:
        """Raises: SecretBroken."""
        sealed = bytes(sealed)
        nonce, text = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        if sealed[:1] != VERSION or len(nonce) < NONCE_BYTES:
            raise SecretBroken("This secret is not in a form that can be opened.")
        try:
            return self._cipher.decrypt(nonce, text, VERSION + purpose.encode()).decode()
        except InvalidTag:
            raise SecretBroken("This secret cannot be opened with the key of this instance.") from None
