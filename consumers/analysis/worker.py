"""The part of the service that lives in the engine's process: both parts of a call in, document out."""

import gc
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from consumers.analysis.engine import AnalysisEngine
from schemas.document import CallDocument
from schemas.records import CallDiarized, CallTranscribed

YOUNG_OBJECTS = 50_000
"""So many new objects are left before the collector looks for cycles: a call makes fewer that outlive it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisJob:
    """Both parts of one run of one call."""

    transcribed: CallTranscribed
    diarized: CallDiarized


class AnalysisWorker:
    """Analyses one call after the other with warm tokenisers."""

    def __init__(self, engine: AnalysisEngine) -> None:
        self._engine = engine

    def warm_up(self) -> None:
        """Load tokenisers and tables. Fatal when a table is wrong."""
        self._engine.warm_up()
        # What is loaded stays. Else the collector walks through all of it every few calls, for a tenth of a second.
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)

    def run(self, job: AnalysisJob) -> CallDocument:
        """Analyse one call."""
        return self._engine.analyse(job.transcribed, job.diarized)


def make_worker(*, rules_dir: Path | None = None, pii_key: SecretStr | None = None) -> AnalysisWorker:
    """Build the worker; called inside the engine's process."""
    return AnalysisWorker(AnalysisEngine(rules_dir=rules_dir, pii_key=pii_key))
