"""Fills ``quality``: each part of it from its own module; a part that raises costs only itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from consumers.analysis.guard import guarded
from consumers.analysis.quality import speech_style
from consumers.analysis.quality.courtesy import courtesy
from consumers.analysis.quality.courtesy import versions as courtesy_versions
from consumers.analysis.quality.listening import listening
from consumers.analysis.quality.script import script
from consumers.analysis.quality.script import versions as script_versions
from consumers.analysis.quality.speaking import speaking
from consumers.analysis.skips import NOTHING
from consumers.analysis.tables import Tables
from consumers.analysis.view import CallView, Findings
from schemas.quality import Quality


@dataclass(frozen=True, slots=True)
class QualityAnalyser:
    """Communication quality of agent and customer."""

    name: str = "quality"

    def versions(self, tables: Tables) -> Mapping[str, str]:
        """The tables of its parts."""
        return {**speech_style.versions(tables), **courtesy_versions(tables), **script_versions(tables)}

    def analyse(self, call: CallView) -> Findings:
        """Every part; those that need what this call lacks are skipped one by one."""
        found = [
            guarded(f"quality.{part.__name__}", call, partial(part, call), NOTHING)
            for part in (listening, speaking, courtesy, script)
        ]
        fields = {name: value for (values, _), _ in found for name, value in values.items()}
        skipped = [entry for (_, missing), failed in found for entry in (*missing, *failed)]
        return Findings(fields={"quality": Quality.model_validate(fields)}, skipped=skipped)
