"""The two halves of a call, transcript and diarization, put together into one picture of its speech."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from consumers.analysis.alignment import by_channel, by_overlap, channel_speakers, pieces_of
from consumers.analysis.intervals import Interval
from consumers.analysis.speech import Piece, Speech
from consumers.analysis.turns import turns_of
from schemas.document import SkipReason
from schemas.records import (
    CallDiarized,
    CallTranscribed,
    DiarizationMethod,
    Layout,
    SpeakerSegment,
    StageStatus,
)

_LEAST_SPEECH_MS = 1_000

SpeakersFrom = Literal["channels", "diarization", "transcript", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The speech of a call, where its speakers come from, and what is missing why."""

    speech: Speech
    speakers_from: SpeakersFrom
    mixed: bool
    unattributed: SkipReason | None
    wordless: SkipReason | None


def join(transcribed: CallTranscribed, diarized: CallDiarized) -> Joined:
    """Whatever the two stages found, either of which may have failed."""
    pieces = pieces_of(transcribed.segments) if transcribed.status is StageStatus.OK else []
    segments = _believed(diarized, transcribed, pieces)
    named = channel_speakers(segments)
    separate = _separate(transcribed, diarized, pieces, segments)
    if separate:
        placed, source = by_channel(pieces, named), _Source("channels")
        named = named | {p.channel: p.speaker for p in placed}
    elif segments:
        placed, source = by_overlap(pieces, segments), _Source("diarization")
    else:
        placed, source = list(pieces), _Source("none", _missing_speakers(diarized, pieces))
    return Joined(
        speech=Speech(
            turns=turns_of(placed),
            activity=_activity(segments, placed),
            channels={speaker: channel for channel, speaker in named.items()},
        ),
        speakers_from=source.name,
        mixed=not separate,
        unattributed=source.missing,
        wordless=_missing_words(transcribed, pieces),
    )


def _believed(
    diarized: CallDiarized, transcribed: CallTranscribed, pieces: Sequence[Piece]
) -> tuple[SpeakerSegment, ...]:
    """The speakers' segments; none where a click or breath is all that they could be.

    A diarizer hears a speaker in the shortest noise. Where the transcription, which has a voice-activity
    detection of its own, heard nothing at all, less than a second is no speech.
    """
    segments = diarized.segments if diarized.status is StageStatus.OK else ()
    heard_ms = sum(segment.end_ms - segment.start_ms for segment in segments)
    wordless = transcribed.status is StageStatus.OK and not pieces
    return () if wordless and heard_ms < _LEAST_SPEECH_MS else tuple(segments)


@dataclass(frozen=True, slots=True)
class _Source:
    name: SpeakersFrom
    missing: SkipReason | None = None


def _separate(
    transcribed: CallTranscribed,
    diarized: CallDiarized,
    pieces: Sequence[Piece],
    segments: Sequence[SpeakerSegment],
) -> bool:
    """Whether each channel holds one party."""
    if diarized.status is StageStatus.OK and segments:
        channels = {segment.channel for segment in segments}
        return diarized.method is DiarizationMethod.CHANNELS or (
            None not in channels and len(channel_speakers(segments)) == len(channels) > 1
        )
    layouts = {event.audio.layout for event in (transcribed, diarized) if event.audio is not None}
    return Layout.STEREO in layouts or len({piece.channel for piece in pieces}) > 1


def _activity(segments: Sequence[SpeakerSegment], pieces: Sequence[Piece]) -> dict[str, tuple[Interval, ...]]:
    """When each speaker talks, by the segments where there are any, else by the words."""
    talk: dict[str, list[Interval]] = {}
    for segment in segments:
        talk.setdefault(segment.speaker, []).append(
            Interval(segment.start_ms, max(segment.start_ms, segment.end_ms))
        )
    diarized = frozenset(talk)
    for piece in pieces:
        # A speaker whom diarization did not hear at all still talks when the words say so.
        if piece.speaker not in diarized:
            talk.setdefault(piece.speaker, []).append(piece.span)
    return {speaker: tuple(spans) for speaker, spans in talk.items()}


def _missing_speakers(diarized: CallDiarized, pieces: Sequence[Piece]) -> SkipReason | None:
    if diarized.status is not StageStatus.OK:
        return SkipReason.DIARIZATION_FAILED
    return SkipReason.SPEAKERS_UNKNOWN if pieces else SkipReason.NO_SPEECH


def _missing_words(transcribed: CallTranscribed, pieces: Sequence[Piece]) -> SkipReason | None:
    if transcribed.status is not StageStatus.OK:
        return SkipReason.TRANSCRIPTION_FAILED
    return None if pieces else SkipReason.NO_WORDS
