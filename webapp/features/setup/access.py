"""Who may open the first-run page: somebody at this machine, or whoever has the token that the server printed.

Before anybody has an account, the first to reach the page would become the admin.
"""

from __future__ import annotations

from collections.abc import Mapping
from hmac import compare_digest
from ipaddress import ip_address

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def is_from_this_machine(*, remote: str | None, host: str, headers: Mapping[str, str], public_url: str) -> bool:
    """Whether the request surely began on this machine.

    A proxy on the same machine also connects from loopback; a name other than localhost, a public URL or any header of
    a proxy shows one. No header can make a request local.
    """
    if public_url or any(headers.get(name) for name in PROXY_HEADERS):
        return False
    try:
        is_loopback = ip_address((remote or "").removeprefix("::ffff:")).is_loopback
    except ValueError:
        return False
    name = host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.partition(":")[0]
    return is_loopback and name in LOCAL_NAMES


def is_token(given: str | None, token: str) -> bool:
    """Whether the token is the printed one, in a time that does not depend on where they differ."""
    return bool(token) and compare_digest((given or "").encode(), token.encode())
