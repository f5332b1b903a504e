"""Shapes of the CAM++ network; its weights are tested with the small profile."""

from pathlib import Path

import pytest
import torch

from consumers.diarization.campplus import DIMENSION, MEL_BINS, CAMPPlus, features, load_campplus
from infra.errors import Fatal


def test_any_length_gives_one_embedding() -> None:
    model = CAMPPlus().eval()
    with torch.inference_mode():
        for frames in (20, 148, 257):
            assert model(torch.randn(2, frames, MEL_BINS)).shape == (2, DIMENSION)


def test_the_state_dict_is_as_large_as_the_published_one() -> None:
    assert len(CAMPPlus().state_dict()) == 937


def test_a_second_of_sound_is_98_frames() -> None:
    assert features(torch.randn(16_000)).shape == (98, MEL_BINS)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"head.conv1.weight": torch.zeros(1)}, tmp_path / "other.pt")
    (tmp_path / "junk.pt").write_bytes(b"no weights")
    for name in ("other.pt", "junk.pt", "missing.pt"):
        with pytest.raises(Fatal, match=r"holds no CAM\+\+ weights"):
            load_campplus(tmp_path / name, device=torch.device("cpu"))
