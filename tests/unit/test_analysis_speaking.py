"""How the parties speak: whose sentences are counted, what a question and a statement are, what is skipped."""

import pytest

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.transcript import analyse_turns
from schemas.document import CallDocument, SkipReason
from schemas.quality import LanguageQuality

ENGINE = AnalysisEngine()


def call(*said: tuple[str, str], language: str = "ko", roles: bool = True) -> CallDocument:
    turns = [
        {"speaker": speaker, "start_ms": n * 4000, "end_ms": n * 4000 + 3500, "text": text}
        for n, (speaker, text) in enumerate(said)
    ]
    speakers = {speaker for speaker, _ in said}
    given = {name: name for name in ("agent", "customer") if roles and name in speakers}
    return analyse_turns(ENGINE, {"call_id": "c", "language": language, "roles": given, "turns": turns})


def agent(*texts: str, language: str = "ko") -> LanguageQuality:
    document = call(*(("agent", text) for text in texts), language=language)
    assert document.quality is not None
    assert document.quality.language.agent is not None
    return document.quality.language.agent


def reasons(document: CallDocument) -> dict[str, SkipReason]:
    return {s.feature: s.reason for s in document.skipped if s.feature.startswith("quality.language")}


def test_each_party_is_counted_by_itself() -> None:
    document = call(
        ("agent", "확인해 드리겠습니다."), ("customer", "빨리 좀 해."), ("agent", "네, 알겠어요.")
    )
    assert document.quality is not None
    ours, theirs = document.quality.language.agent, document.quality.language.customer
    assert ours is not None
    assert theirs is not None
    assert ours.honorifics is not None
    assert theirs.honorifics is not None
    assert (ours.sentences, theirs.sentences) == (2, 1)
    assert (ours.honorifics.ratio, ours.honorifics.deferential_share) == (1.0, 0.5)
    assert (theirs.honorifics.ratio, theirs.honorifics.deferential_share) == (0.0, None)
    assert [p.turn_id for p in theirs.honorifics.plain_sentences] == [document.turns[1].id]


def test_fragments_and_unfinished_sentences_are_in_no_ratio() -> None:
    honorifics = agent("네.", "제가 전화를 했는데").honorifics
    assert honorifics is not None
    assert (honorifics.none, honorifics.unfinished, honorifics.ratio) == (1, 1, None)


def test_plain_speech_quoted_as_a_sentence_of_its_own_is_nobodys() -> None:
    honorifics = agent("남편이 그냥 취소해 그랬어요", "그 사람이 너 뭐야 라고 했어요").honorifics
    assert honorifics is not None
    assert (honorifics.plain, honorifics.polite) == (0, 2)


def test_honorifics_of_things_have_a_place() -> None:
    heard = agent("이용료는 오만 원이세요.", "잠시만 기다려 주세요.", "확인했습니다.")
    assert heard.over_honorifics is not None
    assert heard.subject_honorifics is not None
    assert (heard.over_honorifics.count, heard.over_honorifics.per_100_sentences) == (1, 33.3)
    assert heard.subject_honorifics.count == 1
    assert heard.over_honorifics.instances[0].turn_id != heard.subject_honorifics.instances[0].turn_id


@pytest.mark.parametrize(
    ("language", "texts", "expected"),
    [
        ("ko", ("언제 받으셨나요?", "문자로 보내 드릴까요?", "본인 맞으시죠?"), (1, 1, 1)),
        ("ko", ("성함 말씀해 주시겠어요?", "안녕하십니까?", "뭐 좀 여쭤봐도 될까요?"), (0, 1, 0)),
        ("ko", ("많이 답답하시겠어요", "그건 해 주셔야죠", "제가 연락드리도록 하죠"), (0, 0, 0)),
        ("ko", ("접수되셨어요", "접수되셨어요?"), (0, 1, 0)),
        ("en", ("When did you get it?", "Do you know when it came?", "That's you, right?"), (1, 1, 1)),
        (
            "en",
            ("Could you spell your name?", "Can you deliver on Sunday?", "It's late, isn't it?"),
            (0, 1, 1),
        ),
        ("en", ("what time did it come", "so did you get it", "what I need is a refund"), (1, 1, 0)),
    ],
)
def test_questions_by_kind(language: str, texts: tuple[str, ...], expected: tuple[int, int, int]) -> None:
    found = agent(*texts, language=language).questions
    assert (found.open, found.closed, found.verification) == expected


@pytest.mark.parametrize(
    ("language", "texts", "expected"),
    [
        ("ko", ("내일쯤 될 것 같아요.", "내일 됩니다.", "네.", "될 것 같아요?"), 0.5),
        ("en", ("I think it is lost.", "It is lost now.", "Yes.", "Maybe it is lost?"), 0.5),
        ("ko", ("네.",), None),
    ],
)
def test_hedges_are_a_share_of_statements(
    language: str, texts: tuple[str, ...], expected: float | None
) -> None:
    assert agent(*texts, language=language).hedge_ratio == expected


@pytest.mark.parametrize(
    ("language", "texts", "expected"),
    [
        ("ko", ("음 제가 확인해 보겠습니다",), 0.25),
        ("ko", ("음",), 0.0),
        ("en", ("Um it was you know late",), 0.3333),
        ("en", ("Do you know my name",), 0.0),
    ],
)
def test_fillers_are_a_share_of_words_and_no_answer_is_one(
    language: str, texts: tuple[str, ...], expected: float
) -> None:
    assert agent(*texts, language=language).filler_ratio == expected


def test_jargon_is_named_as_it_was_said() -> None:
    korean = agent("당월 요금은 담당 부서로 이관됩니다.").jargon
    assert [finding.kind for finding in korean.instances] == ["당월", "이관"]
    assert [f.kind for f in agent("We need your KYC papers.", language="en").jargon.instances] == ["KYC"]


def test_the_length_of_sentences_counts_syllables_but_not_those_of_a_placeholder() -> None:
    assert agent("확인했습니다.").sentence_syllables_p90 == 6
    assert agent("네.", *["확인했습니다."] * 9).sentence_syllables_p90 == 6
    assert agent("[ACCOUNT]요.").sentence_syllables_p90 == 1


def test_korean_figures_are_none_in_english_and_that_is_no_gap() -> None:
    document = call(("agent", "Your balance is fine."), ("customer", "Thank you very much."), language="en")
    assert document.quality is not None
    heard = document.quality.language.agent
    assert heard is not None
    assert heard.honorifics is heard.subject_honorifics is heard.over_honorifics is None
    assert heard.sentence_syllables_p90 is None
    assert reasons(document) == {}


def test_what_cannot_be_told_is_none_and_says_why() -> None:
    alone = call(("agent", "확인했습니다."))
    assert reasons(alone) == {"quality.language.customer": SkipReason.PARTY_ABSENT}
    unknown = call(("A", "네."), ("B", "네."), roles=False)
    assert reasons(unknown) == {"quality.language": SkipReason.ROLES_UNKNOWN}
    other = call(("agent", "Guten Tag."), language="de")
    assert reasons(other) == {"quality.language": SkipReason.UNSUPPORTED_LANGUAGE}
    assert other.quality is not None
    assert other.quality.language.agent is None
