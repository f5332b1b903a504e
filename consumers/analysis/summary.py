"""A document's figures for subscribers that must not see a word of the call."""

from schemas.document import CallDocument, Conversation, Participant, PartyInterruptions
from schemas.records import CallAnalyzed, PartySummary, Role
from schemas.sentiment import PartySentiment


def summarise(document: CallDocument, *, event_id: str, produced_at_ms: int) -> CallAnalyzed:
    """The event of a document. Interruptions and sentiment are a party's, given to its only speaker."""
    conversation = document.conversation
    non_talk = conversation.non_talk if conversation else None
    return CallAnalyzed(
        event_id=event_id,
        produced_at_ms=produced_at_ms,
        call_id=document.call_id,
        tenant=document.tenant,
        run_id=document.run_id,
        revision=document.revision,
        status=document.status,
        errors=document.errors,
        direction=document.call.direction,
        agent_id=document.call.agent_id,
        queue=document.call.queue,
        language=document.language,
        started_at_ms=document.call.started_at_ms,
        ended_at_ms=document.call.ended_at_ms,
        duration_ms=document.audio.duration_ms if document.audio else _length(conversation),
        non_talk_ms=non_talk.total_ms if non_talk else None,
        parties=tuple(_party(document, participant) for participant in document.participants),
    )


def _length(conversation: Conversation | None) -> int | None:
    return conversation.duration_ms if conversation else None


def _party(document: CallDocument, participant: Participant) -> PartySummary:
    sentiment = _sentiment(document, participant.role)
    interruptions = _interruptions(document.conversation, participant.role)
    return PartySummary(
        speaker=participant.speaker,
        role=participant.role,
        role_confidence=participant.confidence,
        talk_time_ms=_talk_time(document, participant.speaker),
        interruptions=interruptions.count if interruptions else None,
        sentiment_label=sentiment.label if sentiment else None,
        sentiment_score=sentiment.score if sentiment else None,
    )


def _talk_time(document: CallDocument, speaker: str) -> int:
    """Where the timing was skipped, the sum of the speaker's turns."""
    known = document.conversation.talk_time_by_speaker_ms if document.conversation else {}
    turns = (turn.end_ms - turn.start_ms for turn in document.turns if turn.speaker == speaker)
    return known[speaker] if speaker in known else sum(turns)


def _sentiment(document: CallDocument, role: Role) -> PartySentiment | None:
    if document.sentiment is None:
        return None
    return {Role.AGENT: document.sentiment.agent, Role.CUSTOMER: document.sentiment.customer}.get(role)


def _interruptions(conversation: Conversation | None, role: Role) -> PartyInterruptions | None:
    if conversation is None or conversation.interruptions is None:
        return None
    found = conversation.interruptions
    return {Role.AGENT: found.agent, Role.CUSTOMER: found.customer}.get(role)
