"""Speed and memory: the call that the benchmark measures, both ways of giving it, and the engine's process."""

import gc
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.transcript import GivenCall, analyse_turns
from consumers.analysis.worker import AnalysisWorker
from ops.bench.analysis_speed import CALL_MS, TURNS, long_call, long_job
from schemas.records import Role

ENGINE = AnalysisEngine()


@pytest.fixture
def collections() -> Iterator[list[int]]:
    """The generations that were collected meanwhile; the collector is afterwards as before."""
    found: list[int] = []

    def note(phase: str, told: dict[str, Any]) -> None:
        if phase == "start":
            found.append(told["generation"])

    thresholds = gc.get_threshold()
    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_the_measured_call_has_its_turns_and_length_and_both_parties() -> None:
    document = analyse_turns(ENGINE, long_call())
    assert len(document.turns) == TURNS
    assert document.conversation is not None
    assert 0.9 * CALL_MS <= document.conversation.duration_ms <= CALL_MS
    assert {p.role for p in document.participants} == {Role.AGENT, Role.CUSTOMER}


def test_the_service_is_measured_with_the_same_words_and_parties() -> None:
    job, given = long_job(), GivenCall.model_validate(long_call())
    assert [w for s in job.transcribed.segments for w in s.words] == [w for t in given.turns for w in t.words]
    document = ENGINE.analyse(job.transcribed, job.diarized)
    assert {p.speaker: p.role for p in document.participants} == given.roles


def test_a_document_survives_the_way_from_the_engines_process() -> None:
    """A generic record that no name of its module holds cannot be pickled, and no call would be analysed."""
    job = long_job()
    document = ENGINE.analyse(job.transcribed, job.diarized)
    assert pickle.loads(pickle.dumps(document)) == document  # noqa: S301 -- what the process pool itself does


def test_a_warm_engine_never_searches_through_what_it_has_loaded(collections: list[int]) -> None:
    """A full search took a tenth of a second, in one call of five."""
    worker, job = AnalysisWorker(ENGINE), long_job()
    worker.warm_up()
    worker.run(job)
    collections.clear()
    for _ in range(3):
        worker.run(job)
    assert collections == []
