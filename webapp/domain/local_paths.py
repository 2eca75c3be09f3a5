"""Which ``next=`` addresses are followed: paths of this host, nothing that a browser reads as another one."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

MAX_LENGTH = 2_000


def local_path(wanted: str | None, *, otherwise: str = "/") -> str:
    """``wanted`` when it is a path on this host, else ``otherwise``.

    Refused are addresses with a scheme or host, ``//host`` and ``/\\host`` in plain or encoded form (a proxy may decode
    once before the browser reads), backslashes, and control characters, which browsers drop before they parse.
    """
    if not wanted or len(wanted) > MAX_LENGTH:
        return otherwise
    for form in (wanted, unquote(wanted), unquote(unquote(wanted))):
        if not form.startswith("/") or form[1:2] in ("/", "\\") or "\\" in form.partition("?")[0]:
            return otherwise
        if any(ord(letter) < 33 or ord(letter) == 127 for letter in form.partition("?")[0]):
            return otherwise
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in wanted):
        return otherwise
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return otherwise
    return wanted if not parts.scheme and not parts.netloc else otherwise
