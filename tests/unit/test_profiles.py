"""Profiles files: which profile a call meets, and what a wrong file says."""

from pathlib import Path

import pytest

from infra.errors import ErrorCode, Fatal, Poison
from infra.profiles import ProfileBook, load_profiles
from infra.settings import INSTALLATION
from schemas.records import Call, CallEnded, Recording

FILE = """
profiles:
  demo:
    transcription: {model: demo/asr, compute_type: int8, languages: [ko, en], self_test: hello.wav}
    diarization: {pipeline: demo/diarization}
  large:
    transcription: {model: large-v3}
    diarization: {kind: pyannote, pipeline: pyannote/speaker-diarization-community-1}
routes:
  - {queue: support-ko, language: ko, profile: demo}
  - {queue: support-ko, profile: large}
  - {tenant: acme, profile: demo}
default: large
"""


def _write(folder: Path, text: str) -> Path:
    file = folder / "profiles.yaml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def book(tmp_path: Path) -> ProfileBook:
    return load_profiles(_write(tmp_path, FILE), model_cache=tmp_path / "cache")


def _event(*, tenant: str = "default", language: str | None = None, queue: str | None = None) -> CallEnded:
    return CallEnded(
        event_id="e",
        call_id="c",
        tenant=tenant,
        run_id="1",
        produced_at_ms=0,
        call=Call(recording=Recording(uri="file:///c.wav"), language_hint=language, queue=queue),
    )


def test_the_first_route_that_matches_wins(book: ProfileBook) -> None:
    assert book.route(_event(queue="support-ko", language="ko")).name == "demo"
    assert book.route(_event(queue="support-ko", tenant="acme")).name == "large"


def test_every_given_field_of_a_route_must_match(book: ProfileBook) -> None:
    assert book.route(_event(queue="support-ko", language="en")).name == "large"
    assert book.route(_event(queue="sales", language="ko")).name == "large"


def test_a_route_by_tenant(book: ProfileBook) -> None:
    assert book.route(_event(tenant="acme")).name == "demo"


def test_a_call_that_no_route_matches_meets_the_default(book: ProfileBook) -> None:
    assert book.route(_event()).name == "large"


def test_what_the_file_leaves_out_has_its_default(book: ProfileBook) -> None:
    demo = book.get("demo")
    assert (demo.transcription.batch_size, demo.transcription.beam_size) == (8, 5)
    assert demo.transcription.max_window_s == 30.0
    assert demo.transcription.languages == ("ko", "en")
    assert demo.diarization.kind == "pyannote"
    assert book.get("large").transcription.self_test is None


def test_an_unknown_profile_is_the_events_fault_and_the_known_ones_are_named(book: ProfileBook) -> None:
    with pytest.raises(Poison, match="demo, large") as caught:
        book.get("gone")
    assert caught.value.code is ErrorCode.CONTRACT


def test_models_that_lie_beside_the_file_or_in_the_cache_become_absolute_paths(tmp_path: Path) -> None:
    (tmp_path / "demo" / "asr").mkdir(parents=True)
    (tmp_path / "hello.wav").touch()
    cache = tmp_path / "cache"
    (cache / "demo" / "diarization").mkdir(parents=True)
    book = load_profiles(_write(tmp_path, FILE), model_cache=cache)
    demo = book.get("demo")
    assert demo.transcription.model == str((tmp_path / "demo" / "asr").resolve())
    assert demo.transcription.self_test == str((tmp_path / "hello.wav").resolve())
    assert demo.diarization.pipeline == str((cache / "demo" / "diarization").resolve())


def test_a_model_that_is_no_local_path_stays_a_hub_name(book: ProfileBook) -> None:
    assert book.get("large").transcription.model == "large-v3"
    assert book.get("large").diarization.pipeline == "pyannote/speaker-diarization-community-1"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "profiles"),
        ("profiles: [demo]\ndefault: demo", "profiles"),
        ("profiles: {demo: 3}\ndefault: demo", "profiles"),
        ("just a line of text", "profiles"),
        ("profiles: {", "profiles"),
        (FILE.replace("default: large", ""), "default"),
        (FILE.replace("default: large", "default: huge"), "huge"),
        (FILE.replace("{tenant: acme, profile: demo}", "{tenant: acme, profile: gone}"), "gone"),
        (FILE.replace("compute_type", "compute_typ"), "compute_typ"),
        (FILE.replace("kind: pyannote", "kind: magic"), "kind"),
    ],
)
def test_a_wrong_file_is_fatal_and_the_message_names_file_and_fault(
    tmp_path: Path, text: str, named: str
) -> None:
    file = _write(tmp_path, text)
    with pytest.raises(Fatal) as caught:
        load_profiles(file, model_cache=tmp_path)
    assert caught.value.code is ErrorCode.CONTRACT
    assert str(file) in caught.value.message
    assert named in caught.value.message


def test_a_missing_file_is_fatal(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"none\.yaml"):
        load_profiles(tmp_path / "none.yaml", model_cache=tmp_path)


def test_a_file_that_is_no_utf8_is_fatal(tmp_path: Path) -> None:
    file = tmp_path / "profiles.yaml"
    file.write_bytes("default: 데모".encode("cp949"))
    with pytest.raises(Fatal, match=r"profiles\.yaml"):
        load_profiles(file, model_cache=tmp_path)


def test_the_file_that_is_shipped_can_be_used(tmp_path: Path) -> None:
    file = INSTALLATION / "ops" / "models" / "profiles.yaml"
    book = load_profiles(file, model_cache=tmp_path)
    assert book.get(book.default) in book.profiles
