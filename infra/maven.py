"""Server programs out of Maven artifacts: fetched once by ``mvn``, which checks their checksums, then kept."""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from infra.errors import ErrorCode, Fatal

_POM = Path(__file__).with_name("servers.pom.xml")
"""Names every version and says where each artifact goes."""
_GOALS = ("dependency:copy-dependencies@kafka", "dependency:unpack@registry")
_FETCH_S = 900.0
_APT = {"java": "openjdk-17-jre-headless", "mvn": "maven"}

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributions:
    """Folders of the server programs and the ``java`` that runs them."""

    java: str
    kafka: Path
    registry: Path


def missing_tools() -> tuple[str, ...]:
    """Which of ``java`` and ``mvn`` are not on the path."""
    return tuple(tool for tool in _APT if shutil.which(tool) is None)


def how_to_install(tools: tuple[str, ...]) -> str:
    """What installs these tools on Debian and Ubuntu."""
    return f"apt install {' '.join(_APT[tool] for tool in tools)}"


def distributions(cache: Path) -> Distributions:
    """The server programs in ``cache``, fetched when they are not there yet.

    Fatal when ``java`` or ``mvn`` is missing or the artifacts are not to be had; the cache is then as it was.
    """
    if missing := missing_tools():
        message = f"the real servers need {' and '.join(missing)}: {how_to_install(missing)}"
        raise Fatal(ErrorCode.RESOURCE, message)
    home = cache / hashlib.sha256(_POM.read_bytes()).hexdigest()[:16]
    if not home.is_dir():
        with _one_at_a_time(cache):
            if not home.is_dir():
                _fetch(home)
    return Distributions(
        java=shutil.which("java") or "java", kafka=home / "kafka", registry=home / "registry"
    )


@contextmanager
def _one_at_a_time(cache: Path) -> Iterator[None]:
    """Of two processes that need the same artifacts the second one waits."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(home: Path) -> None:
    """Fetch beside the target and move it there when it is complete."""
    _log.info("servers_fetching", directory=str(home))
    for left_over in home.parent.glob(".staged-*"):
        shutil.rmtree(left_over)
    with tempfile.TemporaryDirectory(prefix=".staged-", dir=home.parent) as staged:
        destination = Path(staged) / home.name
        log = home.parent / "mvn.log"
        with log.open("wb") as output:
            code = _run_maven(destination, output.fileno())
        if code != 0:
            message = (
                f"mvn could not fetch the real servers (exit code {code}); check its network and read {log}"
            )
            raise Fatal(ErrorCode.RESOURCE, message)
        destination.rename(home)


def _run_maven(destination: Path, output: int) -> int:
    # Maven writes beside the file that it reads.
    shutil.copyfile(_POM, destination.with_name("pom.xml"))
    options = ["--batch-mode", "--quiet", "--strict-checksums", f"-Ddestination={destination}"]
    try:
        return subprocess.run(  # noqa: S603 -- a program of our own choice, no shell
            ["mvn", *options, *_GOALS],  # noqa: S607 -- found on the user's path
            cwd=destination.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=_FETCH_S,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired as error:
        message = f"mvn did not fetch the real servers within {_FETCH_S:g} s; check its network"
        raise Fatal(ErrorCode.TIMEOUT, message) from error
