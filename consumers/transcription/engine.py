"""Recordings to transcripts: the engine of the transcription service."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from consumers.transcription.crosstalk import crosstalk_frames
from consumers.transcription.decoding import Decoder, device_errors
from consumers.transcription.guards import normalized
from consumers.transcription.languages import Language, candidates, given_language, vote
from consumers.transcription.models import LoadedModel, ModelCache
from consumers.transcription.segments import build_segments
from consumers.transcription.windows import Span, Window, find_windows
from infra.audio.decode import decode
from infra.audio.waveform import SAMPLE_RATE_HZ, Waveform
from infra.errors import CallyticsError, ErrorCode, Fatal
from infra.profiles import TranscriptionProfile
from schemas.records import TranscriptSegment

_VOTING_WINDOWS = 4
_SELF_TEST_MAX_S = 600.0
_NOISE_S = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was said in a call.

    ``language_confidence`` is None where the language was given; ``language`` is None where it was not given
    and nobody speaks. ``segments`` are sorted by start.
    """

    language: str | None
    language_confidence: float | None
    model: str
    segments: tuple[TranscriptSegment, ...]


class TranscriptionEngine(Protocol):
    """Turns waveforms into transcripts."""

    def transcribe(
        self,
        waveform: Waveform,
        profile: TranscriptionProfile,
        *,
        language: str | None = None,
    ) -> Transcript:
        """Transcribe each party; ``language`` is the call's hint."""
        ...

    def gpu_memory_bytes(self) -> tuple[int, int] | None:
        """(free, total) of the GPU in use; None on a CPU."""
        ...

    def self_test(self, profile: TranscriptionProfile) -> None:
        """Fatal unless the profile's model does its work on this machine."""
        ...


@dataclass(frozen=True, slots=True)
class _Party:
    channel: int
    samples: NDArray[np.float32]
    windows: tuple[Window, ...]


class FasterWhisperEngine:
    """Whisper by CTranslate2, its models warm within ``max_models`` and ``memory_budget_bytes``."""

    def __init__(self, *, max_models: int = 2, memory_budget_bytes: int | None = None) -> None:
        self._models = ModelCache(max_models=max_models, memory_budget_bytes=memory_budget_bytes)

    def transcribe(
        self,
        waveform: Waveform,
        profile: TranscriptionProfile,
        *,
        language: str | None = None,
    ) -> Transcript:
        """Transcribe each party's channel, or the mix where the channels are no parties.

        All parties share one language: the profile's, else the hint, else the one most speech is in.
        Retryable when the device's memory is exhausted, Fatal when the model or the device cannot work.
        """
        whisper = self._models.get(profile)
        parties = _parties(waveform, profile.max_window_s)
        spoken = _language(whisper, profile, language, parties)
        segments = _segments(whisper, profile, spoken, parties) if spoken else []
        return Transcript(
            language=spoken.tag if spoken else None,
            language_confidence=spoken.confidence if spoken else None,
            model=model_name(profile),
            segments=tuple(sorted(segments, key=lambda s: (s.start_ms, s.end_ms, s.channel))),
        )

    def self_test(self, profile: TranscriptionProfile) -> None:
        """Load the model and read the profile's test recording, or noise where it names none.

        Fatal when the words of the profile are not all heard: an outdated GPU driver, for one, gives empty
        transcripts without an error.
        """
        if profile.self_test is None:
            self._decode_noise(profile)
            return
        waveform = _test_recording(Path(profile.self_test))
        transcript = self.transcribe(waveform, profile)
        heard = set(normalized(" ".join(segment.text for segment in transcript.segments)).split())
        wanted = {word for phrase in profile.self_test_words for word in normalized(phrase).split()}
        if missing := sorted(wanted - heard):
            raise Fatal(
                ErrorCode.ENGINE_CRASH,
                f"model {profile.model} does not hear {', '.join(missing)} in {profile.self_test}; "
                "check the model's files, the GPU driver and compute_type",
            )

    def loaded(self) -> tuple[LoadedModel, ...]:
        """The warm models, the least recently used first."""
        return self._models.loaded()

    def gpu_memory_bytes(self) -> tuple[int, int] | None:
        """(free, total) of the GPU; None when no model of ours runs on one."""
        import ctranslate2  # noqa: PLC0415 -- a native runtime

        devices = {model.device for model in self.loaded()}
        if not devices & {"cuda", "auto"} or not ctranslate2.get_cuda_device_count():
            return None
        import torch  # noqa: PLC0415 -- seconds to import, and only for this figure

        free, total = torch.cuda.mem_get_info()
        return free, total

    def _decode_noise(self, profile: TranscriptionProfile) -> None:
        length = _NOISE_S * SAMPLE_RATE_HZ
        noise = np.random.default_rng(0).normal(0.0, 0.01, length).astype(np.float32)
        whisper = self._models.get(profile)
        known = frozenset(whisper.supported_languages)
        tag = profile.language or min(candidates(profile, known), default="en")
        decoder = Decoder(whisper=whisper, profile=profile, language=tag)
        list(decoder.decode(noise, [Window((Span(0, length),))]))


