"""``python -m ops.bench.faults``: every fault at scale on real servers, with the table for ``ops/reliability.md``.

Calls go through the production services with engines that only take time; the oracle asks store and broker. Lost
means without a document; doubled documents, doubled events of a stage and engine runs beyond the first are counted;
recovery is the time from the end of the fault to each result that came after it.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.logs import configure_logging
from infra.real_stack import RealStack
from ops.bench.fault_rig.rig import FaultRig
from ops.bench.fault_rig.scenarios import CRASHING, SCENARIOS, Result, Scenario, Stage, run

_HEAD = (
    "fault",
    "calls",
    "documents",
    "lost",
    "doubled documents",
    "doubled events",
    "dead letters",
    "work redone %",
    "recovery p50 s",
    "recovery p99 s",
)
_CRASHES = 4
_WITHIN_S = 600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the faults one after the other and print a row each; 1 when a call was lost or a document doubled."""
    options = _options(arguments)
    configure_logging("WARNING")
    chosen = [s for s in (*SCENARIOS, CRASHING) if not options.only or s.name in options.only]
    each = max(2, options.calls // max(1, len(chosen)))
    print(_row(_HEAD), _row(["---"] * len(_HEAD)), sep="\n", flush=True)
    sound = True
    for result in _results(chosen, each=each, pause_s=options.pause_s):
        sound &= not result.outcome.lost and not result.outcome.duplicate_documents
    return 0 if sound else 1


def _results(chosen: Sequence[Scenario], *, each: int, pause_s: float) -> Iterator[Result]:
    with (
        tempfile.TemporaryDirectory(prefix="callytics-faults-") as folder,
        RealStack(test_commands=True) as stack,
        FaultRig(stack, Path(folder), work_s=0.0) as rig,
    ):
        stage = Stage(rig=rig, stack=stack, pause_s=pause_s)
        for scenario in chosen:
            calls = min(each, _CRASHES) if scenario is CRASHING else each
            started_s = time.monotonic()
            result = run(scenario, stage, calls=calls, within_s=_WITHIN_S)
            print(_row(_figures(scenario, result)), flush=True)
            print(f"{scenario.name}: {time.monotonic() - started_s:.0f} s", file=sys.stderr, flush=True)
            yield result


def _figures(scenario: Scenario, result: Result) -> list[str]:
    outcome = result.outcome
    letters = sum(outcome.dead_letters.values())
    return [
        scenario.name,
        str(outcome.calls),
        " ".join(f"{count} {status}" for status, count in sorted(outcome.statuses.items())),
        str(len(outcome.lost)),
        str(outcome.duplicate_documents),
        str(outcome.duplicate_events),
        f"{letters} of {sum(scenario.letters.values()) * outcome.calls}",
        f"{100 * outcome.redone:.2f}",
        _quantile(result.recovery_s, 0.5),
        _quantile(result.recovery_s, 0.99),
    ]


def _quantile(ordered: Sequence[float], share: float) -> str:
    return f"{ordered[min(len(ordered) - 1, int(share * len(ordered)))]:.1f}" if ordered else "-"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=10_000, help="in all; shared evenly by the faults")
    parser.add_argument("--pause-s", type=float, default=20.0, help="how long a stopped server stays away")
    parser.add_argument("--only", nargs="*", help="names of faults")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
