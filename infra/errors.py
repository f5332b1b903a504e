"""Errors by what has to happen next.

CallyticsError
├── Retryable   the same input may work later: retried with backoff, then given up
│   └── Unavailable   a server of ours is away: no call is to blame, so the call waits for it
├── Poison      the same input will never work: answered at once with a failure, never retried
└── Fatal       the process cannot work: stop, not ready, exit non-zero

Anything else that escapes a handler is a bug: bounded retries, then treated as Poison with code ``bug``.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why a stage gave up on a call. The value travels in events, documents, dead letters and metrics."""

    DECODE = "decode"
    """The record's bytes are no event of ours."""
    CONTRACT = "contract"
    """The event decodes but contradicts itself or names something unknown."""
    INPUT_MISSING = "input_missing"
    """The recording is not where the event says."""
    INPUT_FORBIDDEN = "input_forbidden"
    """The recording lies outside the allowed roots and hosts."""
    INPUT_UNREADABLE = "input_unreadable"
    """The recording is no audio, is empty, or is broken from the start."""
    INPUT_TOO_LARGE = "input_too_large"
    """The recording exceeds the size or duration limit."""
    TRANSIENT = "transient"
    """A server or network did not answer."""
    RESOURCE = "resource"
    """Memory, disk or device is exhausted."""
    TIMEOUT = "timeout"
    """The work did not end within its deadline."""
    ENGINE_CRASH = "engine_crash"
    """The engine's process died under this call."""
    BUG = "bug"
    """An unexpected exception: read the log entry with the same call id."""


class CallyticsError(Exception):
    """Base of every error raised on purpose: a code for machines, a message for the operator."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Retryable(CallyticsError):  # noqa: N818 -- named for what has to happen, not for being an error
    """The same input may work later."""


class Unavailable(Retryable):
    """A broker or store of ours does not answer: the call waits until it does."""


class Poison(CallyticsError):  # noqa: N818 -- the field's word for it
    """The same input will never work."""


class Fatal(CallyticsError):  # noqa: N818 -- named for what has to happen
    """The process cannot work and must stop."""
