"""The README's commands exist, and those that need no server work as they stand there."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from infra.settings import INSTALLATION

pytestmark = pytest.mark.integration

RUN_TRULY = ("transcribe", "diarize", "analyze", "models list", "rules check")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    blocks: list[str] = BLOCK.findall((INSTALLATION / "README.md").read_text(encoding="utf-8"))
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def callytics(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.cli.main", *arguments],
        cwd=INSTALLATION,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_the_readme_shows_the_two_commands_and_the_first_steps() -> None:
    shown = commands()
    assert {"make demo", "make test"} <= set(shown)
    verbs = {" ".join(line.split()[:2]) for line in shown}
    assert {"callytics show", "callytics up", "callytics run", "callytics publish"} <= verbs


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("make ")])
def test_what_the_readme_makes_is_a_target_of_the_makefile(line: str) -> None:
    makefile = (INSTALLATION / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(line.split()[1])}:", makefile, re.MULTILINE)


@pytest.mark.parametrize("line", [line for line in commands() if not line.startswith("make ")])
def test_a_command_of_the_readme_works_or_at_least_exists(line: str) -> None:
    program, *arguments = shlex.split(line)
    if program == "export":
        assert all(re.fullmatch(r"CALLYTICS_[A-Z_]+=.+", argument) for argument in arguments)
        return
    assert program == "callytics"
    truly = line.removeprefix("callytics ").startswith(RUN_TRULY)
    done = callytics(arguments if truly else [*arguments, "--help"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if not truly:
        unknown = [option for option in arguments if option.startswith("--") and option not in done.stdout]
        assert unknown == []
