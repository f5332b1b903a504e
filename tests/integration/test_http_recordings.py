"""Recordings over real HTTP: what arrives, what is refused, what is worth another try."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from infra.audio.sources import RecordingPolicy, read_recording
from infra.errors import CallyticsError, ErrorCode, Poison, Retryable

pytestmark = pytest.mark.integration

AUDIO = bytes(range(256)) * 1000


class Server:
    """A web server on loopback that counts what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}
        self.port = 0

    async def audio(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.headers = dict(request.headers)
        return web.Response(body=AUDIO)

    async def redirect(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        raise web.HTTPFound(request.query["to"])

    async def status(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=int(request.match_info["code"]))

    async def endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()  # chunked: announces no length
        await response.prepare(request)
        while True:
            await response.write(AUDIO)

    async def cut_off(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(AUDIO))})
        await response.prepare(request)
        await response.write(AUDIO[:1000])
        assert request.transport is not None
        request.transport.close()
        return response

    async def stalled(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "10"})
        await response.prepare(request)
        await response.write(b"x")
        await asyncio.Event().wait()
        return response

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    routes: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
        "/a.wav": served.audio,
        "/redirect": served.redirect,
        "/status/{code}": served.status,
        "/endless": served.endless,
        "/cut-off": served.cut_off,
        "/stalled": served.stalled,
    }
    app = web.Application()
    for path, handler in routes.items():
        app.router.add_get(path, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.port = runner.addresses[0][1]
    yield served
    await runner.cleanup()


async def fetch(server: Server, path: str, *, timeout_s: float = 10.0) -> bytes:
    policy = RecordingPolicy(
        allowed_hosts=(f"127.0.0.1:{server.port}",),
        max_bytes=300_000,
        timeout_s=timeout_s,
    )
    return await asyncio.to_thread(read_recording, server.url(path), policy)


async def failure(server: Server, path: str, *, timeout_s: float = 10.0) -> CallyticsError:
    with pytest.raises(CallyticsError) as caught:
        await fetch(server, path, timeout_s=timeout_s)
    return caught.value


async def test_a_recording_arrives_whole_with_its_query(server: Server) -> None:
    assert await fetch(server, "/a.wav?signature=a%2Fb&expires=1") == AUDIO
    assert server.asked == ["/a.wav?signature=a%2Fb&expires=1"]
    assert server.headers["Host"] == f"127.0.0.1:{server.port}"


async def test_loopback_is_refused_unless_it_is_listed_by_name(server: Server) -> None:
    for hosts in ((), ("*",), ("127.0.0.1",), (f"localhost:{server.port}",)):
        policy = RecordingPolicy(allowed_hosts=hosts, timeout_s=5)
        with pytest.raises(Poison) as caught:
            await asyncio.to_thread(read_recording, server.url("/a.wav"), policy)
        assert caught.value.code is ErrorCode.INPUT_FORBIDDEN
    assert server.asked == []


async def test_no_redirect_is_followed_not_even_to_the_same_host(server: Server) -> None:
    for target in ("/a.wav", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"):
        error = await failure(server, f"/redirect?to={target}")
        assert isinstance(error, Poison)
        assert error.code is ErrorCode.INPUT_FORBIDDEN
    assert not any(path.startswith("/a.wav") for path in server.asked)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (404, Poison, ErrorCode.INPUT_MISSING),
        (410, Poison, ErrorCode.INPUT_MISSING),
        (401, Poison, ErrorCode.INPUT_FORBIDDEN),
        (403, Poison, ErrorCode.INPUT_FORBIDDEN),
        (400, Poison, ErrorCode.INPUT_UNREADABLE),
        (206, Poison, ErrorCode.INPUT_UNREADABLE),
        (429, Retryable, ErrorCode.TRANSIENT),
        (500, Retryable, ErrorCode.TRANSIENT),
        (503, Retryable, ErrorCode.TRANSIENT),
    ],
)
async def test_each_status_says_whether_to_try_again(
    server: Server,
    status: int,
    kind: type[CallyticsError],
    code: ErrorCode,
) -> None:
    error = await failure(server, f"/status/{status}?token=secret")
    assert type(error) is kind
    assert error.code is code
    assert "secret" not in str(error)


async def test_a_stream_without_announced_length_is_cut_off_at_the_limit(server: Server) -> None:
    error = await failure(server, "/endless")
    assert error.code is ErrorCode.INPUT_TOO_LARGE


async def test_a_broken_transfer_is_no_recording(server: Server) -> None:
    error = await failure(server, "/cut-off")
    assert isinstance(error, Retryable)


async def test_a_peer_that_stalls_is_given_up_at_the_deadline(server: Server) -> None:
    error = await failure(server, "/stalled", timeout_s=0.3)
    assert isinstance(error, Retryable)
    assert "timeout_s" in error.message


async def test_a_port_where_nobody_listens_is_tried_again(server: Server) -> None:
    policy = RecordingPolicy(allowed_hosts=("127.0.0.1:1",), timeout_s=5)
    with pytest.raises(Retryable):
        await asyncio.to_thread(read_recording, "http://127.0.0.1:1/a.wav", policy)
    assert server.asked == []


async def test_the_connection_goes_to_the_address_that_was_checked(server: Server) -> None:
    """The URL's name does not exist: only the resolver's answer can lead to the server."""
    policy = RecordingPolicy(allowed_hosts=(f"recordings.invalid:{server.port}",), timeout_s=5)
    data = await asyncio.to_thread(
        lambda: read_recording(
            f"http://recordings.invalid:{server.port}/a.wav",
            policy,
            resolve=lambda _host, _port: ("127.0.0.1",),
        ),
    )
    assert data == AUDIO
    assert server.headers["Host"] == f"recordings.invalid:{server.port}"
