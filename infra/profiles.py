"""Model profiles and the routes that choose one for a call.

A profile names one Whisper model and one diarization pipeline. The file is YAML::

    profiles:
      demo:
        transcription: {model: demo/asr, compute_type: int8, languages: [ko, en], max_window_s: 10}
        diarization: {kind: pyannote, pipeline: demo/diarization}
    routes:
      - {queue: support-ko, profile: demo}     # tenant, language, queue: first match wins
    default: production

A ``model`` or ``pipeline`` that names an existing directory, absolute, below the file's own folder or below
the model cache, is that directory; anything else is a hub name.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from infra.errors import ErrorCode, Fatal, Poison
from schemas.records import CallEnded, StageEvent

Device = Literal["auto", "cpu", "cuda"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TranscriptionProfile(_Frozen):
    """How to load and run one Whisper model.

    ``language`` fixes the language; otherwise the call's hint decides, otherwise it is detected among
    ``languages`` (None: all that the model knows). ``max_window_s`` bounds one decoding window in seconds.
    """

    model: str
    device: Device = "auto"
    compute_type: str = "default"
    cpu_threads: Annotated[int, Field(ge=0)] = 0
    batch_size: Annotated[int, Field(ge=1, le=128)] = 8
    beam_size: Annotated[int, Field(ge=1, le=10)] = 5
    language: str | None = None
    languages: tuple[str, ...] | None = None
    max_window_s: Annotated[float, Field(ge=1, le=30)] = 30.0
    self_test: str | None = None
    """A recording, with the words that it must yield in ``self_test_words``; relative like ``model``."""
    self_test_words: tuple[str, ...] = ()


class DiarizationProfile(_Frozen):
    """How to load and run one diarization pipeline.

    ``pyannote`` runs ``pipeline`` (directory or hub name) as it is. ``windows`` takes speech and overlap from
    the segmentation model below the directory ``pipeline`` and identity from sliding speaker embeddings.
    """

    kind: Literal["pyannote", "windows"] = "pyannote"
    pipeline: str
    device: Device = "auto"
    batch_size: Annotated[int, Field(ge=1, le=256)] = 32


class Profile(_Frozen):
    """One name for the models that a call meets."""

    name: str
    transcription: TranscriptionProfile
    diarization: DiarizationProfile


class Route(_Frozen):
    """Calls that match every given field go to ``profile``."""

    tenant: str | None = None
    language: str | None = None
    queue: str | None = None
    profile: str

    def matches(self, event: CallEnded | StageEvent) -> bool:
        """Whether every field that the route gives equals the call's."""
        seen = {"tenant": event.tenant, "language": event.call.language_hint, "queue": event.call.queue}
        return all(getattr(self, field) in (None, value) for field, value in seen.items())


class ProfileBook(_Frozen):
    """All profiles and routes of an installation."""

    profiles: tuple[Profile, ...]
    routes: tuple[Route, ...] = ()
    default: str

    @model_validator(mode="after")
    def _names_known(self) -> Self:
        unknown = {self.default, *(route.profile for route in self.routes)} - {p.name for p in self.profiles}
        if unknown:
            raise ValueError(f"unknown profiles {sorted(unknown)} in routes or default")
        return self

    def get(self, name: str) -> Profile:
        """The profile of that name; Poison when there is none."""
        for profile in self.profiles:
            if profile.name == name:
                return profile
        known = ", ".join(p.name for p in self.profiles)
        raise Poison(ErrorCode.CONTRACT, f"no profile {name!r}; the profiles file has: {known}")

    def route(self, event: CallEnded | StageEvent) -> Profile:
        """The profile of the first route that matches the call, else the default."""
        for route in self.routes:
            if route.matches(event):
                return self.get(route.profile)
        return self.get(self.default)


def load_profiles(file: Path, *, model_cache: Path) -> ProfileBook:
    """Read a profiles file; every local model path comes back absolute. Fatal when the file is wrong."""
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
        profiles = [{"name": name, **body} for name, body in raw.pop("profiles").items()]
        book = ProfileBook.model_validate({"profiles": profiles, **raw})
    except (OSError, ValueError, yaml.YAMLError, KeyError, AttributeError, TypeError) as error:
        raise Fatal(ErrorCode.CONTRACT, f"profiles file {file} cannot be used: {error}") from error
    roots = (file.parent, model_cache)
    return book.model_copy(update={"profiles": tuple(_with_paths(p, roots) for p in book.profiles)})


def _with_paths(profile: Profile, roots: tuple[Path, ...]) -> Profile:
    asr, dia = profile.transcription, profile.diarization
    self_test = _resolve(asr.self_test, roots) if asr.self_test else None
    return profile.model_copy(
        update={
            "transcription": asr.model_copy(
                update={"model": _resolve(asr.model, roots), "self_test": self_test},
            ),
            "diarization": dia.model_copy(update={"pipeline": _resolve(dia.pipeline, roots)}),
        },
    )


def _resolve(name: str, roots: tuple[Path, ...]) -> str:
    """An existing file or directory below one of the roots as an absolute path, else the name unchanged."""
    for root in roots:
        if (root / name).exists():
            return str((root / name).resolve())
    return name
