"""What holds for every test."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers import real_stack  # noqa: F401 -- a fixture of several folders

_HERE = Path(__file__).parent
_OURS = ("CALLYTICS_", "OTEL_")


# The same examples each time; to look for new ones: pytest --hypothesis-profile=default.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the settings of the machine that it runs on."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        monkeypatch.delenv(name)


_SERVERS = {
    "real": "servers",
    "fault": "servers",
    "e2e": "pipeline",
    "speech": "pipeline",
    "integration": "stack",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run side by side (``pytest -n``), those that share servers share a process."""
    for item in items:
        folder = item.path.parent.relative_to(_HERE).parts[:1]
        shared = (
            "servers" if "real_stack" in getattr(item, "fixturenames", ()) else _SERVERS.get("".join(folder))
        )
        if shared:
            item.add_marker(pytest.mark.xdist_group(shared))
