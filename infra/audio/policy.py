"""Which recordings may be read: the border between what an event asks for and what the operator allows.

Whoever can publish an event chooses a URI. Nothing that it says may make the service read a system file or
talk to an address inside the network that the operator did not name.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from infra.errors import ErrorCode, Poison, Retryable

ANY_PUBLIC_HOST = "*"

DEFAULT_PORTS = {"http": 80, "https": 443}

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")

Resolver = Callable[[str, int], tuple[str, ...]]
"""(host, port) to the numeric addresses that the host has now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPolicy:
    """What a recording's URI may name, and how much may come of it.

    ``allowed_roots`` are directories. ``allowed_hosts`` are exact ``host`` (default port of the scheme) or
    ``host:port``; a host that is listed may have any address, a private one too, since the operator named
    it. ``*`` admits every host whose addresses are all public. ``allowed_buckets`` are exact S3 buckets.
    ``timeout_s`` bounds the whole transfer.
    """

    allowed_roots: tuple[Path, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    allowed_buckets: tuple[str, ...] = ()
    max_bytes: int = 1 << 30
    timeout_s: float = 60.0
    max_duration_s: float = 4 * 3600.0


def forbidden(message: str) -> Poison:
    """The URI names something that the policy does not allow."""
    return Poison(ErrorCode.INPUT_FORBIDDEN, message)


def too_large(policy: RecordingPolicy) -> Poison:
    """More bytes than the policy allows."""
    return Poison(
        ErrorCode.INPUT_TOO_LARGE,
        f"the recording exceeds {policy.max_bytes} bytes; raise max_bytes if it is meant to pass",
    )


def split_uri(uri: str) -> SplitResult:
    """The parts of a URI; Poison for one that parsers could read in different ways.

    The text of the error never holds the URI: it may carry credentials.
    """
    if any(character <= " " or character in "\\\x7f" for character in uri):
        raise forbidden(
            "the recording's URI holds spaces, control characters or backslashes; percent-encode them"
        )
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise forbidden("the recording's URI is malformed; correct it where the event is made") from None
    if parts.username is not None or parts.password is not None:
        raise forbidden("the recording's URI holds credentials before the host; remove them from the event")
    return parts


def permitted_addresses(
    parts: SplitResult,
    policy: RecordingPolicy,
    resolve: Resolver,
) -> tuple[str, ...]:
    """The numeric addresses to connect to for an http(s) URI.

    Connect to one of these and to nothing else: asking the name service again could give another answer.
    Poison when the host is not allowed, Retryable when its name cannot be resolved now.
    """
    host = (parts.hostname or "").rstrip(".")
    if not host or not host.isascii():
        raise forbidden("the recording's URI names no host in ASCII; use the punycode form of the name")
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    allowed = {name.lower() for name in policy.allowed_hosts}
    is_default = port == DEFAULT_PORTS[parts.scheme]
    shown = f"[{host}]" if ":" in host else host
    listed = f"{shown}:{port}" in allowed or (is_default and bool({host, shown} & allowed))
    if not listed and not (is_default and ANY_PUBLIC_HOST in allowed):
        raise forbidden(f"host {shown}:{port} is not in allowed_hosts; add it if recordings are kept there")
    addresses = resolve(host, port)
    if not listed and not all(is_public(address) for address in addresses):
        raise forbidden(f"host {shown} has an address that is not public; list it by name in allowed_hosts")
    return addresses


def resolve_host(host: str, port: int) -> tuple[str, ...]:
    """Ask the system's resolver; Retryable when it has no answer."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Retryable(ErrorCode.TRANSIENT, f"the name {host} cannot be resolved: {error}") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether a numeric address is reachable by everybody, looking through IPv4 that is wrapped in IPv6."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.sixtofour is not None or ip.teredo is not None or ip in _NAT64 or ip in _V4_COMPATIBLE:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
