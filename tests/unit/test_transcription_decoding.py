"""Windows that fail are decoded again, those cut off in two, and memory decides the size of a batch."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from consumers.transcription import decoding
from consumers.transcription.decoding import Decoder, Hypothesis, device_errors
from consumers.transcription.guards import Scores
from consumers.transcription.windows import Span, Window
from infra.errors import CallyticsError, ErrorCode, Fatal, Retryable
from infra.profiles import TranscriptionProfile

SAMPLES = np.zeros(60 * 16_000, dtype=np.float32)


def window(start_s: float, end_s: float) -> Window:
    return Window((Span(int(start_s * 16_000), int(end_s * 16_000)),))


def reading(
    of: Window, text: str, *, probability: float = -0.2, tokens: int = 5, no_speech: float = 0
) -> Hypothesis:
    scores = Scores(no_speech=no_speech, log_probability=probability)
    return Hypothesis(window=of, text=text, words=(), scores=scores, tokens=tokens)


def decoder(
    monkeypatch: pytest.MonkeyPatch,
    together: Callable[[Sequence[Window]], list[Hypothesis]],
    alone: Sequence[SimpleNamespace] = (),
) -> Decoder:
    """A decoder whose batches and single windows read what the test says."""
    monkeypatch.setattr(Decoder, "_together", lambda _self, _samples, windows: together(windows))
    whisper = SimpleNamespace(transcribe=lambda *_a, **_k: (iter(alone), None))
    profile = TranscriptionProfile(model="m", batch_size=4)
    return Decoder(whisper=whisper, profile=profile, language="ko")


def segment(text: str, probability: float, *, seek: int = 0) -> SimpleNamespace:
    return SimpleNamespace(
        text=text, words=[], no_speech_prob=0.1, avg_logprob=probability, tokens=[1], seek=seek
    )


def test_windows_are_decoded_in_batches_of_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def together(windows: Sequence[Window]) -> list[Hypothesis]:
        sizes.append(len(windows))
        return [reading(w, " 네") for w in windows]

    windows = [window(i, i + 0.9) for i in range(10)]
    found = list(decoder(monkeypatch, together).decode(SAMPLES, windows))
    assert [hypothesis.window for hypothesis in found] == windows
    assert sizes == [4, 4, 2]


def test_an_improbable_reading_gives_way_to_a_better_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for again, kept in ((-0.4, " better"), (-1.9, " first")):
        engine = decoder(
            monkeypatch,
            lambda windows: [reading(w, " first", probability=-1.3) for w in windows],
            [segment(" better", again)],
        )
        assert [h.text for h in engine.decode(SAMPLES, [window(0, 5)])] == [kept]


def test_a_loop_gives_way_even_to_a_less_probable_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = decoder(
        monkeypatch,
        lambda windows: [reading(w, " 감사합니다" * 40) for w in windows],
        [segment(" 감사합니다 고객님", -0.9)],
    )
    assert [h.text for h in engine.decode(SAMPLES, [window(0, 5)])] == [" 감사합니다 고객님"]


def test_only_the_first_reading_of_a_window_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sequential decoder goes on after the last word and reads words into the padding."""
    engine = decoder(
        monkeypatch,
        lambda windows: [reading(w, " first", probability=-1.3) for w in windows],
        [segment(" better", -0.4), segment(" 감사합니다", -0.4, seek=210)],
    )
    assert [h.text for h in engine.decode(SAMPLES, [window(0, 5)])] == [" better"]


def test_text_is_not_lost_when_the_second_reading_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = decoder(monkeypatch, lambda windows: [reading(w, " 네", probability=-1.3) for w in windows])
    assert [h.text for h in engine.decode(SAMPLES, [window(0, 5)])] == [" 네"]


def test_silence_and_empty_readings_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def together(windows: Sequence[Window]) -> list[Hypothesis]:
        silent = reading(windows[0], " Thank you.", probability=-1.5, no_speech=0.9)
        return [silent, reading(windows[1], "  ")]

    assert list(decoder(monkeypatch, together).decode(SAMPLES, [window(0, 1), window(2, 3)])) == []


def test_a_window_that_hits_the_token_limit_is_decoded_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    def together(windows: Sequence[Window]) -> list[Hypothesis]:
        return [reading(w, f" {len(w)}", tokens=224 if len(w) > 10 * 16_000 else 90) for w in windows]

    found = list(decoder(monkeypatch, together).decode(SAMPLES, [window(0, 28)]))
    assert sum(len(h.window) for h in found) == 28 * 16_000
    assert all(len(h.window) <= 10 * 16_000 for h in found)
    assert [h.window.start for h in found] == sorted(h.window.start for h in found)


def test_exhausted_memory_makes_batches_smaller_before_it_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fits_two(windows: Sequence[Window]) -> list[Hypothesis]:
        if len(windows) > 2:
            raise RuntimeError("CUDA failed with error out of memory")
        return [reading(w, " 네") for w in windows]

    windows = [window(i, i + 0.9) for i in range(4)]
    assert len(list(decoder(monkeypatch, fits_two).decode(SAMPLES, windows))) == 4

    def fits_none(_windows: Sequence[Window]) -> list[Hypothesis]:
        raise RuntimeError("CUDA failed with error out of memory")

    with pytest.raises(Retryable, match="batch_size"):
        list(decoder(monkeypatch, fits_none).decode(SAMPLES, windows))


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (MemoryError(), Retryable, ErrorCode.RESOURCE),
        (RuntimeError("CUDA failed with error out of memory"), Retryable, ErrorCode.RESOURCE),
        (RuntimeError("parallel_for failed: cudaErrorInvalidDevice: invalid"), Retryable, ErrorCode.RESOURCE),
        (RuntimeError("CUDA failed with error unspecified launch failure"), Fatal, ErrorCode.ENGINE_CRASH),
    ],
)
def test_native_errors_are_told_by_what_has_to_happen(
    error: Exception,
    kind: type[CallyticsError],
    code: ErrorCode,
) -> None:
    with pytest.raises(kind) as caught, device_errors():
        raise error
    assert caught.value.code is code


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="surprise"), decoding.device_errors():
        raise RuntimeError("surprise")
