"""Training the recogniser for a given time on one core.

Loss: cross-entropy of the tokens (label smoothing 0.05), plus that of each frame's phoneme, plus guided
attention: minus the log of the attention that falls on a token's own time. The learning rate follows the
clock, so a shorter run is a shorter schedule. The error falls late, with the rate: never stop a run early.
"""

import copy
import math
import random
import time
from collections.abc import Iterator, Sequence
from ctypes import c_double
from dataclasses import dataclass
from multiprocessing import Value
from typing import Any, Final

import numpy as np
import structlog
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from ops.models.asr.network import TIMED_HEADS, Network, Prediction
from ops.models.asr.tokens import TokenIds
from ops.models.asr.windows import FRAMES_PER_S, TrainingWindow, WindowMaker, WindowPlan

_IGNORED: Final = -100
_POSITIONS_PER_BATCH: Final = 2_600
_EMA_DECAY: Final = 0.998
_WARM_SHARE: Final = 0.1
_ONE_UTTERANCE_UNTIL: Final = 0.06
_SHORT_UNTIL: Final = 0.2
_PHONEMES_FIRST_UNTIL: Final = 0.3
_AUGMENT_FROM: Final = 0.1
_EARLY_SINGLE_SHARE: Final = 0.6
_SINGLE_SHARE: Final = 0.2
_HISTORY_FROM: Final = 0.3
_HISTORY_SHARE: Final = 0.12
_BAND_MASK_SHARE: Final = 0.5
_TIME_MASK_SHARE: Final = 0.4
_LOG_EVERY: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One run of the optimiser.

    ``begin`` is where in the curriculum it starts (0…1). ``token_drop`` replaces that share of the text
    history by other tokens, so that the decoder cannot lean on its own language model.
    """

    minutes: float
    rate: float
    warm_up_steps: int
    begin: float = 0.0
    token_drop: float = 0.0


MAIN_RATE: Final = 1.2e-3
FINE_TUNE_RATE: Final = 5e-4


def stages(minutes: float) -> tuple[Stage, Stage]:
    """The main run and the fine-tune, 79 % and 21 % of the time: 50 and 13.5 minutes in the shipped model."""
    return (
        Stage(minutes=minutes * 0.79, rate=MAIN_RATE, warm_up_steps=300),
        Stage(minutes=minutes * 0.21, rate=FINE_TUNE_RATE, warm_up_steps=60, begin=0.35, token_drop=0.12),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Windows side by side, shapes (batch, …).

    ``targets`` is the token to predict at each position, -100 where none. ``spans`` (…, length, 2) is the
    seconds of that token, -1 where unknown.
    """

    features: Tensor
    tokens: Tensor
    targets: Tensor
    phonemes: Tensor
    spans: Tensor