def model_name(profile: TranscriptionProfile) -> str:
    """The model as documents name it: the hub name, or the last two parts of a directory."""
    path = Path(profile.model)
    return "/".join(path.parts[-2:]) if path.is_absolute() else profile.model


def _parties(waveform: Waveform, max_window_s: float) -> list[_Party]:
    """Each party's own speech, without what leaks over from the others."""
    parties = waveform.parties
    found = []
    for channel, samples in parties:
        others = [other for index, other in parties if index != channel]
        leaked = crosstalk_frames(samples, others) if others else None
        windows = find_windows(samples, max_window_s=max_window_s, ignored=leaked)
        found.append(_Party(channel, samples, windows))
    return found


def _segments(
    whisper: Any,
    profile: TranscriptionProfile,
    language: Language,
    parties: Sequence[_Party],
) -> list[TranscriptSegment]:
    decoder = Decoder(whisper=whisper, profile=profile, language=language.tag)
    return [
        segment
        for party in parties
        for segment in build_segments(
            party.channel,
            decoder.decode(party.samples, party.windows),
            duration_ms=len(party.samples) * 1000 // SAMPLE_RATE_HZ,
        )
    ]


def _language(
    whisper: Any,
    profile: TranscriptionProfile,
    hint: str | None,
    parties: Sequence[_Party],
) -> Language | None:
    """The call's language; None when it is not given and nobody speaks."""
    known = frozenset(whisper.supported_languages)
    possible = candidates(profile, known)
    if not possible:
        raise Fatal(
            ErrorCode.CONTRACT,
            f"model {profile.model} knows none of {profile.languages}; correct the profile's languages",
        )
    given = given_language(profile, hint, known)
    if given is None and len(possible) == 1:
        given = Language(next(iter(possible)))
    return given or _detected(whisper, parties, possible)


def _detected(whisper: Any, parties: Sequence[_Party], possible: frozenset[str]) -> Language | None:
    """Let the longest windows of all parties vote."""
    windows = [(party.samples, window) for party in parties for window in party.windows]
    longest = sorted(windows, key=lambda pair: len(pair[1]), reverse=True)[:_VOTING_WINDOWS]
    ballots = []
    for samples, window in longest:
        with device_errors():
            _, _, probabilities = whisper.detect_language(samples[window.start : window.end])
        ballots.append((len(window) / SAMPLE_RATE_HZ, dict(probabilities)))
    return vote(ballots, possible)


def _test_recording(file: Path) -> Waveform:
    try:
        return decode(file.read_bytes(), max_duration_s=_SELF_TEST_MAX_S)
    except (OSError, CallyticsError) as error:
        raise Fatal(
            ErrorCode.CONTRACT,
            f"the self-test recording {file} cannot be read: {error}; correct self_test in the profile",
        ) from error
