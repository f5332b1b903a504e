"""Fetch the bytes of a recording: ``file``, ``http``, ``https``, ``s3`` or a bare absolute path."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, unquote

from infra.audio.policy import (
    RecordingPolicy,
    Resolver,
    forbidden,
    resolve_host,
    split_uri,
    too_large,
)
from infra.audio.remote import read_http, read_limited, read_s3
from infra.errors import ErrorCode, Poison, Retryable

__all__ = ["RecordingPolicy", "read_recording"]


def read_recording(uri: str, policy: RecordingPolicy, *, resolve: Resolver = resolve_host) -> bytes:
    """The bytes at ``uri``, if ``policy`` allows it.

    Poison INPUT_FORBIDDEN, INPUT_MISSING, INPUT_TOO_LARGE or INPUT_UNREADABLE; Retryable TRANSIENT for
    network failures, server errors and timeouts. ``resolve`` is the name service.
    """
    if uri.startswith("/"):
        return _read_file(uri, policy)
    parts = split_uri(uri)
    match parts.scheme:
        case "file":
            return _read_file(_path_of(parts), policy)
        case "http" | "https":
            return read_http(parts, policy, resolve=resolve)
        case "s3":
            return read_s3(parts, policy)
    raise forbidden(
        "the recording's URI is neither file, http, https, s3 nor an absolute path; correct the event"
    )


def _path_of(parts: SplitResult) -> str:
    """The path of a file URI, percent-decoded once."""
    if parts.netloc not in {"", "localhost"}:
        raise forbidden("a file URI with a host names another machine; use file:///path")
    if parts.query or parts.fragment:
        raise forbidden("a file URI has neither query nor fragment; percent-encode '?' and '#' in the path")
    return unquote(parts.path)


def _read_file(path: str, policy: RecordingPolicy) -> bytes:
    root, relative = _below_root(path, policy)
    try:
        descriptor = _open_below(root, relative)
        with os.fdopen(descriptor, "rb", buffering=0) as source:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Poison(ErrorCode.INPUT_UNREADABLE, f"{path} is no regular file")
            if status.st_size > policy.max_bytes:
                raise too_large(policy)
            return read_limited(source.read, policy)
    except OSError as error:
        raise _file_error(path, error) from error


def _below_root(path: str, policy: RecordingPolicy) -> tuple[Path, Path]:
    """The allowed root that really holds ``path``, all links followed, and the way from there."""
    try:
        real = Path(path).resolve(strict=False)
    except (OSError, RuntimeError, ValueError):
        raise forbidden("the recording's path cannot be resolved: a loop of links or a NUL in it") from None
    if Path(path).is_absolute():
        for root in policy.allowed_roots:
            real_root = root.resolve()
            with suppress(ValueError):
                return real_root, real.relative_to(real_root)
    raise forbidden(f"{path} lies outside allowed_roots; add its directory there or move the recording")


def _open_below(root: Path, relative: Path) -> int:
    """Open step by step without following a link, so that none can be slipped in after the check.

    Non-blocking, or opening a FIFO would wait for a writer.
    """
    if not relative.parts:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    no_links = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    directory = os.open(root, no_links | os.O_DIRECTORY)
    try:
        for name in relative.parts[:-1]:
            inner = os.open(name, no_links | os.O_DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = inner
        return os.open(relative.parts[-1], no_links | os.O_NONBLOCK, dir_fd=directory)
    finally:
        os.close(directory)


def _file_error(path: str, error: OSError) -> Poison | Retryable:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return Poison(ErrorCode.INPUT_MISSING, f"{path} does not exist")
        case errno.ELOOP:
            return forbidden(f"{path} was replaced by a link while it was being opened")
        case errno.EACCES | errno.EPERM:
            return forbidden(f"{path} may not be read by this process; grant it the right to")
        case errno.EISDIR | errno.ENXIO | errno.ENODEV:
            return Poison(ErrorCode.INPUT_UNREADABLE, f"{path} is no regular file")
        case errno.ENAMETOOLONG:
            return Poison(
                ErrorCode.INPUT_MISSING, "the recording's path is longer than the file system allows"
            )
    return Retryable(ErrorCode.TRANSIENT, f"{path} cannot be read now: {error.strerror}")
