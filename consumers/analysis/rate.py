"""Speech rate: syllables (Korean) and words per minute of articulation.

Korean counts syllables because the number of 어절 depends on how the recogniser sets blanks. Digits count as
they are read aloud in Sino-Korean, capitals by the names of the letters, other Latin words by vowel groups.
"""

import re

from consumers.analysis.intervals import merge, total_ms
from consumers.analysis.personal_data.placeholders import PLACEHOLDER
from consumers.analysis.skips import skip
from consumers.analysis.view import CallView
from schemas.document import PartySpeechRate, Skipped, SkipReason, SpeechRate
from schemas.records import Role

INNER_PAUSE_MS = 250
"""Longer pauses between words are no part of articulation."""
MINUTE_MS = 60_000
LONGEST_NUMBER = 8
"""Longer runs of digits are read one by one, as is every run that begins with zero."""

_CHUNK = re.compile(r"[가-힣]|\d[\d,]*(?:\.\d+)?|[A-Z]+(?![a-z])|[A-Za-z]+")
_VOWELS = re.compile(r"[aeiouy]+")
# 에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 알 에스 티 유 브이 더블유 엑스 와이 제트
_LETTER_SYLLABLES = dict(
    zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", map(int, "21111213222111111121123222"), strict=True)
)


def speech_rate(call: CallView) -> tuple[PartySpeechRate, list[Skipped]]:
    """The rate of each party; a party that says no timed word is skipped."""
    rates = {role.value: _party_rate(call, role) for role in (Role.AGENT, Role.CUSTOMER)}
    timed = any(piece.word is not None for turn in call.speech.turns for piece in turn.pieces)
    reason = SkipReason.TOO_FEW if timed else SkipReason.NO_WORD_TIMES
    skipped = [skip(f"speech_rate.{party}", reason) for party, rate in rates.items() if rate is None]
    return PartySpeechRate(agent=rates["agent"], customer=rates["customer"]), skipped


def syllables(text: str) -> int:
    """How many syllables a Korean speaker reads this text aloud with."""
    return sum(_chunk_syllables(match.group()) for match in _CHUNK.finditer(text))


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


def _chunk_syllables(chunk: str) -> int:
    if chunk[0].isdecimal():
        return number_syllables(chunk)
    if chunk.isupper():
        return sum(_LETTER_SYLLABLES[letter] for letter in chunk)
    if chunk.isascii():
        return max(1, len(_VOWELS.findall(chunk.lower())))
    return 1


def _party_rate(call: CallView, role: Role) -> SpeechRate | None:
    speakers = set(call.speakers(role))
    said = (p for t in call.speech.turns if t.speaker in speakers for p in t.pieces if p.word is not None)
    # What stands for a personal value says nothing of how many syllables were spoken in its time.
    pieces = [piece for piece in said if not PLACEHOLDER.search(piece.text)]
    voiced_ms = total_ms(merge((p.span for p in pieces), gap_ms=INNER_PAUSE_MS))
    if voiced_ms == 0:
        return None
    spoken = sum(syllables(piece.text) for piece in pieces) if call.language == "ko" else None
    return SpeechRate(
        syllables_per_minute=None if spoken is None else _per_minute(spoken, voiced_ms),
        words_per_minute=_per_minute(len(pieces), voiced_ms),
        voiced_ms=voiced_ms,
    )


def _per_minute(count: int, voiced_ms: int) -> float:
    return round(count * MINUTE_MS / voiced_ms, 1)
