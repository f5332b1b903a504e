"""What is shipped as a model: ``python -m ops.models.manifest DIR`` writes ``MANIFEST.json`` of a folder."""

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

MANIFEST: Final = "MANIFEST.json"
_NOT_LISTED: Final = {MANIFEST, "README.md"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file: its path below the folder, its size and its SHA-256."""

    file: str
    bytes: int
    sha256: str


def entries(folder: Path) -> list[Entry]:
    """Every file below ``folder`` but the manifest and the readme, in order of path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in _NOT_LISTED)
    return [
        Entry(
            file=path.relative_to(folder).as_posix(),
            bytes=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in files
    ]


def read_manifest(folder: Path) -> list[Entry]:
    """What the manifest of ``folder`` promises."""
    document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return [Entry(**entry) for entry in document]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m ops.models.manifest", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    document = [asdict(entry) for entry in entries(folder)]
    (folder / MANIFEST).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
