"""How well fresh synthetic calls become documents, beside the engines used plainly, with the demo profile.

Each call goes through the services as they are wired for production, engines in their own processes, only
without broker and store. Plainly means: ``WhisperModel.transcribe`` on each party's channel, or on the mix
together with the pyannote pipeline, each word going to the turn that its middle lies in or is nearest to.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jiwer
import numpy as np
from scipy.optimize import linear_sum_assignment

from consumers.analysis.engine import AnalysisEngine
from consumers.diarization.__main__ import wire as wire_diarization
from consumers.diarization.loading import hub_offline, pyannote_audio
from consumers.diarization.settings import DiarizationSettings
from consumers.diarization.turns import Turn
from consumers.transcription.__main__ import wire as wire_transcription
from consumers.transcription.guards import normalized
from consumers.transcription.settings import TranscriptionSettings
from infra.audio.decode import decode
from infra.audio.waveform import Waveform
from infra.profiles import Profile
from ops.bench.dialogues import Dialogue
from ops.bench.diarization_quality import stock
from ops.bench.figures import Figure, print_rows
from ops.bench.transcription_quality import TextScore, misplaced_words, stock_whisper, stock_words
from ops.models.grammar import LANGUAGES
from ops.models.scenarios import SCENARIOS
from ops.models.synth import LAYOUTS, SyntheticCall, synthesize_call, write_call
from ops.models.truth import CallTruth
from producers.call_ended import CallRequest
from schemas.document import CallDocument
from schemas.records import CallDiarized, CallEnded, CallTranscribed, Role, Word

_LIMIT = 0.15
_SPEAKER_LIMIT = 0.10


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word and who says it: in a document its speaker or, where the channels tell, the role."""

    speaker: str
    word: Word


@dataclass(slots=True)
class CallScore:
    """One system's errors on one call or, added up, on several: texts, and words with the wrong speaker."""

    text: TextScore = field(default_factory=TextScore)
    words: int = 0
    wrong: int = 0

    def rate(self, language: str) -> float:
        """Character error rate in Korean, where spacing is free, word error rate elsewhere."""
        return self.text.cer if language == "ko" else self.text.wer

    @property
    def speaker_error(self) -> float:
        """Share of the words that went to the wrong speaker."""
        return self.wrong / self.words if self.words else 0.0


