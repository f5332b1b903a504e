"""The number of speakers and their centroids, from embeddings with known speakers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from consumers.diarization.clustering import separation, speaker_centroids, unit
from consumers.diarization.segmentation import Activity
from consumers.diarization.windows import Windows, assign

Floats = NDArray[np.float32]
DIMENSION = 192


def people(rng: np.random.Generator, sizes: list[int], *, spread: float = 0.7) -> tuple[Floats, Floats]:
    """Embeddings around one direction a person, cosine within about 1 / (1 + spread²), and the directions."""
    centres = unit(rng.standard_normal((len(sizes), DIMENSION)).astype(np.float32))
    noise = rng.standard_normal((sum(sizes), DIMENSION)) * spread / np.sqrt(DIMENSION)
    return (np.repeat(centres, sizes, axis=0) + noise).astype(np.float32), centres


@pytest.mark.parametrize("sizes", [[60], [8], [100, 100], [180, 12], [20, 20], [80, 90, 70]])
def test_the_number_of_people_is_found(sizes: list[int]) -> None:
    embeddings, centres = people(np.random.default_rng(1), sizes)
    centroids = speaker_centroids(embeddings, speakers=None)
    assert len(centroids) == len(sizes)
    assert ((centroids @ centres.T).max(axis=0) > 0.85).all()


@pytest.mark.parametrize("speakers", [1, 2, 3])
def test_a_known_number_is_obeyed(speakers: int) -> None:
    embeddings, _ = people(np.random.default_rng(2), [50, 50, 50])
    assert len(speaker_centroids(embeddings, speakers=speakers)) == speakers


def test_a_cough_is_nobody() -> None:
    rng = np.random.default_rng(3)
    embeddings, centres = people(rng, [70, 60])
    coughs, _ = people(rng, [1, 1])
    centroids = speaker_centroids(np.concatenate([embeddings, coughs]), speakers=2)
    assert ((centroids @ centres.T).max(axis=0) > 0.85).all()


@pytest.mark.parametrize("windows", [1, 2, 3])
def test_hardly_any_speech_is_one_speaker(windows: int) -> None:
    embeddings, _ = people(np.random.default_rng(4), [windows])
    assert len(speaker_centroids(embeddings, speakers=None)) == 1


@pytest.mark.parametrize("windows", [1, 2, 3])
def test_more_speakers_than_speech_can_show_is_no_error(windows: int) -> None:
    embeddings, _ = people(np.random.default_rng(4), [windows])
    assert 1 <= len(speaker_centroids(embeddings, speakers=4)) <= windows


def test_three_hours_of_windows_stay_small() -> None:
    """Linkage over all 43 200 windows would need 7 GB."""
    embeddings, _ = people(np.random.default_rng(5), [20_000, 23_200])
    assert len(speaker_centroids(embeddings, speakers=None)) == 2


def test_separation_is_the_gap_of_the_closest_pair() -> None:
    first, second = np.eye(DIMENSION, dtype=np.float32)[:2]
    vectors = np.stack([first] * 3 + [second] * 3)
    assert separation(vectors, np.stack([first, second])).gap == pytest.approx(1.0)
    assert separation(vectors, np.stack([first, second])).between == pytest.approx(0.0)


def test_frames_go_to_the_most_similar_speaker_and_overlap_to_two() -> None:
    """Ten seconds, the speaker changes at 5 s, both talk from 4.5 to 5.5 s, silence from 9 s."""
    step_s, frames = 0.02, 500
    first, second = np.eye(DIMENSION, dtype=np.float32)[:2]
    centre_s = np.arange(0.75, 9, 0.25)
    embeddings = np.where(centre_s[:, None] < 5, first, second).astype(np.float32)
    time_s = np.arange(frames) * step_s
    activity = Activity(step_s=step_s, speech=time_s < 9, overlap=(time_s > 4.49) & (time_s < 5.51))
    windows = Windows(embeddings=embeddings, centre_s=centre_s, speech_s=np.full(len(centre_s), 1.5))
    turns = assign(activity, windows, np.stack([first, second]))
    assert {turn.speaker: (turn.start_s, turn.end_s) for turn in turns} == {
        "0": (0.0, pytest.approx(5.52)),
        "1": (pytest.approx(4.5), 9.0),
    }
