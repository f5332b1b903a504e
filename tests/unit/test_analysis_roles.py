"""Roles: from the channels where they are known, else from what is said over the whole call, else unknown."""

from consumers.analysis.intervals import Interval
from consumers.analysis.roles import DEDUCED_CONFIDENCE, RoleResolver, score
from consumers.analysis.speech import UNKNOWN_SPEAKER, Speech, SpokenTurn
from schemas.records import Role

RESOLVER = RoleResolver()
GREETING = "안녕하세요 한빛 통신 고객센터입니다 무엇을 도와드릴까요"
PROBLEM = "제가 어제 주문한 세탁기가 고장 났어요 환불하고 싶은데요"


def speech(*said: tuple[str, str], channels: dict[str, int] | None = None) -> Speech:
    turns = tuple(
        SpokenTurn(id=f"t{n}", speaker=s, text=text, span=Interval(n * 1000, n * 1000 + 900), pieces=())
        for n, (s, text) in enumerate(said)
    )
    return Speech(turns=turns, activity={}, channels=channels or {})


def roles(heard: Speech, *channel_roles: Role) -> dict[str, Role]:
    return {p.speaker: p.role for p in RESOLVER.resolve(heard, channel_roles)}


def test_channel_roles_are_the_truth_whatever_is_said() -> None:
    heard = speech(("X", PROBLEM), ("Y", GREETING), channels={"X": 0, "Y": 1})
    found = RESOLVER.resolve(heard, (Role.AGENT, Role.CUSTOMER))
    assert [(p.role, p.confidence) for p in found] == [(Role.AGENT, 1.0), (Role.CUSTOMER, 1.0)]


def test_one_known_channel_makes_the_only_other_speaker_the_other_party() -> None:
    heard = speech(("X", "네"), ("Y", "네"), channels={"X": 0, "Y": 1})
    found = RESOLVER.resolve(heard, (Role.CUSTOMER,))
    assert [(p.role, p.confidence) for p in found] == [(Role.CUSTOMER, 1.0), (Role.AGENT, DEDUCED_CONFIDENCE)]


def test_cues_decide_jointly() -> None:
    assert roles(speech(("X", GREETING), ("Y", PROBLEM))) == {"X": Role.AGENT, "Y": Role.CUSTOMER}


def test_regression_c7_who_speaks_first_decides_nothing() -> None:
    assert roles(speech(("X", PROBLEM), ("Y", GREETING))) == {"X": Role.CUSTOMER, "Y": Role.AGENT}


def test_without_cues_nobody_gets_a_role() -> None:
    found = RESOLVER.resolve(speech(("X", "네"), ("Y", "아니요")), ())
    assert [(p.role, p.confidence) for p in found] == [(Role.UNKNOWN, 0.0), (Role.UNKNOWN, 0.0)]


def test_a_lone_speaker_can_have_a_role() -> None:
    assert roles(speech(("X", PROBLEM))) == {"X": Role.CUSTOMER}
    assert roles(speech(("X", "I ordered shoes last week and my package has not arrived."))) == {
        "X": Role.CUSTOMER
    }


def test_whoever_takes_over_after_a_transfer_is_an_agent_too() -> None:
    found = roles(speech(("X", GREETING), ("Y", PROBLEM), ("Z", "연결해 드릴게요")))
    assert found == {"X": Role.AGENT, "Y": Role.CUSTOMER, "Z": Role.AGENT}


def test_words_without_a_speaker_never_get_a_role() -> None:
    assert roles(speech((UNKNOWN_SPEAKER, GREETING), ("Y", PROBLEM)))[UNKNOWN_SPEAKER] is Role.UNKNOWN


def test_a_habit_is_no_proof_so_a_cue_counts_at_most_four_times() -> None:
    assert score(RESOLVER.table, ["고객님 " * 50]) == score(RESOLVER.table, ["고객님 " * 4])


def test_more_evidence_means_more_confidence() -> None:
    little = RESOLVER.resolve(speech(("X", "고객님"), ("Y", "네")), ())[0].confidence
    much = RESOLVER.resolve(speech(("X", GREETING), ("Y", PROBLEM)), ())[0].confidence
    assert 0 < little < much < 1
