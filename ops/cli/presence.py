"""Whether the models that a profile names are on this machine."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra.models.fetch import is_present
from infra.models.manifest import small_manifest
from infra.profiles import Profile


class Presence(StrEnum):
    """Where a profile's models are."""

    HERE = "here"
    MISSING = "missing"
    """Not here, and no hub has it under this name."""
    HUB = "hub"
    """Not here: the first use fetches it from the model hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileState:
    """A profile's models and, where they are not here, what to do."""

    name: str
    transcription: str
    diarization: str
    presence: Presence
    remedy: str | None = None


def state_of(profile: Profile, model_cache: Path) -> ProfileState:
    """Look for both models of a profile; nothing is fetched or loaded."""
    asr, dia = profile.transcription.model, profile.diarization.pipeline
    places = [_place(asr, model_cache, is_whisper=True), _place(dia, model_cache, is_whisper=False)]
    presence = next((p for p in (Presence.MISSING, Presence.HUB) if p in places), Presence.HERE)
    remedies = {
        Presence.HERE: None,
        Presence.MISSING: f"callytics models fetch {small_manifest().name}",
        Presence.HUB: "the first use fetches it: needs the model hub, and HF_TOKEN where it is gated",
    }
    return ProfileState(
        name=profile.name,
        transcription=_shown(asr),
        diarization=_shown(dia),
        presence=presence,
        remedy=remedies[presence],
    )


def _place(name: str, model_cache: Path, *, is_whisper: bool) -> Presence:
    fetched = small_manifest().name
    if Path(name).is_absolute():
        belongs = (model_cache / fetched).resolve() in Path(name).parents
        return Presence.MISSING if belongs and not is_present(model_cache) else Presence.HERE
    if name.split("/", maxsplit=1)[0] == fetched:
        return Presence.MISSING
    return Presence.HERE if (_has_whisper if is_whisper else _has_pipeline)(name) else Presence.HUB


def _has_whisper(name: str) -> bool:
    from faster_whisper.utils import download_model  # noqa: PLC0415 -- a second of import, only for hub names

    try:
        download_model(name, local_files_only=True)
    except Exception:  # noqa: BLE001 -- whatever the hub's client says of it, it is not here
        return False
    return True


def _has_pipeline(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 -- the same
    from huggingface_hub.errors import HFValidationError  # noqa: PLC0415 -- the same

    try:
        return isinstance(try_to_load_from_cache(name, "config.yaml"), str)
    except HFValidationError:
        return False


def _shown(name: str) -> str:
    path = Path(name)
    return "/".join(path.parts[-2:]) if path.is_absolute() else name
