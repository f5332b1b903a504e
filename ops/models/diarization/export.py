"""The directory that ``pyannote.audio.Pipeline.from_pretrained`` loads."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml

from ops.models.diarization.plda import Plda


def export_pipeline(segmentation: Any, embedding: Any, plda: Plda, out: Path) -> None:
    """Write the two networks, the PLDA and the configuration to ``out``."""
    save_model(segmentation, out / "segmentation" / "pytorch_model.bin")
    save_model(embedding, out / "embedding" / "pytorch_model.bin")
    plda.write(out / "plda")
    (out / "config.yaml").write_text(yaml.safe_dump(_configuration(), sort_keys=False), encoding="utf-8")


def save_model(model: Any, path: Path) -> None:
    """One pyannote model as a checkpoint; it needs no trainer."""
    import lightning  # noqa: PLC0415 # slow to import

    checkpoint: dict[str, Any] = {
        "epoch": 0,
        "global_step": 0,
        "pytorch-lightning_version": lightning.__version__,
        "state_dict": {name: value.clone() for name, value in model.state_dict().items()},
        "hparams_name": "kwargs",
        "hyper_parameters": dict(model.hparams),
    }
    model.on_save_checkpoint(checkpoint)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint, path)


def _configuration() -> dict[str, Any]:
    """The threshold and the smallest cluster were chosen on calls of the development voices."""
    return {
        "dependencies": {"pyannote.audio": version("pyannote.audio")},
        "pipeline": {
            "name": "pyannote.audio.pipelines.SpeakerDiarization",
            "params": {
                "clustering": "AgglomerativeClustering",
                "segmentation": "$model/segmentation",
                "segmentation_step": 0.2,
                "segmentation_batch_size": 16,
                "embedding": "$model/embedding",
                "embedding_batch_size": 16,
                "embedding_exclude_overlap": True,
                "plda": "$model/plda",
            },
        },
        "params": {
            "clustering": {"method": "centroid", "min_cluster_size": 15, "threshold": 0.5},
            "segmentation": {"min_duration_off": 0.0},
        },
    }
