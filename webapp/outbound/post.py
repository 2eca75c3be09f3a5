"""Post something to an address that somebody entered, signed and without following where it leads."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from webapp.config import Settings
from webapp.outbound.guard import Allowed, Blocked, Place, resolve
from webapp.outbound.signing import sign

SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024
LATER = frozenset({408, 425, 429})
AGENT = "AgenticBuilder-Webhooks/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request. ``status`` None: nothing answered, and ``reason`` says why; the body is not kept."""

    status: int | None
    reason: str
    took_ms: int
    is_blocked: bool = False

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_worth_another_try(self) -> bool:
        """Whether it may go better later: nothing answered, or the receiver is in trouble."""
        if self.status is None:
            return not self.is_blocked
        return self.status >= 500 or self.status in LATER


def post_signed(
    url: str,
    body: bytes,
    *,
    secret: str,
    message_id: str,
    headers: Mapping[str, str],
    settings: Settings,
    seconds: float = SECONDS,
) -> Answer:
    """Post once. Never raises for what the other side does; redirects count as refusals.

    ``message_id`` stays the same when the same thing is sent again, so that a receiver can tell.
    """
    began = time.monotonic()
    status, is_blocked = None, False
    try:
        place = resolve(url, Allowed.read(settings.outbound_allow), seconds=seconds)
        left = max(0.1, seconds - (time.monotonic() - began))
        status = _post(place, body, _headers(place, body, secret, message_id, headers), left)
        reason = _said(status)
    except Blocked as error:
        reason, is_blocked = str(error), True
    except TimeoutError:
        reason = f"No answer within {seconds:g} seconds."
    except ssl.SSLCertVerificationError as error:
        reason = f"The certificate is not valid: {error.verify_message}."
    except (OSError, http.client.HTTPException) as error:
        reason = f"The connection failed: {(error.strerror if isinstance(error, OSError) else None) or error}."
    took = time.monotonic() - began
    if status is None and not is_blocked and took >= seconds:
        reason = f"No answer within {seconds:g} seconds."
    return Answer(status, reason[:500], round(took * 1000), is_blocked)


def _headers(place: Place, body: bytes, secret: str, message_id: str, more: Mapping[str, str]) -> dict[str, str]:
    timestamp = int(time.time())
    return {
        "Content-Type": "application/json",
        **more,
        "Host": place.host_header,
        "User-Agent": AGENT,
        "Content-Length": str(len(body)),
        "Accept-Encoding": "identity",
        "Connection": "close",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }


def _post(place: Place, body: bytes, headers: Mapping[str, str], seconds: float) -> int:
    """Connect to the checked address and nothing else; the clock ends a connection that drips."""
    began = time.monotonic()
    is_over = threading.Event()
    with contextlib.ExitStack() as stack:
        connection = http.client.HTTPConnection(place.host, place.port)
        connection.sock = socket.create_connection((place.address, place.port), timeout=seconds)
        stack.callback(lambda: connection.sock.close())
        clock = threading.Timer(max(0.1, seconds - (time.monotonic() - began)), _cut, [connection, is_over])
        clock.daemon = True
        clock.start()
        stack.callback(clock.cancel)
        if place.scheme == "https":
            context = ssl.create_default_context()
            wrapped = context.wrap_socket(connection.sock, server_hostname=place.host, do_handshake_on_connect=False)
            connection.sock = wrapped
            wrapped.do_handshake()
        connection.putrequest("POST", place.path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = http.client.HTTPResponse(connection.sock, method="POST")
        stack.callback(answer.close)
        answer.begin()
        if is_over.is_set():
            raise TimeoutError
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer.read(LARGEST_ANSWER)  # so that a receiver can finish; what it says decides nothing
        return answer.status


def _cut(connection: http.client.HTTPConnection, is_over: threading.Event) -> None:
    """End reads that wait; a limit per read alone would let a receiver drip for ever."""
    is_over.set()
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _said(status: int) -> str:
    if 300 <= status < 400:
        return f"Answered {status}: it leads elsewhere, and redirects are not followed."
    word = http.client.responses.get(status, "")
    return f"Answered {status} {word}.".replace(" .", ".")
