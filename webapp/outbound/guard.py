"""To which addresses we may connect: never inside our own network, unless the operator allows it."""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
PORTS = {"http": 80, "https": 443}
LONGEST_URL = 2_000
NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "192.88.99.0/24", "100.64.0.0/10")
)
"""Ways into a network that no flag of an address tells: translations and tunnels to IPv4, and carriers' own."""


class Blocked(ValueError):
    """The address may not be asked; the message says why, and nothing was sent."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads once its name was resolved: ``address`` is what was checked and what is connected to."""

    scheme: str
    host: str
    port: int
    path: str
    address: str

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORTS[self.scheme] else f"{name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator opened: names of hosts, and networks."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def read(cls, text: str) -> Allowed:
        """From ``AGENTICBUILDER_OUTBOUND_ALLOW``: hosts and networks with commas between them."""
        hosts, networks = set(), []
        for word in filter(None, (part.strip().lower() for part in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(word, strict=False))
            except ValueError:
                hosts.add(word.rstrip("."))
        return cls(frozenset(hosts), tuple(networks))

    def holds(self, host: str, address: Address) -> bool:
        return host in self.hosts or any(address in network for network in self.networks)


def check_url(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of an address that may be entered. Resolves nothing.

    Raises: Blocked.
    """
    if len(url) > LONGEST_URL or re.search(r"[\x00-\x20\x7f\\]", url):
        raise Blocked("Enter one address without blanks, such as https://agents.example.com/retry.")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").rstrip(".").encode("idna" if not _is_ascii(parts.hostname) else "ascii").decode()
    except ValueError:
        raise Blocked("This is not an address that can be asked.") from None
    if parts.scheme not in PORTS or not host:
        raise Blocked("The address must begin with https:// or http:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise Blocked("Leave user name and password out of the address; requests are signed instead.")
    if "%" in host or port == 0:
        raise Blocked("This is not an address that can be asked.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise Blocked("Write the path in its percent-encoded form.")
    return parts.scheme, host.lower(), port or PORTS[parts.scheme], path


def _is_ascii(text: str | None) -> bool:
    return (text or "").isascii()


def resolve(url: str, allowed: Allowed, *, seconds: float) -> Place:
    """The one address to connect to. Every address that the name has must be fit, and the name is resolved once.

    Raises:
        Blocked: an address is inside a network that is not for us.
        OSError: the name cannot be resolved in time.
    """
    scheme, host, port, path = check_url(url)
    found = [ipaddress.ip_address(text) for text in _look_up(host, port, seconds)]
    refused = [address for address in found if not is_public(address) and not allowed.holds(host, plain(address))]
    if refused:
        raise Blocked(
            f"{host} leads to {refused[0]}, which is inside a private network. An operator can allow it with"
            " AGENTICBUILDER_OUTBOUND_ALLOW."
        )
    return Place(scheme, host, port, path, str(found[0]))


def _look_up(host: str, port: int, seconds: float) -> Iterable[str]:
    """Ask the resolver, which knows no limit of time, in a thread that may be left behind."""
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"{host} could not be resolved in time") from None
    if isinstance(answer, OSError):
        raise OSError(f"{host} could not be resolved") from answer
    return answer


def plain(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it."""
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def is_public(address: Address) -> bool:
    """Whether an address is on the open internet, and no loopback, private, link-local or metadata one."""
    inner = plain(address)
    if inner.is_multicast or inner.is_reserved or inner.is_unspecified or not inner.is_global:
        return False
    return not any(inner in network for network in NETWORKS if network.version == inner.version)
