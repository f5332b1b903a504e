"""The training loop of both networks: batches from a loader's process, a rate that follows the clock."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import structlog
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

Example = tuple[Any, ...]
_WARM_UP_STEPS: Final = 60
_LOG_EVERY: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the optimiser: minutes, the first rate, examples a step and the limit to the gradient."""

    name: str
    minutes: float
    rate: float
    batch: int
    max_norm: float


class _Endless(IterableDataset[Example]):
    def __init__(self, draw: Callable[[], Example]) -> None:
        self._draw = draw

    def __iter__(self) -> Iterator[Example]:
        while True:
            yield self._draw()


def train(
    run: Run,
    optimizer: torch.optim.Optimizer,
    draw: Callable[[], Example],
    loss_of: Callable[[Example, float], Tensor],
) -> int:
    """Minimise ``loss_of(batch of what draw gives, elapsed share of the time)``; the number of steps made."""
    batches = iter(DataLoader(_Endless(draw), batch_size=run.batch, num_workers=1, prefetch_factor=6))
    batch = next(batches)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    started_s, steps = time.monotonic(), 0
    while (elapsed := (time.monotonic() - started_s) / (run.minutes * 60)) < 1:
        cosine = 0.5 + 0.5 * math.cos(math.pi * elapsed) + 0.01
        for group in optimizer.param_groups:
            group["lr"] = run.rate * min(1.0, (steps + 1) / _WARM_UP_STEPS) * cosine
        loss = loss_of(batch, elapsed)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        nn.utils.clip_grad_norm_(parameters, run.max_norm)
        optimizer.step()
        steps += 1
        if steps % _LOG_EVERY == 0:
            structlog.get_logger().info(
                "diarization_step", run=run.name, steps=steps, done=elapsed, loss=float(loss.detach())
            )
        batch = next(batches)
    return steps
