"""Run the diarization service: settings, wiring, run."""

from functools import partial

from consumers.diarization.service import STAGE, DiarizationService
from consumers.diarization.settings import DiarizationSettings
from consumers.diarization.worker import DiarizedRecording, make_worker
from infra.bus.stage import Stage
from infra.engine_host import EngineHost
from infra.service import Wiring, run_service
from infra.speech import SpeechJob, profile_book, recording_policy, warm_profiles
from schemas.records import CallEnded
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
    service = DiarizationService(host, book)
    stage = Stage(name=STAGE, inputs=(CALLS_ENDED,), handle=service.handle, give_up=service.give_up)
    return Wiring(stage=stage, host=host)


def main() -> None:
    """Run until a signal asks to stop."""
    run_service(DiarizationSettings(), wire, name=STAGE)


if __name__ == "__main__":
    main()