def fresh_calls(*, seed: int, calls: int) -> Iterator[SyntheticCall]:
    """Calls of sentences that no model was trained on: both languages, both layouts, all kinds in turn.

    A kind of call for which the grammar has too few such sentences makes room for the next kind.
    """
    kinds = list(SCENARIOS)
    for index in range(calls):
        for step in range(len(kinds)):
            try:
                yield synthesize_call(
                    seed=seed + index,
                    language=LANGUAGES[index % 2],
                    layout=LAYOUTS[index // 2 % 2],
                    scenario=kinds[(index // 4 + index + step) % len(kinds)],
                    unseen=True,
                )
            except RuntimeError:
                continue
            break


def document_words(document: CallDocument, *, stereo: bool) -> list[Spoken]:
    """The words of a document with their speakers, in order of time."""
    spoken = [
        Spoken(turn.role if stereo else turn.speaker, word) for turn in document.turns for word in turn.words
    ]
    return sorted(spoken, key=lambda s: (s.word.start_ms, s.word.end_ms))


def true_words(truth: CallTruth) -> list[Spoken]:
    """What is really said, in order of time."""
    return [
        Spoken(turn.speaker, Word(word=word.word, start_ms=word.start_ms, end_ms=word.end_ms))
        for turn in truth.turns
        for word in turn.words
    ]


def speaker_errors(truth: Sequence[Spoken], heard: Sequence[Spoken]) -> tuple[int, int]:
    """(words that both have, those of them with the wrong speaker) under the best one-to-one naming.

    The word diarization error of El Shafey et al. 2019: of the words that the alignment by edit distance calls
    right or replaced. Words left out or invented have no true speaker to compare with.
    """
    pairs = list(_aligned(truth, heard))
    true_names = sorted({true for true, _ in pairs})
    heard_names = sorted({name for _, name in pairs})
    shared = np.zeros((len(true_names), len(heard_names)), dtype=int)
    for true, name in pairs:
        shared[true_names.index(true), heard_names.index(name)] += 1
    right = int(shared[linear_sum_assignment(shared, maximize=True)].sum())
    return len(pairs), len(pairs) - right


def _aligned(truth: Sequence[Spoken], heard: Sequence[Spoken]) -> Iterator[tuple[str, str]]:
    """The speakers, true and heard, of each word that has a counterpart."""
    reference, hypothesis = _forms(truth), _forms(heard)
    if not reference or not hypothesis:
        return
    true_text, heard_text = (" ".join(form for form, _ in words) for words in (reference, hypothesis))
    for chunk in jiwer.process_words(true_text, heard_text).alignments[0]:
        if chunk.type in {"equal", "substitute"}:
            ours = range(chunk.ref_start_idx, chunk.ref_end_idx)
            theirs = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
            yield from ((reference[i][1], hypothesis[j][1]) for i, j in zip(ours, theirs, strict=True))


def _forms(words: Iterable[Spoken]) -> list[tuple[str, str]]:
    """(form without case and punctuation, speaker) of each word."""
    return [(form, s.speaker) for s in words for form in normalized(s.word.word).split()]


def score(truth: CallTruth, heard: Sequence[Spoken], *, stereo: bool) -> CallScore:
    """The errors of ``heard``, whose speakers are roles in stereo.

    In stereo each party's text is compared by itself and times tell a wrong party: speakers overlap there, so
    the order of their words is not certain.
    """
    found = CallScore()
    for party in truth.channels if stereo else (None,):
        reference = " ".join(turn.text for turn in truth.turns if party in {None, turn.role})
        found.text.add(reference, " ".join(s.word.word for s in heard if party in {None, s.speaker}))
    if stereo:
        placed = ((_channel(truth, s.speaker), s.word) for s in heard)
        found.words, found.wrong = misplaced_words(truth, placed)
    else:
        found.words, found.wrong = speaker_errors(true_words(truth), heard)
    return found


def _channel(truth: CallTruth, role: str) -> int:
    """The channel of a role; none has number -1."""
    return truth.channels.index(role) if role in truth.channels else -1


class PlainEngines:
    """Stock Whisper and the stock pyannote pipeline with the profile's weights."""

    def __init__(self, profile: Profile) -> None:
        self._whisper = stock_whisper(profile.transcription)
        with hub_offline():
            pipeline: Any = pyannote_audio().Pipeline.from_pretrained(profile.diarization.pipeline)
        self._speakers = stock(pipeline)

    def words(self, waveform: Waveform, truth: CallTruth, *, stereo: bool) -> list[Spoken]:
        """The words of a call with their speakers."""
        if stereo:
            channels = zip(truth.channels, waveform.samples, strict=True)
            return [
                Spoken(role, word) for role, part in channels for word in stock_words(self._whisper, part)
            ]
        recording = Dialogue(name=truth.call_id, samples=waveform.mono, turns=())
        turns = self._speakers(recording, len(truth.speakers))
        return [Spoken(_nearest(turns, word), word) for word in stock_words(self._whisper, waveform.mono)]


def _nearest(turns: Sequence[Turn], word: Word) -> str:
    middle_s = (word.start_ms + word.end_ms) / 2000
    return min(turns, key=lambda t: max(t.start_s - middle_s, middle_s - t.end_s, 0.0)).speaker


class Services:
    """Transcription and diarization as production wires them, and the analysis."""

    def __init__(self, profile: str, *, recordings: Path) -> None:
        own = {"allowed_roots": (recordings,), "warm_profiles": (profile,), "log_level": "WARNING"}
        self._transcription = wire_transcription(TranscriptionSettings.model_validate(own))
        self._diarization = wire_diarization(DiarizationSettings.model_validate(own))
        self._analysis = AnalysisEngine()

    def stop(self) -> None:
        """End the engines' processes."""
        self._transcription.host.stop()
        self._diarization.host.stop()

    async def document(self, event: CallEnded) -> CallDocument:
        """What the pipeline makes of a call."""
        (transcribed,), (diarized,) = await asyncio.gather(
            self._transcription.stage.handle(event), self._diarization.stage.handle(event)
        )
        if not isinstance(transcribed, CallTranscribed) or not isinstance(diarized, CallDiarized):
            raise TypeError("a stage answered with an event that is not its own")
        return self._analysis.analyse(transcribed, diarized)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One call and the errors of both systems."""

    truth: CallTruth
    stereo: bool
    ours: CallScore
    stock: CallScore

    @property
    def cells(self) -> tuple[object, ...]:
        """The line of the table."""
        rates = (system.rate(self.truth.language) for system in (self.ours, self.stock))
        speakers = (system.speaker_error for system in (self.ours, self.stock))
        return self.truth.call_id, self.ours.words, *rates, *speakers


def measure_calls(profile: Profile, *, seed: int, calls: int) -> list[Figure]:
    """Print the errors on each fresh call; the figures with a goal."""
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        services = Services(profile.name, recordings=Path(folder))
        plain = PlainEngines(profile)
        measured: list[Measured] = []

        def rows() -> Iterator[tuple[object, ...]]:
            for call in fresh_calls(seed=seed, calls=calls):
                path = write_call(Path(folder), call)
                document = runner.run(services.document(_event(call, path, profile.name)))
                measured.append(_measured(call, path, document, plain))
                yield measured[-1].cells

        try:
            header = ("ours", "stock", "ours speaker", "stock speaker")
            print_rows((f"{profile.name}, fresh calls: ko CER, en WER", "words", *header), rows())
        finally:
            services.stop()
    return list(_figures(profile.name, measured))


def _event(call: SyntheticCall, path: Path, queue: str) -> CallEnded:
    """What a telephony system says of the call: its parties, not its language."""
    return CallRequest(
        recording=str(path),
        call_id=call.truth.call_id,
        channel_roles=tuple(Role(role) for role in call.truth.channels),
        speakers_hint=len(call.truth.speakers),
        queue=queue,
    ).event()


def _measured(call: SyntheticCall, path: Path, document: CallDocument, plain: PlainEngines) -> Measured:
    stereo = len(call.truth.channels) > 1
    waveform = decode(path.read_bytes(), max_duration_s=call.truth.duration_ms / 1000 + 1)
    theirs = plain.words(waveform, call.truth, stereo=stereo)
    return Measured(
        truth=call.truth,
        stereo=stereo,
        ours=score(call.truth, document_words(document, stereo=stereo), stereo=stereo),
        stock=score(call.truth, theirs, stereo=stereo),
    )


def _figures(profile: str, measured: Sequence[Measured]) -> Iterator[Figure]:
    names = {"ko": "CER of Korean", "en": "WER of English"}
    for language, name in names.items():
        calls = [call for call in measured if call.truth.language == language]
        rates = [_total(calls, system).rate(language) for system in ("ours", "stock")] if calls else []
        if rates:
            yield Figure(name=f"{profile}, fresh calls: {name}", ours=rates[0], stock=rates[1], limit=_LIMIT)
    for stereo, name, limit in ((True, "stereo", 0.0), (False, "mono", _SPEAKER_LIMIT)):
        calls = [call for call in measured if call.stereo is stereo]
        if calls:
            yield Figure(
                name=f"{profile}, fresh {name} calls: words with the wrong speaker",
                ours=_total(calls, "ours").speaker_error,
                stock=_total(calls, "stock").speaker_error,
                limit=limit,
            )


def _total(measured: Iterable[Measured], system: str) -> CallScore:
    total = CallScore()
    for call in measured:
        part: CallScore = getattr(call, system)
        total.text.references += part.text.references
        total.text.hypotheses += part.text.hypotheses
        total.words += part.words
        total.wrong += part.wrong
    return total
