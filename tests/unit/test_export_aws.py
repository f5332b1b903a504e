"""A document in Amazon's shape: every field of "Call analytics output", with the document's own values."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.errors import Poison
from ops.aws_export import call_analytics
from ops.cli.main import app
from schemas.acts import Basis, Category
from schemas.document import (
    CallDocument,
    Conversation,
    Interruptions,
    LongGaps,
    NonTalk,
    Participant,
    PartyInterruptions,
    PartyMilliseconds,
    PartySpeechRate,
    Provenance,
    Sentence,
    Skipped,
    SkipReason,
    Span,
    SpeechRate,
    Turn,
)
from schemas.outcome import Quote, Summary
from schemas.personal_data import PersonalData, PersonalDataType, RedactionAction
from schemas.records import DocumentStatus, Role, Word
from schemas.sentiment import CallSentiment, PartySentiment, Sentiment, TurnSentiment


def sentence(sentence_id: str, text: str, start_ms: int, end_ms: int, score: float) -> Sentence:
    label: Any = "positive" if score > 0 else "negative" if score < 0 else "neutral"
    return Sentence(
        id=sentence_id,
        text=text,
        start_ms=start_ms,
        end_ms=end_ms,
        sentiment=Sentiment(label=label, score=score),
    )


def quote(sentence_id: str, text: str) -> Quote:
    return Quote(turn_id=sentence_id[:5], sentence_id=sentence_id, start_ms=0, end_ms=1, text=text)


def party(score: float) -> PartySentiment:
    label: Any = "negative" if score < 0 else "positive"
    return PartySentiment(label=label, score=score, aws_score=5 * score, sentences=2, quarters=())


TURNS = (
    Turn(
        id="t0001",
        speaker="B",
        role=Role.CUSTOMER,
        start_ms=0,
        end_ms=4000,
        text="Well hello. My bill is wrong.",
        words=(
            Word(word=" Well", start_ms=0, end_ms=400, confidence=0.9),
            Word(word="hello.", start_ms=400, end_ms=900),
        ),
        sentences=(
            sentence("t0001.s1", "Well hello. ", 0, 900, 0.4),
            sentence("t0001.s2", "My bill is wrong.", 3000, 4000, -0.4),
        ),
        sentiment=TurnSentiment(label="neutral", score=0),
    ),
    Turn(
        id="t0002",
        speaker="A",
        role=Role.AGENT,
        start_ms=3500,
        end_ms=8000,
        text="It is fixed. We will call you.",
        sentences=(
            sentence("t0002.s1", "It is fixed. ", 3500, 5000, 0.5),
            sentence("t0002.s2", "We will call you.", 5000, 8000, 0.0),
        ),
        sentiment=TurnSentiment(label="positive", score=0.5),
    ),
)

DOCUMENT = CallDocument(
    call_id="call-7",
    tenant="acme",
    run_id="r",
    status=DocumentStatus.COMPLETE,
    language="en",
    participants=(
        Participant(speaker="B", role=Role.CUSTOMER, confidence=1),
        Participant(speaker="A", role=Role.AGENT, confidence=1),
    ),
    turns=TURNS,
    conversation=Conversation(
        duration_ms=8000,
        start_ms=0,
        end_ms=8000,
        talk_time_ms=PartyMilliseconds(agent=4500, customer=4000),
        non_talk=NonTalk(
            total_ms=3200,
            longest_ms=3200,
            instances=(Span(start_ms=900, end_ms=4100),),
            over_5s=LongGaps(count=0, total_ms=0),
        ),
        interruptions=Interruptions(
            agent=PartyInterruptions(count=1, total_ms=500, instances=(Span(start_ms=3500, end_ms=4000),)),
            customer=PartyInterruptions(count=0, total_ms=0, instances=()),
            reliability="high",
        ),
        speech_rate=PartySpeechRate(agent=SpeechRate(words_per_minute=140.4, voiced_ms=4000)),
    ),
    sentiment=CallSentiment(customer=party(-0.2), agent=party(0.3)),
    categories=(
        Category(name="wrong_bill", evidence=(Basis(start_ms=3000, end_ms=4000),)),
        Category(name="no_greeting"),
    ),
    summary=Summary(
        text="My bill is wrong. It is fixed. We will call you.",
        issue=quote("t0001.s2", "My bill is wrong."),
        outcome=quote("t0002.s1", "It is fixed."),
        promise=quote("t0002.s2", "We will call you."),
    ),
    skipped=(
        Skipped(feature="quality", reason=SkipReason.TOO_FEW, message="too little"),
        Skipped(feature="acts", reason=SkipReason.ROLES_UNKNOWN, message="who is who"),
    ),
    provenance=Provenance(analysis="1", speakers_from="channels"),
)
FOUND = call_analytics(DOCUMENT)
TRAITS = FOUND["ConversationCharacteristics"]


def test_the_job_is_the_call() -> None:
    assert {key: FOUND[key] for key in ("JobStatus", "LanguageCode", "AccountId", "JobName", "Channel")} == {
        "JobStatus": "COMPLETED",
        "LanguageCode": "en-US",
        "AccountId": "acme",
        "JobName": "call-7",
        "Channel": "VOICE",
    }
    assert FOUND["Participants"] == [{"ParticipantRole": "CUSTOMER"}, {"ParticipantRole": "AGENT"}]
    assert set(FOUND) == {
        *("JobStatus", "LanguageCode", "AccountId", "JobName", "Channel", "Participants", "Categories"),
        *("ConversationCharacteristics", "Transcript", "ContentMetadata", "LanguageIdentification"),
        "AnalyticsJobDetails",
    }
    assert FOUND["ContentMetadata"] == {"Output": "Raw"}


def test_a_category_matched_by_absence_has_no_points_of_interest() -> None:
    assert FOUND["Categories"] == {
        "MatchedCategories": ["wrong_bill", "no_greeting"],
        "MatchedDetails": {
            "wrong_bill": {"PointsOfInterest": [{"BeginOffsetMillis": 3000, "EndOffsetMillis": 4000}]},
            "no_greeting": {"PointsOfInterest": []},
        },
    }


def test_timing_is_told_in_amazons_words() -> None:
    assert TRAITS["TotalConversationDurationMillis"] == 8000
    assert TRAITS["NonTalkTime"] == {
        "TotalTimeMillis": 3200,
        "Instances": [{"BeginOffsetMillis": 900, "EndOffsetMillis": 4100, "DurationMillis": 3200}],
    }
    assert TRAITS["TalkSpeed"] == {"DetailsByParticipant": {"AGENT": {"AverageWordsPerMinute": 140}}}
    assert TRAITS["TalkTime"] == {
        "TotalTimeMillis": 8500,
        "DetailsByParticipant": {"AGENT": {"TotalTimeMillis": 4500}, "CUSTOMER": {"TotalTimeMillis": 4000}},
    }


def test_a_party_that_never_interrupts_is_left_out() -> None:
    assert TRAITS["Interruptions"] == {
        "TotalCount": 1,
        "TotalTimeMillis": 500,
        "InterruptionsByInterrupter": {
            "AGENT": [{"BeginOffsetMillis": 3500, "EndOffsetMillis": 4000, "DurationMillis": 500}]
        },
    }


def test_each_partys_quarters_end_with_its_own_last_word_and_may_lack_a_score() -> None:
    assert TRAITS["Sentiment"]["OverallSentiment"] == {"AGENT": 1.5, "CUSTOMER": -1.0}
    assert TRAITS["Sentiment"]["SentimentByPeriod"]["QUARTER"] == {
        "AGENT": [
            {"BeginOffsetMillis": 0, "EndOffsetMillis": 2000},
            {"Score": 2.5, "BeginOffsetMillis": 2000, "EndOffsetMillis": 4000},
            {"Score": 0.0, "BeginOffsetMillis": 4000, "EndOffsetMillis": 6000},
            {"BeginOffsetMillis": 6000, "EndOffsetMillis": 8000},
        ],
        "CUSTOMER": [
            {"Score": 2.0, "BeginOffsetMillis": 0, "EndOffsetMillis": 1000},
            {"BeginOffsetMillis": 1000, "EndOffsetMillis": 2000},
            {"BeginOffsetMillis": 2000, "EndOffsetMillis": 3000},
            {"Score": -2.0, "BeginOffsetMillis": 3000, "EndOffsetMillis": 4000},
        ],
    }


def test_the_summary_is_the_contact_summary() -> None:
    content = "My bill is wrong. It is fixed. We will call you."
    assert TRAITS["ContactSummary"] == {"AutoGenerated": {"OverallSummary": {"Content": content}}}


def test_a_turn_has_its_words_its_mood_and_what_was_detected_in_it() -> None:
    assert FOUND["Transcript"][0] == {
        "Id": "t0001",
        "ParticipantRole": "CUSTOMER",
        "Content": "Well hello. My bill is wrong.",
        "BeginOffsetMillis": 0,
        "EndOffsetMillis": 4000,
        "Sentiment": "MIXED",
        "Items": [
            {
                "Type": "pronunciation",
                "Content": "Well",
                "Confidence": 0.9,
                "BeginOffsetMillis": 0,
                "EndOffsetMillis": 400,
            },
            {"Type": "pronunciation", "Content": "hello.", "BeginOffsetMillis": 400, "EndOffsetMillis": 900},
        ],
        "IssuesDetected": [{"CharacterOffsets": {"Begin": 12, "End": 29}}],
    }


def test_character_offsets_cut_the_quote_out_of_the_turn() -> None:
    turn = FOUND["Transcript"][1]
    assert turn["Sentiment"] == "POSITIVE"
    for key, text in (("OutcomesDetected", "It is fixed."), ("ActionItemsDetected", "We will call you.")):
        (found,) = turn[key]
        offsets = found["CharacterOffsets"]
        assert turn["Content"][offsets["Begin"] : offsets["End"]] == text


def test_what_was_replaced_makes_the_output_redacted_and_what_is_kept_does_not() -> None:
    where = {"turn_id": "t0001", "start_ms": 3000, "end_ms": 3500, "start_char": 0, "end_char": 6}
    card = PersonalData(type=PersonalDataType.CARD, action=RedactionAction.MASK, confidence=1, **where)
    name = card.model_copy(update={"type": PersonalDataType.AGENT_NAME, "action": RedactionAction.KEEP})
    kept = call_analytics(DOCUMENT.model_copy(update={"pii": (name,)}))
    assert kept["ContentMetadata"] == {"Output": "Raw"}
    assert "Redaction" not in kept["Transcript"][0]
    redacted = call_analytics(DOCUMENT.model_copy(update={"pii": (card, name)}))
    assert redacted["ContentMetadata"] == {"Output": "Redacted", "RedactionTypes": ["PII"]}
    spans = [{"BeginOffsetMillis": 3000, "EndOffsetMillis": 3500}]
    assert redacted["Transcript"][0]["Redaction"] == {"RedactedTimestamps": spans}
    assert "Redaction" not in redacted["Transcript"][1]


def test_reasons_keep_their_code_where_amazon_has_none() -> None:
    assert FOUND["AnalyticsJobDetails"] == {
        "Skipped": [
            {
                "Feature": "quality",
                "ReasonCode": "INSUFFICIENT_CONVERSATION_CONTENT",
                "Message": "too little",
            },
            {"Feature": "acts", "ReasonCode": "ROLES_UNKNOWN", "Message": "who is who"},
        ]
    }


def test_a_failed_call_without_anything_is_still_a_job() -> None:
    bare = CallDocument(
        call_id="c",
        run_id="r",
        status=DocumentStatus.FAILED,
        provenance=Provenance(analysis="none", speakers_from="none"),
    )
    found = call_analytics(bare)
    assert (found["JobStatus"], found["LanguageCode"]) == ("FAILED", None)
    assert (found["Transcript"], found["ConversationCharacteristics"]) == ([], {})


def test_the_command_writes_the_document_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "document.json"
    file.write_text(DOCUMENT.model_dump_json(), encoding="utf-8")
    result = CliRunner().invoke(app, ["export", "--format", "aws", "--file", str(file)])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(json.dumps(FOUND))


def test_a_file_that_is_no_document_is_told_of_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "document.json"
    file.write_text('{"call_id": "c", "secret": "0101234"}', encoding="utf-8")
    result = CliRunner().invoke(app, ["export", "--format", "aws", "--file", str(file)])
    assert isinstance(result.exception, Poison)
    assert "secret" in result.exception.message
    assert "0101234" not in result.exception.message


@pytest.mark.parametrize("arguments", [[], ["call-7", "--file", __file__]])
def test_a_call_or_a_file_has_to_be_named(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["export", "--format", "aws", *arguments]).exit_code == 2
