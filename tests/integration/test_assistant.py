"""The optional language model: asked over real HTTP, believed only as far as its answer is as agreed."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
from pydantic import SecretStr, ValidationError

from consumers.analysis.assistant import ChatAssistant
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.service import AnalysisService
from consumers.analysis.settings import AnalysisSettings
from consumers.analysis.transcript import analyse_turns
from infra.store import Assembly
from schemas.document import CallDocument, SkipReason
from tests.integration.store_records import a_diarized, a_transcribed

pytestmark = pytest.mark.integration

GOOD = {
    "summary": "고객이 환불을 물었다.",
    "topics": [{"title": "환불 지연", "turn_ids": ["t0001", "t9999"]}],
}


class Endpoint(ThreadingHTTPServer):
    """An OpenAI-compatible endpoint that gives one answer and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None, dict[str, Any]]] = []
        self.status = 200
        self.content: str = json.dumps(GOOD, ensure_ascii=False)
        self.answers = threading.Event()
        self.answers.set()

    def handle_error(self, *_: object) -> None:
        """A client that went away is what one of the tests is about."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        self.server.answers.wait()
        answer = json.dumps({"choices": [{"message": {"content": self.server.content}}]}).encode()
        self.send_response(self.server.status)
        if self.server.status in {301, 307}:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.answers.set()
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def document() -> CallDocument:
    said = ["환불이 아직 안 들어왔어요", "환불 처리해 드렸습니다"]
    turns = [
        {"speaker": role, "start_ms": n * 3000, "end_ms": n * 3000 + 2000, "text": text}
        for n, (role, text) in enumerate(zip(("customer", "agent"), said, strict=True))
    ]
    roles = {"customer": "customer", "agent": "agent"}
    given = {"call_id": "c", "language": "ko", "channels": 2, "roles": roles, "turns": turns}
    return analyse_turns(AnalysisEngine(), given)


def assistant(endpoint: Endpoint, **more: Any) -> ChatAssistant:
    return ChatAssistant(url=endpoint.url, model="llama", **more)


async def test_its_summary_and_topics_are_added_and_marked(
    endpoint: Endpoint, document: CallDocument
) -> None:
    told = await assistant(endpoint, key=SecretStr("k3y")).add_to(document)
    assert told.summary is not None
    assert document.summary is not None
    assert (told.summary.text, told.summary.written_by) == (GOOD["summary"], "llama")
    assert told.summary.issue == document.summary.issue
    assert told.topics[: len(document.topics)] == document.topics
    (named,) = told.topics[len(document.topics) :]
    assert (named.name, named.title, named.written_by, named.score) == (
        "환불_지연",
        "환불 지연",
        "llama",
        None,
    )
    assert [e.turn_id for e in named.evidence] == ["t0001"]
    assert told.skipped == document.skipped


async def test_it_is_asked_for_json_with_the_documents_turns_and_the_key(
    endpoint: Endpoint, document: CallDocument
) -> None:
    await assistant(endpoint, key=SecretStr("k3y")).add_to(document)
    ((path, key, body),) = endpoint.asked
    assert (path, key) == ("/v1/chat/completions", "Bearer k3y")
    assert (body["model"], body["temperature"], body["response_format"]) == (
        "llama",
        0,
        {"type": "json_object"},
    )
    assert body["messages"][1]["content"].splitlines() == [
        f"{turn.id} {turn.role.value}: {turn.text}" for turn in document.turns
    ]


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, "I think the customer was angry."),
        (200, '{"summary": ""}'),
        (200, '{"summary": "ok", "topics": [{"name": "x"}]}'),
        (200, json.dumps({"summary": "x" * 3000})),
        (500, json.dumps(GOOD)),
        (307, json.dumps(GOOD)),
    ],
)
async def test_its_failure_costs_nothing_but_itself(
    endpoint: Endpoint, document: CallDocument, status: int, content: str
) -> None:
    endpoint.status, endpoint.content = status, content
    told = await assistant(endpoint).add_to(document)
    assert told.skipped[-1].feature == "assistant"
    assert told.skipped[-1].reason is SkipReason.ASSISTANT_FAILED
    assert told.model_copy(update={"skipped": document.skipped}) == document
    assert len(endpoint.asked) == 1


async def test_one_that_is_too_slow_is_not_waited_for(endpoint: Endpoint, document: CallDocument) -> None:
    endpoint.answers.clear()
    told = await asyncio.wait_for(assistant(endpoint, timeout_s=0.2).add_to(document), 10)
    endpoint.answers.set()
    assert told.skipped[-1].reason is SkipReason.ASSISTANT_FAILED


async def test_one_that_is_away_is_skipped(document: CallDocument) -> None:
    away = ChatAssistant(url="http://127.0.0.1:1/v1", model="llama", timeout_s=5)
    assert (await away.add_to(document)).skipped[-1].reason is SkipReason.ASSISTANT_FAILED


async def test_half_a_call_is_never_sent(
    endpoint: Endpoint, document: CallDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumers.analysis.assistant.MOST_CHARACTERS", 10)
    assert (await assistant(endpoint).add_to(document)).skipped[-1].feature == "assistant"
    assert endpoint.asked == []


async def test_nothing_is_asked_of_a_call_without_words(endpoint: Endpoint, document: CallDocument) -> None:
    silent = document.model_copy(update={"turns": ()})
    assert await assistant(endpoint).add_to(silent) == silent
    assert endpoint.asked == []


class Host:
    """An engine that has this document ready."""

    def __init__(self, document: CallDocument) -> None:
        self._document = document

    async def run(self, _: object) -> CallDocument:
        return self._document


class Kept:
    """A store that has both parts and keeps what it is given."""

    def __init__(self) -> None:
        self.saved: list[CallDocument] = []

    async def assemble(self, _: object) -> Assembly:
        return Assembly(transcribed=a_transcribed(), diarized=a_diarized())

    async def save(self, document: CallDocument) -> None:
        self.saved.append(document)


async def test_the_service_stores_what_it_added_and_goes_on_without_it(
    endpoint: Endpoint, document: CallDocument
) -> None:
    store, host = Kept(), Host(document)
    for chosen in (assistant(endpoint), None):
        service = AnalysisService(cast("Any", host), cast("Any", store), assistant=chosen)
        assert len(await service.handle(a_diarized())) == 1
    summaries = [saved.summary and saved.summary.written_by for saved in store.saved]
    assert summaries == ["llama", None]


def test_regression_k15_it_is_off_unless_url_and_model_are_given() -> None:
    assert AnalysisSettings().assistant_url is None
    with pytest.raises(ValidationError, match="assistant_model"):
        AnalysisSettings(assistant_url="http://llm:8000/v1")
    with pytest.raises(ValidationError, match="http"):
        AnalysisSettings(assistant_url="file:///etc/passwd", assistant_model="m")
