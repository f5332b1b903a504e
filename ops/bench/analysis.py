"""How well the analysis does, each area beside its peers in the same run, as markdown tables.

``python -m ops.bench.analysis`` runs every area that this installation has. A peer that is not installed is named
as such; the peers come into an environment by ``pip install -r ops/requirements/peers.txt``.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

_MODULES = {"speed": "ops.bench.analysis_speed"}
_ENGINES = frozenset({"call", "diarization", "transcription"})
"""These measure recognition and speakers; ``ops.bench.quality`` runs them."""

Table = Sequence[Sequence[object]]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ops.bench.analysis",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--area", nargs="+", choices=areas(), default=areas(), help="default: all")
    options = parser.parse_args(arguments)
    for area in options.area:
        measure: Callable[[], Table] = import_module(_MODULES.get(area, f"ops.bench.{area}_quality")).table
        print(f"\n## {area.replace('_', ' ')}\n")
        print("\n".join(markdown(measure())), flush=True)
    return 0


def areas() -> list[str]:
    """What can be measured: speed, and every ``<area>_quality`` module that is not about engines of speech."""
    modules = sorted(Path(__file__).parent.glob("*_quality.py"))
    found = [module.stem.removesuffix("_quality") for module in modules]
    return [*(area for area in found if area not in _ENGINES), *_MODULES]


def markdown(table: Table) -> Iterator[str]:
    """A table whose first row is the header."""
    header, *rows = table
    yield _line(header)
    yield "|" + " --- |" * len(header)
    yield from map(_line, rows)


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
