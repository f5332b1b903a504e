"""Run the analysis service: settings, wiring, run."""

from functools import partial

from consumers.analysis.assistant import Assistant, ChatAssistant
from consumers.analysis.service import STAGE, AnalysisService, Part
from consumers.analysis.settings import AnalysisSettings
from consumers.analysis.worker import make_worker
from infra.bus.stage import Stage
from infra.engine_host import EngineHost
from infra.service import Wiring, run_service
from infra.store import Store
from schemas.topics import CALLS_DIARIZED, CALLS_TRANSCRIBED


def wire(settings: AnalysisSettings) -> Wiring[Part]:
    """Put the service together."""
    host = EngineHost(
        partial(make_worker, rules_dir=settings.rules_dir, pii_key=settings.pii_hash_key),
        name=STAGE,
        log_level=settings.log_level,
        deadline_s=settings.job_deadline_s,
    )
    store = Store(settings)
    service = AnalysisService(host, store, assistant=_assistant(settings))
    stage = Stage(
        name=STAGE,
        inputs=(CALLS_TRANSCRIBED, CALLS_DIARIZED),
        handle=service.handle,
        give_up=service.give_up,
    )
    return Wiring(stage=stage, host=host, store=store)


def _assistant(settings: AnalysisSettings) -> Assistant | None:
    """The operator's language model, where there is one."""
    if settings.assistant_url is None:
        return None
    return ChatAssistant(
        url=settings.assistant_url,
        model=settings.assistant_model or "",
        key=settings.assistant_key,
        timeout_s=settings.assistant_timeout_s,
    )


def main() -> None:
    """Run until a signal asks to stop."""
    run_service(AnalysisSettings(), wire, name=STAGE)


if __name__ == "__main__":
    main()
