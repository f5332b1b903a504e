"""A profile of downloaded models is whole and as pinned, or it is not there."""

import errno
import hashlib
import os
import shutil
import zipfile
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import ValidationError

from infra.errors import ErrorCode, Fatal, Retryable
from infra.models import fetch
from infra.models.fetch import Problem, fetch_profile, is_present, verify_profile
from infra.models.manifest import Manifest, ModelFile, Package, Part, small_manifest

MEMBERS = {
    "alpha": {"alpha/data/model.bin.part1": b"first half, ", "alpha/data/config.json": b"{}"},
    "beta": {"beta/data/model.bin.part2": b"second half"},
}
WHOLE = {"asr/model.bin": b"first half, second half", "asr/config.json": b"{}"}


def build_wheel(directory: Path, name: str, members: dict[str, bytes]) -> Path:
    """The smallest archive that pip takes for a wheel."""
    wheel = directory / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    meta = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, content in {**members, **meta}.items():
            archive.writestr(member, content)
    return wheel


def described(path: str, content: bytes, *parts: Part) -> ModelFile:
    digest = hashlib.sha256(content).hexdigest()
    return ModelFile(
        path=path, bytes=len(content), sha256=digest, licence="MIT", upstream="here", parts=parts
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "packages"
    directory.mkdir()
    for name, members in MEMBERS.items():
        build_wheel(directory, name, members)
    return directory


@pytest.fixture
def manifest(source: Path) -> Manifest:
    wheels = {name: source / f"{name}-1.0-py3-none-any.whl" for name in MEMBERS}
    digests = {name: hashlib.sha256(wheel.read_bytes()).hexdigest() for name, wheel in wheels.items()}
    halves = (
        Part(package="alpha", member="alpha/data/model.bin.part1"),
        Part(package="beta", member="beta/data/model.bin.part2"),
    )
    return Manifest(
        name="tiny",
        packages=tuple(Package(name=n, version="1.0", bytes=w.stat().st_size) for n, w in wheels.items()),
        files=(
            described("asr/model.bin", WHOLE["asr/model.bin"], *halves),
            described("asr/config.json", b"{}", Part(package="alpha", member="alpha/data/config.json")),
        ),
        requirements=tuple(f"{name}==1.0 --hash=sha256:{digest}" for name, digest in digests.items()),
    )


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def nothing_but_downloads(cache: Path) -> bool:
    """No half profile: neither the profile nor a staging directory is left."""
    return {entry.name for entry in cache.iterdir()} <= {"downloads", ".fetch.lock"}


def test_a_fetched_profile_is_whole_and_leaves_no_packages(
    cache: Path, source: Path, manifest: Manifest
) -> None:
    seen: list[tuple[str, int, int]] = []
    root = fetch_profile(cache, source=source, manifest=manifest, progress=lambda *step: seen.append(step))
    assert {str(f.relative_to(root)): f.read_bytes() for f in root.rglob("*") if f.is_file()} == WHOLE
    assert is_present(cache, manifest=manifest)
    assert verify_profile(cache, manifest=manifest) == []
    assert {entry.name for entry in cache.iterdir()} == {"tiny", ".fetch.lock"}
    assert seen[-1] == ("asr/config.json", 2, 2)
    assert ("beta", 0, manifest.packages[1].bytes) in seen


def test_a_whole_profile_is_not_fetched_again(cache: Path, source: Path, manifest: Manifest) -> None:
    fetch_profile(cache, source=source, manifest=manifest)
    shutil.rmtree(source)
    assert fetch_profile(cache, source=source, manifest=manifest) == cache / "tiny"


def test_a_damaged_file_is_told_and_repaired(cache: Path, source: Path, manifest: Manifest) -> None:
    root = fetch_profile(cache, source=source, manifest=manifest)
    (root / "asr/config.json").write_bytes(b"[]")
    (root / "asr/model.bin").unlink()
    assert not is_present(cache, manifest=manifest)
    assert verify_profile(cache, manifest=manifest) == [
        Problem(path="asr/model.bin", reason="missing"),
        Problem(path="asr/config.json", reason="the bytes differ from the manifest (SHA-256)"),
    ]
    fetch_profile(cache, source=source, manifest=manifest)
    assert verify_profile(cache, manifest=manifest) == []


def test_a_package_with_other_bytes_than_pinned_is_refused(
    cache: Path, source: Path, manifest: Manifest
) -> None:
    build_wheel(source, "beta", {"beta/data/model.bin.part2": b"Second half"})
    with pytest.raises(Fatal, match=r"beta==1\.0 is not the package that was pinned") as refused:
        fetch_profile(cache, source=source, manifest=manifest)
    assert refused.value.code is ErrorCode.CONTRACT
    assert nothing_but_downloads(cache)


def test_a_file_with_a_wrong_byte_is_refused(cache: Path, source: Path, manifest: Manifest) -> None:
    wrong = manifest.files[1].model_copy(update={"sha256": "0" * 64})
    manifest = manifest.model_copy(update={"files": (manifest.files[0], wrong)})
    with pytest.raises(Fatal, match=r"asr/config\.json is not what the manifest names"):
        fetch_profile(cache, source=source, manifest=manifest)
    assert nothing_but_downloads(cache)


def test_a_package_without_the_member_is_refused(cache: Path, source: Path, manifest: Manifest) -> None:
    lost = described("asr/config.json", b"{}", Part(package="alpha", member="alpha/gone.json"))
    manifest = manifest.model_copy(update={"files": (manifest.files[0], lost)})
    with pytest.raises(Fatal, match=r"alpha does not hold alpha/gone\.json"):
        fetch_profile(cache, source=source, manifest=manifest)
    assert nothing_but_downloads(cache)


def test_a_withdrawn_package_says_so_and_the_next_fetch_goes_on_where_it_stopped(
    cache: Path, source: Path, manifest: Manifest
) -> None:
    beta = source / "beta-1.0-py3-none-any.whl"
    away = source.parent / beta.name
    beta.rename(away)
    with pytest.raises(Fatal, match=r"beta==1\.0 is not to be had") as refused:
        fetch_profile(cache, source=source, manifest=manifest)
    assert refused.value.code is ErrorCode.INPUT_MISSING
    assert nothing_but_downloads(cache)
    away.rename(beta)
    (source / "alpha-1.0-py3-none-any.whl").unlink()
    fetch_profile(cache, source=source, manifest=manifest)
    assert verify_profile(cache, manifest=manifest) == []


def test_a_torn_download_is_fetched_again(cache: Path, source: Path, manifest: Manifest) -> None:
    """A process killed in the middle leaves a torn wheel and a staging directory behind."""
    torn = cache / "downloads" / "alpha-1.0-py3-none-any.whl"
    torn.parent.mkdir(parents=True)
    torn.write_bytes((source / torn.name).read_bytes()[:100])
    (cache / ".tiny-killed" / "tiny").mkdir(parents=True)
    fetch_profile(cache, source=source, manifest=manifest)
    assert verify_profile(cache, manifest=manifest) == []
    assert {entry.name for entry in cache.iterdir()} == {"tiny", ".fetch.lock"}


def test_too_little_free_space_is_told_before_anything_is_downloaded(
    cache: Path, source: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 0))
    with pytest.raises(Retryable, match="no space for the model profile") as full:
        fetch_profile(cache, source=source, manifest=manifest)
    assert full.value.code is ErrorCode.RESOURCE
    assert {entry.name for entry in cache.iterdir()} == {".fetch.lock"}


