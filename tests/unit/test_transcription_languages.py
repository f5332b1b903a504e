"""The language is given, or most speech decides."""

import pytest

from consumers.transcription.languages import Language, given_language, vote
from infra.profiles import TranscriptionProfile

KNOWN = frozenset({"ko", "en", "de"})


@pytest.mark.parametrize(
    ("profile", "hint", "language"),
    [
        ({"language": "ko"}, "en", "ko"),
        ({}, "en", "en"),
        ({}, "ko-KR", "ko"),
        ({}, "EN_us", "en"),
        ({}, "xx", None),
        ({}, "", None),
        ({}, None, None),
        ({"languages": ["ko", "en"]}, "de", None),
        ({"languages": ["ko"], "language": "en"}, None, "en"),
        ({"language": "zz"}, "ko", "ko"),
    ],
)
def test_profile_then_hint_then_detection(
    profile: dict[str, object],
    hint: str | None,
    language: str | None,
) -> None:
    given = given_language(TranscriptionProfile.model_validate({"model": "m", **profile}), hint, KNOWN)
    assert given == (Language(language) if language else None)


def test_longer_windows_weigh_more() -> None:
    winner = vote([(1.0, {"en": 0.9, "ko": 0.1}), (9.0, {"en": 0.2, "ko": 0.8})], KNOWN)
    assert winner is not None
    assert winner.tag == "ko"
    assert winner.confidence == pytest.approx(0.73)


def test_only_possible_languages_stand_for_election() -> None:
    winner = vote([(1.0, {"th": 0.9, "ko": 0.06, "en": 0.04})], frozenset({"ko", "en"}))
    assert winner is not None
    assert winner.tag == "ko"
    assert winner.confidence == pytest.approx(0.6)


def test_without_a_ballot_there_is_no_language() -> None:
    assert vote([], KNOWN) is None
    assert vote([(1.0, {"th": 1.0})], KNOWN) is None
