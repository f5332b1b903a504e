"""Diarization error rates of the small profile, beside pyannote's own pipeline with the same weights.

The two annotated meeting clips, and mono telephone dialogues cut together from real voices. No collar, overlap
scored, speech errors included. Run it by ``python -m ops.bench.quality``.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import torch
from faster_whisper.audio import decode_audio

from consumers.diarization.campplus import DIMENSION, CAMPPlus, features, load_campplus
from consumers.diarization.loading import hub_offline, pyannote_audio
from consumers.diarization.turns import Turn
from consumers.diarization.windows import Windows, WindowsPipeline, decide
from infra.audio.waveform import SAMPLE_RATE_HZ
from ops.bench.dialogues import PAIRS, Dialogue, dialogue, read_rttm, real_voices
from ops.bench.figures import Figure, print_rows

if TYPE_CHECKING:
    from consumers.diarization.segmentation import Activity

TRIOS = (
    ("english", "president", "sample-b"),
    ("president", "other", "sample-a"),
    ("other", "english", "sample-b"),
)

Find = Callable[[Dialogue, int | None], list[Turn]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One recording: error rate per system and condition, and the number of speakers found when not told."""

    name: str
    rates: dict[str, float]
    found: int


def meetings(recordings: Path) -> list[Dialogue]:
    """The two annotated 30 s excerpts of meetings (AMI)."""
    turns = read_rttm(recordings / "ami.rttm")
    return [
        Dialogue(
            name=name,
            samples=decode_audio(str(recordings / f"{name}.flac"), sampling_rate=SAMPLE_RATE_HZ),
            turns=tuple(turns[name]),
        )
        for name in sorted(turns)
    ]


def error_rate(recording: Dialogue, turns: Iterable[Turn]) -> float:
    """DER without collar, overlap scored, over the whole recording."""
    from pyannote.core import Annotation, Segment, Timeline  # noqa: PLC0415 -- seconds of import
    from pyannote.metrics.diarization import DiarizationErrorRate  # noqa: PLC0415 -- the same

    def annotation(spans: Iterable[tuple[float, float, str]]) -> Any:
        made = Annotation()
        for number, (start_s, end_s, speaker) in enumerate(spans):
            made[Segment(start_s, end_s), number] = speaker
        return made

    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    whole = Timeline([Segment(0, len(recording.samples) / SAMPLE_RATE_HZ)])
    hypothesis = annotation((t.start_s, t.end_s, t.speaker) for t in turns)
    return float(metric(annotation(recording.turns), hypothesis, uem=whole))


class MaskedCAMPPlus:
    """CAM++ behind the interface that pyannote's pipeline expects of a speaker embedding.

    The network looks at its whole input, so masked frames are cut out before it, not weighted after it.
    """

    sample_rate = SAMPLE_RATE_HZ
    dimension = DIMENSION
    metric = "cosine"
    min_num_samples = SAMPLE_RATE_HZ // 4

    def __init__(self, model: CAMPPlus) -> None:
        self._model = model

    def to(self, _device: torch.device) -> "MaskedCAMPPlus":
        """Stays where it is."""
        return self

    def __call__(self, waveforms: torch.Tensor, masks: torch.Tensor | None = None) -> np.ndarray[Any, Any]:
        """Waveforms (batch, 1, samples), masks (batch, frames) to embeddings (batch, 192)."""
        keep = torch.ones_like(waveforms[:, 0], dtype=torch.bool)
        if masks is not None:
            size = waveforms.shape[-1]
            stretched = torch.nn.functional.interpolate(masks[:, None].float(), size=size, mode="nearest")
            keep = stretched[:, 0].bool()
        return np.stack([self._embed(wave[0][kept]) for wave, kept in zip(waveforms, keep, strict=True)])

    def _embed(self, samples: torch.Tensor) -> np.ndarray[Any, Any]:
        if len(samples) < self.min_num_samples:
            return np.full(DIMENSION, np.nan, dtype=np.float32)
        banks = features(samples)
        with torch.inference_mode():
            found: np.ndarray[Any, Any] = self._model((banks - banks.mean(dim=0))[None])[0].numpy()
        return found


def stock_pipeline(models: Path) -> Any:
    """The pipeline SpeakerDiarization with agglomerative clustering on the small profile's weights."""
    audio = pyannote_audio()
    from pyannote.audio.pipelines import SpeakerDiarization, speaker_diarization  # noqa: PLC0415 -- after pyannote_audio

    embedding = MaskedCAMPPlus(load_campplus(models / "embedding/campplus.pt", device=torch.device("cpu")))
    with (
        hub_offline(),
        tempfile.TemporaryDirectory() as plda,
        patch.object(speaker_diarization, "PretrainedSpeakerEmbedding", lambda *_, **__: embedding),
    ):
        _write_plda(Path(plda))
        pipeline = SpeakerDiarization(
            segmentation=audio.Model.from_pretrained(str(models / "segmentation/pytorch_model.bin")),
            embedding="campplus",
            embedding_exclude_overlap=True,
            clustering="AgglomerativeClustering",
            plda=plda,
            segmentation_batch_size=16,
            embedding_batch_size=16,
        )
    clustering = {"method": "centroid", "min_cluster_size": 12, "threshold": 0.7045654963945799}
    pipeline.instantiate({"clustering": clustering, "segmentation": {"min_duration_off": 0.0}})
    return pipeline