def test_a_disk_that_fills_up_while_writing_leaves_no_half_profile(
    cache: Path, source: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Retryable, match="no space for the model profile"):
            fetch_profile(cache, source=source, manifest=manifest)
    assert nothing_but_downloads(cache)
    shutil.rmtree(source)
    fetch_profile(cache, source=source, manifest=manifest)
    assert verify_profile(cache, manifest=manifest) == []


def test_a_cache_that_is_no_directory_is_fatal(tmp_path: Path, source: Path, manifest: Manifest) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Fatal, match="Make it a writable directory"):
        fetch_profile(tmp_path / "file" / "cache", source=source, manifest=manifest)


def test_an_index_that_does_not_answer_is_worth_another_try() -> None:
    said = (
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'\nERROR: No match"
    )
    error = fetch._pip_error("alpha==1.0", said, offline=False)
    assert isinstance(error, Retryable)
    assert error.code is ErrorCode.TRANSIENT


def test_a_manifest_without_a_pin_is_refused(manifest: Manifest) -> None:
    with pytest.raises(ValidationError, match="no hash-pinned requirement for beta"):
        Manifest.model_validate({**manifest.model_dump(), "requirements": manifest.requirements[:1]})


def test_the_shipped_manifest_names_every_file_that_the_profile_needs() -> None:
    assert {file.path for file in small_manifest().files} == {
        "asr/model.bin",
        "asr/config.json",
        "asr/tokenizer.json",
        "asr/vocabulary.txt",
        "diarization/segmentation/pytorch_model.bin",
        "diarization/embedding/campplus.pt",
    }
