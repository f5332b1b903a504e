"""Recordings on other machines: HTTP(S) and S3.

HTTP is spoken over a socket of our own rather than through fsspec: only so does the connection go to the very
address that was checked, with no redirect, proxy or second look at the name service in between.
"""

import contextlib
import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import SplitResult, unquote

from infra.audio.policy import (
    DEFAULT_PORTS,
    RecordingPolicy,
    Resolver,
    forbidden,
    permitted_addresses,
    too_large,
)
from infra.errors import CallyticsError, ErrorCode, Poison, Retryable

_CHUNK_BYTES = 1 << 18
_REFUSALS = {401, 403, 407}
_ABSENT = {404, 410}
_PASSING = {408, 421, 425, 429}


def read_http(parts: SplitResult, policy: RecordingPolicy, *, resolve: Resolver) -> bytes:
    """Fetch an http(s) URI; at most ``max_bytes`` within ``timeout_s``, no redirects.

    Poison for what the server will always answer so, Retryable for network failures, 5xx and timeouts.
    """
    addresses = permitted_addresses(parts, policy, resolve)
    deadline = time.monotonic() + policy.timeout_s
    try:
        with _connected(parts, addresses, deadline) as connection:
            target = parts.path or "/"
            connection.request("GET", f"{target}?{parts.query}" if parts.query else target)
            response = connection.getresponse()
            _check_status(response, parts.hostname)
            data = read_limited(response.read1, policy)
            # A connection torn down at the deadline looks like the end of the answer.
            if time.monotonic() >= deadline:
                raise _transient(parts.hostname, "timeout_s ran out")
            if response.length:
                raise _transient(parts.hostname, f"the answer ended {response.length} bytes early")
            return data
    except http.client.InvalidURL:
        raise forbidden("the recording's URI is malformed; percent-encode its path and query") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Closing the socket at the deadline surfaces as any of these.
        late = time.monotonic() >= deadline
        raise _transient(parts.hostname, "timeout_s ran out" if late else type(error).__name__) from error


def read_s3(parts: SplitResult, policy: RecordingPolicy) -> bytes:
    """Fetch ``s3://bucket/key`` with the credentials and endpoint of the process's environment."""
    key = unquote(parts.path.lstrip("/"))
    if parts.netloc not in policy.allowed_buckets:
        raise forbidden(
            f"bucket {parts.netloc!r} is not in allowed_buckets; add it if recordings are kept there"
        )
    if not key or parts.query or parts.fragment:
        raise forbidden("the recording's URI is not of the form s3://bucket/key; percent-encode '?' and '#'")
    import fsspec  # noqa: PLC0415 -- s3fs takes a second to import and most installations have no bucket

    limits = {"connect_timeout": policy.timeout_s, "read_timeout": policy.timeout_s}
    try:
        store = fsspec.filesystem("s3", config_kwargs=limits, use_listings_cache=False)
        with store.open(f"{parts.netloc}/{key}", "rb", cache_type="readahead") as source:
            return read_limited(source.read, policy, deadline=time.monotonic() + policy.timeout_s)
    except FileNotFoundError as error:
        raise Poison(ErrorCode.INPUT_MISSING, f"bucket {parts.netloc} has no object {key}") from error
    except PermissionError as error:
        raise forbidden(f"bucket {parts.netloc} refuses access; check the credentials' rights") from error
    except CallyticsError:
        raise
    except Exception as error:  # botocore and aiohttp have some dozens of these
        raise _transient(f"bucket {parts.netloc}", type(error).__name__) from error


def read_limited(
    read: Callable[[int], bytes],
    policy: RecordingPolicy,
    *,
    deadline: float = float("inf"),
) -> bytes:
    """Everything ``read`` yields; Poison as soon as it is more than ``max_bytes``, whatever was announced."""
    held = io.BytesIO()
    while chunk := read(_CHUNK_BYTES):
        held.write(chunk)
        if held.tell() > policy.max_bytes:
            raise too_large(policy)
        if time.monotonic() >= deadline:
            raise Retryable(ErrorCode.TRANSIENT, "the recording did not arrive within timeout_s")
    return held.getvalue()


@contextlib.contextmanager
def _connected(
    parts: SplitResult,
    addresses: tuple[str, ...],
    deadline: float,
) -> Iterator[http.client.HTTPConnection]:
    """A connection to one of the checked addresses that is torn down at the deadline, whatever it does."""
    host, port = (parts.hostname or "").rstrip("."), parts.port or DEFAULT_PORTS[parts.scheme]
    connection = http.client.HTTPConnection(host, port)
    connection.auto_open = 0  # never dial by name
    connection.default_port = DEFAULT_PORTS[parts.scheme]  # or a signed Host header would not match
    bare = _dial(addresses, port, deadline)
    # A peer that sends one byte at a time never trips a socket timeout, so a timer ends the transfer.
    handle = bare.dup()
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), _tear_down, (handle,))
    timer.daemon = True
    timer.start()
    try:
        connection.sock = bare
        if parts.scheme == "https":
            connection.sock = ssl.create_default_context().wrap_socket(bare, server_hostname=host)
        yield connection
    finally:
        timer.cancel()
        handle.close()
        connection.close()
        bare.close()


def _dial(addresses: tuple[str, ...], port: int, deadline: float) -> socket.socket:
    failure: OSError = OSError("the host has no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=max(0.001, deadline - time.monotonic()))
        except OSError as error:
            failure = error
    raise failure


def _tear_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _check_status(response: http.client.HTTPResponse, host: str | None) -> None:
    status = response.status
    if status == http.client.OK:
        return
    if http.client.MULTIPLE_CHOICES <= status < http.client.BAD_REQUEST:
        raise forbidden(f"{host} redirects elsewhere (HTTP {status}); give the final address in the event")
    if status in _ABSENT:
        raise Poison(ErrorCode.INPUT_MISSING, f"{host} has no such recording (HTTP {status})")
    if status in _REFUSALS:
        raise forbidden(f"{host} refuses access (HTTP {status}); check the link's rights and expiry")
    if status in _PASSING or status >= http.client.INTERNAL_SERVER_ERROR:
        raise _transient(host, f"HTTP {status}")
    raise Poison(ErrorCode.INPUT_UNREADABLE, f"{host} answered HTTP {status} instead of a recording")


def _transient(source: str | None, reason: str) -> Retryable:
    return Retryable(ErrorCode.TRANSIENT, f"{source} did not deliver the recording: {reason}")
