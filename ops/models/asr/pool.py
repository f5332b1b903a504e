"""The utterances that the recogniser learns from: sentences of the grammar in many voices."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random
from typing import Final

from ops.models.grammar import is_held_out, load_grammar
from ops.models.speech import FEMALE_VOICES, MALE_VOICES, Synthesizer, Utterance, Voice

_FEMALE: Final = (*FEMALE_VOICES, "steph")
_MALE: Final = (*MALE_VOICES, "m3", "Andy", "adam", "david", "Michael")
_KOREAN_SHARE: Final = 0.62
_REPEAT_SHARE: Final = 0.5


def speak_pool(count: int, *, seed: int, processes: int = 1) -> list[Utterance]:
    """``count`` utterances of training sentences (never held-out ones), 62 % Korean; about 8 ms each."""
    share = [count // processes + (index < count % processes) for index in range(processes)]
    if processes == 1:
        return _speak(count, seed)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as workers:
        parts = workers.map(_speak, share, range(seed * processes, (seed + 1) * processes))
        return [utterance for part in parts for utterance in part]


def _speak(count: int, seed: int) -> list[Utterance]:
    rng = Random(seed)
    synthesizer = Synthesizer()
    seen: set[str] = set()
    pool: list[Utterance] = []
    while len(pool) < count:
        language = "ko" if rng.random() < _KOREAN_SHARE else "en"
        grammar = load_grammar(language)
        sentence = grammar.draw(grammar.draw_category(rng), rng)
        # Short, common sentences would otherwise make up most of the pool.
        if is_held_out(sentence) or (sentence in seen and rng.random() < _REPEAT_SHARE):
            continue
        seen.add(sentence)
        pool.append(synthesizer.speak(sentence, language=language, voice=_draw_voice(rng)))
    return pool


def _draw_voice(rng: Random) -> Voice:
    return Voice(
        variant=rng.choice(rng.choice([_FEMALE, _MALE])),
        rate=rng.randint(135, 215),
        pitch=rng.randint(35, 65),
        pitch_range=rng.randint(30, 70),
    )
