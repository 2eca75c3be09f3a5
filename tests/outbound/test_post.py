"""What leaves us is signed and bounded, and nothing inside our own network is asked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import threading
import time

import pytest

from tests.outbound.receiver import receiving
from webapp.config import Settings
from webapp.outbound import guard
from webapp.outbound.guard import Allowed, Blocked, check_url, resolve
from webapp.outbound.post import post_signed
from webapp.outbound.signing import new_secret

OPEN = Settings(outbound_allow="127.0.0.1/32")
SECRET = new_secret()


def send(url, *, settings=OPEN, body=b'{"a": 1}', **more):
    return post_signed(
        url, body, secret=SECRET, message_id="msg_1", headers={"traceparent": "00-1"}, settings=settings, **more
    )


def test_the_receiver_can_check_the_signature():
    with receiving() as receiver:
        answer = send(receiver.url)
    [(headers, body)] = receiver.seen
    assert answer.is_accepted and answer.status == 200 and answer.took_ms >= 0
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == wanted and abs(int(headers["webhook-timestamp"]) - time.time()) < 5
    assert headers["host"] == receiver.url.split("/")[2] and headers["traceparent"] == "00-1" and body == b'{"a": 1}'


@pytest.mark.parametrize(
    ("status", "accepted", "again"),
    [(200, True, False), (204, True, False), (400, False, False), (404, False, False),
     (429, False, True), (503, False, True)],
)  # fmt: skip
def test_what_an_answer_means(status, accepted, again):
    with receiving(answers=[status], body=b"") as receiver:
        answer = send(receiver.url)
    assert (answer.is_accepted, answer.is_worth_another_try) == (accepted, again)


def test_a_redirect_is_not_followed():
    with receiving() as other, receiving(answers=[307]) as receiver:
        receiver.headers["Location"] = other.url
        answer = send(receiver.url)
    assert answer.status == 307 and "redirects are not followed" in answer.reason and not answer.is_worth_another_try
    assert other.seen == []


def test_a_large_answer_is_cut():
    with receiving(body=b"x" * 5_000_000) as receiver:
        assert send(receiver.url).is_accepted


@pytest.mark.parametrize("drip", [b"", b"H", b"HTTP/1.1 200 OK\r\nX-A: "])
def test_a_receiver_that_drips_is_left_in_time(drip):
    server = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve():
        connection, _ = server.accept()
        with connection:
            while not done.wait(0.05):
                try:
                    connection.sendall(drip)
                    drip_more = b"a" if drip else b""
                    connection.sendall(drip_more)
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    began = time.monotonic()
    answer = send(f"http://127.0.0.1:{server.getsockname()[1]}/", seconds=0.6)
    assert time.monotonic() - began < 2 and answer.status is None and answer.is_worth_another_try
    done.set()
    thread.join()
    server.close()


def test_a_receiver_that_is_down_is_worth_another_try():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    answer = send(f"http://127.0.0.1:{port}/")
    assert answer.status is None and answer.is_worth_another_try and "refused" in answer.reason


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "localhost", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",
     "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[::ffff:127.0.0.1]",
     "[::ffff:10.0.0.1]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[64:ff9b::7f00:1]",
     "[2002:7f00:1::]", "198.18.0.1", "192.0.0.1"],
)  # fmt: skip
def test_inside_addresses_are_refused_and_nothing_is_sent(host, monkeypatch):
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("connected"))
    answer = send(f"http://{host}:8080/", settings=Settings())
    assert answer.is_blocked and answer.status is None and not answer.is_worth_another_try, answer


def test_a_name_with_one_inside_address_among_others_is_refused(monkeypatch):
    addresses = [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("10.0.0.7", 80))]
    monkeypatch.setattr(guard.socket, "getaddrinfo", lambda *a, **k: addresses)
    with pytest.raises(Blocked, match=r"10\.0\.0\.7"):
        resolve("https://both.example.com/", Allowed(), seconds=1)


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(monkeypatch):
    asked = []

    def getaddrinfo(host, port, **more):
        asked.append(host)
        return [(2, 1, 6, "", ("93.184.216.34" if len(asked) == 1 else "127.0.0.1", port))]

    def connect(address, timeout):
        raise ConnectionRefusedError(111, f"refused by {address[0]}")

    monkeypatch.setattr(guard.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", connect)
    answer = send("http://rebind.example.com/", settings=Settings())
    assert "refused by 93.184.216.34" in answer.reason and asked == ["rebind.example.com"]


def test_the_operator_opens_hosts_and_networks():
    allowed = Allowed.read("10.0.0.0/8, Agents.Internal")
    assert resolve("http://10.9.9.9/x", allowed, seconds=1).address == "10.9.9.9"
    assert resolve("http://[::ffff:10.9.9.9]/x", allowed, seconds=1).port == 80
    assert "agents.internal" in allowed.hosts
    with pytest.raises(Blocked):
        resolve("http://192.168.0.1/", allowed, seconds=1)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "gopher://x/", "//example.com", "https://", "https://user:pw@example.com/",
     "https://user@example.com/", "http://exa mple.com/", "http://example.com/\r\nX: y", "http://example.com:99999/",
     "http://[fe80::1%25eth0]/", "http://example.com\\@evil.com/", "javascript:alert(1)", "",
     "http://example.com/" + "x" * 2000],
)  # fmt: skip
def test_what_is_no_address_is_refused_before_it_is_resolved(url, monkeypatch):
    monkeypatch.setattr(guard.socket, "getaddrinfo", lambda *a, **k: pytest.fail("resolved"))
    with pytest.raises(Blocked):
        check_url(url)
    assert send(url).is_blocked
