"""Speech rate: syllables (Korean) and words per minute, of articulation and of speaking with its pauses.

Korean counts syllables because the number of 어절 depends on how the recogniser sets blanks. Digits count as
they are read aloud in Sino-Korean, capitals by the names of the letters, other Latin words by vowel groups.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from consumers.analysis.intervals import merge, total_ms
from consumers.analysis.personal_data.placeholders import PLACEHOLDER
from consumers.analysis.speech import Piece, SpokenTurn
from consumers.analysis.view import CallView
from schemas.document import SkipReason, SpeakingRate, SpeechRate
from schemas.records import Role

INNER_PAUSE_MS = 250
"""Longer pauses between words are no part of articulation."""
MINUTE_MS = 60_000
LONGEST_NUMBER = 8
"""Longer runs of digits are read one by one, as is every run that begins with zero."""

_HANGUL = re.compile(r"[가-힣]")
_SPELT = re.compile(r"\d[\d,]*(?:\.\d+)?|[A-Z]+(?![a-z])|[A-Za-z]+")
_VOWELS = re.compile(r"[aeiouy]+")
# 에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 알 에스 티 유 브이 더블유 엑스 와이 제트
_LETTER_SYLLABLES = dict(
    zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", map(int, "21111213222111111121123222"), strict=True)
)


class Rates(NamedTuple):
    """The rates of a party: of articulation, and of speaking with its pauses."""

    speech: SpeechRate
    speaking: SpeakingRate


def party_rates(call: CallView, role: Role) -> Rates | None:
    """The rates of a party; None where it says no timed word."""
    turns = [turn for speaker in call.speakers(role) for turn in call.speech.turns if turn.speaker == speaker]
    counted, passed_over = _counted(turns)
    voiced_ms = total_ms(merge((p.span for p in counted), gap_ms=INNER_PAUSE_MS))
    if voiced_ms == 0:
        return None
    turns_ms = total_ms(merge(turn.span for turn in turns)) - total_ms(merge(p.span for p in passed_over))
    speaking_ms = max(voiced_ms, turns_ms)
    spoken = syllables(" ".join(p.text for p in counted)) if call.language == "ko" else None
    return Rates(
        SpeechRate(
            syllables_per_minute=None if spoken is None else _per_minute(spoken, voiced_ms),
            words_per_minute=_per_minute(len(counted), voiced_ms),
            voiced_ms=voiced_ms,
        ),
        SpeakingRate(
            syllables_per_minute=None if spoken is None else _per_minute(spoken, speaking_ms),
            words_per_minute=_per_minute(len(counted), speaking_ms),
            speaking_ms=speaking_ms,
        ),
    )


def why_no_rate(call: CallView) -> SkipReason:
    """Why a party has no rate: the call has no word times, or the party none of the words."""
    timed = any(piece.word is not None for turn in call.speech.turns for piece in turn.pieces)
    return SkipReason.TOO_FEW if timed else SkipReason.NO_WORD_TIMES


def syllables(text: str) -> int:
    """How many syllables a Korean speaker reads this text aloud with."""
    return len(_HANGUL.findall(text)) + sum(map(_spelt_syllables, _SPELT.findall(text)))


def number_syllables(digits: str) -> int:
    """Syllables of a number read in Sino-Korean: 50000 is 오만, 010 is 공일공."""
    whole, _, fraction = digits.replace(",", "").partition(".")
    # The point is read 점.
    tail = len(fraction) + 1 if fraction else 0
    if len(whole) > LONGEST_NUMBER or (whole.startswith("0") and len(whole) > 1):
        return len(whole) + tail
    if int(whole) == 0:
        return 1 + tail
    return _group(int(whole) // 10_000, leading=True) + _group(int(whole) % 10_000, leading=False) + tail


def _group(value: int, *, leading: bool) -> int:
    """Four digits, with 만 after them when ``leading``; 일 is silent before 십, 백, 천 and a lone 만."""
    if value == 0:
        return 0
    if leading:
        return 1 if value == 1 else 1 + _group(value, leading=False)
    count = 0
    for place, digit in enumerate(reversed(str(value))):
        if digit != "0":
            named = digit != "1" or place == 0
            count += named + (place > 0)
    return count


def _spelt_syllables(chunk: str) -> int:
    if chunk[0].isdecimal():
        return number_syllables(chunk)
    if chunk.isupper():
        return sum(_LETTER_SYLLABLES[letter] for letter in chunk)
    return max(1, len(_VOWELS.findall(chunk.lower())))


def _counted(turns: Iterable[SpokenTurn]) -> tuple[list[Piece], list[Piece]]:
    """The timed words, and what is passed over.

    What stands for a personal value says nothing of how many syllables were spoken in its time.
    """
    counted: list[Piece] = []
    passed_over: list[Piece] = []
    for turn in turns:
        for piece in turn.pieces:
            replaced = "[" in piece.text and PLACEHOLDER.search(piece.text)
            (passed_over if piece.word is None or replaced else counted).append(piece)
    return counted, passed_over


def _per_minute(count: int, time_ms: int) -> float:
    return round(count * MINUTE_MS / time_ms, 1)