def collate(windows: Sequence[TrainingWindow], ids: TokenIds) -> Batch:
    """One batch of ``windows``, padded at their ends."""
    frames = (max(window.features.shape[1] for window in windows) + 7) // 8 * 8
    length = max(len(window.tokens) for window in windows)
    count = len(windows)
    features = np.zeros((count, 80, frames), np.float32)
    tokens = np.full((count, length), ids.end, np.int64)
    targets = np.full((count, length), _IGNORED, np.int64)
    phonemes = np.zeros((count, frames // 2), np.int64)
    spans = np.full((count, length, 2), -1, np.float32)
    for row, window in enumerate(windows):
        features[row, :, : window.features.shape[1]] = window.features
        tokens[row, : len(window.tokens)] = window.tokens
        targets[row, window.prompt : len(window.tokens) - 1] = window.tokens[window.prompt + 1 :]
        if window.no_speech:
            targets[row, window.prompt] = ids.no_speech
        phonemes[row, : len(window.phonemes)] = window.phonemes
        for position, span in enumerate(window.spans[1:]):
            if span is not None:
                spans[row, position] = span
    return Batch(
        features=torch.from_numpy(features),
        tokens=torch.from_numpy(tokens),
        targets=torch.from_numpy(targets),
        phonemes=torch.from_numpy(phonemes),
        spans=torch.from_numpy(spans),
    )


def plan_windows(progress: float, rng: random.Random) -> WindowPlan:
    """The curriculum: single short utterances first, then up to 10 s and, now and then, a history."""
    if progress < _ONE_UTTERANCE_UNTIL:
        return WindowPlan(max_s=rng.choice([2.2, 3.0]), single=True)
    if progress < _SHORT_UNTIL:
        return WindowPlan(max_s=rng.choice([2.5, 3.5, 5.0]), single=rng.random() < _EARLY_SINGLE_SHARE)
    with_history = progress > _HISTORY_FROM and rng.random() < _HISTORY_SHARE
    prompt = rng.randrange(5, 200) if with_history else 0
    max_s = rng.choices([3.0, 5.0, 7.0, 10.0], [0.25, 0.25, 0.2, 0.3])[0]
    return WindowPlan(max_s=max_s, single=rng.random() < _SINGLE_SHARE, prompt=prompt)


class _Batches(IterableDataset[Batch]):
    """Endless batches, made in the loader's process; ``progress`` is shared with the trainer."""

    def __init__(self, maker: WindowMaker, ids: TokenIds, progress: Any, seed: int) -> None:
        self._maker, self._ids, self._progress, self._seed = maker, ids, progress, seed

    def __iter__(self) -> Iterator[Batch]:
        rng = random.Random(self._seed)
        while True:
            plan = plan_windows(self._progress.value, rng)
            count = max(4, int(_POSITIONS_PER_BATCH / (plan.max_s * FRAMES_PER_S)))
            yield collate([self._maker.make(plan) for _ in range(count)], self._ids)


class Trainer:
    """Trains ``network`` in place, stage by stage, and keeps the moving average that is exported."""

    def __init__(self, network: Network, ids: TokenIds) -> None:
        self.network = network
        self._ids = ids
        self._rng = random.Random(0)
        self.average = copy.deepcopy(network)

    def run(self, stage: Stage, maker: WindowMaker, *, seed: int) -> int:
        """Train for the stage's time from the average so far; the number of steps made."""
        self.network.load_state_dict(self.average.state_dict())
        optimizer = _optimizer(self.network, stage.rate)
        shared = Value(c_double, stage.begin)
        loader = DataLoader(
            _Batches(maker, self._ids, shared, seed), batch_size=None, num_workers=1, prefetch_factor=4
        )
        batches = iter(loader)
        batch = next(batches)
        started_s, steps = time.monotonic(), 0
        while (elapsed := (time.monotonic() - started_s) / (stage.minutes * 60)) < 1:
            shared.value = progress = max(elapsed, stage.begin)
            for group in optimizer.param_groups:
                group["lr"] = _rate(stage, elapsed, steps)
            loss, right = self._step(batch, stage, progress, optimizer)
            steps += 1
            self._average(min(_EMA_DECAY, (1 + steps) / (10 + steps)))
            if steps % _LOG_EVERY == 0:
                structlog.get_logger().info("asr_step", steps=steps, done=elapsed, loss=loss, right=right)
            batch = next(batches)
        return steps

    def _step(
        self, batch: Batch, stage: Stage, progress: float, optimizer: torch.optim.Optimizer
    ) -> tuple[float, float]:
        """One step of the optimiser; the loss, and the share of text tokens predicted right."""
        if progress > _AUGMENT_FROM:
            self._mask(batch.features)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            predicted = self.network(batch.features, self._drop(batch.tokens, stage.token_drop))
        loss = _loss(predicted, batch, phonemes=1.0 if progress < _PHONEMES_FIRST_UNTIL else 0.5)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        optimizer.step()
        text = (batch.targets >= 0) & (batch.targets < self._ids.end)
        right = (predicted.tokens.argmax(-1) == batch.targets)[text].float().mean()
        return float(loss.detach()), float(right)

    def _mask(self, features: Tensor) -> None:
        """SpecAugment, light: a few mel bands or 10 ms frames set to the mean."""
        for window in features:
            mean = window.mean()
            if self._rng.random() < _BAND_MASK_SHARE:
                first = self._rng.randrange(70)
                window[first : first + self._rng.randrange(1, 8)] = mean
            if self._rng.random() < _TIME_MASK_SHARE:
                first = self._rng.randrange(window.shape[1])
                window[:, first : first + self._rng.randrange(1, 10)] = mean

    def _drop(self, tokens: Tensor, share: float) -> Tensor:
        if not share:
            return tokens
        dropped = (torch.rand(tokens.shape) < share) & (tokens < self._ids.end)
        shuffled = tokens.flatten()[torch.randperm(tokens.numel())].view_as(tokens)
        return torch.where(dropped, shuffled.clamp(max=self._ids.end - 2), tokens)

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        own = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            value.lerp_(own[name], 1 - decay)


def _optimizer(network: Network, rate: float) -> torch.optim.Optimizer:
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            (matrices if parameter.ndim > 1 and "embed" not in name else others).append(parameter)
    groups = [{"params": matrices, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))


def _rate(stage: Stage, elapsed: float, steps: int) -> float:
    """Warm-up by steps, then a cosine over the stage's time down to 1 %."""
    cosine = 0.5 * (1 + math.cos(math.pi * max(0.0, (elapsed - _WARM_SHARE) / (1 - _WARM_SHARE))))
    return stage.rate * min(1.0, (steps + 1) / stage.warm_up_steps) * (cosine * 0.99 + 0.01)


def _loss(predicted: Prediction, batch: Batch, *, phonemes: float) -> Tensor:
    logits = predicted.tokens.float().flatten(0, 1)
    text = functional.cross_entropy(
        logits, batch.targets.flatten(), ignore_index=_IGNORED, label_smoothing=0.05
    )
    sounds = functional.cross_entropy(predicted.phonemes.float().flatten(0, 1), batch.phonemes.flatten())
    return text + phonemes * sounds + 0.3 * _guided_attention(predicted.attention, batch)


def _guided_attention(attention: Sequence[Tensor], batch: Batch) -> Tensor:
    positions = batch.phonemes.shape[1]
    centres_s = (torch.arange(positions) + 0.5) / FRAMES_PER_S
    begins_s, ends_s = batch.spans[..., :1] - 0.03, batch.spans[..., 1:] + 0.03
    inside = ((centres_s >= begins_s) & (centres_s <= ends_s)).float()
    known = batch.spans[..., 1] >= 0
    masses = [(attention[layer][:, head, :, :positions] * inside).sum(-1) for layer, head in TIMED_HEADS]
    return -torch.stack([(mass + 1e-4).log()[known].mean() for mass in masses]).mean()
