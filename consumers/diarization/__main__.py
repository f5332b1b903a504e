"""Run the diarization service: settings, wiring, run."""

from datetime import timedelta
from functools import partial

from consumers.diarization.service import STAGE, DiarizationService
from consumers.diarization.settings import DiarizationSettings
from consumers.diarization.worker import DiarizedRecording, make_worker
from infra.bus.stage import Stage
from infra.engine_host import EngineHost
from infra.memory import StageMemory
from infra.service import Wiring, run_service
from infra.speech import SpeechJob, profile_book, recording_policy, warm_profiles
from infra.store import Store
from schemas.records import CallDiarized, CallEnded
from schemas.topics import CALLS_ENDED


def wire(settings: DiarizationSettings) -> Wiring[CallEnded]:
    """Put the service together."""
    book = profile_book(settings)
    host: EngineHost[SpeechJob, DiarizedRecording] = EngineHost(
        partial(
            make_worker,
            policy=recording_policy(settings),
            warm=warm_profiles(settings, book),
            max_pipelines=settings.max_pipelines,
        ),
        name=STAGE,
        log_level=settings.log_level,
        deadline_s=settings.job_deadline_s,
    )
    # Two seconds: a call must not wait long for a memory that it can do without.
    store = Store(settings, timeout_ms=2_000, is_essential=False)
    memory = StageMemory(
        store.results,
        stage=STAGE,
        answer_type=CallDiarized,
        policy=recording_policy(settings),
        lifetime=timedelta(hours=settings.stage_results_lifetime_h),
    )
    service = DiarizationService(host, book, memory)
    stage = Stage(name=STAGE, inputs=(CALLS_ENDED,), handle=service.handle, give_up=service.give_up)
    return Wiring(stage=stage, host=host, store=store)


def main() -> None:
    """Run until a signal asks to stop."""
    run_service(DiarizationSettings(), wire, name=STAGE)


if __name__ == "__main__":
    main()