def _write_plda(directory: Path) -> None:
    """A PLDA that nothing uses: the pipeline loads one with every clustering."""
    size = 32
    lda = np.eye(DIMENSION)[:, :size]
    np.savez(directory / "xvec_transform.npz", mean1=np.zeros(DIMENSION), mean2=np.zeros(size), lda=lda)
    np.savez(directory / "plda.npz", mu=np.zeros(size), tr=np.eye(size), psi=np.linspace(2, 0.5, size))


def stock(pipeline: Any) -> Find:
    """The stock pipeline as a function of (recording, number of speakers)."""
    # In training mode the pipeline keeps segmentation and embeddings in the file's dictionary.
    pipeline.training = True
    files: dict[str, dict[str, Any]] = {}

    def find(recording: Dialogue, speakers: int | None) -> list[Turn]:
        fresh = {"waveform": torch.from_numpy(recording.samples)[None], "sample_rate": SAMPLE_RATE_HZ}
        file = files.setdefault(recording.name, fresh)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tracks = pipeline(file, num_speakers=speakers).speaker_diarization.itertracks(yield_label=True)
        return [Turn(start_s=s.start, end_s=s.end, speaker=str(label)) for s, _, label in tracks]

    return find


def ours(pipeline: WindowsPipeline) -> Find:
    """The small profile's pipeline as a function of (recording, number of speakers)."""
    heard: dict[str, tuple[Activity, Windows | None]] = {}

    def find(recording: Dialogue, speakers: int | None) -> list[Turn]:
        if recording.name not in heard:
            activity = pipeline.listen(recording.samples)
            heard[recording.name] = activity, pipeline.embed(recording.samples, activity)
        return decide(*heard[recording.name], speakers=speakers)

    return find


def measure(recordings: Sequence[Dialogue], systems: dict[str, Find]) -> Iterator[Row]:
    """Error rates of every system on every recording, number of speakers given and not given."""
    for recording in recordings:
        true = len({speaker for *_, speaker in recording.turns})
        rates: dict[str, float] = {}
        found = 0
        for name, find in systems.items():
            rates[f"{name} given"] = error_rate(recording, find(recording, true))
            turns = find(recording, None)
            rates[f"{name} not given"] = error_rate(recording, turns)
            found = found or len({turn.speaker for turn in turns})
        yield Row(name=recording.name, rates=rates, found=found)


def measure_speakers(models: Path, recordings: Path) -> list[Figure]:
    """Print the error rates of each recording and dialogue; the figures with a goal.

    ``models`` is the small profile's diarization directory. Conferences of three and messages of one speaker
    have no goal: they show whether the number of speakers is found.
    """
    mine = {"ours": ours(WindowsPipeline(models, device=torch.device("cpu"), batch_size=32))}
    both = {**mine, "stock": stock(stock_pipeline(models))}
    voices = real_voices(recordings)
    dialogues = [dialogue(voices, pair, seed=number) for number, pair in enumerate(PAIRS)]
    trios = [dialogue(voices, trio, seed=200 + number) for number, trio in enumerate(TRIOS)]
    alone = sorted({name for pair in PAIRS for name in pair})
    messages = [dialogue(voices, (name,), seed=100 + number) for number, name in enumerate(alone)]
    clips = _mean("DER of meeting clips (AMI)", measure(meetings(recordings), both))
    calls = _mean("DER of telephone dialogues", measure(dialogues, both))
    _mean("DER of conferences, three speakers", measure(trios, mine))
    _mean("DER of voice messages", measure(messages, mine))
    return [
        _figure("small, AMI clips: DER, two speakers given", clips, "given", limit=0.30),
        _figure("small, mono dialogues: DER, two speakers given", calls, "given", limit=0.10),
        _figure("small, mono dialogues: DER, number not given", calls, "not given", limit=0.15),
    ]


def _mean(title: str, rows: Iterable[Row]) -> dict[str, float]:
    """Print one line a recording and return the mean of each rate."""
    seen: list[Row] = []
    names = ("ours given", "ours not given", "stock given", "stock not given")

    def cells() -> Iterator[tuple[object, ...]]:
        for row in rows:
            seen.append(row)
            yield row.name, row.found, *(row.rates.get(name, "-") for name in names)

    print_rows((title, "speakers", *names), cells())
    return {name: float(np.mean([row.rates[name] for row in seen])) for name in seen[0].rates}


def _figure(name: str, means: dict[str, float], condition: str, *, limit: float) -> Figure:
    return Figure(name=name, ours=means[f"ours {condition}"], stock=means[f"stock {condition}"], limit=limit)
