"""Log lines: one JSON object each, with the ids that lead to a call and its trace."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from infra.logs import configure_logging

_NOISY = ("aiokafka", "uvicorn", "faster_whisper", "httpx", "pymongo")


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in _NOISY}
    yield
    root.handlers = handlers
    root.setLevel(level)
    for name, value in levels.items():
        logging.getLogger(name).setLevel(value)
    structlog.reset_defaults()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    output = capsys.readouterr()
    assert output.out == ""
    return [json.loads(line) for line in output.err.splitlines()]


def test_a_line_is_one_json_object_with_level_logger_and_utc_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    structlog.get_logger("infra.bus").warning("call_failed", reason="파일이 없음\n두 번째 줄", attempt=2)
    (line,) = _lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "call_failed",
        "level": "warning",
        "logger": "infra.bus",
        "reason": "파일이 없음\n두 번째 줄",
        "attempt": 2,
    }


def test_korean_stays_readable(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    structlog.get_logger("x").warning("상담")
    assert "상담" in capsys.readouterr().err


def test_lines_of_libraries_have_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    logging.getLogger("some.library").error("lost %s", "broker-1")
    (line,) = _lines(capsys)
    assert (line["event"], line["level"], line["logger"]) == ("lost broker-1", "error", "some.library")
    assert "timestamp" in line


def test_what_is_below_the_level_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("WARNING")
    structlog.get_logger("x").info("quiet")
    logging.getLogger("some.library").info("quiet")
    structlog.get_logger("x").warning("loud")
    assert [line["event"] for line in _lines(capsys)] == ["loud"]


@pytest.mark.parametrize("name", _NOISY)
def test_talkative_libraries_speak_from_warning_on(capsys: pytest.CaptureFixture[str], name: str) -> None:
    configure_logging("DEBUG")
    logging.getLogger(name).info("chatter")
    logging.getLogger(name).warning("trouble")
    assert [line["event"] for line in _lines(capsys)] == ["trouble"]


async def test_calls_that_run_side_by_side_keep_their_own_ids(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    log = structlog.get_logger("x")
    met = asyncio.Barrier(2)

    async def work(call_id: str) -> None:
        with structlog.contextvars.bound_contextvars(call_id=call_id, tenant="default"):
            await met.wait()
            log.info("working", own=call_id)

    await asyncio.gather(*(asyncio.create_task(work(call_id)) for call_id in ("call-1", "call-2")))
    log.info("after")
    *working, after = _lines(capsys)
    assert sorted(line["call_id"] for line in working) == ["call-1", "call-2"]
    assert all(line["call_id"] == line["own"] and line["tenant"] == "default" for line in working)
    assert "call_id" not in after


def test_a_line_names_the_span_that_it_belongs_to(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("work") as span:
        structlog.get_logger("x").info("inside")
    structlog.get_logger("x").info("outside")
    inside, outside = _lines(capsys)
    context = span.get_span_context()
    assert inside["trace_id"] == f"{context.trace_id:032x}"
    assert inside["span_id"] == f"{context.span_id:016x}"
    assert not {"trace_id", "span_id"} & outside.keys()


def test_an_exception_is_told_by_type_and_place_without_its_own_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("INFO")
    try:
        raise ValueError("고객님의 말씀")  # noqa: TRY301 -- the exception is the test's material
    except ValueError:
        structlog.get_logger("x").exception("failed")
        logging.getLogger("some.library").exception("failed too")
    ours, theirs = _lines(capsys)
    for line in (ours, theirs):
        kind, place = line["exception"].splitlines()
        assert kind == "ValueError"
        assert place.startswith("test_an_exception_is_told_by_type_and_place")
        assert "고객님" not in json.dumps(line, ensure_ascii=False)


def test_an_exception_is_in_a_line_only_when_it_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Its text may quote the customer, so an error without ``exc_info`` says nothing of it."""
    configure_logging("INFO")
    try:
        raise ValueError("고객님의 말씀")  # noqa: TRY301 -- the exception is the test's material
    except ValueError as error:
        structlog.get_logger("x").error("failed", error=type(error).__name__)
    (line,) = _lines(capsys)
    assert line["error"] == "ValueError"
    assert "고객님" not in json.dumps(line, ensure_ascii=False)


def test_configuring_twice_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    configure_logging("INFO")
    structlog.get_logger("x").info("once")
    assert len(_lines(capsys)) == 1
