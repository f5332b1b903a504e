"""Cut-offs, backchannels and pace against values worked out by hand, at the edges of each definition."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from consumers.analysis.engine import AnalysisEngine
from consumers.analysis.quality.listening import listening
from consumers.analysis.tables import Tables
from consumers.analysis.transcript import analyse_turns
from consumers.analysis.view import CallView, Findings
from schemas.document import CallDocument
from schemas.quality import Backchannels, CutOff, CutOffs, Quality

Row = tuple[str, int, int, str]
Said = tuple[str, int, int]
ROLES = {"A": "agent", "C": "customer"}


@dataclass(frozen=True)
class Listening:
    """This part of ``quality`` alone, so that a bug in another part fails no test here."""

    name: str = "quality"

    def versions(self, _: Tables) -> Mapping[str, str]:
        return {}

    def analyse(self, call: CallView) -> Findings:
        fields, skipped = listening(call)
        return Findings(fields={"quality": Quality.model_validate(fields)}, skipped=skipped)


ENGINE = AnalysisEngine((Listening(),))


def document(turns: Sequence[dict[str, Any]], **fields: Any) -> CallDocument:
    given = {"call_id": "c", "language": "ko", "channels": 2, "roles": ROLES, "turns": turns}
    return analyse_turns(ENGINE, given | fields)


def quality(rows: Sequence[Row], **fields: Any) -> Quality:
    turns = [{"speaker": s, "start_ms": a, "end_ms": b, "text": text} for s, a, b, text in rows]
    found = document(turns, **fields).quality
    assert found is not None
    return found


def timed(speaker: str, *words: Said) -> dict[str, Any]:
    """A turn by its words with their times."""
    return {
        "speaker": speaker,
        "start_ms": words[0][1],
        "end_ms": words[-1][2],
        "text": " ".join(word for word, _, _ in words),
        "words": [{"word": word, "start_ms": start, "end_ms": end} for word, start, end in words],
    }


def cut_off(text: str, *, language: str = "ko", silent_ms: int = 4000, at_ms: int = 3000) -> CutOffs:
    """The agent breaks in at 3 s on what the customer says, who falls silent at 4 s."""
    rows = [("C", 0, silent_ms, text), ("A", at_ms, 9000, "고객님 그건 규정상 안 됩니다")]
    found = quality(rows, language=language).cut_offs
    assert found.agent is not None
    assert found.customer is not None
    assert found.customer.count == 0
    return found.agent


def test_a_cut_off_is_an_interruption_after_which_an_unfinished_speaker_stops() -> None:
    found = cut_off("제가 어제 주문한 물건이")
    cut = CutOff(turn_id="t0001", sentence_id="t0001.s1", start_ms=3000, end_ms=4000)
    assert found == CutOffs(count=1, instances=(cut,), reliability="high")


@pytest.mark.parametrize(("silent_ms", "expected"), [(4500, 1), (4501, 0)])
def test_who_talks_on_for_more_than_a_second_and_a_half_was_not_cut_off(
    silent_ms: int, expected: int
) -> None:
    assert cut_off("제가 어제 주문한 물건이", silent_ms=silent_ms).count == expected


@pytest.mark.parametrize(("at_ms", "expected"), [(3500, 1), (3501, 0), (999, 0)])
def test_without_an_interruption_there_is_no_cut_off(at_ms: int, expected: int) -> None:
    assert cut_off(
        "제가 어제 주문한 물건이", at_ms=at_ms, silent_ms=at_ms + 500 if at_ms < 1000 else 4000
    ).count == (expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("물건이 아직 안 왔어요", 0),
        ("물건이 아직 안 왔는데요", 0),
        ("물건이 아직 안 왔습니다", 0),
        ("물건이 아직 안 왔는데", 1),
        ("물건이 아직 안 와서", 1),
        ("물건이 아직.", 1),
        ("물건이 아직 안 왔는데...", 1),
        ("그 물건은 어제?", 0),
        ("안 왔어요 그래서 제가", 1),
        ("안 왔어요 네네", 0),
    ],
)
def test_korean_is_finished_by_its_ending_and_not_by_a_full_stop(text: str, expected: int) -> None:
    assert cut_off(text).count == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My parcel did not arrive.", 0),
        ("Where is my parcel?", 0),
        ("Hello. My parcel did not", 1),
        ("Hello. My parcel...", 1),
        ("my parcel did not arrive", 0),
        ("my parcel did not arrive because the", 1),
        ("i called twice and", 1),
    ],
)
def test_english_is_finished_by_its_mark_or_where_nobody_writes_any_by_its_last_word(
    text: str, expected: int
) -> None:
    assert cut_off(text, language="en").count == expected


def test_what_counts_is_what_was_said_until_the_silence_even_if_the_sentence_goes_on_after_it() -> None:
    customer = timed(
        "C",
        ("제가", 0, 1000),
        ("주문한", 1000, 2500),
        ("물건이", 4500, 5000),
        ("안", 5000, 5200),
        ("와요", 5200, 6000),
    )
    found = document([customer, timed("A", ("잠깐만요", 1800, 4000))]).quality
    assert found is not None
    assert found.cut_offs.agent is not None
    assert [(c.start_ms, c.end_ms) for c in found.cut_offs.agent.instances] == [(1800, 2500)]


def test_the_document_goes_from_one_process_to_another() -> None:
    found = document([timed("A", ("네", 0, 900)), timed("C", ("아니요", 2000, 2900))])
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 -- our own bytes


def test_cut_offs_on_one_channel_are_marked_unreliable() -> None:
    rows = [("C", 0, 4000, "제가 어제 주문한 물건이"), ("A", 3000, 9000, "그건 안 됩니다")]
    found = quality(rows, channels=1).cut_offs.agent
    assert found is not None
    assert (found.count, found.reliability) == (1, "low")


def of_agent(rows: Sequence[Row], **fields: Any) -> Backchannels:
    found = quality(rows, **fields).backchannels.agent
    assert found is not None
    return found


def test_backchannels_are_counted_over_the_minutes_of_the_other_ones_talk() -> None:
    rows = [
        ("C", 0, 20_000, "긴 이야기"),
        ("A", 5000, 5400, "네"),
        ("A", 9000, 10_001, "네 네"),
        ("A", 15_000, 16_000, "아 그렇군요"),
    ]
    found = of_agent(rows)
    assert (found.count, found.per_minute) == (2, 6.0)


def test_a_sound_without_words_takes_no_floor_but_is_no_sign_of_listening() -> None:
    words = timed("C", ("어제", 0, 1000), ("샀는데요", 1000, 2000))
    cough = {"speaker": "A", "start_ms": 500, "end_ms": 900, "text": ""}
    found = document([words, cough, timed("A", ("네", 1500, 1800))]).quality
    assert found is not None
    assert found.backchannels.agent is not None
    assert found.backchannels.agent.count == 1


@pytest.mark.parametrize(("pause_ms", "expected"), [(300, 0), (301, 1), (1500, 1), (1501, 0)], ids=str)
def test_an_opportunity_is_a_pause_of_more_than_300_and_up_to_1500_ms(pause_ms: int, expected: int) -> None:
    rows = [
        ("C", 0, 2000, "어제 주문했는데"),
        ("C", 2000 + pause_ms, 6000, "안 왔어요"),
        ("A", 6200, 8000, "죄송합니다"),
    ]
    found = of_agent(rows)
    assert (found.opportunities, found.covered) == (expected, 0)


@pytest.mark.parametrize(("start_ms", "expected"), [(1999, 0), (2000, 1), (2999, 1), (3000, 0)])
def test_a_backchannel_covers_the_pause_in_which_it_begins(start_ms: int, expected: int) -> None:
    rows = [
        ("C", 0, 2000, "어제 주문했는데"),
        ("A", start_ms, start_ms + 400, "네"),
        ("C", 3000, 6000, "안 왔어요"),
    ]
    found = of_agent(rows)
    assert (found.opportunities, found.covered) == (1, expected)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("어제 주문했는데", "ko", 1),
        ("어제 주문했어요", "ko", 1),
        ("색은 같은데", "ko", 1),
        ("어제 주문한", "ko", 0),
        ("어제 제가", "ko", 0),
        ("I ordered it yesterday,", "en", 1),
        ("I ordered it yesterday.", "en", 1),
        ("Well. I ordered it", "en", 0),
        ("i ordered it yesterday", "en", 1),
        ("i ordered it because", "en", 0),
    ],
)
def test_only_after_a_clause_a_pause_is_an_opportunity(text: str, language: str, expected: int) -> None:
    words = text.split()
    first = [(word, 400 * n, 400 * n + 400) for n, word in enumerate(words)]
    rest = [("크기가", 400 * len(words) + 700, 4000), ("달라요", 4000, 5000)]
    found = document([timed("C", *first, *rest), timed("A", ("네", 6000, 6500))], language=language).quality
    assert found is not None
    assert found.backchannels.agent is not None
    assert found.backchannels.agent.opportunities == expected


def test_a_pause_in_which_the_other_one_takes_the_floor_is_no_opportunity() -> None:
    rows = [
        ("C", 0, 2000, "어제 주문했는데"),
        ("A", 2300, 3100, "그건 오늘 와요"),
        ("C", 3300, 6000, "안 왔어요"),
    ]
    assert of_agent(rows).opportunities == 0


def test_the_words_are_the_tenants(tmp_path: Path) -> None:
    rows = [("C", 0, 9000, "긴 이야기"), ("A", 5000, 5800, "이야 대박"), ("A", 7000, 7400, "네")]
    assert of_agent(rows).count == 1
    own = 'version: "own"\nwords:\n  ko: [이야 대박]\n'
    (tmp_path / "backchannels.yaml").write_text(own, encoding="utf-8")
    engine = AnalysisEngine((Listening(),), rules_dir=tmp_path)
    turns = [{"speaker": s, "start_ms": a, "end_ms": b, "text": text} for s, a, b, text in rows]
    given = {"call_id": "c", "language": "ko", "channels": 2, "roles": ROLES, "turns": turns}
    found = analyse_turns(engine, given).quality
    assert found is not None
    assert found.backchannels.agent is not None
    assert found.backchannels.agent.count == 1


def rates(agent_ms: int, customer_ms: int) -> list[dict[str, Any]]:
    return [
        timed("A", ("안녕하세요", 0, agent_ms), ("고객님", agent_ms, 2 * agent_ms)),
        timed(
            "C",
            ("안녕하세요", 9000, 9000 + customer_ms),
            ("상담사님", 9000 + customer_ms, 9000 + 2 * customer_ms),
        ),
    ]


def test_the_rate_gap_is_over_the_customers_rate_in_syllables() -> None:
    """Agent 8 syllables in 2 s are 240 a minute, customer 9 in 3 s are 180."""
    found = document(rates(1000, 1500)).quality
    assert found is not None
    assert found.rate_gap == 0.3333


def test_the_rate_gap_of_english_is_in_words() -> None:
    """Two words each: 60 and 40 a minute."""
    found = document(rates(1000, 1500), language="en").quality
    assert found is not None
    assert found.rate_gap == 0.5


def test_without_word_times_there_is_no_rate_gap_and_a_reason() -> None:
    turns = [
        {"speaker": s, "start_ms": a, "end_ms": a + 1000, "text": "네 그래요"}
        for s, a in (("A", 0), ("C", 2000))
    ]
    found = document(turns)
    assert found.quality is not None
    assert found.quality.rate_gap is None
    assert reasons(found)["quality.rate_gap"] == "no_word_times"


def test_the_first_response_is_the_agents_first_word_since_the_recording_began() -> None:
    rows = [("C", 200, 900, "여보세요"), ("A", 2300, 4000, "네 상담원입니다")]
    assert quality(rows).first_response_ms == 2300


def reasons(found: CallDocument) -> dict[str, str]:
    return {skipped.feature: skipped.reason for skipped in found.skipped}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"roles": {"A": "agent"}, "turns": [timed("A", ("여보세요", 0, 900))]}, "party_absent"),
        ({"roles": {}}, "roles_unknown"),
        ({"language": "fr"}, "unsupported_language"),
    ],
)
def test_what_cannot_be_told_is_none_with_a_reason(fields: dict[str, Any], reason: str) -> None:
    turns = [timed("A", ("네", 0, 900)), timed("C", ("아니요", 2000, 2900))]
    found = document(**{"turns": turns} | fields)
    assert found.quality is not None
    for name in ("cut_offs", "backchannels"):
        assert (getattr(found.quality, name).agent, getattr(found.quality, name).customer) == (None, None)
        assert reasons(found)[f"quality.{name}"] == reason


def test_without_an_agent_there_is_no_first_response() -> None:
    found = document([timed("C", ("여보세요", 0, 900))], roles={"C": "customer"})
    assert found.quality is not None
    assert found.quality.first_response_ms is None
    assert reasons(found)["quality.first_response_ms"] == "party_absent"
