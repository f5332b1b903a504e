"""Traces: one a call, with the conventions' names, and without a word of what was said."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from infra import telemetry
from infra.telemetry import (
    configure_tracing,
    engine_span,
    extract,
    inject,
    process_span,
    send_span,
    store_span,
)

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OLD = ("traceparent", b"00-11111111111111111111111111111111-2222222222222222-01")


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The spans of this test; the process's own tracer can be installed only once and is left alone."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def _only(exported: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exported.get_finished_spans()
    return span


def test_an_old_trace_context_is_replaced_and_other_headers_stay(exported: InMemorySpanExporter) -> None:
    """Appending would leave two: which one a reader takes is not defined."""
    with send_span(topic="calls.ended", call_id="c"):
        headers = inject([OLD, ("tracestate", b"vendor=1"), ("pbx", b"7")])
    context = _only(exported).context
    traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}".encode()
    assert headers == [("pbx", b"7"), ("traceparent", traceparent)]


def test_without_a_span_the_old_context_goes_all_the_same() -> None:
    assert inject([OLD, ("pbx", b"7")]) == [("pbx", b"7")]


def test_the_context_of_a_records_headers_is_found() -> None:
    context = trace.get_current_span(extract([("pbx", b"7"), ("traceparent", PARENT.encode())]))
    assert f"{context.get_span_context().trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert context.get_span_context().is_remote


@pytest.mark.parametrize("headers", [[], [("traceparent", b"nonsense")], [("traceparent", b"\xff\xfe")]])
def test_headers_without_a_usable_context_begin_a_new_trace(
    exported: InMemorySpanExporter, headers: list[tuple[str, bytes]]
) -> None:
    with process_span(topic="calls.ended", partition=0, offset=0, group="g", headers=headers):
        pass
    assert _only(exported).parent is None


def test_processing_is_the_child_of_the_send(exported: InMemorySpanExporter) -> None:
    with send_span(topic="calls.ended", call_id="c"):
        headers = inject([])
    with process_span(topic="calls.ended", partition=0, offset=0, group="g", headers=headers):
        pass
    sent, processed = exported.get_finished_spans()
    assert processed.context.trace_id == sent.context.trace_id
    assert processed.parent is not None
    assert processed.parent.span_id == sent.context.span_id


def test_a_send_is_named_by_the_messaging_conventions(exported: InMemorySpanExporter) -> None:
    with send_span(topic="calls.ended", call_id="call-1"):
        pass
    span = _only(exported)
    assert (span.name, span.kind) == ("send calls.ended", SpanKind.PRODUCER)
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "calls.ended",
        "messaging.message.conversation_id": "call-1",
        "messaging.kafka.message.key": "call-1",
    }


def test_a_process_is_named_by_the_messaging_conventions(exported: InMemorySpanExporter) -> None:
    with process_span(topic="calls.ended", partition=3, offset=42, group="g", headers=[]) as current:
        telemetry.mark_call(current, call_id="call-1", event_id="e-1")
    span = _only(exported)
    assert (span.name, span.kind) == ("process calls.ended", SpanKind.CONSUMER)
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "calls.ended",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 42,
        "messaging.consumer.group.name": "g",
        "messaging.message.conversation_id": "call-1",
        "messaging.message.id": "e-1",
    }
    assert span.status.status_code is StatusCode.UNSET


def test_a_store_command_is_named_by_the_database_conventions(exported: InMemorySpanExporter) -> None:
    with store_span(operation="find", collection="calls", database="callytics"):
        pass
    span = _only(exported)
    assert (span.name, span.kind) == ("find calls", SpanKind.CLIENT)
    assert dict(span.attributes or {}) == {
        "db.system.name": "mongodb",
        "db.operation.name": "find",
        "db.collection.name": "calls",
        "db.namespace": "callytics",
    }


@pytest.mark.parametrize("profile", [None, "demo"])
def test_an_engine_span_names_engine_and_profile(exported: InMemorySpanExporter, profile: str | None) -> None:
    with engine_span(engine="transcription", profile=profile):
        pass
    span = _only(exported)
    assert (span.name, span.kind) == ("run transcription", SpanKind.INTERNAL)
    expected = {"callytics.engine": "transcription"} | ({"callytics.profile": profile} if profile else {})
    assert dict(span.attributes or {}) == expected


def test_a_failure_is_marked_with_its_code(exported: InMemorySpanExporter) -> None:
    with engine_span(engine="analysis") as current:
        telemetry.mark_failure(current, code="timeout")
    span = _only(exported)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "timeout"


def test_an_exception_leaves_its_type_and_not_its_text(exported: InMemorySpanExporter) -> None:
    """The text may quote the customer."""
    with pytest.raises(ValueError, match="고객님"), store_span(operation="o", collection="c", database="d"):
        raise ValueError("고객님의 말씀")
    span = _only(exported)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert span.events == ()
    assert "고객님" not in span.to_json()


class _Collector(HTTPServer):
    """An OTLP/HTTP collector that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, ExportTraceServiceRequest]] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Collector]:
    monkeypatch.setattr(trace, "set_tracer_provider", lambda _: None)
    server = _Collector()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("slash", ["", "/"])
def test_spans_go_to_the_collectors_traces_path_under_the_services_name(
    collector: _Collector, slash: str
) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_port}{slash}"
    provider = configure_tracing(service="analysis", endpoint=endpoint)
    with provider.get_tracer("t").start_as_current_span("work"):
        pass
    provider.shutdown()
    ((path, request),) = collector.requests
    assert path == "/v1/traces"
    (resource,) = request.resource_spans
    names = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert names["service.name"] == "callytics-analysis"
    assert resource.scope_spans[0].spans[0].name == "work"


def test_without_an_endpoint_nothing_is_sent(collector: _Collector) -> None:
    provider = configure_tracing(service="analysis", endpoint=None)
    with provider.get_tracer("t").start_as_current_span("work") as span:
        assert span.get_span_context().is_valid
    provider.shutdown()
    assert collector.requests == []
