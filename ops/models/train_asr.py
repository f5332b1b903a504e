"""The demo recogniser from nothing: ``python -m ops.models.train_asr --minutes 64 --out DIR``.

Speaks 22 000 sentences of the grammar, trains, and writes a directory that ``faster_whisper.WhisperModel``
loads. 64 minutes on one core made the shipped model; a minute proves the way and understands nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import structlog
import torch

from ops.models.asr.convert import export_recogniser
from ops.models.asr.network import Network, Size
from ops.models.asr.pool import speak_pool
from ops.models.asr.tokens import TokenIds, build_tokenizer
from ops.models.asr.training import Trainer, stages
from ops.models.asr.windows import WindowMaker
from ops.models.speech import Utterance


def phoneme_classes(pool: Sequence[Utterance]) -> dict[str, int]:
    """A number from 1 for each phoneme of each language; 0 is for none."""
    names = {u.language + sound.name for u in pool for sound in u.phonemes if not sound.is_pause}
    return {name: number for number, name in enumerate(sorted(names), start=1)}


def train(*, minutes: float, utterances: int, processes: int, seed: int, out: Path) -> None:
    """All of it: synthesis, tokenizer, main run, fine-tune, export to ``out``."""
    log = structlog.get_logger()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    pool = speak_pool(utterances, seed=seed, processes=processes)
    log.info("asr_pool", utterances=len(pool), hours=sum(u.duration_s for u in pool) / 3600)
    tokenizer = build_tokenizer()
    ids, phonemes = TokenIds.of(tokenizer), phoneme_classes(pool)
    size = Size(vocabulary=ids.size, phonemes=len(phonemes) + 1)
    trainer = Trainer(Network(size, first_timestamp=ids.first_timestamp), ids)
    for number, stage in enumerate(stages(minutes), start=1):
        maker = WindowMaker(pool, tokenizer, phonemes, seed=seed + number)
        steps = trainer.run(stage, maker, seed=seed + number)
        log.info("asr_stage", number=number, steps=steps)
    export_recogniser(trainer.average, tokenizer, out)
    log.info("asr_written", path=str(out))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ops.models.train_asr",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=64, help="time for training alone")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--utterances", type=int, default=22_000)
    parser.add_argument("--processes", type=int, default=2, help="processes that speak")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args(arguments)
    train(**vars(options))


if __name__ == "__main__":
    main()
