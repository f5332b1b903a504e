"""The analysis of one call: transcript and diarization in, document out. No I/O, no clock, no randomness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import SecretStr

from consumers.analysis.analysts import ANALYSERS
from consumers.analysis.guard import guarded
from consumers.analysis.join import Joined, SpeakersFrom, join
from consumers.analysis.language import language_of
from consumers.analysis.personal_data.policy import POLICY, RedactionPolicy, Redactor
from consumers.analysis.personal_data.redaction import Redacted, redact
from consumers.analysis.roles import TABLE as ROLES
from consumers.analysis.roles import CueTable, RoleResolver
from consumers.analysis.scorecard.rubric import TABLE as RUBRIC
from consumers.analysis.scorecard.rubric import Rubric
from consumers.analysis.scorecard.scoring import score
from consumers.analysis.sentences import SpokenSentence
from consumers.analysis.skips import skip, skip_all, without_parties
from consumers.analysis.speech import Speech, SpokenTurn
from consumers.analysis.tables import Tables, TenantTables
from consumers.analysis.tokens import KoreanTokeniser, Tokeniser, WordTokeniser
from consumers.analysis.view import Analyser, CallView, Findings
from infra.errors import ErrorCode, Poison
from schemas.document import (
    CallDocument,
    CallMetadata,
    Models,
    Participant,
    Provenance,
    Sentence,
    Skipped,
    SkipReason,
    Turn,
)
from schemas.records import (
    Audio,
    CallDiarized,
    CallTranscribed,
    DocumentStatus,
    Role,
    StageError,
    StageEvent,
    StageStatus,
)

VERSION = "2"
"""Of the analysis itself; raised whenever the same input may give another document."""

DEFAULT_TENANT = "default"

_NONE_SPLIT: Mapping[str, tuple[SpokenSentence, ...]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFacts:
    """What a document says of a call besides its analysis."""

    call_id: str
    tenant: str = DEFAULT_TENANT
    run_id: str
    revision: int = 1
    status: DocumentStatus
    errors: tuple[StageError, ...] = ()
    call: CallMetadata = field(default_factory=CallMetadata)
    channel_roles: tuple[Role, ...] = ()
    audio: Audio | None = None
    language: str | None = None
    models: Models = field(default_factory=Models)


class AnalysisEngine:
    """Analyses calls one after the other; keeps the tokenisers and tables that it has loaded.

    ``analysers`` run in order; one that raises costs its own feature and nothing else. ``pii_key`` is for
    policies that hash personal data. ``tables`` are those of every tenant; without them each has its own under
    ``rules_dir``, a changed file being noticed at the next call.
    """

    def __init__(
        self,
        analysers: Sequence[Analyser] = ANALYSERS,
        *,
        tables: Tables | None = None,
        rules_dir: Path | None = None,
        pii_key: SecretStr | None = None,
    ) -> None:
        self._pii_key = pii_key
        self._analysers = tuple(analysers)
        self._fixed = tables
        self._tenants = TenantTables(rules_dir)
        self._korean = KoreanTokeniser()
        self._words = WordTokeniser()
        self._roles = RoleResolver()

    def warm_up(self) -> None:
        """Load everything that the first call would otherwise wait for."""
        self._korean.tokenise("안녕하세요")
        self._versions(DEFAULT_TENANT)

    def analyse(self, transcribed: CallTranscribed, diarized: CallDiarized) -> CallDocument:
        """The document of a call; Poison when the events belong to different runs."""
        ours = (transcribed.call_id, transcribed.tenant, transcribed.run_id)
        if ours != (diarized.call_id, diarized.tenant, diarized.run_id):
            raise Poison(
                ErrorCode.CONTRACT,
                f"transcript of run {transcribed.run_id} and diarization of run {diarized.run_id} differ",
            )
        return self.document(_facts(transcribed, diarized), join(transcribed, diarized))

    def document(self, facts: CallFacts, joined: Joined) -> CallDocument:
        """The document of speech that is already joined."""
        if facts.status is DocumentStatus.FAILED:
            return self._bare(facts, speech=None, skipped=(), source="none")
        if not joined.speech.speakers:
            return self._bare(facts, *_silence(joined), source="none")
        view, skipped = self._view(facts, joined)
        findings = [self._run(analyser, view) for analyser in self._analysers]
        spoken, more = guarded("sentences", view, lambda: view.sentences, _NONE_SPLIT)
        bare = self._bare(facts, speech=True, skipped=(), source=joined.speakers_from)
        fields = {name: value for found in findings for name, value in found.fields.items()}
        extras = _extras(findings)
        document = bare.model_copy(
            update={
                "language": view.language,
                "participants": view.participants,
                "turns": tuple(_turn(t, view, spoken.get(t.id, ()), extras) for t in view.speech.turns),
                "skipped": (*skipped, *more, *(s for found in findings for s in found.skipped)),
                **fields,
            },
        )
        return _scored(document, view)

    def _view(self, facts: CallFacts, joined: Joined) -> tuple[CallView, list[Skipped]]:
        language = _primary(facts.language) or language_of(turn.text for turn in joined.speech.turns)
        view = CallView(
            call_id=facts.call_id,
            language=language,
            speech=joined.speech,
            participants=(),
            mixed=joined.mixed,
            tokeniser=self._tokeniser(language),
            unattributed=joined.unattributed,
            wordless=joined.wordless,
            tables=self._tables(facts.tenant),
            direction=facts.call.direction,
        )
        nobody = tuple(
            Participant(speaker=s, role=Role.UNKNOWN, confidence=0) for s in joined.speech.speakers
        )
        parts, skipped = guarded("roles", view, lambda: self._resolve_roles(facts, view), nobody)
        if joined.wordless is not None:
            skipped += skip_all(("turns.text", "sentences"), joined.wordless)
        view, withheld = self._redacted(replace(view, participants=parts), facts.tenant)
        return view, skipped + withheld

    def _resolve_roles(self, facts: CallFacts, view: CallView) -> tuple[Participant, ...]:
        return self._roles.resolve(
            view.speech, facts.channel_roles, direction=view.direction, tables=view.tables
        )

    def _redacted(self, view: CallView, tenant: str) -> tuple[CallView, list[Skipped]]:
        """The call without personal data; without any word where that cannot be had."""
        policy = view.tables.get(POLICY, RedactionPolicy)
        redactor = Redactor(policy, tenant, self._pii_key)
        withheld: tuple[Speech, tuple[Redacted, ...]] = (replace(view.speech, turns=()), ())
        (speech, found), failed = guarded(
            "turns.text", view, lambda: redact(view.speech, redactor, view.tables, call=view), withheld
        )
        wordless = SkipReason.BUG if failed else view.wordless
        return replace(view, speech=speech, personal_data=found, wordless=wordless), failed

    def _tokeniser(self, language: str | None) -> Tokeniser:
        return self._korean if language == "ko" else self._words

    def _run(self, analyser: Analyser, view: CallView) -> Findings:
        found, failed = guarded(analyser.name, view, lambda: analyser.analyse(view), Findings())
        return Findings(skipped=failed) if failed else found

    def _bare(
        self, facts: CallFacts, speech: bool | None, skipped: Sequence[Skipped], source: SpeakersFrom
    ) -> CallDocument:
        return CallDocument(
            call_id=facts.call_id,
            tenant=facts.tenant,
            run_id=facts.run_id,
            revision=facts.revision,
            status=facts.status,
            errors=facts.errors,
            call=facts.call,
            audio=facts.audio,
            language=facts.language,
            models=facts.models,
            speech=speech,
            skipped=tuple(skipped),
            provenance=Provenance(
                analysis=VERSION, speakers_from=source, versions=self._versions(facts.tenant)
            ),
        )

    def _tables(self, tenant: str) -> Tables:
        return self._fixed or self._tenants.of(tenant)

    def _versions(self, tenant: str) -> Mapping[str, str]:
        tables = self._tables(tenant)
        own = {
            "tokeniser.ko": self._korean.version,
            "roles": tables.get(ROLES, CueTable).version,
            "rubric": tables.get(RUBRIC, Rubric).version,
        }
        return own | {
            name: v for analyser in self._analysers for name, v in analyser.versions(tables).items()
        }


def _scored(document: CallDocument, view: CallView) -> CallDocument:
    """The document with its score card, which rests on all that was found before."""
    rubric = view.tables.get(RUBRIC, Rubric)
    card, skipped = guarded("scorecard", view, lambda: score(document, rubric), None)
    if card is not None and card.total is None:
        reason = view.wordless or without_parties(view, both=True) or SkipReason.TOO_FEW
        skipped = [skip("scorecard.total", reason)]
    update = {"scorecard": card, "skipped": (*document.skipped, *skipped)}
    return document.model_copy(update=update)


def _primary(tag: str | None) -> str | None:
    """The language of a BCP 47 tag: ``ko`` of ``ko-KR``."""
    return tag.split("-")[0].lower() if tag else None


def _silence(joined: Joined) -> tuple[bool | None, list[Skipped]]:
    """What a call without any speaker is: silent, or unknown where only the failed transcript could tell."""
    features = ("turns", "conversation", "sentiment")
    if joined.wordless is SkipReason.TRANSCRIPTION_FAILED and joined.unattributed is not SkipReason.NO_SPEECH:
        return None, skip_all(features, SkipReason.TRANSCRIPTION_FAILED)
    return False, skip_all(features, SkipReason.NO_SPEECH)


def _extras(findings: Sequence[Findings]) -> Mapping[str, Mapping[str, object]]:
    """Id of a turn or sentence to what the analysers say of it."""
    extras: dict[str, dict[str, object]] = {}
    for found in findings:
        for part_id, fields in (*found.turns.items(), *found.sentences.items()):
            extras.setdefault(part_id, {}).update(fields)
    return extras


def _turn(
    turn: SpokenTurn,
    view: CallView,
    spoken: Sequence[SpokenSentence],
    extras: Mapping[str, Mapping[str, object]],
) -> Turn:
    shares = [piece.confidence for piece in turn.pieces if piece.confidence is not None]
    bare = Turn(
        id=turn.id,
        speaker=turn.speaker,
        role=view.roles.get(turn.speaker, Role.UNKNOWN),
        start_ms=turn.span.start_ms,
        end_ms=turn.span.end_ms,
        text=turn.text,
        speaker_confidence=round(sum(shares) / len(shares), 3) if shares else None,
        words=tuple(piece.word for piece in turn.pieces if piece.word is not None),
        sentences=tuple(_sentence(sentence, extras.get(sentence.id, {})) for sentence in spoken),
    )
    return bare.model_copy(update=dict(extras.get(turn.id, {})))


def _sentence(spoken: SpokenSentence, extra: Mapping[str, object]) -> Sentence:
    span = spoken.span
    bare = Sentence(
        id=spoken.id, text=spoken.text, start_ms=span.start_ms, end_ms=span.end_ms, kind=spoken.kind
    )
    return bare.model_copy(update=dict(extra))


def _facts(transcribed: CallTranscribed, diarized: CallDiarized) -> CallFacts:
    errors = [
        _error(event, stage) for event, stage in ((transcribed, "transcription"), (diarized, "diarization"))
    ]
    given = tuple(error for error in errors if error is not None)
    statuses = (DocumentStatus.COMPLETE, DocumentStatus.PARTIAL, DocumentStatus.FAILED)
    return CallFacts(
        call_id=transcribed.call_id,
        tenant=transcribed.tenant,
        run_id=transcribed.run_id,
        revision=transcribed.revision,
        status=statuses[len(given)],
        errors=given,
        call=CallMetadata.of(transcribed.call),
        channel_roles=transcribed.call.recording.channel_roles,
        audio=transcribed.audio or diarized.audio,
        language=transcribed.language or transcribed.call.language_hint,
        models=Models(
            profile=transcribed.profile or diarized.profile,
            transcription=transcribed.model,
            diarization=diarized.model,
        ),
    )


def _error(event: StageEvent, stage: str) -> StageError | None:
    if event.status is StageStatus.OK:
        return None
    unsaid = StageError(
        stage=stage,
        code=ErrorCode.CONTRACT,
        message=f"the stage answered {event.status} without an error; see its log for this call id",
    )
    return event.error or unsaid
