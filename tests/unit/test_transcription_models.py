"""Warm models: one load each, bounded, the least recently used goes first."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from consumers.transcription.models import ModelCache
from infra.errors import ErrorCode, Fatal
from infra.profiles import TranscriptionProfile


@pytest.fixture
def profiles(tmp_path: Path) -> list[TranscriptionProfile]:
    for name in "abc":
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.bin").write_bytes(b"x" * 100)
    return [TranscriptionProfile(model=str(tmp_path / name)) for name in "abc"]


def names(cache: ModelCache) -> list[str]:
    return [Path(model.model).name for model in cache.loaded()]


def test_the_least_recently_used_goes_first(profiles: list[TranscriptionProfile]) -> None:
    cache = ModelCache(max_models=2, load=lambda _profile, _directory: object())
    a, b, c = profiles
    first = cache.get(a)
    cache.get(b)
    assert cache.get(a) is first
    cache.get(c)
    assert names(cache) == ["a", "c"]
    assert cache.get(a) is first


def test_the_memory_budget_bounds_what_is_warm(profiles: list[TranscriptionProfile]) -> None:
    cache = ModelCache(max_models=9, memory_budget_bytes=250, load=lambda _profile, _directory: object())
    for profile in profiles:
        cache.get(profile)
    assert names(cache) == ["b", "c"]
    assert sum(model.estimated_bytes for model in cache.loaded()) == 200


def test_a_model_beyond_the_whole_budget_is_a_configuration_error(
    profiles: list[TranscriptionProfile],
) -> None:
    cache = ModelCache(max_models=1, memory_budget_bytes=99, load=lambda _profile, _directory: object())
    with pytest.raises(Fatal, match="memory_budget_bytes") as caught:
        cache.get(profiles[0])
    assert caught.value.code is ErrorCode.RESOURCE


def test_device_and_compute_type_make_another_model(profiles: list[TranscriptionProfile]) -> None:
    cache = ModelCache(max_models=4, load=lambda _profile, _directory: object())
    cache.get(profiles[0])
    cache.get(profiles[0].model_copy(update={"compute_type": "int8"}))
    cache.get(profiles[0].model_copy(update={"beam_size": 1}))
    assert len(cache.loaded()) == 2


def test_threads_that_ask_at_once_share_one_load(profiles: list[TranscriptionProfile]) -> None:
    loads: list[Path] = []
    all_asked = threading.Barrier(4)

    def load(_profile: TranscriptionProfile, directory: Path) -> object:
        loads.append(directory)
        return object()

    cache = ModelCache(max_models=2, load=load)

    def ask(_: int) -> object:
        all_asked.wait(timeout=10)
        return cache.get(profiles[0])

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(ask, range(4)))
    assert len(set(map(id, got))) == 1
    assert len(loads) == 1


def test_a_failed_load_is_told_and_tried_again(profiles: list[TranscriptionProfile]) -> None:
    outcomes: list[object] = [RuntimeError("cannot"), "whisper"]

    def load(_profile: TranscriptionProfile, _directory: Path) -> object:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    cache = ModelCache(max_models=2, load=load)
    with pytest.raises(RuntimeError, match="cannot"):
        cache.get(profiles[0])
    assert cache.loaded() == ()
    assert cache.get(profiles[0]) == "whisper"


def test_a_directory_that_is_not_there_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="no model directory"):
        ModelCache(max_models=1).get(TranscriptionProfile(model=str(tmp_path / "none")))
