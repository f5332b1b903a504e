"""What a benchmark found: figures beside those of the engine used plainly, with the goals they must meet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One error rate; ``stock`` is the plain engine's, ``limit`` the goal: at most this. None: there is none."""

    name: str
    ours: float
    stock: float | None
    limit: float | None = None

    @property
    def met(self) -> bool:
        """Whether the goal is reached; true where there is none."""
        return self.limit is None or self.ours <= self.limit


def print_rows(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table, each line as soon as it is measured: the first column wide, rates with three digits."""
    _print_row(header)
    for row in rows:
        _print_row([f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row])
    print()


def _print_row(cells: Sequence[str]) -> None:
    first, *others = cells
    print(f"{first:36}" + "".join(f"{cell:>{max(11, len(cell) + 2)}}" for cell in others), flush=True)


def print_figures(figures: Iterable[Figure]) -> None:
    """The summary: every figure with its goal."""
    _print_figure("figure", "ours", "stock", "goal")
    for figure in figures:
        stock = "-" if figure.stock is None else f"{figure.stock:.3f}"
        goal = "-" if figure.limit is None else f"≤{figure.limit:.3f}"
        verdict = "" if figure.limit is None else "pass" if figure.met else "MISSED"
        _print_figure(figure.name, f"{figure.ours:.3f}", stock, goal, verdict)


def _print_figure(name: str, ours: str, stock: str, goal: str, verdict: str = "") -> None:
    print(f"{name:60}{ours:>8}{stock:>8}{goal:>8}  {verdict}".rstrip())
