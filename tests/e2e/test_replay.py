"""A replay makes a new run of calls beside the live traffic, and its difference can be told."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from infra.store import Store
from schemas.records import DocumentStatus
from tests.e2e.conftest import Pipeline, await_condition, sample

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

CALL = "replayed"
KEY = ("default", CALL)


def _callytics(pipeline: Pipeline, *arguments: str) -> str:
    done = pipeline.callytics(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _replay(pipeline: Pipeline, *arguments: str) -> str:
    said = re.search(
        r"^replay (replay-\w+)$", _callytics(pipeline, "replay", "run", *arguments), re.MULTILINE
    )
    assert said
    return said[1]


@pytest.fixture(scope="module")
def original(pipeline: Pipeline) -> str:
    """A call that has its document."""
    pipeline.publish([sample("sample-en-callback", call_id=CALL)])
    document = pipeline.documents([CALL])[CALL]
    assert (document.revision, document.status) == (1, DocumentStatus.COMPLETE)
    return document.run_id


@pytest.fixture(scope="module")
def whole(pipeline: Pipeline, original: str) -> str:
    """The id of a whole replay of the call."""
    assert original
    return _replay(pipeline, "--call", CALL, "--yes")


def _in_store(pipeline: Pipeline, ask: Any) -> Any:
    return pipeline.in_store(ask)


@pytest.mark.usefixtures("original")
def test_a_plan_and_a_run_without_yes_send_nothing(pipeline: Pipeline) -> None:
    planned = json.loads(_callytics(pipeline, "replay", "plan", "--call", CALL, "--json"))
    assert planned["calls"] == 1
    assert planned["audio_hours"] > 0
    assert "nothing was sent" in _callytics(pipeline, "replay", "run", "--call", CALL)


def test_a_replay_makes_a_new_revision_and_keeps_the_old_run(
    pipeline: Pipeline, original: str, whole: str
) -> None:
    async def runs(store: Store) -> list[Any]:
        return [await store.documents.of_run(run_id, [KEY]) for run_id in (original, whole)]

    newest = pipeline.find(CALL)
    assert newest is not None
    assert newest.run_id == whole
    assert newest.revision >= 2
    (before,), (after,) = _in_store(pipeline, runs)
    assert (before["revision"], after["revision"]) == (1, 2)
    assert before["turns"] == after["turns"]


def test_a_whole_replay_of_the_same_models_is_answered_from_memory(
    pipeline: Pipeline, original: str, whole: str
) -> None:
    """The answers are those of the first run to the millisecond of their processing time."""

    async def parts(store: Store) -> list[Any]:
        return [await store.assemblies.find(KEY, run_id) for run_id in (original, whole)]

    before, after = _in_store(pipeline, parts)
    for name in ("transcribed", "diarized"):
        first, second = getattr(before, name), getattr(after, name)
        assert second.processing_ms == first.processing_ms > 0
        assert second.segments == first.segments
        assert (second.run_id, second.revision) == (whole, 2)
        assert second.event_id != first.event_id


def test_a_replay_that_is_done_says_so(pipeline: Pipeline, whole: str) -> None:
    (books,) = json.loads(_callytics(pipeline, "replay", "status", whole, "--json"))
    assert books["state"] == "done"
    assert books["finished"] == books["total"] == books["published"] == 1


def test_the_difference_of_two_runs_is_told_by_feature(pipeline: Pipeline, original: str, whole: str) -> None:
    told = json.loads(_callytics(pipeline, "diff", "previous", whole, "--json", "--calls"))
    assert (told["both"], told["only_a"], told["only_b"]) == (1, 0, 0)
    assert told["edit_rate"] == 0.0
    assert told["changed"]["words"] == told["changed"]["sentiment"] == []
    assert "words changed on 0 of 1 calls" in _callytics(pipeline, "diff", original, whole)


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize("stage", ["analysis", "transcription", "diarization"])
def test_one_stage_alone_is_done_again_with_the_stored_parts_of_the_others(
    pipeline: Pipeline, stage: str
) -> None:
    before = pipeline.find(CALL)
    run_id = _replay(pipeline, "--call", CALL, "--stage", stage, "--yes")
    after = pipeline.find(CALL)
    assert before is not None
    assert after is not None
    assert (after.run_id, after.revision) == (run_id, before.revision + 1)
    assert after.status is DocumentStatus.COMPLETE
    assert after.turns == before.turns


TWO = ("--call", "replayed-first", "--call", "replayed-second")
SLOWLY = ("--rate", "0.01", "--yes")


@pytest.fixture(scope="module")
def two(pipeline: Pipeline) -> None:
    """Two calls that have their documents."""
    ids = [name for name in TWO if name != "--call"]
    pipeline.publish([sample("sample-en-callback", call_id=call_id) for call_id in ids])
    pipeline.documents(ids)


@contextmanager
def _half_done(pipeline: Pipeline) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A replay of two calls that has finished one and would wait a minute and a half for the other."""
    with pipeline.begun("replay", "run", *TWO, *SLOWLY) as running:
        try:
            assert running.stdout is not None
            replay_id = running.stdout.readline().split()[1]
            await_condition(
                lambda: _books(pipeline, replay_id)["finished"] == 1, within_s=120, what="half of the replay"
            )
            yield running, replay_id
        finally:
            running.kill()


def _books(pipeline: Pipeline, replay_id: str) -> dict[str, Any]:
    (books,) = json.loads(_callytics(pipeline, "replay", "status", replay_id, "--json"))
    found: dict[str, Any] = books
    return found


@pytest.mark.usefixtures("two")
def test_a_cancelled_replay_sends_nothing_more_and_ends(pipeline: Pipeline) -> None:
    with _half_done(pipeline) as (running, replay_id):
        told = _callytics(pipeline, "replay", "cancel", replay_id)
        assert told == f"cancelled {replay_id}: 1 of 2 calls were finished\n"
        assert running.wait(timeout=60) == 0
    books = _books(pipeline, replay_id)
    assert (books["state"], books["published"], books["finished"]) == ("cancelled", 1, 1)
    refused = pipeline.callytics("replay", "run", "--resume", replay_id, "--yes")
    assert refused.returncode == 1
    assert "is cancelled" in refused.stderr


@pytest.mark.usefixtures("two")
def test_a_replay_whose_command_died_keeps_others_away_and_is_resumed(pipeline: Pipeline) -> None:
    with _half_done(pipeline) as (running, replay_id):
        running.kill()
    refused = pipeline.callytics("replay", "run", "--call", CALL, "--yes")
    assert refused.returncode == 1
    assert f"replay {replay_id} is not finished" in refused.stderr
    _callytics(pipeline, "replay", "run", "--resume", replay_id, "--yes")
    books = _books(pipeline, replay_id)
    assert (books["state"], books["finished"]) == ("done", 2)
    newest = [pipeline.find(call_id) for call_id in TWO if call_id != "--call"]
    assert {document.run_id for document in newest if document} == {replay_id}
