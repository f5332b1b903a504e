"""Many speakers: espeak-ng voice variants with random throats, in a private copy of the voice data."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import espeakng_loader

STOCK_VOICES: Final = (
    "m1", "m2", "m4", "m8", "f1", "f3", "adam", "Alex", "Alicia", "Andy", "antonio", "aunty", "benjamin",
    "boris", "caleb", "david", "ed", "edward", "Gene", "Henrique", "iven", "iven3", "Jacky", "john", "Lee",
    "marcelo", "Mario", "max", "michel", "miguel", "Nguyen", "pablo", "pedro", "quincy", "rob", "robert",
    "sandro", "shelby", "steph", "steph3", "travis", "zac", "anika", "klatt", "klatt3", "klatt4", "norbert",
    "grandpa",
)  # fmt: skip # names, a line each would be long
"""Variants of the package that train; the others (m3, m5, m7, f2, f4, Annie …) are left for tests."""
_FORMANTS: Final = 9
_LIKELY: Final = 0.5
_ECHO_SHARE: Final = 0.3
_KLATT_SHARE: Final = 0.15


@contextmanager
def voice_data(count: int, *, seed: int) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """(data folder, names of ``count`` random variants in it), for as long as the context lasts."""
    rng = Random(seed)
    with TemporaryDirectory() as folder:
        data = Path(folder) / "espeak-ng-data"
        shutil.copytree(espeakng_loader.get_data_path(), data)
        names = tuple(f"random{index:04d}" for index in range(count))
        for name in names:
            (data / "voices" / "!v" / name).write_text(random_variant(name, rng), encoding="utf-8")
        yield data, names


def random_variant(name: str, rng: Random) -> str:
    """The text of a voice variant: a vocal tract 0.88 to 1.24 times the usual, and its own colour."""
    female = rng.random() < _LIKELY
    tract = rng.uniform(1.04, 1.24) if female else rng.uniform(0.88, 1.06)
    lowest = rng.uniform(140, 230) if female else rng.uniform(66, 128)
    lines = [
        "language variant",
        f"name {name}",
        f"gender {'female' if female else 'male'}",
        f"pitch {lowest:.0f} {lowest * rng.uniform(1.15, 1.7):.0f}",
        *(_formant(number, tract, rng) for number in range(_FORMANTS)),
        f"roughness {rng.choice([0, 0, 1, 2, 3, 4])}",
        f"flutter {rng.randint(0, 3)}",
        f"voicing {rng.randint(70, 140)}",
        f"consonants {rng.randint(60, 120)} {rng.randint(60, 120)}",
        *_extras(rng),
    ]
    return "\n".join(lines) + "\n"


def _formant(number: int, tract: float, rng: Random) -> str:
    frequency = 100 * (tract * rng.uniform(0.94, 1.06) if number else rng.uniform(0.95, 1.05))
    return f"formant {number} {frequency:.0f} {rng.uniform(60, 130):.0f} {rng.uniform(75, 150):.0f}"


def _extras(rng: Random) -> Iterator[str]:
    if rng.random() < _LIKELY:
        yield "breath " + " ".join(str(rng.randint(0, 5)) for _ in range(8))
    if rng.random() < _LIKELY:
        bands = ((100, 400, 150, 255), (600, 1000, 60, 255), (1200, 1800, 40, 220), (2000, 3200, 30, 180))
        yield "tone " + " ".join(f"{rng.randint(a, b)} {rng.randint(c, d)}" for a, b, c, d in bands)
    if rng.random() < _ECHO_SHARE:
        yield f"echo {rng.randint(30, 120)} {rng.randint(5, 15)}"
    if rng.random() < _KLATT_SHARE:
        yield f"klatt {rng.randint(1, 5)}"
