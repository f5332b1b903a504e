"""CAM++ speaker embeddings.

The network of Wang, Zheng, Chen, Cheng and Chen, "CAM++: A Fast and Efficient Network for Speaker
Verification Using Context-Aware Masking" (Interspeech 2023): a small 2-D convolutional front, a densely
connected time-delay network whose layers are masked by the context of the whole input, statistics pooling,
and a linear layer. Names of modules are those of the published weights, so that a state dict loads strictly.
"""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812 -- the name that every reader of torch code expects
from torch import Tensor, nn
from torchaudio.compliance import kaldi

from infra.audio.waveform import SAMPLE_RATE_HZ
from infra.errors import ErrorCode, Fatal

MEL_BINS = 80
DIMENSION = 192
FRAME_STEP = SAMPLE_RATE_HZ // 100
"""Samples from one feature frame to the next: 10 ms."""

_GROWTH = 32
_BOTTLENECK = 128
_CONTEXT_FRAMES = 100
_BLOCKS = ((12, 1), (24, 2), (16, 2))
"""(layers, dilation) of the three dense blocks."""


def features(samples: Tensor) -> Tensor:
    """Kaldi filter banks of mono samples of shape (samples,): (frames, 80), 25 ms windows every 10 ms."""
    bank = kaldi.fbank(
        samples[None], num_mel_bins=MEL_BINS, sample_frequency=float(SAMPLE_RATE_HZ), dither=0.0
    )
    return cast("Tensor", bank)


class CAMPPlus(nn.Module):
    """Filter banks of shape (batch, frames, 80), mean-normalised over time, to embeddings (batch, 192)."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _Front()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["tdnn"] = _TimeDelay(self.head.channels, 128)
        channels = 128
        for number, (depth, dilation) in enumerate(_BLOCKS, start=1):
            layers[f"block{number}"] = _dense_block(channels, depth, dilation)
            channels += depth * _GROWTH
            layers[f"transit{number}"] = _Transit(channels)
            channels //= 2
        layers["out_nonlinear"] = _norm(channels)
        layers["stats"] = _StatisticsPooling()
        layers["dense"] = _Embedding(2 * channels)
        self.xvector = nn.Sequential(layers)

    def forward(self, banks: Tensor) -> Tensor:
        """Embed a batch of equally long inputs."""
        return cast("Tensor", self.xvector(self.head(banks.transpose(1, 2))))


def load_campplus(weights: Path, *, device: torch.device) -> CAMPPlus:
    """Read published weights, ready to embed. Fatal when the file is missing or holds another network."""
    model = CAMPPlus()
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        model.load_state_dict(state, strict=True)
    except (OSError, RuntimeError, TypeError, pickle.UnpicklingError) as error:
        message = f"{weights} holds no CAM++ weights ({type(error).__name__}): fetch the profile again"
        raise Fatal(ErrorCode.RESOURCE, message) from error
    return model.eval().requires_grad_(requires_grad=False).to(device)


def _norm(channels: int) -> nn.Sequential:
    parts = OrderedDict(batchnorm=nn.BatchNorm1d(channels), relu=nn.ReLU(inplace=True))
    return nn.Sequential(parts)


class _Residual(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut; ``stride`` thins out the frequency axis only."""

    def __init__(self, channels: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride > 1:
            projection = nn.Conv2d(channels, channels, 1, stride=(stride, 1), bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))


class _Front(nn.Module):
    """Convolutions over time and frequency: (batch, 80, frames) to (batch, 320, frames)."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.channels = channels * (MEL_BINS // 8)
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = nn.Sequential(_Residual(channels, stride=2), _Residual(channels, stride=1))
        self.layer2 = nn.Sequential(_Residual(channels, stride=2), _Residual(channels, stride=1))
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x[:, None])))
        x = F.relu(self.bn2(self.conv2(self.layer2(self.layer1(x)))))
        return x.flatten(1, 2)


class _TimeDelay(nn.Module):
    """Five frames of context, half the frame rate."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels_in, channels_out, 5, stride=2, padding=2, bias=False)
        self.nonlinear = _norm(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.nonlinear(self.linear(x)))


class _ContextMask(nn.Module):
    """A convolution whose channels are scaled by what the whole input and its 100-frame segments hold."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(
            _BOTTLENECK, _GROWTH, 3, padding=dilation, dilation=dilation, bias=False
        )
        self.linear1 = nn.Conv1d(_BOTTLENECK, _BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(_BOTTLENECK // 2, _GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        segments = F.avg_pool1d(x, _CONTEXT_FRAMES, _CONTEXT_FRAMES, ceil_mode=True)
        segments = segments.repeat_interleave(_CONTEXT_FRAMES, dim=-1)[..., : x.shape[-1]]
        context = x.mean(-1, keepdim=True) + segments
        mask = torch.sigmoid(self.linear2(F.relu(self.linear1(context))))
        return cast("Tensor", self.linear_local(x) * mask)


class _DenseLayer(nn.Module):
    """Adds ``_GROWTH`` channels to its input."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _norm(channels)
        self.linear1 = nn.Conv1d(channels, _BOTTLENECK, 1, bias=False)
        self.nonlinear2 = _norm(_BOTTLENECK)
        self.cam_layer = _ContextMask(dilation)

    def forward(self, x: Tensor) -> Tensor:
        new = self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))
        return torch.cat([x, new], dim=1)


def _dense_block(channels: int, depth: int, dilation: int) -> nn.Sequential:
    layers = {f"tdnnd{i + 1}": _DenseLayer(channels + i * _GROWTH, dilation) for i in range(depth)}
    return nn.Sequential(OrderedDict(layers))


class _Transit(nn.Module):
    """Halves the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = _norm(channels)
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.linear(self.nonlinear(x)))


class _StatisticsPooling(nn.Module):
    """Mean and unbiased standard deviation over time."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.mean(-1), x.std(-1, unbiased=True)], dim=-1)


class _Embedding(nn.Module):
    """The last linear layer, normalised without gain or offset."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels, DIMENSION, 1, bias=False)
        norm = nn.BatchNorm1d(DIMENSION, affine=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=norm))

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.nonlinear(self.linear(x[..., None])).squeeze(-1))
