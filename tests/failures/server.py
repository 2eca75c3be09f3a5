"""A local HTTP server that answers what it is told, in the providers' documented shapes."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.failures.values import Values

HANG = object()
BREAK = object()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        status, body, kind = self.server.answer
        if body is HANG:
            time.sleep(0.4)
            body = ""
        if body is BREAK:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Answers every request with ``answer``: status, body (text, JSON, HANG or BREAK), content type."""

    daemon_threads = True
    answer: tuple[int, Any, str] = (200, {}, "application/json")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def will(self, status: int, body: Any = "", kind: str = "application/json") -> str:
        """Set the answer; returns the address to ask."""
        self.answer = (status, body, kind)
        return self.url

    def handle_error(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def openai_error(v: Values, message: str, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    del v
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def anthropic_error(v: Values, message: str, kind: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": v.request_id()}


def google_error(v: Values, code: int, message: str, status: str) -> dict[str, Any]:
    del v
    return {"error": {"code": code, "message": message, "status": status}}
