"""The demo diarizer from nothing: ``python -m ops.models.train_diarization --minutes 39 --out DIR``.

Invents 320 voices, lets them talk, trains the segmentation (64 % of the time, its last quarter with twice as
many new voices) and the embedding, fits the PLDA, and writes a directory that ``pyannote.audio`` loads. 39
minutes on one core made the shipped model; a minute proves the way and tells nobody apart.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog
import torch

from ops.models.diarization import plda
from ops.models.diarization.embedding import DURATION_S as EMBEDDING_S
from ops.models.diarization.embedding import EmbeddingTraining, build_embedding
from ops.models.diarization.export import export_pipeline
from ops.models.diarization.mixing import Mixer
from ops.models.diarization.pool import speak_speakers
from ops.models.diarization.segmentation import DURATION_S as SEGMENTATION_S
from ops.models.diarization.segmentation import SegmentationTraining, build_segmentation

_SEGMENTATION_SHARE: Final = 0.47
_MORE_VOICES_SHARE: Final = 0.17
_EMBEDDING_SHARE: Final = 0.36
_FINE_TUNE_RATE: Final = 8e-4
_SENTENCES, _BACKCHANNELS = 24, 8
_MORE_SENTENCES, _MORE_BACKCHANNELS = 13, 4


def train(*, minutes: float, voices: int, embeddings: int, seed: int, out: Path) -> None:
    """All of it: synthesis, segmentation and its fine-tune, embedding, PLDA, export to ``out``."""
    log = structlog.get_logger()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    speakers = speak_speakers(voices, sentences=_SENTENCES, backchannels=_BACKCHANNELS, seed=seed)
    more = speak_speakers(
        2 * voices, sentences=_MORE_SENTENCES, backchannels=_MORE_BACKCHANNELS, seed=seed + 1
    )
    log.info("diarization_voices", first=len(speakers), more=len(more))
    segmentation = build_segmentation()
    first = SegmentationTraining(segmentation, Mixer(speakers, duration_s=SEGMENTATION_S, seed=seed))
    first.run(minutes=minutes * _SEGMENTATION_SHARE)
    everyone = Mixer([*speakers, *more], duration_s=SEGMENTATION_S, seed=seed + 1)
    SegmentationTraining(segmentation, everyone).run(
        minutes=minutes * _MORE_VOICES_SHARE, rate=_FINE_TUNE_RATE
    )
    embedding = build_embedding()
    mixer = Mixer(speakers, duration_s=EMBEDDING_S, seed=seed + 2)
    EmbeddingTraining(embedding, mixer, speakers=len(speakers), seed=seed).run(
        minutes=minutes * _EMBEDDING_SHARE
    )
    vectors, owners = plda.embed(embedding, everyone, count=embeddings, duration_s=SEGMENTATION_S)
    export_pipeline(segmentation.eval(), embedding.eval(), plda.fit(vectors, owners), out)
    log.info("diarization_written", path=str(out))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ops.models.train_diarization",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=39, help="time for training alone")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pipeline")
    parser.add_argument("--voices", type=int, default=320, help="invented voices beside the stock ones")
    parser.add_argument("--embeddings", type=int, default=1_400, help="voices heard for the PLDA")
    parser.add_argument("--seed", type=int, default=21)
    options = parser.parse_args(arguments)
    train(**vars(options))


if __name__ == "__main__":
    main()
