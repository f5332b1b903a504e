"""JSON logs with the call's and the trace's ids. No transcript and no personal data ever goes in."""

import logging
import sys
import traceback as traceback_module
from collections.abc import MutableMapping
from typing import Any

import structlog
from opentelemetry import trace
from structlog.typing import ExcInfo


def configure_logging(level: str) -> None:
    """Send every log line of this process, ours and the libraries', to stderr as one JSON object a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.ExceptionRenderer(_frames),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        ),
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("aiokafka", "uvicorn", "faster_whisper", "httpx", "pymongo"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def _frames(exc_info: ExcInfo) -> str:
    """An exception's type and frames. Its own text stays out: a library's may quote what it was given."""
    kind, _, traceback = exc_info
    frames = traceback_module.extract_tb(traceback)
    places = [f"{frame.name} ({frame.filename}, line {frame.lineno})" for frame in frames]
    return "\n".join([kind.__name__, *reversed(places)])


def _add_trace(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event
