"""The server programs are fetched once, as a whole or not at all."""

import shutil
from pathlib import Path

import pytest

from infra.errors import ErrorCode, Fatal
from infra.maven import distributions

FETCHES = """#!/bin/sh
echo fetched >>fetches
for word; do case $word in -Ddestination=*) target=${word#-Ddestination=} ;; esac; done
mkdir -p "$target/kafka" "$target/registry"
test -f pom.xml && cp fetches "$target/kafka/"
"""
BREAKS_OFF = FETCHES + "exit 1\n"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole path: the shell's own commands, and what a test puts there."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("sh", "mkdir", "cp", "test"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def _put(tools: Path, name: str, script: str = "#!/bin/sh\n") -> None:
    (tools / name).write_text(script, encoding="utf-8")
    (tools / name).chmod(0o755)


def test_missing_tools_are_told_with_the_packages_that_bring_them(tools: Path, tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="java and mvn: apt install openjdk-17-jre-headless maven"):
        distributions(tmp_path / "cache")
    _put(tools, "java")
    with pytest.raises(Fatal, match="need mvn: apt install maven") as caught:
        distributions(tmp_path / "cache")
    assert caught.value.code is ErrorCode.RESOURCE
    assert not (tmp_path / "cache").exists()


def test_what_was_fetched_is_not_fetched_again(tools: Path, tmp_path: Path) -> None:
    _put(tools, "java")
    _put(tools, "mvn", FETCHES)
    first = distributions(tmp_path / "cache")
    assert (first.kafka / "fetches").read_text(encoding="utf-8") == "fetched\n"
    assert first.registry.is_dir()
    _put(tools, "mvn", BREAKS_OFF)
    assert distributions(tmp_path / "cache") == first


def test_a_fetch_that_breaks_off_leaves_nothing_and_can_be_done_again(tools: Path, tmp_path: Path) -> None:
    _put(tools, "java")
    _put(tools, "mvn", BREAKS_OFF)
    with pytest.raises(Fatal, match=r"exit code 1.*mvn\.log"):
        distributions(tmp_path / "cache")
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
    _put(tools, "mvn", FETCHES)
    assert distributions(tmp_path / "cache").kafka.is_dir()
