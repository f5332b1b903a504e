"""Guards against what Whisper makes up where nobody speaks, or repeats without end.

The thresholds are those of the Whisper paper (Radford et al. 2022, section 4.5). The batched decoder of
faster-whisper does not apply them, so they are applied here to every window.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

NO_SPEECH_THRESHOLD = 0.6
LOG_PROBABILITY_THRESHOLD = -1.0
COMPRESSION_RATIO_THRESHOLD = 2.4

ELEVATED_NO_SPEECH = 0.3
"""From here on a stock phrase is taken for made up; when people say it, the model does hear speech."""

STOCK_PHRASES = frozenset(
    {
        # Korean: broadcast and channel sign-offs in Whisper's training subtitles
        "시청해 주셔서 감사합니다",
        "시청해주셔서 감사합니다",
        "끝까지 시청해 주셔서 감사합니다",
        "구독과 좋아요 부탁드립니다",
        "구독 좋아요 알림 설정 부탁드립니다",
        "다음 영상에서 만나요",
        "다음 시간에 만나요",
        "한글자막 by 한효정",
        "자막 제공",
        "배달의민족",
        # English: the same from the other side of the world
        "thanks for watching",
        "thank you for watching",
        "thank you so much for watching",
        "please subscribe",
        "please subscribe to my channel",
        "like and subscribe",
        "see you in the next video",
        "subtitles by the amara org community",
    },
)
_NEWS_SIGN_OFF = re.compile(r"^(mbc|kbs|sbs|ytn|jtbc) 뉴스( \S+입니다)?$")

_LOOP_REPEATS = 4
_LOOP_WORDS = 10
_LOOP_PERIOD = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What the decoder says of one window."""

    no_speech: float
    log_probability: float


def normalized(text: str) -> str:
    """Lower case, letters and digits only, single spaces."""
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split())


def compression_ratio(text: str) -> float:
    """How much smaller the text gets by zlib: high for text that repeats itself."""
    data = text.strip().encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def is_silence(scores: Scores) -> bool:
    """The model hears no speech and does not believe its own words."""
    return scores.no_speech > NO_SPEECH_THRESHOLD and scores.log_probability < LOG_PROBABILITY_THRESHOLD


def is_stock_phrase(text: str, scores: Scores) -> bool:
    """A phrase of the training subtitles where the model is not sure that somebody speaks."""
    words = normalized(text)
    known = words in STOCK_PHRASES or _NEWS_SIGN_OFF.match(words) is not None
    return known and scores.no_speech > ELEVATED_NO_SPEECH


def is_doubtful(text: str, scores: Scores) -> bool:
    """Worth decoding again with other settings: improbable or repetitive, but not silence."""
    if is_silence(scores):
        return False
    improbable = scores.log_probability < LOG_PROBABILITY_THRESHOLD
    repetitive = compression_ratio(text) > COMPRESSION_RATIO_THRESHOLD
    return improbable or repetitive or loop_start(normalized(text).split()) is not None


def loop_start(words: Sequence[str]) -> int | None:
    """Where the second round of an endless repetition starts, as an index into ``words``; None: no loop.

    A loop is the same 1 to 12 words at least 4 times in a row, 10 words or more in all: "no no no no" is an
    angry customer, and a spelled number may hold the same digit four times.
    """
    for start in range(len(words)):
        for period in range(1, min(_LOOP_PERIOD, (len(words) - start) // _LOOP_REPEATS) + 1):
            if _repeats(words, start, period) * period >= max(_LOOP_WORDS, _LOOP_REPEATS * period):
                return start + period
    return None


def _repeats(words: Sequence[str], start: int, period: int) -> int:
    """How often the ``period`` words from ``start`` on stand there in a row."""
    unit = words[start : start + period]
    count = 1
    while words[start + count * period : start + (count + 1) * period] == unit:
        count += 1
    return count
