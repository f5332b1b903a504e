"""The rules of the house that no single module can keep by itself."""

import ast
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ops.cli.main import app  # noqa: F401 -- proves that the command line imports without any setting

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "infra", "consumers", "producers", "ops")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60

IGNORED = {".git", ".venv", ".hypothesis", ".run", "dist", "build", "__pycache__"}
REASONED = re.compile(
    r"# noqa: [A-Z]+\d+(, [A-Z]+\d+)* (--?|#) \S.*|# type: ignore\[[a-z-]+(, [a-z-]+)*\]\s+# \S.*",
)
SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore)")

# In pieces, so that this file does not name what it looks for.
REGISTRIES = [
    "pypi" + ".org", "python" + "hosted.org", "crates" + ".io", "npm" + "js.org", "pytorch.org" + "/whl",
    "repo." + "maven.apache.org", "repo1." + "maven.org", "proxy." + "golang.org", "anaconda" + ".org",
]  # fmt: skip # one list
OWN_PATHS = re.compile(r"(?<![\w.\-}~])/(?:" + "|".join(["wo" + "rk", "ro" + "ot"]) + r")(?:/|\b)")


@cache
def files() -> tuple[Path, ...]:
    """Every file that could be committed."""
    found = [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file()
        and not any(
            part in IGNORED or part.endswith(("_cache", ".egg-info")) for part in path.relative_to(ROOT).parts
        )
    ]
    assert len(found) > 100
    return tuple(found)


def sources() -> list[Path]:
    return [path for path in files() if path.suffix == ".py"]


def texts() -> Iterator[tuple[Path, str]]:
    for path in files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a model or a recording


def test_imports_go_from_the_services_over_infra_to_schemas_and_services_stay_apart() -> None:
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kept, 0 broken" in done.stdout


@pytest.mark.timeout(600)  # imports everything there is
def test_no_module_reads_the_environment_or_opens_files_and_sockets_when_it_is_imported() -> None:
    witness = Path(__file__).with_name("import_witness.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(witness)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *acts, total = done.stdout.splitlines()
    assert acts == []
    assert total == f"{sum(1 for p in sources() if p.relative_to(ROOT).parts[0] in PACKAGES)} modules"


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in sources()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_every_silenced_warning_has_its_reason_beside_it() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{token.start[0]} {token.string}"
        for path in sources()
        for token in comments(path)
        if SUPPRESSION.search(token.string) and not REASONED.search(token.string)
    ]
    assert bare == []


def comments(path: Path) -> Iterator[tokenize.TokenInfo]:
    with path.open("rb") as source:
        yield from (token for token in tokenize.tokenize(source.readline) if token.type == tokenize.COMMENT)


@pytest.mark.parametrize("host", REGISTRIES)
def test_no_file_names_the_host_of_a_package_registry(host: str) -> None:
    assert [str(path) for path, text in texts() if host in text] == []


def test_no_file_names_a_path_of_the_machine_that_it_was_written_on() -> None:
    named = [
        f"{path}:{number} {line.strip()[:80]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if OWN_PATHS.search(line)
    ]
    assert named == []


def test_every_package_is_pinned_with_its_hashes() -> None:
    locks = [*(ROOT / "ops/requirements").glob("*.txt"), ROOT / "infra/models/requirements-small.txt"]
    assert len(locks) >= 4
    for lock in locks:
        lines = lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        packages = [line for line in lines if line.strip() and not line.startswith("#")]
        assert packages
        pinned = re.compile(r"[\w.\-\[\]]+==\S+( ;.*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
        assert [line[:60] for line in packages if not pinned.fullmatch(line)] == [], lock.name
