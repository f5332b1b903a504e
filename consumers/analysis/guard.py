"""One feature's bug costs that feature, and nothing else of the call."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from consumers.analysis.skips import skip
from consumers.analysis.view import CallView
from infra.places import innermost
from schemas.document import Skipped, SkipReason

_log = structlog.get_logger()
Result = TypeVar("Result")


def guarded(
    feature: str, view: CallView, compute: Callable[[], Result], instead: Result
) -> tuple[Result, list[Skipped]]:
    """The result of ``compute``; when it raises, ``instead`` and the entry that says so."""
    try:
        return compute(), []
    except Exception as error:  # noqa: BLE001 -- one feature's bug must not cost the call
        _log.error(
            "analyser_failed",
            call_id=view.call_id,
            feature=feature,
            error=type(error).__name__,
            place=innermost(error),
        )
        return instead, [skip(feature, SkipReason.BUG)]
