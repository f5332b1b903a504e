"""Recordings from a bucket, through s3fs and a server that speaks enough S3."""

import asyncio
from collections.abc import AsyncIterator

import fsspec
import pytest
from aiohttp import web

from infra.audio.sources import RecordingPolicy, read_recording
from infra.errors import CallyticsError, ErrorCode, Poison, Retryable

pytestmark = [
    pytest.mark.integration,
    # botocore's and s3fs's own, on closing sessions at interpreter end
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

AUDIO = bytes(range(256)) * 4000


async def serve(request: web.Request) -> web.StreamResponse:
    """HEAD and ranged GET of one object; other names stand for what a bucket may answer."""
    match request.match_info["key"]:
        case "2026/a b.wav":
            return web.Response(
                body=AUDIO[_wanted(request)], headers={"ETag": '"1"'}, status=_status(request)
            )
        case "secret.wav":
            return web.Response(status=403)
        case "busy.wav":
            return web.Response(status=503)
    return web.Response(status=404)


def _wanted(request: web.Request) -> slice:
    return request.http_range if "Range" in request.headers else slice(None)


def _status(request: web.Request) -> int:
    return 206 if "Range" in request.headers else 200


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/calls/{key:.*}", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    # A cached client would still call the server of the last test.
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    yield
    await runner.cleanup()


async def read(uri: str, *, max_bytes: int = 1 << 21) -> bytes:
    policy = RecordingPolicy(allowed_buckets=("calls",), max_bytes=max_bytes, timeout_s=20)
    return await asyncio.to_thread(read_recording, uri, policy)


@pytest.mark.usefixtures("bucket")
async def test_an_object_of_an_allowed_bucket_is_read_whole() -> None:
    assert await read("s3://calls/2026/a%20b.wav") == AUDIO


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("uri", "kind", "code"),
    [
        ("s3://calls/none.wav", Poison, ErrorCode.INPUT_MISSING),
        ("s3://calls/secret.wav", Poison, ErrorCode.INPUT_FORBIDDEN),
        ("s3://calls/busy.wav", Retryable, ErrorCode.TRANSIENT),
        ("s3://other/2026/a%20b.wav", Poison, ErrorCode.INPUT_FORBIDDEN),
        ("s3://calls.evil/a.wav", Poison, ErrorCode.INPUT_FORBIDDEN),
        ("s3://key:secret@calls/a.wav", Poison, ErrorCode.INPUT_FORBIDDEN),
        ("s3://calls/", Poison, ErrorCode.INPUT_FORBIDDEN),
    ],
)
async def test_each_refusal_says_whether_to_try_again(
    uri: str,
    kind: type[CallyticsError],
    code: ErrorCode,
) -> None:
    with pytest.raises(kind) as caught:
        await read(uri)
    assert caught.value.code is code


@pytest.mark.usefixtures("bucket")
async def test_a_large_object_is_cut_off_at_the_limit() -> None:
    with pytest.raises(Poison) as caught:
        await read("s3://calls/2026/a%20b.wav", max_bytes=1000)
    assert caught.value.code is ErrorCode.INPUT_TOO_LARGE
