"""How well the engines do, each figure beside that of the engine used plainly, in one run.

``python -m ops.bench.quality`` prints tables and, at the end, every figure with its goal; exit code 1 when one is
missed. ``speech`` and ``speakers`` use the small profile on real voices, ``calls`` the demo profile on calls made
for this run. On two cores it takes about ten minutes.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.errors import CallyticsError
from infra.logs import configure_logging
from infra.profiles import ProfileBook
from infra.settings import INSTALLATION, Settings
from infra.speech import profile_book
from ops.bench.figures import Figure, print_figures

_SEED = 20_261_124
"""Far from the seeds of the training pools and of the sample calls."""


def speech(book: ProfileBook, options: argparse.Namespace) -> list[Figure]:
    """Word error rates on real recordings."""
    from ops.bench.transcription_quality import measure_recordings  # noqa: PLC0415 -- seconds to import

    return measure_recordings(book.get("small").transcription, options.recordings)


def speakers(book: ProfileBook, options: argparse.Namespace) -> list[Figure]:
    """Diarization error rates on real voices."""
    from ops.bench.diarization_quality import measure_speakers  # noqa: PLC0415 -- seconds to import

    return measure_speakers(Path(book.get("small").diarization.pipeline), options.recordings)


def calls(book: ProfileBook, options: argparse.Namespace) -> list[Figure]:
    """Word and speaker errors on fresh synthetic calls."""
    from ops.bench.call_quality import measure_calls  # noqa: PLC0415 -- seconds to import

    return measure_calls(book.get("demo"), seed=options.seed, calls=options.calls)


PARTS: Mapping[str, Callable[[ProfileBook, argparse.Namespace], list[Figure]]] = {
    "speech": speech,
    "speakers": speakers,
    "calls": calls,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ops.bench.quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--part", nargs="+", choices=list(PARTS), default=list(PARTS), help="default: all")
    parser.add_argument("--calls", type=int, default=20, help="how many synthetic calls; 20 for the goals")
    parser.add_argument("--seed", type=int, default=_SEED, help="of the synthetic calls")
    parser.add_argument("--recordings", type=Path, default=INSTALLATION / "tests" / "data" / "real")
    parser.add_argument("--threads", type=int, default=1, help="for torch")
    options = parser.parse_args(arguments)
    import torch  # noqa: PLC0415 -- not needed for --help

    torch.set_num_threads(options.threads)
    configure_logging("WARNING")
    book = profile_book(Settings())
    try:
        figures = [figure for part in options.part for figure in PARTS[part](book, options)]
    except CallyticsError as error:
        parser.exit(3, f"{error.message}\nThe small profile comes by: callytics models fetch small\n")
    print_figures(figures)
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
