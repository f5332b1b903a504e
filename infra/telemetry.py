"""Tracing: one trace a call, from the publisher through all services to the store.

Span and attribute names follow the OpenTelemetry messaging and database conventions, which are still marked
*Development*: they stand in this module only, so that a change of theirs is a change here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Headers = Sequence[tuple[str, bytes]]

TRACEPARENT = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACE_HEADERS = frozenset(_PROPAGATOR.fields)


def configure_tracing(*, service: str, endpoint: str | None) -> TracerProvider:
    """Install the process's tracer. Without an endpoint spans are made, for the logs, and sent nowhere."""
    provider = TracerProvider(resource=Resource.create({"service.name": f"callytics-{service}"}))
    if endpoint:
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    return provider


def inject(headers: Headers) -> list[tuple[str, bytes]]:
    """The headers with the current trace context in place of whatever context they had."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    kept = [(name, value) for name, value in headers if name not in _TRACE_HEADERS]
    return [*kept, *((name, value.encode()) for name, value in carrier.items())]


def extract(headers: Headers) -> Context:
    """The trace context that a record's headers carry; a new trace if they carry none."""
    carrier = {name: value.decode("utf-8", "replace") for name, value in headers if name in _TRACE_HEADERS}
    return _PROPAGATOR.extract(carrier)


@contextmanager
def send_span(*, topic: str, call_id: str, again: Headers = ()) -> Iterator[Span]:
    """``send {topic}``: an event on its way to the broker.

    One that is sent ``again`` begins a trace of its own, linked to the trace that its headers carry.
    """
    with _span(
        f"send {topic}",
        SpanKind.PRODUCER,
        {
            "messaging.system": "kafka",
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.destination.name": topic,
            "messaging.message.conversation_id": call_id,
            "messaging.kafka.message.key": call_id,
        },
        context=Context() if again else None,
        links=_links(again),
    ) as span:
        yield span


@contextmanager
def process_span(*, topic: str, partition: int, offset: int, group: str, headers: Headers) -> Iterator[Span]:
    """``process {topic}``: a service at work on one event, child of the span that sent it."""
    with _span(
        f"process {topic}",
        SpanKind.CONSUMER,
        {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.destination.partition.id": str(partition),
            "messaging.kafka.offset": offset,
            "messaging.consumer.group.name": group,
        },
        context=extract(headers),
    ) as span:
        yield span


@contextmanager
def engine_span(*, engine: str, profile: str | None = None) -> Iterator[Span]:
    """``run {engine}``: a model at work in the engine's process."""
    attributes: dict[str, str | int] = {"callytics.engine": engine}
    if profile:
        attributes["callytics.profile"] = profile
    with _span(f"run {engine}", SpanKind.INTERNAL, attributes) as span:
        yield span


@contextmanager
def store_span(*, operation: str, collection: str, database: str) -> Iterator[Span]:
    """``{operation} {collection}``: one command to the document store."""
    with _span(
        f"{operation} {collection}",
        SpanKind.CLIENT,
        {
            "db.system.name": "mongodb",
            "db.operation.name": operation,
            "db.collection.name": collection,
            "db.namespace": database,
        },
    ) as span:
        yield span


def mark_call(span: Span, *, call_id: str, event_id: str) -> None:
    """Say whose span this is, once its event is decoded."""
    span.set_attribute("messaging.message.conversation_id", call_id)
    span.set_attribute("messaging.message.id", event_id)


def mark_failure(span: Span, *, code: str) -> None:
    """The stage gave up on the call."""
    span.set_attribute("error.type", code)
    span.set_status(Status(StatusCode.ERROR, code))


def _links(headers: Headers) -> Sequence[Link]:
    """A link to the trace that the headers carry, if they carry one."""
    context = trace.get_current_span(extract(headers)).get_span_context()
    return (Link(context),) if context.is_valid else ()


@contextmanager
def _span(
    name: str,
    kind: SpanKind,
    attributes: dict[str, str | int],
    *,
    context: Context | None = None,
    links: Sequence[Link] = (),
) -> Iterator[Span]:
    # An exception's text may quote the customer: its type is recorded, its message is not.
    with trace.get_tracer("callytics").start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=attributes,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            mark_failure(span, code=type(error).__name__)
            raise
