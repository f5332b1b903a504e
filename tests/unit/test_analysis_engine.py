"""Every call becomes a document: whole, partial, failed, silent, one-sided; and says what it lacks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

import schemas.document
from consumers.analysis.analysts import ANALYSERS
from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.summary import summarise
from consumers.analysis.tables import Tables
from consumers.analysis.transcript import analyse_turns
from consumers.analysis.view import CallView, Findings
from infra.errors import Poison
from schemas.document import CallDocument
from schemas.records import (
    Audio,
    Call,
    CallDiarized,
    CallTranscribed,
    DiarizationMethod,
    DocumentStatus,
    Layout,
    Recording,
    Role,
    SpeakerSegment,
    StageError,
    StageStatus,
    TranscriptSegment,
    Word,
)

ENGINE = AnalysisEngine()
QUOTE = "어제 주문한 세탁기가 고장 났어요"
SAID = [
    (0, 0, "안녕하세요 한빛 통신 고객센터입니다 무엇을 도와드릴까요"),
    (1, 4000, QUOTE),
    (0, 8000, "고객님 불편을 드려 죄송합니다 확인해 드리겠습니다"),
]


def segment(channel: int, start_ms: int, text: str) -> TranscriptSegment:
    words = [
        Word(word=w, start_ms=start_ms + n * 400, end_ms=start_ms + n * 400 + 400, confidence=0.9)
        for n, w in enumerate(text.split())
    ]
    return TranscriptSegment(
        channel=channel, start_ms=start_ms, end_ms=words[-1].end_ms, text=text, words=tuple(words)
    )


def stage(**fields: Any) -> dict[str, Any]:
    recording = Recording(uri="file:///calls/1.wav", channel_roles=fields.pop("channel_roles", ()))
    envelope = {"event_id": "e", "call_id": "call-1", "run_id": "run-1", "produced_at_ms": 1, "revision": 2}
    call = Call(recording=recording, queue="support", agent_id="kim", attributes={"vip": "yes"})
    return envelope | {"call": call, "status": StageStatus.OK} | fields


def failed(name: str) -> dict[str, Any]:
    error = StageError(stage=name, code="timeout", message="took too long")
    return stage(status=StageStatus.FAILED, error=error)


def audio(layout: Layout) -> Audio:
    return Audio(
        duration_ms=12_000, sample_rate_hz=8000, channels=2 if layout is Layout.STEREO else 1, layout=layout
    )


def transcribed(*, mono: bool = False, **fields: Any) -> CallTranscribed:
    segments = tuple(segment(0 if mono else channel, start, text) for channel, start, text in SAID)
    layout = Layout.MONO if mono else Layout.STEREO
    found = {"language": "ko", "model": "tiny", "audio": audio(layout), "segments": segments}
    return CallTranscribed(**stage(**found | fields))


def diarized(*, mono: bool = False, **fields: Any) -> CallDiarized:
    segments = tuple(
        SpeakerSegment(
            speaker=f"SPEAKER_0{channel}",
            channel=None if mono else channel,
            start_ms=start,
            end_ms=start + 400 * len(text.split()),
        )
        for channel, start, text in SAID
    )
    method = DiarizationMethod.MODEL if mono else DiarizationMethod.CHANNELS
    return CallDiarized(**stage(**{"method": method, "model": "pipeline", "segments": segments} | fields))


def reasons(document: CallDocument) -> dict[str, str]:
    return {skipped.feature: skipped.reason for skipped in document.skipped}


def test_a_stereo_call_is_complete_and_reliable() -> None:
    document = ENGINE.analyse(transcribed(), diarized())
    assert document.status is DocumentStatus.COMPLETE
    assert document.speech is True
    assert [(t.speaker, t.role, t.text) for t in document.turns] == [
        (f"SPEAKER_0{channel}", Role.CUSTOMER if channel else Role.AGENT, text) for channel, _, text in SAID
    ]
    assert document.provenance.speakers_from == "channels"
    assert document.conversation is not None
    assert document.conversation.overlap_reliability == "high"
    assert reasons(document) == {}


def test_regression_c11_the_document_carries_call_models_versions_and_word_confidence() -> None:
    document = ENGINE.analyse(transcribed(), diarized())
    assert (document.call_id, document.run_id, document.revision) == ("call-1", "run-1", 2)
    assert (document.call.agent_id, document.call.queue) == ("kim", "support")
    assert (document.models.transcription, document.models.diarization) == ("tiny", "pipeline")
    assert {"tokeniser.ko", "roles", "sentiment.ko", "backchannels"} <= set(document.provenance.versions)
    assert document.turns[0].words[0].confidence == 0.9


def test_channel_roles_of_the_call_become_roles_with_certainty() -> None:
    roles = (Role.CUSTOMER, Role.AGENT)
    document = ENGINE.analyse(transcribed(channel_roles=roles), diarized(channel_roles=roles))
    assert [(p.role, p.confidence) for p in document.participants] == [(roles[0], 1.0), (roles[1], 1.0)]


def test_a_mono_call_takes_its_speakers_from_diarization_and_says_overlap_is_unreliable() -> None:
    document = ENGINE.analyse(transcribed(mono=True), diarized(mono=True))
    assert document.provenance.speakers_from == "diarization"
    assert [t.speaker for t in document.turns] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]
    assert document.conversation is not None
    assert document.conversation.interruptions is not None
    assert document.conversation.interruptions.reliability == "low"


def test_stereo_without_diarization_still_knows_its_speakers() -> None:
    document = ENGINE.analyse(transcribed(), CallDiarized(**failed("diarization")))
    assert document.status is DocumentStatus.PARTIAL
    assert [error.stage for error in document.errors] == ["diarization"]
    assert [t.speaker for t in document.turns] == ["CHANNEL_0", "CHANNEL_1", "CHANNEL_0"]
    assert document.conversation is not None
    assert document.conversation.talk_time_ms.agent is not None


def test_mono_without_diarization_keeps_text_and_gaps_and_skips_what_needs_speakers() -> None:
    document = ENGINE.analyse(transcribed(mono=True), CallDiarized(**failed("diarization")))
    assert document.status is DocumentStatus.PARTIAL
    assert {t.speaker for t in document.turns} == {"SPEAKER_UNKNOWN"}
    assert "".join(t.text for t in document.turns).replace(" ", "") == "".join(
        text for *_, text in SAID
    ).replace(" ", "")
    found = document.conversation
    assert found is not None
    assert found.non_talk is not None
    assert (found.talk_time_ms.agent, found.overlap_ms, found.interruptions) == (None, None, None)
    missing = {
        "talk_time",
        "overlap",
        "interruptions",
        "response_latency",
        "speech_rate",
        "sentiment.parties",
    }
    assert {f for f, reason in reasons(document).items() if reason == "diarization_failed"} >= missing


def test_regression_k8_a_failed_transcription_is_said_and_the_call_still_timed() -> None:
    document = ENGINE.analyse(CallTranscribed(**failed("transcription")), diarized())
    assert document.status is DocumentStatus.PARTIAL
    assert (document.speech, document.turns) == (True, ())
    assert document.conversation is not None
    assert document.conversation.talk_time_by_speaker_ms == {"SPEAKER_00": 4800, "SPEAKER_01": 2000}
    assert document.conversation.interruptions is None
    assert reasons(document)["interruptions"] == "transcription_failed"


def test_both_failed_is_a_failed_document_with_both_errors() -> None:
    document = ENGINE.analyse(
        CallTranscribed(**failed("transcription")), CallDiarized(**failed("diarization"))
    )
    assert document.status is DocumentStatus.FAILED
    assert [error.stage for error in document.errors] == ["transcription", "diarization"]
    assert (document.speech, document.conversation) == (None, None)


def test_silence_is_a_complete_result_with_its_reason() -> None:
    document = ENGINE.analyse(transcribed(segments=()), diarized(segments=()))
    assert document.status is DocumentStatus.COMPLETE
    assert document.speech is False
    assert reasons(document) == {"turns": "no_speech", "conversation": "no_speech", "sentiment": "no_speech"}


def test_regression_c3_a_one_sided_call_is_a_result() -> None:
    voicemail = transcribed(mono=True, segments=(segment(0, 0, QUOTE),))
    only = (SpeakerSegment(speaker="SPEAKER_00", start_ms=0, end_ms=2000),)
    document = ENGINE.analyse(voicemail, diarized(mono=True, segments=only))
    assert document.status is DocumentStatus.COMPLETE
    assert [(p.role, 0 < p.confidence < 1) for p in document.participants] == [(Role.CUSTOMER, True)]
    assert document.sentiment is not None
    assert document.sentiment.agent is None
    assert reasons(document)["sentiment.agent"] == "party_absent"
    assert reasons(document)["interruptions"] == "party_absent"


def test_voices_without_words_are_speech() -> None:
    document = ENGINE.analyse(transcribed(segments=()), diarized())
    assert document.speech is True
    assert reasons(document)["sentiment"] == "no_words"


def test_a_click_that_only_the_diarizer_hears_is_no_speech() -> None:
    """Less than a second of voice and not a word: the 0.2 s recording is a result without speech."""
    click = SpeakerSegment(speaker="SPEAKER_00", start_ms=0, end_ms=200)
    document = ENGINE.analyse(transcribed(segments=()), diarized(segments=(click,)))
    assert document.status is DocumentStatus.COMPLETE
    assert document.speech is False


def test_unknown_roles_leave_party_metrics_null_but_speaker_metrics_there() -> None:
    rows = [("X", 0, 1000, "네"), ("Y", 2000, 3000, "아니요")]
    turns = [{"speaker": s, "start_ms": a, "end_ms": b, "text": text} for s, a, b, text in rows]
    document = analyse_turns(ENGINE, {"call_id": "c", "language": "ko", "turns": turns})
    assert document.conversation is not None
    assert document.conversation.talk_time_ms.agent is None
    assert document.conversation.talk_time_by_speaker_ms == {"X": 1000, "Y": 1000}
    assert reasons(document)["talk_time"] == "roles_unknown"


def nulls(value: object, path: str = "") -> list[str]:
    if isinstance(value, Mapping):
        return [found for key, item in value.items() for found in nulls(item, f"{path}.{key}".lstrip("."))]
    return [path] if value is None else []


@pytest.mark.parametrize(
    "document",
    [
        ENGINE.analyse(transcribed(mono=True), CallDiarized(**failed("diarization"))),
        ENGINE.analyse(CallTranscribed(**failed("transcription")), diarized()),
        ENGINE.analyse(transcribed(segments=()), diarized()),
    ],
    ids=["no speakers", "no transcript", "no words"],
)
def test_every_null_in_the_conversation_has_an_entry_in_skipped(document: CallDocument) -> None:
    features = {skipped.feature.split(".")[0] for skipped in document.skipped}
    assert document.conversation is not None
    feature_of = {"talk_time_ms": "talk_time", "talk_share_agent": "talk_share", "switches": "turns"} | {
        "overlap_ms": "overlap",
        "overlap_reliability": "overlap",
        "response_latency_ms": "response_latency",
        "longest_monologue_ms": "longest_monologue",
    }
    missing = {path.split(".")[0] for path in nulls(document.conversation.model_dump())}
    assert {feature_of.get(name, name) for name in missing} <= features


@dataclass(frozen=True)
class Broken:
    """An analyser with a bug whose message quotes the customer."""

    name: str = "broken"

    def versions(self, _: Tables) -> Mapping[str, str]:
        return {}

    def analyse(self, call: CallView) -> Findings:
        raise KeyError(call.speech.turns[1].text)


def test_regression_c9_k6_an_analyser_that_raises_costs_its_own_feature_only() -> None:
    with capture_logs() as logs:
        document = AnalysisEngine((Broken(), *ANALYSERS)).analyse(transcribed(), diarized())
    assert reasons(document) == {"broken": "bug"}
    assert document.sentiment is not None
    assert [(log["event"], log["feature"], log["error"]) for log in logs] == [
        ("analyser_failed", "broken", "KeyError")
    ]


def test_regression_c10_no_log_entry_quotes_the_call() -> None:
    with capture_logs() as logs:
        AnalysisEngine((Broken(),)).analyse(transcribed(), diarized())
    assert QUOTE not in json.dumps(logs, ensure_ascii=False)


def test_the_same_events_give_the_same_document_in_every_engine() -> None:
    one = ENGINE.analyse(transcribed(), diarized()).model_dump_json()
    assert one == AnalysisEngine().analyse(transcribed(), diarized()).model_dump_json()


def test_a_document_survives_json() -> None:
    document = ENGINE.analyse(transcribed(), diarized())
    assert CallDocument.model_validate_json(document.model_dump_json()) == document


def test_events_of_two_runs_are_never_joined() -> None:
    with pytest.raises(Poison, match="run-2"):
        ENGINE.analyse(transcribed(), diarized(run_id="run-2"))


def test_the_summary_has_the_figures_and_not_a_word() -> None:
    document = ENGINE.analyse(transcribed(), diarized())
    event = summarise(document, event_id="e-9", produced_at_ms=7)
    assert (event.event_id, event.produced_at_ms, event.duration_ms) == ("e-9", 7, 12_000)
    assert {(p.speaker, p.role, p.talk_time_ms) for p in event.parties} == {
        ("SPEAKER_00", Role.AGENT, 4800),
        ("SPEAKER_01", Role.CUSTOMER, 2000),
    }
    assert {p.sentiment_label for p in event.parties} == {"neutral", "negative"}
    assert not any(word in event.model_dump_json() for *_, text in SAID for word in text.split())


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        ([], "object"),
        ({"call_id": "c"}, "turns"),
        (
            {"call_id": "c", "turns": [{"speaker": "A", "start_ms": 5, "end_ms": 1, "text": ""}]},
            "before start_ms",
        ),
        ({"call_id": "c", "turns": [{"speaker": "A", "start_ms": "x", "end_ms": 1, "text": ""}]}, "start_ms"),
        ({"call_id": "c", "turns": [], "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_file_is_poison_and_says_where(payload: object, complaint: str) -> None:
    with pytest.raises(Poison, match=complaint):
        analyse_turns(ENGINE, payload)


def test_complaints_about_a_file_do_not_quote_it() -> None:
    turns: Sequence[object] = [{"speaker": "A", "start_ms": 0, "end_ms": 1, "text": {"said": QUOTE}}]
    with pytest.raises(Poison) as caught:
        analyse_turns(ENGINE, {"call_id": "c", "turns": turns})
    assert QUOTE not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "language"), [(QUOTE, "ko"), ("What is the status of my refund?", "en"), ("もしもし", None)]
)
def test_a_missing_language_is_told_from_the_text_or_stays_unknown(text: str, language: str | None) -> None:
    turns = [{"speaker": "A", "start_ms": 0, "end_ms": 1000, "text": text}]
    assert analyse_turns(ENGINE, {"call_id": "c", "turns": turns}).language == language


def test_a_regional_language_tag_counts_as_its_language() -> None:
    turns = [{"speaker": "A", "start_ms": 0, "end_ms": 1000, "text": QUOTE}]
    document = analyse_turns(ENGINE, {"call_id": "c", "language": "ko-KR", "turns": turns})
    assert document.language == "ko"
    assert document.turns[0].sentences[0].sentiment is not None


def test_the_json_schema_in_the_repository_is_up_to_date() -> None:
    """Where this fails on purpose, write ``json_schema()`` to the file, with indent=2 and sorted keys."""
    file = Path(schemas.document.__file__).with_suffix(".schema.json")
    assert json.loads(file.read_text(encoding="utf-8")) == schemas.document.json_schema()
